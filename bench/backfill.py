"""How late live runs start beside a backfill of a thousand missing days: `python -m bench.backfill --help`.

One job is due in each second, as in the suite `lateness`, with two workers: alone, and while a backfill of another job
works through a thousand days, whose runs do nothing, as fast as it may. Both are measured in each round, one right
after the other, and the ratio is of two neighbours. It prints, and writes nothing.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from typing import Any

from bench.lateness import starts
from bench.ours import KEYS, SCHEDULER, WORKER, definition, environment, planned, store
from bench.rig import Place
from bench.store import centile
from service.bots.registry import configs, load_bots
from service.domain.timestamps import format_timestamp
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.usecases.backfilling.backfills import Backfills
from service.usecases.fates.occurrences import Occurrences

WORKERS = "2"
DAY = 86_400
UP = 6.0
"""Seconds that the processes are given to be up before the first job is due."""
BEFORE = 2.0
"""Seconds between the start of the backfill and the first live run."""


def measure(seconds: int, days: int) -> dict[str, Any]:
    """One round of live runs, beside a backfill of so many days; none if 0."""
    with Place(environment(WORKER_CONCURRENCY=WORKERS)) as place:
        first = math.ceil(time.time() + UP + 2)
        daily: dict[str, Any] = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
        live = [definition(bot_config={"due": first + second}, name=f"live {second}") for second in range(seconds)]
        now = time.time()
        store(place, (planned(what, first + second, now) for second, what in enumerate(live)))
        (filled,) = store(place, iter([planned(definition(name="filled", **daily), first + DAY, now)]))
        place.start("scheduler", SCHEDULER)
        place.start("worker", WORKER)
        scripts = make_scripts(place.client, KEYS, Limits())
        backfills = Backfills(scripts, Occurrences(scripts), configs(load_bots()))
        time.sleep(max(0.0, first - BEFORE - time.time()))
        if days:
            until = int(now) // DAY * DAY - DAY
            span = {"since": format_timestamp(until - days * DAY), "until": format_timestamp(until), "only": "all"}
            backfill_id = backfills.start(filled, span)["backfill_id"]
        place.until(lambda: len(starts(place)) >= seconds, seconds + 30, 0.2)
        late = sorted((at - due) * 1000 for due, at in starts(place))
        figures = {
            "runs": len(late),
            "p50_ms": statistics.median(late),
            "p99_ms": centile(late, 0.99),
            "most_ms": late[-1],
        }
        if days:
            shown = backfills.get(filled, backfill_id)
            figures |= {"backfilled": shown["success"], "failed": shown["failed"], "left": shown["left"]}
        return figures


def main() -> None:
    """Measure both in turn, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=30, help="live runs of a round, one a second")
    parser.add_argument("--days", type=int, default=1000, help="instants of the backfill")
    given = parser.parse_args()
    ratios: dict[str, list[float]] = {"p50_ms": [], "p99_ms": []}
    for number in range(given.rounds):
        order = [0, given.days] if number % 2 == 0 else [given.days, 0]
        found = {days: measure(given.seconds, days) for days in order}
        for days in (0, given.days):
            shown = ", ".join(f"{name} {value:,.2f}" for name, value in found[days].items())
            print(f"round {number + 1}, {'beside a backfill' if days else 'alone'}: {shown}", flush=True)
        for name, its in ratios.items():
            its.append(found[given.days][name] / found[0][name])
    for name, its in ratios.items():
        print(
            f"{name} beside a backfill / alone: median {statistics.median(its):.2f} of {[round(one, 2) for one in its]}"
        )


if __name__ == "__main__":
    main()
