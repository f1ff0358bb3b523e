"""The installation that `make demo-large` makes has nothing but real records: the engine would have left the same."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from service.domain.run_records import Outcome
from service.store.jobs.due_index import DueIndex
from service.usecases.contacts import ContactBook
from service.usecases.fates.occurrences import Occurrences
from tests.support.store_rig import Rig
from tools.demo.filling import NotEmpty, Size, fill
from tools.demo.jobs import jobs

SMALL = Size(jobs=60, runs=1_500, contacts=40)


@pytest.fixture
def filled(rig: Rig) -> Rig:
    """A small one."""
    fill(rig.client, SMALL)
    return rig


def ids(rig: Rig) -> list[str]:
    """All jobs."""
    found: Any = rig.client.zrange(rig.keys.jobs, 0, -1)
    return [job_id.decode() for job_id in found]


def test_there_is_as_much_as_was_asked_for(filled: Rig) -> None:
    """Each run in its job's history, its counters and, the newest ones, in the list of all runs."""
    assert len(ids(filled)) == SMALL.jobs
    histories = [filled.history(job_id) for job_id in ids(filled)]
    runs = {run["id"]: run for history in histories for run in history}
    assert len(runs) == SMALL.runs
    listed: Any = filled.client.lrange(filled.keys.runs, 0, -1)
    queued = [runs[run_id.decode()]["queued_at"] for run_id in listed]
    assert len(queued) == SMALL.runs and queued == sorted(queued, reverse=True)
    counters: Any = filled.client.hgetall(filled.keys.metrics)
    assert sum(int(value) for name, value in counters.items() if name.startswith(b"runs:")) == SMALL.runs
    assert len(list(ContactBook(filled.client, filled.keys).all())) == SMALL.contacts
    with pytest.raises(NotEmpty):
        fill(filled.client, SMALL)


def test_its_records_have_the_fields_of_those_that_the_engine_makes(filled: Rig) -> None:
    """Of a run that went well and one that failed, and of their job."""
    for status, error in (("success", None), ("failed", "no")):
        job_id = filled.make_job()
        run_id = filled.run_due(job_id)
        filled.runs.finish(run_id, filled.start(run_id), Outcome(status, error, {"a": 1} if error is None else None))
        real = set(filled.client.hgetall(filled.keys.run(run_id)))
        ours = next(
            run["id"] for one in ids(filled)[: SMALL.jobs] for run in filled.history(one) if run["status"] == status
        )
        made: Any = filled.client.hgetall(filled.keys.run(ours))
        assert set(made) - {b"messages_sent", b"profiles_visited"} == real - {b"messages_sent", b"profiles_visited"}


def test_each_instant_is_accounted_for_and_no_sweep_finds_anything_to_mend(filled: Rig) -> None:
    """Every occurrence since a job was created has its run, and none has two."""
    index = DueIndex(filled.scripts, pytest.fail, lambda _: None)
    assert index.restore(ids(filled)) == 0
    assert filled.scripts.run_many("mend_counts", [[job_id] for job_id in ids(filled)]) == [0] * SMALL.jobs
    accounts = Occurrences(filled.scripts)
    for job_id in ids(filled):
        job = filled.jobs.get(job_id).data
        told = accounts.page(job_id, since=job["created_at"], until=None, limit=1000)
        assert [told[name] for name in ("unaccounted", "doubled", "strays")] == [0, 0, 0], job["name"]
        assert {item["fate"] for item in told["items"]} <= {"ran", "coming"}, job["name"]
        history = filled.history(job_id)
        assert len(told["items"]) >= len(history) == len({run["scheduled_for"] for run in history})


def test_the_same_seed_makes_the_same_jobs() -> None:
    """As of one time."""
    first, second = (list(jobs(50, 900, 1_764_000_000, Random(3))) for _ in range(2))
    assert first == second
    assert sum(len(job.behind) for job in first) == 900
    assert len(json.dumps([job.record.answer() for job in first])) > 0
