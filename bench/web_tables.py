"""The tables of the web process' suites: revisions side by side, with ratios of neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from bench.store import ratios, spread
from bench.tables import Data, Rounds, rows, values


def api(data: Data) -> list[str]:
    """Rates, a table for each number of processes."""
    lines: list[str] = []
    for processes in dict.fromkeys(who.rpartition(", ")[2] for who in data["results"]):
        names = [who for who in data["results"] if who.endswith(f", {processes}")]
        own, body = data["results"][names[0]], []
        for part in own:
            for who in names:
                one = data["results"][who].get(part)
                if one:
                    better = own[part] if who != names[0] else None
                    body.append([part if better is None else "", who.rpartition(", ")[0], *_rate(one, better)])
        head = [processes, "", "requests/s", "ratio", "p50, ms", "p99, ms", "ratio of p99", "CPU, ms",
                "ratio of CPU", "of Redis, ms", "memory of the largest process, PSS, MiB", "RSS",
                "refused or broken"]  # fmt: skip
        lines += [*rows(head, body), ""]
    return [
        *lines,
        f"By {data['tool']}, on the same two cores; 16 connections, for an export 2. A ratio says how many times "
        "better ours was than its neighbour in the same round; below 1, worse.",
    ]  # fmt: skip


def _rate(rounds: Rounds, ours: Rounds | None) -> list[str]:
    refused = sum(values(rounds, "refused")) + sum(values(rounds, "broken"))
    rate = "" if ours is None else ratios(values(ours, "rate"), values(rounds, "rate"))
    p99 = "" if ours is None else ratios(values(rounds, "p99_ms"), values(ours, "p99_ms"))
    cpu = "" if ours is None else ratios(values(rounds, "cpu_ms"), values(ours, "cpu_ms"))
    return [
        spread(values(rounds, "rate")), rate, spread(values(rounds, "p50_ms"), 1), spread(values(rounds, "p99_ms"), 1),
        p99, spread(values(rounds, "cpu_ms"), 3), cpu, spread(values(rounds, "redis_cpu_ms"), 3),
        _there(rounds, "pss_mib"), _there(rounds, "rss_mib"), f"{refused:.0f}",
    ]  # fmt: skip


def _there(rounds: Rounds, name: str, digits: int = 0) -> str:
    return spread(values(rounds, name), digits) if name in rounds[0] else ""


def slow(data: Data) -> list[str]:
    """The API beside slow clients."""
    body = []
    for who, part, rounds in _all(data):
        figures = [
            f"{spread(values(rounds, f'{name}_p50_ms'), 1)}; {spread(values(rounds, f'{name}_p99_ms'), 1)}; "
            f"{spread(values(rounds, f'{name}_max_ms'), 1)}; {sum(values(rounds, f'{name}_failed')):.0f} of "
            f"{sum(values(rounds, f'{name}_asked')):.0f}"
            for name in ("alone_health", "health", "alone_job", "job", "alone_create", "create")
        ]
        memory = [spread(values(rounds, f"pss_{when}_mib"), 0) for when in ("before", "beside", "after")]
        body.append([part, who, *figures, " → ".join(memory), spread(values(rounds, "cpu_percent"), 0), _told(rounds)])
    head = ["sockets", "", "health alone", "health beside them", "a job alone", "a job beside them", "a create alone",
            "a create beside them", "PSS before → beside → after, MiB", "CPU, % of a core",
            "what became of them"]  # fmt: skip
    seconds = max(one["seconds"] for _, _, rounds in _all(data) for one in rounds)
    return [
        *rows(head, body), "",
        f"p50; p99; the longest, ms; how many failed (no answer within 5 s). Two web processes, {seconds:.0f} s each; "
        "memory of the larger process.",
    ]  # fmt: skip


def followers(data: Data) -> list[str]:
    """Live logs."""
    body = []
    for who, part, rounds in _all(data):
        lost, doubled = sum(values(rounds, "lost")), sum(values(rounds, "doubled"))
        body.append([
            part, who, f"{rounds[0]['followers']:,}", spread(values(rounds, "streaming")),
            spread(values(rounds, "lines")), f"{lost:.0f}, {doubled:.0f}",
            *(spread(values(rounds, name), digits) for name, digits in (
                ("late_p50_ms", 0), ("late_p99_ms", 0), ("late_max_ms", 0), ("kib_each", 1), ("cpu_percent", 0),
                ("redis_cpu_percent", 0), ("redis_clients", 0), ("job_p50_ms", 1), ("job_p99_ms", 1),
                ("job_failed", 0), ("restart_seconds", 1))),
            _told(rounds),
        ])  # fmt: skip
    head = ["", "", "followers", "streams", "lines", "lost, doubled", "a line to its last follower, p50, ms", "p99, ms",
            "the longest, ms", "memory a follower, KiB", "CPU, % of a core", "Redis' CPU, %",
            "connections of Redis", "API p50 meanwhile, ms", "p99, ms", "failed", "restart, s",
            "what became of the streams"]  # fmt: skip
    return [
        *rows(head, body), "",
        "One web process. The worker writes lines five times a second, so that up to 200 ms of a line's way are its "
        "own.",
    ]  # fmt: skip


def mixed(data: Data) -> list[str]:
    """The API beside long work."""
    own = next(iter(data["results"].values()))
    body = []
    for who, part, rounds in _all(data):
        is_own = data["results"][who] is own
        rate, p99 = ("", "") if is_own else (
            ratios(values(own[part], "rate"), values(rounds, "rate")),
            ratios(values(rounds, "p99_ms"), values(own[part], "p99_ms")),
        )  # fmt: skip
        works = [
            f"{name}: {sum(values(rounds, name)):.0f}, {spread(values(rounds, f'{name}_seconds'), 1)} s"
            + (f", {failed:.0f} refused" if (failed := sum(values(rounds, f"{name}_failed"))) else "")
            for name in ("imports", "exports", "lists") if name in rounds[0]
        ]  # fmt: skip
        body.append([
            part, who, spread(values(rounds, "rate")), rate, spread(values(rounds, "p50_ms"), 1),
            spread(values(rounds, "p99_ms"), 1), p99, spread(values(rounds, "max_ms"), 0),
            f"{sum(values(rounds, 'refused')) + sum(values(rounds, 'broken')):.0f}",
            spread(values(rounds, "pss_mib")), "; ".join(works),
        ])  # fmt: skip
    head = ["GET /jobs/{id}", "", "requests/s", "ratio", "p50, ms", "p99, ms", "ratio of p99", "the longest, ms",
            "refused or broken", "PSS, MiB", "the work: how often, how long"]  # fmt: skip
    return [*rows(head, body), "", f"By {data['tool']}; one web process, 16 connections."]


def _all(data: Data) -> Sequence[tuple[str, str, Rounds]]:
    """Who, part and rounds, those of one part together."""
    parts = dict.fromkeys(part for many in data["results"].values() for part in many)
    return [(who, part, many[part]) for part in parts for who, many in data["results"].items() if part in many]


def _told(rounds: Rounds) -> str:
    """What the last round's clients told of themselves."""
    told: object = rounds[-1]["told"]
    return ", ".join(f"{what} {number:,}" for what, number in told.items()) if isinstance(told, dict) else ""
