"""The chores bot, run with a context that needs no service."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot_scheduler.testing import FakeContext, LogLine
from chores_bot import ChoresBot


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chores.txt"


@pytest.fixture
def context(file: Path) -> FakeContext:
    return FakeContext(ChoresBot, {"chores": ["water the plants", "feed the cat"], "file": str(file)})


def test_each_chore_is_written_once_a_day(context: FakeContext, file: Path) -> None:
    assert context.run() == {"written": 2}
    assert context.next_run().run() == {"written": 0}
    assert context.next_run(after=timedelta(days=1)).run() == {"written": 2}
    assert file.read_text().splitlines() == [
        "2025-04-12 water the plants",
        "2025-04-12 feed the cat",
        "2025-04-13 water the plants",
        "2025-04-13 feed the cat",
    ]
    assert context.lines[0] == LogLine("info", "2025-04-12 water the plants: written")


def test_a_chore_that_could_not_be_written_is_tried_again(context: FakeContext, file: Path) -> None:
    file.mkdir()
    with pytest.raises(IsADirectoryError):
        context.run()
    file.rmdir()
    assert context.next_run(retry=True).run() == {"written": 2}


def test_a_rehearsal_writes_nothing(context: FakeContext, file: Path) -> None:
    rehearsal = context.next_run({"dry_run": True})
    assert rehearsal.run() == {
        "dry_run": True,
        "lines": ["2025-04-12 water the plants", "2025-04-12 feed the cat"],
    }
    assert not file.exists()


def test_a_run_that_is_asked_to_stop_returns_its_work_so_far(context: FakeContext, file: Path) -> None:
    context.cancel_after_steps = 1
    assert context.run() == {"written": 1}
    assert context.next_run().run() == {"written": 1}


def test_a_line_that_a_killed_run_left_open_is_not_written_twice(context: FakeContext, file: Path) -> None:
    context.ledger.claim("2025-04-12 feed the cat")
    context.end()
    following = context.next_run()
    assert following.run() == {"written": 1}
    assert ("info", "2025-04-12 feed the cat: already unknown") in following.lines


def test_a_job_needs_chores() -> None:
    with pytest.raises(ValidationError):
        FakeContext(ChoresBot, {"chores": [], "file": "chores.txt"})
