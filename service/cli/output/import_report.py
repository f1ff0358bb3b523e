"""Report of an imported address book, for people."""

from __future__ import annotations

import re
from typing import Any

from service.cli.output.escaping import counted, line, quoted
from service.cli.output.printing import note, say

_OLDER: dict[str, Any] = {"warnings": [], "warnings_total": 0, "ignored_columns": []}
"""Fields that the answer of an older release lacks."""
SHOWN = 20
"""The most skipped entries, warnings and headings to print. `--json` has up to 1,000."""
_COUNTED = "Entries are numbered from 1; headings and blank lines do not count."
_FIELD = re.compile(r"“[^”]*”|\b(date_order|charset)\b(=?)")
_MORE = "  … and {} more; --json shows up to 1,000"


def show_report(answer: dict[str, Any]) -> None:
    """Print the counts to standard output, and everything skipped, guessed or not understood to standard error."""
    answer = _OLDER | answer
    say(f"{answer['created']} new, {answer['updated']} updated, {answer['unchanged']} unchanged")
    if "with_birthday" in answer:
        say(f"With a birthday: {answer['with_birthday']}")
        say(f"With an e-mail address or a phone number: {answer['with_address']}")
    _tell_columns(answer["ignored_columns"])
    _tell_warnings(answer["warnings"], answer["warnings_total"])
    _tell_skipped(answer["skipped"], answer["skipped_total"])
    if answer["skipped_total"] or answer["warnings_total"]:
        note(_COUNTED)


def in_flags(sentence: str) -> str:
    """Replace the fields in a sentence of the API by the command's flags, but not inside quotations."""
    return _FIELD.sub(lambda found: _flag(*found.groups()) if found[1] else found[0], sentence)


def _flag(field: str, equals: str) -> str:
    return f"--{field.replace('_', '-')}{' ' if equals else ''}"


def _tell_columns(headings: list[str]) -> None:
    if headings:
        more = f" and {len(headings) - SHOWN} more" if len(headings) > SHOWN else ""
        note(f"Ignored columns: {', '.join(map(quoted, headings[:SHOWN]))}{more}")


def _tell_warnings(warnings: list[dict[str, Any]], total: int) -> None:
    if not total:
        return
    note(f"{counted(total, 'warning')}:")
    # Warnings about the whole file come first: they often explain the others.
    ordered = sorted(warnings, key=lambda warning: warning["position"] is not None)
    for warning in ordered[:SHOWN]:
        note(f"  {_whom(warning)}{line(in_flags(warning['reason']))}")
    if total > SHOWN:
        note(_MORE.format(total - SHOWN))
    note("Correct the file, or say how to read it (--date-order, --charset), and import it again.")


def _whom(warning: dict[str, Any]) -> str:
    if warning["position"] is None:
        return ""
    return f"entry {warning['position']}, {line(warning['name'])}: "


def _tell_skipped(skipped: list[dict[str, Any]], total: int) -> None:
    if not total:
        return
    note(f"{total} skipped:")
    for entry in skipped[:SHOWN]:
        note(f"  entry {entry['position']}: {line(entry['reason'])}")
    if total > SHOWN:
        note(_MORE.format(total - SHOWN))
