"""Checks of a job's fields, one by one. Each returns the checked value or raises ValidationFailed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel

from service.domain.input.refusals import Refusals, echo, listed
from service.domain.input.validation import validated
from service.domain.job import understood_schedule
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import SCHEDULE_TYPES, Schedule, Union
from service.domain.schedules.types.union import within
from service.errors import ValidationFailed
from service.secrecy.secret_names import is_binding, referenced

Configs = Mapping[str, type[BaseModel]]
"""Each known `bot_type`'s model of its `bot_config`."""

NAME_LIMIT = 200
DESCRIPTION_LIMIT = 500


def checked_name(fields: Mapping[str, Any]) -> str:
    """Check the name: one line, without the blanks around it."""
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
    if all(unicodedata.category(character) in ("Cf", "Zs") for character in name):
        raise ValidationFailed.of("name", f"must have a character that people can see, not {echo(value)}")
    return name


def checked_description(value: object) -> str | None:
    """Check the description: text that may have several lines, or null."""
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
    """Return whether a text has a character of these Unicode categories, none of which is printable."""
    return not text.isprintable() and any(
        unicodedata.category(character) in categories and character not in but for character in text
    )


def checked_boolean(value: object, field: str) -> bool:
    """Check a field that is true or false."""
    if not isinstance(value, bool):
        raise ValidationFailed.of(field, f"must be true or false, not {echo(value)}")
    return value


def checked_bot_type(fields: Mapping[str, Any], configs: Configs) -> str:
    """Check that the bot is known."""
    value = fields.get("bot_type")
    if isinstance(value, str) and value in configs:
        return value
    known = listed(echo(name) for name in sorted(configs))
    if "bot_type" not in fields:
        raise ValidationFailed.of("bot_type", f"is required: {known}")
    raise ValidationFailed.of("bot_type", f"must be {known}, not {echo(value)}")


def checked_schedule(fields: Mapping[str, Any]) -> Schedule:
    """Check `schedule_type` and `schedule_config` together."""
    refusals = Refusals()
    if "schedule_type" not in fields:
        refusals.add("schedule_type", f"is required: {listed(map(echo, SCHEDULE_TYPES))}")
    if "schedule_config" not in fields:
        refusals.add("schedule_config", "is required: a JSON object")
    refusals.raise_any()
    return understood_schedule(fields["schedule_type"], fields["schedule_config"])


def checked_members(schedule: Schedule, bot_type: str, bot_config: Mapping[str, Any], configs: Configs) -> None:
    """Check the configuration that each schedule of a union gives its runs, and that all of them make together.

    Raises:
        ValidationFailed: naming the fields below that schedule's `bot_config`.
    """
    if not isinstance(schedule, Union):
        return
    refusals = Refusals()
    together = dict(bot_config)
    for index, member in enumerate(schedule.members):
        field = f"schedule_config.schedules[{index}]"
        together |= member.overlay
        alone = dict(bot_config) | member.overlay
        if member.overlay and refusals.attempt(partial(_checked_member, field, bot_type, alone, configs)) is not None:
            refusals.attempt(partial(_checked_member, field, bot_type, dict(together), configs))
    refusals.raise_any()


def _checked_member(field: str, bot_type: str, config: Mapping[str, Any], configs: Configs) -> Mapping[str, Any]:
    try:
        return validate_bot_config(bot_type, config, configs)
    except ValidationFailed as refusal:
        raise within(field, refusal) from None


def checked_options(value: object) -> Options:
    """Check the options of a job that its author defines now; stored ones may break the newest rules."""
    options = parse_options(value)
    for field in ("alert_urls", "ping_urls"):
        for name in getattr(options, field):
            if is_binding(referenced(name)):
                raise ValidationFailed.of(
                    f"options.{field}", f"must list secrets, not the hosts to which one is bound, {echo(name)}"
                )
    return options


def validate_bot_config(bot_type: str, config: object, configs: Configs) -> dict[str, Any]:
    """Check a bot's configuration, and add its defaults.

    Args:
        bot_type: the bot.
        config: the given configuration.
        configs: the known bots' models.

    Returns:
        A JSON-ready dict.

    Raises:
        ValidationFailed: the bot is not known, or fields below `bot_config`, which it names, are invalid.
    """
    known = checked_bot_type({"bot_type": bot_type}, configs)
    return validated(configs[known], config, "bot_config").model_dump(mode="json")
