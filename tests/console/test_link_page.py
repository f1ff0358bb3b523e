"""Page of a link in an alert: every method, spelling and state of a link, asked by whoever has it."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Iterator
from typing import Any

import falcon
import pytest
from redis import Redis

from service.alerting import alerts as alerts_module
from service.alerting.alerts import Alerts
from service.domain.alerting.link import LIFETIME_SECONDS, Link, signed
from service.domain.run_records import Outcome
from service.store.alerting.link_secrets import LinkSecrets
from service.store.server.redis_clock import RedisClock
from service.web.api.app import App
from tests.support.browsing import ORIGIN, Browser, installation, words
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

SETTINGS = {"run_links": True, "public_url": ORIGIN}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")


class Scene:
    """An installation with links, a job that has failed, and the tokens of its alert."""

    def __init__(self, client: Redis, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rig = Rig.on(client)
        self.admin = Browser(app)
        self.admin.sign_in()
        self.stranger = Browser(app)
        self.job_id = str(self.rig.make_job(name="Greet <b>"))
        self.sent: list[str] = []
        monkeypatch.setattr(alerts_module, "announce", lambda url, subject, body, **_: self.sent.append(body))
        self.run_id = self.fail()

    def fail(self) -> str:
        run_id = self.rig.use.run_now(self.job_id)
        assert self.rig.runs.finish(run_id, self.rig.start(run_id), Outcome("failed", "no", {}))
        alerts = Alerts(self.rig.scripts, "json://a", lambda: True, {}, public_url=ORIGIN, run_links=True)
        while alerts.step(0.02):
            pass
        self.snooze, self.again = re.findall(rf"{ORIGIN}/link/([\w-]+)", self.sent[-1])
        return run_id

    def made(self, **other: Any) -> str:
        """A token that is signed as the service does."""
        now = RedisClock(self.rig.client).now_ms() // 1000
        plain = {
            "action": "again", "alert_id": str(uuid.uuid4()), "job_id": self.job_id, "run_id": self.run_id,
            "to": "ALERT_URL", "expires_at": now + LIFETIME_SECONDS,
        }  # fmt: skip
        return signed(Link(**{**plain, **other}), LinkSecrets(self.rig.scripts).signing())

    def state(self) -> tuple[int, int, int]:
        """What a link can change: runs, snoozes, used links."""
        client, keys = self.rig.client, self.rig.keys
        return len(self.rig.history(self.job_id)), client.hlen(keys.snoozes), len(client.keys(keys.link("*")))


@pytest.fixture(scope="module")
def app(valkey_server: ValkeyServer) -> Iterator[App]:
    yield installation(valkey_server.url, **SETTINGS)
    settle()


def settle() -> None:
    """Wait until an application has noted wrong links and refusals, which it does a second later."""
    falcon.async_to_sync(asyncio.sleep, 1.2)


@pytest.fixture
def scene(redis_client: Redis, app: App, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(redis_client, app, monkeypatch)


def test_whatever_follows_a_link_changes_nothing_and_a_press_of_the_button_does_it_once(scene: Scene) -> None:
    """Mail scanners follow links, some of them with HEAD. The page needs no session and no script."""
    before = scene.state()
    for token in (scene.again, scene.snooze) * 3:
        for method in ("GET", "HEAD"):
            page = scene.stranger.ask(method, f"/link/{token}", {})
            assert page.status_code == 200 and scene.state() == before
            assert page.headers["cache-control"] == "no-store" and "'self'" in page.headers["content-security-policy"]
    page = scene.stranger.get(f"/link/{scene.again}")
    assert '<form method="post">' in page.text and "Greet &lt;b&gt;" in page.text and "noscript" not in page.text
    assert 'class="sections"' not in page.text and scene.again not in page.text
    done = scene.stranger.post(f"/link/{scene.again}")
    assert done.status_code == 200 and "The run is queued" in words(done)
    runs, snoozed, used = scene.state()
    assert (runs, snoozed, used) == (before[0] + 1, 0, 1)
    again = scene.stranger.post(f"/link/{scene.again}")
    new_id = scene.rig.history(scene.job_id)[0]["id"]
    assert again.status_code == 409 and "This link was used at" in words(again) and new_id in again.text
    assert "This link was used" in words(scene.stranger.get(f"/link/{scene.again}"))
    assert scene.state() == (runs, 0, 1)
    assert scene.stranger.post(f"/link/{scene.snooze}", {"for": "hour"}).status_code == 200
    assert scene.state() == (runs, 1, 1)


def test_no_method_spelling_or_forgery_leads_past_the_link(scene: Scene) -> None:
    """Each of them, with a valid link and with invalid ones; nothing changes."""
    before, token = scene.state(), scene.again
    other = scene.made(alert_id=str(uuid.uuid4()))
    tampered = [
        token[:-1] + ("A" if token[-1] != "A" else "B"), token[1:], token + "A", token + "=", token.swapcase(), "",
        other[: len(other) // 2] + token[len(token) // 2 :], "bsk_x", "a" * 5000, "%00", token + "%20", "..%2f" + token,
        signed(Link("again", str(uuid.uuid4()), scene.job_id, scene.run_id, "ALERT_URL", 2**39), b"guess"),
    ]  # fmt: skip
    for method in METHODS:
        for one in tampered:
            answer = scene.stranger.ask(method, f"/link/{one}", {"Origin": ORIGIN})
            assert answer.status_code in (400, 404, 405, 414) or method == "OPTIONS", (method, one, answer.status_code)
    for method in METHODS:
        for path in (f"//link/{token}", f"/link//{token}", f"/LINK/{token}", f"/link/./{token}", f"/link;x/{token}",
                     f"/link/{token}/again", f"/link%2f{token}", f"/scheduler/link/{token}"):  # fmt: skip
            assert scene.stranger.ask(method, path, {"Origin": ORIGIN}).status_code in (401, 404, 405)
        if method not in ("GET", "HEAD", "OPTIONS", "POST"):
            assert scene.stranger.ask(method, f"/link/{token}", {"Origin": ORIGIN}).status_code == 405
    assert scene.state() == before


def test_another_sites_page_cannot_press_the_button(scene: Scene) -> None:
    before = scene.state()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": ""}, {"Origin": "null"},
                    {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        assert scene.stranger.post(f"/link/{scene.again}", headers=headers).status_code == 403
    assert scene.state() == before


@pytest.mark.parametrize("action", ["again", "snooze"])
def test_each_state_of_a_link_is_told_plainly_and_does_nothing(scene: Scene, action: Any) -> None:
    """Expired, of a run or a job that is gone, of a run of another job."""
    now = RedisClock(scene.rig.client).now_ms() // 1000
    elsewhere = scene.rig.make_job()
    cases = [
        (scene.made(action=action, expires_at=now), 410, "has expired"),
        (scene.made(action=action, job_id=str(uuid.uuid4())), 404, "The job was deleted"),
    ]  # fmt: skip
    if action == "again":
        cases += [
            (scene.made(run_id=str(uuid.uuid4())), 409, "not found"),
            (scene.made(job_id=elsewhere), 409, "not found"),
            (scene.made(run_id=None), 409, "not found"),
        ]
    before = scene.state()
    for token, status, said in cases:
        answer = scene.stranger.post(f"/link/{token}", {"for": "hour"})
        assert (answer.status_code, said in words(answer)) == (status, True), words(answer)
    assert scene.state() == before
    if action == "snooze":
        token = scene.made(action="snooze")
        assert scene.stranger.post(f"/link/{token}", {"for": "ever"}).status_code == 400
        assert scene.stranger.post(f"/link/{token}").status_code == 400 and scene.state() == before
        assert scene.stranger.post(f"/link/{token}", {"for": "morning"}).status_code == 200


def test_rules_of_again_hold_for_paused_and_disabled_jobs(scene: Scene) -> None:
    """A run by hand goes through both; a link's too."""
    scene.admin.send("POST", "/scheduler/pauses", {"scope": {"job_id": scene.job_id}, "reason": "upgrade"})
    scene.admin.send("PUT", f"/scheduler/jobs/{scene.job_id}", {"enabled": False})
    assert scene.stranger.post(f"/link/{scene.again}").status_code == 200
    run = scene.rig.history(scene.job_id)[0]
    assert (run["again_of"], run["trigger"]) == (scene.run_id, "manual")


