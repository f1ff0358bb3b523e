"""Idempotency of requests that may be sent twice and must count once, by the IETF draft of `Idempotency-Key`.

One script writes both the key's record and the effect, so that Redis keeps or loses both together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Recalled:
    """The earlier answer to an Idempotency-Key; None if that was to another body."""

    answer: str | None


def recalled(answer: Sequence[bytes]) -> Recalled | None:
    """Read the earlier answer out of a script's answer; None if there is none."""
    if answer[0] == b"kept":
        return Recalled(answer[1].decode())
    return Recalled(None) if answer[0] == b"other_body" else None
