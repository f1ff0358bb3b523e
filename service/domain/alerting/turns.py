"""Turns of an address: when what waits for it may go, and how much of it goes in one message.

Nothing that waits is ever dropped here: a turn takes the oldest, and leaves the rest to the next one, or it tells of
all that waits, in lines as far as they fit, and by its number.

The first half of the messages that an hour allows goes out at once. The rest is spread over the hour, and each of these
tells of all that waits. So no noise, of one job or of thousands, keeps anything from being heard for long.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest

from service.domain.alerting.channel import Pace

LOOK_AGAIN_MS = 60_000
"""An address for which something waits is looked at again after so long, however far its turn is: a clock that was
wrong for a moment, and is right again, holds up nothing for longer."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
"""For how long a delivery is tried."""
FIRST_RETRY_MS, LONGEST_RETRY_MS = 5_000, 900_000
"""The pause after the first failed try, and the longest one; each pause is twice as long as the one before."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How an address is doing. Times are ms.

    Args:
        sent: when it took its last messages, in order: up to `max_per_hour` of them.
        failures: tries in a row that it has not taken.
        retry_at: when it may be tried again; 0 after a success.
    """

    sent: tuple[int, ...] = ()
    failures: int = 0
    retry_at: int = 0

    def took(self, now: int, most: int) -> Progress:
        """Return the progress after a message that it took, of `most` that it may get within an hour."""
        return Progress((*(at for at in self.sent if at <= now), now)[-most:])

    def refused(self, now: int) -> Progress:
        """Return the progress after a try that failed."""
        pause = min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(self.failures, 20))
        return Progress(self.sent, self.failures + 1, now + pause)


@dataclass(frozen=True, slots=True)
class Turn:
    """What comes next of an address.

    Args:
        at: when, ms; it may be past.
        count: how many of those that wait, the oldest first, may go in the message.
        is_gathered: whether it must tell of all that wait, at least by their number, because the hour has had many.
        is_last: whether those that follow it within the hour will be gathered.
    """

    at: int
    count: int
    is_gathered: bool
    is_last: bool


def next_turn(
    pace: Pace, queued: Sequence[int], progress: Progress, now: int, snoozed: Container[int] = ()
) -> Turn:  # fmt: skip
    """Decide when an address is told next, and of how much.

    Args:
        pace: when it may be told.
        queued: since when each delivery waits, ms, the oldest first; at least one.
        progress: how the address is doing.
        now: the present, ms. What lies after it comes from a clock that was set back since.
        snoozed: the places in `queued` of those that a snooze held up, which is over.

    Returns:
        The turn. Several deliveries go together if they are gathered, or were held up together: by quiet hours, by a
        snooze, by the limit of an hour, or because the address failed.
    """
    recent = [at for at in progress.sent if now - HOUR_MS < at <= now]
    is_gathered = len(recent) >= singly(pace)
    full_until = recent[-pace.max_per_hour] + HOUR_MS if len(recent) >= pace.max_per_hour else 0
    gathered_until = recent[-1] + gap_ms(pace) if is_gathered else 0
    retry_at = progress.retry_at if progress.retry_at <= now + LONGEST_RETRY_MS else 0
    digested_at = queued[0] + pace.digest_seconds * 1000 if queued[0] <= now else now
    ready = max(now, digested_at, full_until, gathered_until, retry_at)
    held_until = max(retry_at, _had_room_at(pace, progress))
    if pace.digest_seconds or is_gathered:
        count = len(queued)
    else:

        def was_held(place: int) -> bool:
            since = queued[place]
            return since < held_until or place in snoozed or _end_of_quiet(pace, since) is not None

        count = max(1, sum(1 for _ in takewhile(was_held, range(len(queued)))))
    return Turn(_end_of_quiet(pace, ready) or ready, count, is_gathered, len(recent) == singly(pace) - 1)


def singly(pace: Pace) -> int:
    """Return after how many messages within an hour those that follow are gathered."""
    return pace.max_per_hour - pace.max_per_hour // 2


def gap_ms(pace: Pace) -> int:
    """Return the time between two messages from then on, ms: the rest of them is spread over an hour."""
    return HOUR_MS // (pace.max_per_hour // 2 + 1)


def by_turns(jobs: Sequence[str]) -> list[int]:
    """Return the order in which alerts that come together are told, as far as there is room.

    Args:
        jobs: the ids of their jobs, the oldest alert first; empty for those of the service.

    Returns:
        Their places: those of the service, then the newest of each job, the one before it of each, and so on. So a
        noisy job pushes no other one out.
    """
    of_jobs: dict[str, list[int]] = {}
    for place, job_id in enumerate(jobs):
        of_jobs.setdefault(job_id, []).append(place)
    found = of_jobs.pop("", [])
    for turn in zip_longest(*(reversed(places) for places in of_jobs.values())):
        found += [place for place in turn if place is not None]
    return found


def _had_room_at(pace: Pace, progress: Progress) -> int:
    """Return when messages of an address were no longer gathered; 0 if they never were."""
    most = singly(pace)
    return progress.sent[-most] + HOUR_MS if len(progress.sent) >= most else 0


def _end_of_quiet(pace: Pace, at: int) -> int | None:
    """Return the end of the quiet hours that an instant lies in, ms; None if it lies in none."""
    end = None if pace.quiet_hours is None else pace.quiet_hours.until(at // 1000)
    return None if end is None else end * 1000
