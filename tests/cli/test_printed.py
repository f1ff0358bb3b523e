"""All that the commands print: on a terminal of 80 columns, in a pipe, without colours; snapshots hold it.

To write them anew after a change that is meant: SNAPSHOTS=write, and read the difference.
"""

# ruff: noqa: E501 - tables of commands

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon.testing
import jsonschema_rs
import pytest
import typer.main
from rich.cells import cell_len
from rich.text import Text

from service.cli.app import app
from service.cli.client.short_ids import among
from service.cli.exits import Failure
from service.cli.output.tables import NAME_LEAST, Column, RunCell, _sized
from service.web.api.app import create_app
from tests.cli.canned import ANSWERS, CONTACT, JOB_A, JOB_B, LONG, RUN_A, RUNS, CannedService, uuid
from tests.support.cli_in_process import command_line
from tests.support.command import Ended
from tests.support.fakes import FakeContacts, FakeJobs, services

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTH = 80
PERSON = uuid(0xF1)
READS = [
    "jobs list", f"jobs show {JOB_A}", f"history {JOB_A}", "history", "runs list --status failed", f"runs show {RUN_A}",
    f"logs {JOB_A} {RUN_A}", f"preview {JOB_A}", "preview --at 08:00", f"occurrences {JOB_A}", "occurrences --limit 2", f"explain {JOB_A} 08:00",
    f"backfill list {JOB_A}", f"backfill show {JOB_A} {uuid(0xAB)}", "pauses", "pauses --ended", "calendars list",
    "calendars show office", "calendars days office", "clock-changes", "channels list", "channels show ops",
    "rules list", f"rules show {uuid(0xE1)}", "alerts", "snoozes list", "contacts list", f"contacts show {PERSON}",
    "contacts duplicates", "keys list", "keys show k123456789", "keys me", "sessions list", "audit",
    f"revisions {JOB_A}", "restore", "bots", "bots webhook", "health",
]  # fmt: skip
"""Commands that read."""
CHANGES = [
    "jobs create Birthdays --bot birthday --at 08:00", f"jobs edit {JOB_A} --at 09:00", f"jobs enable {JOB_A}",
    f"jobs disable {JOB_A}", f"jobs delete {JOB_A}", f"jobs run {JOB_A}",
    f"cancel {JOB_A} {RUN_A}", f"again {JOB_A} {RUN_A}", f"now {JOB_A} {RUN_A}", f"move {JOB_A} {RUN_A} 2027-01-16T09:00:00",
    "batch enable --all", f"backfill start {JOB_A} --since 2027-01-01 --until 2027-01-08",
    f"backfill cancel {JOB_A} {uuid(0xAB)}", f"occurrence skip {JOB_A} 2027-01-16T07:00:00 --reason Closed",
    f"occurrence restore {JOB_A} 2027-01-16T07:00:00", "pause --label team=crm --reason Maintenance",
    f"resume {uuid(0xD1)}", "calendars create office --off sat,sun", "calendars edit office --off sat",
    "calendars delete office", "channels create ops --url env:BOT_SECRET_OPS", "channels update ops --per-hour 5",
    "channels test ops", "channels delete ops", "rules create ops --on failed", f"rules update {uuid(0xE1)} --after 2",
    f"rules delete {uuid(0xE1)}", f"snoozes end {uuid(0xAE)}", "contacts import -", "contacts add 'Ada Lovelace'",
    f"contacts edit {PERSON} --birthday 1815-12-10", f"contacts delete {PERSON}", f"contacts merge {PERSON} {uuid(0xF2)}",
    "keys create 'Ada on call' --scope run", "keys update k123456789 --note x", "keys rotate k123456789",
    "keys revoke k123456789", "sessions end --all", f"restore {JOB_A} 6", "apply -f - --dry-run", "acknowledge",
    "messages test --email ada@example.org", "profiles list", "profiles use here", "export --json", "contacts export",
    f"contacts erase {PERSON}", f"occurrence move {JOB_A} 2027-01-16T07:00:00 2027-01-16T10:00",
    f"occurrence set {JOB_A} 2027-01-16T07:00:00 --set dry_run=true", "calendars apply --file -",
    "calendars import office -", "logout", "login http://scheduler.test", "profiles list",
]  # fmt: skip
"""Commands that change something, or say something of their own."""
EVERY = READS + CHANGES
GROUPS = ["", "jobs", "runs", "contacts", "keys", "calendars"]


