"""The sections of the page of results, and the few figures that the README shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench import tables, web_tables
from bench.tables import Data, last, middle, rows

Table = Callable[[Data], list[str]]


def _shown(table: Table, plot: str) -> Table:
    return lambda data: [*table(data), "", f"![{plot}](results/{plot}.svg)"]


SECTIONS: Sequence[tuple[str, str, Table]] = (
    ("lateness", "Lateness", _shown(tables.lateness, "lateness")),
    ("stampede", "Stampede", _shown(tables.stampede, "stampede")),
    ("stampede_full", "A larger stampede", tables.stampede_full),
    ("scripts", "Redis' CPU of each script", tables.scripts),
    ("workers", "Workers", _shown(tables.workers, "workers")),
    ("api", "API", web_tables.api),
    ("slow", "Slow clients", web_tables.slow),
    ("followers", "Followers of live logs", web_tables.followers),
    ("mixed", "The API beside long work", web_tables.mixed),
    ("scale", "Scale", _shown(tables.scale, "scale")),
    ("soak", "Soak", tables.soak),
)


def headlines(stored: Mapping[str, Data | None]) -> list[str]:
    """The README's few figures, ours beside rq-scheduler and the best of the peers; empty while some are missing.

    Who starts runs early is not the best at starting them on time.
    """
    late, rush, work, api_data = (stored[name] for name in ("lateness", "stampede", "workers", "api"))
    if late is None or rush is None or work is None or api_data is None:
        return []
    lines = [
        ("start after the due instant, median, ms",
         {name: one["p50_ms"] for name, one in late["pooled"].items() if not one["early"] or name.startswith("ours")},
         min, 1),
        ("enqueued a second, 10,000 due at once",
         {name: middle(last(parts), "enqueued_per_second") for name, parts in rush["results"].items()}, max, 0),
        ("no-op runs a second, two worker processes",
         {name: middle(last(parts), "runs_per_second") for name, parts in work["results"].items()}, max, 0),
    ]  # fmt: skip
    body = []
    for title, figures, best, digits in lines:
        own, *peers = figures.items()
        theirs = {name: figure for name, figure in peers if not name.startswith("ours")}
        top = best(theirs, key=lambda name: theirs[name]) if theirs else None
        stock = next((figure for name, figure in theirs.items() if name.startswith("rq-scheduler")), None)
        body.append([title, f"{own[1]:,.{digits}f}", "" if stock is None else f"{stock:,.{digits}f}",
                     "" if top is None else f"{theirs[top]:,.{digits}f} ({top})"])  # fmt: skip
    most = [name for name in api_data["results"] if name.startswith("ours")][-1]  # the most web processes come last
    parts = api_data["results"][most]
    asked = (
        ("GET /jobs/{id}", "requests to read a job"),
        ("POST /jobs", "to create one"),
        ("POST …/run", "to run one"),
    )
    rates = [f"{middle(parts[name], 'rate'):,.0f} {words}" for name, words in asked]
    return [
        "", *rows(["", "Bot Scheduler", "rq-scheduler + RQ", "the best of the others"], body), "",
        f"With {most.partition(', ')[2]}, the API answers in one second: {rates[0]}, {rates[1]}, or {rates[2]}.", "",
    ]  # fmt: skip
