"""The bodies of requests about jobs: what they make, and how what is wrong is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator

from service.domain.job import JobDefinition
from service.domain.job_fields import checked_name, validate_bot_config
from service.domain.job_requests import (
    RunRequest,
    parse_create,
    parse_preview,
    parse_run_request,
    parse_toggle,
    parse_update,
)
from service.domain.options import Options, parse_options
from service.domain.schedules.definition import Daily
from service.errors import ValidationFailed


class Greeter(BaseModel):
    """A bot's configuration that is lax by itself, as a plug-in's may be."""

    dry_run: bool = False
    limit: int = Field(default=50, ge=1, le=500)
    share: float = Field(default=0.5, ge=0, le=1)
    mode: Literal["calm", "loud"] = "calm"
    today: date | None = None
    title: str = Field(default="hi", min_length=1, max_length=10)
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("title")
    @classmethod
    def _no_shouting(cls, value: str) -> str:
        if value == "HEY":
            raise ValueError("must not shout")
        if value == "odd":
            raise ValueError("Odd titles are out")
        if value == "boom":
            raise RuntimeError("secret detail")
        return value


CONFIGS: dict[str, type[BaseModel]] = {"greeter": Greeter, "other": Greeter}
BODY: dict[str, Any] = {
    "name": "Greet",
    "bot_type": "greeter",
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
}
GREETER = {"dry_run": False, "limit": 50, "share": 0.5, "mode": "calm", "today": None, "title": "hi", "extra": {}}


def refused(call: Callable[..., object], *arguments: object) -> str:
    """The whole sentence of a refusal."""
    with pytest.raises(ValidationFailed) as refusal:
        call(*arguments)
    return str(refusal.value)


def create_refused(**changes: object) -> str:
    return refused(parse_create, BODY | changes, CONFIGS)


def test_a_job_with_its_defaults() -> None:
    """Four fields make a job: enabled, without description, its bot's configuration and options whole."""
    job = parse_create(BODY, CONFIGS)
    assert job.definition_fields() == BODY | {
        "description": None,
        "enabled": True,
        "bot_config": GREETER,
        "options": Options().model_dump(),
        "labels": {},
    }
    assert list(job.definition_fields()) == [
        "name",
        "description",
        "bot_type",
        "enabled",
        "schedule_type",
        "schedule_config",
        "bot_config",
        "options",
        "labels",
    ]
    assert job.schedule == Daily(8, 0)


def test_the_definition_survives_its_fields() -> None:
    """A definition can be read back from its fields, whatever stands beside them."""
    job = parse_create(BODY | {"options": {"max_retries": 3}}, CONFIGS)
    assert JobDefinition.from_fields(job.definition_fields() | {"id": "x"}) == job


def test_what_was_answered_can_be_put_back() -> None:
    """Read-only fields are ignored, so that an answer sent back changes nothing."""
    job = parse_create(BODY, CONFIGS)
    answer = {
        "id": "x",
        **job.definition_fields(),
        "created_at": 1,
        "updated_at": None,
        "last_run_at": "",
        "state": 5,
        "last_run_status": [],
        "last_run_error": {},
        "next_run_at": "?",
        "state_reason": None,
        "revision": "y",
    }
    assert parse_update(answer, job, CONFIGS) == job
    assert parse_create(answer, CONFIGS) == job


def test_an_update_changes_what_it_names() -> None:
    """Top-level fields that are named are replaced, nested ones whole; the others stay."""
    job = parse_create(BODY | {"bot_config": {"limit": 5, "dry_run": True}, "options": {"max_retries": 3}}, CONFIGS)
    changed = parse_update({"enabled": False, "bot_config": {"limit": 6}}, job, CONFIGS)
    assert (changed.enabled, changed.bot_config, changed.options) == (False, GREETER | {"limit": 6}, job.options)
    assert parse_update({}, job, CONFIGS) == job
    assert parse_update({"options": {}}, job, CONFIGS).options == Options()
    assert parse_update({"bot_type": "greeter"}, job, CONFIGS) == job


