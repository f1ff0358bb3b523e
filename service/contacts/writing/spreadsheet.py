"""CSV with our own headings, which the import understands without any option."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from service.contacts.people import uid_of
from service.contacts.writing.formulas import disarmed
from service.domain.people.contact import Contact

HEADINGS = (
    "uid", "name", "given_name", "family_name", "birthday", "emails", "phones", "urls", "language", "deceased",
)  # fmt: skip
_BETWEEN, _BETWEEN_LONG = " ::: ", "\n ::: "
"""Google's separator of several values in a cell; long values stand on lines of their own, since lines have a limit."""
_LONG = 8_000
"""Most characters of a cell."""


def heading_line() -> bytes:
    """Return the beginning of the file. Its byte order mark makes Excel read UTF-8."""
    return codecs.BOM_UTF8 + _written([HEADINGS])


def rows_of(contacts: Iterable[Contact]) -> bytes:
    """Return a row for each contact, protected against formulas, see `service.contacts.writing.formulas`."""
    return _written([disarmed(cell) for cell in _cells(contact)] for contact in contacts)


def _cells(contact: Contact) -> Sequence[str]:
    return (
        uid_of(contact),
        contact.name,
        contact.given_name or "",
        contact.family_name or "",
        contact.birthday or "",
        _joined(contact.emails),
        _joined(contact.phones),
        _joined(contact.urls),
        contact.language or "",
        "yes" if contact.deceased else "",
    )


def _joined(values: Sequence[str]) -> str:
    between = _BETWEEN if sum(map(len, values)) < _LONG else _BETWEEN_LONG
    return between.join(values)


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