def test_wrong_links_count_as_guesses(redis_client: Redis, valkey_server: ValkeyServer) -> None:
    stranger = Browser(installation(valkey_server.url, **SETTINGS, guess_limit=3))
    page = stranger.get(f"/link/{'A' * 120}")
    assert "This link is not valid" in words(page) and "Somebody" not in page.text and "/jobs" not in page.text
    statuses = [stranger.get(f"/link/{'A' * 120}").status_code for _ in range(5)]
    assert statuses == [404, 404, 429, 429, 429]
    assert stranger.post(f"/link/{'A' * 120}").status_code == 429
    settle()


def test_switched_off_no_link_does_anything(scene: Scene, valkey_server: ValkeyServer) -> None:
    before, off = scene.state(), Browser(installation(valkey_server.url))
    for answer in (off.get(f"/link/{scene.again}"), off.post(f"/link/{scene.again}")):
        assert answer.status_code == 404 and "switched off" in words(answer)
    assert scene.state() == before


def test_a_snooze_is_seen_and_ended_by_an_admin_alone(scene: Scene) -> None:
    scene.stranger.post(f"/link/{scene.snooze}", {"for": "day"})
    job_page = scene.admin.get(f"/jobs/{scene.job_id}")
    assert "ALERT_URL is told nothing about this job until" in words(job_page)
    assert "Snoozed" in words(scene.admin.get("/alerts"))
    (one,) = scene.admin.send("GET", "/scheduler/snoozes").json
    assert (one["job_id"], one["job"], one["to"], one["channel"]) == (scene.job_id, "Greet <b>", "ALERT_URL", None)
    key = scene.admin.send("POST", "/scheduler/keys", {"name": "r", "scopes": ["read", "run", "write"]}).json["key"]
    reader = Browser(scene.admin.app)
    reader.sign_in(key)
    page = reader.get(f"/jobs/{scene.job_id}")
    assert "is told nothing" in words(page) and "/scheduler/snoozes/" not in page.text
    assert reader.send("DELETE", f"/scheduler/snoozes/{one['id']}").status_code == 403
    assert scene.admin.send("DELETE", f"/scheduler/snoozes/{one['id']}").status_code == 204
    assert scene.admin.send("DELETE", f"/scheduler/snoozes/{one['id']}").status_code == 404
    assert "Snoozed" not in words(scene.admin.get("/alerts"))
    audited = scene.admin.send("GET", "/scheduler/audit?action=snooze").json
    assert [entry["action"] for entry in audited] == ["snooze.end", "snooze.create"]
    assert audited[1]["actor"] == "link" and audited[1]["job_id"] == scene.job_id


def test_a_token_is_in_no_log_line(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for token in (scene.again, scene.snooze, scene.again[:-2]):
            scene.stranger.get(f"/link/{token}")
            scene.stranger.post(f"/link/{token}", {"for": "hour"})
    assert caplog.records
    told = json.dumps([str(record.__dict__) for record in caplog.records])
    assert not any(token in told for token in (scene.again, scene.snooze, scene.again[:-2]))
