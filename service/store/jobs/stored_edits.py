"""Changed occurrences of jobs in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from service.domain.edits.edit import NO_EDITS, Edit, Edits, read_edits
from service.domain.records import JobRecord, UnreadableJob
from service.store.jobs.job_views import timestamp
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs


def with_edits(scripts: Scripts, record: JobRecord) -> JobRecord:
    """Read the changed occurrences of a job that was read without them.

    They may be newer than the job; then their stamp is another one by now, which the scripts find.

    Raises:
        UnreadableJob: they are damaged.
    """
    return with_all_edits(scripts, [record])[0]


def with_all_edits(scripts: Scripts, records: Sequence[JobRecord]) -> list[JobRecord]:
    """Read those of several jobs, in one round trip at most."""
    wanted = [record.id for record in records if record.edits.stamp]
    answers = ask(scripts, *(("HGETALL", scripts.keys.edits(job_id)) for job_id in wanted)) if wanted else []
    found = dict(zip(wanted, answers, strict=True))
    return [replace(one, edits=edits_of(one.edits.stamp, found[one.id])) if one.id in found else one for one in records]


def edits_of(stamp: str, answer: Any) -> Edits:
    """Read a job's changed occurrences from Redis' answer. Raises UnreadableJob if they are damaged."""
    try:
        return NO_EDITS if isinstance(answer, Exception) else read_edits(stamp, pairs(answer))
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableJob(f"a changed occurrence cannot be read ({type(error).__name__}: {error})") from error


def edit_changes(before: Edits, after: Edits) -> bytes | str:
    """Write how changed occurrences differ, for `lua/shared/edits.lua`; '' if they do not."""
    put = [part for at, edit in after.each.items() if before.each.get(at) != edit for part in (str(at), edit.text())]
    drop = [str(at) for at in before.each if at not in after.each]
    return orjson.dumps({"put": put, "drop": drop}) if put or drop else ""


def edits_back(before: Edits, after: Edits) -> bytes | str:
    """Write which changed occurrences a deleted job has when it is back: all that are left go into the index again."""
    if not before.each:
        return ""
    put = [part for at, edit in after.each.items() for part in (str(at), edit.text())]
    return orjson.dumps({"put": put, "drop": [str(at) for at in before.each if at not in after.each]})


def edit_view(occurrence: int, stored: bytes) -> bytes:
    """Write what a run's view has of its changed occurrence: how somebody changed it, and to when it was moved.

    Raises:
        ValueError, TypeError, KeyError: it is damaged.
    """
    edit = Edit.read(occurrence, stored)
    moved = b"" if edit.moved_to is None else b', "moved_to": %b' % timestamp(edit.moved_to)
    return moved + b', "edit": %b' % orjson.dumps(edit.told())
