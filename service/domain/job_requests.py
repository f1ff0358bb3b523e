"""Bodies of the requests about jobs, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.access.labels import checked_labels
from service.domain.heartbeats.terms import is_watched, require_watchable
from service.domain.input.refusals import Refusals, echo, require_object
from service.domain.job import DEFINITION_FIELDS, READ_ONLY_FIELDS, JobDefinition
from service.domain.job_fields import (
    Configs,
    checked_boolean,
    checked_bot_type,
    checked_description,
    checked_members,
    checked_name,
    checked_options,
    checked_schedule,
    validate_bot_config,
)
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Schedule, tidied
from service.domain.timestamps import parse_timestamp
from service.errors import ValidationFailed

PREVIEW_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A request for a preview. `from_ms`: epoch milliseconds; None means now."""

    schedule: Schedule
    options: Options
    from_ms: int | None
    count: int


def parse_create(body: object, configs: Configs) -> JobDefinition:
    """Parse the job that `POST /jobs` describes.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    refusals = Refusals()
    fields = _job_fields(body, refusals)
    defaults: dict[str, Any] = {
        "description": None, "enabled": True, "bot_config": {}, "options": {}, "labels": {},
    }  # fmt: skip
    return _whole_job(defaults | fields, configs, refusals)


def parse_update(body: object, current: JobDefinition, configs: Configs) -> JobDefinition:
    """Parse the job that `PUT /jobs/{id}` makes of the current one.

    It replaces the named top-level fields, and checks the whole.

    Raises:
        ValidationFailed: naming every field that is refused, `bot_type` if it would change.
    """
    refusals = Refusals()
    fields = _job_fields(body, refusals)
    if fields.pop("bot_type", current.bot_type) != current.bot_type:
        refusals.add("bot_type", f"cannot change after the job is created; it is {echo(current.bot_type)}")
    return _whole_job(current.definition_fields() | fields, configs, refusals)


def _job_fields(body: object, refusals: Refusals) -> dict[str, Any]:
    """Return the definition's fields in a body: leave read-only ones out, refuse unknown ones."""
    given = require_object(body, "")
    fields = {key: value for key, value in given.items() if key not in READ_ONLY_FIELDS}
    refusals.unknown(fields, DEFINITION_FIELDS, "", "a job")
    return fields


def _whole_job(fields: Mapping[str, Any], configs: Configs, refusals: Refusals) -> JobDefinition:
    """Make the job of these fields, unless something was or is refused."""
    fields = dict(fields)
    if "schedule_config" in fields:
        fields["schedule_config"] = tidied(fields["schedule_config"])
    name = refusals.attempt(lambda: checked_name(fields))
    description = refusals.attempt(lambda: checked_description(fields["description"]))
    enabled = refusals.attempt(lambda: checked_boolean(fields["enabled"], "enabled"))
    bot_type = refusals.attempt(lambda: checked_bot_type(fields, configs))
    schedule = refusals.attempt(lambda: checked_schedule(fields))
    bot_config = None
    if bot_type is not None:
        bot_config = refusals.attempt(lambda: validate_bot_config(bot_type, fields["bot_config"], configs))
    if bot_type is not None and bot_config is not None and schedule is not None:
        refusals.attempt(lambda: checked_members(schedule, bot_type, bot_config, configs))
    options = refusals.attempt(lambda: checked_options(fields["options"]))
    if bot_type is not None and is_watched(bot_type):
        refusals.attempt(lambda: require_watchable(schedule, options))
    labels = refusals.attempt(lambda: checked_labels(fields["labels"]))
    refusals.raise_any()
    assert name is not None and bot_type is not None and bot_config is not None and options is not None
    assert labels is not None
    return JobDefinition(
        name=name,
        description=description,
        bot_type=bot_type,
        enabled=bool(enabled),
        schedule_type=fields["schedule_type"],
        schedule_config=fields["schedule_config"],
        bot_config=bot_config,
        options=options,
        labels=labels,
    )


def parse_toggle(body: object) -> bool:
    """Parse the state that `POST /jobs/{id}/toggle` asks for.

    Raises:
        ValidationFailed: the body is not `{"enabled": true}` or `{"enabled": false}`.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("enabled",), "", "the body")
    if "enabled" not in fields:
        refusals.add("enabled", "is required: true or false")
    enabled = refusals.attempt(lambda: checked_boolean(fields.get("enabled", False), "enabled"))
    refusals.raise_any()
    return bool(enabled)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A request for a run by hand.

    Args:
        overlay: laid over the job's `bot_config` for this run alone, not yet checked against the bot; None for nothing.
        at: when it is to start, epoch seconds; None for now.
    """

    overlay: dict[str, Any] | None = None
    at: int | None = None


def parse_run_request(body: object | None) -> RunRequest:
    """Parse the run that `POST /jobs/{id}/run` asks for.

    Raises:
        ValidationFailed: the body is neither absent nor `{"at": …, "bot_config": {…}}`, each of them optional.
    """
    if body is None:
        return RunRequest()
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("at", "bot_config"), "", "the body")
    at = refusals.attempt(lambda: parse_timestamp(fields["at"], "at") if "at" in fields else None)
    overlay = refusals.attempt(
        lambda: require_object(fields["bot_config"], "bot_config") if "bot_config" in fields else None
    )
    refusals.raise_any()
    return RunRequest(overlay, at)


def parse_move(body: object) -> int:
    """Parse the time that `PUT /jobs/{id}/runs/{run_id}` moves a run to.

    Returns:
        Epoch seconds.

    Raises:
        ValidationFailed: the body is not `{"at": …}`.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("at",), "", "the body")
    at = refusals.attempt(lambda: parse_timestamp(fields.get("at"), "at"))
    refusals.raise_any()
    assert at is not None
    return at


def parse_preview(body: object) -> PreviewRequest:
    """Parse a request for a preview, `POST /preview`.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("schedule_type", "schedule_config", "options", "from", "count"), "", "a preview")
    schedule = refusals.attempt(lambda: checked_schedule(fields))
    options = refusals.attempt(lambda: parse_options(fields.get("options", {})))
    start = refusals.attempt(lambda: _from(fields.get("from")))
    count = refusals.attempt(lambda: _count(fields.get("count", 10)))
    refusals.raise_any()
    assert schedule is not None and options is not None and count is not None
    return PreviewRequest(schedule, options, start, count)


def _from(value: object) -> int | None:
    return None if value is None else parse_timestamp(value, "from") * 1000


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= PREVIEW_LIMIT:
        raise ValidationFailed.of("count", f"must be a whole number from 1 to {PREVIEW_LIMIT}, not {echo(value)}")
    return value
