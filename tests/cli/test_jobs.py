"""`bot-scheduler jobs` and `preview`, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def make(command: Command, name: str, *more: str) -> str:
    """Makes a probe's job. Returns its id."""
    schedule = () if {"--at", "--every", "--cron"} & set(more) else ("--every", "1h")
    return str(command.works("jobs", "create", name, "--bot", "probe", *schedule, *more, "--json").json["id"])


def test_a_job_is_made_of_flags(command: Command, installed: Installation) -> None:
    """Schedule, bot_config and options come from flags; the text names the job and when it is due."""
    ended = command.works(
        "jobs", "create", "Flagged", "--bot", "probe", "--at", "08:30", "--on", "mon,fri",
        "--timezone", "Europe/Vienna", "--set", "mode=talk", "--set", "seconds=0.5",
        "--option", "max_retries=2", "--description", "of flags",
    )  # fmt: skip
    _, jobs = installed.call("GET", "/jobs?q=Flagged")
    assert len(jobs) == 1
    assert jobs[0]["id"] in ended.out and jobs[0]["next_run_at"] in ended.out and not ended.err
    assert (jobs[0]["schedule_type"], jobs[0]["description"]) == ("weekly", "of flags")
    assert jobs[0]["schedule_config"] == {
        "hour": 8, "minute": 30, "day_of_week": "mon,fri", "timezone": "Europe/Vienna",
    }  # fmt: skip
    assert (jobs[0]["bot_config"]["mode"], jobs[0]["bot_config"]["seconds"]) == ("talk", 0.5)
    assert jobs[0]["options"]["max_retries"] == 2


def test_one_occurrence_is_skipped_moved_set_and_restored(command: Command) -> None:
    """By its own time; a bad one names the nearest."""
    job_id = make(command, "Changed", "--every", "1h")
    one, two = command.works("preview", job_id, "--json").json["occurrences"][:2]
    assert "is skipped" in command.works("occurrence", "skip", job_id, one, "--reason", "a holiday").out
    assert command.works("jobs", "show", job_id, "--json").json["next_run_at"] == two
    moved = command.works("occurrence", "move", "Changed", one, f"{two}Z", "--json").json
    assert (moved["moved_to"], moved["edit"]["action"]) == (two, "move")
    assert "runs at" in command.works("occurrence", "move", job_id, one, f"{two}Z").out
    rehearsed = command.works("occurrence", "set", job_id, two, "--set", "seconds=0.5", "--json").json
    assert rehearsed["bot_config"] == {"seconds": 0.5}
    command.works("occurrence", "restore", job_id, one)
    assert command.works("jobs", "show", job_id, "--json").json["next_run_at"] == one
    assert command("occurrence", "restore", job_id, one).status == 3
    refused = command("occurrence", "skip", job_id, "2031-01-01T00:00:01")
    assert refused.status == 4 and "nearest" in refused.err
    assert command("occurrence", "set", job_id, one).status == 2


def test_labels_are_set_changed_and_asked_for(command: Command, tmp_path: Path) -> None:
    """One by one; their values are text; `KEY=` takes one away; a file has them whole."""
    job_id = make(command, "Labelled", "--label", "team=crm", "--label", "year=2026")
    shown = command.works("jobs", "show", job_id)
    assert "team=crm, year=2026" in shown.out
    edited = command.works("jobs", "edit", job_id, "--label", "team=sales", "--label", "year=", "--json").json
    assert edited["labels"] == {"team": "sales"}
    other = make(command, "Labelled, too", "--label", "team=sales", "--label", "stage=live")
    both = command.works("jobs", "list", "--label", "team=sales", "--json").json
    assert [job["id"] for job in both] == [job_id, other]
    narrow = ("--label", "team=sales", "--label", "stage=live")
    assert [job["id"] for job in command.works("jobs", "list", *narrow, "--json").json] == [other]
    command.works("jobs", "run", other)
    assert {run["job_id"] for run in command.works("history", *narrow, "--json").json} == {other}
    (tmp_path / "job.yaml").write_text("labels:\n  team: crm\n")
    edited = command.works("jobs", "edit", other, "-f", str(tmp_path / "job.yaml"), "--json").json
    assert edited["labels"] == {"team": "crm"}
    for wrong, status in (("team", 2), ("=x", 2), ("te am=x", 4)):
        assert command("jobs", "edit", other, "--label", wrong).status == status


