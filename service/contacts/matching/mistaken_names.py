"""Mistaken names: names that an earlier import may have given, so that a corrected file finds the same people.

Somebody without a name has the address as the name until the name comes. Somebody whose file was read in a wrong
encoding has the name that the same bytes make in that encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.contacts.cleaning import clean_email, clean_text
from service.domain.people.traits import Traits

CODECS = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1257", "iso8859-2", "iso8859-15", "koi8-r"),
    *("mac-roman", "mac-cyrillic", "gb18030", "big5hkscs", "shift_jis", "euc-jp", "euc-kr"),
)
"""Encodings that are guessed without the client's option."""


def is_stand_in(name: str) -> bool:
    """Tell whether a name is an address that stands in for a name."""
    return "@" in name and clean_email(name) is not None


def mistaken(card: Traits, codec: str | None) -> Iterator[Traits]:
    """Return the traits that an earlier import may have given to a card's person by mistake.

    Args:
        card: the traits that the card has now.
        codec: the encoding that the client asked for; None if it asked for none.
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