STYLE = re.compile(r"\x1b\[[0-9;]*m")
PROGRESS = re.compile(r"━|\x1b\[[?0-9]*[A-Zhl]")
"""Bars of progress, which come and go with the time."""
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|9[0-7]|38;[0-9;]*)m")


def run(line: str, **how: Any) -> Ended:
    """Runs a command line."""
    return command_line(CannedService(), *shlex.split(line), given="jobs: []\n", **how)


def transcript(lines: list[str], **how: Any) -> str:
    """What somebody would see who types these commands."""
    told = []
    for line in lines:
        ended = run(line, **how)
        err = "".join(f"2| {text}\n" for text in ended.err.splitlines() if not PROGRESS.search(text))
        told.append(f"$ bot-scheduler {line}\n{ended.out}{err}" + (f"= {ended.status}\n" if ended.status else ""))
    return "\n".join(told)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that the commands print, in a pipe, on a terminal, and on one without colours."""
    how: dict[str, dict[str, Any]] = {
        "pipe": {},
        "colours": {"width": WIDTH},
        "terminal": {"width": WIDTH, "NO_COLOR": "1"},
    }
    home = tmp_path_factory.mktemp
    return {name: transcript(EVERY, HOME=str(home(name)), XDG_CONFIG_HOME="", **more) for name, more in how.items()}


@pytest.mark.parametrize("name", ["terminal", "pipe"])
def test_every_command_prints_what_the_snapshots_have(printed: dict[str, str], name: str) -> None:
    """On a terminal of 80 columns relative times and what fits; in a pipe all of it, a record a line."""
    path, text = SNAPSHOTS / f"{name}.txt", STYLE.sub("", printed[name])
    if os.environ.get("SNAPSHOTS") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_colours_are_for_terminals_alone(printed: dict[str, str]) -> None:
    """None in a pipe, and none with NO_COLOR; on a terminal without it, the same text."""
    assert "\x1b" not in printed["pipe"]
    assert COLOUR.search(printed["colours"]) and not COLOUR.search(printed["terminal"])
    assert STYLE.sub("", printed["colours"]) == STYLE.sub("", printed["terminal"])


def test_names_of_fields_are_bold_and_their_values_are_not() -> None:
    """A page in bold has no headings."""
    shown = run(f"jobs show {JOB_A}", width=WIDTH).out.splitlines()
    assert re.fullmatch(r"\x1b\[1mname *\x1b\[0m *Birthdays", shown[0]), shown[0]
    assert all(row.count("\x1b[1m") == 1 and row.index("\x1b[0m") < 40 for row in shown if "\x1b[1m" in row)


def test_nothing_is_printed_in_pythons_words(printed: dict[str, str]) -> None:
    """No None, True or False, and no dict or list as Python writes it."""
    assert (
        re.findall(r".*(?:\bNone\b|\bTrue\b|\bFalse\b|\{'|\['|\bdatetime\b).*", printed["pipe"] + printed["terminal"])
        == []
    )


def commands(group: Any = None, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of all commands."""
    group = typer.main.get_command(app) if group is None else group
    for part, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*name, part))
        else:
            yield (*name, part)


def test_no_command_is_left_out() -> None:
    """Each is in a snapshot, but for those that start processes, and the doctor, who looks at the machine."""
    told = {tuple(shlex.split(line)[:length]) for line in EVERY for length in (1, 2)}
    assert {" ".join(name) for name in commands() if name not in told} == {"up", "web", "scheduler", "worker", "doctor"}


