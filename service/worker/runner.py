"""Carries out one run: finds its bot, hands it its context, and says how it ended.

Runs in the work horse, a process of its own. It knows nothing of RQ or of signals; `service.worker` does.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.bots.protocol import Bot, Ledger, Memory
from service.bots.support.bot_settings import BotSettings
from service.bots.support.secrets import Secrets, Vault, names_in
from service.domain.error_texts import said, traced
from service.domain.job_fields import validate_bot_config
from service.domain.plain_json import plain, plain_text, whole_number
from service.domain.records import JobRecord, UnreadableJob
from service.domain.run_records import Claim, Outcome
from service.domain.timestamps import format_timestamp
from service.errors import ServiceError, ValidationFailed
from service.settings import Settings
from service.store.runs.run_log import cut_line, cut_middle
from service.worker.failures import outcome_of_failure
from service.worker.run_context import News, RunContext, RunTime, StopFlag

WORKER_STOPPED = "worker stopped"
"""The error of a run that its stopping worker cut short; a bot that is safe to rerun is run again for it."""
NOTES_EVERY = 0.2
"""Seconds between two writings of log lines and progress."""
LINES_HELD = 5_000
"""Log lines held while Redis is away, the newest; older ones would be cut from the log's middle anyway."""
LINES_AT_ONCE = 500  # of one note
LINE_LIMIT = 4096
"""Bytes of one log line that are kept, of both its ends."""


def run() -> None:
    """What RQ's records name as the function of a run.

    Raises:
        RuntimeError: always; only a stock RQ worker on our queue comes here.
    """
    raise RuntimeError("Runs of this queue are carried out by `python worker.py`, not by a plain RQ worker.")


class RunInterrupted(BaseException):
    """Raised inside a bot whose time is up. Not an `Exception`, so that a bot's `except Exception` lets it pass."""


class Notes:
    """What a run says while it runs: log lines and progress, written down a few times a second by a thread.

    Args:
        write: takes (number of the note, progress or None, lines); false if the run is not ours any more.
        now: the time by Redis' clock, epoch seconds.
        redacted: gives a text without secrets.
    """

    def __init__(
        self, write: Callable[[int, tuple[int, int] | None, list[str]], bool], now: Callable[[], float],
        redacted: Callable[[str], str] = str,
    ) -> None:  # fmt: skip
        self._redacted = redacted
        self._write = write
        self._now = now
        self._lock = threading.Lock()
        self._lines: deque[str] = deque()
        self._left_out = 0
        self._progress: tuple[int, int] | None = None
        self._number = 0
        self._unheard: tuple[int, tuple[int, int] | None, list[str]] | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()

    def line(self, level: str, message: str) -> None:
        """Adds a log line."""
        if self._is_copied():
            return
        at = format_timestamp(int(self._now()))
        kept = cut_middle(self._redacted(message), LINE_LIMIT)  # in this order, so that no half of a secret is left
        with self._lock:
            if len(self._lines) >= LINES_HELD:
                self._lines.popleft()
                self._left_out += 1
            self._lines.append(json.dumps({"at": at, "level": level, "message": kept}))
            self._start()

    def progress(self, done: int, total: int) -> None:
        """Notes how far the run is, each number from 0 to 2^53; what is not a number is told in the log."""
        if self._is_copied():
            return
        try:
            bounded = whole_number(done), whole_number(total)
        except (TypeError, ValueError, OverflowError):
            self.line("warning", "The progress of this run is not shown: it was not given as two numbers.")
            return
        with self._lock:
            self._progress = bounded
            self._start()

    def _is_copied(self) -> bool:
        """Whether this is a process that the bot has forked: it has no thread that writes, and the lock may be held."""
        return os.getpid() != self._process

    def _start(self) -> None:  # with the first thing that there is to write
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_writing, name="notes", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Writes down what is left, unless Redis is away."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        while self._flush():
            pass

    def _keep_writing(self) -> None:
        while not self._closing.wait(NOTES_EVERY):
            self._flush()

    def _flush(self) -> bool:  # whether a note was written
        with self._lock:
            note = self._unheard = self._unheard or self._next_note()
        if note is None:
            return False
        try:
            self._write(*note)
        except ServiceError:
            return False  # Redis is away: tried again as it is, since it may have been heard
        with self._lock:
            if self._unheard is note:
                self._unheard = None
        return True

    def _next_note(self) -> tuple[int, tuple[int, int] | None, list[str]] | None:
        lines = [cut_line(self._left_out, "they came faster than they could be written down")] if self._left_out else []
        lines += [self._lines.popleft() for _ in range(min(len(self._lines), LINES_AT_ONCE))]
        progress, self._progress, self._left_out = self._progress, None, 0
        if not lines and progress is None:
            return None
        self._number += 1
        return self._number, progress, lines


