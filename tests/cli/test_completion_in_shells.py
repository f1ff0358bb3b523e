"""Completion in real shells on a terminal: after Tab and Enter, the command gets the name, and no part of it is run."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from service.cli.typed_line import read_line
from tests.support.shells import Shell

HOSTILE = [
    "$(touch F)", "`touch F`", '"; touch F; "', "'; touch F; '", r"$'\n'", "!!", "!touch", "Hi!", "~", "*", "{a,b}",
    "a & touch F", "a | touch F", "a > F", "Nächtlicher Lauf", "夜間同期", "${HOME}", "$HOME", "a\\", "\\; touch F",
    "#x", "it's", 'say "hi"', "a=b:c@d", "[a-z]?", "^x^y", "<(touch F)", "a\u00a0b", "%1", "100 %", "a;b", "~root",
    "\\`touch F\\`", "=ls",
]  # fmt: skip
WAYS = {
    "bash": ["", '"', "'", "$'", '$"', "''", '""', "--label=", '--label="', "--label='", "--label=\"x\"'' --label="],
    "zsh": ["", '"', "'", "''"],
    "fish": ["", '"', "'"],
}
"""Shell -> how a word may begin."""


@pytest.mark.parametrize(("shell", "way"), [(shell, way) for shell, ways in WAYS.items() for way in ways])
def test_a_name_is_completed_to_one_word_that_is_not_run(shell: str, way: str, tmp_path: Path) -> None:
    """However the word begins, with nothing of the name typed, or its first letters."""
    flag = "--label=" if "--label=" in way else ""
    with Shell(shell, tmp_path) as typed:
        for hostile in HOSTILE:
            if (shell, way, hostile[0]) == ("fish", "", "~"):
                continue  # fish leaves it as it is
            assert typed.enter(f"bot-scheduler show {way}\t", hostile)[-1] == f"{flag}{hostile}"
        for name in ("Night $(touch F) ", 'Night "; touch F; " '):
            assert typed.enter(f"bot-scheduler show {way}Ni\t", name)[-1] == f"{flag}{name}"
    assert not (tmp_path / "F").exists()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ('"$', "$(touch F)"), ("''$", "$(touch F)"), ("'$'", "$(touch F)"), ('"a" "Ni', "Night $(touch F)"),
        ('Ni"gh', "Night $(touch F)"), ("Ni'gh", "Night '; touch F; '"), ("Ni$'gh", "Night\\$(touch F)"),
        (r"Night\ ", "Night $(touch F)"), ("Night\\", "Night $(touch F)"), ('"Night\\', "Night $(touch F)"),
        (r'"say \"', 'say "; touch F; "'), (r"$'\140", "`touch F`"), ("a:b", "a:b; touch F"), ("a@", "a@b `touch F`"),
        ("--label='x", "x'; touch F; '"), ('--label=a"b', 'ab"; touch F; "'), ("a=", "a=b $(touch F)"),
    ],
)  # fmt: skip
def test_bash_goes_on_with_a_word_from_any_place(typed: str, name: str, tmp_path: Path) -> None:
    """Quotation marks in the middle of a word, escaped letters, and those that break words for bash."""
    with Shell("bash", tmp_path) as bash:
        assert bash.enter(f"bot-scheduler show {typed}\t", name)[-1].removeprefix("--label=") == name
    assert not (tmp_path / "F").exists()


@pytest.mark.parametrize("way", ["", '"', "'", "$'"])
def test_bash_completes_what_two_names_have_in_common(way: str, tmp_path: Path) -> None:
    """After Tab the line ends within the names, and a letter and another Tab make one of them whole."""
    pairs = [("A $(touch F) 1", "A $(touch F) 2"), ("A! 1", "A! 2"), ("A`touch F` 1", "A`touch F` 2")]
    with Shell("bash", tmp_path) as bash:
        for pair in pairs:
            assert bash.enter(f"bot-scheduler show {way}A\t1\t", *pair) == ["show", pair[0]]
    assert not (tmp_path / "F").exists()


def test_bash_runs_no_part_of_a_name_within_backticks(tmp_path: Path) -> None:
    """There a backslash goes before the words are read. Bash completes nothing there after a quotation mark."""
    with Shell("bash", tmp_path) as bash:
        for name in ("$(touch F)", "`touch F`", "\\; touch F", "\\`touch F\\`", '\\"; touch F; "', "'; touch F; '"):
            bash.enter("echo `bot-scheduler show A\t`", f"A{name}")
    assert not (tmp_path / "F").exists()


def test_bash_is_offered_nothing_where_it_reads_the_line_otherwise() -> None:
    """It takes the escaped mark within `$'…'` for the end of it."""
    assert read_line(r"bot-scheduler show $'it\'s").going_on("it's night") is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b", ["a", "b"]), ("a b ", ["a", "b", ""]), ("", [""]), (r"a Nightly\ vi", ["a", "Nightly vi"]),
        (r"a Nightly\ ", ["a", "Nightly "]), ('a "Nightly vi', ["a", "Nightly vi"]), ("a 'it is", ["a", "it is"]),
        ('a "" b', ["a", "", "b"]), ("""a 'x "y' "z""", ["a", 'x "y', "z"]), ("a=b:c", ["a=b:c"]), ("a\\", ["a"]),
        (r'a "x\y" b', ["a", r"x\y", "b"]),
    ],
)  # fmt: skip
def test_a_line_is_split_as_a_shell_does(line: str, words: list[str]) -> None:
    """With a last word that is not finished; where it is, Python's own splitting agrees."""
    assert read_line(line).words == words
    try:
        finished = shlex.split(line)
    except ValueError:
        return
    assert read_line(f"{line} ").words[:-1] == finished or line.endswith("\\ ")
