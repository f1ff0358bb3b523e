"""Query parameters, strictly read; unknown ones are ignored."""

from __future__ import annotations

import re

import falcon

from service.errors import ValidationFailed

_DIGITS = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def text(req: falcon.Request, name: str) -> str | None:
    """The parameter as sent; None when it is absent.

    Raises:
        ValidationFailed: it is given more than once.
    """
    value: str | list[str] | None = req.params.get(name)
    if isinstance(value, list):
        raise ValidationFailed.of(name, "may be given only once")
    return value


def integer(req: falcon.Request, name: str, *, low: int, high: int, default: int) -> int:
    """A whole number from `low` to `high`; `default` when it is absent.

    Raises:
        ValidationFailed: it is anything else.
    """
    value = text(req, name)
    if value is None:
        return default
    if not _DIGITS.fullmatch(value) or not low <= int(value) <= high:
        raise ValidationFailed.of(name, f"must be a whole number from {low} to {high}")
    return int(value)


def boolean(req: falcon.Request, name: str) -> bool:
    """`true` or `false`, in any case; False when it is absent.

    Raises:
        ValidationFailed: it is anything else.
    """
    value = text(req, name)
    if value is None:
        return False
    lowered = value.lower()
    if lowered not in ("true", "false"):
        raise ValidationFailed.of(name, "must be true or false")
    return lowered == "true"


def seconds(req: falcon.Request, name: str, *, high: int) -> float | None:
    """A time of more than 0 and at most `high` seconds, fractions allowed; None when it is absent.

    Raises:
        ValidationFailed: it is anything else.
    """
    value = text(req, name)
    if value is None:
        return None
    if not _SECONDS.fullmatch(value) or not 0 < float(value) <= high:
        raise ValidationFailed.of(name, f"must be a number of seconds above 0, at most {high}")
    return float(value)
