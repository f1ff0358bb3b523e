"""Secrets that jobs need: a job names one, the environment of the worker holds it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from service.errors import ServiceError

SHAPE = r"env:BOT_SECRET_[A-Za-z0-9_]{1,100}"
"""How a job names a secret. Only variables whose names begin so are looked up, so that no job reads other settings."""
_NAME = re.compile(SHAPE)


class SecretMissing(ServiceError):
    """A secret that a job names is not set where the worker runs."""


def is_named(value: str) -> bool:
    """Whether `value` is the name of a secret rather than a value of its own."""
    return _NAME.fullmatch(value) is not None


def resolved(value: str, environment: Mapping[str, str] = os.environ) -> str:
    """The secret that `value` names, or `value` itself if it names none.

    Raises:
        SecretMissing: it is not set, or empty.
    """
    if not is_named(value):
        return value
    found = environment.get(value.removeprefix("env:"))
    if not found:
        raise SecretMissing(f"{value.removeprefix('env:')} is not set where the worker runs")
    return found
