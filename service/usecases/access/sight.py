"""Sight: which jobs and bots exist for the caller, by the limits of its key. To it, all others do not.

Every use case that names a job asks here or in `service.usecases.ids`, so the API, the console, exports and live
streams cannot differ. A caller without limits costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from service.domain.access.callers import caller
from service.domain.access.labels import JobChoice, parse_label_filter
from service.domain.access.limits import Limits
from service.domain.input.refusals import Refusals, echo, listed
from service.domain.job import JobDefinition
from service.store.jobs.job_marks import read_marks
from service.store.scripts import Scripts

T = TypeVar("T")


def choice(labels: Iterable[str] = ()) -> JobChoice:
    """Make the choice of the jobs that exist for the caller and have all of these labels.

    Args:
        labels: filters such as `team:crm`.

    Raises:
        ValidationFailed: a filter is malformed.
    """
    return JobChoice(parse_label_filter(labels), caller().limits)


def is_limited() -> bool:
    """Tell whether some jobs do not exist for the caller."""
    return not caller().limits.are_none


def sees(scripts: Scripts, job_id: str) -> bool:
    """Tell whether a job exists for the caller. Without limits, nothing is asked: the answer is yes."""
    return is_within(scripts, job_id, caller().limits)


def is_within(scripts: Scripts, job_id: str, limits: Limits) -> bool:
    """Tell whether a job exists for callers with these limits. Without limits, nothing is asked: the answer is yes."""
    if limits.are_none:
        return True
    marks = read_marks(scripts, [job_id]).get(job_id)
    return marks is not None and limits.allow(*marks)


def sees_definition(definition: JobDefinition) -> bool:
    """Tell whether a job with this definition exists for the caller."""
    return caller().limits.allow(definition.labels, definition.bot_type)


def require_within_limits(definition: JobDefinition) -> None:
    """Refuse a definition that would put a job out of the caller's sight.

    Raises:
        ValidationFailed: naming the bot, and each label, that the caller's limits ask for.
    """
    limits, refusals = caller().limits, Refusals()
    if limits.bot_types is not None and definition.bot_type not in limits.bot_types:
        refusals.add("bot_type", f"must be {_any_of(limits.bot_types)}, to which this key is limited")
    for label, values in limits.labels.items():
        if definition.labels.get(label) not in values:
            refusals.add(f"labels.{label}", f"must be {_any_of(values)}, to which this key is limited")
    refusals.raise_any()


def needed_labels() -> dict[str, str]:
    """Return the labels that the caller's limits ask for, where there is one value alone."""
    return {label: next(iter(values)) for label, values in caller().limits.labels.items() if len(values) == 1}


def _any_of(values: Iterable[str]) -> str:
    return listed(echo(value) for value in sorted(values))


def seen_bots(bots: Mapping[str, T]) -> dict[str, T]:
    """Leave out the bots that do not exist for the caller."""
    only = caller().limits.bot_types
    return {name: bot for name, bot in bots.items() if only is None or name in only}
