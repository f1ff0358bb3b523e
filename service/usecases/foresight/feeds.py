"""Use case of calendar feeds: coming occurrences and past runs as iCalendar (RFC 5545), for calendar applications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from service.clock import Clock
from service.domain.foresight.feed_events import OF_ONE_JOB, Coming, FeedEvent, FeedJob, coming_events, past_events
from service.domain.pauses.pause import Pause, paused_until
from service.domain.timestamps import format_timestamp
from service.store.jobs.coming import ComingJob, coming_jobs, names_of
from service.store.pauses.pause_store import PauseStore
from service.store.scripts import Scripts
from service.usecases.access.sight import choice
from service.usecases.runs import Runs

DAYS = 30
"""How far a feed looks ahead and back."""
RUN_PAGE, RUN_PAGES = 200, 5
"""The past runs to read: how many at a time, and how often."""
DAY = 86_400
KEPT = 16_384
"""Written events that a process keeps: some MiB. Calendars ask for the same events again and again."""


class Feeds:
    """Feeds of the jobs that exist for the caller.

    Args:
        scripts: the scripts of this installation.
        runs: the use cases of runs.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, runs: Runs, clock: Clock) -> None:
        self._scripts = scripts
        self._runs = runs
        self._clock = clock
        self._pauses = PauseStore(scripts)

    def calendar(self, labels: Sequence[str] = ()) -> bytes:
        """Write the feed: the occurrences of the next `DAYS` days, and the runs of the last ones with their outcome.

        Its size is bounded. Where something is left out, its description says so.

        Args:
            labels: filters such as `team:crm`, all of which must hold for a job.

        Raises:
            ValidationFailed: a filter is malformed.
        """
        now = self._clock.now_ms() // 1000
        _, pauses = self._pauses.stored()
        jobs = (_feed_job(job, pauses, now) for job in coming_jobs(self._scripts, choice(labels)))
        coming = coming_events(jobs, now, now + DAYS * DAY)
        runs, are_all = self._past(now - DAYS * DAY, labels)
        past = past_events(runs, names_of(self._scripts, {run["job_id"] for run in runs}))
        known = {event.uid for event in past}
        events = [*reversed(past), *(event for event in coming.events if event.uid not in known)]
        name = "Bot Scheduler" + "".join(f", {label}" for label in labels)
        return b"".join(_written(name, _described(coming, runs, are_all), events))

    def _past(self, since: int, labels: Sequence[str]) -> tuple[list[Mapping[str, Any]], bool]:
        """Return the newest runs since an instant, and whether these are all."""
        found: list[Mapping[str, Any]] = []
        cursor = None
        for _ in range(RUN_PAGES):
            page = self._runs.all_runs(limit=RUN_PAGE, cursor=cursor, since=format_timestamp(since), labels=labels)
            found += page.data
            cursor = page.next_cursor
            if cursor is None:
                return found, True
        return found, False


def _feed_job(job: ComingJob, pauses: Sequence[Pause], now: int) -> FeedJob:
    until = paused_until(pauses, now * 1000, job.id, job.labels, job.bot_type) if pauses else None
    return FeedJob(job.id, job.name, job.course, job.changed_at, (until or 0) // 1000)


def _described(coming: Coming, runs: Sequence[Mapping[str, Any]], are_all: bool) -> str:
    """Say what the feed holds, and what it leaves out."""
    said = [f"Coming occurrences of {DAYS} days, and past runs of {DAYS} days with their outcome."]
    if coming.crowded:
        jobs = "one job" if coming.crowded == 1 else f"{coming.crowded:,} jobs"
        said.append(f"Cut: of {jobs}, only the next {OF_ONE_JOB} occurrences are shown.")
    if not coming.is_whole and coming.events:
        last = format_timestamp(coming.events[-1].start)
        said.append(f"Cut: the next {len(coming.events):,} occurrences are shown, until {last} UTC.")
    if not are_all and runs:
        said.append(f"Cut: only the newest {len(runs):,} runs are shown.")
    return " ".join(said)


def _written(name: str, description: str, events: Iterable[FeedEvent]) -> Iterator[bytes]:
    from icalendar import Calendar, vText  # at first use: most installations have no feed

    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Bot Scheduler//Feed//EN")
    for field, text in (("name", name), ("x-wr-calname", name), ("description", description),
                        ("x-wr-caldesc", description)):  # fmt: skip
        calendar.add(field, vText(text))  # the library takes names that it does not know as they stand
    calendar.add("refresh-interval;value=duration", "PT1H")
    calendar.add("x-published-ttl", "PT1H")
    head, end = calendar.to_ical().rsplit(b"END:", 1)
    yield head
    yield from map(_written_event, events)
    yield b"END:" + end


@lru_cache(maxsize=KEPT)
def _written_event(event: FeedEvent) -> bytes:
    from icalendar import Event

    written = Event()
    written.add("uid", event.uid)
    written.add("dtstamp", _utc(event.changed_at))
    written.add("dtstart", _utc(event.start))
    if event.end is not None:
        written.add("dtend", _utc(event.end))
    written.add("summary", event.summary)
    if event.description:
        written.add("description", event.description)
    written.add("status", event.status)
    written.add("transp", "TRANSPARENT")  # a bot's run makes nobody busy
    return bytes(written.to_ical())


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