@pytest.mark.parametrize(
    ("flags", "kind", "config"),
    [
        (("--at", "7:05"), "daily", {"hour": 7, "minute": 5}),
        (("--every", "1d2h30m"), "interval", {"days": 1, "hours": 2, "minutes": 30}),
        (("--every", "45s"), "interval", {"seconds": 45}),
        (("--cron", "0 8-18 * * 1-5"), "cron", {"cron_expression": "0 8-18 * * 1-5"}),
        (
            ("--monthly", "last-fri", "--at", "18:00"),
            "monthly",
            {"day": {"nth": "last", "weekday": "fri"}, "hour": 18, "minute": 0},
        ),
        (
            ("--once", "2999-12-24", "--once", "2999-12-31", "--at", "18:00"),
            "once",
            {"dates": ["2999-12-24T18:00:00", "2999-12-31T18:00:00"]},
        ),
        (("--rrule", "FREQ=DAILY;BYHOUR=8"), "rrule", {"rrule": "FREQ=DAILY;BYHOUR=8"}),
    ],
)
def test_each_kind_of_schedule_has_its_flag(
    command: Command, flags: tuple[str, ...], kind: str, config: object
) -> None:
    """And `--disabled` makes a job that is switched off."""
    job = command.works("jobs", "create", "kind", "--bot", "probe", *flags, "--disabled", "--json").json
    assert (job["schedule_type"], job["schedule_config"], job["enabled"]) == (kind, config, False)
    command.works("jobs", "delete", job["id"])


def test_a_job_is_made_of_a_file_and_flags_go_before_it(command: Command, tmp_path: Path) -> None:
    """YAML from a file, JSON from standard input."""
    fields = {"name": "in the file", "bot_type": "probe", "schedule_type": "daily",
              "schedule_config": {"hour": 1, "minute": 2}, "bot_config": {"mode": "plain"}}  # fmt: skip
    (tmp_path / "job.yaml").write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items()))
    of_yaml = command.works("jobs", "create", "of the flag", "-f", str(tmp_path / "job.yaml"), "--json").json
    assert (of_yaml["name"], of_yaml["schedule_config"]) == ("of the flag", {"hour": 1, "minute": 2})
    of_json = command.works("jobs", "create", "-f", "-", "--json", given=json.dumps(fields)).json
    assert of_json["name"] == "in the file"


def test_jobs_are_listed_one_a_line_and_as_the_api_says(command: Command, installed: Installation) -> None:
    """Without a terminal a job is one line without colours; --json is the API's own answer."""
    job_id = make(command, "Listed " + "x" * 150)
    text = command.works("jobs", "list").out
    (line,) = [line for line in text.splitlines() if job_id in line]
    assert "Listed " + "x" * 150 in line and "every 1h" in line and "\x1b" not in text
    assert command.works("jobs", "list", "--json").json == installed.call("GET", "/jobs")[1]
    assert [job["id"] for job in command.works("jobs", "list", "-q", "listed x", "--json").json] == [job_id]
    assert len(command.works("jobs", "list", "--limit", "1", "--json").json) == 1
    assert command.works("jobs", "list", "-q", "no job has this", "--json").json == []


