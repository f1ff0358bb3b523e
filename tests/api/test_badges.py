"""Badges and status pages over HTTP: who gets in, what is said, and what is told to nobody."""

from __future__ import annotations

import logging
import uuid
import xml.etree.ElementTree as ET
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.domain.access.key_texts import new_text
from service.domain.run_records import Outcome
from service.errors import StoreUnavailable
from service.store.keys import Keys
from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

JOB: dict[str, Any] = {
    "name": "Secret <name>", "bot_type": "webhook", "bot_config": {"url": "https://example.com/"},
    "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
ROOT = "the root key of the badges' test"
KINDS = ("/badge/{}.svg", "/badge/{}.json", "/status/{}")

Client = falcon.testing.TestClient


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> Any:
    """The application on an empty server, as if a scheduler were up."""
    seconds, micros = redis_client.time()
    redis_client.zadd(Rig.on(redis_client).scripts.keys.schedulers, {"a": seconds * 1000 + micros // 1000})
    return quiet_application(valkey_server.url, ROOT)


@pytest.fixture
def client(app: Any) -> Client:
    """Asks with the root key."""
    return Client(app, headers={"X-API-Key": ROOT})


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The same installation, to carry runs out with."""
    return Rig.on(redis_client)


def key(client: Client, *scopes: str, **terms: Any) -> dict[str, Any]:
    """Makes a key, by default one for badges."""
    found: dict[str, Any] = client.simulate_post(
        "/scheduler/keys", json={"name": "a badge", "scopes": list(scopes) or ["feed"], **terms}
    ).json
    return found


def make_job(client: Client, rig: Rig, status: str | None = None, **fields: Any) -> str:
    """Makes a job, and a run of it that ends so."""
    job_id = str(client.simulate_post("/scheduler/jobs", json=JOB | fields).json["id"])
    if status is not None:
        run_id = client.simulate_post(f"/scheduler/jobs/{job_id}/run").json["run_id"]
        assert rig.runs.finish(
            run_id, rig.start(run_id), Outcome(status, error="of Ana" if status == "failed" else None)
        )
    return job_id


def says(app: Any, token: str, query: str = "") -> str:
    """The word of a badge, which its picture says, too."""
    found = Client(app).simulate_get(f"/badge/{token}.json", query_string=query)
    picture = Client(app).simulate_get(f"/badge/{token}.svg", query_string=query)
    assert ET.fromstring(picture.text).attrib["aria-label"] == f"jobs: {found.json['message']}"
    return str(found.json["message"])


def test_a_badge_says_the_worst_of_the_jobs_that_its_key_covers(
    app: Any, client: Client, rig: Rig, redis_client: Redis
) -> None:
    """By labels; one job of them by `job_id`; others' jobs are none."""
    token = key(client, labels={"team": ["crm"]})["key"]
    assert says(app, token) == "no jobs"
    crm: dict[str, Any] = {"labels": {"team": "crm"}}
    make_job(client, rig, enabled=False, **crm)
    assert says(app, token) == "disabled"
    make_job(client, rig, **crm)
    assert says(app, token) == "no runs yet"
    up = make_job(client, rig, "success", **crm)
    other = make_job(client, rig, "failed")
    assert says(app, token) == "up"
    down = make_job(client, rig, "failed", **crm)
    assert [says(app, token, f"job_id={one}") for one in (up, down)] == ["up", "down"]
    assert says(app, token) == "down"
    for beyond in (other, str(uuid.uuid4()), "x"):
        answer = Client(app).simulate_get(f"/badge/{token}.json?job_id={beyond}")
        assert answer.status_code == 404
    beats = rig.scripts.keys.schedulers
    redis_client.rename(beats, "aside")  # nothing is paused under an older scheduler, which this one passes for
    pause = client.simulate_post("/scheduler/pauses", json={"scope": {"job_id": up}, "reason": "a test"})
    assert pause.status_code == 201
    redis_client.rename("aside", beats)
    assert says(app, token, f"job_id={up}") == "paused"


def test_a_badge_is_late_and_unknown(app: Any, client: Client, rig: Rig, redis_client: Redis) -> None:
    """Late where a breach or an undecided occurrence is; unknown, whatever the runs, where no scheduler is up."""
    token, job = key(client)["key"], make_job(client, rig, "success")
    keys: Keys = rig.scripts.keys
    redis_client.hset(keys.job(job), "health", "slow")
    assert says(app, token) == "late"
    redis_client.hdel(keys.job(job), "health")
    redis_client.hset(keys.job(job), "next_due", redis_client.time()[0] * 1000 - 31_000)
    assert says(app, token) == "late"
    redis_client.delete(keys.schedulers)
    assert says(app, token) == "unknown"


def test_only_a_key_for_feeds_alone_opens_them(app: Any, client: Client) -> None:
    """And they are only read."""
    good, more, other, gone = key(client), key(client, "feed", "read"), key(client, "read"), key(client)
    client.simulate_delete(f"/scheduler/keys/{gone['id']}")
    for kind in KINDS:
        tried = {
            text: Client(app).simulate_get(kind.format(text))
            for text in (good["key"], more["key"], other["key"], gone["key"], new_text("0000000000"), "x")
        }
        assert [answer.status_code for answer in tried.values()] == [200, 403, 403, 401, 401, 401]
        assert {answer.headers["Referrer-Policy"] for answer in tried.values()} == {"no-referrer"}
        for method in ("POST", "PUT", "DELETE"):
            assert Client(app).simulate_request(method, kind.format(good["key"])).status_code == 405
        head = Client(app).simulate_head(kind.format(good["key"]))
        assert (head.status_code, head.content) == (200, b"")
    for odd in ("/badge/{}", "/badge/{}.SVG", "/badge/{}.svg.", "/badge/{}.svg.json", "/badge//{}.svg"):
        assert Client(app).simulate_get(odd.format(good["key"])).status_code in (401, 404), odd


def test_the_text_at_the_left_is_escaped_and_limited(app: Any, client: Client) -> None:
    """Nothing in it becomes markup."""
    address = f"/badge/{key(client)['key']}.svg"
    label = "<script>alert(1)</script>\"'&"
    answer = Client(app).simulate_get(address, params={"label": label})
    root = ET.fromstring(answer.text)
    assert root.attrib["aria-label"] == f"{label}: no jobs"
    assert {one.tag.rpartition("}")[2] for one in root.iter()} == {"svg", "title", "rect", "path", "g", "text"}
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    for wrong in ("x" * 61, "", "a\nb", "\0"):
        assert Client(app).simulate_get(address, params={"label": wrong}).status_code == 400, wrong
    assert Client(app).simulate_get(address, query_string="label=a&label=b").status_code == 400


def test_an_unchanged_badge_is_not_sent_again(app: Any, client: Client, rig: Rig) -> None:
    """304 until it says something else; caches ask each time."""
    path = f"/badge/{key(client)['key']}.svg"
    first = Client(app).simulate_get(path)
    assert first.headers["Cache-Control"] == "no-cache"
    asked = {"If-None-Match": first.headers["ETag"]}
    assert Client(app).simulate_get(path, headers=asked).status_code == 304
    make_job(client, rig, "success")
    assert Client(app).simulate_get(path, headers=asked).status_code == 200


def test_a_status_page_tells_no_names(app: Any, client: Client, rig: Rig) -> None:
    """Neither ids nor errors; its numbers are those of the order of creation, and the worst comes first."""
    jobs = [make_job(client, rig, status) for status in ("success", "failed", None)]
    answer = Client(app).simulate_get(f"/status/{key(client)['key']}")
    text = answer.text
    assert [text.index(f"Job {number}<") for number in (2, 1, 3)] == sorted(
        text.index(f"Job {number}<") for number in (1, 2, 3)
    )
    for private in (*jobs, "Secret", "name>", "Ana", "example.com", "bsk_", "<script"):
        assert private not in text
    assert "A job is down" in text
    assert "Newest runs: 1 failed" in text
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Refresh"] == "60"


def test_no_log_tells_the_address(app: Any, client: Client, caplog: pytest.LogCaptureFixture,
                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Not even that of a failure."""
    token = key(client)["key"]

    def fail(*_: object) -> None:
        raise RuntimeError("failed")

    monkeypatch.setattr("service.usecases.badges.standings.Standings._standings", fail)
    with caplog.at_level(logging.DEBUG):
        assert [Client(app).simulate_get(kind.format(token)).status_code for kind in KINDS] == [500] * 3
    assert "bsk_" not in caplog.text


def test_an_outage_and_a_deleted_job_are_drawn(app: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image says nothing where it has no picture; the key cannot be looked up without Redis."""
    token, label = key(client)["key"], "{http://www.w3.org/2000/svg}title"
    gone = Client(app).simulate_get(f"/badge/{token}.svg", query_string=f"job_id={uuid.uuid4()}")
    assert (gone.status_code, ET.fromstring(gone.text).findtext(label)) == (404, "jobs: no jobs")

    async def fail(*_: object) -> None:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr("service.web.callers.recognition.Callers.by_token", fail)
    away = Client(app).simulate_get(f"/badge/{token}.svg")
    assert (away.status_code, ET.fromstring(away.text).findtext(label)) == (503, "jobs: unknown")
    assert (away.headers["Content-Type"], away.headers["Retry-After"]) == ("image/svg+xml", "2")
    assert Client(app).simulate_get(f"/badge/{token}.json").status_code == 503
