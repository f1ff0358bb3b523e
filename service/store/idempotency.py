"""Idempotency of requests that may be sent twice and must count once, by the IETF draft of `Idempotency-Key`.

One script writes both the key's record and the effect, so that Redis keeps or loses both together. A request that takes
many scripts keeps its plan before the first of them, and its answer after the last.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.domain.plain_json import dumps
from service.store.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A request's key and body, stored as digests: keys may be secrets, and bodies long."""

    digest: str
    fingerprint: str

    @classmethod
    def of(cls, scope: str, key: str, body: object) -> Idempotency:
        """Make the digests of a request.

        Args:
            scope: the route and job within which the key holds.
            key: 1–255 printable ASCII characters.
            body: the request's JSON; the order of its keys does not matter.
        """
        digest = hashlib.sha256(f"{scope}\n{key}".encode()).hexdigest()
        return cls(digest, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest())

    def arguments(self) -> tuple[str, str]:
        """Return both digests, as the scripts take them."""
        return self.digest, self.fingerprint


NO_KEY = Idempotency("", "")
FIELDS = ("fingerprint", "answer")


@dataclass(frozen=True, slots=True)
class Recalled:
    """The earlier answer to an Idempotency-Key; None if that was to another body."""

    answer: str | None


def recalled(answer: Sequence[bytes]) -> Recalled | None:
    """Read the earlier answer out of a script's answer; None without one."""
    if answer[0] == b"kept":
        return Recalled(answer[1].decode())
    return Recalled(None) if answer[0] == b"other_body" else None


def recall(scripts: Scripts, sent: Idempotency) -> Recalled | None:
    """Read the earlier answer to a request; None if it is new, which only the script that keeps the answer decides."""
    ((body, answer),) = scripts.read(lambda pipe: pipe.hmget(scripts.keys.idempotency(sent.digest), FIELDS))
    if body is None:
        return None
    return Recalled(answer.decode() if body == sent.fingerprint.encode() else None)


class Answers:
    """Answers to requests that take many scripts; a long one is packed, and takes a third of its length.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def begin(self, sent: Idempotency, plan: dict[str, Any]) -> Recalled | None:
        """Keep what a request is about to do, unless there is something under its key already.

        Returns:
            What is there, to be read by `unpacked`; None if this is a new request.
        """
        return recalled(self._keep(sent, plan, ""))

    def end(self, sent: Idempotency, answer: dict[str, Any]) -> None:
        """Keep the answer in place of the plan."""
        self._keep(sent, answer, "1")

    def _keep(self, sent: Idempotency, known: dict[str, Any], replaces: str) -> Any:
        packed = base64.b85encode(zlib.compress(dumps(known)))
        return self._scripts.run("keep_answer", *sent.arguments(), packed, replaces)


def unpacked(text: str) -> dict[str, Any]:
    """Read what `Answers` has kept."""
    return dict(orjson.loads(zlib.decompress(base64.b85decode(text))))
