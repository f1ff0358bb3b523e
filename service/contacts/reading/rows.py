"""The rows of a CSV file, in bounded memory."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from service.contacts.people import TooMuch

MAX_LINES = 1000
"""Physical lines of one row; one that is longer has a quote that nobody closed."""
MAX_EMPTY = 1_000_000
"""Rows that hold nothing, in a file; each costs as much reading as another."""


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a row that is one line; none of one that cannot be read."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


class Rows:
    """A file's rows. A quote that is not closed costs the line on which it stands, not all that follow.

    Args:
        lines: the file's, without their ends.
        delimiter: between two cells. Blanks behind it are not the cell's.
    """

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._lines = (line + "\n" for line in lines)
        self._delimiter = delimiter
        self._again: deque[str] = deque()
        self._of_row: list[str] = []

    def headings(self) -> list[str]:
        """The first row."""
        return self._next(strict=False) or []

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """The rows that are not blank, each with its position; in place of one that cannot be read, why.

        Raises:
            TooMuch: too many rows hold nothing.
        """
        position = empty = 0
        while (row := self._read()) is not None:
            if isinstance(row, str) or any(cell.strip() for cell in row):
                position += 1
                yield position, row
                continue
            empty += 1
            if empty > MAX_EMPTY:
                raise TooMuch(f"has more than {MAX_EMPTY:,} rows that hold nothing")

    def _read(self) -> list[str] | str | None:
        try:
            return self._next(strict=True)
        except csv.Error as error:
            # The module tells its errors apart by their words alone; lines are too short for a field that is not open.
            is_open = "unexpected end" in str(error) or "field limit" in str(error)
            self._again.extendleft(reversed(self._of_row[1:] if is_open else self._of_row))
        if is_open:
            return "a quote is opened on this line and not closed"
        try:
            return self._next(strict=False)  # quotes within a cell
        except csv.Error as error:
            return f"the row cannot be read: {error}"

    def _next(self, strict: bool) -> list[str] | None:
        self._of_row = []
        reader = csv.reader(self._feed(), delimiter=self._delimiter, skipinitialspace=True, strict=strict)
        return next(reader, None)

    def _feed(self) -> Iterator[str]:
        """Lines, one by one as the reader asks for them, for one row."""
        while len(self._of_row) < MAX_LINES:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._of_row.append(line)
            yield line
