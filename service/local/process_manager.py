"""Runs commands that stop together: honcho's manager, changed so that it leaves nothing behind.

It takes signals at any moment of the start. It stops its commands even if the terminal is closed or nobody reads the
output. If this process is killed, the kernel signals its children (on Linux). A command that ends at the start stops
all; one that ends once all are up is started again, since nobody may look at the terminal then.
"""

from __future__ import annotations

import functools
import io
import math
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import honcho.manager
import honcho.process
from honcho.printer import Printer

from service.backoff import Backoff
from service.local.embedded_valkey import EmbeddedValkey
from service.local.signals import STOPS, StopRequest, heed, signals_held, tie_to_parent
from service.shutdown import KILL_LOCAL_SECONDS

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a command that ended is started again; each pause is twice as long as the one before."""
STEADY_SECONDS = 60.0
"""A command that ran for so long begins with the first pause again."""
VALKEY = "the embedded Valkey"
"""Its name in lines for the person at the terminal."""


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
    """honcho's manager that also handles a closed terminal, a signal during the start, and the end of one command.

    Args:
        output: where the output of all processes goes.
        when_started: called once all have been started.
        is_up: whether all have been up: from then on, one that ends is started again.
        valkey: the store that the others work with, if it is ours to keep up; None if it is not.
        request: the signals that came before this object took them.
    """

    def __init__(
        self,
        output: Screen,
        when_started: Callable[[], None],
        is_up: Callable[[], bool],
        valkey: EmbeddedValkey | None,
        request: StopRequest,
    ) -> None:
        honcho.manager.KILL_WAIT = KILL_LOCAL_SECONDS
        honcho.manager.SIGNALS = {number: {"name": number.name, "rc": status} for number, status in STOPS.items()}
        multiprocessing.set_start_method("fork", force=True)
        super().__init__(Printer(output, colour=output.isatty()))
        self._process_ctor = _Command
        self.returncode: int | None
        self._when_started = when_started
        self._is_up = is_up
        self._valkey = valkey
        self._request = request
        self._asked = False
        self._pauses: dict[str, Backoff] = {}
        self._started: dict[str, float] = {}
        self._again: dict[str, float] = {}  # when to start those that have ended

    @property
    def status(self) -> int:
        """The exit status after the loop: 0 if asked to stop, else that of the process that ended at its start."""
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
        """Look after the store and the commands; honcho calls this in every turn of its loop."""
        if self._valkey is not None and self._valkey.status is not None and not self._asked and not self._is_up():
            self._system_print(f"{VALKEY} stopped (rc={self._valkey.status})\n")
            self.returncode = 1
            self._asked = True
        self._note_killed()
        if self._asked or self._is_up():
            self._keep_up()
        started = bool(super()._all_started())
        if started and self._asked:
            super().terminate()
        return started

    def terminate(self) -> None:
        """Tell all to stop, as soon as all have started."""
        self._asked = True
        self._all_started()

    def _any_stopped(self) -> bool:
        return any("returncode" in entry and name not in self._again for name, entry in self._processes.items())

    def _all_stopped(self) -> bool:
        return not self._again and bool(super()._all_stopped())

    def _note_killed(self) -> None:
        """Note the end of a child of this process, which cannot report it: the kernel has told its command to stop."""
        for name, entry in self._processes.items():
            status = entry["process"].exitcode if "process" in entry else None
            if status is not None and status < 0 and "returncode" not in entry:
                self._system_print(f"{name} stopped (rc={status})\n")
                entry["returncode"] = status
                if self.returncode is None:
                    self.returncode = status

    def _keep_up(self) -> None:
        """Start again, after a pause, what has ended since all were up."""
        with signals_held():
            if self._asked:
                self._again.clear()
                return
            now = time.monotonic()
            self._keep_valkey_up(now)
            for name, entry in self._processes.items():
                if now >= self._again.get(name, math.inf):
                    self._start_again(name, entry)
                elif "returncode" in entry and name not in self._again:
                    self.returncode = None
                    self._plan_again(name, now)

    def _keep_valkey_up(self, now: float) -> None:
        """Likewise for the store. It reads its file again, and the others wait for it meanwhile."""
        if self._valkey is None:
            return
        if now >= self._again.get(VALKEY, math.inf):
            del self._again[VALKEY]
            self._valkey.launch()
            self._started[VALKEY] = now
        elif self._valkey.status is not None and VALKEY not in self._again:
            self._plan_again(VALKEY, now)

    def _plan_again(self, name: str, now: float) -> None:
        pauses = self._pauses.setdefault(name, Backoff(FIRST_PAUSE, LONGEST_PAUSE))
        if now - self._started.get(name, now) > STEADY_SECONDS:
            pauses.reset()
        pause = pauses.next()
        self._again[name] = now + pause
        self._system_print(f"{name} ended by itself and is started again in {pause:.0f} s\n")

    def _start_again(self, name: str, entry: dict[str, Any]) -> None:
        del self._again[name], entry["returncode"]
        entry["pid"] = None
        entry["process"] = multiprocessing.Process(name=name, target=entry["obj"].run, args=(self.events, True))
        entry["process"].start()
        self._started[name] = time.monotonic()