def test_an_update_is_checked_as_the_whole() -> None:
    """A new type with the old configuration is refused; so is another bot."""
    job = parse_create(BODY, CONFIGS)
    assert "schedule_config.hour is not known: a schedule of type cron" in refused(
        parse_update, {"schedule_type": "cron"}, job, CONFIGS
    )
    assert refused(parse_update, {"bot_type": "other"}, job, CONFIGS).startswith("bot_type cannot change")
    assert refused(parse_update, {"name": ""}, job, CONFIGS) == 'name must be text of 1 to 200 characters, not ""'


def test_everything_wrong_is_said_at_once() -> None:
    """A body with several faults is answered with all of them, in one go."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_create({"nam": 1, "enabled": "yes", "schedule_type": "daily", "options": {"overlap": 1}}, CONFIGS)
    assert [error.field for error in refusal.value.errors] == [
        "nam",
        "name",
        "enabled",
        "bot_type",
        "schedule_config",
        "options.overlap",
    ]


def test_a_flood_of_faults_is_counted() -> None:
    """Beyond twenty refused fields the rest is counted, so that the answer stays short."""
    sentence = refused(parse_create, BODY | {f"x{n}": n for n in range(1000)}, CONFIGS)
    assert sentence.endswith("; and 980 more fields are invalid")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "  "}, 'name must be text of 1 to 200 characters, not "  "'),
        ({"name": 5}, "name must be text of 1 to 200 characters, not 5"),
        ({"name": None}, "name must be text of 1 to 200 characters, not null"),
        ({"name": "n" * 201}, f'name must be text of 1 to 200 characters, not "{"n" * 60}…"'),
        ({"name": "a\nb"}, 'name must be one line without control characters, not "a\\nb"'),
        ({"name": "a\u2028b"}, 'name must be one line without control characters, not "a\\u2028b"'),
        (
            {"name": "\u200b \u2060\u3000\u200b"},
            'name must have a character that people can see, not "\\u200b \\u2060\\u3000\\u200b"',
        ),
        ({"name": "a\ud800b"}, 'name must be valid Unicode text, not "a\\ud800b"'),
        ({"description": 5}, "description must be text of at most 500 characters or null, not 5"),
        ({"description": "a\x00"}, 'description must be text without control characters, not "a\\u0000"'),
        ({"enabled": "true"}, 'enabled must be true or false, not "true"'),
        ({"enabled": 1}, "enabled must be true or false, not 1"),
        ({"enabled": None}, "enabled must be true or false, not null"),
        ({"bot_type": "x"}, 'bot_type must be "greeter" or "other", not "x"'),
        ({"bot_type": {}}, 'bot_type must be "greeter" or "other", not an object'),
        ({"bot_config": None}, "bot_config must be a JSON object, not null"),
        ({"bot_config": []}, "bot_config must be a JSON object, not a list"),
        ({"options": None}, "options must be a JSON object, not null"),
        (
            {"color": "red"},
            (
                "color is not known: a job has name, description, bot_type, enabled, schedule_type, "
                "schedule_config, bot_config, options and labels"
            ),
        ),
        (
            {"schedule_config": {"hour": "8", "minute": 0}},
            'schedule_config.hour must be a whole number from 0 to 23, not "8"',
        ),
    ],
)
def test_a_field_is_refused(changes: dict[str, object], sentence: str) -> None:
    """Each refusal names the field, says what it may be, and shows what it was."""
    assert create_refused(**changes) == sentence


@pytest.mark.parametrize("missing", ["name", "bot_type", "schedule_type", "schedule_config"])
def test_a_required_field(missing: str) -> None:
    """A field without a default is required, and the sentence says what it takes."""
    sentence = refused(parse_create, {key: value for key, value in BODY.items() if key != missing}, CONFIGS)
    assert sentence.startswith(f"{missing} is required: ")


def test_names_are_trimmed() -> None:
    """Blanks around a name do not count; 200 characters of any script are fine."""
    assert parse_create(BODY | {"name": "  " + "é" * 200 + "\t"}, CONFIGS).name == "é" * 200
    assert parse_create(BODY | {"description": "two\nlines"}, CONFIGS).description == "two\nlines"


@pytest.mark.parametrize("body", [None, [], "x", 5, True, math.nan], ids=repr)
def test_a_body_is_an_object(body: object) -> None:
    """Anything but a JSON object is refused as a body."""
    for parse in (
        lambda: parse_create(body, CONFIGS),
        lambda: parse_toggle(body),
        lambda: parse_preview(body),
        lambda: parse_update(body, parse_create(BODY, CONFIGS), CONFIGS),
    ):
        assert refused(parse).startswith("body must be a JSON object, not ")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"limit": 0}, "bot_config.limit must be a whole number from 1 to 500, not 0"),
        ({"limit": "5"}, 'bot_config.limit must be a whole number from 1 to 500, not "5"'),
        ({"limit": 5.0}, "bot_config.limit must be a whole number from 1 to 500, not 5.0"),
        ({"limit": True}, "bot_config.limit must be a whole number from 1 to 500, not true"),
        ({"limit": 10**30}, "bot_config.limit must be a number that fits in 64 bits, not " + "1" + "0" * 30),
        (
            {"limit": 10**5000},
            "bot_config.limit must be a number that fits in 64 bits, not a number of more than 57 digits",
        ),
        ({"dry_run": 1}, "bot_config.dry_run must be true or false, not 1"),
        ({"share": 2}, "bot_config.share must be a number from 0 to 1, not 2"),
        ({"share": math.nan}, "bot_config.share must be a number that JSON knows, not NaN"),
        ({"mode": "x"}, 'bot_config.mode must be "calm" or "loud", not "x"'),
        ({"today": "soon"}, 'bot_config.today must be a date (YYYY-MM-DD) or null, not "soon"'),
        ({"today": 5}, "bot_config.today must be a date (YYYY-MM-DD) or null, not 5"),
        ({"title": ""}, 'bot_config.title must be text of 1 to 10 characters, not ""'),
        ({"title": "HEY"}, "bot_config.title must not shout"),
        ({"title": "odd"}, "bot_config.title is refused: Odd titles are out"),
        ({"title": "boom"}, "bot_config cannot be checked: RuntimeError"),
        ({"extra": 5}, "bot_config.extra must be an object, not 5"),
        ({"extra": {"a": ["\ud800"]}}, 'bot_config.extra.a[0] must be valid Unicode text, not "\\ud800"'),
        (
            {"nope": 1},
            "bot_config.nope is not known: bot_config has dry_run, limit, share, mode, today, title and extra",
        ),
    ],
)
def test_a_bot_config_is_strict(config: dict[str, Any], sentence: str) -> None:
    """A bot's configuration is checked strictly, however lax its own model is, and refused in the same words."""
    assert refused(validate_bot_config, "greeter", config, CONFIGS) == sentence


