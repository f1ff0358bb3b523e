"""Leases of tasks that one process at a time does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from service.clock import steady_ms
from service.store.scripts import Scripts

Task = Literal["courier", "watch"]
LEASE_MS = 10_000
"""A process that does not renew its lease for this long is replaced."""


class Leases:
    """The leases that one process wants, and those that it holds.

    It judges by its own steady clock, from before it asked: a process that was frozen knows on waking that its lease
    may be another's by now.

    Args:
        scripts: the scripts of this installation.
        token: the process' own.
        tasks: what it wants to do.
        clock: steady ms.
    """

    def __init__(
        self, scripts: Scripts, token: str, tasks: Sequence[Task], clock: Callable[[], int] = steady_ms
    ) -> None:
        self._scripts = scripts
        self._token = token
        self._clock = clock
        self._until = dict.fromkeys(tasks, 0)

    def renew(self) -> None:
        """Take what is free and keep what is held, in one round trip.

        Raises:
            StoreUnavailable: Redis is away, or takes no writes.
        """
        self._ask(LEASE_MS)

    def give_back(self) -> None:
        """Leave all tasks to others. Raises StoreUnavailable."""
        self._ask(0)

    def holds(self, task: Task) -> bool:
        """Return whether this process holds the lease of a task."""
        return self._clock() < self._until[task]

    def _ask(self, lease_ms: int) -> None:
        until = self._clock() + lease_ms
        for task in self._until:
            held = bool(self._scripts.run("hold_lease", task, self._token, lease_ms))
            self._until[task] = until if held else 0
