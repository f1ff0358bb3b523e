"""Pings of heartbeat jobs: the runs that they make, what is missing, and what such a job is never asked to do."""

from __future__ import annotations

from typing import Any

import pytest

from service.alerting.alert_texts import words
from service.domain.heartbeats.pings import Word
from service.errors import Conflict, NotFound, ValidationFailed
from service.scheduler.calendar_changes import CalendarChanges
from service.scheduler.expectations import Expectations
from service.store.jobs.due_index import DueIndex
from service.store.server.redis_clock import RedisClock
from service.store.watching.leases import Leases
from service.usecases.heartbeats.pings import TooMany
from tests.store.pinging import know_heartbeats, ping, shown, watched
from tests.support.store_rig import Rig


@pytest.fixture(autouse=True)
def _bots(rig: Rig) -> None:
    """The rig knows heartbeat jobs, too."""
    know_heartbeats(rig)


def look(rig: Rig, job_id: str) -> None:
    rig.client.zadd(rig.keys.expect_due, {job_id: 0}, xx=True)
    Expectations(rig.scripts).step()


def back(rig: Rig, job_id: str, seconds: int) -> None:
    """Moves all that was noted of a job back."""
    at = RedisClock(rig.client).now_ms() - seconds * 1000
    for field in ("since", "reported", "settled"):
        if rig.client.hexists(rig.keys.expectation(job_id), field):
            rig.client.hset(rig.keys.expectation(job_id), field, at)
    rig.client.hset(rig.keys.job(job_id), mapping={"since": at // 1000, "created_at": at})


def test_a_ping_that_nobody_could_take_is_not_missing_until_its_grace_has_passed_again(rig: Rig) -> None:
    """Nothing is told while no web process is up, nor for a grace after one is back."""
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    Leases(rig.scripts, "a web process", ("watch",)).renew()
    assert rig.client.hmget(rig.keys.open_door, "shut", "since") == [b"0", b"0"]
    ping(rig, job_id)
    back(rig, job_id, 100)
    rig.client.hincrby(rig.keys.open_door, "seen", -90_000)
    rig.client.delete(rig.keys.lease("watch"))
    look(rig, job_id)
    assert rig.told() == [], "nobody takes pings"
    Leases(rig.scripts, "another", ("watch",)).renew()
    look(rig, job_id)
    assert rig.told() == [], "the grace has begun again"
    rig.client.hincrby(rig.keys.open_door, "since", -31_000)
    look(rig, job_id)
    assert [one["expectation"] for one in rig.told()] == ["ping"]


def test_a_start_and_an_end_make_one_run(rig: Rig) -> None:
    job_id = watched(rig)
    began = ping(rig, job_id, "start")
    assert began["status"] == "running" and rig.counts(job_id) == (1, 1)
    rig.client.hincrby(rig.keys.run(began["run_id"]), "started_at", -5_000)
    assert ping(rig, job_id, "log", text="half way")["run_id"] == began["run_id"]
    ended = ping(rig, job_id, text="done\nall of it")
    assert ended == {"job_id": job_id, "run_id": began["run_id"], "status": "success"}
    (run,) = rig.history(job_id)
    assert run["trigger"] == "ping" and 5_000 <= run["duration_ms"] < 60_000 and rig.counts(job_id) == (0, 0)
    assert [line["message"] for line in rig.log(run["id"])] == ["half way", "done\nall of it"]
    job = rig.jobs.get(job_id).data
    assert (job["last_run_status"], job["state"], job["health"]) == ("success", "scheduled", "ok")


def test_an_end_without_a_start_is_a_run_of_no_length(rig: Rig) -> None:
    job_id = watched(rig)
    ping(rig, job_id)
    (run,) = rig.history(job_id)
    assert (run["status"], run["duration_ms"]) == ("success", 0)


def test_failures_and_recoveries_are_told_as_those_of_other_runs(rig: Rig) -> None:
    job_id = watched(rig)
    for _ in range(2):
        ping(rig, job_id, "fail", text="copied 12 files\nno space left\n \n")
    ping(rig, job_id)
    assert [(one["kind"], one.get("error")) for one in rig.told()] == [
        ("failed", "reported failed: no space left"), ("recovered", None),
    ]  # fmt: skip
    assert shown(rig, job_id)[1:] == [("failed", "reported failed: no space left")] * 2
    assert shown(rig, job_id)[0] == ("success", None)


def test_pings_with_an_id_count_once_and_run_beside_each_other(rig: Rig) -> None:
    job_id = watched(rig)
    first, second = (ping(rig, job_id, "start", rid) for rid in ("a", "b"))
    assert first["run_id"] != second["run_id"]
    assert ping(rig, job_id, "start", "a") == first
    ended = [ping(rig, job_id, "fail", "a", "x") for _ in range(2)]
    assert ended[0] == ended[1] and ended[0]["run_id"] == first["run_id"]
    assert ping(rig, job_id, "success", "a") == ended[0]
    with pytest.raises(Conflict, match="had this rid, and has ended"):
        ping(rig, job_id, "start", "a")
    assert ping(rig, job_id, "success", "b")["run_id"] == second["run_id"]
    assert len(rig.history(job_id)) == 2 and len(rig.log(first["run_id"])) == 1


def test_a_run_whose_end_never_came_fails_when_the_next_begins(rig: Rig) -> None:
    job_id = watched(rig)
    first = ping(rig, job_id, "start")
    assert ping(rig, job_id, "start") == first, "curl --retry sends it again at once"
    rig.client.hincrby(rig.keys.run(first["run_id"]), "started_at", -11_000)
    second = ping(rig, job_id, "start")
    assert second["run_id"] != first["run_id"]
    assert shown(rig, job_id) == [("running", None), ("failed", "never ended: the next run has begun")]


def test_a_job_has_a_bounded_number_of_runs_under_way(rig: Rig) -> None:
    job_id = watched(rig)
    for number in range(21):
        ping(rig, job_id, "start", str(number))
    assert rig.counts(job_id) == (20, 20)
    assert shown(rig, job_id)[20] == ("failed", "never ended: 20 later runs have begun")


def test_a_log_goes_to_the_open_run_or_the_last_one(rig: Rig) -> None:
    job_id = watched(rig)
    with pytest.raises(Conflict, match="no run to which this log belongs"):
        ping(rig, job_id, "log", text="early")
    done = ping(rig, job_id)
    assert ping(rig, job_id, "log", text="late")["run_id"] == done["run_id"]
    assert [line["message"] for line in rig.log(done["run_id"])] == ["late"]
    with pytest.raises(ValidationFailed, match="the body is empty"):
        ping(rig, job_id, "log")


def test_a_loop_of_pings_is_bounded(rig: Rig) -> None:
    job_id = watched(rig)
    for _ in range(120):
        ping(rig, job_id)
    with pytest.raises(TooMany) as refusal:
        ping(rig, job_id)
    assert 0 < refusal.value.seconds <= 60
    assert len(rig.history(job_id)) == 120


def test_a_call_that_redis_hears_twice_makes_one_run(rig: Rig) -> None:
    job_id = watched(rig)
    arguments = (job_id, "7a2f0d0e-0000-4000-8000-000000000001", "success", "", "", 32_768, '{"message": "x"}')
    answers = [rig.scripts.run("note_ping", *arguments) for _ in range(2)]
    assert answers[0] == answers[1] and len(rig.history(job_id)) == 1
    assert len(rig.log(answers[0][1].decode())) == 1


def test_a_missing_ping_is_told_once_and_the_next_one_is_the_end(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    look(rig, job_id)
    assert rig.told() == []
    ping(rig, job_id)
    back(rig, job_id, 89)
    look(rig, job_id)
    assert rig.told() == []
    back(rig, job_id, 91)
    for _ in range(2):
        look(rig, job_id)
    told = rig.told()
    assert [(one["kind"], one["expectation"]) for one in told] == [("breach", "ping")]
    assert "came within the grace of 30 s; the last one came at" in told[0]["said"]
    assert rig.jobs.get(job_id).data["health"] == "late"
    assert rig.use.late_because(job_id) == [told[0]["said"]]
    assert [one["id"] for one in rig.jobs.list(limit=5, state="late").data] == [job_id]
    ping(rig, job_id, "start")
    look(rig, job_id)
    assert rig.told() == [], "it is the end that is awaited"
    ping(rig, job_id)
    Expectations(rig.scripts).step()
    assert [(one["kind"], one["said"]) for one in rig.told()] == [("breach_over", "a ping of a success has come")]
    assert rig.jobs.get(job_id).data["health"] == "ok"


def test_a_switched_off_or_rescheduled_job_owes_nothing_from_before(rig: Rig) -> None:
    job_id = watched(rig, bot_config={"grace_seconds": 30})
    back(rig, job_id, 300)
    look(rig, job_id)
    assert [one["kind"] for one in rig.told()] == ["breach"]
    rig.jobs.toggle(job_id, {"enabled": False})
    look(rig, job_id)
    assert [one["kind"] for one in rig.told()] == ["breach_over"]
    rig.jobs.toggle(job_id, {"enabled": True})
    look(rig, job_id)
    assert rig.told() == []
    back(rig, job_id, 300)
    rig.jobs.update(job_id, {"schedule_config": {"minutes": 2}})
    look(rig, job_id)
    assert rig.told() == []


def test_such_a_job_is_never_due(rig: Rig) -> None:
    """Not even after the sweep, or a hand that put it into the due index."""
    job_id = watched(rig)
    assert rig.client.zcard(rig.keys.due) == 0
    assert rig.jobs.get(job_id).data["next_run_at"] is not None
    replanned: list[str] = []
    index = DueIndex(rig.scripts, replanned.append, lambda _: None)
    assert index.restore([job_id]) == 0 and replanned == []
    rig.client.zadd(rig.keys.due, {job_id: 1})
    assert index.restore([job_id]) == 1 and rig.client.zcard(rig.keys.due) == 0
    ping(rig, job_id, "start")
    rig.client.hset(rig.keys.job(job_id), "open", 5)
    rig.scripts.run("mend_counts", job_id)
    assert rig.counts(job_id) == (1, 1) and rig.client.zcard(rig.keys.leases) == 0


def test_nothing_here_runs_it(rig: Rig) -> None:
    job_id = watched(rig)
    done = ping(rig, job_id, "fail")
    for ask in (
        lambda: rig.use.run_now(job_id), lambda: rig.use.run_now(job_id, {"at": "2999-01-01T00:00:00"}),
        lambda: rig.use.again(job_id, done["run_id"]), lambda: rig.use.again_failed(job_id, 0),
        lambda: rig.edits.change(job_id, "2999-01-01T00:00:00", {"skip": True}),
    ):  # fmt: skip
        with pytest.raises(Conflict, match="is a heartbeat job"):
            ask()
    with pytest.raises(ValidationFailed):
        rig.use.run_now(job_id, {"bot_config": {"dry_run": True}})
    assert rig.queue() == [] and len(rig.history(job_id)) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"options": {"timeout_seconds": 5}}, "options.timeout_seconds"),
        ({"options": {"max_retries": 1}}, "options.max_retries"),
        ({"options": {"overlap": "queue"}}, "options.overlap"),
        ({"options": {"ping_urls": ["env:BOT_SECRET_X"]}}, "options.ping_urls"),
        ({"options": {"jitter_seconds": 5}}, "options.jitter_seconds"),
        ({"options": {"expect": {"result": {"a": {"min": 1}}}}}, "options.expect.result"),
        ({"bot_config": {"grace_seconds": 0}}, "bot_config.grace_seconds"),
        ({"bot_config": {"dry_run": True}}, "bot_config.dry_run"),
    ],
)
def test_what_has_no_effect_is_refused(rig: Rig, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        watched(rig, **fields)
    assert [one.field for one in refusal.value.errors] == [named]


def test_an_open_run_can_be_closed_by_hand_and_goes_with_its_job(rig: Rig) -> None:
    job_id = watched(rig)
    run_id = ping(rig, job_id, "start", "a")["run_id"]
    rig.use.cancel(job_id, run_id)
    assert shown(rig, job_id)[0][0] == "cancelled" and rig.counts(job_id) == (0, 0)
    ping(rig, job_id, "start")
    rig.jobs.delete(job_id)
    assert not rig.client.exists(rig.keys.pings(job_id), rig.keys.ping_count(job_id))
    with pytest.raises(NotFound):
        ping(rig, job_id)


def test_another_calendar_has_its_jobs_judged_at_once(rig: Rig) -> None:
    """A day that is opened may owe a ping sooner than the next look."""
    rig.calendars.create({"name": "office"})
    job_id = watched(rig, options={"calendar": "office"})
    look(rig, job_id)
    assert (rig.client.zscore(rig.keys.expect_due, job_id) or 0) > RedisClock(rig.client).now_ms()
    rig.calendars.update("office", {"weekdays_off": ["sat"]})
    CalendarChanges(rig.scripts).step()
    assert 0 < (rig.client.zscore(rig.keys.expect_due, job_id) or 0) <= RedisClock(rig.client).now_ms()


@pytest.mark.parametrize(("word", "told"), [("success", "a success"), ("fail", "a failure")])
def test_the_end_of_a_silence_is_no_praise(rig: Rig, word: Word, told: str) -> None:
    job_id = watched(rig)
    back(rig, job_id, 86_400)
    look(rig, job_id)
    ping(rig, job_id, word)
    Expectations(rig.scripts).step()
    (over,) = [one for one in rig.told() if one["kind"] == "breach_over"]
    subject, body = words("Backup", over)
    assert subject == "Backup sends pings again" and f"a ping of {told} has come" in body
