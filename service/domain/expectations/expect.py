"""The option `expect` of a job: how soon it succeeds, how long its runs take, and their results."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.domain.input.refusals import echo

LONGEST_WAIT = 366 * 86_400
"""The longest time that may be asked for, in seconds: a year."""
FIELDS_OF_RESULT = 20
"""Fields of the result of which one job can expect something."""
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)


class Bounds(BaseModel):
    """What is expected of one field of a result."""

    model_config = _STRICT

    min: int | float | None = Field(default=None, description="A number: no less than this.")
    max: int | float | None = Field(default=None, description="A number: no more than this.")
    equals: int | float | str | None = Field(default=None, description="The number or the text itself.")

    @field_validator("min", "max", mode="before")
    @classmethod
    def _check_number(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"must be a number, not {echo(value)}")
        return value

    @field_validator("equals", mode="before")
    @classmethod
    def _check_value(cls, value: Any) -> Any:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float | str)):
            raise ValueError(f"must be a number or a text, not {echo(value)}")
        if isinstance(value, str) and len(value) > 200:
            raise ValueError(f"must have at most 200 characters, not {len(value):,}")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Bounds:
        if self.min is None and self.max is None and self.equals is None:
            raise ValueError("must have a min, a max or an equals")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"must have a max that is no less than its min, {self.min}")
        return self


class Expect(BaseModel):
    """What a job is expected to do. A breach is told, marked, and never ends a run."""

    model_config = _STRICT

    success_within_seconds: int | None = Field(
        default=None, ge=1, le=LONGEST_WAIT,
        description="A success is due this long after the last one, or after the job was switched on.",
    )  # fmt: skip
    longest_seconds: int | Literal["auto"] | None = Field(
        default=None,
        description="A run takes no longer. `auto`: 3 times the 95th percentile of the last 50 successes, at least "
        "60 s, once there are 5.",
    )
    finish_by: str | None = Field(
        default=None,
        description="A local time, HH:MM or HH:MM:SS: on each day with an occurrence, a success is due by then.",
    )
    result: dict[str, Bounds] | None = Field(
        default=None, max_length=FIELDS_OF_RESULT, description="Fields of a success's result, and their bounds."
    )

    @field_validator("longest_seconds", mode="before")
    @classmethod
    def _check_longest(cls, value: Any) -> Any:
        is_count = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_WAIT
        if value is not None and value != "auto" and not is_count:
            raise ValueError(f'must be a whole number from 1 to {LONGEST_WAIT}, or "auto", not {echo(value)}')
        return value

    @field_validator("finish_by")
    @classmethod
    def _check_time(cls, value: str | None) -> str | None:
        if value is not None and not _TIME.fullmatch(value):
            raise ValueError(f'must be a local time such as "07:30", not {echo(value)}')
        return value

    @model_validator(mode="after")
    def _check_any(self) -> Expect:
        if not self.flags:
            raise ValueError(
                "must name at least one of success_within_seconds, longest_seconds, finish_by and result, or be null"
            )
        return self

    @property
    def flags(self) -> str:
        """A letter for each thing that is expected, for the scripts (`lua/shared/expectations.lua`)."""
        named = (
            ("s", self.success_within_seconds), ("l", self.longest_seconds), ("f", self.finish_by), ("r", self.result),
        )  # fmt: skip
        return "".join(letter for letter, value in named if value)

    @property
    def finish_time(self) -> time | None:
        """`finish_by` as a time of the wall clock."""
        if self.finish_by is None:
            return None
        hour, minute = map(int, self.finish_by.split(":"))
        return time(hour, minute)
