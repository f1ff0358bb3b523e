"""Completion: what a shell is offered, and what bash makes of names that have spaces."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from service.cli.completion import words_in
from tests.cli.canned import JOB_A, JOBS, RUN_A, CannedService, uuid
from tests.support.cli_in_process import command_line
from tests.support.processes import until


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b", ["a", "b"]), ("a b ", ["a", "b", ""]), ("", [""]), (r"a Nightly\ vi", ["a", "Nightly vi"]),
        (r"a Nightly\ ", ["a", "Nightly "]), ('a "Nightly vi', ["a", "Nightly vi"]), ("a 'it is", ["a", "it is"]),
        ('a "" b', ["a", "", "b"]), ("""a 'x "y' "z""", ["a", 'x "y', "z"]), ("a=b:c", ["a=b:c"]), ("a\\", ["a"]),
    ],
)  # fmt: skip
def test_a_line_is_split_as_a_shell_does(line: str, words: list[str]) -> None:
    """With a last word that is not finished; where it is, Python's own splitting agrees."""
    assert words_in(line) == words
    try:
        finished = shlex.split(line)
    except ValueError:
        return
    assert words_in(f"{line} ")[:-1] == finished or line.endswith("\\ ")


def offered(shell: str, *words: str, line: str = "") -> list[str]:
    """What the script of a shell gets for these words."""
    ended = command_line(CannedService(), *words, _BOT_SCHEDULER_WORDS=shell, _BOT_SCHEDULER_LINE=line)
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


@pytest.mark.parametrize(
    ("typed", "word"), [("Nig", "Nightly visit"), (r"Nightly\ v", "Nightly visit"), ("'Nig", "Nightly visit")]
)
def test_fish_completes_names_that_have_spaces(tmp_path: Path, typed: str, word: str) -> None:
    """In a real fish, which asks as at a Tab."""
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("there is no fish")
    stand_in = "#!/bin/bash\n[[ ${@: -1} == Nig* || ${@: -1} == \\'Nig* ]] && printf 'Nightly visit\\ta job\\n'\n"
    (tmp_path / "bot-scheduler").write_text(stand_in)
    (tmp_path / "bot-scheduler").chmod(0o755)
    (tmp_path / "completion").write_text(shown("fish"))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    asked = ["source completion; complete -C $argv[1]", f"bot-scheduler show {typed}"]
    said = subprocess.run(
        [fish, "--no-config", "-c", *asked], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert [line.split("\t")[0] for line in said.stdout.splitlines()] == [word], said.stderr


def test_bash_is_told_what_it_will_not_replace() -> None:
    """It replaces what is behind the last colon or equals sign of a word."""
    assert offered("bash", line="bot-scheduler jobs show Night") == ["\tNightly visit"]
    assert offered("bash", line='bot-scheduler jobs show "Nightly v') == ["\tNightly visit"]
    assert offered("bash", line="bot-scheduler history --status=f") == ["--status=\tfailed"]
    assert offered("bash", line="bot-scheduler jobs show ")[0] == "\tBirthdays"


STAND_IN = r"""#!/bin/bash
if [[ -n $_BOT_SCHEDULER_WORDS ]]; then
    case $_BOT_SCHEDULER_LINE in
        *N*) printf '\tNightly visit\n' ;;
        *All*) printf '\tAll * files\n' ;;
        *Report:*) printf 'Report:\tReport: weekly & $HOME\n' ;;
        *=f) printf -- '--status=\tfailed\n' ;;
    esac
else
    printf '<%s>\n' "$*"; for word; do printf '[%s]\n' "$word"; done
fi
"""


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("show N", "Nightly visit"), (r"show Nightly\ v", "Nightly visit"), ('show "N', "Nightly visit"),
        ("show 'Nightly v", "Nightly visit"), ("show Report:", "Report: weekly & $HOME"), ("show All", "All * files"),
        ("--status=f", "--status=failed"),
    ],
)  # fmt: skip
def test_bash_completes_names_that_have_spaces(tmp_path: Path, typed: str, word: str) -> None:
    """In a real bash on a terminal, after Tab and Enter, the command gets the name as one word."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (tmp_path / "bot-scheduler").write_text(STAND_IN)
    (tmp_path / "bot-scheduler").chmod(0o755)
    (tmp_path / "completion").write_text(shown("bash"))
    leader, terminal = pty.openpty()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(tmp_path), "PS1": "$ "}
    process = subprocess.Popen(
        [bash, "--norc", "--noprofile", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
        start_new_session=True, cwd=tmp_path,
    )  # fmt: skip
    os.close(terminal)
    os.write(leader, b"bind 'set enable-bracketed-paste off'; source completion\n")
    os.write(leader, f"bot-scheduler {typed}\t\n".encode())
    said = bytearray()

    def is_answered() -> bool:
        if select.select([leader], [], [], 0.1)[0]:
            said.extend(os.read(leader, 4096))
        return re.search(rb"<[^>]*>\r\n(\[[^\]]*\]\r\n)+\$ ", said) is not None

    try:
        until(is_answered, 20, lambda: said.decode())
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    assert f"[{word}]" in said.decode().splitlines()[-2], said.decode()


def shown(shell: str) -> str:
    """The script that `--show-completion` prints for a shell."""
    from typer._completion_shared import get_completion_script

    import service.cli.app  # noqa: F401 - which puts the scripts in place

    return get_completion_script(prog_name="bot-scheduler", complete_var="_BOT_SCHEDULER_COMPLETE", shell=shell)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_typer_hands_out_our_scripts(shell: str) -> None:
    """Its own break names at their spaces. This pins where it keeps them."""
    assert f"_BOT_SCHEDULER_WORDS={shell}" in shown(shell) and "%(" not in shown(shell)
