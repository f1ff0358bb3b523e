"""Plans at hand: made for kinds of jobs, and used again for a second; or made for single jobs, and used once."""

from __future__ import annotations

from itertools import islice

import orjson

from service.domain.due_plans import name_of_plan, plan_of
from service.domain.records import DueJob
from service.errors import ValidationFailed

CANNOT_BE_PLANNED = (ValidationFailed, ArithmeticError, LookupError, ValueError, TypeError)
"""The refusals of a job that cannot be planned."""
FRESH_MS = 1_000
"""A plan that was made longer ago is made anew: what was punctual then may be late now."""


class Plans:
    """Plans by name, worded for the script."""

    def __init__(self) -> None:
        self._shared: dict[str, tuple[int, bytes]] = {}
        self._single: dict[str, tuple[int, bytes]] = {}
        self._grouped: list[bytes] = []
        self._oldest = 0
        self.made = 0
        """How many plans were made in all."""
        self.single = 0
        """How many occurrences the plans for single jobs decide, each plan one at least."""

    def add(self, job: DueJob, now_ms: int) -> None:
        """Plan a job whose plan is not at hand.

        Args:
            job: it is due, or will be in a moment.
            now_ms: Redis' time, epoch milliseconds.

        Raises:
            ArithmeticError, LookupError, ValueError, ValidationFailed: it cannot be planned.
        """
        name = name_of_plan(job)
        if name in self._shared and self._shared[name][0] <= max(now_ms, job.due):
            return
        plan = plan_of(job, now_ms)
        self.made += 1
        if job.shares_its_plan:
            as_of = plan["as_of"]
            self._oldest = min(self._oldest, as_of) if self._shared else as_of
            self._shared[name] = as_of, orjson.dumps(plan)
            self._grouped = []
        else:
            former, _ = self._single.get(name, (0, b""))
            weight = max(1, len(plan["decisions"]))
            self._single[name] = weight, orjson.dumps(plan)
            self.single += weight - former

    def take(self, most: int) -> list[bytes]:
        """Return names and plans by turns: of all kinds, and of single jobs, whose plans then go.

        Args:
            most: occurrences that the plans for single jobs decide, the first one's apart. The script stops there, too.
        """
        self._grouped = self._grouped or self._group()
        pairs = [*self._grouped]
        weight = 0
        for name, (its_weight, plan) in [*islice(self._single.items(), most)]:
            if weight and weight + its_weight > most:
                break
            del self._single[name]
            pairs += orjson.dumps([name]), plan
            weight += its_weight
        self.single -= weight
        return pairs

    def _group(self) -> list[bytes]:
        """Word the plans for kinds, each with the names of all those whose plans are alike."""
        names: dict[bytes, list[str]] = {}
        for name, (_, plan) in self._shared.items():
            names.setdefault(plan, []).append(name)
        return [part for plan, its in names.items() for part in (orjson.dumps(its), plan)]

    def forget_old(self, now_ms: int) -> None:
        """Drop the plans for kinds that are not fresh at Redis' time `now_ms`."""
        if self._shared and self._oldest <= now_ms - FRESH_MS:
            self._shared = {name: plan for name, plan in self._shared.items() if plan[0] > now_ms - FRESH_MS}
            self._grouped = []
            self._oldest = min((as_of for as_of, _ in self._shared.values()), default=now_ms)
