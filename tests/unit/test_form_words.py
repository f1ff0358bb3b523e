"""The form of a job in people's words: durations, options, expressions, and what is folded away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.bots.protocol import Bot
from service.bots.visitor.bot import VisitorBot
from service.bots.webhook.bot import WebhookBot
from service.domain.expectations.expect import Expect
from service.domain.options import Options
from service.domain.schedules.definition import parse_schedule
from service.web.console.form_fields import Field, fields_of, titles_of
from service.web.console.history.changed_fields import changed_fields, names
from service.web.console.schedule_form import PRESETS
from service.web.console.wording import option_words
from service.web.console.wording.durations import UNITS, written
from service.web.console.wording.setting_words import settings_of

SCHEMA = Options.model_json_schema()
BESIDE_THE_SCHEDULE = {"calendar", "on_closed"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (45, "45 s"),
        (600, "10 min"),
        (5400, "1 h 30 min"),
        (86_400, "1 d"),
        (90_061, "1 d 1 h 1 min 1 s"),
    ],
)
def test_a_duration_is_written_as_people_do(seconds: int | None, text: str) -> None:
    assert written(seconds) == text


@given(st.integers(1, 31_622_400))
def test_a_written_duration_is_worth_its_seconds(seconds: int) -> None:
    parts = written(seconds).split()
    lengths = dict(UNITS)
    assert sum(int(count) * lengths[unit] for count, unit in zip(parts[::2], parts[1::2], strict=True)) == seconds


def test_every_option_has_words_and_a_place() -> None:
    """A new option belongs into each of these tables; a choice's values are those of the option."""
    names = (set(Options.model_fields) | set(Expect.model_fields)) - BESIDE_THE_SCHEDULE - {"expect"}
    placed = [name for group in option_words.GROUPS.values() for name in group]
    assert set(placed) == names
    assert set(option_words.LABELS) == names | {"expect"}  # as a whole it stands in a job's history
    assert len(placed) == len(names)
    assert set(option_words.HINTS) <= names
    for name, words in option_words.CHOICES.items():
        assert list(words) == SCHEMA["properties"][name]["enum"]
    assert len(set(option_words.LABELS.values())) == len(option_words.LABELS)


def test_the_form_groups_every_option_once() -> None:
    """With its default, so that the page can say what is not as usual."""
    fields = fields_of(SCHEMA, "options", {"timeout_seconds": 600}, "options")
    shown = [one for group in option_words.grouped(map(option_words.in_words, fields)) for one in group.fields]
    assert {one.path for one in shown} == {f"options.{name}" for name in Options.model_fields}
    (timeout,) = [one for one in shown if one.label == "Give up after"]
    assert (timeout.kind, timeout.value, timeout.standard) == ("span", "10 min", "1 h")


@pytest.mark.parametrize("expression", PRESETS)
def test_an_expression_that_the_form_offers_is_valid(expression: str) -> None:
    parse_schedule("cron", {"cron_expression": expression})


def test_headers_and_numbers_have_fields_of_their_own() -> None:
    """One header on each line; what most people leave as it is stands in the folded part."""
    schema = {
        "properties": {
            "headers": {"type": "object", "additionalProperties": {"type": "string"}, "default": {}},
            "expected_status": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
            "other": {"type": "object"},
            "wait_seconds": {"type": "integer", "default": 30},
            "late_seconds": {"anyOf": [{"type": "integer"}, {"const": "auto", "type": "string"}, {"type": "null"}]},
        }
    }
    values = {
        "headers": {"X-Team": "crm", "Authorization": "env:BOT_SECRET_X"},
        "expected_status": [200, 204],
        "late_seconds": "auto",
    }
    headers, status, other, wait, late = fields_of(schema, "bot_config", values, "bot")
    assert (headers.kind, headers.value) == ("headers", "X-Team: crm\nAuthorization: env:BOT_SECRET_X")
    assert (status.kind, status.value) == ("numbers", "200, 204")
    assert (wait.kind, wait.label, wait.value) == ("span", "Wait", "30 s")
    assert (late.kind, late.value, late.word, late.optional, wait.word) == ("span", "auto", "auto", True, None)
    assert [one.is_rare for one in (headers, status, other, wait)] == [False, False, True, False]


def test_texts_by_language_have_a_field_each() -> None:
    """Unless what is stored is something else, which stays JSON."""
    schema = BirthdayConfig.model_json_schema()

    def made(templates: Any) -> Field:
        return next(one for one in fields_of(schema, "b", {"templates": templates}, "bot") if one.path == "b.templates")

    field = made({"de": {"late": "Nachträglich\n…"}, "*": {}})
    assert (field.kind, field.value) == ("texts", [("de", {"late": "Nachträglich\n…"}), ("*", {})])
    assert [(part.name, part.label) for part in field.parts] == [("on_time", "On time"), ("late", "Late")]
    assert (made(None).value, made(None).is_rare, field.is_rare) == ([], True, False)
    assert [made(odd).kind for odd in ({"de": "text"}, {"de": {"other": "text"}})] == ["json", "json"]


@pytest.mark.parametrize(
    ("bot", "name", "title"),
    [(BirthdayBot, "process_late", "Greet late"), (BirthdayBot, "templates", "Your own texts"),
     (WebhookBot, "timeout_seconds", "Give up on an answer after"), (VisitorBot, "limit", "Most pages per run")],
)  # fmt: skip
def test_a_bots_own_title_is_read_wherever_the_field_stands(bot: type[Bot], name: str, title: str) -> None:
    """In the form, on the pages of jobs and runs, and in the history."""
    fields = fields_of(bot.Config.model_json_schema(), "bot_config", {}, "bot")
    assert next(one.label for one in fields if one.path == f"bot_config.{name}") == title
    titles = titles_of(bot)
    assert settings_of({name: 1}, titles)[0].label == title
    assert names([f"bot_config.{name}", f"options.{name}"], titles).startswith(f"{title}, ")
    assert titles.keys() < bot.Config.model_fields.keys() and titles_of(None) == {}


def test_a_history_says_options_as_the_form_does() -> None:
    (one,) = changed_fields({"options.timeout_seconds": {"from": 3600, "to": 600}}, {})
    assert (one.label, one.before, one.after) == ("Give up after", "1 h", "10 min")
    (other,) = changed_fields({"bot_config.timeout_seconds": {"from": 30, "to": 20}}, {})
    assert (other.label, other.before) == ("Timeout seconds", "30")
