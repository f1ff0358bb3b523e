"""Completion: what the scripts of the shells are offered. `test_completion_in_shells` has the rest."""

from __future__ import annotations

import pytest

from tests.cli.canned import JOB_A, JOBS, RUN_A, CannedService, uuid
from tests.support.cli_in_process import command_line
from tests.support.shells import completion_script


def offered(shell: str, *words: str, line: str = "") -> list[str]:
    """What the script of a shell gets for these words."""
    ended = command_line(
        CannedService(), *words, _BOT_SCHEDULER_WORDS=shell, _BOT_SCHEDULER_LINE=line,
        _BOT_SCHEDULER_BREAKS=" \t\n\"'@><=;|&(:",
    )  # fmt: skip
    assert (ended.status, ended.err) == (0, "")
    return ended.out.splitlines()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["jobs", "sh"], ["show\tShow a job: its definition, its last run,..."]),
        (["jobs", "show", "N"], [name for name in (job["name"] for job in JOBS) if name.startswith("N")]),
        (["jobs", "show", "Nightly v"], ["Nightly visit"]),
        (["logs", JOB_A, ""], ["000000a1-000000a2\tsuccess", "000000a1-000000c2\tskipped"]),
        (["logs", JOB_A, "000000a1-0"], ["000000a1-000000a2\tsuccess", "000000a1-000000c2\tskipped"]),
        (["runs", "show", "000000b1-0"], ["000000b1-000000b2\tfailed"]),
        (["cancel", "Birthdays", RUN_A[:8]], [f"{RUN_A}\tsuccess"]),
        (["history", "--status", "f"], ["failed"]),
        (["jobs", "list", "--state", "sch"], ["scheduled"]),
        (["jobs", "create", "X", "--bot", "b"], ["birthday\tGreets contacts on their birthdays."]),
        (["jobs", "create", "X", "--timezone", "Europe/Vien"], ["Europe/Vienna"]),
        (["jobs", "create", "X", "--on", "mon,w"], ["mon,wed", "mon,weekdays", "mon,weekends"]),
        (["keys", "show", "k"], ["k123456789\tAda on call"]),
        (["resume", ""], [f"{uuid(0xD1)}\tThe CRM is being maintained until the evening"]),
        (["calendars", "show", "o"], ["office\tVienna office"]),
        (["batch", "dis"], ["disable"]),
        (["jobs", "list", "-o", ""], ["wide", "json", "yaml", "name"]),
        (["history", "--since", "yesterdy", "--status", "f"], ["failed"]),
        (["pause", "--job", "x", "--until", "2h", "nothing"], []),
    ],
)  # fmt: skip
def test_names_ids_zones_bots_and_statuses_are_completed(shell: str, words: list[str], some: list[str]) -> None:
    """With what they mean beside them; a mistake before the cursor does no harm."""
    typed = words if shell == "zsh" else [*words[:-1], words[-1].replace(" ", "\\ ")]  # fish hands over what was typed
    assert offered(shell, *typed) == some


@pytest.mark.parametrize("quote", ['"', "'"])
def test_zsh_hands_over_an_open_quotation_mark(quote: str) -> None:
    """Which it takes off only where it is closed. A mark within a word belongs to the name."""
    assert offered("zsh", "jobs", "show", f"{quote}Nightly v") == ["Nightly visit"]
    assert offered("zsh", "jobs", "show", f"Night{quote}") == []


def test_bash_gets_what_it_is_to_insert() -> None:
    """In place of what is behind the last colon or equals sign of a word, or behind an open quotation mark."""
    assert offered("bash", line="bot-scheduler jobs show Night") == [r"Nightly\ visit"]
    assert offered("bash", line='bot-scheduler jobs show "Nightly v') == ['Nightly visit"']
    assert offered("bash", line="bot-scheduler history --status=f") == ["failed"]
    assert offered("bash", line="bot-scheduler jobs show ")[0] == "Birthdays"


def test_an_installed_script_that_would_run_a_name_is_offered_nothing() -> None:
    """The script for bash of an earlier version, which quotes nothing within quotation marks."""
    line = "bot-scheduler jobs show Night"
    ended = command_line(CannedService(), _BOT_SCHEDULER_WORDS="bash", _BOT_SCHEDULER_LINE=line)
    assert (ended.status, ended.out) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_typer_hands_out_our_scripts(shell: str) -> None:
    """Its own break names at their spaces. This pins where it keeps them."""
    assert f"_BOT_SCHEDULER_WORDS={shell}" in completion_script(shell) and "%(" not in completion_script(shell)
