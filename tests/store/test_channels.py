"""Channels and rules at work: what scripts leave notes of, whom they go to, and what the record says."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.alerting import alerts as alerts_module
from service.alerting import places
from service.alerting.alerts import Alerts
from service.domain.alerting.turns import LOOK_AGAIN_MS
from service.domain.run_records import Outcome
from service.domain.watching.troubles import Trouble
from service.errors import Conflict, DeliveryFailed, NotFound, PreconditionFailed, ValidationFailed
from service.store.server.redis_clock import RedisClock
from service.store.watching.trouble_store import note_troubles
from service.usecases.alerting.channels import Channels
from service.usecases.alerting.rules import Rules
from service.usecases.alerting.told import ToldAlerts
from tests.support.store_rig import Rig

OPS = {"name": "ops", "url": "env:BOT_SECRET_OPS"}
HOUR = 3_600_000


@pytest.fixture
def channels(rig: Rig) -> Channels:
    return Channels(rig.scripts, RedisClock(rig.client))


@pytest.fixture
def rules(rig: Rig) -> Rules:
    return Rules(rig.scripts, RedisClock(rig.client), ["echo", "birthday"])


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What was sent: URL, subject, body."""
    sent: list[tuple[str, str, str]] = []

    def announce(url: str, subject: str, body: str, redirects: bool = True) -> None:
        if "dead" in url:
            raise DeliveryFailed("the channel is away")
        sent.append((url, subject, body))

    monkeypatch.setattr(alerts_module, "announce", announce)
    return sent


def end(rig: Rig, job_id: str, status: str, error: str | None = None) -> str:
    """Runs the job once by hand, to this end."""
    run_id = rig.use.run_now(job_id)
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome(status, error, {}))
    return run_id


def send_all(rig: Rig, alert_url: str | None = None, **more: Any) -> None:
    """Until nothing may go now."""
    environment = {"BOT_SECRET_OPS": "json://ops", "BOT_SECRET_DEV": "json://dev", "BOT_SECRET_DEAD": "json://dead"}
    alerts = Alerts(rig.scripts, alert_url, lambda: True, environment, **more)
    while alerts.step(0.02):
        pass


def kinds(rig: Rig) -> list[tuple[str, Any]]:
    """What is in the outboxes: kind and failures."""
    return [(note["kind"], note.get("failures")) for note in rig.told()]


def test_only_what_a_rule_wants_is_left_in_the_outbox(rig: Rig, channels: Channels, rules: Rules) -> None:
    """By label, bot and job; and nothing any more once the rule is gone."""
    channels.create(OPS)
    ours, theirs = rig.make_job(labels={"team": "crm"}), rig.make_job(labels={"team": "web"})
    end(rig, ours, "success")
    assert kinds(rig) == []
    made = rules.create({"channel": "ops", "on": ["success"], "labels": {"team": "crm"}})
    for job in (ours, theirs):
        end(rig, job, "success")
    assert [note["job_id"] for note in rig.told()] == [ours]
    rules.update(made["id"], {"labels": {}, "job_id": theirs})
    for job in (ours, theirs):
        end(rig, job, "success")
    assert [note["job_id"] for note in rig.told()] == [theirs]
    rules.update(made["id"], {"job_id": None, "bot_types": ["birthday"]})
    for job in (ours, theirs):
        end(rig, job, "success")
    assert kinds(rig) == []
    rules.update(made["id"], {"bot_types": None})
    end(rig, ours, "success")
    assert kinds(rig) == [("success", None)]
    rules.delete(made["id"])
    end(rig, ours, "success")
    assert kinds(rig) == [] and not rig.client.exists(rig.keys.rules_wanted)


@pytest.mark.parametrize("status", ["success", "skipped"])
def test_a_worker_that_takes_the_short_way_leaves_a_note_where_a_rule_wants_it(
    rig: Rig, channels: Channels, rules: Rules, status: str
) -> None:
    """The run after a run that ended alike is ended by end_and_claim.lua in few commands."""
    channels.create(OPS)
    job_id = rig.make_job()

    def ends() -> None:
        run_id = rig.use.run_now(job_id)
        claim = rig.runs.claim(run_id, f"token-{run_id}", "worker-1", 30_000)
        assert claim is not None
        rig.client.delete(rig.keys.rq_queue)
        rig.runs.finish_and_claim(claim, Outcome(status, None, {}), None, (), "next", "worker-1", 30_000)
        assert rig.history(job_id)[0]["status"] == status

    for _ in range(2):
        ends()
    assert rig.told() == []
    rules.create({"channel": "ops", "on": [status]})
    ends()
    assert [note["kind"] for note in rig.told()] == [status]


