"""Snoozes: for a time, a channel is told nothing about a job. What it would be told waits, and comes together after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.domain.alerting.address_names import OF_A_CHANNEL
from service.domain.schedules.zones import zone

MORNING = 8
"""The hour at which a snooze until the morning ends."""
SPANS: Mapping[str, int] = {"hour": 3600, "day": 86_400}
"""Seconds of the spans that a link offers, beside `morning`."""
CHOICES = (*SPANS, "morning")
"""For how long a link may snooze."""


@dataclass(frozen=True, slots=True)
class Snooze:
    """A snooze. Times are ms.

    Args:
        id: that of the alert whose link made it.
        job_id: the job's.
        to: who is told nothing, by the name of the channel or the setting: `channel:ops`, `ALERT_URL`.
        since: when it began.
        until: when it ends, or has ended.
    """

    id: str
    job_id: str
    to: str
    since: int
    until: int

    def holds(self, job_id: str, now: int) -> bool:
        """Return whether an alert of a job waits for its end."""
        return job_id == self.job_id and now < self.until

    def has_held(self, job_id: str, since: int) -> bool:
        """Return whether an alert of a job, which waits since then, ms, has waited for its end."""
        return job_id == self.job_id and self.since <= since < self.until


def of_address(snoozes: Iterable[Snooze], address: str) -> list[Snooze]:
    """Return the snoozes that an address has to keep: each URL of a channel, or of a setting, has the same."""
    name = to_of(address)
    return [one for one in snoozes if one.to == name]


def to_of(address: str) -> str:
    """Return the channel or the setting of an address: `channel:ops` of `channel:ops/1`."""
    return address.rpartition("/")[0]


def shown_to(to: str) -> str:
    """Name a channel or a setting for people."""
    return f"channel {to.removeprefix(OF_A_CHANNEL)}" if to.startswith(OF_A_CHANNEL) else to


def end_of(choice: str, now: int, timezone: str) -> int:
    """Return when a snooze ends that begins now.

    Args:
        choice: of `CHOICES`. `morning`: the next 8:00 by the clocks of the zone.
        now: epoch seconds.
        timezone: the channel's.

    Returns:
        Epoch seconds.
    """
    if choice in SPANS:
        return now + SPANS[choice]
    local = datetime.fromtimestamp(now, zone(timezone))
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0, fold=0)
    if int(morning.timestamp()) <= now:
        # Wall-clock arithmetic: where the clocks change at night, that day has 23 or 25 hours.
        morning += timedelta(days=1)
    return int(morning.astimezone(UTC).timestamp())
