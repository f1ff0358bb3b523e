"""Links of one use: what an alert says, what a link does, and what snoozes hold."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest

from service.alerting import alerts as alerts_module
from service.alerting.alerts import Alerts
from service.domain.alerting.link import LIFETIME_SECONDS, read
from service.domain.alerting.turns import LOOK_AGAIN_MS
from service.domain.run_records import Outcome
from service.errors import DeliveryFailed, NotFound, ValidationFailed
from service.store.alerting.link_secrets import LinkSecrets
from service.store.server.redis_clock import RedisClock
from service.usecases.alerting.channels import Channels
from service.usecases.alerting.links import AlertLinks
from service.usecases.alerting.rules import Rules
from service.usecases.alerting.snoozes import Snoozes
from service.usecases.alerting.told import ToldAlerts
from tests.store.pinging import know_heartbeats, ping, watched
from tests.support.dumps import dump
from tests.support.store_rig import Rig

PUBLIC = "https://bots.example.org"
ENVIRONMENT = {"BOT_SECRET_OPS": "json://ops json://ops2", "BOT_SECRET_DEV": "json://dev"}
Post = list[tuple[str, str, str]]


class Moved:
    """Redis' clock, so many seconds ahead."""

    def __init__(self, rig: Rig, seconds: int) -> None:
        self._clock, self._seconds = RedisClock(rig.client), seconds

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._seconds * 1000


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    """What was sent: URL, subject, body."""
    sent: Post = []
    monkeypatch.setattr(alerts_module, "announce", lambda url, subject, body, **_: sent.append((url, subject, body)))
    return sent


@pytest.fixture
def links(rig: Rig) -> AlertLinks:
    return AlertLinks(rig.scripts, RedisClock(rig.client), rig.use)


@pytest.fixture
def snoozes(rig: Rig) -> Snoozes:
    return Snoozes(rig.scripts, RedisClock(rig.client))


def fail(rig: Rig, job_id: str, status: str = "failed") -> str:
    run_id = rig.use.run_now(job_id)
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome(status, "no" if status == "failed" else None, {}))
    return run_id


def send_all(rig: Rig, alert_url: str | None = "json://all", **more: Any) -> None:
    """Until nothing may go now."""
    settings = {"public_url": PUBLIC, "run_links": True, **more}
    alerts = Alerts(rig.scripts, alert_url, lambda: True, ENVIRONMENT, **settings)
    while alerts.step(0.02):
        pass


def tokens(body: str) -> list[str]:
    return re.findall(rf"{PUBLIC}/link/([\w-]+)", body)


def of(post: Post, url: str, number: int = -1) -> tuple[str, str]:
    """The tokens of the last message to a URL: to snooze, and to run again."""
    snooze, again = tokens([body for one, _, body in post if one == url][number])
    return snooze, again


def told(post: Post, url: str) -> list[str]:
    return [subject for one, subject, _ in post if one == url]


def make_channels(rig: Rig, quiet: Any = None) -> None:
    clock = RedisClock(rig.client)
    for name in ("ops", "dev"):
        body = {"name": name, "url": f"env:BOT_SECRET_{name.upper()}", "quiet_hours": quiet}
        Channels(rig.scripts, clock).create(body)
        Rules(rig.scripts, clock, ["echo"]).create({"channel": name, "on": ["failed", "success", "recovered"]})


def lapse(rig: Rig) -> None:
    """Let all snoozes end, as if an hour had passed."""
    for field, text in rig.client.hgetall(rig.keys.snoozes).items():
        stored = json.loads(text)
        stored["until"] = RedisClock(rig.client).now_ms()
        rig.client.hset(rig.keys.snoozes, field, json.dumps(stored))
    for address in rig.client.zrange(rig.keys.delivery_due, 0, -1):
        rig.client.zadd(rig.keys.delivery_due, {str(address.decode()): 0})  # type: ignore[union-attr]