def test_a_skip_is_told_once_a_streak_where_a_rule_wants_it(rig: Rig, channels: Channels, rules: Rules) -> None:
    """Skips of one reason in a row are one entry of the history, and one note."""
    channels.create(OPS)
    rules.create({"channel": "ops", "on": ["skipped"]})
    job_id = rig.make_job()
    rig.run_due(job_id)
    for _ in range(2):
        rig.pass_ms(1_000)
        rig.pretend_due(job_id, 0)
        rig.scheduler().enqueue_jobs()
    (note,) = rig.told()
    assert (note["kind"], note["job_id"], note["reason"]) == ("skipped", job_id, "overlap")


def test_failures_are_told_after_as_many_in_a_row_as_a_rule_says(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """The third to one channel, the first to the others; a recovery to whoever was told of the failure."""
    channels.create(OPS)
    channels.create({"name": "dev", "url": "env:BOT_SECRET_DEV"})
    rules.create({"channel": "ops", "on": ["failed", "recovered"], "after": 3})
    rules.create({"channel": "dev", "on": ["failed", "recovered"]})
    job_id = rig.make_job(name="Greet")
    for status in ("failed", "failed", "success", "failed", "failed", "failed", "failed", "success"):
        end(rig, job_id, status, error=None if status == "success" else "no answer")
        send_all(rig, "json://service")
    hosts = ("ops", "dev", "service")
    told = {host: [subject for url, subject, _ in post if url == f"json://{host}"] for host in hosts}
    streak = ["Greet failed", "Greet has recovered"]
    assert told == {"ops": streak, "dev": streak * 2, "service": streak * 2}
    assert "Failures in a row: 3" in next(body for url, _, body in post if url == "json://ops")


def test_an_alert_says_what_when_why_and_what_to_do(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """With the last ten lines of the log, a link, and the time by the channel's clocks."""
    channels.create({**OPS, "quiet_hours": {"from": "00:00", "to": "00:01", "timezone": "Asia/Kathmandu"}})
    rules.create({"channel": "ops", "on": ["failed"]})
    job_id = rig.make_job(name="Greet")
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    for message in [*(f"step {number}" for number in range(10)), "step 10\r\n\n  step  11\n"]:
        line = json.dumps({"at": "2026-01-01T00:00:00", "level": "info", "message": message})
        rig.client.rpush(rig.keys.run_log(run_id), line)
    rig.runs.finish(run_id, token, Outcome("failed", "no answer\nTraceback", {}))
    send_all(rig, public_url="https://bots.example.org/")
    ((_, subject, body),) = post
    assert subject == "Greet failed"
    lines = body.split("\n")
    assert lines[0] == f"Job: Greet ({job_id})" and lines[1].endswith(" Asia/Kathmandu")
    assert "Why: no answer" in lines and "Traceback" not in body
    log = lines[lines.index("Last lines of the log:") + 1 :][:10]
    assert log == [f"  step {number}" for number in range(2, 12)]
    assert f"See: https://bots.example.org/jobs/{job_id}/runs/{run_id}" in lines
    assert any(line.startswith("What to do: ") for line in lines)


def test_the_log_of_a_bot_that_is_about_persons_stays_out(rig: Rig, post: list[tuple[str, str, str]]) -> None:
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    rig.client.rpush(rig.keys.run_log(run_id), json.dumps({"message": "Amelia was greeted"}))
    rig.runs.finish(run_id, token, Outcome("failed", "no answer", {}))
    send_all(rig, "json://service", persons=["echo"])
    assert "Amelia" not in post[0][2] and "left out" in post[0][2]
    stored = b"".join(rig.client.hgetall(key).__repr__().encode() for key in rig.client.keys("*:alert:*"))
    assert b"Amelia" not in stored


def test_a_dead_channel_holds_up_no_other_and_the_record_says_how_it_goes(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    channels.create(OPS)
    channels.create({"name": "dead", "url": "env:BOT_SECRET_DEAD"})
    for name in ("dead", "ops"):
        rules.create({"channel": name, "on": ["failed"]})
    job_id = rig.make_job(name="Greet")
    run_id = end(rig, job_id, "failed", error="no")
    send_all(rig)
    record = ToldAlerts(rig.scripts)
    (alert,) = record.page(limit=10).data
    assert (alert["kind"], alert["job_id"], alert["run_id"], alert["subject"]) == (
        "failed", job_id, run_id, "Greet failed",
    )  # fmt: skip
    dead, ops = alert["deliveries"]
    assert (dead["to"], dead["state"], dead["tries"], dead["error"]) == ("dead", "waiting", 1, "the channel is away")
    assert (ops["to"], ops["state"], ops["tries"], ops["error"]) == ("ops", "sent", 1, None)
    assert channels.get("dead")["waiting"] == 1 and channels.get("dead")["failing"] == 1
    assert channels.get("ops")["waiting"] == 0
    assert (
        channels.get("ops")["problem"]
        == "BOT_SECRET_OPS is not set where alerts are sent: in each web process and scheduler"
    )
    set_here = Channels(rig.scripts, RedisClock(rig.client), environment={"BOT_SECRET_OPS": "json://ops"})
    assert set_here.get("ops")["problem"] is None
    for wanted, found in (
        ({"channel": "dead", "state": "waiting"}, 1), ({"channel": "ops", "state": "waiting"}, 0),
        ({"state": "given_up"}, 0), ({"kind": "missed"}, 0), ({"kind": "service"}, 0),
        ({"kind": "failed", "job_id": job_id}, 1),
        ({"until": "2020-01-01T00:00:00"}, 0), ({"since": "2020-01-01T00:00:00"}, 1),
    ):  # fmt: skip
        assert len(record.page(limit=10, **wanted).data) == found, wanted


def test_what_waits_for_a_channel_follows_its_change_and_is_given_up_with_it(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """Held by a digest of a day; let go by the change; then held again, and the channel is deleted."""
    channels.create({**OPS, "digest_seconds": 86_400})
    rule = rules.create({"channel": "ops", "on": ["failed"]})
    for _ in range(3):
        end(rig, rig.make_job(), "failed", error="no")
    send_all(rig)
    assert post == [] and channels.get("ops")["waiting"] == 3
    channels.update("ops", {"digest_seconds": 1})
    rig.pass_ms(1_000)
    send_all(rig)
    ((_, subject, body),) = post
    assert subject == "3 alerts" and body.count("a job failed: no") == 3
    channels.update("ops", {"digest_seconds": 86_400})
    end(rig, rig.make_job(), "failed", error="no")
    send_all(rig)
    with pytest.raises(Conflict, match=rule["id"]):
        channels.delete("ops")
    rules.delete(rule["id"])
    channels.delete("ops")
    send_all(rig)
    newest = ToldAlerts(rig.scripts).page(limit=1).data[0]["deliveries"]
    assert [(one["state"], one["error"]) for one in newest] == [("given_up", "the channel was deleted")]
    assert len(post) == 1 and not rig.client.exists(rig.keys.delivery_due)


def at_the_next_gap(rig: Rig, address: str, ago: int) -> None:
    """As if the messages that an address took, and what waits for it, were so many ms older."""
    stored = json.loads(rig.client.hget(rig.keys.delivery_progress, address))  # type: ignore[arg-type]
    past = {**stored, "sent": [at - ago for at in stored["sent"]]}
    rig.client.hset(rig.keys.delivery_progress, address, json.dumps(past))
    rig.client.zadd(rig.keys.delivery_due, {address: 0})


def test_a_noisy_job_silences_neither_another_nor_the_service(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, then all that waits in one message, however long the line is: the service first, each job once."""
    from service.alerting import waiting
    from service.store.alerting import deliveries

    for module in (waiting, deliveries):
        monkeypatch.setattr(module, "READ_AT_ONCE", 7)
    noisy, important = rig.make_job(name="Noisy"), rig.make_job(name="Important")
    note = {"kind": "failed", "job_id": noisy, "at": RedisClock(rig.client).now_ms(), "error": "no"}
    for number in range(100):
        rig.client.lpush(rig.keys.alerts, json.dumps({**note, "run_id": f"{number}"}))
    send_all(rig, "json://service")
    assert [subject for _, subject, _ in post] == ["Noisy failed"] * 30
    assert "within 2 minutes. 70 wait now." in post[-1][2] and "together" not in post[-2][2]
    end(rig, important, "failed", error="the disk is full")
    note_troubles(rig.scripts, [Trouble("no_scheduler", cast(int, note["at"]), "the last heartbeat came at noon")])
    send_all(rig, "json://service")
    assert len(post) == 30
    at_the_next_gap(rig, "ALERT_URL/1", HOUR // 30)
    send_all(rig, "json://service")
    ((_, subject, body),) = post[30:]
    lines = body.split("\n")
    assert subject == "No scheduler is up, and 71 more"
    assert "No scheduler is up" in lines[0] and "Noisy failed" in lines[1]
    assert lines[2].endswith("Important failed: the disk is full") and "more, of which bot-scheduler alerts" in body
    assert len(subject) + len(body) <= 1_800
    assert [one["kind"] for one in ToldAlerts(rig.scripts).page(limit=9, kind="service").data] == ["trouble"]
    states = [one["state"] for alert in ToldAlerts(rig.scripts).page(limit=200).data for one in alert["deliveries"]]
    assert states == ["sent"] * 102 and not rig.client.exists(rig.keys.delivery_due)


def test_no_message_is_longer_than_services_take(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """Long names, labels, errors, logs and templates are cut; links stay whole, and no part of a secret shows."""
    secret = "s3cret-" * 9
    environment = {"BOT_SECRET_OPS": "json://ops", "BOT_SECRET_DEV": "json://dev", "BOT_SECRET_LONG": secret}
    channels.create(OPS)
    channels.create({"name": "dev", "url": "env:BOT_SECRET_DEV"})
    labels = {f"label-{number}-{'n' * 40}": "v" * 60 for number in range(20)}
    job_id = rig.make_job(name="N" * 200, labels=labels)
    rules.create({"channel": "ops", "on": ["failed"]})
    rules.create({"channel": "dev", "on": ["failed"], "template": "{{ link }} " + "x" * 1_700 + secret + "x" * 5_000})
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    for number in range(12):
        rig.client.rpush(rig.keys.run_log(run_id), json.dumps({"message": f"{number} copied\ndisk full " + "l" * 300}))
    rig.runs.finish(run_id, token, Outcome("failed", "e" * 600, {}))
    public = f"https://{'p' * 60}.example.org"
    alerts = Alerts(rig.scripts, None, lambda: True, environment, public_url=public, run_links=True)
    while alerts.step(0.02):
        pass
    told = {url: (subject, body) for url, subject, body in post}
    assert all(len(subject) + len(body) <= 1_800 for subject, body in told.values())
    assert "s3cret" not in told["json://dev"][1] and told["json://dev"][1].endswith("…")
    body = told["json://ops"][1]
    assert f"See: {public}/jobs/{job_id}/runs/{run_id}\n" in body and body.count(f"{public}/link/") == 2
    assert "Why: e" in body and body.split("\n")[-1].startswith("What to do: ")


def test_lines_of_a_log_stay_lines(rig: Rig, post: list[tuple[str, str, str]]) -> None:
    run_id = rig.use.run_now(rig.make_job())
    token = rig.start(run_id)
    rig.client.rpush(rig.keys.run_log(run_id), json.dumps({"message": "copied 12 files\ndisk full\n"}))
    rig.runs.finish(run_id, token, Outcome("failed", "no", {}))
    send_all(rig, "json://service")
    assert "\n  copied 12 files\n  disk full\n" in post[0][2]


def test_many_slow_addresses_hold_up_none_that_is_quick(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have all places at first, and lose them after a moment; a storm of notes does not hold up what is sorted."""
    clock, told, answers = [1000.0], list[str](), threading.Event()

    def announce(url: str, *_: Any, **__: Any) -> None:
        told.append(url)
        if "slow" in url:
            answers.wait(20)

    monkeypatch.setattr(alerts_module, "announce", announce)
    monkeypatch.setattr(alerts_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(places, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(alerts_module, "SORT_SECONDS", -1.0)
    urls = [f"json://slow{number}" for number in range(places.MOST_AT_ONCE)]
    urls.insert(8, "json://quick")  # ALERT_URL/9, the last one by its name, and so in its turn
    alerts = Alerts(rig.scripts, " ".join(urls), lambda: True, {})
    for _ in range(3):
        end(rig, rig.make_job(), "failed", error="no")
    alerts.step()
    assert rig.client.llen(rig.keys.alerts) == 2, "one note was sorted, and then sent"
    alerts.step()
    assert "json://quick" not in told
    clock[0] += places.SLOW_SECONDS
    alerts.step()
    for _ in range(100):
        if "json://quick" in told:
            break
        threading.Event().wait(0.02)
    assert "json://quick" in told
    answers.set()


def test_a_clock_that_was_ahead_for_a_moment_holds_up_no_channel(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """What was written while it was a day ahead: when to look, since when an alert waits, the last try."""
    channels.create({**OPS, "digest_seconds": 40})
    channels.create({"name": "dead", "url": "env:BOT_SECRET_DEAD"})
    for name in ("dead", "ops"):
        rules.create({"channel": name, "on": ["failed"]})
    end(rig, rig.make_job(), "failed", error="no")
    send_all(rig)
    assert post == []
    ahead = RedisClock(rig.client).now_ms() + 24 * HOUR
    for address in ("channel:ops/1", "channel:dead/1"):
        queue = rig.keys.delivery_queue(address)
        entry: Any = rig.client.lindex(queue, 0)
        rig.client.lset(queue, 0, f"{ahead}/{entry.decode().split('/')[1]}")
        rig.client.zadd(rig.keys.delivery_due, {address: ahead})
        failed = {"sent": [], "failures": 3, "retry_at": ahead + 20_000}
        rig.client.hset(rig.keys.delivery_progress, address, json.dumps(failed))
    send_all(rig)
    assert [url for url, *_ in post] == ["json://ops"]
    assert channels.get("dead")["failing"] == 4 and channels.get("ops")["waiting"] == 0
    now, due = RedisClock(rig.client).now_ms(), rig.client.zscore(rig.keys.delivery_due, "channel:dead/1")
    assert due is not None and now < due <= now + LOOK_AGAIN_MS


def test_beyond_half_the_limit_of_an_hour_the_rest_is_one_message_and_counts_all(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """Of 60 alerts one is told singly; half an hour later the others come as one, which counts what does not fit."""
    channels.create({**OPS, "max_per_hour": 2})
    rules.create({"channel": "ops", "on": ["failed"]})
    for _ in range(60):
        end(rig, rig.make_job(), "failed", error="no " * 60)
    send_all(rig)
    assert [subject for _, subject, _ in post] == ["a job failed"]
    at_the_next_gap(rig, "channel:ops/1", HOUR // 2)
    send_all(rig)
    assert [subject for _, subject, _ in post[1:]] == ["59 alerts"] and "more, of which" in post[-1][2]
    states = [one["state"] for alert in ToldAlerts(rig.scripts).page(limit=100).data for one in alert["deliveries"]]
    assert states == ["sent"] * 60


def test_a_template_is_tried_on_the_last_real_run_and_makes_the_text(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """One that fails there is refused with its line; the rule stays as it was."""
    channels.create(OPS)
    job_id = rig.make_job(name="Greet", labels={"team": "crm"})
    end(rig, job_id, "failed", error="12")
    send_all(rig)
    rule = {"channel": "ops", "on": ["failed"], "job_id": job_id}
    bad = ("{{ nothing }}", "{{ job", "{{ error / 2 }}", "{{ log * 1000 }}", "{% for x in log %}{% endfor %}")
    for template in bad:
        with pytest.raises(ValidationFailed) as refused:
            rules.create({**rule, "template": template})
        assert refused.value.errors[0].field == "template" and "line 1" in refused.value.errors[0].message
    # It works on the examples, and not on the job's own last run.
    with pytest.raises(ValidationFailed):
        rules.create({**rule, "template": "{{ 1 if error != '12' else nothing[0] }}"})
    with pytest.raises(ValidationFailed):
        rules.create({**rule, "template": "{% if job_id == '" + job_id + "' %}{{ -job }}{% endif %}"})
    made = rules.create({**rule, "template": "{{ job }}: {{ error }}{% if log %} {{ log }}{% endif %} ({{ labels }})"})
    end(rig, job_id, "success")
    end(rig, job_id, "failed", error="no answer")
    send_all(rig)
    assert post == [("json://ops", "Greet failed", "Greet: no answer (team:crm)")]
    assert rules.get(made["id"])["template"].startswith("{{ job }}")


def test_changes_are_audited_and_held_to_the_revision_that_was_read(rig: Rig, channels: Channels, rules: Rules) -> None:
    made = channels.create(OPS)
    with pytest.raises(Conflict):
        channels.create(OPS)
    with pytest.raises(PreconditionFailed):
        channels.update("ops", {"max_per_hour": 5}, [1])
    changed = channels.update("ops", {"max_per_hour": 5}, [made["revision"]])
    assert changed["revision"] == made["revision"] + 1 and changed["max_per_hour"] == 5
    rule = rules.create({"channel": "ops", "on": ["service"]})
    with pytest.raises(PreconditionFailed):
        rules.delete(rule["id"], [7])
    rules.delete(rule["id"], [1])
    channels.delete("ops")
    with pytest.raises(NotFound):
        channels.get("ops")


@pytest.mark.parametrize(
    "body, field",
    [
        ({"name": "ops", "url": "json://secret-host"}, "url"),
        ({"name": "ops", "url": "env:API_KEY"}, "url"),
        ({"name": "ops", "url": "env:BOT_SECRET_X_HOSTS"}, "url"),
        ({"name": "Ops!", "url": "env:BOT_SECRET_X"}, "name"),
        ({**OPS, "digest_seconds": 86_401}, "digest_seconds"),
        ({**OPS, "max_per_hour": 0}, "max_per_hour"),
        ({**OPS, "max_per_hour": True}, "max_per_hour"),
        ({**OPS, "quiet_hours": {"from": "7", "to": "08:00", "timezone": "UTC"}}, "quiet_hours.from"),
        ({**OPS, "colour": "red"}, "colour"),
    ],
)
def test_a_channel_that_is_refused_names_the_field_and_shows_no_address(
    channels: Channels, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        channels.create(body)
    assert [error.field for error in refused.value.errors] == [field]
    assert "secret-host" not in str(refused.value)


@pytest.mark.parametrize(
    "more, field",
    [
        ({"channel": "none"}, "channel"),
        ({"on": []}, "on"),
        ({"on": ["exploded"]}, "on[0]"),
        ({"after": 0}, "after"),
        ({"on": ["missed"], "after": 2}, "after"),
        ({"on": ["service"], "labels": {"team": "crm"}}, "on"),
        ({"job_id": "0b7f7a1e-0000-4000-8000-000000000001"}, "job_id"),
        ({"bot_types": ["nobody"]}, "bot_types[0]"),
        ({"labels": {"team": ["crm"]}}, "labels.team"),
    ],
)
def test_a_rule_that_is_refused_names_the_field(
    channels: Channels, rules: Rules, more: dict[str, Any], field: str
) -> None:
    channels.create(OPS)
    with pytest.raises(ValidationFailed) as refused:
        rules.create({"channel": "ops", "on": ["failed"], **more})
    assert [error.field for error in refused.value.errors] == [field]
    assert rules.page(10).data == []


def test_one_url_is_told_once_however_many_name_it(
    rig: Rig, channels: Channels, rules: Rules, post: list[tuple[str, str, str]]
) -> None:
    """A channel twice by two rules, and ALERT_URL with the same address."""
    channels.create(OPS)
    for on in (["failed"], ["failed", "missed"]):
        rules.create({"channel": "ops", "on": on})
    end(rig, rig.make_job(options={"alert_urls": ["env:BOT_SECRET_OPS"]}), "failed", error="no")
    send_all(rig, "json://ops")
    assert len(post) == 1
