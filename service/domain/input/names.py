"""Names that people give to things that jobs refer to by them, such as calendars."""

from __future__ import annotations

import re

from service.domain.input.refusals import echo
from service.errors import ValidationFailed

NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
"""The pattern of such a name."""
NAME_IN_WORDS = "1 to 63 of the characters a–z, 0–9, ., _ and -, of which the first is a letter or digit"

_NAME = re.compile(NAME)


def is_name(value: object) -> bool:
    """Return whether a value is such a name."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def parse_name(value: object, where: str = "name") -> str:
    """Return the name itself, if it is one.

    Raises:
        ValidationFailed: it is not; names the field `where`.
    """
    if isinstance(value, str) and is_name(value):
        return value
    raise ValidationFailed.of(where, f"must be {NAME_IN_WORDS}, not {echo(value)}")
