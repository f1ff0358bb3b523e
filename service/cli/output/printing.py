"""Print sentences and fields for people, and notes and errors to standard error.

There are no colours if NO_COLOR is set or the output is not a terminal.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from service.cli.exits import Failure
from service.cli.output.escaping import clean, line
from service.cli.output.formats import manner
from service.cli.output.times import CLOCK, is_time, relative, utc

_COLOURS = {
    "success": "green", "failed": "red", "running": "blue", "queued": "cyan",
    "cancelled": "yellow", "skipped": "yellow",
    "scheduled": "green", "broken": "red", "disabled": "dim", "ended": "dim",
    "debug": "dim", "warning": "yellow", "error": "red", "critical": "red",
    "create": "green", "update": "yellow", "delete": "red",
    "ok": "green", "problem": "red", "unknown": "dim",
}  # fmt: skip
_WORD = re.compile(r"\s*\S+\s*")
_STRAIGHT = re.compile(r'(`[^`]*`|\{[^}]*\}|\[[^\]]*\]|“[^”]*”|: bot-scheduler .*)|"([^"\n]*)"')
_COMMAND = ": bot-scheduler "
"""What comes before a command at the end of a sentence."""
UNLIMITED_WIDTH = 100_000
NARROWEST_VALUE = 30
"""The least room for the values of fields, in characters."""


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED_WIDTH  # one record, one line, for grep
    return console


def out() -> Console:
    """Return standard output, for people."""
    return _console(stderr=False)


def err() -> Console:
    """Return standard error."""
    return _console(stderr=True)


def coloured(word: object, by: str | None = None) -> Text:
    """Colour `word` as the state `by`, or as the state that it names itself."""
    return Text(line(word), style=_COLOURS.get(by or str(word), ""))


def moment(at: str) -> str:
    """Write a time of the API's, and on a terminal first how far it is from now: `in 8 h (2027-01-15T08:00:00 UTC)`."""
    return f"{relative(at, CLOCK.now())} ({utc(at)})" if is_time(at) and out().is_terminal else utc(at)


def say(text: object) -> None:
    """Print a line for people."""
    if not manner().quiet:
        _print_sentence(clean(text), out())


def hand_over(text: object) -> None:
    """Print a result that is wanted also by those who want nothing else, such as a new key."""
    out().print(Text(clean(text)), soft_wrap=True)


def note(text: object) -> None:
    """Print a line to standard error, beside the result."""
    if not manner().quiet:
        _print_sentence(clean(text), err())


def _print_sentence(text: str, console: Console) -> None:
    """Print a sentence: on a terminal broken between words, but for a command in it, which somebody may copy."""
    for part in text.split("\n"):
        sentence, colon, command = part.partition(_COMMAND) if _is_long(part, console) else (part, "", "")
        for piece in _lines(Text(sentence + colon[:1]), console.width) if console.is_terminal else [Text(sentence)]:
            print_row(piece, console)
        if command:
            console.print(Text(f"  {colon[2:]}{command}"), soft_wrap=True)


def _is_long(text: str, console: Console) -> bool:
    return console.is_terminal and cell_len(text) > console.width


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line, without the values that are None."""
    given = [(name, value if isinstance(value, Text) else Text(clean(value)))
             for name, value in fields if value is not None]  # fmt: skip
    widest = max((cell_len(name) for name, _ in given), default=0)
    for name, value in given:
        show_columns(Text(name, style="bold"), widest, value)


def show_columns(head: Text, width: int, value: Text) -> None:
    """Print a heading of a width, and beside it a value, over as many lines as it needs."""
    console, indent = out(), width + 2
    for part in _broken(value, console, indent):
        print_row(
            Text.assemble(head, " " * (indent - head.cell_len), part), console
        )  # the style of the head is its own
        head = Text()


def _broken(value: Text, console: Console, indent: int) -> list[Text]:
    """Break a value between words. A long word stays whole: the terminal breaks it, and it can still be copied."""
    parts = list(value.split("\n", allow_blank=True))
    if not console.is_terminal:
        return parts
    room = max(console.width - indent, NARROWEST_VALUE)
    return [piece for part in parts for piece in _lines(part, room)]


def _lines(text: Text, room: int) -> list[Text]:
    """Break a text between words."""
    places, width = [], 0
    for word in _WORD.finditer(text.plain):
        if width and width + cell_len(word[0].rstrip()) > room:
            places.append(word.start())
            width = 0
        width += cell_len(word[0])
    return list(text.divide(places))


def print_row(row: Text, console: Console) -> None:
    """Print one line as it is, without spaces at its end."""
    row.rstrip()
    console.print(row, soft_wrap=True)


def print_indented(text: str, indent: int, console: Console) -> None:
    """Print a text some characters in; on a terminal broken between words, and from the second line on two more."""
    room = max(console.width - indent - 2, NARROWEST_VALUE)
    for number, piece in enumerate(_lines(Text(text), room) if console.is_terminal else [Text(text)]):
        print_row(Text(" " * (indent + 2 * (number > 0))) + piece, console)


def show_failure(failure: Failure) -> None:
    """Print why a command did not do its work."""
    console = err()
    several = len(failure.errors) > 1  # the API's sentence has all of them on one line
    sentence = f"{len(failure.errors)} fields are invalid:" if several else failure.sentence
    told = [Text.assemble(("Error: ", "bold red"), _with_marks(clean(sentence)))]
    if several:
        told += [Text(_with_marks(f"  {line(error['field'])} {line(error['message'])}")) for error in failure.errors]
    for one in (row for text in told for row in text.split("\n")):
        for piece in _lines(one, console.width) if console.is_terminal else [one]:
            print_row(piece, console)


def _with_marks(sentence: str) -> str:
    """Write the quotation marks of a sentence of the API's as all others; those of JSON and of commands stay."""
    return _STRAIGHT.sub(lambda found: found[1] or f"“{found[2]}”", sentence)


def is_interactive() -> bool:
    """Say whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()
