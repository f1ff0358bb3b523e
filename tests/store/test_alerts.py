"""What people are told, and what n failures in a row do."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from service.alerting import alerts as alerts_module
from service.alerting.alert_addresses import Addresses, Unusable
from service.alerting.alert_texts import words
from service.alerting.alerts import Alerts
from service.domain.run_records import Outcome, Retry
from service.errors import DeliveryFailed
from service.store.alerting.deliveries import LEAST_TRIES, Deliveries
from service.store.outbox import Outbox
from service.store.server.redis_clock import RedisClock
from service.store.watching.leases import Leases
from tests.support.store_rig import Rig


def end(rig: Rig, job_id: str, status: str, retry: Retry | None = None, error: str = "the mail server is away") -> str:
    """Runs the job once by hand, to this end."""
    run_id = rig.use.run_now(job_id)
    outcome = Outcome(status, None if status == "success" else error, {})
    assert rig.runs.finish(run_id, rig.start(run_id), outcome, retry=retry)
    return run_id


def test_a_streak_of_failures_is_told_once_and_its_end_once(rig: Rig) -> None:
    """Failed, failed, cancelled, success, success: one alert of the failure, one of the recovery."""
    job_id = rig.make_job()
    first = end(rig, job_id, "failed")
    for status in ("failed", "cancelled", "success", "success"):
        last = end(rig, job_id, status)
    alerts = rig.told()
    assert [(alert["kind"], alert["job_id"]) for alert in alerts] == [("failed", job_id), ("recovered", job_id)]
    assert alerts[0]["run_id"] == first != last
    subject, body = words("Greet", alerts[0])
    assert subject == "Greet failed" and first in body and "the mail server is away" in body


def test_an_alert_has_the_labels_of_its_job(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, in order, as filters have them; without labels there is no such line."""
    sent: list[str] = []
    monkeypatch.setattr(alerts_module, "announce", lambda url, subject, body, **_: sent.append(body))
    for labels in ({"team": "crm", "stage": "live"}, {}):
        end(rig, rig.make_job(labels=labels), "failed")
    send_all(sender(rig, "json://localhost"))
    assert len(sent) == 2
    assert sent[0].splitlines()[1] == "Labels: stage:live, team:crm"
    assert "Labels" not in sent[1]
    news = {"kind": "news", "job_id": "j", "at": 0, "run_id": "r", "count": 1, "lines": ["x"]}
    assert words("n", news, "UTC", {"a": "b"})[1].splitlines()[:2] == ["Job: n (j)", "Labels: a:b"]


def test_a_failure_that_is_tried_again_is_not_told(rig: Rig) -> None:
    """Only a failure for good counts."""
    job_id = rig.make_job()
    end(rig, job_id, "failed", Retry("0b7f7a1e-0000-4000-8000-000000000001", 2, 60_000))
    assert rig.told() == []


def test_n_failures_in_a_row_switch_the_job_off_and_say_why(rig: Rig) -> None:
    """It is disabled, plans nothing, and its revision moves; switching it on starts the count anew."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    end(rig, job_id, "failed")
    end(rig, job_id, "success")
    end(rig, job_id, "failed")
    assert rig.jobs.get(job_id).data["enabled"]
    end(rig, job_id, "failed")
    job = rig.jobs.get(job_id).data
    assert (job["enabled"], job["state"], job["next_run_at"], job["revision"]) == (False, "disabled", None, 2)
    assert job["state_reason"] == "switched off after 2 failures in a row"
    assert rig.health.now()["enabled_jobs"] == 0
    assert [alert["kind"] for alert in rig.told()] == ["failed", "recovered", "failed", "switched_off"]

    on = rig.jobs.toggle(job_id, {"enabled": True}).data
    assert (on["state"], on["state_reason"]) == ("scheduled", None)
    end(rig, job_id, "failed")
    assert rig.jobs.get(job_id).data["enabled"]


def test_a_streak_goes_on_through_the_switching_off_and_on_until_a_success(rig: Rig) -> None:
    """What still waited and fails is not told again; switched on, the count is 0, and a success is a recovery."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    for _ in range(4):
        end(rig, job_id, "failed")
    assert [alert["kind"] for alert in rig.told()] == ["failed", "switched_off"]
    rig.jobs.toggle(job_id, {"enabled": True})
    end(rig, job_id, "success")
    assert [alert["kind"] for alert in rig.told()] == ["recovered"]
    end(rig, job_id, "failed")
    assert [alert["kind"] for alert in rig.told()] == ["failed"]


