"""Channels: named addresses that alerts go to, and when they may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.alerting.quiet_hours import QuietHours, parse_quiet_hours
from service.domain.input.names import parse_name
from service.domain.input.refusals import Refusals, echo, require_object
from service.errors import ValidationFailed
from service.secrecy.secret_names import MARK, is_reference, is_secret, referenced

LONGEST_DIGEST = 86_400
"""Seconds; the longest time for which alerts are gathered."""
DEFAULT_PER_HOUR, MOST_PER_HOUR = 60, 600
"""Messages that a channel gets within any hour, unless it says otherwise; and what it may say at the most."""
FIELDS = ("name", "url", "quiet_hours", "digest_seconds", "max_per_hour")
READ_ONLY_FIELDS = frozenset({"created_at", "updated_at", "revision", "rules", "waiting", "failing", "problem"})
"""Fields that a body may carry, and that have no effect there."""
_DEFAULTS: Mapping[str, Any] = {"quiet_hours": None, "digest_seconds": 0, "max_per_hour": DEFAULT_PER_HOUR}


@dataclass(frozen=True, slots=True)
class Pace:
    """When an address may be told.

    Args:
        quiet_hours: when it is told nothing; None for never.
        digest_seconds: for how long alerts are gathered into one message; 0 for not at all.
        max_per_hour: messages within any hour, ≥ 1.
    """

    quiet_hours: QuietHours | None = None
    digest_seconds: int = 0
    max_per_hour: int = DEFAULT_PER_HOUR

    @property
    def timezone(self) -> str:
        """The zone in which times are told."""
        return "UTC" if self.quiet_hours is None else self.quiet_hours.timezone


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as its author defines it.

    Args:
        name: as `service.domain.input.names` has them.
        url: a reference to the secret that holds its Apprise URLs, such as `env:BOT_SECRET_OPS`.
        pace: when it may be told.
    """

    name: str
    url: str
    pace: Pace = Pace()

    @property
    def secret(self) -> str:
        """The name of the variable that holds its URLs."""
        return referenced(self.url)

    def answer(self) -> dict[str, Any]:
        """Write the definition as the API shows it."""
        quiet = self.pace.quiet_hours
        return {
            "name": self.name, "url": self.url, "quiet_hours": None if quiet is None else quiet.answer(),
            "digest_seconds": self.pace.digest_seconds, "max_per_hour": self.pace.max_per_hour,
        }  # fmt: skip


def parse_channel(body: object, current: Channel | None = None) -> Channel:
    """Parse a new channel, or the one that a change makes of the current one.

    Args:
        body: the fields to set; read-only ones are ignored.
        current: the channel before; its name stays. None for a new one.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    given = {name: value for name, value in require_object(body, "").items() if name not in READ_ONLY_FIELDS}
    refusals = Refusals()
    refusals.unknown(given, FIELDS, "", "a channel")
    fields = {**(_DEFAULTS if current is None else current.answer()), **given}
    if "name" not in fields:
        refusals.add("name", "is required: such as ops or night-watch")
    name = refusals.attempt(lambda: parse_name(fields.get("name", "a")))
    if current is not None and name not in (None, current.name):
        refusals.add("name", f"cannot change after the channel is created; it is {echo(current.name)}")
    url = refusals.attempt(lambda: _url(fields.get("url")))
    quiet = refusals.attempt(lambda: parse_quiet_hours(fields["quiet_hours"]))
    digest = refusals.attempt(lambda: _whole(fields["digest_seconds"], "digest_seconds", 0, LONGEST_DIGEST))
    most = refusals.attempt(lambda: _whole(fields["max_per_hour"], "max_per_hour", 1, MOST_PER_HOUR))
    refusals.raise_any()
    assert name is not None and url is not None and digest is not None and most is not None
    return Channel(name, url, Pace(quiet, digest, most))


def _url(value: object) -> str:
    """Check a reference to a secret. The address itself is refused without being shown: it is one."""
    if isinstance(value, str) and is_reference(value) and is_secret(referenced(value)):
        return value
    raise ValidationFailed.of(
        "url", f"must name the variable that holds the Apprise URL, such as {MARK}BOT_SECRET_OPS, not the URL itself"
    )


def _whole(value: object, name: str, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise ValidationFailed.of(name, f"must be a whole number from {least} to {most:,}, not {echo(value)}")
