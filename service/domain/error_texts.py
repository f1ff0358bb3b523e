"""Texts of exceptions that bots raise. Their classes may do anything in `__str__`."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from service.domain.plain_json import plain_text


def said(error: BaseException) -> str:
    """Return the text of an exception, or a note that it cannot be written out."""
    return _or(lambda: str.__str__(str(error)), "(its text cannot be written out)")


def worded(error: BaseException) -> str:
    """Return the class and the text of an exception, even if the class hides its own name."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return f"{plain_text(name)}: {said(error)}"


def traced(error: BaseException) -> str:
    """Return the traceback of an exception, or its class and text without one."""
    return _or(lambda: "".join(traceback.format_exception(error)), worded(error))


def _or(make: Callable[[], str], otherwise: str) -> str:
    try:
        return plain_text(make())
    except BaseException:  # noqa: BLE001 - also what a bot's class raises to end its process
        return otherwise