@pytest.mark.parametrize("change", [{"name": "another"}, {"schedule_config": {"hours": 2}}, {"enabled": False}])
def test_a_job_that_was_switched_off_says_why_until_it_is_switched_on(rig: Rig, change: dict[str, Any]) -> None:
    """A change that leaves it off leaves the reason."""
    job_id = rig.make_job(options={"disable_after_failures": 1})
    end(rig, job_id, "failed")
    changed = rig.jobs.update(job_id, change).data
    assert (changed["state"], changed["state_reason"]) == ("disabled", "switched off after 1 failure in a row")
    on = rig.jobs.update(job_id, {"enabled": True}).data
    assert (on["state"], on["state_reason"]) == ("scheduled", None)
    assert on["next_run_at"] is not None


def test_switching_off_calls_off_the_retries_that_await_their_delay(rig: Rig) -> None:
    """They end cancelled and say why, and the job's slots are free."""
    job_id = rig.make_job(options={"disable_after_failures": 1})
    retry = Retry("0b7f7a1e-0000-4000-8000-000000000002", 2, 60_000)
    run_id = rig.run_due(job_id)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"), retry=retry)
    end(rig, job_id, "failed")
    called_off = rig.use.run(job_id, retry.run_id).data
    assert called_off["status"] == "cancelled"
    assert called_off["error"] == "cancelled: the job was switched off after 1 failure in a row"
    assert not rig.client.exists(rig.keys.retries) and rig.counts(job_id) == (0, 0)


def test_of_an_error_the_first_line_is_told_and_cut_between_characters(rig: Rig) -> None:
    """An outbox of a thousand alerts stays small, and each can be read."""
    job_id = rig.make_job()
    end(rig, job_id, "failed", error="\nno answer from é\nTraceback: much more")
    end(rig, job_id, "success")
    end(rig, job_id, "failed", error="é" * 5000)
    short, _, long = rig.told()
    assert short["error"] == "no answer from é"
    assert long["error"] == "é" * 249 + "..."


def test_an_outbox_that_is_no_list_holds_up_no_run_and_no_occurrence(rig: Rig) -> None:
    """The alert is lost; the run ends, the job moves on, and each is whole."""
    rig.client.set(rig.keys.alerts, "no list")
    job_id = rig.make_job(options={"misfire_grace_seconds": 60})
    run_id = end(rig, job_id, "failed")
    assert rig.use.run(job_id, run_id).data["status"] == "failed"
    assert not rig.client.exists(rig.keys.leases) and rig.counts(job_id) == (0, 0)
    rig.pretend_due(job_id, 600)
    rig.scheduler().enqueue_jobs()
    assert "misfire" in [run["reason"] for run in rig.history(job_id)]


def test_missed_occurrences_are_told_at_most_once_an_hour(rig: Rig) -> None:
    """Occurrences found later than their grace are skipped as misfires, and one alert counts the first of them."""
    job_id = rig.make_job(options={"misfire_grace_seconds": 60})
    for _ in range(2):
        rig.pretend_due(job_id, 600)
        rig.client.hdel(rig.keys.job(job_id), "last_decided")
        rig.scheduler().enqueue_jobs()
    assert [alert["kind"] for alert in rig.told()] == ["missed"]


def test_a_clock_that_was_set_back_does_not_silence_missed_occurrences(rig: Rig) -> None:
    """When they were last told of may lie in the future then."""
    job_id = rig.make_job(options={"misfire_grace_seconds": 60})
    rig.client.hset(rig.keys.job(job_id), "misfire_told_at", RedisClock(rig.client).now_ms() + 86_400_000)
    rig.pretend_due(job_id, 600)
    rig.scheduler().enqueue_jobs()
    assert [alert["kind"] for alert in rig.told()] == ["missed"]


