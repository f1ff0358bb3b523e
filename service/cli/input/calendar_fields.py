"""Fields of calendars from flags, from files and from the editor; the service checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from service.cli.exits import Exit, Failure

Weekdays = Annotated[str | None, typer.Option("--off", metavar="DAYS", help="Closed weekdays, such as sat,sun.")]
Dates = Annotated[list[str] | None, typer.Option("--date", metavar="DATE", help="A closed day, such as 2026-12-24.")]
Ranges = Annotated[
    list[str] | None,
    typer.Option("--range", metavar="FROM..TO[=WHY]", help="Closed days, such as 2026-12-24..2027-01-06=Christmas."),
]
Country = Annotated[
    str | None, typer.Option("--country", metavar="CODE", help="Its public holidays are closed: AT, or DE-BY.")
]
Hours = Annotated[
    str | None, typer.Option("--hours", metavar="FROM-TO", help="The open part of each day, such as 08:00-18:00.")
]
Description = Annotated[str | None, typer.Option("--description", help="What it is for.")]
_FIELDS = ("description", "weekdays_off", "dates", "ranges", "country", "subdivision", "open_hours")
"""Fields that can change, in the order of the editor's text."""


def fields_of(
    off: str | None, dates: list[str] | None, ranges: list[str] | None, country: str | None, hours: str | None,
    description: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Make a calendar's fields of the flags. An empty flag takes the field away."""
    found: dict[str, Any] = {}
    if off is not None:
        found["weekdays_off"] = [day.strip() for day in off.split(",")] if off.strip() else []
    if dates:
        found["dates"] = [] if dates == [""] else dates
    if ranges:
        found["ranges"] = [] if ranges == [""] else [_range(text) for text in ranges]
    if country is not None:
        code, _, part = country.partition("-")
        found |= {"country": code or None, "subdivision": part or None}
    if hours is not None:
        start, _, end = hours.partition("-")
        found["open_hours"] = {"from": start.strip(), "to": end.strip()} if hours.strip() else None
    if description is not None:
        found["description"] = description or None
    return found


def _range(text: str) -> dict[str, str]:
    days, _, why = text.partition("=")
    first, separator, last = days.partition("..")
    span = {"from": first.strip(), "to": last.strip() if separator else first.strip()}
    return {**span, "why": why.strip()} if why.strip() else span


def parsed(raw: bytes, source: str) -> dict[str, Any]:
    """Parse a calendar's fields in YAML or JSON.

    Args:
        raw: The text.
        source: The file's name, for the error.

    Raises:
        Failure: It is neither.
    """
    from service.domain.input.strict_json import parse_object
    from service.errors import ValidationFailed
    from service.usecases.documents.document import parse_yaml  # here, because the domain takes a while to load

    try:
        return dict(parse_object(raw) if raw.lstrip().startswith(b"{") else parse_yaml(raw))
    except ValidationFailed as refusal:
        raise Failure(Exit.USAGE, f"{source}: {refusal}") from None


def as_text(calendar: Mapping[str, Any]) -> bytes:
    """Write what can change of a calendar as YAML."""
    from service.usecases.documents.document import written_yaml

    return written_yaml({name: calendar[name] for name in _FIELDS})


def changed_fields(fields: Mapping[str, Any], calendar: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that differ from a calendar's. One whose line was deleted is taken away."""
    empty: dict[str, Any] = {name: [] if isinstance(calendar[name], list) else None for name in _FIELDS}
    whole = {**empty, **fields}
    return {name: value for name, value in whole.items() if name not in calendar or value != calendar[name]}
