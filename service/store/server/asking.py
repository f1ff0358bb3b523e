"""Asking Redis with as little as possible in between, for what the API is asked thousands of times a second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from redis.exceptions import ResponseError

from service.store.scripts import Scripts
from service.store.server.exchange import exchange, packed

WRONG_TYPE = "WRONGTYPE"
"""What Redis' refusal starts with where a key that others have written to is none of the kind that was asked for."""


class Ask(Protocol):
    """Asks Redis several things in one round trip; answers them in order."""

    def __call__(self, *commands: Sequence[str | bytes | int | float]) -> list[Any]: ...


def ask(scripts: Scripts, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
    """Asks Redis what is safe to ask twice, in one round trip.

    Returns:
        The answers in order; an error in its place where a key is of another type.

    Raises:
        StoreUnavailable: Redis is away.
    """
    return ask_packed(scripts, [packed(*command) for command in commands])


def ask_packed(scripts: Scripts, commands: Sequence[bytes]) -> list[Any]:
    """The same with commands that are packed."""

    def attempt() -> list[Any]:
        answers = exchange(scripts.client, commands)
        for answer in answers:
            if isinstance(answer, ResponseError) and not str(answer).startswith(WRONG_TYPE):
                raise answer
        return answers

    return scripts.ask(attempt)


def hash_fields(keys: Sequence[str], fields: tuple[str, ...]) -> list[bytes]:
    """Commands that read the same fields of many hashes, packed: what they have in common is packed once."""
    head, tail = _common(fields)
    return [b"%b%d\r\n%b\r\n%b" % (head, len(key), key, tail) for key in map(str.encode, keys)]


@lru_cache(64)
def _common(fields: tuple[str, ...]) -> tuple[bytes, bytes]:
    whole = packed("HMGET", "", *fields)
    head, tail = whole.split(b"$0\r\n\r\n", 1)
    return head + b"$", tail


def scored(answer: Any) -> list[tuple[bytes, float]]:
    """Members and scores, which come in pairs or in a row, as the protocol's version has it."""
    if answer and isinstance(answer[0], list):
        return [(member, float(score)) for member, score in answer]
    return [(member, float(score)) for member, score in zip(answer[::2], answer[1::2], strict=True)]
