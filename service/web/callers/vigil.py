"""Watch over open answers: a stream or a wait ends when its caller may no longer ask.

A key that is revoked, or a session that has ended, must not go on reading what was opened before; nor must a key with
limits go on reading about a job that has left them. So each process looks up the proofs of its open answers several
times a second. Answers to the root key need no look-ups.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from falcon.asgi import Request

from service.domain.access.callers import caller
from service.domain.access.limits import Limits
from service.errors import StoreUnavailable
from service.interleaving import interleaved
from service.store.access.key_store import Standing
from service.web.callers.lookups import Proof

LOOK_SECONDS = 0.4
"""The time between two looks. With the look-up itself it stays below a second."""


def proof_of(req: Request) -> Proof | None:
    """Return what the caller of a request has shown; None for the root key, and for nobody."""
    found: Proof | None = getattr(req.context, "proof", None)
    return found


def proof_for(req: Request, job_id: str, is_within: Callable[[str, Limits], bool]) -> Proof | None:
    """Return what the caller of a request has shown, accepted for as long as the job exists for it.

    A job whose labels change may leave the limits of a caller who follows one of its runs.

    Args:
        req: the request.
        job_id: the job's id.
        is_within: tells whether a job exists for callers with some limits.
    """
    proof = proof_of(req)
    if proof is None or caller().limits.are_none:
        return proof

    def look_up() -> Standing | None:
        found = proof.look_up()
        return found if found is not None and is_within(job_id, found.limits) else None

    return Proof(proof.digest + job_id.encode(), look_up)


class Watch:
    """One open answer.

    Args:
        proof: what its caller has shown.
        end: is called once, on the event loop, when that is no longer accepted.
    """

    __slots__ = ("_end", "is_over", "proof")

    def __init__(self, proof: Proof, end: Callable[[], object]) -> None:
        self.proof = proof
        self.is_over = False
        """Whether its caller may no longer ask."""
        self._end = end

    def finish(self) -> None:
        """End the answer."""
        self.is_over = True
        self._end()


class Vigil:
    """The open answers of one process whose callers are no root keys."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._first: dict[bytes, Standing] = {}
        self._task: asyncio.Task[None] | None = None

    def begin(self, proof: Proof | None, end: Callable[[], object]) -> Watch | None:
        """Watch over an answer until `stop`; None, and nothing to do, if its caller has shown the root key."""
        if proof is None:
            return None
        watch = Watch(proof, end)
        self._watches.add(watch)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look_on())
        return watch

    def stop(self, watch: Watch | None) -> None:
        """Watch no longer: the answer is complete."""
        if watch is not None:
            self._watches.discard(watch)

    @contextmanager
    def over(self, proof: Proof | None, end: Callable[[], object]) -> Iterator[Watch | None]:
        """Watch over an answer while the block lasts."""
        watch = self.begin(proof, end)
        try:
            yield watch
        finally:
            self.stop(watch)

    async def _look_on(self) -> None:
        while self._watches:
            for proof in {watch.proof.digest: watch.proof for watch in self._watches}.values():
                await self._look(proof)
            self._first = {watch.proof.digest: self._first[watch.proof.digest] for watch in self._watches
                           if watch.proof.digest in self._first}  # fmt: skip
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, proof: Proof) -> None:
        """Look one proof up. While Redis is away nobody can tell, and nothing is read either."""
        try:
            found = await interleaved(proof.look_up)
        except StoreUnavailable:
            return
        known = None if found is None else replace(found, seconds=None)
        if known is None or self._first.setdefault(proof.digest, known) != known:
            for watch in [watch for watch in self._watches if watch.proof.digest == proof.digest]:
                self._watches.discard(watch)
                watch.finish()