def test_a_job_is_shown_by_id_and_by_name(command: Command, installed: Installation) -> None:
    """The text tells the schedule in a sentence and the fields of the configuration; --json is the API's own answer."""
    job_id = make(command, "Shown, by name", "--set", "mode=talk")
    text = command.works("jobs", "show", "Shown, by name").out
    assert job_id in text and "Every hour" in text and "talk" in text
    assert command.works("jobs", "show", job_id, "--json").json == installed.call("GET", f"/jobs/{job_id}")[1]


def test_a_name_of_several_jobs_is_refused_with_their_ids(command: Command) -> None:
    """Exit code 4; an unknown name is 3, with what is like it."""
    twins = {make(command, "Twin"), make(command, "Twin")}
    ended = command("jobs", "show", "Twin")
    assert ended.status == 4 and all(twin in ended.err for twin in twins)
    ended = command("jobs", "show", "Twi")
    assert ended.status == 3 and "did you mean “Twin”" in ended.err and not ended.out
    ended = command("jobs", "show", "T")
    assert ended.status == 3 and "did you mean" not in ended.err, "one letter is in nearly every name"


def test_a_name_can_hold_anything(command: Command) -> None:
    """Slashes, dots, dashes; what steers a terminal is shown, not obeyed, also when it is refused."""
    for name in ("../x/?q=1#%2f", "--help me"):
        made = command.works("jobs", "create", "--bot", "probe", "--every", "1h", "--json", "--", name).json
        assert made["name"] == name
        assert command.works("jobs", "show", "--json", "--", name).json["id"] == made["id"]
    ended = command("jobs", "create", "red \x1b[31m\u202e", "--bot", "probe", "--every", "1h")
    assert ended.status == 4 and "\x1b" not in ended.err and "\\u202e" in ended.err


def test_single_fields_are_changed(command: Command) -> None:
    """--set and --option change one field and leave the others; a new time leaves zone and days as they were."""
    job_id = make(command, "Edited", "--at", "08:00", "--timezone", "Asia/Tokyo", "--set", "mode=talk")
    job = command.works(
        "jobs", "edit", job_id, "--name", "Renamed", "--at", "09:30", "--set", "seconds=2", "--option", "max_retries=1",
        "--json",
    ).json  # fmt: skip
    assert job["name"] == "Renamed"
    assert job["schedule_config"] == {"hour": 9, "minute": 30, "timezone": "Asia/Tokyo"}
    assert (job["bot_config"]["mode"], job["bot_config"]["seconds"]) == ("talk", 2)
    assert job["options"]["max_retries"] == 1
    plan = command.works("jobs", "edit", "Renamed", "--at", "10:30", "--dry-run", "--days", "3", "--json").json
    assert plan["changes"][0]["occurrences"]["gained"]["count"] in (2, 3)
    assert command("jobs", "edit", "Renamed", "--at", "10:30", "--days", "3").status == 2
    assert "Renamed" in command.works("jobs", "edit", "Renamed", "--on", "sat,sun").out
    weekly = command.works("jobs", "show", job_id, "--json").json["schedule_config"]
    assert weekly == {"hour": 9, "minute": 30, "timezone": "Asia/Tokyo", "day_of_week": "sat,sun"}


def test_a_job_is_switched_off_and_on(command: Command) -> None:
    """Off: not due any more; on: due again."""
    job_id = make(command, "Switched")
    assert command.works("jobs", "disable", "Switched").out == f"Disabled Switched ({job_id})\n"
    assert command.works("jobs", "show", job_id, "--json").json["next_run_at"] is None
    assert command.works("jobs", "enable", job_id, "--json").json["next_run_at"] is not None


def test_a_deleted_job_is_gone(command: Command) -> None:
    """Without a terminal nobody is asked; afterwards it is not found."""
    job_id = make(command, "Deleted")
    assert command.works("jobs", "delete", "Deleted", "--json").json == {"deleted": job_id, "name": "Deleted"}
    assert command("jobs", "show", job_id).status == command("jobs", "delete", job_id).status == 3


