"""Options that every job has beside its schedule: how its runs are carried out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from service.domain.expectations.expect import Expect
from service.domain.input.names import NAME_IN_WORDS, is_name
from service.domain.input.refusals import echo
from service.domain.input.validation import validated
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.errors import ValidationFailed
from service.secrecy.secret_names import is_reference

SUPERSEDING = ("latest", "replace")
"""The values of `overlap` with which a newer run takes the place of older ones."""


class Options(BaseModel):
    """A job's `options`, with their defaults. Times and delays are in seconds."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    max_concurrent_runs: int = Field(default=1, ge=1, le=1000, description="Runs of this job at a time.")
    overlap: Literal["skip", "queue", "latest", "replace"] = Field(
        default="skip",
        description="What happens to an occurrence that is due while the limit is reached: it is skipped; waits; waits "
        "as the only one, and those before it are skipped; or the run under way is cancelled, and it runs after that.",
    )
    misfire_grace_seconds: int = Field(
        default=86400, ge=1, le=31_622_400, description="An occurrence found later than this is skipped, not run."
    )
    catch_up: Literal["latest", "all", "none"] = Field(default="latest", description="Which missed occurrences to run.")
    timeout_seconds: int = Field(default=3600, ge=1, le=604_800, description="A run is interrupted after this.")
    max_retries: int = Field(
        default=0,
        ge=0,
        le=100,
        description="How often a failed run is tried again, unless its bot calls the failure final.",
    )
    retry_delay_seconds: int = Field(
        default=60, ge=0, le=3600, description="The delay before the first retry; it doubles each time, up to an hour."
    )
    starts_at: str | None = Field(default=None, description="No occurrence before this timestamp.")
    ends_at: str | None = Field(default=None, description="No occurrence at or after this timestamp.")
    jitter_seconds: int = Field(
        default=0,
        ge=0,
        le=86400,
        description="The longest delay drawn for an occurrence; shorter than the schedule's shortest gap.",
    )
    disable_after_failures: int = Field(
        default=0, ge=0, le=1000, description="Switch the job off after this many failures in a row; 0: never."
    )
    delete_after_seconds: int | None = Field(
        default=None, ge=0, le=31_622_400, description="Delete the job so long after it ended; null: never."
    )
    alert_urls: list[str] = Field(
        default_factory=list,
        max_length=20,
        description="Names (env:BOT_SECRET_…) of the Apprise URLs to notify of failures.",
    )
    ping_urls: list[str] = Field(
        default_factory=list,
        max_length=5,
        description="Names (env:BOT_SECRET_…) of web addresses to ping about each run: /start, a success, /fail.",
    )
    calendar: str | None = Field(default=None, description="The name of the calendar that says which days are closed.")
    on_closed: Literal["skip", "next_open", "previous_open"] = Field(
        default="skip",
        description="What happens to an occurrence on a closed day: skipped, or moved by whole days, 31 at most.",
    )

    expect: Expect | None = Field(
        default=None, description="What the job is expected to do; a breach is told, and ends no run. null: nothing."
    )

    @field_validator("starts_at", "ends_at")
    @classmethod
    def _normalise(cls, value: str | None) -> str | None:
        try:
            return None if value is None else format_timestamp(parse_timestamp(value, ""))
        except ValidationFailed as refusal:
            raise ValueError(str(refusal)) from None

    @field_validator("alert_urls", "ping_urls")
    @classmethod
    def _check_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not is_reference(name):
                raise ValueError(f'must list names of secrets such as "env:BOT_SECRET_ALERTS", not {echo(name)}')
        return value

    @field_validator("calendar")
    @classmethod
    def _check_calendar(cls, value: str | None) -> str | None:
        if value is not None and not is_name(value):
            raise ValueError(f"must be the name of a calendar ({NAME_IN_WORDS}), not {echo(value)}")
        return value

    @model_validator(mode="after")
    def _check_window(self) -> Options:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("must have an ends_at that is later than its starts_at")
        if self.on_closed != "skip" and self.calendar is None:
            raise ValueError("must have a calendar for an on_closed other than skip")
        if self.overlap == "replace" and self.max_concurrent_runs != 1:
            raise ValueError(
                "must have a max_concurrent_runs of 1 for the overlap replace, which never runs two at once"
            )
        return self

    @property
    def starts_at_s(self) -> int | None:
        """`starts_at` in epoch seconds."""
        return None if self.starts_at is None else parse_timestamp(self.starts_at, "options.starts_at")

    @property
    def ends_at_s(self) -> int | None:
        """`ends_at` in epoch seconds."""
        return None if self.ends_at is None else parse_timestamp(self.ends_at, "options.ends_at")


def parse_options(value: object) -> Options:
    """Parse a job's `options`.

    Raises:
        ValidationFailed: fields below `options`, which it names, are invalid.
    """
    return validated(Options, value, "options")
