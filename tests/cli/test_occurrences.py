"""`bot-scheduler occurrences` and `explain`."""

from __future__ import annotations

import pytest

from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_occurrences_are_listed_and_explained(command: Command, installed: Installation) -> None:
    """As a table with the counts, as JSON, and one in a sentence; a loss is the exit code 1."""
    job_id = installed.make_job(name="Often", schedule_type="interval", schedule_config={"seconds": 1})
    until(lambda: len(installed.history(job_id)) > 2, 60)
    installed.call("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
    listed = command.works("occurrences", "Often").out
    assert "ran" in listed and "0 unaccounted for" in listed and "the job was created then" in listed
    found = command.works("occurrences", job_id, "--fate", "ran", "--limit", "1", "--json").json
    (one,) = found["items"]
    assert one["fate"] == "ran"
    told = command.works("explain", "Often", f"{one['at']}Z")
    assert "it ran" in told.out and one["run_id"] in told.out + told.err
    assert command.works("explain", job_id, "2001-01-01T08:00", "--json").json["fate"] is None
    assert command("explain", "Often", "soon").status == 4
    assert command("occurrences", "Often", "--fate", "x").status == 4
    installed.make_job(name="Of a team", labels={"team": "crm"}, schedule_config={"hours": 5})
    many = command.works("occurrences", "--fate", "ran", "--limit", "1", "--json").json
    assert {"Often", "Of a team"} <= {account["job_name"] for account in many}
    of_team = command.works("occurrences", "--label", "team=crm")
    assert "Of a team" in of_team.out and "1 job: " in of_team.out and "Often" not in of_team.out
    assert command("occurrences", "Often", "--label", "team=crm").status == 2
    installed.client.delete(installed.keys.run(one["run_id"]))
    until(lambda: command("occurrences", "Often").status == 1, 60)