def test_occurrences_are_previewed(command: Command, installed: Installation) -> None:
    """A job's, and those of a schedule that is not stored."""
    job_id = make(command, "Previewed", "--at", "06:00")
    said = command.works("preview", "Previewed", "-n", "3", "--from", "2030-01-01T00:00:00Z", "--json").json
    assert said["occurrences"] == ["2030-01-01T06:00:00", "2030-01-02T06:00:00", "2030-01-03T06:00:00"]
    assert installed.call("GET", f"/jobs/{job_id}/preview?count=3&from=2030-01-01T00:00:00")[1] == said
    start = "2030-01-01T00:00:00"
    text = command.works("preview", "--cron", "0 8 * * 1", "--timezone", "Europe/Vienna", "--from", start).out
    assert "IN ITS TIME ZONE" in text and "IN THE JOB'S TIME ZONE" in command.works("preview", "Previewed").out
    assert "2030-01-07T07:00:00" in text and "2030-01-07T08:00:00+01:00" in text
    assert command("preview").status == command("preview", "Previewed", "--at", "06:00").status == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("jobs", "create", "x", "--bot", "probe", "--at", "8"), "--at takes a time"),
        (("jobs", "create", "x", "--bot", "probe", "--every", "soon"), "--every takes an interval"),
        (("jobs", "create", "x", "--bot", "probe", "--every", "1h", "--cron", "@daily"), "A schedule is one of"),
        (("jobs", "create", "x", "--bot", "probe", "--on", "mon"), "--on goes with --at"),
        (("jobs", "create", "x", "--set", "novalue"), "--set takes KEY=VALUE"),
        (("jobs", "create"), "Nothing to create"),
        (("jobs", "create", "-f", "/does/not/exist"), "cannot be read"),
        (("jobs", "frobnicate"), "frobnicate"),
        (("jobs", "list", "--limit", "none"), "--limit"),
        (("apply",), "--file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(command: Command, arguments: tuple[str, ...], told: str) -> None:
    """On standard error, with nothing on standard output."""
    ended = command(*arguments)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1), ended
    assert told in ended.err


def test_what_the_api_refuses_is_told_field_by_field(command: Command) -> None:
    """Exit code 4; one refusal is a sentence, several are a list."""
    one = command("jobs", "create", "x", "--bot", "nope", "--every", "1h")
    assert one.status == 4 and "--bot must be" in one.err and one.err.count("\n") == 1
    several = command(
        "jobs", "create", "x", "--bot", "probe", "--at", "08:00", "--timezone", "x", "--set", "nothing=1", "--json"
    )
    assert several.status == 4 and several.out == ""
    assert "2 fields are invalid" in several.err
    assert "--timezone must be" in several.err and "--set nothing" in several.err


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--cron", "0 8 * * MONDAY"), "write “0 8 * * mon” instead"),
        (("--cron", "*/90 * * * *"), "for every 90 minutes use --every 1h30m"),
        (("--cron", "@every 45s"), "use --every 45s instead"),
        (("--cron", "0 8 * * 5L"), "but --monthly has one; the nearest"),
        (("--cron", "0 0 8 * * 1"), "leave out the seconds, which come first: write “0 8 * * 1”"),
        (("--at", "08:00", "--timezone", "CEST"), "did you mean “Europe/Berlin”?"),
        (("--at", "08:00", "--timezone", "GMT+2"), "did you mean “Etc/GMT-2”"),
        (("--monthly", "32", "--at", "08:00"), "--monthly must be a whole number from 1 to 31"),
        (("--once", "1999-01-01T08:00"), "--once must have a time that is still to come"),
    ],
)
def test_a_refused_schedule_is_told_with_what_to_write_instead(
    command: Command, flags: tuple[str, ...], told: str
) -> None:
    """By `create` and by `preview`, in words of the command line; nothing is made."""
    for arguments in (("jobs", "create", "refused", "--bot", "probe"), ("preview",)):
        ended = command(*arguments, *flags)
        assert (ended.status, ended.out) == (4, "") and told in ended.err
    assert command.works("jobs", "list", "-q", "refused", "--json").json == []


