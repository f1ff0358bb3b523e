"""Filters of jobs, as lists and batches take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from service.domain.input.refusals import echo, listed
from service.domain.job import FILTER_STATES
from service.errors import ValidationFailed
from service.store.jobs.job_rows import JobFilter
from service.usecases.access.sight import choice


class JobFilters(TypedDict, total=False):
    """What a caller asks for; one that is left out accepts all jobs.

    Args:
        enabled_only: whether to leave out disabled jobs.
        bot_type: leave out other bots' jobs.
        q: a text that the name or the description contains, in any case.
        labels: filters such as `team:crm`, all of which must hold.
        state: one of `FILTER_STATES`.
        ids: only the jobs with these ids.
    """

    enabled_only: bool
    bot_type: str | None
    q: str | None
    labels: Sequence[str]
    state: str | None
    ids: Sequence[str]


MOST_IDS = 200
"""The most jobs that a list names by their ids."""


def checked_ids(ids: Sequence[str]) -> Sequence[str]:
    """Return ids of jobs that a list asks for. Raises ValidationFailed if they are too many."""
    if len(ids) > MOST_IDS:
        raise ValidationFailed.of("id", f"may be given {MOST_IDS} times at most, not {len(ids):,} times")
    return ids


def job_filter(**asked: Unpack[JobFilters]) -> JobFilter:
    """Make the filter of the jobs that exist for the caller and are as it asks.

    Raises:
        ValidationFailed: a label or the state is malformed.
    """
    state = asked.get("state")
    if state is not None and state not in FILTER_STATES:
        raise ValidationFailed.of("state", f"must be {listed(map(echo, FILTER_STATES))}, not {echo(state)}")
    ids = asked.get("ids", ())
    return JobFilter(
        asked.get("enabled_only", False), asked.get("bot_type") or None, asked.get("q") or None, state,
        choice(asked.get("labels", ())), frozenset(ids) if ids else None,
    )  # fmt: skip
