"""That the harness sees what is lost and doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.store.keys import Keys
from tests.chaos import audit, strays
from tests.chaos.control import DOUBLES, LOSES, run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a plain rq-scheduler is killed again and again"),
]


def test_a_plain_rq_scheduler_loses_and_doubles_under_the_same_kills(tmp_path: Path) -> None:
    """Killed between its calls it forgets one schedule for good, and runs one occurrence twice."""
    outcome = run(tmp_path, [LOSES, DOUBLES])
    print(outcome)
    assert sorted(outcome.visited) == sorted(map(str, [LOSES, DOUBLES]))
    assert len(outcome.lost) == 1
    assert len(outcome.doubled) == 1


def entry(first: int, last: int | None = None, count: int = 1, **fields: str) -> dict[str, str]:
    """A run in a history."""
    run = {"id": f"{first}", "trigger": "schedule", "scheduled_for": str(first), "occurrences": str(count),
           "status": "success", "attempt": "1"}  # fmt: skip
    return run | ({"last_scheduled_for": str(last)} if last is not None else {}) | fields


def test_the_audit_counts_an_even_history_and_finds_nothing() -> None:
    """Folded entries stand for all that they fold."""
    found = audit.Findings()
    audit.check_occurrences(found, "job", [entry(1), entry(2, 5, 4), entry(6)], {1}, [])
    assert (found.checked, found.all()) == (6, [])


@pytest.mark.parametrize(
    ("runs", "lost", "doubled"),
    [
        ([entry(1), entry(2), entry(4)], 1, 0),
        ([entry(1), entry(2), entry(2)], 0, 1),
        ([entry(1), entry(2, 5, 4), entry(5)], 0, 1),
        ([entry(1), entry(2, 5, 3), entry(6)], 1, 0),
        ([entry(1), entry(4, 5, 2)], 1, 0),
    ],
)
def test_the_audit_sees_a_lost_and_a_doubled_occurrence(
    runs: list[dict[str, str]], lost: int, doubled: int
) -> None:  # fmt: skip
    """A gap, a repetition, a repetition of a folded one, a fold that miscounts."""
    found = audit.Findings()
    audit.check_occurrences(found, "job", runs, {1}, [])
    assert (len(found.lost), len(found.doubled)) == (lost, doubled)


def test_the_audit_knows_what_was_wanted_of_changed_occurrences() -> None:
    """A fold does not count them; one that was lost, carried out otherwise, or decided twice is found."""
    edited = [
        entry(5, status="skipped", reason="edited", edit='{"due":5000,"skip":true}'),
        entry(3, edit='{"move_to":9}'),
    ]
    found = audit.Findings()
    audit.check_occurrences(found, "job", [entry(1), entry(2, 6, 3), *edited], {1}, [])
    audit.check_edits(found, "job", edited, {"1970-01-01T00:00:05": "skip", "1970-01-01T00:00:03": "move"})
    assert found.all() == []
    audit.check_edits(found, "job", edited, {"1970-01-01T00:00:05": "move", "1970-01-01T00:00:03": "set"})
    audit.check_edits(found, "job", edited, {"1970-01-01T00:00:04": "skip"})
    assert (len(found.wrong), len(found.lost)) == (2, 1)
    audit.check_occurrences(found, "job", [entry(1), entry(2), *edited[1:], entry(3)], {1}, [])
    assert len(found.doubled) == 1


def test_the_audit_excuses_a_gap_only_where_the_job_was_off() -> None:
    """A span in which it was switched off explains the gap that it touches, and no other."""
    found = audit.Findings()
    audit.check_occurrences(found, "job", [entry(1), entry(2), entry(9), entry(10), entry(15)], {1}, [(3, 8)])
    assert len(found.lost) == 1


def test_the_audit_sees_open_runs_too_many_leases_and_missing_retries() -> None:
    """A run that never ended, two leases at once, a failure that was not tried again, one that was twice."""
    found = audit.Findings()
    runs = [
        entry(1, started_at="1000", finished_at="3000", status="failed"),
        entry(2, started_at="2000", finished_at="2500"),
        entry(3, status="running", started_at="4000"),
        entry(4, retry_of="2", started_at="5000", finished_at="6000"),
        entry(5, retry_of="2", started_at="6000", finished_at="7000"),
    ]
    audit.check_runs(found, "job", runs, 1)
    audit.check_retries(found, "job", runs, 1, 10_000.0)
    assert list(map(len, (found.lost, found.doubled, found.never_ended, found.wrong))) == [1, 1, 1, 1]


def test_the_audit_sees_a_window_that_does_not_begin_where_the_one_before_ended() -> None:
    """Of runs that their bot skipped, which tell it; by what the history says was decided before."""
    found = audit.Findings()
    skipped: dict[str, Any] = {"status": "skipped", "started_at": "1000"}
    right = [entry(1, reason="window none 1", **skipped), entry(2, 4, 3, status="skipped", reason="coalesced"),
             entry(5, reason="window 4 5", **skipped)]  # fmt: skip
    audit.check_windows(found, "job", right)
    assert found.all() == []
    audit.check_windows(found, "job", [*right, entry(6, reason="window 4 6", **skipped)])
    assert len(found.wrong) == 1


def test_the_audit_asks_for_the_retries_of_runs_by_hand_though_the_job_is_off() -> None:
    """Those of occurrences end when it is switched off."""
    found = audit.Findings()
    ended = entry(1, started_at="1000", finished_at="20000", status="failed")
    by_hand = {name: value for name, value in ended.items() if name != "scheduled_for"} | {"id": "2"}
    audit.check_retries(found, "job", [ended, by_hand], 1, 10_000.0)
    assert [problem.split()[1] for problem in found.lost] == ["2"]


def test_the_audit_sees_a_run_carried_out_twice_and_bots_beside_each_other() -> None:
    """By the marks that bots leave; what was frozen is passed over."""
    marks = ["start 1 1.0 a", "start 2 1.5 b", "end 1 2.0 a", "end 2 2.5 b", "start 3 3.0 a"]
    found = audit.Findings()
    audit.check_trace(found, marks, {"a": "job", "b": "job"}, {"job": 1}, [])
    assert (len(found.doubled), len(found.wrong)) == (1, 1)
    found = audit.Findings()
    audit.check_trace(found, marks, {"a": "job", "b": "job"}, {"job": 1}, [(1.8, 1.9, 1)])
    assert (len(found.doubled), len(found.wrong)) == (1, 0)


def test_every_key_that_we_name_is_documented_and_no_other() -> None:
    """`docs/redis-keys.md` lists what `service.store.keys` makes."""
    patterns = strays.key_patterns(Keys())

    def documented(key: str) -> bool:
        return any(pattern.fullmatch(key) for pattern in patterns)

    keys = Keys()
    assert all(documented(key) for key in strays.named_keys(keys))
    assert not documented(f"{keys.prefix}:job:1:other")
    assert not documented("rq:scheduler:scheduled_jobs")
