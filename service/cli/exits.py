"""The exit codes that scripts can rely on, and the exception that ends a command with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, as docs/cli.md documents them."""

    OK = 0
    FAILED = 1  # the answer is no: a failed run, an unhealthy service, a difference, a declined question
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAUTHORISED = 5
    UNREACHABLE = 6
    NOT_WRITTEN = 74  # as EX_IOERR in sysexits.h
    INTERRUPTED = 130
    PIPE_CLOSED = 141  # as of a program that SIGPIPE ends


class Failure(Exception):
    """The command cannot do its work.

    Args:
        exit: The exit code.
        sentence: What happened, where, and what to do.
        errors: The API's list of refused fields, each with `field` and `message`.
    """

    def __init__(self, exit: Exit, sentence: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(sentence)
        self.exit = exit
        self.sentence = sentence
        self.errors = errors
