"""The command line in this process, against a service of canned answers: as on a terminal, or as in a pipe."""

from __future__ import annotations

import functools
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import httpx

from service.cli.__main__ import main
from service.cli.client import api as client
from service.cli.client.profiles import ASKED
from tests.support.command import OURS, Ended


class _Stream(io.TextIOWrapper):
    """A stream in memory that may pass for a terminal."""

    def __init__(self, on_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)
        self._on_terminal = on_terminal

    def isatty(self) -> bool:
        return self._on_terminal

    @property
    def said(self) -> str:
        """All that was written."""
        return bytes(self.buffer.getvalue()).decode()  # type: ignore[attr-defined]


@contextmanager
def answered_by(service: Callable[[httpx.Request], httpx.Response]) -> Iterator[None]:
    """While it lasts, all requests of the command line go to `service`."""
    transport = httpx.MockTransport(service)
    with mock.patch.object(httpx, "Client", functools.partial(httpx.Client, transport=transport)):
        client.api.cache_clear()
        yield
    client.api.cache_clear()


def command_line(
    service: Callable[[httpx.Request], httpx.Response], *arguments: str, width: int | None = None, given: str = "",
    **environment: str,
) -> Ended:  # fmt: skip
    """Run a command to its end.

    Args:
        service: answers the requests.
        arguments: the command's.
        width: of the terminal; None if there is none.
        given: its standard input.
        environment: more variables, or others.
    """
    kept = {
        name: value for name, value in os.environ.items() if name not in {*OURS, "NO_COLOR", "COLUMNS", "FORCE_COLOR"}
    }
    variables = {"BOT_SCHEDULER_URL": "http://scheduler.test", "API_KEY": "k", "TERM": "xterm-256color"}
    variables |= {} if width is None else {"COLUMNS": str(width), "LINES": "50"}
    out, err = _Stream(width is not None), _Stream(width is not None)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, kept | variables | environment, clear=True))
        stack.enter_context(answered_by(service))
        stack.enter_context(mock.patch.object(sys, "argv", ["bot-scheduler", *arguments]))
        typed = stack.enter_context(tempfile.TemporaryFile("w+"))  # a file, which some commands read as such
        typed.write(given)
        typed.seek(0)
        stack.enter_context(mock.patch.object(sys, "stdin", typed))
        stack.enter_context(mock.patch.object(sys, "stdout", out))
        stack.enter_context(mock.patch.object(sys, "stderr", err))
        token = ASKED.set(None)
        try:
            status = main()
        finally:
            ASKED.reset(token)
    return Ended(int(status), out.said, err.said)
