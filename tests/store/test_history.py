"""Runs as they are shown, in every state that they can be in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.domain.run_records import Outcome, Retry
from service.errors import NotFound
from service.store.counters import read
from service.store.runs import run_views as history
from service.store.server.redis_clock import RedisClock
from service.web.console.history.job_zone import JobZone
from service.web.console.plots import plot
from tests.support.store_rig import Rig


def test_a_runs_entry_from_its_request_to_its_end(rig: Rig) -> None:
    """Queued, running with its progress, ended: each field is null until it is known, and right from then on."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    queued = rig.use.run(job_id, run_id).data
    assert queued == {
        "id": run_id, "job_id": job_id, "started_at": None, "finished_at": None, "status": "queued", "result": None,
        "error": None, "messages_sent": 0, "profiles_visited": 0, "trigger": "manual", "scheduled_for": None,
        "attempt": 1, "queued_at": queued["queued_at"], "duration_ms": None, "lateness_ms": None, "reason": None,
        "occurrences": 1, "retry_of": None, "revision": None, "rehearsal": False, "requested_by": None,
    }  # fmt: skip
    token = rig.start(run_id)
    rig.runs.note(run_id, token, 1, progress=(3, 7), lines=[])
    running = rig.use.run(job_id, run_id).data
    assert (running["status"], running["progress"], running["revision"]) == ("running", {"done": 3, "total": 7}, 1)
    assert running["lateness_ms"] >= 0 and running["started_at"] >= running["queued_at"]
    rig.client.hset(rig.keys.run(run_id), mapping={"started_at": 1_700_000_000_900, "due": 1_700_000_000_850})
    rig.runs.finish(run_id, token, Outcome("success", None, {"messages_sent": 2, "names": ["ö", '"']}))
    ended = rig.use.run(job_id, run_id).data
    finished = int(rig.client.hget(rig.keys.run(run_id), "finished_at"))  # type: ignore[arg-type]
    assert (ended["started_at"], ended["lateness_ms"]) == ("2023-11-14T22:13:20", 50)
    assert (ended["duration_ms"], ended["messages_sent"]) == (finished - 1_700_000_000_900, 2)
    assert ended["result"] == {"messages_sent": 2, "names": ["ö", '"']}
    assert rig.history(job_id) == rig.use.all_runs(limit=5).data == [ended]


def test_a_clock_that_was_set_back_makes_no_negative_times(rig: Rig) -> None:
    """A run that ended an hour before it started took no time; one that started before it was due was not late."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    later = RedisClock(rig.client).now_ms() + 3_600_000
    rig.client.hset(rig.keys.run(run_id), mapping={"started_at": later, "due": later + 5_000})
    started = rig.use.run(job_id, run_id).data
    assert (started["duration_ms"], started["lateness_ms"]) == (None, 0)
    rig.runs.finish(run_id, token, Outcome("success", None, {}))
    ended = rig.use.run(job_id, run_id).data
    assert (ended["duration_ms"], ended["lateness_ms"]) == (0, 0)
    counted = read(rig.scripts)
    assert (counted.duration["echo"].sum_ms, counted.lateness["echo"].sum_ms) == (0, 0)
    drawn = plot(
        "Duration", "duration_ms", rig.history(job_id), JobZone({"schedule_type": None, "schedule_config": None})
    )
    assert drawn is not None and all(bar.height > 0 for bar in drawn.bars) and "-" not in drawn.summary


def test_a_retry_names_what_it_repeats(rig: Rig) -> None:
    """And counts its attempt; the failed one keeps its error."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    again = "6e3d9a02-6c4f-4a3a-9d8e-000000000000"
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "first\nline"), retry=Retry(again, 2, 0))
    retry, first = rig.history(job_id)
    assert (retry["id"], retry["retry_of"], retry["attempt"], retry["trigger"]) == (again, run_id, 2, "retry")
    assert (first["status"], first["error"]) == ("failed", "first\nline")


def test_a_folded_skip_goes_on_changing(rig: Rig) -> None:
    """Skipped entries grow, so that what was shown of one before is not shown again."""
    job_id = rig.make_job()
    rig.use.run_now(job_id)
    for expected, ago in ((1, 9), (2, 6), (3, 3)):
        rig.pretend_due(job_id, ago)
        rig.scheduler().enqueue_jobs()
        skipped = rig.history(job_id)[0]
        assert (skipped["status"], skipped["reason"], skipped["occurrences"]) == ("skipped", "overlap", expected)
        assert ("last_scheduled_for" in skipped) == (expected > 1)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (b'{"ratio": NaN, "most": Infinity}', {"ratio": None, "most": None}),
        (b'{"text": "\\ud800"}', {"text": "\\ud800"}),
        (b"[1]", [1]),
    ],
)
def test_what_a_bot_returned_never_makes_a_history_unreadable(rig: Rig, stored: bytes, shown: Any) -> None:
    """What is no JSON becomes null; half a character stays escaped."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.client.hset(rig.keys.run(run_id), "result", stored)
    entry = rig.use.run(job_id, run_id).json
    assert b"NaN" not in entry
    assert json.loads(entry)["result"] == shown


def test_a_damaged_run_is_left_out(rig: Rig) -> None:
    """It spoils neither history nor the list of all runs."""
    job_id = rig.make_job()
    first, damaged, last = (rig.use.run_now(job_id) for _ in range(3))
    rig.client.hset(rig.keys.run(damaged), "queued_at", "then")
    assert [run["id"] for run in rig.history(job_id)] == [last, first]
    rig.client.set(rig.keys.run(damaged), "text")
    assert [run["id"] for run in rig.history(job_id)] == [last, first]
    assert [run["id"] for run in rig.use.all_runs(limit=5).data] == [last, first]
    with pytest.raises(NotFound):
        rig.use.run(job_id, damaged)


def test_ended_runs_are_remembered_and_no_more_than_so_many(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are shown without being read again; long ones, and those beyond the measure, are read each time."""
    monkeypatch.setattr(history, "REMEMBERED", 3)
    job_id = rig.make_job()
    ids = [rig.use.run_now(job_id) for _ in range(5)]
    for number, run_id in enumerate(ids):
        rig.runs.finish(
            run_id, rig.start(run_id), Outcome("success", None, {"text": "x" * (5000 if number == 0 else 5)})
        )
    shown = history.History(rig.scripts)
    first = shown.of_job(job_id, 10)
    assert first is not None and len(first[0]) == 5
    rig.client.hset(rig.keys.run(ids[0]), "result", '"another"')
    again = shown.of_job(job_id, 10)
    assert again is not None and again[0][:4] == first[0][:4] and b'"another"' in again[0][4]
    assert len(shown._ended) <= 3
    rig.jobs.delete(job_id)
    assert shown.of_job(job_id, 10) is None and shown.one(job_id, ids[1]) is None
