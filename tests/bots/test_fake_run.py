"""The facts of a test's runs follow from what the test says, as those of real runs follow from history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from bot_scheduler import Context, Run, Skip, Window
from bot_scheduler.testing import FakeContext

EIGHT = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Nothing(BaseModel):
    """No config."""


class Bot:
    """Returns, fails or skips."""

    name: ClassVar[str] = "facts"
    description: ClassVar[str] = "Returns, fails or skips."
    Config: ClassVar[type[BaseModel]] = Nothing
    uses_settings: ClassVar[tuple[str, ...]] = ("BOT_SECRET_X",)
    safe_to_rerun: ClassVar[bool] = True
    raises: ClassVar[BaseException | None] = None

    def run(self, context: Context) -> dict[str, Any]:
        if self.raises is not None:
            raise self.raises
        run: Run = context.run
        return {"trigger": run.trigger, "for": str(run.scheduled_for)}


def raising(error: BaseException | None) -> type[Bot]:
    return type("Raising", (Bot,), {"raises": error})


def test_a_run_is_that_of_the_occurrence_at_its_start_unless_the_test_says_otherwise() -> None:
    """An earlier occurrence makes it late; its facts are in the job's zone."""
    run = FakeContext(Bot, now=EIGHT, timezone="Europe/Berlin").run
    assert (run.trigger, run.attempt, run.requested_by, run.names, run.job_name) == ("schedule", 1, None, (), "A job")
    assert run.scheduled_for is not None and run.scheduled_for.isoformat() == "2025-04-12T10:00:00+02:00"
    assert run.due == run.scheduled_for
    assert run.window == Window(None, run.scheduled_for)
    assert run() == {"trigger": "schedule", "for": "2025-04-12 10:00:00+02:00"}
    late = FakeContext(Bot, now=EIGHT, scheduled_for=EIGHT - HOUR, window_start=EIGHT - 2 * HOUR, names=["night"]).run
    assert late.window == Window(EIGHT - 2 * HOUR, EIGHT - HOUR)
    assert late.names == ("night",)
    with pytest.raises(ValueError, match="scheduled_for must have a time zone"):
        FakeContext(Bot, scheduled_for=datetime(2025, 4, 12))


def test_windows_follow_on_each_other() -> None:
    """A retry has that of its first attempt; a run by hand has one that ends at its start."""
    first = FakeContext(Bot, now=EIGHT, window_start=EIGHT - HOUR)
    second = first.next_run(after=HOUR)
    assert second.run.window == Window(EIGHT, EIGHT + HOUR)
    again = second.next_run(after=HOUR, retry=True)
    assert (again.run.window, again.run.attempt, again.run.trigger) == (second.run.window, 2, "retry")
    assert again.run.scheduled_for == EIGHT + HOUR and again.run.due == EIGHT + 2 * HOUR
    by_hand = again.next_run(after=HOUR, requested_by="Ada's key")
    assert (by_hand.run.trigger, by_hand.run.scheduled_for) == ("manual", None)
    assert by_hand.run.window == Window(EIGHT + HOUR, EIGHT + 3 * HOUR)
    assert by_hand.next_run(retry=True).run.requested_by == by_hand.run.requested_by == "Ada's key"
    with pytest.raises(ValueError, match="no occurrence"):
        first.next_run(scheduled_for=EIGHT, requested_by="Ada's key")


def test_only_a_success_is_the_previous_success() -> None:
    """Neither a failure nor a skip."""
    first = FakeContext(Bot, now=EIGHT)
    assert first.run.previous_success is None
    result = first.run()
    second = first.next_run(after=HOUR)
    found = second.run.previous_success
    assert found is not None
    assert (found.run_id, found.result, found.scheduled_for, found.started_at) == (first.run_id, result, EIGHT, EIGHT)
    for error in (RuntimeError("broken"), Skip("nothing new")):
        Bot.raises = error
        try:
            with pytest.raises(type(error)):
                second.run()
        finally:
            Bot.raises = None
        assert second.next_run(after=HOUR).run.previous_success == found


def test_what_is_to_come_is_what_the_test_says() -> None:
    """What lies before the start of the run is over."""
    run = FakeContext(Bot, now=EIGHT, upcoming=[EIGHT + 2 * HOUR, EIGHT, EIGHT + HOUR]).run
    assert run.upcoming(1) == [EIGHT + HOUR]
    assert run.upcoming(100) == [EIGHT + HOUR, EIGHT + 2 * HOUR]
    odd: list[Any] = [-1, 101, True, 2.0]
    for n in odd:
        with pytest.raises(ValueError, match="0 to 100"):
            run.upcoming(n)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("nothing new", "nothing new"),
        ("two\nlines", "two lines"),
        ("", "its bot gave no reason"),
        ("x" * 301, "x" * 299 + "…"),
        ("sesame-open-1 is old", "[BOT_SECRET_X] is old"),
    ],
)
def test_a_skip_comes_through_and_its_reason_is_kept_as_in_the_service(reason: str, kept: str) -> None:
    """The service's own tests have the same cases."""
    context = FakeContext(raising(Skip(reason)), secrets={"BOT_SECRET_X": "sesame-open-1"})
    assert context.skipped is None
    with pytest.raises(Skip):
        context.run()
    assert context.skipped == kept
