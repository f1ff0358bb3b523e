"""Measurements: counters that the scripts keep in one hash, and the present state of everything else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.notices import Notices
from service.domain.status import waited_seconds
from service.domain.watching.troubles import Trouble
from service.store.jobs.enabled_count import enabled_jobs
from service.store.notices import FIELDS_OF_CLOCK, FIELDS_OF_DATA, read_notices
from service.store.presence import up
from service.store.scripts import BUCKETS_MS, Scripts
from service.store.server.exchange import exchange, packed
from service.store.server.kind import refusal_of_writes
from service.store.server.redis_clock import ms_of
from service.store.server.translation import translate_errors
from service.store.watching.trouble_store import read_troubles

REFUSED_KEYS = "refused_keys"
LOOP_LAG = "loop_lag"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of times up to each of `BUCKETS_MS`, then of all times; and the sum of all times, ms."""

    counts: tuple[int, ...]
    sum_ms: int


NO_TIMES = Histogram((0,) * (len(BUCKETS_MS) + 1), 0)


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything at one instant; times are ms.

    Args:
        runs: (bot, outcome, trigger, value of `label`) -> runs ended, and occurrences skipped.
        label: the label of jobs by which runs are counted apart; empty for none.
        lateness, duration: by bot, of the runs that had started.
        queued, oldest_queued: runs in the queue that have not started, and since when the oldest is there.
        leader: the acting scheduler's name.
        next_due: when the next occurrence of any job is due.
        notices: what somebody has to look at.
        troubles: what the watch sees to be wrong.
        refused_keys: wrong API keys that all web processes have refused.
        loop_lag: how late turns of the web processes' event loops came.
        refusal: why Redis refuses writes, in a sentence; None if it takes them. Meanwhile there are no heartbeats.
    """

    now: int
    runs: Mapping[tuple[str, str, str, str], int]
    lateness: Mapping[str, Histogram]
    duration: Mapping[str, Histogram]
    queued: int
    oldest_queued: int | None
    running: int
    delayed_retries: int
    schedulers: int
    workers: int
    leader: str | None
    next_due: int | None
    jobs: int
    enabled_jobs: int
    notices: Notices
    label: str = ""
    pauses: int = 0
    held_runs: int = 0
    refused_keys: int = 0
    loop_lag: Histogram = NO_TIMES
    refusal: str | None = None
    troubles: tuple[Trouble, ...] = ()

    @property
    def queued_for_seconds(self) -> float:
        """How long the oldest queued run has waited; 0 if the queue is empty."""
        return waited_seconds(self.now, self.oldest_queued)


def add_loop_lag(scripts: Scripts, lags: Sequence[int]) -> None:
    """Count lags of an event loop, without a second try: a connection that breaks may have counted them already.

    Args:
        scripts: the installation.
        lags: ms.

    Raises:
        StoreUnavailable: Redis is away.
    """
    counts = Counter(next((str(bound) for bound in BUCKETS_MS if lag <= bound), "inf") for lag in lags)
    counts["sum"] = sum(lags)
    if scripts.gate is not None:
        scripts.gate.write()
    commands = [packed("HINCRBY", scripts.keys.metrics, f"{LOOP_LAG}:{name}", n) for name, n in counts.items()]
    with translate_errors():
        exchange(scripts.client, commands)


def read(scripts: Scripts) -> Reading:
    """Read everything in two round trips, whatever the number of jobs.

    Raises:
        StoreUnavailable: Redis is away.
    """
    keys = scripts.keys
    answers = scripts.read(
        lambda pipe: (
            pipe.time(),
            pipe.hgetall(keys.metrics),
            pipe.zcard(keys.queued),
            pipe.zrange(keys.queued, 0, 0, withscores=True),
            pipe.zcard(keys.leases),
            pipe.zcard(keys.retries),
            pipe.hlen(keys.pauses),
            pipe.hexists(keys.pauses, "over"),
            pipe.zcard(keys.held),
            pipe.zrange(keys.schedulers, 0, -1, withscores=True),
            pipe.zrange(keys.workers, 0, -1, withscores=True),
            pipe.get(keys.leader),
            pipe.zrange(keys.due, 0, 0, withscores=True),
            pipe.zrange(keys.edits_due, 0, 0, withscores=True),
            pipe.zcard(keys.jobs),
            pipe.get(keys.enabled_jobs),
            pipe.hgetall(keys.troubles),
            pipe.hmget(keys.data, FIELDS_OF_DATA),
            pipe.hmget(keys.clock, FIELDS_OF_CLOCK),
        )
    )
    time, counters, queued, oldest, running, retries, pauses, over, held, *rest = answers
    schedulers, workers, leader, due, edits_due, jobs, enabled, troubles, *seen = rest
    now = ms_of(time)
    refused = refusal_of_writes(scripts.client, keys)
    counts = {name.decode(errors="replace"): int(value) for name, value in counters.items()}
    return Reading(
        now=now,
        runs=_runs(counts, scripts.limits.metrics_label),
        label=scripts.limits.metrics_label,
        lateness=_histograms(counts, "lateness"),
        duration=_histograms(counts, "duration"),
        queued=int(queued),
        oldest_queued=_earliest(oldest),
        running=int(running),
        delayed_retries=int(retries),
        pauses=int(pauses) - int(over),
        held_runs=int(held),
        schedulers=up(schedulers, now),
        workers=up(workers, now),
        leader=None if leader is None else leader.decode(errors="replace"),
        next_due=min((found for found in map(_earliest, (due, edits_due)) if found is not None), default=None),
        jobs=int(jobs),
        enabled_jobs=enabled_jobs(enabled),
        notices=read_notices(now, *seen),
        refused_keys=counts.get(REFUSED_KEYS, 0),
        loop_lag=_histogram(_under(counts, f"{LOOP_LAG}:")),
        troubles=read_troubles(troubles),
        refusal=None if refused is None else refused.sentence,
    )


def _earliest(rows: list[tuple[bytes, float]]) -> int | None:
    return int(rows[0][1]) if rows else None


def _runs(counts: Mapping[str, int], label: str) -> dict[tuple[str, str, str, str], int]:
    """Read the counts of runs. Those of another label, by an earlier setting, count as those of jobs without one."""
    found = Counter[tuple[str, str, str, str]]()
    for name, count in counts.items():
        match name.split(":"):
            case ["runs", bot, outcome, trigger, *labels]:
                its, _, value = labels[0].partition("=") if labels else ("", "", "")
                found[bot, outcome, trigger, value if its == label else ""] += count
    return dict(found)


def _histograms(counts: Mapping[str, int], kind: str) -> dict[str, Histogram]:
    found: dict[str, dict[str, int]] = {}
    for name, value in counts.items():
        match name.split(":"):
            case [its_kind, bot, bucket] if its_kind == kind:
                found.setdefault(bot, {})[bucket] = value
    return {bot: _histogram(buckets) for bot, buckets in found.items()}


def _under(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): value for name, value in counts.items() if name.startswith(prefix)}


def _histogram(buckets: Mapping[str, int]) -> Histogram:
    # A bucket of a release with other bounds counts in the next larger one of today.
    bounds = sorted((int(name), count) for name, count in buckets.items() if name.isdecimal())
    counts = [sum(count for bound, count in bounds if bound <= upper) for upper in BUCKETS_MS]
    total = sum(count for _, count in bounds) + buckets.get("inf", 0)
    return Histogram((*counts, total), buckets.get("sum", 0))
