"""A job's definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from service.domain.heartbeats.terms import expected_letters
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Schedule, parse_schedule
from service.errors import ValidationFailed

DEFINITION_FIELDS = (
    "name",
    "description",
    "bot_type",
    "enabled",
    "schedule_type",
    "schedule_config",
    "bot_config",
    "options",
    "labels",
)
ANSWER_FIELDS = (
    "id",
    *DEFINITION_FIELDS,
    "created_at",
    "updated_at",
    "last_run_at",
    "last_run_status",
    "last_run_error",
    "next_run_at",
    "state",
    "state_reason",
    "health",
    "revision",
)
"""The fields of a job as the API shows it, in the contract's order."""
HEALTHS = ("ok", "late", "slow", "empty")
"""How a job is of which something is expected."""
STATES = ("scheduled", "disabled", "ended", "broken")
FILTER_STATES = (*STATES, "failing", *HEALTHS[1:], "troubled")
"""What a filter may ask for: a job's state, that its last run has failed, that it is not as expected; or that it is
`troubled`: broken, failing, or not as expected."""
READ_ONLY_FIELDS = frozenset((*ANSWER_FIELDS, "paused", "paused_until")) - frozenset(DEFINITION_FIELDS)
"""Fields that a body may carry, and that have no effect there."""


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A job as its author defines it: `schedule_config` as given (see `tidied`), `bot_config` with its defaults."""

    name: str
    description: str | None
    bot_type: str
    enabled: bool
    schedule_type: str
    schedule_config: dict[str, Any]
    bot_config: dict[str, Any]
    options: Options
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> JobDefinition:
        """Read the definition that `definition_fields` wrote; other keys do not matter.

        Raises:
            ValidationFailed: the options are not valid (any more).
        """
        plain = {name: fields[name] for name in DEFINITION_FIELDS if name != "options"}
        return cls(**plain, options=parse_options(fields["options"]))

    @property
    def schedule(self) -> Schedule:
        """The schedule, parsed.

        Raises:
            ValidationFailed: it is not valid (any more).
        """
        return understood_schedule(self.schedule_type, self.schedule_config)

    @property
    def expects(self) -> str | None:
        """A letter for each thing that is expected of the job; None for nothing."""
        return expected_letters(self.bot_type, self.options)

    def definition_fields(self) -> dict[str, Any]:
        """Return the nine fields, JSON-ready, in the contract's order."""
        return {
            name: self.options.model_dump() if name == "options" else getattr(self, name) for name in DEFINITION_FIELDS
        }


def understood_schedule(kind: object, config: object) -> Schedule:
    """Parse a schedule as `parse_schedule` does, and keep it: many jobs share a schedule, and read it several times."""
    if isinstance(kind, str) and isinstance(config, dict) and len(config) <= 8:
        try:
            return _parsed(kind, orjson.dumps(config))
        except (TypeError, ValidationFailed):
            pass  # refused below, in the words that fit the given value
    return parse_schedule(kind, config)


@lru_cache(8192)
def _parsed(kind: str, config: bytes) -> Schedule:
    return parse_schedule(kind, orjson.loads(config))
