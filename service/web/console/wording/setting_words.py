"""The settings of a job, of its bot and its options, as its page shows them: names and values in people's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from service.web.console.form_fields import label_of
from service.web.console.formatting import as_json
from service.web.console.wording.durations import SUFFIX, is_duration, written
from service.web.console.wording.option_words import CHOICES, LABELS


class Setting(NamedTuple):
    """One setting.

    Args:
        name: Its name in the API.
        label: Its name for people, as the form has it.
        text: Its value; it may have several lines.
    """

    name: str
    label: str
    text: str


def settings_of(config: Mapping[str, Any], titles: Mapping[str, str]) -> list[Setting]:
    """Return the settings of a bot in people's words.

    Args:
        config: The settings.
        titles: The bot's own words for them, by their names.
    """
    return [
        Setting(name, titles.get(name) or _label(name, value), _text(value, name)) for name, value in config.items()
    ]


def options_of(options: Mapping[str, Any]) -> list[Setting]:
    """Return a job's options in people's words; those that it expects of its runs, each by itself."""
    expected = options.get("expect") or {}
    plain = {name: value for name, value in options.items() if name != "expect"} | expected
    return [Setting(name, LABELS.get(name) or _label(name, value), _text(value, name)) for name, value in plain.items()]


def _label(name: str, value: Any) -> str:
    return label_of(name.removesuffix(SUFFIX) if is_duration(name) and isinstance(value, int) else name)


def _text(value: Any, name: str = "") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return CHOICES.get(name, {}).get(value, value)
    if isinstance(value, int) and is_duration(name):
        return written(value)
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(_text(one) for one in value) or "none"
    if value and isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        return "\n".join(_lines(value))
    return "none" if value is None or value == {} else as_json(value)


def _lines(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of texts by their language, or of the like."""
    for group, values in groups.items():
        yield from (f"{group}, {label_of(name)}: {_text(value)}" for name, value in values.items())
