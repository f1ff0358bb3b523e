"""Mistakes at the command line, and answers that lack something: one plain sentence each, and the right exit code."""

from __future__ import annotations

import shlex

import pytest

from service.cli.exits import Exit
from service.domain.runs.past_runs import LISTED_RUNS
from tests.cli.canned import JOBS, RUNS, CannedService
from tests.support.cli_in_process import command_line
from tests.support.command import Ended


def typed(line: str, **answers: object) -> Ended:
    """What a command line ends with; `answers` stand for those of the service, by noun."""
    service = CannedService()
    service.answers = service.answers | {("GET", f"/scheduler/{noun}"): found for noun, found in answers.items()}
    return command_line(service, *shlex.split(line))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("runs list --limit 0", "--limit must be 1 or more; see `bot-scheduler runs list --help`"),
        ("runs list --limit many", "--limit must be a whole number; see `bot-scheduler runs list --help`"),
        (
            "jobs list -o xml",
            "--output must be one of “wide”, “json”, “yaml”, “name”, not “xml”; see `bot-scheduler jobs list --help`",
        ),
        ("jobs lst", "No such command “lst”. Did you mean “list”? Or see `bot-scheduler jobs --help`"),
        (
            "jobs show a b",
            "“b” is too much; put a name that has blanks between quotation marks; see `bot-scheduler jobs",
        ),
        ("jobs show", "JOB is missing; see `bot-scheduler jobs show --help`"),
        ("pause --all", "--reason is missing; see `bot-scheduler pause --help`"),
        ("jobs create X --bot visitor --at 08:00,25:00", "--at takes a time such as 08:30, or several"),
        ("--profile nope jobs list", "There is no profile “nope”. To make one: bot-scheduler login URL"),
        ("runs list --since 25:00", "--since takes a span such as 2h or 7d"),
        ("runs list --until 8am", "--until takes a span such as 2h or 7d"),
    ],
)
def test_a_mistake_is_named_in_plain_words(line: str, said: str) -> None:
    """None of a library's own words, and no request."""
    ended = typed(line)
    assert (ended.status, ended.out) == (Exit.USAGE, "")
    assert (
        said in ended.err
        and "'" not in ended.err
        and "Input should" not in ended.err
        and "Value error" not in ended.err
    )


@pytest.mark.parametrize(
    ("line", "noun"), [("keys list", "keys"), ("audit", "audit"), ("jobs list", "jobs"), ("history", "runs")]
)
def test_an_answer_without_a_field_is_told_and_not_shown(line: str, noun: str) -> None:
    """Another program answers, or another release: no traceback."""
    ended = typed(line, **{noun: [{"id": "x"}]})
    assert (ended.status, ended.out) == (Exit.UNREACHABLE, "")
    assert "has no field" in ended.err and "of the same release" in ended.err and "Traceback" not in ended.err


def test_who_takes_a_name_twice_is_told() -> None:
    """The job is made all the same; a pipe gets the same line as before."""
    name = JOBS[0]["name"]
    line = f"jobs create {name} --bot birthday --at 08:00"
    alone, beside = typed(line), typed(line, jobs=[*JOBS, {**JOBS[1], "name": name}])
    assert alone.status == beside.status == 0 and alone.out == beside.out
    assert "had this name already" not in alone.err
    assert "1 other job had this name already" in beside.err


def test_the_end_of_what_is_kept_is_told() -> None:
    """The list of all jobs' runs has so many: whoever asks for more is told."""
    short, whole = (
        typed("runs list", runs=RUNS),
        typed("runs list --limit 20000", runs=RUNS * (LISTED_RUNS // len(RUNS) + 1)),
    )
    assert "has the newest" not in short.err
    assert f"has the newest {LISTED_RUNS:,}" in whole.err
