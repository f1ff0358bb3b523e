"""URLs with a contact's fields in braces, and the values that are put into their places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from service.messages.addresses import email_to_send, phone_to_send

_FIELD = re.compile(r"\{([a-z_]+)\}")
ADDRESSES = ("email", "phone", "url")
"""Fields that say where a message goes."""


class Recipient(Protocol):
    """The fields of a contact that a URL may name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def birthday(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def emails(self) -> Sequence[str]: ...
    @property
    def phones(self) -> Sequence[str]: ...
    @property
    def urls(self) -> Sequence[str]: ...


FIELDS: Mapping[str, Callable[[Recipient], str | None]] = {
    "email": lambda contact: next(iter(contact.emails), None),
    "phone": lambda contact: next(iter(contact.phones), None),
    "url": lambda contact: next(iter(contact.urls), None),
    "id": lambda contact: contact.id,
    "name": lambda contact: contact.name,
    "given_name": lambda contact: contact.given_name,
    "family_name": lambda contact: contact.family_name,
    "birthday": lambda contact: contact.birthday,
    "language": lambda contact: contact.language,
}
Values = Mapping[str, str]
"""What goes out for each field."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with names of fields in braces."""

    text: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(_FIELD.findall(self.text))

    @property
    def unknown_field(self) -> str | None:
        """A name in braces that no contact has; None if there is none."""
        return next((field for field in self.fields if field not in FIELDS), None)

    def suits(self, contact: Recipient) -> bool:
        """Whether the contact has every field that is named."""
        return all(FIELDS[field](contact) for field in self.fields)

    def filled(self, values: Values) -> str:
        """The URL with each field's value in place of its name, quoted as a URL needs."""
        return self.replaced(lambda field: quote(values[field], safe=""))

    def replaced(self, made: Callable[[str], str]) -> str:
        """The text with something in place of each name."""
        return _FIELD.sub(lambda match: made(match[1]), self.text)


def values_of(contact: Recipient, fields: Iterable[str], region: str | None) -> dict[str, str]:
    """What goes out for the fields of a contact who has them.

    Args:
        region: `PHONE_REGION`, or None.

    Raises:
        DeliveryFailed: an address is none that a message can be sent to; names it.
    """
    return {field: _value(field, FIELDS[field](contact) or "", region) for field in fields}


def _value(field: str, text: str, region: str | None) -> str:
    if field == "email":
        return email_to_send(text)
    if field == "phone":
        return phone_to_send(text, region)
    return one_line(text)


def one_line(text: str) -> str:
    """`text` on one line: blanks in place of what breaks lines, steers a terminal, or is half a character."""
    plain = (" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join("".join(plain).split())
