"""Standing of jobs: its word by each fact, and the worst of several."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from service.domain.badges.standing import WORDS, WORST_FIRST, JobFacts, standing_of, worst

NOW = 1_000_000
UP = JobFacts(
    is_on=True, state=None, last_status="success", failures=0, open_runs=0, health=None, due_ms=NOW, is_paused=False
)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({}, "up"),
        ({"due_ms": None}, "up"),
        ({"state": "ended", "due_ms": None}, "up"),
        ({"last_status": "cancelled"}, "up"),
        ({"last_status": None}, "no runs yet"),
        ({"last_status": "failed", "failures": 1}, "down"),
        ({"last_status": "failed", "open_runs": 1}, "up"),
        ({"last_status": "failed", "failures": 1, "open_runs": 1}, "down"),
        ({"last_status": "failed"}, "down"),
        ({"last_status": "cancelled", "failures": 2}, "down"),
        ({"failures": 1, "is_paused": True}, "down"),
        ({"health": "ok"}, "up"),
        ({"health": "late", "is_paused": True}, "late"),
        ({"health": "slow"}, "late"),
        ({"health": "empty"}, "late"),
        ({"due_ms": NOW - 30_000}, "up"),
        ({"due_ms": NOW - 30_001}, "late"),
        ({"due_ms": NOW - 30_001, "is_paused": True}, "paused"),
        ({"is_on": False}, "disabled"),
        ({"is_on": False, "failures": 3, "last_status": "failed"}, "disabled"),
        ({"is_on": False, "failures": 3, "state": "disabled"}, "down"),
        ({"is_on": False, "state": "broken"}, "down"),
    ],
)
def test_a_job_stands_as_its_facts_say(facts: dict[str, Any], word: str) -> None:
    """Where somebody decides and runs it; where nobody does, only what is switched off or broken is known."""
    job = replace(UP, **facts)
    assert WORDS[standing_of(job, NOW, is_blind=False)] == word
    is_known = job.state == "broken" or not job.is_on
    assert WORDS[standing_of(job, NOW, is_blind=True)] == (word if is_known else "unknown")


def test_the_worst_of_several_is_the_first_in_the_order() -> None:
    """Whatever their own order; of none, there are no jobs."""
    for one, other in permutations(WORST_FIRST, 2):
        assert worst([one, other]) == worst([other, one]) == min(one, other, key=WORST_FIRST.index)
    assert WORDS[worst([])] == "no jobs"
