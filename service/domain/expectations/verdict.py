"""The verdict about a job: which expectations it breaches, what is told of that, and when to look again. Pure.

A breach is told once, and its end once. `late` (`success_within_seconds`, `finish_by`) is over with a success; `slow`
and `empty` are over with a success that is not. A missing ping is over with the next one that ends a run. All times
are ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from service.domain.expectations.awaited import PAUSED_LOOKS_MS, Awaited, owed
from service.domain.expectations.daily import instants_around, is_met
from service.domain.expectations.expect import Expect
from service.domain.expectations.paused_time import Stretch, deadline, is_paused
from service.domain.notices import length
from service.domain.timestamps import format_ms

WITHIN, FINISH, LONGEST, RESULT = "success_within_seconds", "finish_by", "longest_seconds", "result"
PING = "ping"
"""What is expected of a heartbeat job, without a word in its options."""
NOTHING = Expect.model_construct()
"""For a job of which its options expect nothing."""
HEALTH = {PING: "late", WITHIN: "late", FINISH: "late", LONGEST: "slow", RESULT: "empty"}
"""The health of a job that breaches each, the worst first."""
LOOK_MS = 3_600_000
"""A job is looked at again after this at the latest."""
KEPT_DURATIONS, FEWEST_DURATIONS = 50, 5
AUTO_FACTOR, AUTO_LEAST_MS = 3, 60_000


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended since the last verdict.

    Args:
        run_id: its id.
        ended_at: when.
        is_success: whether it succeeded.
        slow: what its mark says, if it took too long.
        empty: what its mark says, if its result is not as expected.
    """

    run_id: str
    ended_at: int
    is_success: bool
    slow: str | None = None
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a job.

    Args:
        is_on: whether it is enabled and has occurrences to come.
        since: since when it is expected to do something.
        success: when it succeeded last; None if it has not since.
        tardy: the success that ended a breach of `finish_by`: it counts for that day alone.
        durations: of its last successes, ms, the oldest first.
        ended: runs that have ended since the last verdict, in order.
        running: its runs under way, and when they started.
        told: expectation -> the breach of it that was told and is not over.
        paused: when it was paused.
        zone: its time zone.
        is_expected: returns whether an occurrence comes in a span (epoch seconds, open at its start) that runs.
        awaited: what a heartbeat job's pings are judged by; None for other jobs.
    """

    is_on: bool
    since: int
    success: int | None = None
    tardy: int | None = None
    durations: Sequence[int] = ()
    ended: Sequence[EndedRun] = ()
    running: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    paused: Sequence[Stretch] = ()
    zone: Any = UTC
    is_expected: Callable[[int, int], bool] = lambda after, until: True
    awaited: Awaited | None = None


@dataclass(slots=True)
class Verdict:
    """What follows.

    Args:
        told: the breaches that are told and not over, from now on.
        notes: what is to be told: the kind of each note, and its facts.
        marks: run id -> the sentence that marks it as slow while it runs.
        longest: how long its runs may take; None for any time.
        health: the job's, without `ok`.
        tardy: see `Facts`.
        look_at: when to look again.
        settled: see `Awaited`.
        next_at: when a heartbeat job's next ping is due; None for none, and for other jobs.
    """

    told: dict[str, dict[str, Any]]
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    longest: int | None = None
    health: str = ""
    tardy: int | None = None
    look_at: int = 0
    settled: int | None = None
    next_at: int | None = None

    def begin(self, expectation: str, said: str, run_id: str | None = None) -> None:
        """Note a breach, unless one of this expectation is told already."""
        if expectation not in self.told:
            facts = {"expectation": expectation, "said": said} | ({} if run_id is None else {"run_id": run_id})
            self.told[expectation] = facts
            self.notes.append(("breach", facts))

    def end(self, expectation: str, said: str, run_id: str | None = None) -> None:
        """Note the end of a breach, if one was told."""
        if self.told.pop(expectation, None) is not None:
            facts = {"expectation": expectation, "said": said} | ({} if run_id is None else {"run_id": run_id})
            self.notes.append(("breach_over", facts))


def judge(expect: Expect | None, facts: Facts, now: int) -> Verdict:
    """Judge a job.

    Args:
        expect: what is expected of it; None for nothing (any more).
        facts: what is known.
        now: the time.
    """
    verdict = Verdict({name: dict(said) for name, said in facts.told.items()}, tardy=facts.tardy, look_at=now + LOOK_MS)
    for name in facts.told:
        if (facts.awaited if name == PING else getattr(expect, name, None)) is None:
            verdict.end(name, "it is not expected any more")
    if expect is None and facts.awaited is None:
        return verdict
    expect = expect or NOTHING
    verdict.longest = longest_ms(expect, facts.durations)
    _judge_ended(facts.ended, verdict, expect)
    _judge_running(facts.running, verdict, now)
    _judge_lateness(expect, replace(facts, tardy=verdict.tardy), verdict, now)
    if facts.awaited is not None:
        _judge_pings(facts.awaited, facts, verdict, now)
    is_late_now = not is_paused(facts.paused, now)
    shown = [word for name, word in HEALTH.items() if name in verdict.told and (word != "late" or is_late_now)]
    verdict.health = shown[0] if shown else ""
    return verdict


def longest_ms(expect: Expect, durations: Sequence[int]) -> int | None:
    """Return how long a run may take, ms; None for any time.

    Args:
        expect: the job's expectations. `auto` is 3 times the 95th percentile (nearest rank), 60 s at least.
        durations: of the last successes, ms.
    """
    if expect.longest_seconds != "auto":
        return None if expect.longest_seconds is None else expect.longest_seconds * 1000
    last = sorted(durations[-KEPT_DURATIONS:])
    if len(last) < FEWEST_DURATIONS:
        return None
    return max(AUTO_LEAST_MS, AUTO_FACTOR * last[-(-len(last) * 95 // 100) - 1])


def _judge_ended(ended: Sequence[EndedRun], verdict: Verdict, expect: Expect) -> None:
    for run in ended:
        if run.empty is not None and expect.result is not None:
            verdict.begin(RESULT, run.empty, run.run_id)
        elif run.is_success:
            verdict.end(RESULT, "its result is as expected", run.run_id)
        if run.slow is not None and expect.longest_seconds is not None:
            verdict.begin(LONGEST, run.slow, run.run_id)
        elif run.is_success:
            verdict.end(LONGEST, "a run has ended in time", run.run_id)
        if run.is_success:
            if FINISH in verdict.told:
                verdict.tardy = run.ended_at
            for name in (WITHIN, FINISH):
                verdict.end(name, "it has succeeded", run.run_id)
        verdict.end(PING, f"a ping of a {'success' if run.is_success else 'failure'} has come", run.run_id)


def _judge_running(running: Mapping[str, int], verdict: Verdict, now: int) -> None:
    if verdict.longest is None:
        return
    for run_id, started in running.items():
        if now <= started + verdict.longest:
            verdict.look_at = min(verdict.look_at, started + verdict.longest + 1)
            continue
        said = f"has run for {length(now - started)}; the longest expected is {length(verdict.longest)}"
        verdict.marks[run_id] = said
        verdict.begin(LONGEST, said, run_id)


def _judge_lateness(expect: Expect, facts: Facts, verdict: Verdict, now: int) -> None:
    if not facts.is_on:
        for name in (WITHIN, FINISH):
            verdict.end(name, "it is switched off, or has ended")
        return
    since = min(facts.since, now)
    success = None if facts.success is None else min(facts.success, now)
    if is_paused(facts.paused, now):
        _look_while_paused(expect, max(since, success or 0), facts, verdict, now)
        return
    what = f"no success since {format_ms(success)} UTC" if success is not None else (
        f"no success since it was switched on at {format_ms(since)} UTC"
    )  # fmt: skip
    if expect.success_within_seconds is not None:
        base, allowed = max(since, success or 0), expect.success_within_seconds * 1000
        until = deadline(base, allowed, facts.paused)
        if until is not None and now < until:
            verdict.look_at = min(verdict.look_at, until)
            verdict.end(WITHIN, "it has succeeded, or has more time now")
        elif until is not None:
            verdict.begin(WITHIN, f"{what}; one within {length(allowed)} is expected")
    if expect.finish_time is not None:
        _judge_day(expect, facts, verdict, now, what)


def _judge_pings(awaited: Awaited, facts: Facts, verdict: Verdict, now: int) -> None:
    verdict.settled = awaited.settled
    if not awaited.is_on:
        verdict.end(PING, "it is switched off")
        return
    found = owed(awaited, facts.paused, now)
    verdict.settled, verdict.next_at = found.settled, found.next_at
    if found.look_at is not None:
        verdict.look_at = min(verdict.look_at, found.look_at)
    if found.missing is not None:
        verdict.begin(PING, found.missing)
    elif not found.is_paused:
        verdict.end(PING, "no ping is missing now")


def _judge_day(expect: Expect, facts: Facts, verdict: Verdict, now: int, what: str) -> None:
    assert expect.finish_time is not None
    zone = facts.zone if isinstance(facts.zone, ZoneInfo) else ZoneInfo("UTC")
    around = instants_around(expect.finish_time, zone, now // 1000)
    if around is None:
        return
    before, due, following = around
    verdict.look_at = min(verdict.look_at, following * 1000)
    begins = max(before, facts.since // 1000)
    if begins >= due or not facts.is_expected(begins, due):
        return  # what was told of an earlier day stays until a success
    if not is_met(facts.success, verdict.tardy, before * 1000, due * 1000):
        verdict.begin(FINISH, f"{what}; one by {expect.finish_by} is expected")


def _look_while_paused(expect: Expect, base: int, facts: Facts, verdict: Verdict, now: int) -> None:
    """Look again often enough that nothing is told late after the pause, whose end may come any time."""
    least, most = PAUSED_LOOKS_MS
    left = most
    if expect.success_within_seconds is not None:
        over = [(since, now if end is None else end) for since, end in facts.paused]
        until = deadline(base, expect.success_within_seconds * 1000, over)
        left = most if until is None else until - now
    verdict.look_at = min(verdict.look_at, now + max(least, min(most, left)))