@pytest.mark.parametrize("line", READS)
@pytest.mark.parametrize("width", [80, 60])
def test_no_table_is_folded(line: str, width: int) -> None:
    """No line of a list is longer than the terminal is wide; ids, names of files and sentences break as they will."""
    ended = run(line, width=width, NO_COLOR="1")
    if len(shlex.split(line)) > 2 or line in ("keys me", "bots webhook", "health"):
        return
    assert ended.status == 0 and max(map(_cells, ended.out.splitlines()), default=0) <= width, ended.out


def _cells(text: str) -> int:
    return cell_len(STYLE.sub("", text))


@pytest.mark.parametrize("line", READS)
def test_reading_commands_have_all_formats(line: str) -> None:
    """JSON and YAML are the API's answer, names and ids a line each; only `logs` and `explain` have less."""
    import json

    import yaml

    as_json = run(f"{line} --json")
    assert as_json.status == 0 and as_json.err == "", as_json
    answer = json.loads(as_json.out)
    if line.startswith("logs"):
        return
    assert run(f"{line} -o json").out == as_json.out
    assert yaml.safe_load(run(f"{line} -o yaml").out) == answer
    assert run(f"{line} -q --json").out == as_json.out and run(f"{line} --json -o yaml").status == 2
    names, ids = run(f"{line} -o name"), run(f"{line} -q")
    assert names.status == ids.status == 0 and names.out.strip() and ids.out.strip()
    if isinstance(answer, list):
        assert len(names.out.splitlines()) == len(ids.out.splitlines()) == len(answer)


def test_reading_commands_only_read() -> None:
    """So that `--watch` may repeat them; a schedule that is not stored is previewed by a POST."""
    for line in READS:
        service = CannedService()
        command_line(service, *shlex.split(line))
        assert {request.method for request in service.asked} <= {"GET"} or line == "preview --at 08:00", line


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_says_what_it_has(group: str) -> None:
    """`bot-scheduler` and `bot-scheduler jobs` print their help, which is what one asks for who types no more."""
    ended = run(group, width=WIDTH, NO_COLOR="1")
    assert (ended.status, ended.err) == (0, "")
    assert "Usage: bot-scheduler" in STYLE.sub("", ended.out) and "--help" in STYLE.sub("", ended.out)


def test_the_help_of_every_command_fits() -> None:
    """On 80 columns, with an example or a sentence each; without types of Python, and without a fact said twice."""
    for name in commands():
        ended = command_line(CannedService(), *name, "--help", width=WIDTH, NO_COLOR="1")
        assert ended.status == 0 and max(map(_cells, ended.out.splitlines())) <= WIDTH, name
        told = " ".join(STYLE.sub("", ended.out).replace("│", " ").split())
        assert not re.search(r"<\w+|\[\[|Required\. \[|the default\)|default: [^]]*\)\.? \[default", told), name


def test_names_in_the_history_cost_a_request_for_each_job() -> None:
    """Two rows are a few KB, however many jobs there are; nobody reads the list of all."""
    service = CannedService()
    ended = command_line(service, "history", "--limit", "2")
    assert "Birthdays" in ended.out and ended.status == 0
    assert "/scheduler/jobs" not in {request.url.path for request in service.asked}
    assert service.sent_bytes < 20_000


