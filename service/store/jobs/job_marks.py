"""Marks of jobs: their labels and their bot, by which a choice takes or leaves whatever belongs to a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from service.domain.access.labels import Labels, stored_labels
from service.store.scripts import Scripts
from service.store.server.asking import ask_packed, hash_fields


class JobMarks(NamedTuple):
    """The labels and the bot of a job."""

    labels: Labels
    bot_type: str


def read_marks(scripts: Scripts, job_ids: Iterable[str]) -> Mapping[str, JobMarks]:
    """Read the marks of jobs, in one round trip.

    Returns:
        Job id -> marks, without jobs that are gone.
    """
    ids = list(dict.fromkeys(job_ids))
    questions = hash_fields([scripts.keys.job(job_id) for job_id in ids], ("bot_type", "labels"))
    answers = ask_packed(scripts, questions) if questions else []
    found = {job_id: marks_of(*values) for job_id, values in zip(ids, answers, strict=True) if isinstance(values, list)}
    return {job_id: marks for job_id, marks in found.items() if marks is not None}


def marks_of(bot_type: bytes | None, labels: bytes | None) -> JobMarks | None:
    """Make the marks of a job from its stored fields; None if there is no job. A damaged job has no labels."""
    if bot_type is None:
        return None
    try:
        return JobMarks(stored_labels(labels), bot_type.decode(errors="replace"))
    except ValueError:
        return JobMarks({}, bot_type.decode(errors="replace"))
