"""Errors of usage: what Typer says of a command line that it cannot read, in plain sentences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from service.cli.output.escaping import quoted

_PLAIN = (
    (re.compile(r"Value error, "), ""),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"must be \1 or more"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"must be \1 or less"),
    (re.compile(r"Input should be a valid integer.*"), "must be a whole number"),
    (re.compile(r"Input should be a valid number.*"), "must be a number"),
    (re.compile(r"^Invalid value for ('[^:]*'): (must be|must not be)"), r"\1 \2"),
    (
        re.compile(r"^Invalid value for '([^']*)'(?: / '[^']*')?: ('.*') is not one of (.*)"),
        r"\1 must be one of \3, not \2",
    ),
    (
        re.compile(r"^Got unexpected extra argument(?:\(s\)|s)? \((.*)\)"),
        r"'\1' is too much; put a name that has blanks between quotation marks",
    ),
    (re.compile(r"^Missing (?:argument|option) '([^']*)'"), r"\1 is missing"),
    (re.compile(r"'(-[^']*)'"), r"\1"),
    (re.compile(r"'([^']*)'"), r"“\1”"),
)
"""What Typer's checks say, and the same for people."""


def usage_of(error: Any) -> str:
    """Return the sentence for a command line that Typer refused, and where to read more.

    Args:
        error: The `TyperException`.
    """
    told: str = error.format_message().rstrip(".")
    for pattern, plain in _PLAIN:
        told = pattern.sub(plain, told)
    context = getattr(error, "ctx", None)
    if context is None:
        return told
    see = f"see `{context.command_path} --help`"
    return f"{told} Or {see}" if told.endswith("?") else f"{told}; {see}"


def not_utf8(typed: Iterable[str]) -> str:
    """Return the sentence for text that cannot be sent, and name the argument that has it.

    Args:
        typed: The arguments, as Python reads them: a byte that is not UTF-8 is a lone surrogate.
    """
    wrong = [word for word in typed if any("\ud800" <= letter <= "\udfff" for letter in word)]
    if not wrong:
        return "A setting of the environment is not valid UTF-8"
    return f"The argument {quoted(os.fsencode(wrong[0]).decode(errors='backslashreplace'))} is not valid UTF-8"
