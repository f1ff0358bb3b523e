"""Runs commands that live and die together: honcho's manager, changed so that it leaves nothing behind.

It takes signals at any moment of the start. It stops its commands even if the terminal is closed or nobody reads the
output. If this process is killed, the kernel signals its children (on Linux).
"""

from __future__ import annotations

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

from service.local.signals import STOPS, StopRequest, heed, signals_held, tie_to_parent
from service.shutdown import KILL_LOCAL_SECONDS


class Screen(io.TextIOBase):
    """Standard output that may go away (a closed terminal, `| head`) without an error."""

    def write(self, text: str) -> int:
        """Write the text if anybody reads it."""
        try:
            return sys.stdout.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        """Flush if anybody reads."""
        try:
            sys.stdout.flush()
        except OSError:
            pass

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        return sys.stdout.isatty()


class _Command(honcho.process.Process):  # type: ignore[misc] # honcho ships no types
    """Runs in a child of this process: starts one command, and reads its output."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parent = os.getpid()

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Obey no signal itself, by a handler rather than by SIG_IGN, which the command would inherit."""
        for signum in STOPS:
            signal.signal(signum, lambda *_: None)
        tie_to_parent(self.parent, signal.SIGKILL)
        tie = functools.partial(tie_to_parent, os.getpid(), signal.SIGTERM)
        self._child_ctor = functools.partial(honcho.process.Popen, preexec_fn=tie)
        super().run(events, False)


class ProcessManager(honcho.manager.Manager):  # type: ignore[misc] # honcho ships no types
    """honcho's manager that also handles a closed terminal, a signal during the start, and the store's end.

    Args:
        output: where the output of all processes goes.
        when_started: called once all have been started.
        store: a process without which the others cannot work, or None.
        request: the signals that came before this object took them.
    """

    def __init__(
        self,
        output: Screen,
        when_started: Callable[[], None],
        store: subprocess.Popen[bytes] | None,
        request: StopRequest,
    ) -> None:
        honcho.manager.KILL_WAIT = KILL_LOCAL_SECONDS
        honcho.manager.SIGNALS = {number: {"name": number.name, "rc": status} for number, status in STOPS.items()}
        multiprocessing.set_start_method("fork", force=True)
        super().__init__(Printer(output, colour=output.isatty()))
        self._process_ctor = _Command
        self._when_started = when_started
        self._store = store
        self._request = request
        self._asked = False

    @property
    def status(self) -> int:
        """The exit status after the loop: 0 if asked to stop, else that of the process that ended by itself."""
        return 0 if self.returncode in STOPS.values() else int(self.returncode or 0)

    def _start(self) -> None:
        heed(signal.getsignal(signal.SIGTERM))  # type: ignore[arg-type] # honcho has just set its own
        with signals_held():
            super()._start()
        self._when_started()
        if self._request.asked:
            self.returncode = STOPS[signal.SIGTERM]
            self.terminate()

    def _all_started(self) -> bool:
        """Look after the store; honcho calls this in every turn of its loop."""
        if self._store is not None and self._store.poll() is not None and not self._asked:
            self._system_print(f"the embedded Valkey stopped (rc={self._store.returncode})\n")
            self.returncode = 1
            self._asked = True
        started = bool(super()._all_started())
        if started and self._asked:
            super().terminate()
        return started

    def terminate(self) -> None:
        """Tell all to stop, as soon as all have started."""
        self._asked = True
        self._all_started()
