"""Requests that may be sent twice and must count once (after the IETF draft of the `Idempotency-Key` header field).

The key's record is written by the same script as the effect, so that both are kept or lost together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A request's key and body, as they are stored: digests, since keys may be secrets and bodies long."""

    digest: str
    fingerprint: str

    @classmethod
    def of(cls, scope: str, key: str, body: object) -> Idempotency:
        """A request's.

        Args:
            scope: the route and job within which the key holds.
            key: 1–255 printable ASCII characters.
            body: the request's JSON; the order of its keys does not matter.
        """
        digest = hashlib.sha256(f"{scope}\n{key}".encode()).hexdigest()
        return cls(digest, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest())

    def arguments(self) -> tuple[str, str]:
        """For the scripts."""
        return self.digest, self.fingerprint


NO_KEY = Idempotency("", "")


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an Idempotency-Key was answered before; None if that was to another body."""

    answer: str | None


def recalled(answer: Sequence[bytes]) -> Recalled | None:
    """What a script says of the key, if that is what it says."""
    if answer[0] == b"kept":
        return Recalled(answer[1].decode())
    return Recalled(None) if answer[0] == b"other_body" else None
