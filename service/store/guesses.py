"""Wrong keys of all web processes in Redis, by sender: those of this minute, and those of each day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.store.scripts import Scripts
from service.store.server.asking import ask, scored
from service.store.server.redis_clock import ms_of

DAY_MS = 86_400_000
RECENT_SECONDS = 60
TOTAL = "total"
"""The member that counts all senders; no sender has such a name."""


@dataclass(frozen=True, slots=True)
class Report:
    """One process' report.

    Args:
        process: a name of its own.
        number: of the report, so that a repetition counts once.
        counts: sender -> wrong keys.
        unnamed: wrong keys of other senders.
        since: when the first of them came, seconds since 1970.
    """

    process: str
    number: int
    counts: Mapping[str, int]
    unnamed: int
    since: float


@dataclass(frozen=True, slots=True)
class Counted:
    """What Redis knows of a report's senders beyond the report.

    Args:
        now_ms: Redis' time.
        counts: sender -> its wrong keys in this minute, from all processes; without those of which it knows no more.
        before: sender -> those in the minute before; likewise.
        named_by_others: senders that another process has reported in this minute.
    """

    now_ms: int
    counts: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    named_by_others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Guessers:
    """Wrong keys since midnight UTC.

    Args:
        total: how many were refused.
        most: those who sent the most, and how many each of them sent, at most three.
    """

    total: int = 0
    most: tuple[tuple[str, int], ...] = ()

    @property
    def others(self) -> int:
        """How many came from everybody else."""
        return self.total - sum(count for _, count in self.most)


def count(scripts: Scripts, report: Report, now: float) -> Counted:
    """Add a report to the counts.

    Args:
        scripts: the scripts of this installation.
        report: the report.
        now: seconds since 1970. What came more than a minute ago counts for the day alone.

    Raises:
        StoreUnavailable: Redis is away. The report may have been counted: send it again, under the same number.
    """
    pairs = [part for pair in report.counts.items() for part in pair]
    is_recent = "1" if now - report.since < RECENT_SECONDS else "0"
    answer = scripts.run("count_guesses", report.process, report.number, is_recent, report.unnamed, *pairs)
    senders = list(report.counts)
    named = [senders[int(position)] for position in answer[1::3]]
    counts = dict(zip(named, map(int, answer[2::3]), strict=True))
    before = dict(zip(named, map(int, answer[3::3]), strict=True))
    by_others = frozenset(sender for sender, number in counts.items() if number > report.counts[sender])
    return Counted(int(answer[0]), counts, before, by_others)


def today(scripts: Scripts) -> Guessers:
    """Read who sent wrong keys since midnight UTC.

    Raises:
        StoreUnavailable: Redis is away.
    """
    (time,) = ask(scripts, ("TIME",))
    window = scripts.keys.guesses(f"day:{ms_of(time) // DAY_MS}")
    (rows,) = ask(scripts, ("ZRANGE", window, 0, 3, "REV", "WITHSCORES"))
    counts = {name.decode(errors="replace"): int(score) for name, score in scored(rows)}
    total = counts.pop(TOTAL, 0)  # no sender has a higher count
    return Guessers(total, tuple(counts.items())[:3])
