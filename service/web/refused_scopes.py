"""Notes of refused scopes on their way to the audit log, a second later and beside all requests."""

from __future__ import annotations

import asyncio

from service.domain.access.callers import Caller
from service.interleaving import interleaved
from service.store.audit.refusals import RefusedScopes

SETTLE_SECONDS = 1.0


class RefusalNotes:
    """The notes of one web process. The guard calls `note` for each request that lacks a scope.

    Args:
        refused: counts and writes them.
    """

    def __init__(self, refused: RefusedScopes) -> None:
        self._refused = refused
        self._settling: asyncio.Task[None] | None = None

    def note(self, who: Caller, method: str, route: str) -> None:
        """Note a refusal; it does not wait.

        Args:
            who: the caller, who lacks the scope.
            method: the request's.
            route: the route's template, such as `/scheduler/jobs/{job_id}`.
        """
        self._refused.note(who, method, route)
        if self._settling is None or self._settling.done():
            self._settling = asyncio.get_running_loop().create_task(self._settle())

    async def _settle(self) -> None:
        while self._refused.is_unsettled:
            await asyncio.sleep(SETTLE_SECONDS)
            await interleaved(self._refused.settle)
