"""Each suite's table, made of its stored results."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench.contenders import BEFORE
from bench.store import ratios, spread

Data = Mapping[str, Any]
Rounds = Sequence[Mapping[str, float]]


def values(rounds: Rounds, name: str) -> list[float]:
    """One figure of all rounds."""
    return [one[name] for one in rounds]


def middle(rounds: Rounds, name: str) -> float:
    """Its median."""
    return statistics.median(values(rounds, name))


def rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table."""
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]


def last(parts: Mapping[str, Rounds]) -> Rounds:
    """The last part: the largest."""
    return list(parts.values())[-1]


def ratio(better: float, worse: float) -> str:
    """How many times `worse` is in `better`; empty if one of the two is not a number."""
    if worse <= 0 or better <= 0:
        return ""
    times = better / worse
    return f"{times:.2g}" if times < 100 else f"{times:.0f}"


def paired_or_plain(name: str, own: Rounds, one: Rounds, figure: str) -> str:
    """How many times better ours is at a figure of which more is better: to another revision round by round."""
    if one is own:
        return ""
    if name.startswith(BEFORE):
        return ratios(values(own, figure), values(one, figure))
    return ratio(middle(own, figure), middle(one, figure))


def first_of(data: Data) -> str:
    """The name of ours with which the peers are compared."""
    return str(next(iter(data["results"])))


def lateness(data: Data) -> list[str]:
    """Starts of runs."""
    pooled, own = data["pooled"], data["pooled"][first_of(data)]
    body = [
        [name, f"{one['p50_ms']:,.1f}", f"{one['p99_ms']:,.1f}", f"{one['least_ms']:,.1f}", f"{one['most_ms']:,.1f}",
         str(one["early"]), f"{one['runs']:.0f}", "" if one is own else ratio(one["p50_ms"], own["p50_ms"]),
         spread(values(data["results"][name]["idle"], "cpu_percent"), 1), data["lacks"][name]]
        for name, one in pooled.items()
    ]  # fmt: skip
    head = ["idle, one worker", "p50, ms", "p99, ms", "least, ms", "most, ms", "early", "runs", "ratio of p50",
            "CPU, %", "what it does not do"]  # fmt: skip
    apart = max(abs(one["clocks_apart_ms"]) for parts in data["results"].values() for one in parts["idle"])
    return [
        *rows(head, body), "",
        "Start (the first line of the run's own code) less due, all rounds' runs together. The clock of the machine "
        f"and Redis' TIME were never seen more than {apart:.2f} ms apart.",
    ]  # fmt: skip


def stampede(data: Data) -> list[str]:
    """Enqueued a second."""
    lines: list[str] = []
    for size in data["results"][first_of(data)]:
        own = data["results"][first_of(data)][size]
        body = []
        for name, parts in data["results"].items():
            one = parts.get(size)
            if one:
                times = paired_or_plain(name, own, one, "enqueued_per_second")
                body.append([name, spread(values(one, "enqueued_per_second")), times, spread(values(one, "p99_ms")),
                             spread(values(one, "longest_call_ms"), 1), spread(values(one, "cpu_ms_per_job"), 3),
                             spread(values(one, "redis_cpu_ms_per_job"), 3), spread(values(one, "memory_mib")),
                             spread(values(one, "bytes_per_job")), data["lacks"][name]])  # fmt: skip
        head = [f"{int(size):,} due at once", "enqueued a second", "ratio", "p99 of lateness, ms",
                "longest call in Redis, ms", "CPU a job, ms", "of Redis, ms", "memory of the scheduler, MiB",
                "bytes of Redis a schedule",
                "what it does not do"]  # fmt: skip
        lines += [*rows(head, body), ""]
    return [
        *lines,
        "Ours writes for each the run's record, its entry in the history and RQ's job, and moves the job on, by "
        "compare-and-set. A call under 1 ms is told as 0; calls are timed by the clock, so that what interrupts Redis "
        "counts too. Of Huey its scheduler alone was up, without the workers that its consumer starts beside it; its "
        "and BullMQ's jobs were due once, not by cron; BullMQ's worker took runs while it enqueued.",
    ]  # fmt: skip


