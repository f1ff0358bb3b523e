"""`bot-scheduler export`, `apply` and `contacts`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from service.cli.output.import_report import show_report
from tests.support.command import Command
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]

JOB = {
    "name": "documented", "bot_type": "probe", "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0}, "bot_config": {"mode": "talk"},
}  # fmt: skip


def document(*jobs: object) -> str:
    """A document of these jobs."""
    return json.dumps({"version": 1, "jobs": jobs})


def test_what_was_exported_applies_without_a_difference(command: Command, tmp_path: Path) -> None:
    """YAML to standard output, JSON with --json, or into a file."""
    command.works("apply", "-f", "-", "--yes", given=document(JOB))
    as_yaml, as_json = command.works("export").out, command.works("export", "--json").json
    assert yaml.safe_load(as_yaml) == as_json and "documented" in [job["name"] for job in as_json["jobs"]]
    file = tmp_path / "jobs.yaml"
    assert command.works("export", "-o", str(file)).out == "" and file.read_text() == as_yaml
    assert "Nothing to change" in command.works("apply", "-f", str(file), "--prune", "--exit-code", "--dry-run").out


def test_a_file_without_an_end_is_not_read_for_ever(command: Command) -> None:
    """It is refused at 256 MiB, before anything is sent."""
    endless = command("apply", "-f", "/dev/zero", "--dry-run")
    assert endless.status == 2 and "limit of 256 MiB" in endless.err


def test_a_plan_is_shown_and_nothing_changed_by_a_dry_run(command: Command, installed: Installation) -> None:
    """+ ~ - with the fields; --exit-code tells a difference; what is applied afterwards is what was planned."""
    command.works("apply", "-f", "-", "--prune", given=document(JOB, JOB | {"name": "goes"}))
    changed = document(JOB | {"schedule_config": {"hour": 9, "minute": 0}}, JOB | {"name": "comes"})
    before = installed.call("GET", "/jobs")[1]
    planned = command("apply", "-f", "-", "--prune", "--dry-run", "--exit-code", given=changed)
    assert planned.status == 1 and installed.call("GET", "/jobs")[1] == before
    assert "~ documented" in planned.out and "schedule_config.hour: 8 → 9" in planned.out
    assert "+ comes" in planned.out and "- goes" in planned.out
    assert "Plan: 1 to create, 1 to change, 1 to delete." in planned.out
    plan = command.works("apply", "-f", "-", "--prune", "--dry-run", "--json", given=changed).json
    done = command.works("apply", "-f", "-", "--prune", "--json", given=changed).json
    assert (plan["dry_run"], done["dry_run"]) == (True, False)
    assert [(one["action"], one["name"]) for one in done["changes"]] == [
        (one["action"], one["name"]) for one in plan["changes"]
    ]  # fmt: skip
    assert [job["name"] for job in installed.call("GET", "/jobs")[1]] == ["documented", "comes"]


def test_a_refused_document_changes_nothing(command: Command, installed: Installation) -> None:
    """Exit code 4, with every refused field of every job."""
    before = installed.call("GET", "/jobs")[1]
    ended = command("apply", "-f", "-", "--yes", given=document(JOB | {"name": ""}, JOB | {"bot_type": "nope"}))
    assert ended.status == 4 and "jobs[0].name" in ended.err and "jobs[1].bot_type" in ended.err
    assert installed.call("GET", "/jobs")[1] == before
    assert command("apply", "-f", "/does/not/exist").status == 2


def test_on_a_terminal_it_is_asked_before_anything_changes(
    command: Command, installed: Installation, tmp_path: Path
) -> None:
    """`n` changes nothing and exits with 1; `y` makes it so. The plan is coloured, and not with NO_COLOR."""
    command.works("apply", "-f", "-", "--prune", given=document(JOB))
    file = tmp_path / "none.json"
    file.write_text(document())
    status, shown = command.on_a_terminal(b"n\n", "apply", "-f", str(file), "--prune")
    assert status == 1 and "Nothing was changed" in shown and "\x1b[31m- documented" in shown
    assert len(installed.call("GET", "/jobs")[1]) == 1
    command.settings["NO_COLOR"] = "1"
    status, shown = command.on_a_terminal(b"y\n", "apply", "-f", str(file), "--prune")
    del command.settings["NO_COLOR"]
    assert status == 0 and "\x1b[3" not in shown
    assert installed.call("GET", "/jobs")[1] == []


def test_a_job_is_edited_in_an_editor(command: Command, installed: Installation, tmp_path: Path) -> None:
    """As YAML; a text that is refused is kept, and it is told where; one left as it was changes nothing."""
    command.works("apply", "-f", "-", given=document(JOB))
    environment = {"TMPDIR": str(tmp_path), "VISUAL": "sed -i 's/hour: 8/hour: 9/'"}
    command.settings |= environment
    status, shown = command.on_a_terminal(b"", "jobs", "edit", "documented")
    assert status == 0 and "Changed documented" in shown and list(tmp_path.iterdir()) == []
    assert installed.call("GET", "/jobs")[1][0]["schedule_config"] == {"hour": 9, "minute": 0}
    assert "Not changed" in command.on_a_terminal(b"", "jobs", "edit", "documented")[1]
    command.settings["VISUAL"] = "sed -i 's/hour: 9/hour: 99/'"
    status, shown = command.on_a_terminal(b"", "jobs", "edit", "documented")
    (kept,) = tmp_path.iterdir()
    assert status == 4 and kept.name in shown and "hour: 99" in kept.read_text()
    for name in environment:
        del command.settings[name]


def test_contacts_are_imported_and_listed(command: Command, installed: Installation, tmp_path: Path) -> None:
    """Counts, and what was skipped and why; a second time nothing is doubled. Many are listed page by page."""
    people = "".join(f"Person {number},1990-01-{number % 28 + 1:02},p{number}@example.org\n" for number in range(230))
    file = tmp_path / "people.csv"
    file.write_text("Name,Birthday,E-mail\n" + people + ",1990-01-01,\n")
    ended = command.works("contacts", "import", str(file))
    assert "230 new" in ended.out and "1 skipped" in ended.err and "entry 231" in ended.err
    again = command.works("contacts", "import", "-", "--json", given=file.read_bytes()).json
    assert (again["created"], again["unchanged"], again["skipped_total"]) == (0, 230, 1)
    assert len(command.works("contacts", "list", "--json").json) == 50
    assert len(command.works("contacts", "list", "--limit", "201", "--json").json) == 201
    everybody = command.works("contacts", "list", "--all", "--json").json
    assert len({one["id"] for one in everybody}) == 230
    assert "p7@example.org" in command.works("contacts", "list", "--all").out
    exported = tmp_path / "all.CSV"
    assert command.works("contacts", "export", str(exported)).out == "" and exported.stat().st_mode & 0o077 == 0
    assert exported.read_bytes().count(b"\r\n") == 231 and sorted(tmp_path.iterdir()) == [exported, file]
    assert command.works("contacts", "export").out.count("END:VCARD") == 230
    assert command.works("contacts", "export", "--format", "csv").out.encode() == exported.read_bytes()
    assert command("contacts", "export", "--format", "xml").status == 2
    assert command("contacts", "export", str(tmp_path / "none" / "all.vcf")).status == 2
    assert command.works("contacts", "export", "/dev/null").status == 0 and Path("/dev/null").is_char_device()
    assert command("contacts", "export", str(exported), API_KEY="wrong").status == 5
    assert exported.read_bytes().count(b"\r\n") == 231
    assert "(deceased)" not in command.works("contacts", "list", "--all").out
    assert installed.call("PUT", f"/contacts/{everybody[0]['id']}", {"deceased": True})[0] == 200
    assert command.works("contacts", "list", "--all").out.count("(deceased)") == 1
    refused = command("contacts", "import", "-", given="nothing of the kind")
    assert refused.status == 4 and refused.out == ""
    assert command("contacts", "import", str(tmp_path / "none.vcf")).status == 2


def test_what_an_import_lost_or_guessed_is_told(command: Command) -> None:
    """Birthdays and addresses are counted; how a file is to be read is said by options, a wrong one refused."""
    table = "name,birthday,email\nDay First,3/4/1990,day@example.org\nZo\xeb,,\n".encode("cp1250")
    ended = command.works("contacts", "import", "-", "--date-order", "day", "--charset", "windows-1250", given=table)
    assert "2 new" in ended.out and "With a birthday: 1\nWith an e-mail address or a phone number: 1\n" in ended.out
    assert command("contacts", "import", "-", "--date-order", "year", given=table).status == 2
    refused = command("contacts", "import", "-", "--charset", "punycode", given=table)
    assert refused.status == 4 and "Error: --charset must be a web encoding" in refused.err
    unlike = command("contacts", "import", "-", "--charset", "utf-8", given="name\nZoë\n".encode("cp1250"))
    assert unlike.status == 4 and "--charset is utf-8" in unlike.err and "leave --charset out" in unlike.err


def test_an_import_is_told_in_words_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """What is said of the whole file first, then people by name; hostile names and headings steer no terminal."""
    warnings = [{"position": number, "name": "Eve\x1b[2J\n", "reason": "lost"} for number in range(1, 31)]
    show_report({
        "created": 1, "updated": 0, "unchanged": 0, "skipped": [], "skipped_total": 0, "with_birthday": 0,
        "with_address": 0, "ignored_columns": ["Notes\x1b[2J"] * 30, "warnings_total": 2000,
        "warnings": [*warnings, {"position": None, "name": None, "reason": "read month first"}],
    })  # fmt: skip
    told = capsys.readouterr().err
    assert told.count("“Notes\\x1b[2J”") == 20 and "and 10 more" in told and "\x1b" not in told
    assert told.index("read month first") < told.index("entry 1, Eve\\x1b[2J\\n: lost")
    assert told.count("headings and blank lines do not count") == 1
    assert "entry 20" not in told and "1980 more" in told and "--date-order" in told
    show_report({"created": 1, "updated": 0, "unchanged": 0, "skipped": [], "skipped_total": 0})
    assert capsys.readouterr().out == "1 new, 0 updated, 0 unchanged\n"


def test_duplicates_are_listed_and_merged(command: Command, installed: Installation) -> None:
    """In groups with the reason; one stays. On a terminal it is asked first; what is refused changes nothing."""
    rows = 'uid,name,birthday,email\nu1,Twice Doe,1990-04-12,t@x.org\nu2,"Doe, Twice",--04-12,t@x.org\n'
    assert command.works("contacts", "import", "-", "--json", given=rows).json["created"] == 2
    listed = command.works("contacts", "duplicates")
    assert "the same name and an e-mail address, the same name and the birthday" in listed.out
    (group,) = command.works("contacts", "duplicates", "--json").json
    first, second = (one["id"] for one in sorted(group["contacts"], key=lambda one: str(one["name"])))
    assert command("contacts", "merge", first, first).status == 4
    assert command("contacts", "merge", "nobody", first).status == 3
    status, shown = command.on_a_terminal(b"n\n", "contacts", "merge", second, first)
    assert status == 1 and "Nothing was changed" in shown and "t@x.org" in shown
    merged = command.works("contacts", "merge", second, first)
    assert f"Merged into Twice Doe ({second})" in merged.out and "not kept: name Doe, Twice" in merged.err
    assert "No two contacts" in command.works("contacts", "duplicates").err
    assert command.works("contacts", "import", "-", "--json", given=rows).json["unchanged"] == 2
    assert command("contacts", "merge", second, first).status == 4
    assert installed.call("DELETE", f"/contacts/{second}")[0] == 204


def test_a_person_is_erased_once_somebody_has_said_so(command: Command, installed: Installation) -> None:
    """By name on a terminal; the answer says where they were found, and what names them still."""
    rows = "name,email\nErased Doe,gone@example.org\n"
    command.works("contacts", "import", "-", given=rows)
    (contact_id,) = (
        one["id"] for one in command.works("contacts", "list", "--all", "--json").json if one["name"] == "Erased Doe"
    )
    job = installed.make_job(name="for gone@example.org")
    status, shown = command.on_a_terminal(b"n\n", "contacts", "erase", contact_id)
    assert status == 1 and "Erase Erased Doe from everything" in shown and "Nothing was changed" in shown
    assert installed.call("GET", f"/contacts/{contact_id}")[0] == 200
    erased = command.works("contacts", "erase", contact_id)
    assert "Erased. Found in: " in erased.out and "contacts 1" in erased.out
    assert f"for you to change: job:{job}" in erased.err
    assert command("contacts", "erase", contact_id).status == 3
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204
    command.works("contacts", "import", "-", given=rows)
    (back,) = (
        one["id"] for one in command.works("contacts", "list", "--all", "--json").json if one["name"] == "Erased Doe"
    )
    assert back in erased.out
    assert installed.call("DELETE", f"/contacts/{back}")[0] == 204
    status, shown = command.on_a_terminal(b"y\n", "contacts", "erase", back)
    assert status == 0 and f"the deleted contact {back}" in shown and "Erased." in shown


def test_warnings_name_the_flags_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """In place of the API's fields; what is quoted of the file stays as it is."""
    reason = "was read so (for example “charset=x”); import it again with date_order=day, such as charset=windows-1250"
    show_report({
        "created": 1, "updated": 0, "unchanged": 0, "skipped": [], "skipped_total": 0, "with_birthday": 0,
        "with_address": 0, "ignored_columns": [], "warnings_total": 1,
        "warnings": [{"position": None, "name": None, "reason": reason}],
    })  # fmt: skip
    told = capsys.readouterr().err
    assert "(for example “charset=x”); import it again with --date-order day, such as --charset windows-1250" in told
