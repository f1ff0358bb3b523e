"""Cleans single values of an address book: what is a value's text becomes what is kept, or None."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

MAX_NAME = 200
MAX_VALUES = 20
"""Most e-mail addresses, phone numbers or URLs kept of one person."""
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"%]{1,64}@[^\s@,;:<>()\[\]\\\"%/?#]{1,255}")
_PHONE = re.compile(r"[+\d*#(][\d\s()./*#x,;+-]{0,39}", re.IGNORECASE)
_BARE_URL = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#]\S*)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


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


def emails_in(text: str, dropped: list[str] | None = None) -> list[str]:
    """The e-mail addresses in a value such as `a@example.org, b@example.org` or `Ann <a@example.org>`.

    Args:
        dropped: takes what is no address.
    """
    return _values_in(re.findall(r"<([^<>]*)>", text) or re.split(r"[\s,;|]+", text), clean_email, dropped)


def phones_in(text: str, dropped: list[str] | None = None) -> list[str]:
    """The phone numbers in a value.

    Args:
        dropped: takes what is no number.
    """
    return _values_in([text] if clean_phone(text) else re.split(r"[;|/]|, ", text), clean_phone, dropped)


def is_nothing(text: str) -> bool:
    """Whether an exporter wrote this for want of a value."""
    return not any(map(str.isalnum, text)) or text.strip().lower() in (
        "n/a",
        "na",
        "none",
        "null",
        "nil",
        "nan",
        "unknown",
    )


def _values_in(parts: Iterable[str], clean: Callable[[str], str | None], dropped: list[str] | None) -> list[str]:
    found = [(part, clean(part)) for part in parts]
    if dropped is not None:
        dropped += [part for part, value in found if value is None and not is_nothing(part)]
    return [value for _, value in found if value is not None]


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
