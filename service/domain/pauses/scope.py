"""Scope of a pause: which jobs it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from service.domain.access.labels import LABELS_LIMIT, well_formed
from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.ids import is_id
from service.domain.input.refusals import Refusals, echo
from service.errors import ValidationFailed

KINDS = ("label", "bot_type", "job_id")
IN_WORDS = '"all", or an object with one of label, bot_type, job_id'


@dataclass(frozen=True, slots=True)
class PauseScope:
    """Which jobs a pause is for: all, or those that have one of these.

    Args:
        labels: labels and values that a job must have, all of them.
        bot_type: of the jobs.
        job_id: of the one job.
    """

    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    bot_type: str | None = None
    job_id: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether it is for every job."""
        return not self.labels and self.bot_type is None and self.job_id is None

    def takes(self, job_id: str, labels: Mapping[str, str], bot_type: str) -> bool:
        """Return whether it is for this job."""
        if self.job_id is not None:
            return self.job_id == job_id
        if self.bot_type is not None:
            return self.bot_type == bot_type
        return all(labels.get(name) == value for name, value in self.labels.items())

    def within(self, limits: Limits) -> bool:
        """Return whether every job that it could be for is within a caller's limits.

        Of one job nobody knows without looking: False, unless there are no limits.
        """
        if self.job_id is not None:
            return limits.are_none
        if self.is_all:
            return NO_LIMITS.within(limits)
        bots = None if self.bot_type is None else frozenset({self.bot_type})
        return Limits({name: frozenset({value}) for name, value in self.labels.items()}, bots).within(limits)

    def answer(self) -> Any:
        """Return the scope as the API has it."""
        if self.labels:
            return {"label": dict(self.labels)}
        if self.bot_type is not None:
            return {"bot_type": self.bot_type}
        return "all" if self.job_id is None else {"job_id": self.job_id}

    def words(self) -> str:
        """Say which jobs they are."""
        if self.labels:
            return "jobs labelled " + ", ".join(f"{name}:{value}" for name, value in self.labels.items())
        if self.bot_type is not None:
            return f"jobs of the bot {self.bot_type}"
        return "all jobs" if self.job_id is None else f"job {self.job_id}"


def parse_scope(value: object) -> PauseScope:
    """Parse a scope: `"all"`, `{"label": {name: value}}`, `{"bot_type": name}` or `{"job_id": id}`.

    Raises:
        ValidationFailed: it is not one of these.
    """
    if value == "all":
        return PauseScope()
    if not isinstance(value, dict):
        raise ValidationFailed.of("scope", f"must be {IN_WORDS}, not {echo(value)}")
    refusals = Refusals()
    refusals.unknown(value, KINDS, "scope", "scope")
    refusals.raise_any()
    if len(value) != 1:
        raise ValidationFailed.of("scope", f"must be {IN_WORDS}, not an object with {len(value)} of them")
    ((kind, asked),) = value.items()
    if kind == "label":
        return PauseScope(labels=_labels(asked))
    if kind == "job_id":
        if not is_id(asked):
            raise ValidationFailed.of("scope.job_id", f"must be the id of a job, not {echo(asked)}")
        return PauseScope(job_id=asked)
    if not isinstance(asked, str) or not asked:
        raise ValidationFailed.of("scope.bot_type", f"must be the name of a bot, not {echo(asked)}")
    return PauseScope(bot_type=asked)


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not 0 < len(value) <= LABELS_LIMIT:
        raise ValidationFailed.of("scope.label", f"must be an object of 1 to {LABELS_LIMIT} labels, not {echo(value)}")
    return well_formed(value, "scope.label")
