"""What an address book's file says about one person, cleaned, and who that person is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid5

UNKNOWN_YEARS = frozenset({0, 1604})
"""Years that address books write where the year of birth is not known; 1604 is Apple's."""
MAX_NAME = 200
MAX_VALUES = 20
"""Most e-mail addresses, phone numbers or URLs kept of one person."""

_IDENTITIES = UUID("5f0b3a52-6d0e-5c1e-9d7a-0b8c8f6f6a11")
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"%]{1,64}@[^\s@,;:<>()\[\]\\\"%/?#]{1,255}")
_PHONE = re.compile(r"[+\d*#(][\d\s()./*#x,;+-]{0,39}", re.IGNORECASE)
_BARE_URL = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#]\S*)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_FULL_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d{2})(\d{2}))(?:[T ].*)?", re.DOTALL)
_YEARLESS = re.compile(r"--(\d{2})-?(\d{2})(?:[T ].*)?", re.DOTALL)


class TooMuch(ValueError):
    """A file has more than is taken in one go; says so as the predicate of a sentence whose subject is the file."""


@dataclass(frozen=True, slots=True)
class ParsedCard:
    """One person as a file gives them; what the file does not carry is None or empty.

    Args:
        position: of the card or row in its file, from 1.
        uid: the card's own identifier.
        source: `vcard` or `csv`. The other fields are `Contact`'s.
        shares_email: the same file gives the first address to somebody else, too.
    """

    position: int
    name: str
    uid: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    birthday: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: str | None = None
    source: str = "vcard"
    shares_email: bool = False

    @property
    def contact_id(self) -> str:
        """Follows from the identity: the UID, else the first e-mail address of their own, else name and birthday."""
        email = None if self.shares_email else next(iter(self.emails), None)
        return contact_id(uid=self.uid, email=email, name=self.name, birthday=self.birthday)

    def carried(self) -> dict[str, object]:
        """The contact's fields that this card has something to say about."""
        fields = ("name", "given_name", "family_name", "birthday", "emails", "phones", "urls", "language", "source")
        return {field: value for field in fields if (value := getattr(self, field))}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A card or row that could not be taken, and why; `position` counts from 1."""

    position: int
    reason: str


def told_apart(people: Iterable[ParsedCard | Skipped]) -> Iterator[ParsedCard | Skipped]:
    """The same people; whoever of a file has the address of somebody before them, but another name and birthday, is not
    them: families share addresses. Only the first of them is known by it."""
    known: dict[str, tuple[str, str]] = {}
    for one in people:
        if isinstance(one, ParsedCard) and one.emails and one.birthday and not one.uid:
            name, birthday = known.setdefault(one.contact_id, (one.name.casefold(), one.birthday[-5:]))
            if name != one.name.casefold() and birthday != one.birthday[-5:]:
                yield replace(one, shares_email=True)
                continue
        yield one


def contact_id(*, uid: str | None, email: str | None, name: str, birthday: str | None) -> str:
    """The id of the person with this identity, always the same for the same person."""
    if uid:
        identity = "uid:" + uid.strip().casefold().removeprefix("urn:uuid:")
    elif email:
        identity = "email:" + email.casefold()
    else:
        identity = f"name:{name.casefold()}:{birthday or ''}"
    return str(uuid5(_IDENTITIES, identity))


def parse_birthday(text: str, omitted_year: int | None = None) -> str | None:
    """A birthday as vCard 2.1, 3.0 and 4.0 and the programs that write them put it.

    Args:
        text: `1990-04-12`, `19900412`, `--04-12`, `--0412`, each with or without a time behind it; or nothing.
        omitted_year: a year that stands for "unknown" in this card (`X-APPLE-OMIT-YEAR`).

    Returns:
        `YYYY-MM-DD`, `--MM-DD` where the year is unknown, None for an empty text.

    Raises:
        ValueError: it is not a date with a month and a day; says why.
    """
    text = text.strip()
    if not text:
        return None
    shown = text[:60]
    year: int | None = None
    if match := _YEARLESS.fullmatch(text):
        month, day = int(match[1]), int(match[2])
    elif match := _FULL_DATE.fullmatch(text):
        year, month, day = int(match[1]), int(match[2] or match[4]), int(match[3] or match[5])
    elif re.fullmatch(r"---\d{1,2}", text):
        raise ValueError(f"the birthday “{shown}” has a day, but no month")
    elif re.fullmatch(r"\d{4}(-\d{2})?|--\d{2}", text):
        raise ValueError(f"the birthday “{shown}” has no day")
    else:
        raise ValueError(f"the birthday “{shown}” is not a date such as 1990-04-12 or --04-12")
    unknown = year is None or year in UNKNOWN_YEARS or year == omitted_year
    try:
        date(2000 if unknown or year is None else year, month, day)
    except ValueError:
        raise ValueError(f"the birthday “{shown}” does not exist in the calendar") from None
    return f"--{month:02d}-{day:02d}" if unknown else f"{year:04d}-{month:02d}-{day:02d}"


def clean_text(text: str, limit: int = MAX_NAME) -> str | None:
    """One line without control characters, cut at `limit` characters; None if nothing is left."""
    if text.isprintable():
        return " ".join(text.split())[:limit].rstrip() or None
    plain = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join(plain.split())[:limit].rstrip() or None


def clean_email(text: str) -> str | None:
    """The address without `mailto:`; None if it is none."""
    address = re.sub(r"^mailto:", "", text.strip(), flags=re.IGNORECASE)
    return address if _EMAIL.fullmatch(address) else None


def clean_phone(text: str) -> str | None:
    """The number as it is written, without `tel:`; None if it is none."""
    number = re.sub(r"^tel:", "", text.strip(), flags=re.IGNORECASE)
    return number if _PHONE.fullmatch(number) and any(char.isdigit() for char in number) else None


def clean_url(text: str) -> str | None:
    """An HTTP(S) address, with `https://` put before a bare host name; None if it is none."""
    url = text.strip().replace("\\:", ":")
    if _BARE_URL.fullmatch(url):
        url = f"https://{url}"
    return url if re.fullmatch(r"https?://[^\s/?#\\]\S*", url, re.IGNORECASE) and len(url) <= 2000 else None


def clean_language(text: str) -> str | None:
    """A language tag with hyphens; None if it is none."""
    tag = text.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) and len(tag) <= 35 else None


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """What is there, each once, in the order given, at most `MAX_VALUES`."""
    return tuple(dict.fromkeys(value for value in values if value))[:MAX_VALUES]
