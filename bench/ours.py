"""Our own processes, started as the Procfile starts them, and jobs stored in bulk by the store's own scripts."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bench.rig import ROOT, Place, own_python
from service.bots.registry import configs, load_bots
from service.domain.job import JobDefinition
from service.domain.options import Options
from service.domain.planning import new_record
from service.domain.records import JobRecord, Plan
from service.settings import Settings
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.store.server.startup_checks import check_at_startup
from service.usecases.runs import Runs
from tests.support.processes import find_free_port
from tools.bulk import save

API_KEY = "a key for measuring"
KEYS = Keys()

WEB = [own_python(), "-m", "gunicorn", "--config", "python:service.gunicorn_config"]
SCHEDULER = [own_python(), "scheduler.py"]
WORKER = [own_python(), "worker.py"]


def environment(**settings: str) -> dict[str, str]:
    """What our processes are given: the defaults of every setting, but for where they are found."""
    return {
        "API_KEY": API_KEY, "PORT": str(find_free_port()), "BIND_HOST": "127.0.0.1",
        "PYTHONPATH": f"{ROOT / 'bench' / 'noop'}:{ROOT}", **settings,
    }  # fmt: skip


def isolations() -> Sequence[str]:
    """The ways in which a worker can carry out its runs."""
    return ("warm", "fork") if "worker_isolation" in Settings.model_fields else ("fork",)


def definition(**fields: Any) -> JobDefinition:
    """A job of the bot that does nothing, due every hour unless told otherwise."""
    plain: dict[str, Any] = {
        "name": "a job", "description": None, "bot_type": "noop", "enabled": True, "schedule_type": "interval",
        "schedule_config": {"hours": 1}, "bot_config": {"due": None}, "options": Options(), **fields,
    }  # fmt: skip
    return JobDefinition(**plain)


def store(place: Place, records: Iterator[JobRecord]) -> list[str]:
    """Stores jobs, many in a round trip. Returns their ids."""
    made = make_scripts(place.client, KEYS, Limits())
    check_at_startup(place.client, KEYS)
    return save(made, records)


def planned(what: JobDefinition, first: int, now: float) -> JobRecord:
    """A record of a job whose next occurrence is `first`, epoch seconds; an interval is anchored one before it."""
    record = new_record(str(uuid.uuid4()), what, int(now * 1000))
    anchor = first - 3600 if what.schedule_type == "interval" else record.plan.anchor
    return replace(record, plan=Plan(anchor, first, first * 1000, "scheduled"))


def copies(records: Sequence[JobRecord], count: int) -> Iterator[JobRecord]:
    """`count` jobs, each with an id and a name of its own, otherwise like one of `records`, drawn by chance."""
    for number, record in enumerate(random.Random(1).choices(records, k=count)):
        named = replace(record.definition, name=f"job {number}")
        yield replace(record, id=str(uuid.uuid4()), definition=named, created_at=record.created_at + number // 1000)


def cron_kinds(at: float) -> list[JobDefinition]:
    """Ninety kinds of cron jobs that are due at `at`, a whole minute: by time zone, expression and time-out."""
    kinds = []
    for zone in ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kolkata", "Asia/Tokyo"):
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        minute, hour = local.minute, local.hour
        for expression in (
            f"{minute} {hour} * * *", f"{minute} * * * *", f"{minute} {hour} * * 0-6", f"{minute} */1 * * *",
            f"{minute} {hour},{(hour + 6) % 24} * * *", f"{minute},{(minute + 30) % 60} * * * *",
        ):  # fmt: skip
            config = {"cron_expression": expression, "timezone": zone}
            for timeout in (600, 3600, 7200):
                options = Options(timeout_seconds=timeout)
                kinds.append(definition(schedule_type="cron", schedule_config=config, options=options))
    return kinds


def due_at(at: float, now: float, alike: bool = False) -> list[JobRecord]:
    """Jobs to be copied, next due at `at`: of ninety kinds, or one; hourly ones if `at` is no whole minute."""
    kinds = cron_kinds(at) if at % 60 == 0 else [definition()]
    return [planned(kind, int(at), now) for kind in (kinds[:1] if alike else kinds)]


def runs(place: Place) -> Runs:
    """The use cases of runs, as the API calls them."""
    return Runs(make_scripts(place.client, KEYS, Limits()), configs(load_bots()))


def fill_due(place: Place, count: int, at: float, alike: bool = False) -> list[str]:
    """`count` jobs whose next occurrence is `at`, cron jobs if that is a whole minute."""
    return store(place, copies(due_at(at, place.now(), alike), count))


def fill_spread(place: Place, first: float, count: int) -> list[str]:
    """One hourly job for each second from `first` on."""
    now = place.now()
    return store(
        place, (planned(definition(bot_config={"due": at}), int(at), now) for at in
                itertools.islice(itertools.count(first), count))
    )  # fmt: skip


def fill_queue(place: Place, count: int) -> None:
    """`count` runs by hand, of a hundred jobs, all in the queue."""
    many = definition(options=Options(max_concurrent_runs=1000))
    ids = store(place, copies([planned(many, int(place.now()) + 86400, place.now())], 100))
    use = runs(place)
    for job_id, _ in zip(itertools.cycle(ids), range(count), strict=False):
        use.run_now(job_id)


def fill_alike(place: Place, verb: str, count: float, at: float) -> None:
    """As `fill` with `due`, but jobs that have one definition in common."""
    fill_due(place, int(count), at, alike=True)


def check_all_succeeded(place: Place, count: int) -> None:
    """Reads every job's history.

    Raises:
        RuntimeError: it does not tell of so many successful runs.
    """
    use, found = runs(place), 0
    ids: Any = place.client.zrange(KEYS.jobs, 0, -1)
    for job_id in ids:
        found += sum(run["status"] == "success" for run in use.history(job_id.decode(), limit=1000).data)
    if found != count:
        raise RuntimeError(f"the histories tell of {found} successful runs, not of {count}")


def fill(place: Place, verb: str, *numbers: float) -> None:
    """Fills as every contender does: `queue N`, `due N AT`, `spread FIRST N`."""
    if verb == "queue":
        fill_queue(place, int(numbers[0]))
    elif verb == "due":
        fill_due(place, int(numbers[0]), numbers[1])
    else:
        fill_spread(place, numbers[0], int(numbers[1]))
