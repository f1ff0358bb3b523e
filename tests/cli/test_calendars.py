"""`bot-scheduler calendars`, over a real web process and a scheduler that plans jobs anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import COMMAND, Command
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\nSUMMARY:Eve\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_a_calendar_from_flags_to_its_end(command: Command, installed: Installation, tmp_path: Path) -> None:
    made = command.works(
        "calendars", "create", "office", "--off", "sat,sun", "--country", "DE-BY", "--date", "2026-12-31",
        "--range", "2026-12-28..2026-12-30=Works", "--range", "2027-01-02", "--hours", "08:00-18:00", "--json",
    ).json  # fmt: skip
    assert (made["country"], made["subdivision"], made["open_hours"]) == ("DE", "BY", {"from": "08:00", "to": "18:00"})
    assert made["ranges"] == [
        {"from": "2026-12-28", "to": "2026-12-30", "why": "Works"}, {"from": "2027-01-02", "to": "2027-01-02"},
    ]  # fmt: skip
    (tmp_path / "days.ics").write_text(FILE, newline="")
    planned = command.works("calendars", "import", "office", str(tmp_path / "days.ics"), "--dry-run").out
    assert "closed until" in planned and "2026-12-24 Eve" in planned and "To add: 1, unchanged: 0" in planned
    assert "Added: 1" in command.works("calendars", "import", "office", str(tmp_path / "days.ics")).out
    days = command.works("calendars", "days", "office", "--from", "2026-12-24", "--until", "2026-12-28").out
    assert all(why in days for why in ("Eve", "Christmas Day", "Works", "Sunday"))
    (tmp_path / "office.yaml").write_text("name: office\nweekdays_off: [sun]\n")
    assert "Changed" in command.works("calendars", "apply", "-f", str(tmp_path / "office.yaml")).err
    assert "holidays of DE-BY" in command.works("calendars", "list").out
    job = installed.make_job(options={"calendar": "office"})
    (tmp_path / "closed.yaml").write_text(f"name: office\nweekdays_off: [{', '.join(DAYS)}]\n")
    rehearsed = command.works("calendars", "apply", "-f", str(tmp_path / "closed.yaml"), "--dry-run").out
    assert "~ calendar office" in rehearsed and f"({job})" in rehearsed and "lost until" in rehearsed
    assert installed.call("GET", "/calendars/office")[1]["weekdays_off"] == ["sun"]
    (tmp_path / "new.yaml").write_text("name: new\n")
    refused = command("calendars", "apply", "-f", str(tmp_path / "new.yaml"), "--dry-run")
    assert refused.status == 2 and "no calendar new yet" in refused.err
    refused = command("calendars", "delete", "office", "--yes")
    assert refused.status == 4 and f"is used by job “a job” ({job})" in refused.err
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204
    command.works("calendars", "delete", "office", "--yes")
    assert "no calendars" in command.works("calendars", "list").err


def test_the_doctor_tells_how_many_calendars_run_out(command: Command) -> None:
    """In words for one, and for several."""
    for name, told in (("one", "1 calendar runs out of closed days"), ("two", "2 calendars run out of closed days")):
        command.works("calendars", "create", name, "--date", "2020-12-24")
        assert told in command("doctor").out
    for name in ("one", "two"):
        command.works("calendars", "delete", name, "--yes")


def test_a_job_of_which_all_is_closed_says_so(command: Command, installed: Installation) -> None:
    """In the place of its next run."""
    hours = {"from": "08:00", "to": "18:00"}
    assert installed.call("POST", "/calendars", {"name": "shut", "open_hours": hours})[0] == 201
    nightly = {"schedule_type": "cron", "schedule_config": {"cron_expression": "0 3 * * *"}}
    job = installed.make_job(**nightly, options={"calendar": "shut"})
    assert "all that is to come falls on closed days or hours" in command.works("jobs", "enable", job).out
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204
    assert installed.call("DELETE", "/calendars/shut")[0] == 204


def test_a_calendar_is_edited_by_flags_by_a_file_and_in_an_editor(
    command: Command, installed: Installation, tmp_path: Path
) -> None:
    """What is not named stays; an empty value takes a field away; a text that is refused is kept."""
    command.works(
        "calendars", "create", "days", "--off", "sat,sun", "--country", "AT", "--date", "2030-12-24", "--json"
    )
    job = installed.make_job(options={"calendar": "days"})
    plan = command.works(
        "calendars", "edit", "days", "--off", ",".join(DAYS), "--dry-run", "--days", "9", "--json"
    ).json
    assert [change["id"] for change in plan["changes"]] == [None, job]
    assert plan["changes"][1]["occurrences"]["lost"]["count"] > 0
    for wrong in (["edit", "days"], ["edit", "days", "--days", "9", "--off", "sat"], ["edit", "days", "--dry-run"]):
        assert command("calendars", *wrong).status == 2
    edited = command.works("calendars", "edit", "days", "--off", "sun", "--description", "Ours", "--json").json
    assert (edited["weekdays_off"], edited["country"], edited["dates"]) == (["sun"], "AT", ["2030-12-24"])
    edited = command.works("calendars", "edit", "days", "--country", "", "--date", "", "--json").json
    assert (edited["country"], edited["dates"], edited["description"]) == (None, [], "Ours")
    (tmp_path / "days.yaml").write_text("ranges:\n- {from: 2030-12-28, to: 2030-12-30}\n")
    assert "1 range" in command.works("calendars", "edit", "days", "-f", str(tmp_path / "days.yaml")).out

    done, shown = command.on_a_terminal(b"", "calendars", "edit", "days", EDITOR="sed -i s/Ours/Theirs/")
    assert done == 0 and "Changed the calendar days" in shown
    stored = installed.call("GET", "/calendars/days")[1]
    assert (stored["description"], stored["ranges"]) == ("Theirs", [{"from": "2030-12-28", "to": "2030-12-30"}])
    done, shown = command.on_a_terminal(b"", "calendars", "edit", "days", EDITOR="true")
    assert done == 0 and "Not changed" in shown
    done, shown = command.on_a_terminal(b"", "calendars", "edit", "days", EDITOR="sed -i s/sun/someday/")
    assert done == 4 and "your text is kept in" in " ".join(shown.split())
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\nsed -i s/Theirs/Mine/ "$1"\nexec {COMMAND} calendars edit days --off sat\n')
    editor.chmod(0o700)
    done, shown = command.on_a_terminal(b"", "calendars", "edit", "days", EDITOR=str(editor))
    assert done == 4 and "Calendar days has changed" in " ".join(shown.split()), shown
    assert installed.call("GET", "/calendars/days")[1]["description"] == "Theirs"
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204
    command.works("calendars", "delete", "days", "--yes")


def test_a_document_tells_of_the_jobs_of_its_calendars(command: Command, installed: Installation) -> None:
    """Calendars alone; the jobs that they change are counted apart from what the document changes."""
    command.works("calendars", "create", "shared", "--off", "sun")
    job = installed.make_job(options={"calendar": "shared"})
    document = f"version: 1\ncalendars:\n- {{name: shared, weekdays_off: [{', '.join(DAYS)}]}}\n"
    planned = command.works("apply", "-f", "-", "--dry-run", "--days", "8", given=document).out
    assert "~ calendar shared" in planned and f"~ a job  ({job})" in planned and "lost until" in planned
    counts = "0 to create, 1 to change, 0 to delete"
    assert f"Plan: {counts}; 1 job with other occurrences by their calendar." in planned
    assert "Done: 0 created, 1 changed, 0 deleted." in command.works("apply", "-f", "-", "--yes", given=document).out
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204
    command.works("calendars", "delete", "shared", "--yes")
