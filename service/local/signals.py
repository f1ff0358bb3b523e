"""The signals that stop `bot-scheduler up`, at any moment of its start and in the children that it forks."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from service.os_process import die_with_parent

STOPS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
"""The signals that mean "stop everything" (SIGHUP: the terminal was closed), and honcho's statuses for them."""


class StopRequest:
    """A request to stop by a signal: noted at once, and obeyed where stopping is possible.

    An exception raised by the handler would be lost wherever Python ignores exceptions, such as in a callback of its
    import system or in a finaliser, and everything would run on.
    """

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take the signals from now on, and those that the command line held back while this process was starting."""
        heed(self._note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def _note(self, *_: object) -> None:
        self.asked = True


def heed(handler: Callable[..., Any]) -> None:
    """Call the handler for each signal to stop, except for those that are ignored on purpose (nohup)."""
    for signum in STOPS:
        if signal.getsignal(signum) != signal.SIG_IGN:
            signal.signal(signum, handler)


def tie_to_parent(parent: int, signum: signal.Signals) -> None:
    """In a new child, take signals again, and have the kernel send this one if the parent dies."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    die_with_parent(parent, signum)


class signals_held:  # noqa: N801 - reads as a verb in `with`
    """Holds back the signals to stop, so that none comes between a child's start and the record of it."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
