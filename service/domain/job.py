"""A job's definition, and the bodies of the requests about jobs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel

from service.domain.input.refusals import Refusals, echo, listed, require_object
from service.domain.input.validation import validated
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import SCHEDULE_TYPES, Schedule, parse_schedule, tidied
from service.domain.timestamps import parse_timestamp
from service.errors import ValidationFailed
from service.secrecy.secret_hosts import is_binding

Configs = Mapping[str, type[BaseModel]]
"""Each known `bot_type`'s model of its `bot_config`."""

DEFINITION_FIELDS = (
    "name",
    "description",
    "bot_type",
    "enabled",
    "schedule_type",
    "schedule_config",
    "bot_config",
    "options",
)
READ_ONLY_FIELDS = frozenset(
    {
        "id",
        "created_at",
        "updated_at",
        "last_run_at",
        "last_run_status",
        "last_run_error",
        "next_run_at",
        "state",
        "state_reason",
        "revision",
    }
)
PREVIEW_LIMIT = 1000
NAME_LIMIT = 200
DESCRIPTION_LIMIT = 500


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """What the author of a job decides. `schedule_config` is as it was given (see `tidied`), `bot_config` whole."""

    name: str
    description: str | None
    bot_type: str
    enabled: bool
    schedule_type: str
    schedule_config: dict[str, Any]
    bot_config: dict[str, Any]
    options: Options

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> JobDefinition:
        """The definition that `definition_fields` wrote down; more keys do not matter.

        Raises:
            ValidationFailed: the options are not valid (any more).
        """
        plain = {name: fields[name] for name in DEFINITION_FIELDS if name != "options"}
        return cls(**plain, options=parse_options(fields["options"]))

    @property
    def schedule(self) -> Schedule:
        """The schedule, understood.

        Raises:
            ValidationFailed: it is not valid (any more).
        """
        return _understood(self.schedule_type, self.schedule_config)

    @property
    def cron_expression(self) -> str | None:
        """The cron expression as it was given; None for another type of schedule."""
        return self.schedule_config.get("cron_expression") if self.schedule_type == "cron" else None

    def definition_fields(self) -> dict[str, Any]:
        """The eight fields, JSON-ready, in the contract's order."""
        return {
            name: self.options.model_dump() if name == "options" else getattr(self, name) for name in DEFINITION_FIELDS
        }


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What `POST /preview` asks for. `from_ms`: epoch milliseconds; None means now."""

    schedule: Schedule
    options: Options
    from_ms: int | None
    count: int


def parse_create(body: object, configs: Configs) -> JobDefinition:
    """The job that `POST /jobs` describes.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    refusals = Refusals()
    fields = _job_fields(body, refusals)
    defaults: dict[str, Any] = {"description": None, "enabled": True, "bot_config": {}, "options": {}}
    return _whole_job(defaults | fields, configs, refusals)


def parse_update(body: object, current: JobDefinition, configs: Configs) -> JobDefinition:
    """The job that `PUT /jobs/{id}` makes of the current one: the named top-level fields replaced, the whole checked.

    Raises:
        ValidationFailed: naming every field that is refused, `bot_type` if it would change.
    """
    refusals = Refusals()
    fields = _job_fields(body, refusals)
    if fields.pop("bot_type", current.bot_type) != current.bot_type:
        refusals.add("bot_type", f"cannot change: it is {echo(current.bot_type)}, and stays so for this job's life")
    return _whole_job(current.definition_fields() | fields, configs, refusals)


def _job_fields(body: object, refusals: Refusals) -> dict[str, Any]:
    """The definition's fields in a body, read-only ones left out, unknown ones refused."""
    given = require_object(body, "")
    fields = {key: value for key, value in given.items() if key not in READ_ONLY_FIELDS}
    refusals.unknown(fields, DEFINITION_FIELDS, "", "a job")
    return fields


def _whole_job(fields: Mapping[str, Any], configs: Configs, refusals: Refusals) -> JobDefinition:
    """The job of these fields, unless something was or is refused."""
    fields = dict(fields)
    if "schedule_config" in fields:
        fields["schedule_config"] = tidied(fields["schedule_config"])
    name = refusals.attempt(lambda: _name(fields))
    description = refusals.attempt(lambda: _description(fields["description"]))
    enabled = refusals.attempt(lambda: _boolean(fields["enabled"], "enabled"))
    bot_type = refusals.attempt(lambda: _bot_type(fields, configs))
    refusals.attempt(lambda: _schedule(fields))
    bot_config = None
    if bot_type is not None:
        bot_config = refusals.attempt(lambda: validate_bot_config(bot_type, fields["bot_config"], configs))
    options = refusals.attempt(lambda: _options(fields["options"]))
    refusals.raise_any()
    assert name is not None and bot_type is not None and bot_config is not None and options is not None
    return JobDefinition(
        name=name,
        description=description,
        bot_type=bot_type,
        enabled=bool(enabled),
        schedule_type=fields["schedule_type"],
        schedule_config=fields["schedule_config"],
        bot_config=bot_config,
        options=options,
    )


