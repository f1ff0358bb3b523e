"""The link between a worker process and its work horse: pipes, a signal, and a shared sign of life.

The parent hands over the id of a run. The horse reports each run that it begins (the one that was handed over, then
those that it takes itself), and when no run is left. To stop a run, the parent writes an order and then sends a signal,
since only a signal reaches a bot at work. An order names its run's claim, so that a late one cannot stop another run.
"""

from __future__ import annotations

import errno
import json
import logging
import mmap
import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic  # as it is now: a bot may put another in its place
from typing import Literal

from service.os_process import adopt_orphans, die_with_parent

log = logging.getLogger(__name__)

ORDER_SIGNAL = signal.SIGUSR1
UNWATCHED_SECONDS = 3.0
"""A horse whose parent has given no sign of life for this long takes no further run: nobody would renew its lease."""

Order = Literal["ask", "interrupt", "drain"]


@dataclass(frozen=True, slots=True)
class Began:
    """A run that the horse has claimed and begins.

    Args:
        ids: the fields of log lines about it: its own id, its job's, and others.
        token: of the claim.
        asked: when the claim was asked for, monotonic seconds (one clock for all processes); its lease counts from it.
        timeout: the run's, seconds.
    """

    ids: dict[str, str]
    token: str
    asked: float
    timeout: int

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.ids["run_id"]


Idle = Literal["idle", "leaves"]
"""No run is left to carry out; the horse waits, or it ends."""


class Orders:
    """The horse's end.

    Args:
        work: the descriptor from which ids of runs are read.
        told: the descriptor to which it writes what it does.
        control: the descriptor from which orders are read.
        beat: memory shared with the parent: the time of its last sign of life.
    """

    def __init__(self, work: int, told: int, control: int, beat: mmap.mmap) -> None:
        self._work = os.fdopen(work, "r")
        self._told = told
        self._control = control
        self._beat = beat
        os.set_blocking(control, False)

    def next_run(self) -> str | None:
        """Wait for a run. Return its id; None if the parent has closed its end."""
        return self._work.readline().strip() or None

    def began(self, run: Began) -> None:
        """Report that a run begins."""
        self._tell([run.ids, run.token, run.asked, run.timeout])

    def rests(self, word: Idle) -> None:
        """Report that no run is left."""
        self._tell(word)

    def _tell(self, message: object) -> None:
        os.write(self._told, json.dumps(message).encode() + b"\n")

    def read(self) -> list[tuple[str, str]]:
        """Return the orders that have come, each with the token of its claim."""
        try:
            text = os.read(self._control, 65536).decode()
        except BlockingIOError:
            return []
        return [(order, token) for order, _, token in (line.partition(" ") for line in text.splitlines())]

    def is_watched(self) -> bool:
        """Return whether the parent gives signs of life."""
        (looked,) = struct.unpack_from("d", self._beat)
        return bool(monotonic() - looked < UNWATCHED_SECONDS)


class Horse:
    """The parent's end: forks a child in a process group of its own that runs `main` and ends.

    Args:
        main: what the child does.
    """

    def __init__(self, main: Callable[[Orders], None]) -> None:
        work, told, control = os.pipe(), os.pipe(), os.pipe()
        self._beat = mmap.mmap(-1, 8)
        self.look_after()
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (work[1], told[0], control[1]):
                os.close(descriptor)
            _run_child(lambda: main(Orders(work[0], told[1], control[0], self._beat)), parent)
        try:
            # In the parent too, so that killing the group can never hit the parent's own.
            os.setpgid(self.pid, self.pid)
        except OSError:
            pass
        for descriptor in (work[0], told[1], control[0]):
            os.close(descriptor)
        self._work, self._told, self._control = work[1], told[0], control[1]
        self._pidfd = _pidfd(self.pid)
        self._heard = b""
        self._status: int | None = None

    def look_after(self) -> None:
        """Give the horse a sign of life; call this at least once a second while it may take runs."""
        struct.pack_into("d", self._beat, 0, time.monotonic())

    def carry_out(self, run_id: str) -> None:
        """Hand a run over. If the horse is gone, `status` shows it later."""
        self.look_after()
        self._write(self._work, run_id)

    def order(self, order: Order, token: str = "") -> None:
        """Send an order; one to a horse that is gone is dropped.

        Args:
            order: `ask` the bot to stop, `interrupt` it, or have the horse take no further run (`drain`).
            token: of the claim of the run that is meant; none for `drain`.
        """
        if self._status is None:  # once it is collected, its number may be another process'
            self._write(self._control, f"{order} {token}")
            os.kill(self.pid, ORDER_SIGNAL)

    def kill(self) -> None:
        """Kill it and its process group; `service.worker.orphans` ends what has left the group."""
        if self._status is None:  # see `order`
            for kill in (os.killpg, os.kill):  # it may have left its group, too
                try:
                    kill(self.pid, signal.SIGKILL)
                except OSError:
                    pass

    def _write(self, descriptor: int, line: str) -> None:
        try:
            os.write(descriptor, line.encode() + b"\n")
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise

    def hear(self, seconds: float) -> list[Began | Idle]:
        """Return what the horse reports within `seconds`: nothing if it is silent, or gone (see `status`)."""
        if not self._wait(seconds):
            return []
        self._heard += os.read(self._told, 65536)
        *lines, self._heard = self._heard.split(b"\n")
        told: list[Began | Idle] = []
        for message in map(json.loads, lines):
            told.append(message if isinstance(message, str) else Began(*message))  # type: ignore[arg-type]
        return told

    def _wait(self, seconds: float) -> bool:
        """Wait until the horse reports something, or is gone. Return whether there is something to read.

        The end of the pipe alone does not show that the horse is gone: a process that a bot left behind may hold it
        open, and a bot may have closed it.
        """
        poll, end = select.poll(), time.monotonic() + seconds
        poll.register(self._told, select.POLLIN)
        if self._pidfd is not None:
            poll.register(self._pidfd, select.POLLIN)
        while True:
            left = max(0.0, end - time.monotonic())
            for descriptor, event in poll.poll((left if self._pidfd is not None else min(left, 0.02)) * 1000):
                if descriptor == self._pidfd:
                    return self._readable()
                if event & select.POLLIN:
                    return True
                poll.unregister(descriptor)
            if left <= 0 or (self._pidfd is None and self.status() is not None):
                return self._readable()

    def _readable(self) -> bool:
        return bool(select.select([self._told], [], [], 0)[0])

    def status(self, *, wait: bool = False) -> int | None:
        """Return its wait status if it is gone, else None; with `wait`, wait until it is gone."""
        if self._status is None:
            try:
                found, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
            except ChildProcessError:
                found, status = self.pid, 0
            self._status = status if found else None
        return self._status

    def close(self) -> None:
        """Close this end, whereupon a resting horse ends. Call this once."""
        for descriptor in (self._work, self._told, self._control, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)


def _pidfd(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or it is gone and collected
        return None


def _run_child(main: Callable[[], None], parent: int) -> None:
    status = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        adopt_orphans()
        main()
        status = 0
    except BaseException:
        log.exception("The work horse failed")
    finally:
        try:  # a bot may have closed them, or put others in their place
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
