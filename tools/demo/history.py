"""The runs that are behind the jobs of the demonstration, as the engine would have left them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson

from service.batches import batched
from service.bots.birthday.tally import Tally
from service.domain.run_records import Outcome
from service.store.runs.stored_outcome import outcome_fields
from service.store.scripts import Scripts
from service.store.scripts.assembly import lua_text
from tools.demo.jobs import PastJob

AT_ONCE = 100
"""Runs that one call writes."""
CALLS = 20
"""Calls of one round trip."""
FAILING, FLAKY = 0.016, 0.05
"""The share of jobs whose last runs have failed, and of those that fail now and then."""
ERRORS = (
    "ConnectionError: the mail server refused the connection",
    "TimeoutError: the page did not answer within 20 s",
    "timed out: the run took longer than its timeout_seconds, 3600",
    "Refused: the address book answered 401",
)
WORKER = "bot-scheduler-worker-demo"


def write(scripts: Scripts, jobs: Sequence[PastJob], random: Random) -> int:
    """Write the runs of all jobs, the oldest first. Return how many there are.

    Args:
        scripts: the installation's.
        jobs: these are stored already.
        random: draws what came of each run.
    """
    text = (Path(__file__).with_name("past_runs.lua")).read_text()
    digest: Any = scripts.client.script_load(lua_text(text, scripts.keys, scripts.limits, scripts.rq_fields))
    runs = sorted(_runs(jobs, random), key=lambda run: (run[6], run[0]))
    chunks = [orjson.dumps(some) for some in batched(runs, AT_ONCE)]
    for some in batched(chunks, CALLS):
        with scripts.client.pipeline(transaction=False) as pipeline:
            for chunk in some:
                pipeline.evalsha(digest, 0, chunk)
            pipeline.execute()
    return len(runs)


def _runs(jobs: Sequence[PastJob], random: Random) -> Iterator[list[Any]]:
    for job in jobs:
        its = job.record
        luck = random.random()
        failing = random.randrange(1, 4) if luck < FAILING else 0
        rate = 0.2 if luck < FLAKY else 0.004
        usual = random.lognormvariate(7, 1.2)  # ms
        error = random.choice(ERRORS)
        for place, occurrence in enumerate(job.behind):
            due = occurrence * 1000
            queued = due + random.randrange(1, 15)
            started = queued + int(random.expovariate(1 / 40))
            finished = started + 5 + int(usual * random.uniform(0.5, 2))
            is_failed = place >= len(job.behind) - failing or (random.random() < rate and place < len(job.behind) - 1)
            outcome = Outcome("failed", error) if is_failed else _success(its.definition.bot_type, occurrence, random)
            yield [
                its.id, its.created_at, its.definition.bot_type, its.revision, occurrence, due, queued, started,
                finished, outcome.status, WORKER, f"{random.getrandbits(128):032x}", outcome_fields(outcome),
            ]  # fmt: skip


def _success(bot_type: str, occurrence: int, random: Random) -> Outcome:
    day = str(datetime.fromtimestamp(occurrence, UTC).date())
    if bot_type == "visitor":
        return Outcome("success", None, {"day": day, "profiles_visited": 0, "dry_run": True, "would_visit": []})
    found = random.randrange(30, 80)
    shown = {"dry_run": True, "would_send": found, "messages": []}
    return Outcome("success", None, Tally(found=found).as_dict() | shown)
