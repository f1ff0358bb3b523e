"""How the command line counts."""

from __future__ import annotations

from typing import Any

import pytest

from service.cli.commands.batches import in_flags
from service.cli.commands.occurrences import details, fate_word
from service.cli.commands.pauses import ended_words, until_words
from service.cli.doctor.findings import process_findings
from service.cli.doctor.redis_checks import clock_finding
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import counted
from service.cli.output.job_words import next_run
from service.cli.output.run_words import brief, result_of, trigger_of
from service.cli.output.schedule_words import occurrence_note


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
    ("more", "said"),
    [
        ({}, "manual"),
        ({"rehearsal": True, "again_of": "x"}, "manual, rehearsal, again"),
        ({"trigger": "schedule", "held_by": "p", "status": "queued"}, "schedule, on hold"),
        ({"not_before": "2027-01-15T09:00:00", "status": "queued"}, "manual, for 2027-01-15T09:00:00 UTC"),
        ({"not_before": "2027-01-15T09:00:00", "status": "success"}, "manual"),
    ],
)
def test_a_line_of_the_history_says_what_it_waits_for_and_whether_it_was_done_again(
    more: dict[str, Any], said: str
) -> None:
    """Once it has started, it waits for nothing."""
    assert trigger_of({"trigger": "manual", **more}) == said


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("filter.state", "--state"), ("filter.label.x y", "--label.x y"), ("since", "--failed-since"),
        ("labels", "--set-label"), ("ids[3]", "JOB[3]"), ("sincere", "sincere"),
    ],
)  # fmt: skip
def test_a_refused_batch_names_what_was_typed(field: str, named: str) -> None:
    """And not the fields of its request; a refusal without fields stays as it is."""
    refusal = in_flags(Failure(Exit.REFUSED, f"{field} is bad", [{"field": field, "message": "is bad since noon"}]))
    assert (str(refusal), refusal.errors[0]["field"]) == (f"{named} is bad since noon", named)
    plain = Failure(Exit.REFUSED, "the key was used with another body")
    assert str(in_flags(plain)) == str(plain)


@pytest.mark.parametrize(
    ("more", "until", "ended"),
    [
        ({}, "somebody ends it", "no"),
        ({"until": "2027-01-15T09:00:00"}, "2027-01-15T09:00:00 UTC", "no"),
        ({"ended_at": "2027-01-15T08:00:00", "ended_by": {"actor": "k1", "name": "Ada"}}, None,
         "2027-01-15T08:00:00 UTC, by Ada"),
        ({"until": "2027-01-15T08:00:00", "ended_at": "2027-01-15T08:00:00"}, "2027-01-15T08:00:00 UTC",
         "2027-01-15T08:00:00 UTC, by itself"),
    ],
)  # fmt: skip
def test_a_pause_that_is_over_says_when_it_ended_and_by_whom(
    more: dict[str, Any], until: str | None, ended: str
) -> None:
    """And nobody has to end it any more."""
    one = {"until": None, "ended_at": None, "ended_by": None, **more}
    assert (until_words(one), ended_words(one)) == (until, ended)


ADA = {"actor": "k1", "name": "Ada"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, ""),
        ({"paused": True}, "paused"),
        ({"edit": {"action": "skip", "by": ADA, "reason": "an audit"}, "runs": False}, "skipped by Ada (an audit)"),
        ({"edit": {"action": "move", "by": None, "reason": None, "move_to": "2027-01-15T12:00:00"}, "runs": False},
         "moved to 2027-01-15T12:00:00 UTC"),
        ({"at": "2027-01-15T12:00:00", "edit": {"action": "move", "by": {**ADA, "name": None}, "reason": "later",
          "move_to": "2027-01-15T12:00:00"}, "paused": True},
         "moved here from 2027-01-15T08:00:00 UTC by k1 (later), paused"),
        ({"edit": {"action": "set", "by": ADA, "reason": None}}, "settings of its own by Ada"),
        ({"names": ["noon"], "closed": "Easter Monday"}, "noon, closed: Easter Monday"),
        ({"moved_from": "2027-01-14T08:00:00"}, "moved from 2027-01-14T08:00:00 UTC by the calendar"),
    ],
)  # fmt: skip
def test_a_preview_marks_what_somebody_changed_and_what_is_paused(more: dict[str, Any], said: str) -> None:
    """With the new time, who did it, and why."""
    one = {"at": "2027-01-15T08:00:00", "scheduled_for": "2027-01-15T08:00:00"}
    assert occurrence_note(one | more) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "2027-01-15T08:00:00"),
        ({"next_run_at": None}, None),
        ({"paused": ["p"], "paused_until": None}, "paused"),
        ({"paused": ["p"], "paused_until": "2027-01-16T00:00:00"}, "paused until 2027-01-16T00:00:00"),
        ({"paused": ["p"], "paused_until": "2027-01-15T08:00:00"}, "2027-01-15T08:00:00"),
        ({"paused": ["p"], "paused_until": None, "next_run_at": None, "enabled": False}, None),
        ({"paused": ["p"]}, "2027-01-15T08:00:00"),
    ],
)
def test_a_time_that_a_pause_covers_is_no_next_run(more: dict[str, Any], said: str | None) -> None:
    """An older service says only that the job is paused."""
    assert next_run({"enabled": True, "next_run_at": "2027-01-15T08:00:00", **more}) == said


@pytest.mark.parametrize(
    ("more", "word", "said"),
    [
        ({}, "ran", "success"),
        ({"dry_run": True}, "rehearsed", "success"),
        ({"status": "failed", "again": {"status": "success", "started_at": "2027-01-15T09:00:00"}}, "ran",
         "failed, run again at 2027-01-15T09:00:00 UTC: success"),
        ({"status": "failed", "again": {"status": "queued", "started_at": None}}, "ran", "failed, run again: queued"),
        ({"fate": "skipped", "status": "skipped", "reason": "overlap", "made_up_by": {"status": "failed"}}, "skipped",
         "overlap, made up for: failed"),
        ({"fate": "skipped", "reason": "edited", "edit": {"reason": "an audit"}, "by": {"name": None, "actor": "k1"}},
         "skipped", "edited, an audit, by k1"),
        ({"fate": "moved", "moved_to": "2027-01-15T12:00:00", "edit": {"reason": "later"}}, "moved",
         "success, later, to 2027-01-15T12:00:00 UTC"),
        ({"fate": "paused", "reason": "paused", "pause": {"reason": "the database moves"}}, "paused",
         "paused, the database moves"),
        ({"fate": "coming", "moved_from": "2027-01-15T08:00:00"}, "coming", "from 2027-01-15T08:00:00 UTC"),
    ],
)  # fmt: skip
def test_a_line_of_the_occurrences_keeps_the_reason_and_what_was_done_later(
    more: dict[str, Any], word: str, said: str
) -> None:
    """In people's words, and who did it."""
    one = {"fate": "ran", "status": "success", **more}
    assert (fate_word(one), details(one)) == (word, said)


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
