"""A context to run a bot with in a test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from bot_scheduler.bot import Bot
from bot_scheduler.errors import Skip
from bot_scheduler.run import PreviousSuccess
from bot_scheduler.testing.clock import FakeClock
from bot_scheduler.testing.contacts import FakeContact, FakeContacts
from bot_scheduler.testing.ledger import FakeLedger, LedgerEntries
from bot_scheduler.testing.log import LogLine, logger_into
from bot_scheduler.testing.memory import FakeMemory, MemoryEntries
from bot_scheduler.testing.run import FakeHistory, FakeRun
from bot_scheduler.testing.secrets import FakeSecrets, is_secret
from bot_scheduler.testing.settings import FakeSettings
from bot_scheduler.testing.stored import plain_text, stored_result

START = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)
"""When a run starts unless the test says otherwise."""
TOLD = 1000
"""Subjects that one run can report."""
TOLD_LIMIT = 300
"""Characters that are kept of each, and of the reason of a skip."""
_GREATEST = 2**53


@dataclass(frozen=True)
class _Service:
    """What all runs of one test share."""

    bot: type[Bot]
    job_id: str
    timezone: ZoneInfo
    clock: FakeClock
    history: FakeHistory
    contacts: FakeContacts
    ledger: LedgerEntries
    memory: MemoryEntries
    secrets: Mapping[str, str]
    settings: Mapping[str, Any]
    timeout_seconds: float


class FakeContext:
    """The context of one run; see `bot_scheduler.Context`.

    Args:
        bot: the bot's class. Its `Config` checks `config`, and its `uses_settings` says which secrets the run has.
        config: the job's `bot_config`, such as `{"chores": ["water the plants"]}`. A pydantic `ValidationError` says
            what is wrong with it.
        now: the instant at which the run starts, aware.
        timezone: the job's time zone.
        contacts: the address book.
        secrets: the secrets by their variables, such as `{"BOT_SECRET_CRM": "sesame"}`.
        settings: the service's settings by their names in lower case, such as `{"alert_url": "json://localhost"}`.
        timeout_seconds: how long the run may take. Nothing interrupts it; `time_left` falls below 0.
        scheduled_for: the run's occurrence, aware; None means `now`. An earlier one makes a run that is late.
        window_start: the job's occurrence before, aware; None if this is the first.
        upcoming: the job's occurrences to come, aware; `run.upcoming` returns those after the start of the run.
        job_name: the job's name.
        names: of the schedules of a combination that make each occurrence.
        requested_by: who asks for the run; then it is a run by hand, without an occurrence.
    """

    def __init__(
        self,
        bot: type[Bot],
        config: Mapping[str, Any] | None = None,
        *,
        now: datetime = START,
        timezone: str = "UTC",
        contacts: Iterable[FakeContact] = (),
        secrets: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        timeout_seconds: float = 300.0,
        scheduled_for: datetime | None = None,
        window_start: datetime | None = None,
        upcoming: Iterable[datetime] = (),
        job_name: str = "A job",
        names: Iterable[str] = (),
        requested_by: str | None = None,
    ) -> None:
        clock, book, zone = FakeClock(now), FakeContacts(contacts), ZoneInfo(timezone)
        history = FakeHistory.of(zone, job_name, names, upcoming, window_start)
        self._begin(
            _Service(
                bot=bot,
                job_id=str(uuid4()),
                timezone=zone,
                clock=clock,
                history=history,
                contacts=book,
                ledger=LedgerEntries(clock, book),
                memory=MemoryEntries(clock),
                secrets=dict(secrets or {}),
                settings=dict(settings or {}),
                timeout_seconds=timeout_seconds,
            ),
            dict(config or {}),
            facts=_facts(history, now.astimezone(zone), scheduled_for, requested_by),
        )

    def _begin(self, service: _Service, config: dict[str, Any], facts: FakeRun, origin_id: str | None = None) -> None:
        self._service = service
        self._given = config
        self.config: Any = service.bot.Config.model_validate_json(json.dumps(config), strict=True, extra="forbid")
        self.job_id = service.job_id
        self.run_id = str(uuid4())
        self.origin_id = origin_id or self.run_id
        self.timezone = service.timezone
        self.now = service.clock.now.astimezone(service.timezone)
        self.run = replace(facts, start=self._run)
        """The facts of the run, which also run the bot: `context.run()` does so as a worker does.

        It returns the bot's result, as the service keeps it. Any error of the bot comes through, and so does `Skip`. A
        result that is not a dict, or not JSON, is a TypeError or ValueError; in the service, the run would fail.
        """
        self.skipped: str | None = None
        """Why the bot skipped the run, as the service keeps it; None if it did not."""
        declared = tuple(getattr(service.bot, "uses_settings", ()))
        named = set(_secrets_in(self.config.model_dump(mode="json")))
        self.contacts = service.contacts
        self.ledger = FakeLedger(service.ledger, self.run_id, self.origin_id)
        self.memory = FakeMemory(service.memory)
        self.secrets = FakeSecrets(service.secrets, {*named, *declared})
        self.settings = FakeSettings(service.settings, declared)
        self.lines: list[LogLine] = []
        """The lines of the run's log."""
        self.log = logger_into(self.lines)
        self.steps: list[tuple[int, int]] = []
        """Each progress that the run reported."""
        self.told: dict[str, str] = {}
        """The texts that the run reports, by their `once`. The service leaves out those reported before."""
        self.waits: list[float] = []
        """The seconds of each wait."""
        self.cancel_after_steps: int | None = None
        """The run is asked to stop once it has reported its progress so many times."""
        self.cancel_after_seconds: float | None = None
        """The run is asked to stop once so many seconds have passed, which only waiting lets pass."""
        self._cancelled = False
        service.ledger.under_way.add(self.run_id)

    def _run(self) -> dict[str, Any]:
        try:
            result = self._service.bot().run(self)
        except Skip as skip:
            self.skipped = self._one_line(str(skip)) or "its bot gave no reason"
            raise
        finally:
            self.end()
        if not isinstance(result, dict):
            raise TypeError(f"The bot returned {type(result).__name__}, not a dict")
        kept = stored_result(result)
        ended = self._service.clock.now.astimezone(self.timezone)
        self._service.history.success = PreviousSuccess(self.run_id, self.run.scheduled_for, self.now, ended, kept)
        return kept

    def end(self) -> None:
        """End the run where it stands, as a killed worker does: other runs can now retake the claims it left."""
        self._service.ledger.under_way.discard(self.run_id)

    def next_run(
        self, config: Mapping[str, Any] | None = None, *, after: timedelta = timedelta(0), retry: bool = False,
        scheduled_for: datetime | None = None, requested_by: str | None = None,
    ) -> FakeContext:  # fmt: skip
        """Return the context of another run, with the same ledger, memory and address book.

        Args:
            config: changes to this run's config.
            after: how much later the run starts.
            retry: whether it is a retry of this run, with the same `origin_id` and the same occurrence.
            scheduled_for: its occurrence, aware; None means its start.
            requested_by: who asks for it, if it is a run by hand.
        """
        service = self._service
        service.clock.advance(after.total_seconds())
        now = service.clock.now.astimezone(service.timezone)
        history, before = service.history, self.run
        facts = history.retried(now, before) if retry else _facts(history, now, scheduled_for, requested_by)
        following = FakeContext.__new__(FakeContext)
        following._begin(service, {**self._given, **(config or {})}, facts, self.origin_id if retry else None)
        return following

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop."""
        after_steps, after_seconds = self.cancel_after_steps, self.cancel_after_seconds
        return (
            self._cancelled
            or (after_steps is not None and len(self.steps) >= after_steps)
            or (after_seconds is not None and self.elapsed >= after_seconds)
        )

    @property
    def elapsed(self) -> float:
        """Seconds since the run started."""
        return (self._service.clock.now - self.now).total_seconds()

    @property
    def time_left(self) -> float:
        """Seconds until the run's time is up."""
        return self._service.timeout_seconds - self.elapsed

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once. Return False if the run is, or is meanwhile, asked to stop."""
        self.waits.append(seconds)
        if self.cancelled:
            return False
        if isnan(seconds):
            raise ValueError("wait() needs a number of seconds, not NaN")
        cancelled_in = float("inf")
        if self.cancel_after_seconds is not None:
            cancelled_in = self.cancel_after_seconds - self.elapsed
        self._service.clock.advance(max(0.0, min(seconds, cancelled_in)))
        return seconds < cancelled_in

    def progress(self, done: int, total: int) -> None:
        """Note the progress in `steps`, each number from 0 to 2^53."""
        try:
            self.steps.append((_count(done), _count(total)))
        except (TypeError, ValueError, OverflowError):
            self.log.warning("The progress of this run is not shown: it was not given as two numbers.")

    def tell(self, text: str, *, once: str) -> None:
        """Note the text in `told`; see `bot_scheduler.Context.tell`.

        Raises:
            TypeError: `once` is not a text.
        """
        if not isinstance(once, str):
            raise TypeError(f"once must be a str, not {type(once).__name__}")
        line = self._one_line(text)
        if once not in self.told and len(self.told) >= TOLD:
            self.log.warning("Not reported, because the run has reported too much: %s", line)
            return
        self.told.setdefault(once, line)

    def _one_line(self, text: str) -> str:
        line = " ".join(plain_text(self.secrets.redacted(text)).split())
        return line if len(line) <= TOLD_LIMIT else f"{line[: TOLD_LIMIT - 1]}…"


def _facts(history: FakeHistory, now: datetime, scheduled_for: datetime | None, requested_by: str | None) -> FakeRun:
    if requested_by is not None and scheduled_for is not None:
        raise ValueError("A run by hand has no occurrence: give requested_by or scheduled_for, not both")
    return history.scheduled(now, scheduled_for) if requested_by is None else history.by_hand(now, requested_by)


def _count(value: Any) -> int:
    return min(max(int(value), 0), _GREATEST)


def _secrets_in(value: Any) -> Iterator[str]:
    """Yield the variables that a config names, in any of its fields."""
    if isinstance(value, str):
        if value.startswith("env:") and is_secret(value.removeprefix("env:")):
            yield value.removeprefix("env:")
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _secrets_in(inner)
