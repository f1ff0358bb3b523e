"""Query parameters, strictly read. Unknown ones of the API are refused before (`service.web.api.parameters`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request

from service.domain.input.refusals import echo, listed
from service.errors import ValidationFailed

_DIGITS = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")


def text(req: Request, name: str) -> str | None:
    """Read a parameter as it was sent; None when it is absent.

    Raises:
        ValidationFailed: the parameter occurs more than once.
    """
    value: str | list[str] | None = req.params.get(name)
    if isinstance(value, list):
        raise ValidationFailed.of(name, "may be given only once")
    return value


def texts(req: Request, name: str) -> list[str]:
    """Read a parameter that may be repeated."""
    value: str | list[str] = req.params.get(name, [])
    return value if isinstance(value, list) else [value]


def address(path: str, asked: Mapping[str, object]) -> str:
    """Return an address with parameters, without the empty ones; a list gives one as often as it is long."""
    given = {name: value for name, value in asked.items() if value}
    return path + (f"?{urlencode(given, doseq=True)}" if given else "")


def integer(req: Request, name: str, *, low: int, high: int, default: int) -> int:
    """Read a whole number.

    Args:
        req: the request.
        name: the parameter's name.
        low: the least value.
        high: the greatest value.
        default: the value when the parameter is absent.

    Raises:
        ValidationFailed: the value is anything else.
    """
    value = text(req, name)
    if value is None:
        return default
    if not _DIGITS.fullmatch(value) or not low <= int(value) <= high:
        raise ValidationFailed.of(name, f"must be a whole number from {low} to {high}")
    return int(value)


def boolean(req: Request, name: str) -> bool:
    """Read `true` or `false`, in any case; False when the parameter is absent.

    Raises:
        ValidationFailed: the value is anything else.
    """
    value = text(req, name)
    if value is None:
        return False
    lowered = value.lower()
    if lowered not in ("true", "false"):
        raise ValidationFailed.of(name, "must be true or false")
    return lowered == "true"


def one_of(req: Request, name: str, known: Collection[str], default: str = "") -> str:
    """Read one of some words; `default` when the parameter is absent or empty.

    Raises:
        ValidationFailed: the value is another word.
    """
    value = text(req, name)
    if not value:
        return default
    if value not in known:
        raise ValidationFailed.of(name, f"must be {listed(map(echo, known))}, not {echo(value)}")
    return value


@dataclass(frozen=True, slots=True)
class WholeParameter:
    """A whole number within a range, which a route reads and OpenAPI shows.

    Args:
        name: the parameter's name.
        low: the least value.
        high: the greatest value.
        default: the value when the parameter is absent; None where the route does without one.
    """

    name: str
    low: int
    high: int
    default: int | None = None

    def read(self, req: Request) -> int:
        """Read the value; the default when the parameter is absent, or 0 without a default.

        Raises:
            ValidationFailed: the value is invalid.
        """
        return integer(req, self.name, low=self.low, high=self.high, default=self.default or 0)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema."""
        schema: dict[str, Any] = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return schema if self.default is None else {**schema, "default": self.default}


@dataclass(frozen=True, slots=True)
class SecondsParameter:
    """A duration, which a route reads and OpenAPI shows.

    Args:
        name: the parameter's name.
        high: the longest duration, seconds; the shortest is above 0.
        description: the duration's use, for OpenAPI.
    """

    name: str
    high: int
    description: str

    def read(self, req: Request) -> float | None:
        """Read the value, with or without a fraction; None when the parameter is absent.

        Raises:
            ValidationFailed: the value is invalid.
        """
        value = text(req, self.name)
        if value is None:
            return None
        if not _SECONDS.fullmatch(value) or not 0 < float(value) <= self.high:
            raise ValidationFailed.of(self.name, f"must be a number of seconds above 0, at most {self.high}")
        return float(value)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.high, "description": self.description}
