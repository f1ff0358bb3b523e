"""Every key, and every field of a run, a job and a backfill, says whether a person may stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.store.erasure.places import ELSEWHERE, Place, places
from service.store.keys import Keys
from tests.unit.test_keys import DOCUMENT, NO_KEYS, names, shape

ID = "11111111-0000-4000-8000-000000000000"
KEYS = Keys()

TOLD = {
    "api_key": "its name and note are what people call their own key",
    "session": "a browser's name, gone within days",
    "refusals": "names of keys",
    "calendar": "a definition that plans jobs, with names of days",
    "former_calendars": "the same, of which planning epochs count",
    "channels": "names of addresses, which people choose",
    "rules": "whom alerts are told to, and their templates",
    "metrics_values": "values of the label that the metrics have",
}
"""Keys without a place of their own: an erasure searches and tells them, and people change them."""

SHARED = {"rq_suspended", "rq_queues", "rq_worker", "rq_worker_executions", "rq_execution", "rq_executions"}
"""RQ's keys that hold ids, hosts and times; the same holds of its queues and registries."""

NOBODY = {
    "run": """job_id bot_type status trigger scheduled_for last_scheduled_for due attempt queued_at slot started_at
        finished_at messages_sent profiles_visited not_before again_of backfill_id occurrences retry_of rehearsal bound
        revision token worker rq done total notes log_bytes log_tail_bytes log_lines held_by during_pause
        traceparent""",
    "job": """enabled kind next_due next_occurrence created_at bot_type revision max_concurrent_runs overlap
        disable_after_failures anchor state schedule_type updated_at writer last_decided held open last_run_at
        last_run_status last_failed_at failures misfire_told_at clock_epoch ahead calendar next_run backfill since edits
        edited_until expect health""",
    "backfill": """job_id state created_at ended_at since until only max_parallel bound rehearsal total success failed
        cancelled skipped dropped""",
}  # fmt: skip
"""Fields of ids, numbers, times and the service's own words."""

NO_FIELDS = {
    "run": "names bot_config id reason by on_resume", "job": "skip scheduled disabled bot_config late slow empty",
    "backfill": "active done bot_config",
}  # fmt: skip
"""Other words in the rows of the document: values, and what is within a field."""


def example(name: str) -> str:
    """A key with ids in it."""
    return shape(name).replace("{prefix}", KEYS.prefix).replace("{}", ID)


def of_key(name: str) -> list[Place]:
    """The places of a key."""
    return [place for place in places(KEYS) if place.pattern.fullmatch(example(name))]


def all_names() -> Iterator[str]:
    """The keys of each part, those that RQ's queues share left out."""
    for part in Keys.__bases__:
        for name in names(part):
            if name not in NO_KEYS and not re.match(r"rq:(queue|wip|finished|failed|canceled|workers):", shape(name)):
                yield name


def test_every_key_has_a_place_or_holds_nobody_or_is_told() -> None:
    """One that is new falls to the rest, which is told and not cut, until somebody has thought about it."""
    found = {name: {place.name for place in of_key(name)} for name in all_names()}
    assert len(found) >= 60
    assert {name for name, its in found.items() if ELSEWHERE in its} == set(TOLD)
    assert all(its == {ELSEWHERE} for its in found.values() if ELSEWHERE in its)
    assert {name for name, its in found.items() if not its and shape(name).startswith("rq:")} == SHARED


def test_a_key_that_nobody_has_thought_of_is_told() -> None:
    """Beside those of jobs, runs and pauses, too."""
    for name in ("new", f"job:{ID}:new", f"run:{ID}:new", "pauses:new", f"pause:{ID}:new", f"deleted:{ID}:new"):
        its = [place for place in places(KEYS) if place.pattern.fullmatch(f"{KEYS.prefix}:{name}")]
        assert [(place.name, place.deed) for place in its] == [(ELSEWHERE, "tell")], name


def fields_of(kind: str) -> set[str]:
    """The words in the document's description of a hash that may be fields."""
    text = Path(DOCUMENT).read_text()
    if kind == "backfill":
        (paragraph,) = re.findall(r"^\| `\{prefix\}:backfill:\{id\}` \|.*$", text, re.MULTILINE)
    else:
        (paragraph,) = re.findall(rf"^The hash of a {kind}: .*?\n\n", text, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([a-z_]{2,})`", paragraph))


@pytest.mark.parametrize("kind", NOBODY)
def test_every_field_is_searched_or_holds_nobody(kind: str) -> None:
    """As the document lists them."""
    searched = {field for place in of_key(kind) for field in place.fields if field != place.until}
    nobody, words = set(NOBODY[kind].split()), set(NO_FIELDS[kind].split())
    assert fields_of(kind) - words - searched - nobody == set()
    assert nobody & searched == set() and nobody | searched <= fields_of(kind) | words
