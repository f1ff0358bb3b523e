"""What a suite is asked for, and the rounds in which it measures everybody in turn."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.contenders import BEFORE, OURS, Contender, installed
from bench.neighbours import told_ratios
from bench.store import RESULTS, load, load_now, save


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for.

    Args:
        rounds: how often everything is measured.
        full: whether the long parts are measured too.
        ours_only: whether the peers are left out; nothing is written then.
        only: a part of the names of those that are measured.
        tiny: the first of ours alone, at a size that shows nothing but that it works.
        folder: where results go.
        minutes: of the soak.
        resume: whether suites measured lately, at the same size, are left out.
        before: another revision to measure beside this one; none if empty.
        processes: how many web processes, one measurement for each number.
        seconds: of one measurement of a suite of the web process; its own if None.
        many: how many sockets or followers; the suite's own number if None.
    """

    rounds: int = 3
    full: bool = False
    ours_only: bool = False
    only: str = ""
    tiny: bool = False
    folder: Path = RESULTS
    minutes: float = 15
    resume: bool = False
    before: str = ""
    processes: Sequence[int] = (2,)
    seconds: float | None = None
    many: int | None = None

    @classmethod
    def ask(cls, about: str | None, arguments: Sequence[str] | None = None) -> Chosen:
        """Of the command line."""
        parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--rounds", type=int, default=None, help="how often everything is measured (3; full: 5)")
        parser.add_argument("--full", action="store_true", help="the long parts too")
        parser.add_argument("--ours-only", action="store_true", help="leave the peers out, print, write nothing")
        parser.add_argument("--only", default="", help="those whose name has this in it; print, write nothing")
        parser.add_argument("--minutes", type=float, default=15, help="of the soak")
        parser.add_argument("--resume", action="store_true", help="leave out what was measured in the last six hours")
        parser.add_argument("--before", default="", metavar="REV", help="measure this revision beside this one")
        parser.add_argument("--processes", type=int, nargs="+", default=[2], help="api: so many web processes (2)")
        parser.add_argument("--seconds", type=float, default=None, help="web: of one measurement")
        parser.add_argument("--many", type=int, default=None, help="slow: sockets (2000); followers: followers (1000)")
        given = parser.parse_args(arguments)
        rounds = given.rounds or (5 if given.full else 3)
        return cls(rounds, given.full, given.ours_only, given.only, minutes=given.minutes, resume=given.resume,
                   before=given.before, processes=given.processes, seconds=given.seconds, many=given.many)  # fmt: skip

    def is_done(self, name: str) -> bool:
        """Whether a suite was measured at this size in the last six hours."""
        stored = load(name, self.folder)
        if stored is None or stored.get("full", False) < self.full:
            return False
        ended = datetime.strptime(stored["ended"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        return datetime.now(UTC) - ended < timedelta(hours=6)

    @property
    def partial(self) -> bool:
        """Whether not everybody is measured, so that there is nothing to compare."""
        return self.ours_only or bool(self.only)

    def run(self, name: str, measured: Callable[[Chosen], dict[str, Any]]) -> None:
        """Measures one suite, and writes its results if it was measured whole."""
        data = measured(self)
        print(*told_ratios(data["results"]), sep="\n")
        if self.partial:
            print("\nNot everybody was measured, so nothing was written.")
            return
        save(name, data, self.folder)


class Suite:
    """Measures contenders in rounds, everybody once a round, so that noise hits all alike.

    Args:
        name: of the suite.
        chosen: what was asked for.
        contenders: in the order of the tables.
    """

    def __init__(self, name: str, chosen: Chosen, contenders: Sequence[Contender]) -> None:
        self._name = name
        self._chosen = chosen
        there = [one for one in installed(contenders) if one.is_ours or not chosen.ours_only]
        there = [one for one in there if chosen.only.lower() in one.name.lower() or one.name.startswith(BEFORE)]
        if chosen.tiny:
            there = [*there[:1], *(one for one in there[1:] if one.name.startswith(BEFORE))]
        self._contenders = there
        self._load = load_now()
        self._rounds: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._failed: dict[str, str] = {}

    def rounds(self) -> Iterator[Contender]:
        """Each contender, `rounds` times; the order changes with each round."""
        for number in range(self._chosen.rounds):
            for contender in self._contenders if number % 2 == 0 else self._contenders[::-1]:
                print(f"{self._name}, round {number + 1} of {self._chosen.rounds}: {contender.name}", flush=True)
                yield contender

    def note(self, contender: Contender, part: str, measure: Callable[[], dict[str, Any]]) -> None:
        """Measures one part of a contender; should a peer fail, that is noted and the others go on."""
        load, start = load_now()[0], time.monotonic()
        try:
            result = measure()
        except (RuntimeError, AssertionError, OSError) as error:
            if contender.is_ours or self._chosen.partial:
                raise
            self._failed[contender.name] = str(error)[-500:]
            print(f"  {contender.name} failed: {error}", flush=True)
            return
        result["load_before"] = load
        self._rounds.setdefault(contender.name, {}).setdefault(part, []).append(result)
        shown = ", ".join(f"{name} {value:,.2f}" for name, value in result.items() if isinstance(value, int | float))
        print(f"  {part} ({time.monotonic() - start:.0f} s): {shown}", flush=True)

    def results(self) -> dict[str, Any]:
        """All that was measured, to be saved."""
        return {
            "rounds": self._chosen.rounds,
            "full": self._chosen.full,
            "load_at_start": self._load,
            "lacks": {one.name: one.lacks for one in self._contenders},
            "failed": self._failed,
            "results": {one.name: self._rounds[one.name] for one in self._contenders if one.name in self._rounds},
        }


def measured_alone(
    name: str, chosen: Chosen, count: int, measure: Callable[[Contender, int], dict[str, Any]]
) -> dict[str, Any]:
    """All rounds of a suite that has one part, of `count` jobs, and ours as its only contender."""
    suite = Suite(name, chosen, OURS[:1])
    for contender in suite.rounds():
        suite.note(contender, str(count), lambda c=contender: measure(c, count))  # type: ignore[misc]
    return suite.results()
