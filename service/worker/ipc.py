"""The link between a worker process and its work horse: the board, a pipe with orders, a signal, and the horse's death.

The horse takes runs by itself and shows on the board which one it is at (`service.worker.board`). To stop a run, the
parent writes an order and then sends a signal, since only a signal reaches a bot at work. An order names its run's
claim, so that a late one cannot stop another run.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Literal

from service.os_process import adopt_orphans, die_with_parent
from service.worker.board import Board

log = logging.getLogger(__name__)

ORDER_SIGNAL = signal.SIGUSR1
STATUS_SECONDS = 0.02
"""Without a pidfd, the parent looks this often whether the horse is gone."""

Order = Literal["ask", "interrupt", "drain"]


class Orders:
    """The horse's end of the pipe.

    Args:
        control: the descriptor from which orders are read.
    """

    def __init__(self, control: int) -> None:
        self._control = control
        os.set_blocking(control, False)

    def read(self) -> list[tuple[str, str]]:
        """Return the orders that have come, each with the token of its claim; `drain` if the parent is gone."""
        try:
            text = os.read(self._control, 65536).decode()
        except BlockingIOError:
            return []
        if not text:
            return [("drain", "")]
        return [(order, token) for order, _, token in (line.partition(" ") for line in text.splitlines())]


class Horse:
    """The parent's end: forks a child in a process group of its own that runs `main` and ends.

    Args:
        main: what the child does.
    """

    def __init__(self, main: Callable[[Orders, Board], None]) -> None:
        self.board = Board()
        theirs, self._control = os.pipe()
        parent = os.getpid()
        signal.signal(ORDER_SIGNAL, signal.SIG_IGN)  # until the child listens: its default would end the child
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._control)
            _run_child(lambda: main(Orders(theirs), self.board), parent)
        try:
            # In the parent too, so that killing the group can never hit the parent's own.
            os.setpgid(self.pid, self.pid)
        except OSError:
            pass
        os.close(theirs)
        self._pidfd = _pidfd(self.pid)
        self._status: int | None = None
        self._is_draining = False

    def order(self, order: Order, token: str = "") -> None:
        """Send an order; one to a horse that is gone is dropped.

        Args:
            order: `ask` the bot to stop, `interrupt` it, or have the horse take no further run (`drain`).
            token: of the claim of the run that is meant; none for `drain`.
        """
        # Once it is collected, its number may be another process'.
        if self._status is not None or (order == "drain" and self._is_draining):
            return
        self._is_draining = self._is_draining or order == "drain"
        try:
            os.write(self._control, f"{order} {token}\n".encode())
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
        os.kill(self.pid, ORDER_SIGNAL)

    def kill(self) -> None:
        """Kill it and its process group; `service.worker.leftovers.orphans` ends what has left the group."""
        if self._status is None:  # see `order`
            for kill in (os.killpg, os.kill):  # it may have left its group, too
                try:
                    kill(self.pid, signal.SIGKILL)
                except OSError:
                    pass

    def wait(self, seconds: float) -> bool:
        """Wait until the horse is gone, `seconds` at most. Return whether it is gone."""
        end = time.monotonic() + seconds
        if self._pidfd is not None:
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            poll.poll(max(0.0, seconds) * 1000)
        while self.status() is None and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, STATUS_SECONDS))
        return self.status() is not None

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
        """Close this end, whereupon a horse that is still there takes no further run. Call this once."""
        for descriptor in (self._control, self._pidfd):
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
        # The parent's garbage is not ours to collect: files that it closes would seem to be a bot's doing.
        gc.freeze()
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
