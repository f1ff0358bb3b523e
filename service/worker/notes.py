"""The log and the progress of a run, written down a few times a second while the run goes on."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable

from service.domain.plain_json import whole_number
from service.domain.timestamps import format_timestamp
from service.errors import ServiceError
from service.logs import RUN_LOGGER
from service.store.runs.run_log import cut_line, cut_middle

NOTES_EVERY = 0.2
"""Log lines and progress are written this often, in seconds."""
LINES_HELD = 5_000
"""The newest log lines, which are held while Redis is away; older ones would be cut from the log's middle anyway."""
LINES_AT_ONCE = 500
"""Log lines of one note."""
LINE_LIMIT = 4096
"""Bytes of one log line that are kept, at both its ends."""


class Notes:
    """Collects log lines and progress, which a thread writes.

    Args:
        write: takes (number of the note, progress or None, lines); returns False if the run is not ours any more.
        now: returns the time by Redis' clock, epoch seconds.
        redacted: returns a text without secrets.
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
        self._is_closed = False
        self._writer: tuple[threading.Thread, threading.Event] | None = None
        self._process = os.getpid()

    def line(self, level: str, message: str) -> None:
        """Add a log line.

        Args:
            level: as the log shows it.
            message: secrets are removed from it.
        """
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
        """Note how far the run is, each number from 0 to 2^53; the log says so if one is not a number."""
        if self._is_copied():
            return
        try:
            bounded = whole_number(done), whole_number(total)
        except (TypeError, ValueError, OverflowError):
            self.line("warning", "The progress of this run is not shown: it is not two numbers.")
            return
        with self._lock:
            self._progress = bounded
            self._start()

    def _is_copied(self) -> bool:
        """Return whether the bot has forked this process: it has no thread that writes, and the lock may be held."""
        return os.getpid() != self._process

    def _start(self) -> None:
        """Start the thread, with the first thing that there is to write; a run that has ended starts none."""
        if self._writer is None and not self._is_closed:
            closing = threading.Event()
            thread = threading.Thread(target=self._keep_writing, args=(closing,), name="notes", daemon=True)
            self._writer = thread, closing
            thread.start()

    def close(self) -> None:
        """Write what is left, unless Redis is away."""
        with self._lock:
            self._is_closed = True
            writer = self._writer
        if writer is not None:
            thread, closing = writer
            closing.set()
            thread.join(timeout=5)
        while self._flush():
            pass

    def _keep_writing(self, closing: threading.Event) -> None:
        while not closing.wait(NOTES_EVERY):
            self._flush()

    def _flush(self) -> bool:
        """Write a note. Return whether one was written."""
        with self._lock:
            note = self._unheard = self._unheard or self._next_note()
        if note is None:
            return False
        try:
            self._write(*note)
        except ServiceError:
            return False  # Redis is away: tried again unchanged, since Redis may have heard it
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


class RunLog:
    """The logger of a run, which is made when its bot first logs.

    Args:
        run_id: the run's.
        notes: takes what is logged.
    """

    def __init__(self, run_id: str, notes: Notes) -> None:
        self._run_id = run_id
        self._notes = notes
        self._logger: logging.Logger | None = None

    @property
    def logger(self) -> logging.Logger:
        """The logger, always the same."""
        if self._logger is None:
            # Not registered with the logging module, which keeps every logger for as long as the process lives.
            made = logging.Logger(f"{RUN_LOGGER}.{self._run_id}", logging.INFO)
            made.parent = logging.getLogger(RUN_LOGGER)
            made.addHandler(NotesHandler(self._notes))
            self._logger = made
        return self._logger


class NotesHandler(logging.Handler):
    """Hands what a bot logs to the run's notes."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record's line."""
        try:
            self._notes.line(record.levelname.lower(), record.getMessage())
        except Exception as error:  # noqa: BLE001 - a bot's bad format string must not end its run
            self._notes.line("error", f"A line of the log could not be written ({type(error).__name__})")
