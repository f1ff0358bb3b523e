"""Checks of the bodies with which the API creates and changes a contact."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from service.contacts.cleaning import (
    MAX_NAME,
    MAX_VALUES,
    clean_email,
    clean_language,
    clean_phone,
    clean_text,
    clean_url,
)
from service.contacts.dates import LATEST_YEAR, parse_birthday
from service.domain.input.refusals import echo
from service.errors import FieldError, ValidationFailed

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|--[0-9]{2}-[0-9]{2}")

READ_ONLY = frozenset({"id", "source", "last_messaged_at", "last_visited_at", "page"})
"""Ignored in a body, so that what GET answered can be PUT back."""


def parse_create(body: object) -> dict[str, object]:
    """Check the body that creates a contact, and return its fields.

    Raises:
        ValidationFailed: a field is missing, unknown or malformed; names each.
    """
    return _parse(body, required=True)


def parse_update(body: object) -> dict[str, object]:
    """Check the body that changes a contact, and return the fields that it changes.

    Null clears a field, except the name. Raises like `parse_create`.
    """
    return _parse(body, required=False)


def _parse(body: object, required: bool) -> dict[str, object]:
    if not isinstance(body, dict):
        raise ValidationFailed.of("", "The body must be a JSON object.")
    fields: dict[str, object] = {}
    errors: list[FieldError] = []
    for key, value in body.items():
        if key in READ_ONLY:
            continue
        if key not in _CHECKS:
            errors.append(FieldError(str(key), f"is not a field of a contact; the fields are {', '.join(_CHECKS)}"))
            continue
        try:
            fields[key] = _CHECKS[key](value)
        except ValueError as error:
            errors.append(FieldError(key, str(error)))
    if required and "name" not in body:
        errors.append(FieldError("name", f"is required: 1–{MAX_NAME} characters"))
    if errors:
        raise ValidationFailed(errors)
    return fields


def _name(value: object) -> str:
    name = _optional_text(value)
    if name is None:
        raise ValueError(f"must be a text of 1–{MAX_NAME} characters")
    return name


def _optional_text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value.strip()) > MAX_NAME:
        raise ValueError(f"must be a text of at most {MAX_NAME} characters, or null")
    return clean_text(value)


def _birthday(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("must be a date such as 1990-04-12, --04-12 where the year is unknown, or null")
    text = value.strip()
    if text and not _DATE.fullmatch(text):  # files have more forms, and times behind the date
        raise _no_birthday(value)
    if text[:4].isdecimal() and int(text[:4]) > LATEST_YEAR:
        raise ValueError(f"must have a year up to {LATEST_YEAR}, or --04-12 where it is unknown, not {echo(value)}")
    try:
        return parse_birthday(text)
    except ValueError:
        raise _no_birthday(value) from None


def _no_birthday(value: str) -> ValueError:
    return ValueError(f"must be a date such as 1990-04-12 or --04-12, not {echo(value)}")


def _language(value: object) -> str | None:
    if value is None:
        return None
    tag = clean_language(value) if isinstance(value, str) else None
    if tag is None:
        raise ValueError("must be a language tag such as fr or de-AT, or null")
    return tag


def _deceased(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _list_of(clean: Callable[[str], str | None], what: str) -> Callable[[object], list[str]]:
    def check(value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > MAX_VALUES:
            raise ValueError(f"must be a list of at most {MAX_VALUES} {what}")
        cleaned = [clean(entry) if isinstance(entry, str) else None for entry in value]
        if None in cleaned:
            raise ValueError(f"must be {what}; number {cleaned.index(None) + 1} of the list is not")
        return list(dict.fromkeys(entry for entry in cleaned if entry))

    return check


_CHECKS: Mapping[str, Callable[[object], object]] = {
    "name": _name,
    "given_name": _optional_text,
    "family_name": _optional_text,
    "birthday": _birthday,
    "emails": _list_of(clean_email, "e-mail addresses"),
    "phones": _list_of(clean_phone, "phone numbers"),
    "urls": _list_of(clean_url, "http(s) addresses"),
    "language": _language,
    "deceased": _deceased,
}
