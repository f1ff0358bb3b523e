"""`bot-scheduler audit`, `revisions` and `restore`, over a real web process."""

from __future__ import annotations

import pytest

from tests.cli.test_jobs import make
from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_who_changed_a_job_is_shown(command: Command, installed: Installation) -> None:
    """With the remark of the request, as text and as JSON."""
    job_id = make(command, "Audited")
    headers = {"X-Change-Note": "because of Ada's mail"}
    assert installed.call("PUT", f"/jobs/{job_id}", {"description": "changed"}, headers=headers)[0] == 200
    too_long = {"X-Change-Note": "x" * 201}
    assert installed.call("PUT", f"/jobs/{job_id}", {"description": "again"}, headers=too_long)[0] == 400
    shown = command.works("audit", "--job", "Audited").out
    assert [word in shown for word in ("job.create", "job.update", "root", "because of Ada's mail", "Audited")] == [
        True
    ] * 5
    entries = command.works("audit", "--job", job_id, "--action", "job.update", "--json").json
    assert [(one["fields"], one["note"]) for one in entries] == [
        ({"description": {"from": None, "to": "changed"}}, "because of Ada's mail")
    ]
    assert entries[0]["request_id"] and entries[0]["address"]
    assert "no such changes" in command.works("audit", "--actor", "nobody").err
    assert command.works("audit", "--action", "refused", "--json").json == []


def test_a_job_goes_back_to_a_revision(command: Command) -> None:
    """By its number; the revisions and their differences are shown."""
    job_id = make(command, "Revised", "--description", "first")
    command.works("jobs", "edit", job_id, "--description", "second")
    assert [one["revision"] for one in command.works("revisions", "Revised", "--json").json] == [2, 1]
    assert "description" in command.works("revisions", "Revised").out
    assert "first" in command.works("revisions", "Revised", "1").out
    difference = command.works("revisions", "Revised", "1..2").out
    assert "first" in difference and "second" in difference
    assert "revision 3" in command.works("restore", "Revised", "1").out
    assert command.works("jobs", "show", job_id, "--json").json["description"] == "first"
    assert command("restore", "Revised", "last").status == 2
    assert command("restore", "Revised", "9").status == 3


def test_a_deleted_job_is_brought_back(command: Command) -> None:
    """By its id; without one, the deleted jobs are listed."""
    job_id = make(command, "Missed")
    command.works("jobs", "delete", job_id)
    assert job_id in command.works("restore").out
    assert [one["id"] for one in command.works("restore", "--json").json if one["id"] == job_id] == [job_id]
    assert "Missed" in command.works("restore", job_id).out
    assert command.works("jobs", "show", "Missed", "--json").json["id"] == job_id
    assert command("restore", job_id).status == 3


def test_a_request_that_lacks_a_scope_is_noted(command: Command, installed: Installation) -> None:
    """Once a second later, with its number, and beside the changes."""
    job_id = make(command, "Refused")
    key = installed.call("POST", "/keys", {"name": "reader", "scopes": ["read"]})[1]
    for _ in range(3):
        assert installed.call("DELETE", f"/jobs/{job_id}", headers={"X-API-Key": key["key"]})[0] == 403

    def refused() -> list[tuple[str, str]]:
        found = command.works("audit", "--action", "refused", "--actor", key["id"], "--json").json
        return [(one["actor_name"], one["object"]) for one in found if one["object"].startswith("DELETE")]

    until(lambda: bool(refused()), 30)
    assert set(refused()) == {("reader", "DELETE /scheduler/jobs/{job_id}")}
