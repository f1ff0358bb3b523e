"""How the command line counts."""

from __future__ import annotations

from typing import Any

import pytest

from service.cli.commands.run_now import brief
from service.cli.commands.runs import result_of
from service.cli.doctor.findings import process_findings
from service.cli.doctor.redis_checks import clock_finding
from service.cli.output.printing import counted


def test_one_is_told_as_one() -> None:
    """And none and several as several."""
    assert [counted(number, "warning") for number in (0, 1, 2)] == ["0 warnings", "1 warning", "2 warnings"]
    queues = [list(process_findings(1, 1, "a", queued, 0.0))[-1].found.partition(",")[0] for queued in (0, 1, 2)]
    assert queues == ["0 runs wait", "1 run waits", "2 runs wait"]


RUN: dict[str, Any] = {
    "error": None, "reason": None, "occurrences": 1, "messages_sent": 0, "profiles_visited": 0, "result": None,
    "started_at": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ""),
        ({"messages_sent": 1}, "1 message"),
        ({"messages_sent": 2, "profiles_visited": 1}, "2 messages, 1 profile"),
        ({"messages_sent": 5, "error": "5 of 10 messages failed"}, "5 of 10 messages failed"),
        ({"reason": "overlap", "occurrences": 3}, "overlap (3 occurrences)"),
        ({"reason": "nothing new", "started_at": "2025-01-15T08:00:00"}, "Skipped: nothing new"),
        ({"messages_sent": 1, "occurrences": 3}, "1 message (3 occurrences)"),
        ({"rehearsal": True, "result": {"found": 1}}, "rehearsed"),
        ({"result": {"dry_run": True, "already": 1}}, "rehearsed"),
        ({"result": {"found": 1, "already": 1, "sent": 0}}, "1 already greeted"),
        ({"result": {"found": 0, "already": 0}}, ""),
        ({"error": "x" * 100}, "x" * 79 + "…"),
    ],
)
def test_a_line_of_the_history_says_how_the_run_ended(more: dict[str, Any], said: str) -> None:
    """A failure's reason comes before what was sent all the same."""
    assert result_of(RUN | more) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["one warning"], "one warning"),
        (["one", "two"], "one; two"),
        ({"added": 1, "dry": True}, "added: 1, dry: yes"),
        ([], None),
        (["a", "b", "c", "d"], "4 entries; --json shows them"),
    ],
)
def test_a_value_of_a_result_is_not_python(value: object, said: str | None) -> None:
    """Items, not a list's notation."""
    assert brief(value) == said


@pytest.mark.parametrize(
    ("offset", "said"),
    [(-0.001, "+0.00 s"), (0.0, "+0.00 s"), (-0.02, "-0.02 s"), (0.3, "+0.30 s"), (-99.0, "-99.0 s")],
)
def test_a_clock_is_not_off_by_minus_zero(offset: float, said: str) -> None:
    """Each other offset keeps its sign."""
    assert said in clock_finding(offset).found
