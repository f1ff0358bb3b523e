"""How a command ends: the exit codes that scripts can count on, and the one exception for all but success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes; docs/cli.md tells them to people."""

    OK = 0
    FAILED = 1  # what was asked about is not well: a run that failed, a service that is unhealthy, a difference
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAUTHORISED = 5
    UNREACHABLE = 6
    INTERRUPTED = 130


class Failure(Exception):
    """Ends the command.

    Args:
        exit: its exit code.
        sentence: what happened, where, and what to do.
        errors: the API's list of refused fields, each with `field` and `message`.
    """

    def __init__(self, exit: Exit, sentence: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(sentence)
        self.exit = exit
        self.sentence = sentence
        self.errors = errors