def test_an_alert_of_a_failed_run_has_both_links_and_others_none(rig: Rig, post: Post) -> None:
    """Off, no alert has a link; a success has none, nor has a message about several."""
    make_channels(rig)
    job_id = rig.make_job()
    run_id = fail(rig, job_id)
    send_all(rig)
    token = of(post, "json://ops")[1]
    found = read(token, LinkSecrets(rig.scripts).accepted())
    assert found is not None and (found.job_id, found.run_id, found.to) == (job_id, run_id, "channel:ops")
    assert all(f"{PUBLIC}/jobs/{job_id}/runs/{run_id}" in body and len(body) < 1_900 for _, _, body in post)
    post.clear()
    fail(rig, job_id, "success")
    send_all(rig)
    fail(rig, job_id)
    send_all(rig, run_links=False)
    # Recovered, for all four; the success for three, the failure for four.
    assert len(post) == 11 and not any(tokens(body) for _, _, body in post)


def test_a_template_gets_the_links_and_the_record_never_does(rig: Rig, post: Post) -> None:
    make_channels(rig)
    rules = Rules(rig.scripts, RedisClock(rig.client), ["echo"])
    rule = next(one for one in rules.page(9).data if one["channel"] == "dev")
    rules.update(rule["id"], {"template": "{{ snooze_link }}|{{ again_link }}|{{ job }}"})
    job_id = rig.make_job()
    fail(rig, job_id)
    send_all(rig)
    body = next(body for url, _, body in post if url == "json://dev")
    assert [part.startswith(f"{PUBLIC}/link/") for part in body.split("|")] == [True, True, False]
    everything = json.dumps(ToldAlerts(rig.scripts).page(limit=9).data)
    everything += json.dumps([*dump(rig.client)])
    assert "channel:ops" in everything
    assert not any(token in everything for _, _, text in post for token in tokens(text))
    post.clear()
    fail(rig, job_id, "success")
    fail(rig, job_id)
    send_all(rig, run_links=False)
    assert [body for url, subject, body in post if url == "json://dev" and "failed" in subject] == ["||a job"]


def test_a_breach_has_links_and_without_a_run_only_the_one_to_snooze(rig: Rig, post: Post, links: AlertLinks) -> None:
    job_id, run_id = rig.make_job(), rig.use.run_now(rig.make_job())
    note = {"kind": "breach", "job_id": job_id, "at": 1_800_000_000_000, "said": "no success since yesterday"}
    """A run that takes too long goes on still, and is not offered again."""
    of_run = {"run_id": run_id}
    for more in (
        {"expectation": "finish_by"}, {"expectation": "longest_seconds", **of_run}, {"expectation": "result", **of_run},
    ):  # fmt: skip
        rig.client.lpush(rig.keys.alerts, json.dumps({**note, **more}))
        send_all(rig)
    late, slow, empty = (tokens(body) for _, _, body in post)
    assert [links.look(token).link.action for token in late] == ["snooze"]
    assert [links.look(token).link.action for token in slow] == ["snooze"]
    assert [links.look(token).link.action for token in empty] == ["snooze", "again"]
    assert links.follow(late[0], "hour", None).state == "done"


