"""A set of commands that live and die together: honcho's manager, made to leave nothing behind.

Used by `make up` alone. Signals are heeded at any moment of the start; a terminal that was closed and an output that
nobody reads stop nothing from stopping; and if this process is killed, the kernel tells its children (on Linux).
"""

from __future__ import annotations

import ctypes
import functools
import io
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import honcho.manager
import honcho.process
from honcho.printer import Printer

STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""The signals that mean "stop everything" (SIGHUP: the terminal was closed), and honcho's statuses for them."""
STOP_SECONDS = 27
"""After this a process that was told to stop is killed."""
PR_SET_PDEATHSIG = 1


class StopWish:
    """Whether a signal to stop has come: noted at once, and looked at where stopping is possible.

    An exception raised by the handler would be lost wherever Python ignores exceptions, such as in a callback of its
    import system or in a finaliser, and everything would run on.
    """

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Takes the signals from now on."""
        heed(self._note)

    def _note(self, *_: object) -> None:
        self.asked = True


def heed(handler: Callable[..., Any]) -> None:
    """Has this called for each signal to stop, but for those that are ignored on purpose (nohup)."""
    for signum in STOPS:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, handler)


def tie_to_parent(parent: int, signum: signal.Signals) -> None:
    """Runs in a new child: takes signals again, and has the kernel send this one if the parent dies (Linux)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)
        if os.getppid() != parent:
            os._exit(1)


class signals_held:  # noqa: N801 - reads as a verb in `with`
    """Holds back the signals to stop, so that none falls between a child's start and the note of it."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


class Screen(io.TextIOBase):
    """Standard output, that may go away (a closed terminal, `| head`) without stopping the stop."""

    def write(self, text: str) -> int:
        """Writes what can be written."""
        try:
            return sys.stdout.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flushes what can be flushed."""
        try:
            sys.stdout.flush()
        except OSError:
            pass

    def isatty(self) -> bool:
        """Whether a person reads along."""
        return sys.stdout.isatty()


class _Command(honcho.process.Process):  # type: ignore[misc] # honcho ships no types
    """Runs in a child of this process: one of the Procfile's commands, and the reading of what it prints."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parent = os.getpid()

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Heeds no signal itself, by a handler rather than SIG_IGN, which the command would inherit."""
        for signum in STOPS:
            signal.signal(signum, lambda *_: None)
        tie_to_parent(self.parent, signal.SIGKILL)
        tie = functools.partial(tie_to_parent, os.getpid(), signal.SIGTERM)
        self._child_ctor = functools.partial(honcho.process.Popen, preexec_fn=tie)
        super().run(events, False)


class Crew(honcho.manager.Manager):  # type: ignore[misc] # honcho ships no types
    """honcho's manager, that also heeds a closed terminal, a signal before all have started, and the store's end.

    Args:
        output: where everybody's output goes.
        when_started: called once all have been started.
        store: a process that they cannot do without.
        wish: what was asked before this took the signals over.
    """

    def __init__(
        self, output: Screen, when_started: Callable[[], None], store: subprocess.Popen[bytes] | None, wish: StopWish
    ) -> None:
        honcho.manager.KILL_WAIT = STOP_SECONDS
        honcho.manager.SIGNALS = {number: {"name": number.name, "rc": status} for number, status in STOPS.items()}
        multiprocessing.set_start_method("fork", force=True)
        super().__init__(Printer(output, colour=output.isatty()))
        self._process_ctor = _Command
        self._when_started = when_started
        self._store = store
        self._wish = wish
        self._asked = False

    @property
    def status(self) -> int:
        """The exit status, after the loop: 0 if it was told to stop, else that of what ended by itself."""
        return 0 if self.returncode in STOPS.values() else int(self.returncode or 0)

    def _start(self) -> None:
        heed(signal.getsignal(signal.SIGTERM))  # type: ignore[arg-type] # honcho has just set its own
        with signals_held():
            super()._start()
        self._when_started()
        if self._wish.asked:
            self.returncode = STOPS[signal.SIGTERM]
            self.terminate()

    def _all_started(self) -> bool:
        """Called in every turn of the loop."""
        if self._store is not None and self._store.poll() is not None and not self._asked:
            self._system_print(f"the embedded Valkey stopped (rc={self._store.returncode})\n")
            self.returncode = 1
            self._asked = True
        started = bool(super()._all_started())
        if started and self._asked:
            super().terminate()
        return started

    def terminate(self) -> None:
        """Tells all to stop, as soon as all have started."""
        self._asked = True
        self._all_started()
