"""`bot-scheduler calendars`, over a real web process and a scheduler that plans jobs anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Command
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
    assert "Added 1" in command.works("calendars", "import", "office", str(tmp_path / "days.ics")).out
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
    assert refused.status != 0 and job in refused.err
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