def test_a_server_that_quotes_the_message_puts_no_link_into_the_record_or_the_log(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    quoted: list[str] = []

    def refuse(url: str, subject: str, body: str, **_: Any) -> None:
        quoted.extend(tokens(body))
        raise DeliveryFailed(f"the mail server refused the message: 554 spam: {body}")

    monkeypatch.setattr(alerts_module, "announce", refuse)
    fail(rig, rig.make_job())
    alerts = Alerts(rig.scripts, "json://all", lambda: True, {}, public_url=PUBLIC, run_links=True)
    while not quoted:
        alerts.step(0.02)
    alerts.step(0.2)
    told = json.dumps([ToldAlerts(rig.scripts).page(limit=9).data, *dump(rig.client), caplog.text])
    assert "554 spam" in told and len(quoted) == 2 and not any(token in told for token in quoted)


def test_a_run_is_done_again_once_whoever_was_told(rig: Rig, post: Post, links: AlertLinks) -> None:
    """The links of one alert to several people count as one. What was refused does not use it up."""
    make_channels(rig)
    job_id = rig.make_job()
    run_id = fail(rig, job_id)
    send_all(rig)
    ops, dev = of(post, "json://ops")[1], of(post, "json://dev")[1]
    for _ in range(3):
        assert links.look(ops).state == "ready"
    done = links.follow(ops, None, "192.0.2.7")
    assert done.state == "done"
    run = rig.use.run(job_id, done.made).data
    assert (run["again_of"], run["trigger"]) == (run_id, "manual")
    assert run["requested_by"] == {"actor": "link", "name": f"a link from an alert of run {run_id} via channel ops"}
    used = [links.follow(one, None, None) for one in (ops, dev)] + [links.look(one) for one in (ops, dev)]
    assert [(one.state, one.made, one.used_via) for one in used] == [("used", done.made, "channel ops")] * 4
    assert len(rig.history(job_id)) == 2
    noted: Any = rig.client.xrevrange(rig.keys.audit, count=1)
    entry = json.loads(noted[0][1][b"entry"])
    assert (entry["action"], entry["actor"], entry["address"]) == ("run.request", "link", "192.0.2.7")
    assert run_id in entry["actor_name"] and not any(one in json.dumps(entry) for one in (ops, dev))


def test_many_at_once_make_one_run(rig: Rig, post: Post, links: AlertLinks) -> None:
    job_id = rig.make_job()
    fail(rig, job_id)
    send_all(rig)
    token, states = of(post, "json://all")[1], list[str]()
    threads = [threading.Thread(target=lambda: states.append(links.follow(token, None, None).state)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == ["done", *["used"] * 7] and len(rig.history(job_id)) == 2


def test_a_link_obeys_the_rules_of_again(rig: Rig, post: Post, links: AlertLinks) -> None:
    """Refused with the reason, without being used up: an overlay needs write, a full line, a run that is gone."""
    job_id = rig.make_job()
    overlaid = rig.use.run_now(job_id, {"bot_config": {"dry_run": False}})
    assert rig.runs.finish(overlaid, rig.start(overlaid), Outcome("failed", "no", {}))
    send_all(rig)
    token = of(post, "json://all")[1]
    refused = links.follow(token, None, None)
    assert refused.state == "refused" and "scope write" in refused.refusal
    fail(rig, job_id, "success")
    fail(rig, job_id)
    send_all(rig)
    token = of(post, "json://all")[1]
    open_run = rig.use.run_now(job_id)
    assert links.follow(token, None, None).state == "done", "it waits for its slot, as by hand"
    rig.use.cancel(job_id, open_run)
    rig.jobs.delete(job_id)
    assert links.look(of(post, "json://all")[0]).state == "no_job"
    assert links.follow(of(post, "json://all")[0], "hour", None).state == "no_job"


def test_a_link_ends_with_its_time_and_with_its_secret(rig: Rig, post: Post, links: AlertLinks) -> None:
    """A week; a secret signs for a week and is accepted for another."""
    job_id = rig.make_job()
    fail(rig, job_id)
    send_all(rig)
    token = of(post, "json://all")[1]
    assert AlertLinks(rig.scripts, Moved(rig, LIFETIME_SECONDS - 60), rig.use).look(token).state == "ready"
    late = AlertLinks(rig.scripts, Moved(rig, LIFETIME_SECONDS), rig.use)
    assert late.look(token).state == late.follow(token, None, None).state == "expired"
    assert len(rig.history(job_id)) == 1
    secrets = LinkSecrets(rig.scripts)
    first = secrets.signing()

    def age(days: int) -> None:
        made_at = RedisClock(rig.client).now_ms() - days * 86_400_000
        rig.client.hset(rig.keys.link_secret, "made_at", made_at)

    age(6)
    assert secrets.signing() == first
    age(7)
    assert secrets.accepted() == [first]
    second = secrets.signing()
    assert second != first and secrets.accepted() == [second, first] and links.look(token).state == "ready"
    age(14)
    assert secrets.accepted() == []
    third = secrets.signing()
    assert secrets.accepted() == [third]
    with pytest.raises(NotFound):
        links.look(token)
    age(-1)
    assert secrets.signing() != third, "it was made by a clock that was ahead"


def test_a_snooze_holds_one_job_for_one_channel_and_nothing_is_lost(
    rig: Rig, post: Post, links: AlertLinks, snoozes: Snoozes
) -> None:
    """Other jobs and other channels are told as ever; what was held comes together."""
    make_channels(rig)
    ours, theirs = rig.make_job(), rig.make_job()
    fail(rig, ours)
    send_all(rig)
    done = links.follow(of(post, "json://ops")[0], "hour", None)
    assert done.state == "done"
    assert [(one["job_id"], one["to"]) for one in snoozes.page(9).data] == [(ours, "channel ops")]
    assert snoozes.of_job(ours)[0]["channel"] == "ops" and snoozes.of_job(theirs) == []
    post.clear()
    for _ in range(2):
        fail(rig, ours, "success")
        fail(rig, ours)
    fail(rig, theirs)
    send_all(rig)
    assert len(told(post, "json://ops")) == len(told(post, "json://ops2")) == 1, "their failure alone"
    assert len(told(post, "json://dev")) == 7 and len(told(post, "json://all")) == 5
    waiting = Channels(rig.scripts, RedisClock(rig.client)).get("ops")["waiting"]
    assert waiting == 12
    due = rig.client.zscore(rig.keys.delivery_due, "channel:ops/1")
    assert due is not None and due - RedisClock(rig.client).now_ms() <= LOOK_AGAIN_MS
    fail(rig, theirs, "success")
    send_all(rig)
    assert told(post, "json://ops")[1:] == ["a job has recovered", "a job has succeeded"], "behind what is held alone"
    post.clear()
    lapse(rig)
    fail(rig, theirs)
    send_all(rig)
    assert told(post, "json://ops") == ["6 alerts", "a job failed"]
    assert snoozes.page(9).data == []


def test_an_admin_ends_a_snooze_and_what_it_held_is_told(
    rig: Rig, post: Post, links: AlertLinks, snoozes: Snoozes
) -> None:
    job_id = rig.make_job()
    fail(rig, job_id)
    send_all(rig)
    snooze = of(post, "json://all")[0]
    with pytest.raises(ValidationFailed, match="hour, day"):
        links.follow(snooze, "year", None)
    assert links.follow(snooze, "day", None).state == "done"
    assert links.follow(snooze, "hour", None).state == "used"
    post.clear()
    fail(rig, job_id, "success")
    send_all(rig)
    assert post == []
    (one,) = snoozes.page(9).data
    snoozes.end(one["id"])
    with pytest.raises(NotFound):
        snoozes.end(one["id"])
    send_all(rig)
    assert len(post) == 1


def test_a_long_held_line_holds_up_nothing_behind_it(
    rig: Rig, post: Post, links: AlertLinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the courier reads at a time."""
    from service.alerting import waiting
    from service.store.alerting import deliveries

    for module in (waiting, deliveries):
        monkeypatch.setattr(module, "READ_AT_ONCE", 3)
    make_channels(rig)
    ours, theirs = rig.make_job(), rig.make_job()
    fail(rig, ours)
    send_all(rig)
    links.follow(of(post, "json://dev")[0], "morning", None)
    post.clear()
    for _ in range(4):
        fail(rig, ours, "success")
    fail(rig, theirs, "success")
    send_all(rig)
    assert len(told(post, "json://dev")) == 1
    lapse(rig)
    send_all(rig)
    assert sum(int(subject.split()[0]) for subject in told(post, "json://dev")[1:]) == 5


def test_a_failure_of_work_that_others_do_offers_no_run(rig: Rig, post: Post) -> None:
    """It would be answered 409; the advice is another one as well."""
    know_heartbeats(rig)
    job_id = watched(rig)
    run_id = ping(rig, job_id, "fail")["run_id"]
    send_all(rig)
    (body,) = [body for _, _, body in post]
    (token,) = tokens(body)
    link = read(token, LinkSecrets(rig.scripts).accepted())
    assert link is not None and link.action == "snooze"
    assert "jobs run" not in body and f"bot-scheduler logs {job_id} {run_id}" in body