class _NotesHandler(logging.Handler):
    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._notes.line(record.levelname.lower(), record.getMessage())
        except Exception as error:  # noqa: BLE001 - a bot's bad format string must not end its run
            self._notes.line("error", f"A line of the log could not be written ({type(error).__name__})")


@dataclass(slots=True)
class Surroundings:
    """What a run needs of the service.

    Args:
        bots: every bot there is, by name.
        contacts: the address book.
        ledger: makes the ledger of one bot (its name) for one run (its id).
        memory: makes the memory of one bot.
        settings: the service's.
        vault: its secrets.
        stop, secrets, time, news: of the run under way, see `begin`.
    """

    bots: Mapping[str, type[Bot]]
    contacts: Any
    ledger: Callable[[str, str], Ledger]
    memory: Callable[[str], Memory]
    settings: Settings
    vault: Vault = field(default_factory=lambda: Vault({}))
    stop: StopFlag = field(default_factory=StopFlag)
    secrets: Secrets = field(init=False)
    time: RunTime = field(init=False)
    news: News = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self, time: RunTime | None = None) -> StopFlag:
        """Makes ready for a run that may take `time`. Returns its stop flag."""
        self.stop, self.secrets, self.news = StopFlag(), self.vault.opened(), News()
        self.time = time or RunTime()
        return self.stop

    def redacted(self, outcome: Outcome) -> Outcome:
        """The run's outcome, with its news, as it may be stored and told: without secrets, and plain text."""
        error = None if outcome.error is None else plain_text(self.secrets.redacted(outcome.error))
        result = self.secrets.redacted_result(outcome.result)
        return replace(outcome, error=error, result=result, news=self.news.items)


def carry_out(claim: Claim, around: Surroundings, notes: Notes) -> Outcome:
    """Runs the claimed run's bot.

    Args:
        claim: the run.
        around: what it needs.
        notes: where its log and progress go.

    Returns:
        How it ended. A bot's exception makes a failed run, with a message for people. The log has that too, and the
        traceback of one that is no `ServiceError`: nobody foresaw it.

    Raises:
        RunInterrupted: its time was up.
    """
    log = _logger(claim.run_id, notes)
    try:
        record = claim.record
        bot_class = around.bots.get(record.definition.bot_type)
        if bot_class is None:
            return Outcome(
                "failed", f"This worker has no bot named {record.definition.bot_type!r}; install its package"
            )
        context = _context(claim, record, bot_class, around, log, notes)
        result = bot_class().run(context)
        return _ended(result, around.stop)
    except (ValidationFailed, UnreadableJob) as error:
        return Outcome("failed", f"The job's bot_config does not hold for this run: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a bot raises is its run's failure
        log.error("%s", said(error) if isinstance(error, ServiceError) else traced(error))
        return outcome_of_failure(error)


def _logger(run_id: str, notes: Notes) -> logging.Logger:
    # Not of the logging module's register, which keeps every logger for as long as the process lives.
    log = logging.Logger(f"service.run.{run_id}", logging.INFO)
    log.parent = logging.getLogger("service.run")
    log.addHandler(_NotesHandler(notes))
    return log


def _context(
    claim: Claim, record: JobRecord, bot_class: type[Bot], around: Surroundings, log: logging.Logger, notes: Notes
) -> RunContext:
    overlay = json.loads(claim.run.get("overlay", "{}"))
    laid_over = {**record.definition.bot_config, **overlay}
    configs = {bot_class.name: bot_class.Config}
    validated = validate_bot_config(bot_class.name, laid_over, configs)
    zone = ZoneInfo(getattr(record.definition.schedule, "timezone", "UTC"))
    declared = tuple(getattr(bot_class, "uses_settings", ()))
    return RunContext(
        config=bot_class.Config.model_validate(validated),
        job_id=record.id,
        run_id=claim.run_id,
        now=datetime.fromtimestamp(claim.started_at / 1000, zone),
        timezone=zone,
        log=log,
        ledger=around.ledger(bot_class.name, claim.run_id),
        memory=around.memory(bot_class.name),
        contacts=around.contacts,
        settings=BotSettings(around.settings, bot_class.name, declared),
        secrets=around.secrets.allow(names_in(validated), declared),
        stop=around.stop,
        time=around.time,
        news=around.news,
        notes=notes,
    )


def _ended(result: object, stop: StopFlag) -> Outcome:
    if not isinstance(result, dict):
        return Outcome("failed", f"The bot returned {type(result).__name__}, not a dict")
    try:
        kept = dict(plain(result))
    except (TypeError, ValueError, RecursionError) as error:
        return Outcome("failed", f"The bot's result is not JSON that can be kept: {said(error)}")
    if stop.noticed:
        return Outcome("failed", WORKER_STOPPED, kept)
    return Outcome("success", None, kept)