def test_a_bot_config_is_answered_whole() -> None:
    """The answer carries every default and is plain JSON."""
    given_config = {"today": "2025-04-12", "extra": {"a": [1, None]}}
    assert validate_bot_config("greeter", given_config, CONFIGS) == GREETER | given_config


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_concurrent_runs": 0}, "options.max_concurrent_runs must be a whole number from 1 to 1000, not 0"),
        ({"overlap": "Skip"}, 'options.overlap must be "skip", "queue", "latest" or "replace", not "Skip"'),
        ({"catch_up": None}, 'options.catch_up must be "latest", "all" or "none", not null'),
        ({"timeout_seconds": 8.0}, "options.timeout_seconds must be a whole number from 1 to 604800, not 8.0"),
        (
            {"misfire_grace_seconds": "1"},
            'options.misfire_grace_seconds must be a whole number from 1 to 31622400, not "1"',
        ),
        ({"max_retries": -1}, "options.max_retries must be a whole number from 0 to 100, not -1"),
        ({"retry_delay_seconds": 3601}, "options.retry_delay_seconds must be a whole number from 0 to 3600, not 3601"),
        ({"jitter_seconds": -1}, "options.jitter_seconds must be a whole number from 0 to 86400, not -1"),
        (
            {"disable_after_failures": True},
            "options.disable_after_failures must be a whole number from 0 to 1000, not true",
        ),
        ({"starts_at": 5}, "options.starts_at must be text or null, not 5"),
        (
            {"starts_at": "1969-01-01T00:00:00"},
            'options.starts_at must lie in the years 1970 to 9999, not "1969-01-01T00:00:00"',
        ),
        (
            {"starts_at": "2025-01-01T01:00:00+01:00", "ends_at": "2025-01-01T00:00:00"},
            "options must have an ends_at that is later than its starts_at",
        ),
        (
            {"alert_urls": "env:BOT_SECRET_X"},
            'options.alert_urls must be a list of at most 20 items, not "env:BOT_SECRET_X"',
        ),
        (
            {"alert_urls": ["env:API_KEY"]},
            'options.alert_urls must list names of secrets such as "env:BOT_SECRET_ALERTS", not "env:API_KEY"',
        ),
        ({"alert_urls": [5]}, "options.alert_urls[0] must be text, not 5"),
    ],
)
def test_options_are_strict(options: dict[str, Any], sentence: str) -> None:
    """Each option has its range; the sentence names it."""
    assert refused(parse_options, options) == sentence


