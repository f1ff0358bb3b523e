"""Layout of a spreadsheet: its headings, and facts that only all rows show together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from service.contacts.people import TooMuch
from service.contacts.reading.charsets import FileText
from service.contacts.reading.date_orders import DateEvidence
from service.contacts.reading.headings import NAMING, Columns, columns_of
from service.contacts.reading.lines import Lines
from service.contacts.reading.rows import Rows, cells_of
from service.contacts.reading.written_dates import read_birthday
from service.contacts.writing.formulas import rearmed

DELIMITERS = ",;\t|"
MAX_HEADING_LINE = 20
"""Lines that may contain the headings; programs put notes before them."""
MAX_HEADING = 100
MAX_IGNORED = 100
"""Most headings that are reported as not understood."""
_SEPARATOR = re.compile(r"\"?sep=(.)\"?[,;\t|]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Spreadsheet with known headings.

    Args:
        lines: of the file.
        text: their decoder.
        first: the number of the headings' line, from 0.
    """

    lines: Lines
    text: FileText
    first: int
    delimiter: str
    columns: Columns

    def rows(self) -> Iterator[tuple[int, list[str] | str]]:
        """Return the rows below the headings, see `Rows`. May be called again."""
        rows = Rows(map(self.text.decode, islice(self.lines, self.first, None)), self.delimiter)
        rows.headings()
        return iter(rows)


@dataclass(slots=True)
class Facts:
    """Facts that all rows of a spreadsheet show together.

    `dates`: evidence of the order of dates. `whole` and `partial`: the number of rows whose column Name contains, or
    lacks, the given or family name beside it. `filled`: columns with values that are not imported.
    """

    dates: DateEvidence = field(default_factory=DateEvidence)
    whole: int = 0
    partial: int = 0
    filled: set[int] = field(default_factory=set)

    @property
    def is_name_half(self) -> bool:
        """Whether the column Name has only the half of names that no other column has."""
        return self.partial > self.whole


def find_sheet(lines: Lines, text: FileText) -> Sheet | None:
    """Find the spreadsheet in a file; None if no line near its beginning has known headings."""
    best: tuple[int, Sheet] | None = None
    delimiters, is_first = DELIMITERS, True
    for number, line in enumerate(islice(lines, MAX_HEADING_LINE)):
        decoded = text.decode(line)
        if is_first and (separator := _SEPARATOR.fullmatch(decoded.strip())):
            delimiters = separator[1]
            continue
        for delimiter in delimiters:
            columns = columns_of(cells_of(decoded, delimiter))
            weight = columns.weight()
            if weight >= (1 if is_first else 2) and (best is None or weight > best[0]):
                best = weight, Sheet(lines, text, number, delimiter, columns)
        is_first = is_first and not decoded.strip()
    return best[1] if best else None


def examine(sheet: Sheet, limit: int) -> Facts:
    """Read all rows, at most `limit`, for the facts that they show together."""
    facts = Facts()
    try:
        for position, row in islice(sheet.rows(), limit):
            if isinstance(row, list):
                _examine(facts, sheet.columns, position, row)
    except TooMuch:
        pass  # the reader of the rows reports it
    return facts


def _examine(facts: Facts, columns: Columns, position: int, row: list[str]) -> None:
    for index in columns.unknown:
        if index >= len(row):
            break
        if (cell := row[index]) and not cell.isspace():
            facts.filled.add(index)
    for name in columns.doubled:
        _note_doubled(facts, columns.fields[name], row, name == "birthday")
    for cell in cells(columns, row, "birthday"):
        facts.dates.add(position, cell)
    if columns.has_half_names:
        _compare_names(facts, columns, row)
    for index in columns.fields.get("organization", ()):
        if index < len(row) and row[index].strip() and any(first(columns, row, name) for name in NAMING):
            facts.filled.add(index)


def _note_doubled(facts: Facts, indexes: tuple[int, ...], row: list[str], are_dates: bool) -> None:
    """Note columns that compete for one value: the first filled one counts, others are lost."""
    found = [(index, cell) for index in indexes if index < len(row) and (cell := row[index].strip())]
    if are_dates:
        found = [(index, cell) for index, cell in found if read_birthday(cell).date is not None]
    facts.filled.update(index for index, cell in found[1:] if cell != found[0][1])


def _compare_names(facts: Facts, columns: Columns, row: list[str]) -> None:
    """Note whether Name has the whole name, or only the half that has no column of its own."""
    name = first(columns, row, "name").casefold().replace(",", " ").split()
    half = (first(columns, row, "given") or first(columns, row, "family")).casefold().split()
    if name and half:
        is_whole = set(half) <= set(name)
        facts.whole += is_whole
        facts.partial += not is_whole


def ignored_columns(columns: Columns, facts: Facts) -> list[str]:
    """Return the headings of columns with values that were not imported, shortened if they are long or many."""
    indexes = sorted(facts.filled)
    told = [
        " ".join(columns.headings[index].split())[:MAX_HEADING] or f"column {index + 1}"
        for index in indexes[:MAX_IGNORED]
    ]
    more = len(indexes) - MAX_IGNORED
    return [*told, f"and {more:,} more"] if more > 0 else told


def cells(columns: Columns, row: list[str], name: str) -> list[str]:
    """Return the values of a field in a row; Google puts several into one cell."""
    return [text for index in columns.fields.get(name, ()) for text in values_at(row, index)]


def values_at(row: list[str], index: int) -> list[str]:
    """Return the values in a cell."""
    if index >= len(row) or not (cell := rearmed(row[index].strip())):
        return []
    return [text for part in (cell.split(" ::: ") if ":::" in cell else (cell,)) if (text := part.strip())]


def first(columns: Columns, row: list[str], name: str) -> str:
    """Return the first value of a field in a row; empty if the row lacks it."""
    return next(iter(cells(columns, row, name)), "")
