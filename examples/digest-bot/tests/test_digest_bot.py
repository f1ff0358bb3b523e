"""The digest bot, run with a context that needs no service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot_scheduler import Skip
from bot_scheduler.testing import FakeContext
from digest_bot import DigestBot

EIGHT = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOG = """\
2025-04-12T06:59:59+00:00 too early
2025-04-12T07:00:00+00:00 in the digest of 7:00
2025-04-12T09:30:00+02:00 the door opened
2025-04-12T08:00:00+00:00 the bell rang
no time
2025-04-12T08:00:01+00:00 the door closed
"""


@pytest.fixture
def context(tmp_path: Path) -> FakeContext:
    (tmp_path / "log").write_text(LOG)
    config = {"log": str(tmp_path / "log"), "folder": str(tmp_path)}
    return FakeContext(DigestBot, config, now=EIGHT, window_start=EIGHT - HOUR)


def test_each_line_is_in_one_digest(context: FakeContext, tmp_path: Path) -> None:
    assert context.run() == {"file": "2025-04-12T080000Z.txt", "lines": 2}
    assert context.next_run(after=HOUR).run() == {"file": "2025-04-12T090000Z.txt", "lines": 1}
    assert (tmp_path / "2025-04-12T080000Z.txt").read_text() == "the door opened\nthe bell rang\n"
    assert (tmp_path / "2025-04-12T090000Z.txt").read_text() == "the door closed\n"


def test_a_late_run_and_a_retry_make_the_digest_of_their_own_occurrence(context: FakeContext) -> None:
    late = context.next_run(after=4 * HOUR, scheduled_for=EIGHT + HOUR)
    assert late.run() == {"file": "2025-04-12T090000Z.txt", "lines": 1}
    assert late.next_run(after=HOUR, retry=True).run() == {"file": "2025-04-12T090000Z.txt", "lines": 1}


def test_without_new_lines_the_run_is_skipped(context: FakeContext) -> None:
    later = context.next_run(after=HOUR).next_run(after=HOUR)
    with pytest.raises(Skip):
        later.run()
    assert later.skipped == "nothing new"


def test_a_rehearsal_by_hand_shows_what_is_new_up_to_now(context: FakeContext, tmp_path: Path) -> None:
    rehearsal = context.next_run({"dry_run": True}, after=HOUR / 2, requested_by="root")
    assert rehearsal.run() == {"dry_run": True, "lines": ["the door closed"]}
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
