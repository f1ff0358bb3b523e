"""Names under which somebody may have been taken in by mistake, so that a mended file finds them again.

Who came without a name is called by the address until the name comes. Who came in a file that was read in a wrong
encoding has the name that the same bytes make there.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.contacts.cleaning import clean_email, clean_text
from service.domain.people.traits import Traits

CODECS = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1257", "iso8859-2", "iso8859-15", "koi8-r"),
    *("mac-roman", "mac-cyrillic", "gb18030", "big5hkscs", "shift_jis", "euc-jp", "euc-kr"),
)
"""Encodings that files are read in without being asked to."""


def is_stand_in(name: str) -> bool:
    """Whether a name is an address that stands in for one."""
    return "@" in name and clean_email(name) is not None


def mistaken(card: Traits, codec: str | None) -> Iterator[Traits]:
    """By what the person of a card may be known by mistake.

    Args:
        codec: in which somebody asked the file to be read; None if nobody did.
    """
    if not card.emails and not card.birthday:
        return
    for email in card.emails:
        if not is_stand_in(card.name):
            yield Traits(email, (), (email,))
    if codec is not None and not card.name.isascii():
        for name in dict.fromkeys(_read_otherwise(card.name, codec)):
            yield Traits(name, (), card.emails, card.birthday)


def _read_otherwise(name: str, codec: str) -> Iterator[str]:
    try:
        data = name.encode(codec)
    except UnicodeEncodeError:
        return
    for other in CODECS:
        read = clean_text(data.decode(other, "replace"))
        if other != codec and read and read != name:
            yield read
