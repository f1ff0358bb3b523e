"""vCards, written line by line and read back."""

from __future__ import annotations

import io

from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.vcard import read


def card(*lines: str, version: str = "3.0") -> str:
    """A card with these properties."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def read_all(data: str | bytes) -> list[ParsedCard | Skipped]:
    """Everything in a file."""
    return list(read(io.BytesIO(data.encode() if isinstance(data, str) else data)))


def read_one(data: str | bytes) -> ParsedCard:
    """The one card of a file."""
    (found,) = read_all(data)
    assert isinstance(found, ParsedCard), found
    return found