class Chores(BaseModel):
    """A bot's configuration with lists."""

    chores: list[str] = Field(min_length=1, max_length=3)
    statuses: list[int] | None = Field(default=None, min_length=1, max_length=2)
    several: list[str] = Field(default=["a", "b"], min_length=2)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"chores": []}, "bot_config.chores must be a list of 1 to 3 items, not an empty list"),
        ({"chores": [""] * 4}, "bot_config.chores must be a list of 1 to 3 items, not a list of 4 items"),
        ({}, "bot_config.chores is required: a list of 1 to 3 items"),
        ({"chores": {}}, "bot_config.chores must be a list of 1 to 3 items, not an object"),
        (
            {"chores": [""], "statuses": []},
            "bot_config.statuses must be a list of 1 to 2 items or null, not an empty list",
        ),
        (
            {"chores": [""], "several": ["a"]},
            "bot_config.several must be a list of at least 2 items, not a list of 1 item",
        ),
    ],
)
def test_a_list_of_a_wrong_length_is_refused_with_both_lengths(config: dict[str, Any], sentence: str) -> None:
    """The shortest that is allowed, too."""
    assert refused(lambda given: validate_bot_config("chores", given, {"chores": Chores}), config) == sentence


def test_a_list_of_hosts_is_no_alert_url() -> None:
    """Refused when a job is made; one that an older release took can still be read."""
    options = {"alert_urls": ["env:BOT_SECRET_X_HOSTS"]}
    assert create_refused(options=options) == (
        'options.alert_urls must list secrets, not the hosts to which one is bound, "env:BOT_SECRET_X_HOSTS"'
    )
    assert parse_options(options).alert_urls == options["alert_urls"]


def test_options_keep_their_instants() -> None:
    """`starts_at` and `ends_at` are kept in UTC and known as epoch seconds."""
    options = parse_options({"starts_at": "2025-01-15T09:00:00+01:00", "alert_urls": ["env:BOT_SECRET_X"]})
    assert (options.starts_at, options.starts_at_s) == ("2025-01-15T08:00:00", 1_736_928_000)
    assert (options.ends_at, options.ends_at_s) == (None, None)
    assert parse_options(options.model_dump()) == options


def test_toggle() -> None:
    """A toggle's body says on or off and nothing else."""
    assert parse_toggle({"enabled": True}) is True
    assert parse_toggle({"enabled": False}) is False
    assert refused(parse_toggle, {}) == "enabled is required: true or false"
    assert refused(parse_toggle, {"enabled": 0}) == "enabled must be true or false, not 0"
    assert refused(parse_toggle, {"enabled": True, "id": 1}) == "id is not known: the body has enabled"