@pytest.mark.parametrize(
    ("line", "what", "field", "said"),
    [
        ("history --since 2027-13-01T00:00:00", ("GET", "/scheduler/runs"), "since", "--since must"),
        ("history --status sad", ("GET", "/scheduler/runs"), "status", "--status must"),
        ("jobs list --bot x", ("GET", "/scheduler/jobs"), "bot_type", "--bot must"),
        ("jobs create X --bot birthday --at 08:00 --set limit=-1", ("POST", "/scheduler/jobs"), "bot_config.limit", "--set limit must"),
        ("jobs create X --bot birthday --at 08:00", ("POST", "/scheduler/jobs"), "bot_config.limit", "bot_config.limit must"),
        ("jobs create X --bot birthday --at 23:00", ("POST", "/scheduler/jobs"), "schedule_config.hour", "--at must"),
        (f"jobs edit {JOB_A} --option jitter_seconds=x", ("PUT", f"/scheduler/jobs/{JOB_A}"), "options.jitter_seconds", "--option jitter_seconds must"),
        ("keys create X --scope run --expires 2000-01-01", ("POST", "/scheduler/keys"), "expires_at", "--expires must"),
        ("contacts add X --email y", ("POST", "/scheduler/contacts"), "emails[0]", "--email “y” must"),
        ("jobs create X --bot b --at 08:00 --label 'te am=x'", ("POST", "/scheduler/jobs"), "labels.te am", "--label te am must"),
        ("jobs list --label team=x", ("GET", "/scheduler/jobs"), "label", "--label must"),
        ("contacts add ''", ("POST", "/scheduler/contacts"), "name", "NAME must"),
        ("pause --all --reason ''", ("POST", "/scheduler/pauses"), "reason", "--reason must"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_was_typed(line: str, what: tuple[str, str], field: str, said: str) -> None:
    """The flag or the argument, where it was typed; and else the field, as in a file."""
    service = CannedService({what: (400, [{"field": field, "message": "must be otherwise"}])})
    ended = command_line(service, *shlex.split(line))
    assert (ended.status, ended.err) == (4, f"Error: {said} be otherwise\n")


def test_what_is_missing_is_named_as_it_is_to_be_typed() -> None:
    """As a flag, and the schedule once; in a file the fields have their own names."""
    fields = [{"field": name, "message": "is required: x"} for name in ("bot_type", "schedule_type", "schedule_config")]
    service = CannedService({("POST", "/scheduler/jobs"): (400, fields)})
    told = command_line(service, "jobs", "create", "X").err.splitlines()
    assert told[:2] == ["Error: 2 fields are invalid:", "  --bot is required: x"]
    assert told[2].startswith("  A schedule is required: --at 08:30, --every 2h")
    filed = command_line(service, "jobs", "create", "-f", "-", given="name: X\n").err
    assert "bot_type is required" in filed and "schedule_config is required" in filed


@pytest.mark.parametrize(
    ("line", "field", "message", "said"),
    [
        ("contacts add X --email a@b --email foo", "emails", "must be e-mail addresses; number 2 of the list is not",
         "--email must be e-mail addresses, not “foo”"),
        ("contacts add X --email y", "emails[0]", 'must be an address, not "y"', "--email must be an address, not “y”"),
        ("apply -f -", "body", "is not YAML", "Standard input is not YAML"),
        ("jobs create X --cron x", "schedule_config.cron_expression", 'must be {"a": "b"}, not "x"',
         '--cron must be {"a": "b"}, not “x”'),
    ],
)  # fmt: skip
def test_a_refusal_quotes_what_was_typed(line: str, field: str, message: str, said: str) -> None:
    """With the quotation marks of all sentences; JSON keeps its own."""
    noun = {"contacts": "contacts", "apply": "apply", "jobs": "jobs"}[line.split()[0]]
    service = CannedService({("POST", f"/scheduler/{noun}"): (400, [{"field": field, "message": message}])})
    assert command_line(service, *line.split(), given="a: [").err == f"Error: {said}\n"


@pytest.mark.parametrize(
    ("line", "method", "path"),
    [
        (f"logs {RUN_A}", "GET", f"/scheduler/jobs/{JOB_A}/runs/{RUN_A}/log"),
        (f"logs {JOB_A} {RUN_A[:8]}", "GET", f"/scheduler/jobs/{JOB_A}/runs/{RUN_A}/log"),
        (f"runs show {RUN_A[:8]}", "GET", f"/scheduler/jobs/{JOB_A}/runs/{RUN_A}"),
        ("runs show Birthdays", "GET", f"/scheduler/jobs/{JOB_A}/runs/{RUN_A}"),
        (f"resume {uuid(0xD1)[:8]}", "DELETE", f"/scheduler/pauses/{uuid(0xD1)}"),
        (f"rules show {uuid(0xE1)[:12]}", "GET", f"/scheduler/rules/{uuid(0xE1)}"),
        ("contacts delete 'Ada Lovelace'", "DELETE", f"/scheduler/contacts/{PERSON}"),
        (f"backfill show {JOB_A} {uuid(0xAB)[:8]}", "GET", f"/scheduler/jobs/{JOB_A}/backfills/{uuid(0xAB)}"),
        (f"restore {uuid(0xAF)[:8]}", "POST", f"/scheduler/deleted/{uuid(0xAF)}/restore"),
    ],
)
def test_the_first_characters_of_an_id_are_enough(line: str, method: str, path: str) -> None:
    """As tables show them; a run needs no job, and a person may be named."""
    service = CannedService()
    assert command_line(service, *shlex.split(line)).status == 0
    assert (method, path) in [(request.method, request.url.path) for request in service.asked]


def test_several_ids_that_begin_alike_are_refused() -> None:
    """Nothing is done to either."""
    alike = {"GET": [{"id": uuid(0xD1)}, {"id": uuid(0xD1)[:-1] + "9"}]}
    service = CannedService()
    service.answers = {**ANSWERS, ("GET", "/scheduler/pauses"): alike["GET"]}
    ended = command_line(service, "resume", uuid(0xD1)[:8])
    assert ended.status == 4 and "ids begin or end with" in ended.err
    assert {request.method for request in service.asked} == {"GET"}


def test_the_canned_answers_are_of_the_api() -> None:
    """Each is as the API's description has it, or this file tests a service that there is not."""
    client = falcon.testing.TestClient(create_app(services(FakeJobs(), FakeContacts())))
    document = client.simulate_get("/openapi.json").json
    wrong: dict[str, Any] = {}
    for (method, path), answer in ANSWERS.items():
        schema = _schema(document, method, path)
        if answer is not None and schema is not None:
            validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
            wrong |= {
                f"{method} {path}: {error.message}": error.instance_path for error in validator.iter_errors(answer)
            }
    assert wrong == {}


def _schema(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    parts = path.split("/")
    fits = [template for template in document["paths"] if len(template.split("/")) == len(parts)
            and all(one in (part, ) or one.startswith("{") for one, part in zip(template.split("/"), parts, strict=True))]  # fmt: skip
    template = min(fits, key=lambda one: one.count("{"))
    answers = document["paths"][template][method.lower()]["responses"]
    found = [answer.get("content", {}).get("application/json", {}).get("schema")
             for status, answer in answers.items() if status.startswith("2")]  # fmt: skip
    return {"anyOf": found} if all(found) else None


def test_a_part_that_several_ids_have_is_refused() -> None:
    """With a few of them. The runs of a job's occurrences begin alike."""
    runs = [{"id": f"23d0021a-b15c-83d1-a417-00006b0a{number:04x}"} for number in range(9)]
    assert among("6b0a0003", runs) == runs[3]["id"]
    with pytest.raises(Failure) as refused:
        among("23d0021a", runs)
    assert str(refused.value).startswith("9 ids begin or end with “23d0021a”: ")
    assert str(refused.value).endswith("0004 and 4 more")


def test_a_rehearsed_batch_says_what_would_become_of_each_job() -> None:
    """Not that it is done. The jobs of a filter that stay as they are, perhaps thousands, are only counted."""
    rows = run("batch enable --all --dry-run").out.splitlines()[1:]
    assert "would be enabled" in rows[0] and "would be refused" in rows[1]
    assert rows[2:] == ["1 would be enabled, 1 unchanged (not listed), 1 refused"]
    assert not any(" done " in row for row in rows)


@pytest.mark.parametrize("at", ["2027-01-16T08:00", "08:00"])
def test_an_occurrence_is_named_as_in_explain(at: str) -> None:
    """To the minute, in the job's zone; where there is none, what `explain` says is the error."""
    service, path = CannedService(), f"/scheduler/jobs/{JOB_A}"
    explained = ANSWERS["GET", f"{path}/explain"]
    service.answers = {
        **ANSWERS,
        ("GET", f"{path}/explain"): {**explained, "at": "2027-01-16T07:00:00", "fate": "coming"},
    }
    for line in (f"occurrence skip {JOB_A} {at}", f"occurrence restore {JOB_A} {at}"):
        assert command_line(service, *line.split()).status == 0
        assert service.asked[-1].url.path == f"{path}/occurrences/2027-01-16T07:00:00"
        assert service.asked[-2].url.params["at"] == at
    service.answers = {**ANSWERS, ("GET", f"{path}/explain"): {**explained, "fate": None, "sentence": "There is none."}}
    ended = command_line(service, "occurrence", "skip", JOB_A, at)
    assert (ended.status, ended.err) == (3, "Error: There is none.\n") and len(service.asked) == 5


def test_the_audit_log_names_jobs_and_keys_that_it_knows() -> None:
    """Those that there are, and those that are gone; of a run or an occurrence it names the job, too."""
    service, gone = CannedService(), uuid(0xAF)
    about = [("job.disable", JOB_A, None), ("run.request", RUN_A, JOB_A), ("job.delete", gone, None),
             ("key.update", "k123456789", None), ("contact.delete", PERSON, None)]  # fmt: skip
    (entry,) = ANSWERS["GET", "/scheduler/audit"]
    service.answers = {**ANSWERS, ("GET", "/scheduler/audit"): [
        {**entry, "action": action, "object": its, "job_id": job_id, "fields": {}} for action, its, job_id in about]}  # fmt: skip
    shown = command_line(service, "audit").out.splitlines()[1:]
    told = ["Birthdays", f"Birthdays: {RUN_A}", "Old report", "Ada on call", PERSON]
    assert [name in row for name, row in zip(told, shown, strict=True)] == [True] * len(told), shown
    assert JOB_A not in "".join(shown) and gone not in "".join(shown)


@pytest.mark.parametrize("line", ["jobs list", "history", "occurrences", "batch enable --all"])
def test_the_name_of_a_job_keeps_its_room(line: str) -> None:
    """On 80 columns 24 characters of it; less important columns are left out first, and the id is not among them."""
    shown = run(line, width=WIDTH, NO_COLOR="1").out
    assert LONG[: NAME_LEAST - 1] in shown and "000000b1" in shown


def test_plans_fit_the_terminal() -> None:
    """Further lines of a field or of the occurrences are indented."""
    told = run("apply -f - --dry-run", width=60, NO_COLOR="1").out.splitlines()
    assert "      (2027-01-16T09:00:00+01:00)" in told and max(map(_cells, told)) <= 60


def test_a_rehearsed_backfill_says_what_would_run_and_why_no_more() -> None:
    """Also where nothing would."""
    service, path = CannedService(), f"/scheduler/jobs/{JOB_A}/backfill"
    line = f"backfill start {JOB_A} --since 2027-01-01 --until 2027-01-08 --dry-run"
    for answer, told in (
        ({"total": 0, "instants": [], "reasons": {}}, "Nothing would run. Each instant of this span has run,"),
        ({"total": 2, "instants": ["2027-01-02T08:00:00", "2027-01-03T08:00:00"], "reasons": {"misfire": 2}},
         "2 instants would run (2 misfire). Each other instant"),
    ):  # fmt: skip
        service.answers = {**ANSWERS, ("POST", path): {**ANSWERS["POST", path], "dry_run": True, **answer}}
        ended = command_line(service, *line.split())
        assert ended.status == 0 and ended.err.startswith(told)


def test_contacts_are_searched_and_sorted_by_name() -> None:
    """By all words, in names and addresses, in any case."""
    assert run("contacts list 'COUNTESS@ ada' -o name").out == "Ada Lovelace\n"
    assert run("contacts list -o name --search 'lovelace, a'").out == "Lovelace, Ada\n"
    assert run("contacts list -o name").out == "Ada Lovelace\nLovelace, Ada\n"
    assert run("contacts list nobody").err == "No contact matches.\n"
    assert run("contacts list --limit 1").err == "These are 1 of 2 contacts; --all shows all.\n"
    assert run("contacts list a --search b").status == 2


def test_contacts_of_one_name_are_told_apart() -> None:
    """By birthday and addresses, a line each, with enough of the id for the command."""
    service = CannedService()
    twins = [CONTACT, {**CONTACT, "id": uuid(0xF7), "birthday": None}]
    service.answers = {**ANSWERS, ("GET", "/scheduler/contacts"): twins}
    ended = command_line(service, "contacts", "show", "Ada Lovelace", width=60, NO_COLOR="1")
    assert ended.status == 4 and STYLE.sub("", ended.err).splitlines()[1:] == [
        "  000000f1, born 1815-12-10, ada@example.org, +43 1 234567", "  000000f7, ada@example.org, +43 1 234567",
    ]  # fmt: skip


def test_occurrences_of_all_jobs_are_in_order_of_time_and_as_many_as_were_asked_for() -> None:
    """With one note that there are more, and one of the jobs that could not be read."""
    ended = run("occurrences --limit 2")
    assert [row.split()[0] for row in ended.out.splitlines()[1:3]] == ["Birthdays", "Nächtlicher"]
    assert len(ended.out.splitlines()) == 4 and ended.out.splitlines()[-1].startswith("3 jobs: 11 occurrences")
    first, second = ended.err.splitlines()
    assert first.startswith("These are the first 2.") and second.startswith("1 job could not be read, such as “Nightly")


@pytest.mark.parametrize("line", ["runs show {}", f"logs {JOB_A} {{}}", "cancel {}", "again Birthdays {}", "now {}"])
def test_the_short_id_of_a_run_is_found_however_old_it_is(line: str) -> None:
    """The runs of jobs that were due together end alike, and those of a job begin alike: both parts tell which it is."""
    due = [
        (job, {**RUNS[0], "id": f"{job[:24]}00006b0a{n:04x}", "job_id": job}) for job in (JOB_A, JOB_B) for n in (1, 2)
    ]
    old = due[0][1]
    cell = RunCell(JOB_A, old["id"])
    shown = _sized(Text(str(cell)), 17, Column("RUN", "run"), cell)
    assert shown.plain == cell.short == "000000a1-6b0a0001"
    service = CannedService()
    service.answers = {
        **ANSWERS, ("GET", "/scheduler/runs"): [], ("GET", f"/scheduler/runs/{old['id']}"): old,
        **{("GET", f"/scheduler/jobs/{one}/history"): [run for job, run in due if job == one] for one in (JOB_A, JOB_B)},
    }  # fmt: skip
    command_line(service, *line.format(cell.short).split())
    assert any(old["id"] in request.url.path for request in service.asked)


@pytest.mark.parametrize("run_id", ["6b0a9172", "000000a1-6b0a9172", "12345678-6b0a9172", uuid(7)])
def test_a_run_that_is_not_found_is_told_as_a_run(run_id: str) -> None:
    """Not as a job that has no such name."""
    for line in (f"runs show {run_id}", f"cancel Birthdays {run_id}"):
        service = CannedService()
        ended = command_line(service, *line.split())
        assert ended.status == 3
        assert "run" in ended.err.lower() and "is named" not in ended.err


def test_the_first_characters_of_a_jobs_id_are_enough() -> None:
    """As everywhere; a name is looked for first."""
    ended = run(f"jobs show {JOB_A[:8]}")
    assert (ended.status, ended.err) == (0, "") and JOB_A in ended.out