def test_an_alert_that_a_scheduler_of_the_release_before_left_is_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It moved what it was sending into a list of its own; that comes first."""
    post = Post(monkeypatch)
    for number in (1, 2):
        end(rig, rig.make_job(name=f"job {number}"), "failed")
    rig.client.lmove(rig.keys.alerts, rig.keys.alerts_sending, "RIGHT", "LEFT")
    send_all(sender(rig, "json://a"))
    assert [subject for _, subject in post.taken] == ["job 1 failed", "job 2 failed"]
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)


def test_an_alert_of_a_deleted_job_is_dropped(rig: Rig) -> None:
    """There is nobody to tell, and nothing stays behind."""
    job_id = rig.make_job()
    end(rig, job_id, "failed")
    rig.jobs.delete(job_id)
    send_all(sender(rig, "json://a"))
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)


# sending


class Post:
    """Stands in for Apprise: notes what is sent where, and refuses what `refuse` holds, that many times."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refuse: Mapping[str, int] | None = None) -> None:
        self.taken: list[tuple[str, str]] = []
        self.tries: list[str] = []
        self._refuse = dict(refuse or {})
        monkeypatch.setattr(alerts_module, "announce", self._announce)

    def _announce(self, url: str, subject: str, body: str, redirects: bool = True) -> None:
        self.tries.append(url)
        if self._refuse.get(url, 0):
            self._refuse[url] -= 1
            raise DeliveryFailed("the channel is away")
        self.taken.append((url, subject))


def sender(rig: Rig, alert_url: str | None = None, **environment: str) -> Alerts:
    """What sends for the acting scheduler; the test says when."""
    return Alerts(rig.scripts, alert_url, lambda: True, environment)


def send_all(alerts: Alerts) -> None:
    """Until nothing may go now."""
    while alerts.step(0.02):
        pass


def hurry(rig: Rig) -> None:
    """The pauses after failed tries are over."""
    now = RedisClock(rig.client).now_ms()
    stored: dict[bytes, bytes] = rig.client.hgetall(rig.keys.delivery_progress)  # type: ignore[assignment]
    for address, text in stored.items():
        rig.client.hset(rig.keys.delivery_progress, address, json.dumps({**json.loads(text), "retry_at": now}))
        if rig.client.zscore(rig.keys.delivery_due, address) is not None:
            rig.client.zadd(rig.keys.delivery_due, {address: 0})


def test_the_service_and_the_job_are_told_each_address_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An address that both name is told once; a name without a value is said in the log, by name."""
    post = Post(monkeypatch)
    names = ["env:BOT_SECRET_OWN", "env:BOT_SECRET_UNSET"]
    end(rig, rig.make_job(name="Greet all", options={"alert_urls": names}), "failed")
    alerts = sender(rig, "json://a json://b", BOT_SECRET_OWN="json://b json://c", API_KEY="json://no")
    send_all(alerts)
    assert sorted(post.taken) == [(f"json://{host}", "Greet all failed") for host in "abc"]
    assert "BOT_SECRET_UNSET" in caplog.text and "json://" not in caplog.text


def test_an_alert_is_rid_of_secrets_also_of_those_that_were_stored(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older worker stored the error as it was; a job's name may have one, too."""
    sent: list[str] = []
    Post(monkeypatch)

    def announce(url: str, subject: str, body: str, redirects: bool) -> None:
        sent.extend([subject, body])

    monkeypatch.setattr(alerts_module, "announce", announce)
    job_id = rig.make_job(name="Ask sesame-open")
    run_id = rig.use.run_now(job_id)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "b'sesame-open\\n' is no header"))
    send_all(sender(rig, "json://a", BOT_SECRET_X="sesame-open\n"))
    assert sent[0] == "Ask [BOT_SECRET_X] failed" and "Why: b'[BOT_SECRET_X]\\n' is no header" in sent[1]
    assert "sesame" not in "".join(sent)


