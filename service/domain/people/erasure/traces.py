"""Traces of one person in texts, and how they are cut out of them.

Names, e-mail addresses, phone numbers and URLs are searched for. What is shared with others, such as a line of a log,
is cut visibly and stays: `[erased]` stands where the person was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from unicodedata import normalize

from service.domain.people.contact import Contact
from service.domain.people.erasure import spellings
from service.domain.people.traits import as_sent

ERASED = "[erased]"
SHORTEST_WORD = 3
"""Characters of a name of a single word; a shorter one is searched for in entries about the person alone."""
SHORTEST_PHONE = 5
_ABOUT = ("contact_id", "id", "contact")
"""Fields that say whom an entry is about."""
_FIELD = re.compile(r"[A-Za-z_]+")


@dataclass(frozen=True)
class Traces:
    """What is searched for.

    Args:
        names, emails, phones, urls: the person's, as contacts have them.
        ids: each id of the person -> what stands for it from now on.
    """

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    ids: Mapping[str, str] | None = None

    def cut(self, text: str) -> str:
        """Return a text without the person, with other ids in place of theirs. JSON stays JSON."""
        if not self._may_be_in(text):
            return text
        if text[:1] in ("{", "["):
            try:
                found = json.loads(text)
            except ValueError:
                return self._cut_plain(text)
            cut = self._cut_value(found)
            return text if cut == found else json.dumps(cut, ensure_ascii=False, separators=(",", ":"))
        return self._cut_plain(text)

    def are_in(self, text: str) -> bool:
        """Return whether the person stands in a text."""
        return self.cut(text) != text

    def _may_be_in(self, text: str) -> bool:
        """Return whether it is worth to look closely: whether the longest word of something occurs, or all digits."""
        lowered = text.lower()
        if any(word in lowered for word in self._words):
            return True
        return bool(self._digits) and any(digits in _digits_of(text) for digits in self._digits)

    @cached_property
    def _digits(self) -> tuple[str, ...]:
        return tuple(map(_digits_of, self.phones))

    @cached_property
    def _words(self) -> tuple[str, ...]:
        values = (*self.names, *self.emails, *self.urls, *(self.ids or ()))
        composed = (normalize("NFC", value).lower() for value in values)  # a letter may be written as two
        words = {max(re.findall(r"[a-z0-9]*", value), key=len) for value in composed}
        return ("",) if "" in words else tuple(words)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        patterns = [spellings.of_address(value) for value in _longest_first((*self.emails, *self.urls))]
        patterns += [spellings.of_words(name) for name in _longest_first(self.names) if _is_telling(name)]
        patterns += [spellings.of_digits(phone) for phone in self.phones]
        return re.compile("|".join(patterns) or r"(?!)", re.IGNORECASE)

    @cached_property
    def _ids(self) -> re.Pattern[str]:
        return re.compile("|".join(self.ids or ()) or r"(?!)", re.IGNORECASE)

    def _cut_plain(self, text: str) -> str:
        return self.renamed(self._pattern.sub(ERASED, text))

    def renamed(self, text: str) -> str:
        """Return a text with the other ids in place of theirs."""
        ids = self.ids or {}
        return self._ids.sub(lambda found: ids[found[0].lower()], text)

    def _cut_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.cut(value)
        if isinstance(value, list):
            return [self._cut_value(one) for one in value]
        if isinstance(value, dict):
            if any(value.get(name) in (self.ids or ()) for name in _ABOUT if isinstance(value.get(name), str)):
                return {name: self._blank(one) for name, one in value.items()}
            return {self._cut_name(name): self._cut_value(one) for name, one in value.items()}
        return value

    def _cut_name(self, name: str) -> str:
        """Cut the name of a field, which may be a person's where a bot writes so; a plain word is a field's own."""
        return name if _FIELD.fullmatch(name) else self._cut_plain(name)

    def _blank(self, value: Any) -> Any:
        """Empty an entry that is about the person: its texts go whole; ids, numbers and truth values stay."""
        if isinstance(value, str):
            return self.renamed(value) if self._ids.fullmatch(value) else ERASED
        if isinstance(value, list):
            return [self._blank(one) for one in value]
        if isinstance(value, dict):
            return {name: self._blank(one) for name, one in value.items()}
        return value


def traces_of(contacts: list[Contact], ids: Mapping[str, str]) -> Traces:
    """Return what to search for.

    Args:
        contacts: the contact, and those that were merged into it; none if only the ids are known.
        ids: see `Traces`.
    """
    names = [name for contact in contacts for name in _names(contact)]
    emails = [form for contact in contacts for email in contact.emails for form in (email, as_sent(email))]
    phones = [phone for contact in contacts for phone in contact.phones]
    urls = [form for contact in contacts for url in contact.urls for form in _addresses(url)]
    return Traces(
        tuple(dict.fromkeys(names)),
        tuple(dict.fromkeys(emails)),
        tuple(phone for phone in dict.fromkeys(phones) if len(re.sub(r"\D", "", phone)) >= SHORTEST_PHONE),
        tuple(dict.fromkeys(urls)),
        ids,
    )


def _names(contact: Contact) -> list[str]:
    given, family = contact.given_name, contact.family_name
    both = [f"{given} {family}", f"{family} {given}", f"{family}, {given}"] if given and family else []
    return [contact.name, *both]


def _addresses(url: str) -> list[str]:
    """Return a URL, and, if it names more than a host, the same without its scheme."""
    bare = url.rstrip("/")
    short = re.sub(r"^[a-z][a-z0-9+.-]*:(//)?", "", bare, flags=re.IGNORECASE)
    return [bare, short] if re.search(r"[/@?]", short) else [bare]


def _digits_of(text: str) -> str:
    return re.sub(r"%(?:25)*2[0-9A-Fa-f]|\\+u00[0-9A-Fa-f]{2}|[^0-9]", "", text)


def _is_telling(name: str) -> bool:
    return len(name) >= SHORTEST_WORD or not name.isascii() or " " in name


def _longest_first(texts: tuple[str, ...]) -> list[str]:
    return sorted(texts, key=len, reverse=True)
