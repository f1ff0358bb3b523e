"""URLs with a contact's fields in braces, and the values for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bot_scheduler import Contact
from service.messages.addresses import email_to_send, phone_to_send

_FIELD = re.compile(r"\{([a-z_]+)\}")
ADDRESSES = ("email", "phone", "url")
"""The fields that are addresses."""


FIELDS: Mapping[str, Callable[[Contact], str | None]] = {
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
"""The value to send for each field."""


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
        """A name in braces that no contact has, or None."""
        return next((field for field in self.fields if field not in FIELDS), None)

    def suits(self, contact: Contact) -> bool:
        """Return whether the contact has every field that the text names."""
        return all(FIELDS[field](contact) for field in self.fields)

    def filled(self, values: Values) -> str:
        """Return the URL with each field's value in place of its name, quoted for a URL."""
        return self.replaced(lambda field: quote(values[field], safe=""))

    def replaced(self, made: Callable[[str], str]) -> str:
        """Return the text with something in place of each name."""
        return _FIELD.sub(lambda match: made(match[1]), self.text)


def values_of(contact: Contact, fields: Iterable[str], region: str | None) -> dict[str, str]:
    """Return the values to send for the fields of a contact who has them.

    Args:
        contact: the recipient.
        fields: the names of the fields.
        region: `PHONE_REGION`, or None.

    Raises:
        DeliveryFailed: a message cannot be sent to an address; the message names it.
    """
    return {field: _value(field, FIELDS[field](contact) or "", region) for field in fields}


def _value(field: str, text: str, region: str | None) -> str:
    if field == "email":
        return email_to_send(text)
    if field == "phone":
        return phone_to_send(text, region)
    return one_line(text)


def one_line(text: str) -> str:
    """Return `text` on one line: blanks replace line breaks, terminal controls and halves of characters."""
    plain = (" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in text)
    return " ".join("".join(plain).split())
