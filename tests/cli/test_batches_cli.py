"""`bot-scheduler batch`, over a real web process: jobs by name and by filter, rehearsed and done."""

from __future__ import annotations

import pytest

from tests.support.command import Command
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_many_jobs_from_labels_to_their_end(command: Command, installed: Installation) -> None:
    """Each action, with its dry run before it."""
    jobs = [installed.make_job(name=f"batch {number}", labels={"team": "batch"}) for number in range(3)]
    of_team = ("--label", "team=batch")
    rehearsed = command.works("batch", "disable", *of_team, "--dry-run")
    assert "3 would be disabled, 0 unchanged, 0 refused" in rehearsed.out and "batch 2" in rehearsed.out
    assert installed.call("GET", f"/jobs/{jobs[0]}")[1]["enabled"] is True
    assert "3 disabled" in command.works("batch", "disable", *of_team).out
    assert "1 enabled" in command.works("batch", "enable", "batch 0").out
    told = command.works("batch", "enable", *of_team, "--state", "disabled", "--json").json
    assert [(one["name"], one["outcome"]) for one in told] == [("batch 1", "done"), ("batch 2", "done")]
    command.works("batch", "label", *of_team, "--set-label", "stage=live", "--set-label", "team=done")
    assert installed.call("GET", f"/jobs/{jobs[1]}")[1]["labels"] == {"team": "done", "stage": "live"}
    assert "No job matches" in command.works("batch", "run", *of_team).err
    assert "3 would be queued" in command.works("batch", "run", "--label", "team=done", "--dry-run").out
    again = command.works("batch", "again", "--label", "team=done", "--failed-since", "2020-01-01T00:00:00").out
    assert "0 queued again, 3 unchanged (not listed), 0 refused" in again and "batch 1" not in again
    named = command.works("batch", "disable", "batch 0", "--dry-run").out
    assert "1 would be disabled, 0 unchanged, 0 refused" in named
    named = command.works("batch", "enable", "batch 0", "--dry-run").out
    assert "0 would be enabled, 1 unchanged, 0 refused" in named and "batch 0" in named
    deleted = command("batch", "delete", *jobs, "00000000-0000-4000-8000-000000000000")
    assert deleted.status == 4 and "3 deleted, 0 unchanged, 1 refused" in deleted.out and "not found" in deleted.out
    assert installed.call("GET", f"/jobs/{jobs[0]}")[0] == 404


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("burn", "--all"), 2, "ACTION is one of"),
        (("run",), 2, "Say which jobs"),
        (("run", "a job", "--all"), 2, "not JOB and --all"),
        (("run", "--all", "--label", "a=b"), 2, "not a filter and --all"),
        (("run", "nobody's"), 3, "No job is named"),
        (("run", "--all", "--set-label", "a=b"), 4, "--set-label goes"),
        (("label", "--all"), 4, "--set-label is required"),
        (("again", "--all"), 4, "since"),
        (("run", "--state", "lost"), 4, "--state must be"),
    ],
)
def test_a_mistake_changes_nothing(command: Command, arguments: tuple[str, ...], status: int, told: str) -> None:
    refused = command("batch", *arguments)
    assert refused.status == status and told in refused.err
