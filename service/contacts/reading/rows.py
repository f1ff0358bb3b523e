"""Rows of a CSV file, in bounded memory."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from service.contacts.people import TooMuch

MAX_LINES = 1000
"""Most physical lines of one row; a longer row has an open quote."""
MAX_EMPTY = 1_000_000
"""Most empty rows of a file; each takes as much reading as another."""


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of a row of one line; an empty list if it cannot be read."""
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


class Rows:
    """Rows of a file. An open quote costs its own line, not all lines that follow.

    Args:
        lines: of the file, without their ends.
        delimiter: between two cells. Blanks after it do not belong to the cell.
    """

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self._lines = (line + "\n" for line in lines)
        self._delimiter = delimiter
        self._again: deque[str] = deque()
        self._of_row: list[str] = []

    def headings(self) -> list[str]:
        """Return the first row."""
        return self._next(strict=False) or []

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        """Yield the rows that are not blank, each with its position; in place of an unreadable row, the reason.

        Raises:
            TooMuch: too many rows are empty.
        """
        position = empty = 0
        while (row := self._read()) is not None:
            if isinstance(row, str) or any(cell.strip() for cell in row):
                position += 1
                yield position, row
                continue
            empty += 1
            if empty > MAX_EMPTY:
                raise TooMuch(f"has more than {MAX_EMPTY:,} empty rows")

    def _read(self) -> list[str] | str | None:
        try:
            return self._next(strict=True)
        except csv.Error as error:
            # The csv module's errors differ only by their words. Short lines: the quote is open.
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
        """Yield the lines of one row as the CSV reader asks for them."""
        while len(self._of_row) < MAX_LINES:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._of_row.append(line)
            yield line
