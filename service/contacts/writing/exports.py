"""Export of the address book as a file that other programs read, and whose import changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from service.contacts.writing import spreadsheet as spreadsheet_writer
from service.contacts.writing.vcard import vcard_of
from service.domain.people.contact import Contact

Format = Literal["vcard", "csv"]
TOGETHER = 200
"""Contacts in one piece."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of file.

    Args:
        media_type: of its content.
        file_name: the default name of the download.
        head: the beginning of the file.
        written: turns contacts into a piece of the file.
    """

    media_type: str
    file_name: str
    head: Callable[[], bytes]
    written: Callable[[Iterable[Contact]], bytes]


KINDS: dict[Format, Kind] = {
    "vcard": Kind("text/vcard; charset=utf-8", "contacts.vcf", bytes, lambda some: b"".join(map(vcard_of, some))),
    "csv": Kind("text/csv; charset=utf-8", "contacts.csv", spreadsheet_writer.heading_line, spreadsheet_writer.rows_of),
}


def written(contacts: Iterable[Contact], kind: Kind) -> Iterator[bytes]:
    """Yield the file piece by piece, in bounded memory."""
    yield kind.head()
    left = iter(contacts)
    while some := list(islice(left, TOGETHER)):
        yield kind.written(some)