def test_names_outside_of_bot_secret_resolve_to_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where outside hands wrote such a name into the job."""
    post = Post(monkeypatch)
    environment = {"API_KEY": "json://no", "BOT_SECRET_X_HOSTS": "a.example"}
    addresses = Addresses(None, environment)
    for name in ("API_KEY", "BOT_SECRET_X_HOSTS"):
        with pytest.raises(Unusable):
            addresses.find(addresses.told([name])[0], None)
    job_id = rig.make_job()
    rig.client.hset(rig.keys.job(job_id), "options", json.dumps({"alert_urls": ["env:API_KEY"]}))
    end(rig, job_id, "failed")
    send_all(sender(rig, None, **environment))
    assert post.tries == []


def test_an_address_that_fails_gets_what_waits_together_and_holds_up_no_other(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After its pause it is told of both in one message; the dead one is tried on; the well one had each."""
    post = Post(monkeypatch, {"json://slow": 1, "json://dead": 10})
    alerts = sender(rig, "json://slow json://dead json://well")
    for _ in range(2):
        end(rig, rig.make_job(), "failed")
        send_all(alerts)
    assert post.taken == [("json://well", "a job failed")] * 2
    assert post.tries.count("json://dead") == 1, "it is left alone for some seconds"
    hurry(rig)
    send_all(alerts)
    assert post.taken[2:] == [("json://slow", "2 alerts")]
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)
    assert rig.client.zrange(rig.keys.delivery_due, 0, -1) == [b"ALERT_URL/2"]
    assert "URL 2 of ALERT_URL" in caplog.text and "json://" not in caplog.text


def test_what_no_try_of_a_day_delivers_is_given_up_and_says_why(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it waits then, and its text is gone; the record stays."""
    Post(monkeypatch, {"json://dead": 10})
    alerts = sender(rig, "json://dead")
    end(rig, rig.make_job(), "failed")
    send_all(alerts)
    found: list[bytes] = rig.client.zrange(rig.keys.delivery_record, 0, -1)  # type: ignore[assignment]
    (alert_id,) = found
    key = rig.keys.alert(alert_id.decode())
    stored = json.loads(rig.client.hget(key, "to:ALERT_URL/1"))  # type: ignore[arg-type]
    stored["first_at"] -= 86_400_000
    for tries in (1, LEAST_TRIES):  # a few tries, and a clock that was a day ahead for a moment, give nothing up
        assert b"says" in rig.client.hgetall(key)
        rig.client.hset(key, "to:ALERT_URL/1", json.dumps({**stored, "tries": tries}))
        hurry(rig)
        send_all(alerts)
    fields: dict[bytes, bytes] = rig.client.hgetall(key)  # type: ignore[assignment]
    assert json.loads(fields[b"to:ALERT_URL/1"])["ended"] == "given_up"
    assert b"says" not in fields and fields[b"subject"] == b"a job failed"
    assert not rig.client.exists(rig.keys.delivery_due, rig.keys.delivery_queue("ALERT_URL/1"))
    assert "has not accepted it for a day" in caplog.text


def test_a_process_that_stops_begins_nothing_and_the_next_one_goes_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither between the note and the delivery, nor between two tries is anything lost."""
    post = Post(monkeypatch, {"json://slow": 1})
    end(rig, rig.make_job(), "failed")
    stopping = sender(rig, "json://slow")
    stopping.stop()
    send_all(stopping)
    assert post.tries == []
    send_all(sender(rig, "json://slow"))
    hurry(rig)
    send_all(sender(rig, "json://slow"))
    assert len(post.taken) == 1


def test_a_note_becomes_deliveries_once_however_often_that_is_tried(rig: Rig) -> None:
    """A repeated call, and another process that had read the same note, find that it is gone."""
    end(rig, rig.make_job(), "failed")
    taken, deliveries = Outbox(rig.scripts).take_up(), Deliveries(rig.scripts)
    assert taken is not None
    words = [deliveries.sort(taken, f"alert-{number}", {"said": {}}, {}, ["ALERT_URL/1"]) for number in range(3)]
    assert words == ["sorted", "gone", "gone"]
    assert rig.client.llen(rig.keys.delivery_queue("ALERT_URL/1")) == 1


@pytest.mark.parametrize(
    "rubbish",
    [b"\xff", b"[]", b"{}", json.dumps({"kind": "failed", "job_id": "x"}).encode(), b'{"kind": 1, "at": "x"}'],
)
def test_what_is_no_alert_is_dropped_and_stops_nobody(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, rubbish: bytes
) -> None:
    """Outside hands wrote it; the alert behind it still goes out."""
    post = Post(monkeypatch)
    rig.client.rpush(rig.keys.alerts, rubbish)
    end(rig, rig.make_job(), "failed")
    send_all(sender(rig, "json://a"))
    assert [subject for _, subject in post.taken] == ["a job failed"]
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)


