"""Possible duplicates: whether two contacts may be one person.

A person decides, so this suggests more than matching (`service.contacts.matching.identity`) takes for certain: contacts
with the same name that share an e-mail address, a phone number or the birthday; and contacts with the same e-mail
address and similar names whose birthdays do not contradict each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher

from service.domain.people.contact import Contact
from service.domain.people.names import name_key
from service.domain.people.traits import as_sent

SIMILAR = 0.8
"""Least share of two words that must be the same, from 0 to 1."""
LEAST_LETTERS, MOST_LETTERS = 3, 40
"""Length of words that are compared letter by letter, which takes time by the product of their lengths."""
PHONE_DIGITS = 8
"""Number of last digits that are compared: prefixes are written in many ways."""
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_NOT_DIGITS = re.compile(r"\D")
_EXTENSION = re.compile(r"[x;,#].*", re.IGNORECASE | re.DOTALL)


def keys_of(one: Contact) -> Iterator[str]:
    """Yield keys; two contacts that may be one person have at least one in common."""
    name = name_key(one.name)
    yield from (f"e{as_sent(email)}" for email in one.emails)
    yield from (f"p{number}\0{name}" for number in _numbers(one))
    if one.birthday:
        yield f"b{one.birthday[-5:]}\0{name}"


def reasons(first: Contact, second: Contact) -> list[str]:
    """Return why two contacts may be one person; an empty list if they hardly are."""
    shares_address = bool(_addresses(first) & _addresses(second))
    if name_key(first.name) != name_key(second.name):
        is_similar = shares_address and not _contradict(first, second) and similar(first.name, second.name)
        return ["the same e-mail address and similar names"] if is_similar else []
    shared = {
        "an e-mail address": shares_address,
        "a phone number": bool(_numbers(first) & _numbers(second)),
        "the birthday": bool(first.birthday and second.birthday) and not _contradict(first, second),
    }
    return [f"the same name and {what}" for what, is_shared in shared.items() if is_shared]


def similar(first: str, second: str) -> bool:
    """Tell whether two names may be one: a word is missing, shortened, or spelt a little differently.

    >>> similar("J. Doe", "John Doe"), similar("Jon Doe", "John Doe"), similar("Amelia Rivers", "Anna Rivers")
    (True, True, False)
    """
    if _letters(first) == _letters(second):
        return True
    short, long = sorted((set(name_key(first).split()), set(name_key(second).split())), key=len)
    odd, others = sorted(short - long), sorted(long - short)
    if not odd:
        return True
    return len(odd) == len(others) == 1 and len(short) > 1 and _alike(odd[0], others[0])


def _letters(name: str) -> str:
    """Return a name without accents, blanks and marks."""
    text = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    return "".join(char for char in text if char.isalnum())


def _alike(first: str, second: str) -> bool:
    short, long = sorted((first, second), key=len)
    if long.startswith(short):
        return True
    if len(short) < LEAST_LETTERS or len(long) > MOST_LETTERS:
        return False
    return SequenceMatcher(None, short, long, autojunk=False).ratio() >= SIMILAR


def _contradict(first: Contact, second: Contact) -> bool:
    """Tell whether the birthdays differ, so that one person cannot have both."""
    one, other = first.birthday, second.birthday
    if not one or not other:
        return False
    return one[-5:] != other[-5:] or (one[0] != "-" and other[0] != "-" and one != other)


def _addresses(one: Contact) -> set[str]:
    return set(map(as_sent, one.emails))


def _numbers(one: Contact) -> set[str]:
    digits = (_NOT_DIGITS.sub("", _EXTENSION.sub("", phone)) for phone in one.phones)
    return {number[-PHONE_DIGITS:] for number in digits if len(number) >= LEAST_LETTERS}
