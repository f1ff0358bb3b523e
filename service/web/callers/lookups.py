"""Look-ups of stored keys and sessions in Redis, each kept for less than a second.

So a key that is revoked, or a session that has ended, is refused by every process within a second, and a client that
asks thousands of times a second costs two look-ups a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from service.interleaving import interleaved
from service.store.access.key_store import Standing

KEPT_SECONDS = 0.5
"""How long a look-up is kept. It counts from before the question, so that Redis' answer is never older than that."""
MOST = 10_000
"""How many look-ups are kept."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a caller has shown.

    Args:
        digest: of the key's or the session's text.
        look_up: asks Redis what it stands for; None if it stands for nothing.
    """

    digest: bytes
    look_up: Callable[[], Standing | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    proof: Proof
    until: float
    standing: Standing | None


class Lookups:
    """The look-ups of one process.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}

    def proof(self, digest: bytes) -> Proof | None:
        """Return the proof of this digest if its look-up is still kept, so that nobody has to parse it again."""
        kept = self._kept.get(digest)
        return kept.proof if kept is not None and self._clock() < kept.until else None

    async def find(self, proof: Proof) -> Standing | None:
        """Return what a proof stands for; None for nothing.

        Raises:
            StoreUnavailable: Redis is away.
        """
        kept = self._kept.get(proof.digest)
        if kept is not None and self._clock() < kept.until:
            return kept.standing
        asked_at = self._clock()
        standing = await interleaved(proof.look_up)
        seconds = KEPT_SECONDS if standing is None or standing.seconds is None else standing.seconds
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[proof.digest] = _Kept(proof, asked_at + min(KEPT_SECONDS, seconds), standing)
        return standing

    def forget(self) -> None:
        """Forget all: this process has just changed a key or a session."""
        self._kept.clear()