def test_a_channels_own_defect_is_a_failed_try_and_shows_no_secret(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever Apprise raises, the thread goes on; the exception's text may hold the address and is not logged."""
    Post(monkeypatch)

    def announce(url: str, subject: str, body: str, redirects: bool) -> None:
        raise AttributeError(f"no attribute at {url}")

    monkeypatch.setattr(alerts_module, "announce", announce)
    end(rig, rig.make_job(), "failed")
    send_all(sender(rig, "json://secret"))
    assert "AttributeError" in caplog.text and "secret" not in caplog.text


def test_the_failure_of_a_job_that_cannot_be_read_is_told_to_the_service(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its id, since nothing else of it is sure."""
    post = Post(monkeypatch)
    job_id = rig.make_job()
    end(rig, job_id, "failed")
    rig.client.hset(rig.keys.job(job_id), "options", "{")
    send_all(sender(rig, "json://a"))
    assert post.taken == [("json://a", f"{job_id} failed")]


# a wrong clock


def missed(rig: Rig, count: int, ahead_ms: int = 0) -> None:
    """Jobs that missed occurrences, told of by a clock that is so far ahead."""
    now = RedisClock(rig.client).now_ms() + ahead_ms
    for _ in range(count):
        said = {"kind": "missed", "job_id": rig.make_job(), "at": now, "occurrences": 1, "occurrence": now // 1000 - 90}
        rig.client.lpush(rig.keys.alerts, json.dumps(said))


def step(rig: Rig, by_ms: int, ago_ms: int = 5_000) -> None:
    """The newest recorded step of the clock."""
    landed = RedisClock(rig.client).now_ms() - ago_ms
    steps = [{"number": 1, "by": by_ms, "before": landed - by_ms, "landed": landed}]
    rig.client.hset(rig.keys.clock, "steps", json.dumps(steps))


def gathered(rig: Rig) -> None:
    """A minute has gone by since the first one was folded."""
    rig.client.hincrby(rig.keys.clock, "folded_at", -60_000)


def test_what_a_clock_that_was_ahead_called_missed_is_dropped_when_it_is_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decisions are void; what the right clock found goes out, as does all else."""
    post = Post(monkeypatch)
    missed(rig, 20, ahead_ms=365 * 86_400_000)
    missed(rig, 1)
    end(rig, rig.make_job(), "failed")
    send_all(sender(rig, "json://a"))
    assert [subject for _, subject in post.taken] == ["a job missed occurrences", "a job failed"]
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)


def test_after_a_step_forward_missed_occurrences_of_many_jobs_are_one_alert(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few singly, the rest together, also by another scheduler after this one's death; failures as ever."""
    post = Post(monkeypatch)
    step(rig, 365 * 86_400_000)
    missed(rig, 20)
    end(rig, rig.make_job(), "failed")
    send_all(sender(rig, "json://a"))
    assert [subject for _, subject in post.taken] == ["a job missed occurrences"] * 3 + ["a job failed"]
    gathered(rig)
    for _ in range(2):
        send_all(sender(rig, "json://a"))
    assert [subject for _, subject in post.taken[4:]] == ["At least 17 more jobs missed occurrences"]
    assert rig.client.hmget(rig.keys.clock, "folded", "folded_at") == [None, None]


@pytest.mark.parametrize(("by_ms", "ago_ms"), [(-7_200_000, 5_000), (7_200_000, 700_000)])
def test_without_a_recent_step_forward_each_job_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, by_ms: int, ago_ms: int
) -> None:
    """A step back, or one that is long ago, folds nothing."""
    post = Post(monkeypatch)
    step(rig, by_ms, ago_ms)
    missed(rig, 6)
    send_all(sender(rig, "json://a"))
    assert len(post.taken) == 6


def test_what_was_folded_is_not_told_once_the_clock_is_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those occurrences are decided anew."""
    post = Post(monkeypatch)
    step(rig, 7_200_000)
    missed(rig, 6)
    send_all(sender(rig, "json://a"))
    step(rig, -7_200_000)
    gathered(rig)
    send_all(sender(rig, "json://a"))
    assert len(post.taken) == 3
    assert rig.client.hget(rig.keys.clock, "folded") is None


def test_a_jobs_own_address_is_told_also_of_what_is_folded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has asked for this job."""
    post = Post(monkeypatch)
    step(rig, 7_200_000)
    missed(rig, 5)
    now = RedisClock(rig.client).now_ms()
    own = rig.make_job(name="own", options={"alert_urls": ["env:BOT_SECRET_OWN"]})
    said = {"kind": "missed", "job_id": own, "at": now, "occurrences": 1, "occurrence": now // 1000 - 90}
    rig.client.lpush(rig.keys.alerts, json.dumps(said))
    send_all(sender(rig, "json://a", BOT_SECRET_OWN="json://b"))
    assert ("json://b", "own missed occurrences") in post.taken and len(post.taken) == 4


def test_clock_notes_that_outside_hands_made_something_else_hold_up_no_alert(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is sent singly."""
    post = Post(monkeypatch)
    rig.client.set(rig.keys.clock, "rubbish")
    missed(rig, 5)
    send_all(sender(rig, "json://a"))
    assert len(post.taken) == 5


def test_no_library_logs_addresses_at_any_level() -> None:
    """At DEBUG, urllib3 would log the path of each request, where tokens stand."""
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.INFO)


def test_a_courier_that_has_lost_its_lease_takes_no_alert(rig: Rig) -> None:
    """Though it may not know yet: after a FLUSHALL two can believe for a moment that they are the courier."""
    beaten, other = (Leases(rig.scripts, name, ("courier",)) for name in ("beaten", "other"))
    beaten.renew()
    rig.client.lpush(rig.keys.alerts, json.dumps({"kind": "failed", "job_id": "j", "at": 0}))
    rig.client.delete(rig.keys.lease("courier"))
    other.renew()
    assert beaten.holds("courier") and not Outbox(rig.scripts, lambda: "beaten").is_courier()
    assert Outbox(rig.scripts, lambda: "other").is_courier()
    idle = Alerts(rig.scripts, "json://a", lambda: True, {}, token=lambda: "beaten")
    assert not idle.step() and rig.client.llen(rig.keys.alerts) == 1


def test_what_is_told_of_the_service_goes_to_the_services_address_and_stays_until_it_is_sent(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an outbox of its own, which a scheduler of an older release does not take from and drop."""
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr(alerts_module, "announce", lambda url, subject, body, **_: sent.append((url, subject)))
    beat = rig.scheduler().heartbeat
    beat()
    rig.client.hset(rig.keys.clock, "seen", RedisClock(rig.client).now_ms() + 3_600_000)
    rig.scheduler().heartbeat()
    assert rig.client.llen(rig.keys.alerts) == 0
    taken = Outbox(rig.scripts).take_up()
    assert taken is not None and Outbox(rig.scripts).take_up() == taken
    send_all(sender(rig, "json://a json://b"))
    assert sorted(url for url, _ in sent) == ["json://a", "json://b"]
    assert all(subject.startswith("Redis' clock was set back by ") for _, subject in sent)