def test_a_preview_names_those_of_several_that_are_due(command: Command, tmp_path: Path) -> None:
    """Where they have names."""
    noon = {
        "schedule_type": "weekly",
        "schedule_config": {"hour": 12, "minute": 0, "day_of_week": "mon"},
        "name": "noon",
    }
    config = {"schedules": [{"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}, noon]}
    body = {"name": "Named", "bot_type": "probe", "schedule_type": "any", "schedule_config": config}
    (tmp_path / "job.yaml").write_text(json.dumps(body))
    command.works("jobs", "create", "-f", str(tmp_path / "job.yaml"))
    lines = command.works("preview", "Named", "-n", "10").out.splitlines()
    assert lines[1].endswith("NOTE") and len([line for line in lines if line.endswith("noon")]) in (1, 2)
    assert "NOTE" not in command.works("preview", "--at", "08:00").out


def test_a_file_and_options_are_previewed_before_a_job_has_them(command: Command, tmp_path: Path) -> None:
    """A file is the only way to `any`, and `every` counts from an option; the flags win over the file."""
    members = [{"schedule_type": "daily", "schedule_config": {"hour": hour, "minute": 0}} for hour in (8, 20)]
    job = {
        "name": "Unsaved", "bot_type": "probe", "schedule_type": "any", "schedule_config": {"schedules": members},
        "options": {"starts_at": "2030-01-01T12:00:00", "ends_at": "2030-01-02T12:00:00"},
    }  # fmt: skip
    file = tmp_path / "job.yaml"
    file.write_text(json.dumps(job))

    def previewed(*arguments: str) -> list[str]:
        return list(command.works("preview", *arguments, "--json").json["occurrences"])

    assert previewed("-f", str(file)) == ["2030-01-01T20:00:00", "2030-01-02T08:00:00"]
    assert previewed("-f", str(file), "--option", "ends_at=2030-01-02T00:00:00") == ["2030-01-01T20:00:00"]
    assert previewed("-f", str(file), "--at", "09:00") == ["2030-01-02T09:00:00"]
    every_other_day = ("--every", "2d", "--at", "08:00", "--option", "starts_at=2030-01-02T00:00:00")
    assert previewed(*every_other_day, "-n", "2") == ["2030-01-02T08:00:00", "2030-01-04T08:00:00"]
    assert command("jobs", "list", "-q", "Unsaved", "--json").json == []


def test_a_preview_of_a_job_takes_no_other_options(command: Command, tmp_path: Path) -> None:
    """They would be ignored: the job has its own."""
    (tmp_path / "job.yaml").write_text("options: 3")
    command.works("jobs", "create", "Its own", "--bot", "probe", "--at", "08:00")
    for others in (("--calendar", "office"), ("--option", "jitter_seconds=5"), ("-f", str(tmp_path / "job.yaml"))):
        assert command("preview", "Its own", *others).status == 2


def test_a_file_whose_options_are_no_object_is_refused_with_flags_too(command: Command, tmp_path: Path) -> None:
    """By a sentence of the service."""
    file = tmp_path / "job.yaml"
    file.write_text("{options: 3, labels: [crm]}")
    flags = ("-f", str(file), "--at", "08:00", "--option", "jitter_seconds=5")
    for arguments in (("preview", *flags), ("jobs", "create", "x", "--bot", "probe", *flags, "--label", "a=b")):
        refused = command(*arguments)
        assert refused.status == 4 and "options must be" in refused.err
    assert "labels must be" in refused.err


def test_a_preview_says_what_a_schedule_does(command: Command) -> None:
    """In the sentence that the API and the console show."""
    said = command.works("preview", "--cron", "0 8 1-7 * 1").out
    assert "At 08:00 on the 1st to 7th of the month or on any Monday (UTC)." in said