def test_run_request() -> None:
    """A run by hand may lay a configuration over the job's own, given as it is, and start later."""
    assert parse_run_request(None) == parse_run_request({}) == RunRequest(None, None)
    assert parse_run_request({"bot_config": {"dry_run": True}}).overlay == {"dry_run": True}
    assert parse_run_request({"at": "1970-01-01T00:00:01"}) == RunRequest(None, 1)
    assert refused(parse_run_request, {"at": None}).startswith("at must be a timestamp such as ")
    assert refused(parse_run_request, {"bot_config": 1}) == "bot_config must be a JSON object, not 1"
    assert refused(parse_run_request, {"dry_run": True}) == "dry_run is not known: the body has at and bot_config"


def test_preview_request() -> None:
    """A preview asks for ten occurrences from now on, unless it says otherwise."""
    asked = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
    request = parse_preview(asked)
    assert (request.schedule, request.options, request.from_ms, request.count) == (Daily(8, 0), Options(), None, 10)
    assert parse_preview(asked | {"from": "1970-01-01T00:00:01", "count": 1000}).from_ms == 1000
    assert refused(parse_preview, asked | {"count": 0}) == "count must be a whole number from 1 to 1000, not 0"
    assert refused(parse_preview, asked | {"from": 5}).startswith("from must be a timestamp such as ")
    assert refused(parse_preview, {"to": 1}).startswith("to is not known: a preview has ")


def test_depth_is_limited() -> None:
    """Objects nested without end, even in a circle, are refused, not followed."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert "must not hold more than 32 levels" in create_refused(bot_config={"extra": deep})
    deep["a"] = deep
    assert "must not hold more than 32 levels" in create_refused(bot_config={"extra": deep})


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**301),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "\x00", "9999-12-31T23:59:59-23:59", "../UTC", "* * * * *"]),
    st.binary(max_size=3),
)
keys = st.one_of(st.text(max_size=5), st.sampled_from(["\ud800", "hour", "timezone"]), st.integers(), st.none())
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
field_names = st.sampled_from(
    [
        "name",
        "description",
        "bot_type",
        "enabled",
        "schedule_type",
        "schedule_config",
        "bot_config",
        "options",
        "count",
        "from",
    ]
)
nested_keys = st.sampled_from(
    [
        "hour",
        "minute",
        "day_of_week",
        "hours",
        "cron_expression",
        "timezone",
        "starts_at",
        "alert_urls",
        "limit",
        "extra",
        "today",
    ]
)
bodies = st.one_of(
    anything,
    st.dictionaries(field_names, st.one_of(anything, st.dictionaries(nested_keys, anything, max_size=4)), max_size=4),
)


@pytest.mark.slow(reason="hundreds of generated jobs are validated")
@given(body=bodies, schedule_type=st.sampled_from(["daily", "weekly", "interval", "cron"]))
@settings(max_examples=300)
def test_no_input_breaks_anything(body: Any, schedule_type: str) -> None:
    """Whatever is sent, it is taken or refused with a sentence that can be sent as UTF-8; nothing else happens."""
    whole = BODY | {"schedule_type": schedule_type} | body if isinstance(body, dict) else body
    for parse in (
        lambda: parse_create(whole, CONFIGS),
        lambda: parse_preview(body),
        lambda: parse_toggle(body),
        lambda: parse_run_request(body),
        lambda: parse_update(body, parse_create(BODY, CONFIGS), CONFIGS),
    ):
        try:
            parse()
        except ValidationFailed as refusal:
            assert refusal.errors
            assert len(str(refusal).encode()) < 20_000


@pytest.mark.parametrize("name", ["\u0378", "\ue000", "👩\u200d💻", "می\u200cخواهم", "\u200bseen"])
def test_a_name_may_hold_what_these_tables_do_not_know(name: str) -> None:
    """Characters of a later Unicode, of nobody, and joiners beside what people can see."""
    assert checked_name({"name": name}) == name