def stampede_full(data: Data) -> list[str]:
    """A hundred thousand."""
    names = {
        "all_seconds": ("until all were enqueued, s", 1), "enqueued_per_second": ("enqueued a second", 0),
        "cpu_ms_per_job": ("the scheduler's CPU a job, ms", 3),
        "redis_cpu_ms_per_job": ("Redis' CPU a job, the API's share included, ms", 3),
        "api_p99_ms": ("API p99 meanwhile, ms", 1), "api_worst_ms": ("API's worst, ms", 1),
        "longest_call_ms": ("longest call in Redis, ms", 1), "others_p99_ms": ("other jobs' lateness, p99, ms", 0),
        "others_worst_ms": ("other jobs' worst lateness, ms", 0), "scheduler_mib": ("memory of the scheduler, MiB", 0),
    }  # fmt: skip
    (parts,) = data["results"].values()
    ((size, rounds),) = parts.items()
    body = [
        [title, spread(values(rounds, name), digits)] for name, (title, digits) in names.items() if name in rounds[0]
    ]
    return rows([f"{int(size):,} due at once, beside other work", ""], body)


def workers(data: Data) -> list[str]:
    """Runs a second."""
    own = data["results"][first_of(data)]
    body = []
    for name, parts in data["results"].items():
        line = [name]
        for count, one in parts.items():
            times = paired_or_plain(name, own[count], one, "runs_per_second")
            line += [spread(values(one, "runs_per_second")), times]
        single = parts["1"]
        line += [spread(values(single, "cpu_ms_per_run"), 2), spread(values(single, "redis_cpu_ms_per_run"), 2),
                 spread(values(single, "memory_mib")), data["lacks"][name]]  # fmt: skip
        body.append(line)
    counts = {"1": "one process, runs/s", "2": "two processes, runs/s"}
    titles = [title for count in own for title in (counts[count], "ratio")]
    head = ["no-op runs", *titles, "CPU a run, ms", "of Redis, ms", "peak memory, MiB", "what it does not do"]
    return [
        *rows(head, body), "",
        "From a full queue. CPU and memory are of one worker process with all below it. Ours keeps the run's record, "
        "the history, the job's last run, its slot, a lease, and RQ's own job and result.",
    ]  # fmt: skip


def scripts(data: Data) -> list[str]:
    """Redis' CPU of each call of a script."""
    (parts,) = data["results"].values()
    ((size, rounds),) = parts.items()
    body = []
    for verb in dict.fromkeys(verb for one in rounds for verb in one["scripts"]):
        of_verb = [one["scripts"][verb] for one in rounds if verb in one["scripts"]]
        body.append([f"`{verb}`", spread(values(of_verb, "calls")),
                     *(spread(values(of_verb, name), 3) for name in ("p50_ms", "p99_ms", "longest_ms"))])  # fmt: skip
    head = [f"{int(size):,} jobs due at once, then run", "calls", "CPU of a call, p50, ms", "p99", "the longest"]
    return [
        *rows(head, body), "",
        f"Calls over 5 ms: {sum(values(rounds, 'over_5_ms')):.0f}. By the kernel's count of the time that Redis' "
        "thread was on a core, all calls one after the other.",
    ]  # fmt: skip


def scale(data: Data) -> list[str]:
    """What many jobs cost."""
    (parts,) = data["results"].values()
    body = []
    for rounds in parts.values():
        body.append([f"{rounds[0]['jobs']:,}", f"{rounds[0]['due_per_second']:,}",
                     *(spread(values(rounds, name), digits) for name, digits in (
                         ("scheduler_cpu_percent", 1), ("redis_cpu_percent", 1), ("scheduler_mib", 0), ("tick_ms", 0),
                         ("tick_worst_ms", 0), ("api_p99_ms", 1), ("bytes_per_job", 0)))])  # fmt: skip
    head = ["jobs", "due a second", "scheduler's CPU, % of a core", "Redis' CPU, %", "scheduler's memory, MiB",
            "tick, ms", "worst tick, ms", "API p99, ms", "bytes of Redis a job"]  # fmt: skip
    return rows(head, body)


def soak(data: Data) -> list[str]:
    """Growth."""
    (parts,) = data["results"].values()
    ((one,),) = parts.values()
    ended = one["looks"][-1]
    body = [
        [name, f"{ended[name]:,}",
         f"{one[f'{name}_growth_percent']:+.1f} %" if f"{name}_growth_percent" in one else "not told: too short"]
        for name in ended if name not in ("seconds", "queued")
    ]  # fmt: skip
    return [
        f"{one['minutes']:.0f} minutes at {one['runs_per_second']:.0f} runs a second, of which "
        f"{one['settled_minutes']:.0f} after everything that expires had begun to expire. Growth is from "
        "the first quarter of that time to its last.",
        "", *rows(["", "at the end", "growth"], body), "", "![the soak](results/soak.svg)",
    ]  # fmt: skip
