"""Reads from Redis with the least overhead, for requests that come thousands of times a second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from redis.exceptions import ResponseError

from service.store.scripts import Scripts
from service.store.server.exchange import exchange, packed

WRONG_TYPE = "WRONGTYPE"
"""The start of Redis' refusal where outside hands have made a key of another type."""


class Ask(Protocol):
    """Asks Redis several things in one round trip; answers them in order."""

    def __call__(self, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
        """Ask."""


def ask(scripts: Scripts, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
    """Send reads that are safe to repeat, in one round trip.

    Returns:
        The answers in order; an error in its place where a key is of another type.

    Raises:
        StoreUnavailable: Redis is away.
    """
    return ask_packed(scripts, [packed(*command) for command in commands])


def ask_packed(scripts: Scripts, commands: Sequence[bytes]) -> list[Any]:
    """Ask the same with packed commands."""

    def attempt() -> list[Any]:
        answers = exchange(scripts.client, commands)
        for answer in answers:
            if isinstance(answer, ResponseError) and not str(answer).startswith(WRONG_TYPE):
                raise answer
        return answers

    return scripts.ask(attempt)


def hash_fields(keys: Sequence[str], fields: tuple[str, ...]) -> list[bytes]:
    """Pack commands that read the same fields of many hashes; pack their common part once."""
    head, tail = _common(fields)
    return [b"%b%d\r\n%b\r\n%b" % (head, len(key), key, tail) for key in map(str.encode, keys)]


@lru_cache(64)
def _common(fields: tuple[str, ...]) -> tuple[bytes, bytes]:
    whole = packed("HMGET", "", *fields)
    head, tail = whole.split(b"$0\r\n\r\n", 1)
    return head + b"$", tail


def scored(answer: Any) -> list[tuple[bytes, float]]:
    """Read members and scores, which come in pairs or in a row, by the version of the protocol."""
    if answer and isinstance(answer[0], list):
        return [(member, float(score)) for member, score in answer]
    return [(member, float(score)) for member, score in zip(answer[::2], answer[1::2], strict=True)]


def pairs(answer: Any) -> dict[bytes, bytes]:
    """Read a whole hash, which comes as a map or in a row, by the version of the protocol."""
    return answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
