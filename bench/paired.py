"""Rounds in which revisions of the web process are measured in turn, part by part, and their ratios.

The machine's speed changes within minutes. So all revisions are up at the same time, each part is measured of one right
after the other, and a ratio is of two neighbours. The order changes with each round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from bench.store import load_now
from bench.suite import Chosen

T = TypeVar("T")
Results = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
"""Who -> part -> the figures of each round."""


class Paired:
    """Collects the figures of a suite.

    Args:
        name: the suite's.
        chosen: what was asked for.
    """

    def __init__(self, name: str, chosen: Chosen) -> None:
        self._name = name
        self._chosen = chosen
        self._load = load_now()
        self._round = 0
        self._rounds: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def rounds(self) -> Iterator[int]:
        """Counts the rounds."""
        for number in range(self._chosen.rounds):
            self._round = number
            print(f"{self._name}, round {number + 1} of {self._chosen.rounds}", flush=True)
            yield number

    def in_turn(self, everybody: Sequence[T]) -> Sequence[T]:
        """The order of this round."""
        return everybody if self._round % 2 == 0 else everybody[::-1]

    def note(self, who: str, part: str, measure: Callable[[], dict[str, Any]]) -> None:
        """Measures one part of one of them, and prints it."""
        load, start = load_now()[0], time.monotonic()
        result = {**measure(), "load_before": load}
        self._rounds.setdefault(who, {}).setdefault(part, []).append(result)
        shown = ", ".join(f"{name} {value:,.2f}" for name, value in result.items() if isinstance(value, int | float))
        print(f"  {who}: {part} ({time.monotonic() - start:.0f} s): {shown}", flush=True)

    def results(self) -> dict[str, Any]:
        """All that was measured, ours first, to be saved."""
        ordered = sorted(self._rounds.items(), key=lambda one: not one[0].startswith("ours"))
        return {
            "rounds": self._chosen.rounds, "full": self._chosen.full, "load_at_start": self._load, "lacks": {},
            "failed": {}, "before": self._chosen.before, "results": dict(ordered),
        }  # fmt: skip
