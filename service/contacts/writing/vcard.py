"""vCard 3.0 (RFC 2426), the version that every address book reads.

Google's, Apple's and Outlook's read 3.0, and so do phones; several do not read 4.0. A birthday without a year is
written as Apple does. `LANG` and `DEATHDATE` are later registrations (RFC 6350, RFC 6474); programs that do not
know them ignore them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.contacts.people import uid_of
from service.domain.people.contact import Contact

MAX_OCTETS = 75
"""Most octets of a line, without its end (RFC 2426, section 2.6)."""
_ESCAPED = re.compile(r"[\\,;]")
_EDGE = re.compile(r"(?<=:)(?=\s*VCARD)", re.IGNORECASE)
"""Card marks within a name: readers that look for `BEGIN:VCARD` in damaged files must not find it there."""
_UNKNOWN_YEAR = 1604
"""Apple's placeholder; a leap year, so that February 29 exists."""


def vcard_of(contact: Contact) -> bytes:
    """Return the contact as a card, with lines that end in CR LF."""
    lines = b"".join(_folded(line) for line in _lines(contact))
    return b"BEGIN:VCARD\r\n" + lines + b"END:VCARD\r\n"


def _lines(contact: Contact) -> Iterator[str]:
    yield from ("VERSION:3.0", f"UID:{_text(uid_of(contact))}", f"FN:{_text(contact.name)}")
    yield f"N:{_text(contact.family_name or '')};{_text(contact.given_name or '')};;;"
    if contact.birthday is not None:
        yield _birthday(contact.birthday)
    yield from (f"EMAIL;TYPE=INTERNET:{_text(email)}" for email in contact.emails)
    yield from (f"TEL;TYPE=VOICE:{_text(phone)}" for phone in contact.phones)
    yield from (f"URL:{_uri(url)}" for url in contact.urls)
    if contact.language is not None:
        yield f"LANG:{_text(contact.language)}"
    if contact.deceased:
        yield "DEATHDATE;VALUE=text:unknown"


def _birthday(birthday: str) -> str:
    if birthday.startswith("--"):
        return f"BDAY;X-APPLE-OMIT-YEAR={_UNKNOWN_YEAR}:{_UNKNOWN_YEAR}-{birthday[2:]}"
    return f"BDAY:{birthday}"


def _text(value: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", value)


def _uri(value: str) -> str:
    """Write a URI: its commas stay, since it is not a text; a backslash would be read as an escape."""
    return value.replace("\\", "\\\\")


def _folded(line: str) -> bytes:
    """Fold the line into pieces of at most 75 octets that split no character and do not look like a card's edge."""
    pieces = [piece for part in _EDGE.split(line) for piece in _cut(part.encode("utf-8", "replace"))]
    return b"\r\n ".join(pieces) + b"\r\n"


def _cut(rest: bytes) -> Iterator[bytes]:
    while len(rest) > MAX_OCTETS - 1:  # the blank that a fold begins with counts, too
        cut = MAX_OCTETS - 1
        while rest[cut] & 0xC0 == 0x80:  # in the middle of a character
            cut -= 1
        yield rest[:cut]
        rest = rest[cut:]
    yield rest
