"""Refusals of the API in the words of the command line: the flag or argument that was typed, not the API's field."""

from __future__ import annotations

import re
from typing import Any

import typer

from service.cli.exits import Failure

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


def as_typed(refusal: Failure, context: typer.Context) -> Failure:
    """Name what was typed in a refusal.

    Args:
        refusal: The refusal. One without fields is returned as it is.
        context: The command and its parameters.
    """
    errors = [{**error, "field": _typed(error["field"], context)} for error in refusal.errors]
    if errors == list(refusal.errors):
        return refusal
    sentence = "; ".join(f"{error['field']} {error['message']}" for error in errors)
    return Failure(refusal.exit, sentence, errors)


def _typed(field: str, context: typer.Context) -> str:
    found = _FIELD.match(field)
    if found is None:
        return field
    name = found[0]
    if name in _PAIRS:
        member = field.removeprefix(f"{name}.")
        return f"{_flag(context, _PAIRS[name])} {member}" if _sets(context, _PAIRS[name], member) else field
    flag = _flag(context, _PARAMETERS.get(name, name)) or _flag(context, name)
    return field if flag is None else flag + field.removeprefix(name)


def _flag(context: typer.Context, name: str) -> str | None:
    """Return how a parameter is typed, if it was typed."""
    source = context.get_parameter_source(name)
    if source is None or source.name != "COMMANDLINE":
        return None
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
