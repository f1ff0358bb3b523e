"""`bot-scheduler again`, `now`, `move`, `backfill` and `jobs run --at`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]

DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}


def in_hours(hours: int) -> str:
    """A timestamp from now on."""
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}"


def test_a_run_for_later_is_moved_and_started(command: Command, installed: Installation) -> None:
    """It is there at once, with its time, and runs when it is told to."""
    job_id = installed.make_job(name="Later", **DAILY)
    run_id = command.works("jobs", "run", "Later", "--at", in_hours(1), "--json").json["run_id"]
    to = in_hours(2)
    assert command.works("move", "Later", run_id, to, "--json").json["not_before"] == to
    assert installed.run(job_id, run_id)["status"] == "queued"
    command.works("now", "Later")
    installed.until_status(job_id, run_id, "success")
    refused = command("now", "Later", run_id)
    assert refused.status == 4 and "awaits neither" in refused.err
    assert command("jobs", "run", "Later", "--at", in_hours(-1)).status == 4


def test_failed_runs_are_done_again(command: Command, installed: Installation) -> None:
    """One by its id, or all that failed since a time and were not done again yet."""
    job_id = installed.make_job(name="Fails", bot_config={"mode": "raise"}, **DAILY)
    failed = [command("jobs", "run", "Fails", "--wait", "--json").json["id"] for _ in range(2)]
    assert command.works("again", "Fails", failed[0], "--json").json[0]["again_of"] == failed[0]
    found = command.works("again", "Fails", "--failed-since", in_hours(-1), "--json").json
    assert failed[0] not in [one["again_of"] for one in found] and failed[1] in [one["again_of"] for one in found]
    for one in found:
        installed.until_status(job_id, one["run_id"], "failed")


def test_a_backfill_is_rehearsed_started_followed_and_cancelled(command: Command, installed: Installation) -> None:
    """Its instants run in order; the last of it is not there to be cancelled."""
    job_id = installed.make_job(name="Filled", **DAILY)
    span = ("--since", "2025-03-01T00:00:00", "--until", "2025-03-04T00:00:00", "--only", "all")
    dry = command.works("backfill", "start", "Filled", *span, "--dry-run")
    assert dry.out.split() == [f"2025-03-0{day}T08:00:00" for day in (1, 2, 3)] and "3 instants" in dry.err
    assert "The other instants of this span are closed" in dry.err
    assert installed.history(job_id) == []
    backfill_id = command.works("backfill", "start", "Filled", *span, "--json").json["backfill_id"]

    def shown() -> dict[str, object]:
        return dict(command.works("backfill", "show", "Filled", backfill_id, "--json").json)

    until(lambda: shown()["state"] == "done", 30)
    assert (shown()["success"], shown()["left"]) == (3, 0)
    assert "3 of 3" in command.works("backfill", "list", "Filled").out
    refused = command("backfill", "cancel", "Filled", backfill_id)
    assert refused.status == 4 and "done already" in refused.err
    nothing = command.works("backfill", "start", "Filled", *span[:4], "--only", "failed")
    assert "nothing was started" in nothing.err
