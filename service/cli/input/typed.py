"""Refusals of the API in the words of the command line: the flag or argument that was typed, not the API's field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import typer

from service.cli.exits import Failure
from service.cli.input.job_files import source_name
from service.cli.output.escaping import quoted

_PARAMETERS = {
    "bot_type": "bot", "bot_types": "bot", "q": "search", "job_id": "job",
    "enabled_only": "enabled", "expires_at": "expires", "overlap_seconds": "overlap", "digest_seconds": "digest",
    "max_per_hour": "per_hour", "quiet_hours": "quiet", "weekdays_off": "off", "dates": "date", "ranges": "range_",
    "open_hours": "hours", "subdivision": "country", "scopes": "scope", "from": "from_", "at": "instant",
    "move_to": "to", "emails": "email", "phones": "phone", "urls": "url",
}  # fmt: skip
"""Field of the API -> parameter of the command that sets it, where their names differ."""
_PAIRS = {"bot_config": "set_", "options": "option", "labels": "label"}
"""Object of the API -> parameter whose `KEY=VALUE` sets a field of it."""
_FIELD = re.compile(r"[a-z_]+")
_PLACE = re.compile(r"\[(\d+)\]")
_PLACE_TOLD = re.compile(r"must be (.+); number (\d+) of the list is not")
_SCHEDULE = ("schedule_type", "schedule_config")
_NO_SCHEDULE = {
    "field": "A schedule",
    "message": "is required: --at 08:30, --every 2h, --monthly 15 --at 08:30, --once, --cron or --rrule",
}


def as_typed(refusal: Failure, context: typer.Context) -> Failure:
    """Name what was typed in a refusal.

    Args:
        refusal: The refusal. One without fields is returned as it is.
        context: The command and its parameters.
    """
    errors: list[Mapping[str, str]] = []
    for error in refusal.errors:
        told = _in_words(error, context)
        errors += [told] if told not in errors else []
    if errors == list(refusal.errors):
        return refusal
    sentence = "; ".join(f"{error['field']} {error['message']}" for error in errors)
    return Failure(refusal.exit, sentence, errors)


def _in_words(error: Mapping[str, str], context: typer.Context) -> Mapping[str, str]:
    """Name what was typed in one refused field, or what is to be typed where a field is missing."""
    field, message = error["field"], error["message"]
    if field == "body" and isinstance(file := context.params.get("file"), str):
        return {**error, "field": source_name(file)}
    if message.startswith("is required") and not context.params.get("file"):
        if field in _SCHEDULE and "cron" in context.params:
            return _NO_SCHEDULE
        return {**error, "field": _missing(field, context)}
    typed = _typed(field, context, message)
    if typed != field and (place := _PLACE_TOLD.fullmatch(message)):
        value = _value(context, _PARAMETERS.get(field, field), int(place[2]) - 1)
        message = message if value is None else f"must be {place[1]}, not {quoted(value)}"
    return {**error, "field": typed, "message": message}


def _missing(field: str, context: typer.Context) -> str:
    """Return the flag or argument that sets a field which is missing."""
    name, _, member = field.partition(".")
    if member and name in _PAIRS and _PAIRS[name] in context.params:
        return f"{_written(context, _PAIRS[name])} {member}="
    return _written(context, _PARAMETERS.get(name, name)) or field


def _value(context: typer.Context, name: str, place: int) -> str | None:
    """Return one of the values of an option that was repeated."""
    values = context.params.get(name)
    return str(values[place]) if isinstance(values, list) and place < len(values) else None


def _typed(field: str, context: typer.Context, message: str) -> str:
    found = _FIELD.match(field)
    if found is None:
        return field
    name = found[0]
    if name in _PAIRS:
        member = field.removeprefix(f"{name}.")
        return f"{_flag(context, _PAIRS[name])} {member}" if _sets(context, _PAIRS[name], member) else field
    parameter = _PARAMETERS.get(name, name)
    flag, rest = _flag(context, parameter) or _flag(context, name), field.removeprefix(name)
    if flag is not None and (place := _PLACE.fullmatch(rest)) is not None:
        value = _value(context, parameter, int(place[1]))
        rest = "" if value is None or value in message else f" {quoted(value)}"
    return field if flag is None else flag + rest


def _flag(context: typer.Context, name: str) -> str | None:
    """Return how a parameter is typed, if it was typed."""
    source = context.get_parameter_source(name)
    return None if source is None or source.name != "COMMANDLINE" else _written(context, name)


def _written(context: typer.Context, name: str) -> str | None:
    """Return how a parameter is typed; None if the command has none of this name."""
    parameter: Any = next((one for one in context.command.params if one.name == name), None)
    if parameter is None:
        return None
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or name.upper()).strip("[].…")
    return str(max(parameter.opts, key=len))


def _sets(context: typer.Context, parameter: str, member: str) -> bool:
    """Tell whether one of the pairs that were typed has set a field, or a part of which it is."""
    keys = (pair.partition("=")[0] for pair in context.params.get(parameter) or ())
    return any(key and member.startswith(key) for key in keys)
