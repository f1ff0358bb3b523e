"""What the audit of changes notices: it is known to fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.store.audit.reading import read_entry
from tests.chaos.audit import Findings, histories
from tests.chaos.changes import check_changes
from tests.support.store_rig import Rig


@pytest.fixture
def rig(redis_client: Redis) -> Iterator[Rig]:
    """Changes of every kind, made by a person."""
    token = act_for(Caller("root", "root", ALL))
    rig = Rig.on(redis_client)
    job_id, other = rig.make_job(), rig.make_job()
    rig.jobs.update(job_id, {"name": "two"})
    rig.jobs.toggle(job_id, {"enabled": False})
    rig.use.cancel(job_id, rig.use.run_now(job_id))
    rig.use.run_now(job_id)
    rig.use.run_now(other)
    rig.jobs.delete(other)
    yield rig
    act_as_before(token)


def problems(rig: Rig) -> list[str]:
    """What is found wrong."""
    found = Findings()
    check_changes(found, rig.client, rig.keys, histories(rig.client, rig.keys))
    return found.wrong


def rows(rig: Rig) -> list[Any]:
    """The entries as they are stored."""
    found: Any = rig.client.xrange(rig.keys.audit)
    return list(found)


def test_changes_with_their_entries_are_right(rig: Rig) -> None:
    """Of every kind."""
    assert problems(rig) == []


@pytest.mark.parametrize(
    "action", ["job.create", "job.update", "job.disable", "job.delete", "run.request", "run.cancel"]
)
def test_a_lost_or_doubled_entry_is_noticed(rig: Rig, action: str) -> None:
    """Whichever it is, of what is still there."""
    entries = [(one, fields, read_entry(fields)) for one, fields in rows(rig)]
    deleted = {entry["object"] for *_, entry in entries if entry["action"] == "job.delete"}
    one, fields = next(
        (one, fields) for one, fields, entry in entries
        if entry["action"] == action and entry.get("job_id") not in deleted
    )  # fmt: skip
    rig.client.xadd(rig.keys.audit, fields)
    assert len(problems(rig)) == 1
    rig.client.xdel(rig.keys.audit, one, rows(rig)[-1][0])
    assert problems(rig) != []


def test_an_entry_without_its_change_is_noticed(rig: Rig) -> None:
    """Of a job, of a run, and of a deletion."""
    for entry in ({"action": "job.create", "object": "x", "after": 1}, {"action": "job.delete", "object": "x"},
                  {"action": "run.request", "object": "x", "job_id": "y"}):  # fmt: skip
        before = problems(rig)
        rig.client.xadd(rig.keys.audit, entry)  # type: ignore[arg-type]
        assert len(problems(rig)) == len(before) + 1


def test_a_lost_revision_is_noticed(rig: Rig) -> None:
    """The list of former definitions has no gap."""
    job_id = next(iter(histories(rig.client, rig.keys)))
    rig.client.lpop(rig.keys.revisions(job_id))
    assert len(problems(rig)) == 1
