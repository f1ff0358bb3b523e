"""`--watch`: a command's output, anew every few seconds."""

from __future__ import annotations

import io
import select
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import NoReturn

import typer

from service.cli.exits import Exit, Failure
from service.cli.output.printing import note

WATCH_SECONDS = 2
_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_CLEAR_ALL = "\x1b[2J"


class _Held(io.StringIO):
    """Output that is held back until it is complete, made for a terminal if it will go to one."""

    def __init__(self, on_terminal: bool) -> None:
        super().__init__()
        self._on_terminal = on_terminal

    def isatty(self) -> bool:
        return self._on_terminal


def keep_showing(show: Callable[[], None], title: str) -> NoReturn:
    """Show a command's output until Ctrl-C: on a terminal in place, in a pipe each time that it differs.

    Args:
        show: Prints it.
        title: The command.

    Raises:
        Failure: It is refused. An absence of the service is told, and ends nothing.
    """
    on_terminal, last = sys.stdout.isatty(), None
    if on_terminal:
        sys.stdout.write(_CLEAR_ALL)
    while True:
        try:
            shown = _held(show, on_terminal)
        except Failure as failure:
            if failure.exit is not Exit.UNREACHABLE:
                raise
            note(f"{failure.sentence}; trying again")
        else:
            if on_terminal:
                head = f"{title}, every {WATCH_SECONDS} s, at {datetime.now(UTC):%H:%M:%S} UTC; Ctrl-C ends it\n\n"
                sys.stdout.write(f"{_HOME_AND_CLEAR}{head}{shown}")
            elif shown != last:
                sys.stdout.write(shown if last is None else f"\n{shown}")
            sys.stdout.flush()
            last = shown
        _wait()


def _wait() -> None:
    """Wait until it is time for the next output.

    Raises:
        BrokenPipeError: Nobody reads the output any more (`| head`), which only a write would tell.
    """
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)  # errors and the other end's leaving are told in any case
    if output.poll(WATCH_SECONDS * 1000):
        raise BrokenPipeError


def _held(show: Callable[[], None], on_terminal: bool) -> str:
    with redirect_stdout(_Held(on_terminal)) as held:
        try:
            show()
        except typer.Exit:
            pass  # the answer is no, for now
    return held.getvalue()
