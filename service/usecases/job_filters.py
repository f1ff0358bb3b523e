"""Filters of jobs, as lists and batches take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from service.domain.input.refusals import echo, listed
from service.domain.job import FILTER_STATES
from service.errors import ValidationFailed
from service.store.jobs.listing import JobFilter
from service.usecases.access.sight import choice


class JobFilters(TypedDict, total=False):
    """What a caller asks for; one that is left out accepts all jobs.

    Args:
        enabled_only: whether to leave out disabled jobs.
        bot_type: leave out other bots' jobs.
        q: a text that the name or the description contains, in any case.
        labels: filters such as `team:crm`, all of which must hold.
        state: one of `FILTER_STATES`.
    """

    enabled_only: bool
    bot_type: str | None
    q: str | None
    labels: Sequence[str]
    state: str | None


def job_filter(**asked: Unpack[JobFilters]) -> JobFilter:
    """Make the filter of the jobs that exist for the caller and are as it asks.

    Raises:
        ValidationFailed: a label or the state is malformed.
    """
    state = asked.get("state")
    if state is not None and state not in FILTER_STATES:
        raise ValidationFailed.of("state", f"must be {listed(map(echo, FILTER_STATES))}, not {echo(state)}")
    return JobFilter(
        asked.get("enabled_only", False), asked.get("bot_type"), asked.get("q"), state, choice(asked.get("labels", ()))
    )
