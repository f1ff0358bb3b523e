"""Writes contacts as vCard 3.0 (RFC 2426), the version that every address book reads.

Google's, Apple's and Outlook's read 3.0, and so do phones; several do not read 4.0. A birthday without a year is
written as Apple does. `LANG` and `DEATHDATE` are of later registrations (RFC 6350, RFC 6474), and passed over by
whoever does not know them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.contacts.people import uid_of
from service.store.contact_records import Contact

MAX_OCTETS = 75
"""Of a line, without its end (RFC 2426, section 2.6)."""
_ESCAPED = re.compile(r"[\\,;]")
_UNKNOWN_YEAR = 1604
"""Apple's; a leap year, so that February 29 is one."""


def vcard_of(contact: Contact) -> bytes:
    """The contact as a card, its lines ended by CR LF."""
    return b"".join(_folded(line) for line in _lines(contact))


def _lines(contact: Contact) -> Iterator[str]:
    yield from ("BEGIN:VCARD", "VERSION:3.0", f"UID:{_text(uid_of(contact))}", f"FN:{_text(contact.name)}")
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
    yield "END:VCARD"


def _birthday(birthday: str) -> str:
    if birthday.startswith("--"):
        return f"BDAY;X-APPLE-OMIT-YEAR={_UNKNOWN_YEAR}:{_UNKNOWN_YEAR}-{birthday[2:]}"
    return f"BDAY:{birthday}"


def _text(value: str) -> str:
    return _ESCAPED.sub(r"\\\g<0>", value)


def _uri(value: str) -> str:
    """A URI is no text, so that its commas stay; but a backslash would be read as an escape."""
    return value.replace("\\", "\\\\")


def _folded(line: str) -> bytes:
    """The line in pieces of at most 75 octets, none of which ends within a character."""
    rest, pieces, room = line.encode("utf-8", "replace"), [], MAX_OCTETS
    while len(rest) > room:
        cut = room
        while rest[cut] & 0xC0 == 0x80:  # in the middle of a character
            cut -= 1
        pieces.append(rest[:cut])
        rest, room = rest[cut:], MAX_OCTETS - 1  # the blank counts, too
    return b"\r\n ".join([*pieces, rest]) + b"\r\n"