def _name(fields: Mapping[str, Any]) -> str:
    expected = f"text of 1 to {NAME_LIMIT} characters"
    if "name" not in fields:
        raise ValidationFailed.of("name", f"is required: {expected}")
    value = fields["name"]
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= NAME_LIMIT:
        raise ValidationFailed.of("name", f"must be {expected}, not {echo(value)}")
    name = value.strip()
    if not name.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name
    ):
        raise ValidationFailed.of("name", f"must be one line without control characters, not {echo(value)}")
    return name


def _description(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > DESCRIPTION_LIMIT:
        raise ValidationFailed.of(
            "description", f"must be text of at most {DESCRIPTION_LIMIT} characters or null, not {echo(value)}"
        )
    if _holds(value, ("Cc", "Cs"), but="\t\n\r"):
        raise ValidationFailed.of("description", f"must be text without control characters, not {echo(value)}")
    return value


def _holds(text: str, categories: tuple[str, ...], but: str = "") -> bool:
    """Whether a text has a character of these Unicode categories, none of which is printable."""
    return not text.isprintable() and any(
        unicodedata.category(character) in categories and character not in but for character in text
    )


def _boolean(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise ValidationFailed.of(field, f"must be true or false, not {echo(value)}")
    return value


def _bot_type(fields: Mapping[str, Any], configs: Configs) -> str:
    value = fields.get("bot_type")
    if isinstance(value, str) and value in configs:
        return value
    known = listed(echo(name) for name in sorted(configs))
    if "bot_type" not in fields:
        raise ValidationFailed.of("bot_type", f"is required: {known}")
    raise ValidationFailed.of("bot_type", f"must be {known}, not {echo(value)}")


def _schedule(fields: Mapping[str, Any]) -> Schedule:
    refusals = Refusals()
    if "schedule_type" not in fields:
        refusals.add("schedule_type", f"is required: {listed(map(echo, SCHEDULE_TYPES))}")
    if "schedule_config" not in fields:
        refusals.add("schedule_config", "is required: a JSON object")
    refusals.raise_any()
    return _understood(fields["schedule_type"], fields["schedule_config"])


def _understood(kind: object, config: object) -> Schedule:
    """As `parse_schedule`; many jobs share a schedule, and one job's is asked for several times."""
    if isinstance(kind, str) and isinstance(config, dict) and len(config) <= 8:
        try:
            return _parsed(kind, orjson.dumps(config))
        except (TypeError, ValidationFailed):
            pass  # refused in the words that fit what was given
    return parse_schedule(kind, config)


@lru_cache(8192)
def _parsed(kind: str, config: bytes) -> Schedule:
    return parse_schedule(kind, orjson.loads(config))


def validate_bot_config(bot_type: str, config: object, configs: Configs) -> dict[str, Any]:
    """A bot's configuration, whole, with its defaults.

    Args:
        bot_type: which bot's.
        config: what was given.
        configs: the known bots' models.

    Returns:
        A JSON-ready dict.

    Raises:
        ValidationFailed: the bot is not known, or naming the fields below `bot_config`.
    """
    known = _bot_type({"bot_type": bot_type}, configs)
    return validated(configs[known], config, "bot_config").model_dump(mode="json")


def parse_toggle(body: object) -> bool:
    """The state that `POST /jobs/{id}/toggle` asks for.

    Raises:
        ValidationFailed: the body is not `{"enabled": true}` or `{"enabled": false}`.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("enabled",), "", "the body")
    if "enabled" not in fields:
        refusals.add("enabled", "is required: true or false")
    enabled = refusals.attempt(lambda: _boolean(fields.get("enabled", False), "enabled"))
    refusals.raise_any()
    return bool(enabled)


def parse_run_request(body: object | None) -> dict[str, Any] | None:
    """What `POST /jobs/{id}/run` lays over the job's `bot_config` for this run alone.

    Returns:
        The overlay as it was given, not yet checked against the bot; None where there is none.

    Raises:
        ValidationFailed: the body is neither absent nor `{"bot_config": {…}}`.
    """
    if body is None:
        return None
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("bot_config",), "", "the body")
    refusals.raise_any()
    return require_object(fields["bot_config"], "bot_config") if "bot_config" in fields else None


def _options(value: object) -> Options:
    options = parse_options(value)
    for name in options.alert_urls:
        if is_binding(name.removeprefix("env:")):
            raise ValidationFailed.of(
                "options.alert_urls", f"must list secrets, not the hosts to which one is bound, {echo(name)}"
            )
    return options


def parse_preview(body: object) -> PreviewRequest:
    """What `POST /preview` asks for.

    Raises:
        ValidationFailed: naming every field that is refused.
    """
    fields = require_object(body, "")
    refusals = Refusals()
    refusals.unknown(fields, ("schedule_type", "schedule_config", "options", "from", "count"), "", "a preview")
    schedule = refusals.attempt(lambda: _schedule(fields))
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
