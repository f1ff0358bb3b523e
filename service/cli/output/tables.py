"""Tables: a record is a line. On a terminal, columns are shortened and left out until a line fits.

In a pipe, and with `-o wide`, nothing is shortened, and times are those of the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.text import Text

from service.cli.output.escaping import line
from service.cli.output.formats import Format, manner
from service.cli.output.printing import out, print_row
from service.cli.output.times import CLOCK, is_time, relative, to_the_minute

BETWEEN = "  "
SHORT_ID = 8
"""Characters of an id that tell it from others nearly always; commands take as many in place of the whole."""
NAME_LEAST = 24
"""Characters that a name keeps, if it has them; a table leaves out less important columns first."""
_LEAST = {"text": 8, "local": 0, "id": SHORT_ID, "run": 2 * SHORT_ID + 1, "time": 0, "whole": 0}
_IDS = ("id", "run")


@dataclass(frozen=True, slots=True)
class RunCell:
    """The id of a run, as the cell of a table. Its short form is that of no other run, whatever its job.

    The runs of a job's occurrences begin alike, and those that are due together end alike.

    Args:
        job_id: The job's.
        run_id: The run's.
    """

    job_id: str
    run_id: str

    def __str__(self) -> str:
        """Return the run's id."""
        return self.run_id

    @property
    def short(self) -> str:
        """Return the beginning of the job's id and the end of the run's; commands take it in place of the whole."""
        return f"{self.job_id[:SHORT_ID]}-{self.run_id[-SHORT_ID:]}" if self.run_id else ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Args:
        heading: Its heading.
        kind: What its cells are: a `text` may be cut, an `id` stays recognizable by its beginning, and that of
            a `run` (a `RunCell`) by its short form; a `time` of the API's is told relative to now, a `local` one to
            the minute and without its offset, and anything `whole` is never cut.
        least: The width below which it is not cut; None is the usual one of its kind.
        rank: Where there is no room, the column with the highest rank is left out first; one of rank 0 never.
    """

    heading: str
    kind: Literal["text", "id", "run", "time", "local", "whole"] = "text"
    least: int | None = None
    rank: int = 0

    def shortest(self, width: int) -> int:
        """Return the least width of a column whose cells need this width."""
        least = _LEAST[self.kind] if self.least is None else self.least
        return min(width, max(least, cell_len(self.heading))) if least else width


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. Cells that are None stay empty."""
    console, rows = out(), list(rows)
    fits = console.is_terminal and manner().format is not Format.WIDE
    cells = [[_cell(value, column, fits) for value, column in zip(row, columns, strict=True)] for row in rows]
    headings = [column.heading if fits or column.kind != "time" else f"{column.heading} (UTC)" for column in columns]
    places = [place for place in range(len(columns)) if not fits or any(row[place].plain for row in cells)]
    widths = {
        place: max(cell_len(text) for text in [headings[place], *(row[place].plain for row in cells)])
        for place in places
    }
    if fits:
        widths = fitted({place: columns[place] for place in places}, widths, console.width)
    head = [Text(heading, style="bold") for heading in headings]
    print_row(
        Text(BETWEEN).join(_sized(head[place], width, columns[place]) for place, width in widths.items()), console
    )
    for row, values in zip(cells, rows, strict=True):
        sized = (_sized(row[place], width, columns[place], values[place]) for place, width in widths.items())
        print_row(Text(BETWEEN).join(sized), console)


def fitted(columns: dict[int, Column], widths: dict[int, int], room: int) -> dict[int, int]:
    """Choose the columns that fit, and their widths.

    Args:
        columns: Place -> column.
        widths: Place -> the width of its longest cell or heading.
        room: The width of the terminal.

    Returns:
        Place -> width, of the columns that stay. Even they may be too wide together.
    """
    kept = dict(widths)
    while _total(columns[place].shortest(width) for place, width in kept.items()) > room:
        rank, place = max((columns[place].rank, place) for place in kept)
        if rank == 0:
            break
        del kept[place]
    least = {place: columns[place].shortest(width) for place, width in kept.items()}
    while _total(kept.values()) > room and (cut := [place for place in kept if kept[place] > least[place]]):
        # Ids go first: eight characters of one serve as well as thirty-six.
        widest = max(cut, key=lambda place: (columns[place].kind in _IDS, kept[place]))
        kept[widest] = least[widest] if columns[widest].kind in _IDS else kept[widest] - 1
    return kept


def _total(widths: Iterable[int]) -> int:
    found = list(widths)
    return sum(found) + len(BETWEEN) * (len(found) - 1)


def _cell(value: object, column: Column, fits: bool) -> Text:
    if isinstance(value, Text):
        return value
    if fits and column.kind == "time" and is_time(value):
        return Text(relative(str(value), CLOCK.now()))
    if fits and column.kind == "local" and isinstance(value, str):
        return Text(to_the_minute(value))
    return Text("" if value is None else line(value))


def _sized(cell: Text, width: int, column: Column, value: object = None) -> Text:
    sized = Text(value.short) if isinstance(value, RunCell) and width < cell_len(cell.plain) else cell.copy()
    sized.truncate(width, overflow="crop" if column.kind in _IDS else "ellipsis", pad=True)
    return sized
