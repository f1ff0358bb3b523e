"""The rules by which a look at the installation becomes troubles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.alerting.alert_texts import words_of_the_service
from service.domain.watching.rules import OUTSIDE, STUCK_MS, Rules, reasons
from service.domain.watching.sight import Sight
from service.domain.watching.troubles import ADVICE, KINDS, SUBJECTS, Trouble

NOW = 1_800_000_000_000
LONG = 3_600_000
WELL = Sight(now=NOW, schedulers={"s": NOW - 1000}, workers={"w1": NOW - 1000, "w2": NOW - 500})


def kinds(sight: Sight, touch_ms: int = LONG, rules: Rules | None = None) -> list[str]:
    """The kinds of the troubles that a look shows."""
    return [trouble.kind for trouble in (rules or Rules(60_000)).judge(sight, touch_ms)]


@pytest.mark.parametrize(
    ("change", "last_well", "first_bad"),
    [
        (lambda ms: {"schedulers": {"s": NOW - ms}}, 30_000, 30_001),
        (lambda ms: {"oldest_due": NOW - ms}, 30_000, 30_001),
        (lambda ms: {"workers": {}, "oldest_queued": ("r", NOW - ms)}, 60_000, 60_001),
        (lambda ms: {"workers": {"w": NOW - 20_000}, "oldest_queued": ("r", NOW - ms)}, 60_000, 60_001),
    ],
)
def test_each_wait_is_a_trouble_beyond_its_bound_and_not_at_it(change: Any, last_well: int, first_bad: int) -> None:
    """Of a scheduler's silence, of what is due, of runs without a worker, whether it is gone or silent."""
    assert kinds(replace(WELL, **change(last_well))) == []
    assert len(kinds(replace(WELL, **change(first_bad)))) == 1


@given(st.integers(0, 60_000), st.integers(0, 10 * LONG))
def test_no_wait_counts_from_before_the_watch_was_in_touch(touch_ms: int, waited: int) -> None:
    """After an outage, or at the start of everything, others have the same time to get going."""
    sight = replace(WELL, schedulers={}, workers={}, oldest_due=NOW - waited, oldest_queued=("r", NOW - waited))
    assert ("no_scheduler" in kinds(sight, touch_ms)) == (touch_ms > 30_000)
    assert "no_worker" not in kinds(sight, touch_ms)


def test_a_trouble_that_was_told_stays_one_for_a_watch_that_has_just_begun() -> None:
    """Else a new web process would end it, and tell of it again half a minute later."""
    sight = replace(WELL, schedulers={"s": NOW - LONG}, workers={}, oldest_queued=("r", NOW - LONG))
    assert kinds(sight, 0) == []
    assert kinds(replace(sight, known=frozenset(["no_scheduler", "no_worker"])), 0) == ["no_scheduler", "no_worker"]


def test_without_a_scheduler_the_alert_and_the_monitor_outside_hear_the_same_one_thing() -> None:
    """Whether or not something was due: nobody would notice a missing ping either."""
    sight = replace(WELL, schedulers={"s": NOW - 40_000}, oldest_due=NOW - 35_000)
    troubles = Rules(60_000).judge(sight, LONG)
    assert [trouble.kind for trouble in troubles] == ["no_scheduler"]
    (reason,) = reasons(sight, troubles, LONG)
    assert reason.startswith("No scheduler is up: the last heartbeat came at 2027-01-15T07:59:20 UTC")
    idle = replace(sight, oldest_due=None)
    assert reasons(idle, Rules(60_000).judge(idle, LONG), LONG) == [reason]


def test_a_run_that_waits_beside_an_idle_worker_is_a_trouble_only_if_the_queue_stands_still() -> None:
    """Between two runs each worker is idle for an instant, and a long queue is not a stuck one."""
    rules, waiting = Rules(60_000), replace(WELL, oldest_queued=("r1", NOW - LONG), running=1)
    assert kinds(waiting, rules=rules) == []
    moved = replace(waiting, now=NOW + STUCK_MS, oldest_queued=("r2", NOW - LONG), schedulers={"s": NOW + STUCK_MS})
    moved = replace(moved, workers={"w1": moved.now, "w2": moved.now})
    assert kinds(moved, rules=rules) == []
    stuck = replace(moved, now=moved.now + STUCK_MS)
    assert kinds(stuck, rules=rules) == ["runs_wait"]
    busy = replace(stuck, now=stuck.now + 1000, running=2)
    assert kinds(busy, rules=rules) == []
    assert kinds(replace(stuck, now=stuck.now + 2000), rules=rules) == []  # it was busy in between


def test_what_lies_in_the_future_was_written_by_a_clock_that_was_ahead_and_is_no_wait() -> None:
    """Nor is a heartbeat from there a sign of life."""
    ahead = NOW + LONG
    assert kinds(replace(WELL, oldest_due=ahead, oldest_queued=("r", ahead), workers={"w": ahead})) == []
    assert kinds(replace(WELL, schedulers={"s": ahead})) == ["no_scheduler"]


def test_redis_own_troubles_and_unsent_alerts_are_told_as_they_are_seen() -> None:
    """The first stops the heartbeat outside; an alert that could not be sent does not."""
    unsent = {"URL 1 of ALERT_URL": (NOW - 5, "x")}
    sight = replace(WELL, unsaved=("its last snapshot failed",), memory="Redis uses 95%", unsent=unsent, dropped=3)
    troubles = Rules(60_000).judge(sight, 0)
    assert [trouble.kind for trouble in troubles] == ["unsaved", "memory", "alert_unsent", "alerts_dropped"]
    assert len(reasons(sight, troubles, 0)) == 1


def test_each_kind_has_words_and_their_alerts_name_what_to_do() -> None:
    """A subject for its begin and its end, and advice; the open health answer has only the subject."""
    assert set(SUBJECTS) == set(ADVICE) == set(KINDS) and set(OUTSIDE) < set(KINDS)
    for kind in KINDS:
        trouble = Trouble(kind, NOW, "a host and an address")
        assert "a host" in trouble.sentence() and "a host" not in str(trouble.shown())
        facts = {"at": NOW + 5000, "trouble": kind, "since": NOW, "said": trouble.detail}
        begin, body = words_of_the_service({"kind": "trouble", **facts})
        end, over = words_of_the_service({"kind": "trouble_over", **facts})
        assert begin != end and body.startswith("A host and an address.\n") and ADVICE[kind] in body
        assert begin in over and "2027-01-15T08:00:00" in over
    with pytest.raises(ValueError):
        words_of_the_service({"kind": "trouble", "at": NOW, "trouble": "of tomorrow", "since": NOW, "said": "x"})
