"""Print JSON for programs, tables and colours for people, and notes and errors to standard error.

There are no colours if NO_COLOR is set or the output is not a terminal. Foreign text, such as a bot's log, can neither
control the terminal nor pass for another line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.exits import Failure

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_COLOURS = {
    "success": "green", "failed": "red", "running": "blue", "queued": "cyan",
    "cancelled": "yellow", "skipped": "yellow",
    "scheduled": "green", "broken": "red", "disabled": "dim", "ended": "dim",
    "debug": "dim", "warning": "yellow", "error": "red", "critical": "red",
    "create": "green", "update": "yellow", "delete": "red",
    "ok": "green", "problem": "red", "unknown": "dim",
}  # fmt: skip
UNLIMITED_WIDTH = 100_000


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


def clean(text: object) -> str:
    """Escape the control characters and changes of direction in `text`."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], str(text))


def line(text: object) -> str:
    """Escape likewise, and put `text` on one line."""
    return clean(str(text).replace("\n", "\\n"))


def readable(value: object) -> str:
    """Put a value on one line, for people."""
    return ("yes" if value else "no") if isinstance(value, bool) else line(value)


def counted(number: int, word: str) -> str:
    """Count in words: `1 warning`, `2 warnings`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def utc(at: str) -> str:
    """Write a time of the API's; in a column whose heading says UTC, it stands alone."""
    return f"{at} UTC"


def coloured(word: object, by: str | None = None) -> Text:
    """Colour `word` as the state `by`, or as the state that it names itself."""
    return Text(line(word), style=_COLOURS.get(by or str(word), ""))


def labels_shown(labels: Mapping[str, str]) -> str | None:
    """Write labels in a line; None without any."""
    return ", ".join(f"{name}={value}" for name, value in labels.items()) or None


def job_state(job: Mapping[str, Any]) -> Text:
    """Return a job's state, whether a pause covers it, and its health unless that is well."""
    state = coloured(job["state"])
    if job.get("paused") and job["enabled"]:
        state.append(", paused", style="yellow")
    if job.get("health") not in (None, "ok"):
        state.append(f", {job['health']}", style="yellow")
    return state


def next_run(job: Mapping[str, Any]) -> str | None:
    """Return when a job runs next, UTC; `paused` where a pause covers that. None if it does not run any more."""
    at, until = job["next_run_at"], job.get("paused_until")
    if at is None or "paused_until" not in job or not job["enabled"]:
        return at if at is None else str(at)
    if until is None:
        return "paused"
    return f"paused until {until}" if at < until else str(at)


def next_run_words(job: Mapping[str, Any]) -> str | None:
    """Say when a job runs next, on a line of its own."""
    at = next_run(job)
    return "paused until somebody ends that" if at == "paused" else at and utc(at)


def setting_shown(value: object) -> str | None:
    """Write one setting of a job; None if it is empty."""
    if value is None or value == [] or isinstance(value, str):
        return value or None
    return json.dumps(_without_none(value), ensure_ascii=False)


def _without_none(value: Any) -> Any:
    """Leave out of objects what is not set."""
    if isinstance(value, dict):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    return [_without_none(part) for part in value] if isinstance(value, list) else value


def show_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def show_json_line(value: Any) -> None:
    """Print one JSON document on one line, without delay: for streams."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: object) -> None:
    """Print a line for people."""
    out().print(Text(clean(text)), soft_wrap=True)


def note(text: object) -> None:
    """Print a line to standard error, beside the result."""
    err().print(Text(clean(text)), soft_wrap=True)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Cells that are None stay empty."""
    table = Table(*headings, box=box.SIMPLE_HEAD if out().is_terminal else None, header_style="bold", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print(table)


def show_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line, without the values that are None."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            grid.add_row(name, value if isinstance(value, Text) else Text(clean(value)))
    _print(grid)


def _print(table: Table) -> None:
    console = out()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as capture:
        console.print(table)
    for row in capture.get().splitlines():
        sys.stdout.write(row.rstrip() + "\n")


def show_failure(failure: Failure) -> None:
    """Print why a command did not do its work."""
    console = err()
    several = len(failure.errors) > 1  # the API's sentence has all of them on one line
    sentence = f"{len(failure.errors)} fields are invalid:" if several else failure.sentence
    console.print(Text.assemble(("Error: ", "bold red"), clean(sentence)), soft_wrap=True)
    if several:
        for error in failure.errors:
            console.print(Text(f"  {line(error['field'])} {line(error['message'])}"), soft_wrap=True)


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text("" if value is None else line(value))


def is_interactive() -> bool:
    """Say whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()
