"""What a template may say, and how much it can make of it: counted, never timed."""

from __future__ import annotations

import re
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from jinja2.exceptions import SecurityError

from service.bots.birthday.bot import MAX_TEXTS, BirthdayConfig
from service.bots.birthday.greetings import Texts, UnusableTemplate, compose
from service.bots.support.sandbox import FILTERS, MAX_BITS, MAX_RENDERED, MAX_WORK, TESTS, Work, rendered, sandbox
from service.bots.support.wording import MAX_DEPTH, MAX_NODES, MAX_TEMPLATE, BrokenTemplate, check, render
from service.bots.webhook.config import WebhookConfig
from service.domain.job_fields import Configs, validate_bot_config
from service.errors import ValidationFailed

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "templates.md"
FIELDS: dict[str, Any] = {
    "name": "Amelia Rivers", "given_name": None, "age": 35, "email": "a@example.org", "emails": ["a@example.org"],
    "phones": [], "days_late": 0,
}  # fmt: skip
MEMORY = (12 if sys.version_info < (3, 12) else 14) * 2**20
"""Bytes that looking at one template may take at the most, its compiled code included.

Python's compiler takes nearly all of it: for the largest template 10.7 MB in 3.11 and 13 MB in 3.13.
"""


def test_the_document_shows_lists_as_they_work() -> None:
    """Its example is taken, and what it says is refused is refused, both by the bot itself."""
    (example,) = re.findall(r"^```\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    assert "{% if emails %}" in example
    assert Texts(on_time=f"Subject\n{example}").on_time
    for refused in ("{{ emails[0] }}", "{{ emails|first }}", '{{ emails[0] or "no address" }}'):
        assert refused in DOCUMENT.read_text()
        with pytest.raises(ValueError, match=r"no element 0|sequence was empty"):
            Texts(on_time=f"Subject\nText {refused}")
    for taken in ('{{ emails[0]|default("no address") }}', '{{ emails|first|default("no address") }}'):
        assert Texts(on_time=f"Subject\nText {taken}").on_time
    assert render("{{ age }}", {"age": None}) == "None"


def nested(levels: int, start: str = '"\\\\"', filter_: str = "string") -> str:
    """The attack of the issue: each level makes a text of a list of a text, whose backslashes double."""
    return "{{ " + "[" * levels + start + f"]|{filter_}" * levels + " }}"


def refusal(source: str) -> str:
    """Why a template is refused when a job is made."""
    with pytest.raises(BrokenTemplate) as broken:
        check(source, [FIELDS])
    return str(broken.value)


HOSTILE = {
    "doubling backslashes": (nested(30), "nested too deeply"),
    "fewer of them": (nested(20), "string is for texts"),
    "one level of it": (nested(1), "string is for texts"),
    "doubling by lower": (nested(20, filter_="lower"), "lower is for texts"),
    "doubling by title": (nested(8, filter_="title"), "title is for texts"),
    "doubling by trim": (nested(8, filter_="trim"), "trim is for texts"),
    "doubling by truncate": (nested(8, filter_="truncate(999999999)"), "truncate is for texts"),
    "doubling by tojson": (nested(8, filter_="tojson"), "tojson is applied"),
    "doubling by joining": ('{{ [["\\\\"] ~ ""] ~ "" }}', "a list cannot be printed"),
    "adding a list to a text": ('{{ "" + ["\\\\"] }}', r"\+ is for numbers"),
    "adding lists": ("{{ (emails + emails)|length }}", r"\+ is for numbers"),
    "printing a list": ("{{ emails }}", "a list cannot be printed"),
    "printing a list of one's own": ("{{ [name, name] }}", "a list cannot be printed"),
    "printing a tuple": ("{{ (name, name) }}", "a list cannot be printed"),
    "a text times a number": ("{{ 'x' * 1000000000 }}", r"\* is for numbers"),
    "a list times a number": ("{{ ([0] * 1000000000)|length }}", r"\* is for numbers"),
    "a format": ("{{ '%999999999d' % 7 }}", "% is for numbers"),
    "a format in a test": ("{{ '%999999999d' is even }}", "even is for numbers"),
    "a format in another test": ("{% if '%999999999d' is divisibleby 7 %}x{% endif %}", "divisibleby is for numbers"),
    "an indentation": ("{{ [[1]]|tojson(1000000000) }}", "tojson takes no arguments"),
    "an indentation by name": ("{{ [[1]]|tojson(indent=1000000000) }}", "tojson takes no arguments"),
    "a power": ("{{ 9 ** 9 ** 9 }}", "no pow"),
    "a large number": ("{{ 0xffffffff * 0xffffffff * 0xffffffff }}", "more than 64 bits"),
    "a number too long to read": ("{{ " + "9" * 5000 + " }}", "a number that is too long"),
    "a hexadecimal number": ("{{ 0x" + "f" * 100 + " + 1 }}", "more than 64 bits"),
    "a hexadecimal number too long to write": ("{{ 0x" + "f" * 5000 + " + 1 }}", "a number that is too long"),
    "a text read as a number": ("{{ ('f' ~ '" + "f" * 5000 + "')|int(0, 16) }}", "more than 64 bits"),
    "a loop": ("{% for x in emails %}x{% endfor %}", "no for"),
    "a loop over a range": ("{% for x in range(10) %}x{% endfor %}", "no for"),
    "a range": ("{{ range(1000000000)|length }}", "no call"),
    "lipsum": ("{{ lipsum }}", 'unknown field "lipsum"'),
    "cycler": ("{{ cycler }}", 'unknown field "cycler"'),
    "namespace": ("{% set ns = namespace(x=1) %}", "no assign"),
    "a macro that calls itself": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "no macro"),
    "a block": ("{% block b %}x{% endblock %}", "no block"),
    "a filter block": ("{% filter upper %}x{% endfilter %}", "no filterblock"),
    "a call": ("{{ name.upper() }}", "no call"),
    "a method": ("{{ name['upper'] }}", "brackets take the position"),
    "a hidden attribute": ("{{ ''['__class__'] }}", "brackets take the position"),
    "an attribute": ("{{ name.upper }}", "no getattr"),
    "a dict": ("{{ {1: 2} }}", "no dict"),
    "format": ("{{ '%s'|format(name) }}", 'no filter "format"'),
    "center": ("{{ name|center(1000000000) }}", 'no filter "center"'),
    "indent": ("{{ name|indent(1000000000) }}", 'no filter "indent"'),
    "wordwrap": ("{{ name|wordwrap(1) }}", 'no filter "wordwrap"'),
    "replace": ("{{ name|replace('', name) }}", 'no filter "replace"'),
    "join": ("{{ emails|join(name) }}", 'no filter "join"'),
    "batch": ("{{ emails|batch(1000000000, name) }}", 'no filter "batch"'),
    "map": ("{{ emails|map('upper') }}", 'no filter "map"'),
    "list": ("{{ name|list }}", 'no filter "list"'),
    "pprint": ("{{ emails|pprint }}", 'no filter "pprint"'),
    "a test that we do not have": ("{{ name is callable }}", 'no test "callable"'),
    "many parts": ("{{ " + " ~ ".join(["name"] * 1100) + " }}", f"more than {MAX_NODES}"),
    "many outputs": ("{{age}}" * 1100, f"more than {MAX_NODES}"),
    "deep conditions": ("{% if age %}" * 60 + "x" + "{% endif %}" * 60, "nested too deeply"),
    "deep parentheses": ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "nested too deeply"),
    "a deep list": ("{{ " + "[" * 4000 + "]" * 4000 + " }}", "nested too deeply"),
    "a deep sum": ("{{ " + "+".join(["1"] * 200) + " }}", "nested too deeply"),
    "half of a surrogate pair": (r"{{ '\ud800' }}", "half of a surrogate pair"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "told"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_could_grow_is_refused_by_name_when_a_job_is_made(source: str, told: str) -> None:
    """In little memory, whether it is refused by its tree or while it is tried."""
    assert len(source) <= MAX_TEMPLATE
    tracemalloc.start()
    try:
        said = refusal(f"Hi\n\n{source}")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert re.search(told, said) and ("line 3" in said or "line 1" in said)
    assert peak < MEMORY


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("{{ 'a' ~ 'b' }}", "environment.joined(context"),
        ("{{ 'a' + 'b' }}", "environment.call_binop(context"),
        ("{{ 'abc'[1:] }}", "environment.element(context"),
        ("{{ 'abc'[1] }}", "environment.element(context"),
        ("{{ 'a'|upper }}", "t_1(context"),
        ("{{ 'a' }}", "environment.finalize(context"),
    ],
)
def test_constants_are_left_to_the_rendering_where_they_are_counted(source: str, call: str) -> None:
    """Jinja2 would evaluate them while it compiles, uncounted, and write the outcome into the code."""
    assert call in sandbox.compile(source, raw=True)


@pytest.mark.parametrize(
    "source",
    [
        "{{ name }}" * 300,
        "{{ " + " ~ ".join(["name"] * 300) + " }}",
        "{{ " + " ~ ".join(["name"] * 20) + " }}",
        "{{ " + "(" * 40 + "name" + " ~ name)" * 40 + " }}",
        "{{ " + "(" * 40 + "name" + " + name)" * 40 + " }}",
        "{% if name|upper|lower|title|trim %}{{ name|upper }}{% endif %}" * 40,
        "{% if " + " or ".join(["name[1:] == 'x'"] * 40) + " %}x{% endif %}",
        "{% if " + " or ".join(["(name ~ 'x')[:-1] is none"] * 40) + " %}x{% endif %}",
    ],
)
def test_no_field_however_long_makes_more_than_the_work_that_is_allowed(source: str) -> None:
    """A page of a template meets a name of 200 KiB: what it makes is counted, and is broken off at the limit."""
    check(source, [FIELDS])
    work, long = Work(), "ŉ" * 200_000
    tracemalloc.start()
    try:
        with pytest.raises(SecurityError, match="it makes"):
            rendered(sandbox.from_string(source), FIELDS | {"name": long}, work)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert work.done <= MAX_WORK + 2 * 3 * MAX_RENDERED
    assert peak < 2 * MEMORY


def test_the_worst_template_that_is_let_through_is_bounded() -> None:
    """As many fields as there may be: each is evaluated once, and the whole stays far below the limit."""
    source = "{{name}}" * (MAX_NODES - 2)  # beside the template itself and its one output
    assert len(source) <= MAX_TEMPLATE
    work = Work()
    tracemalloc.start()
    try:
        check(source, [FIELDS])
        text = rendered(sandbox.from_string(source), FIELDS, work)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    steps = source.count("{{")
    assert text == "Amelia Rivers" * steps
    assert work.done == steps * (1 + len("Amelia Rivers"))
    assert peak < MEMORY


def test_a_message_of_more_than_256_kib_is_refused_by_its_bytes() -> None:
    """They are what is sent: characters of three bytes count as three."""
    source = "{{ name }}{{ name }}"
    assert render(source, {"name": "a" * 131_072}) == "a" * 262_144
    with pytest.raises(SecurityError, match="262145 bytes"):
        render(source + "x", {"name": "a" * 131_072})
    with pytest.raises(SecurityError, match="bytes of text, more than 262144"):
        render(source, {"name": "あ" * 50_000})


def test_a_contact_for_whom_a_message_would_be_too_long_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the template's failure for this contact, told as such, and the others get theirs."""
    own = {"*": Texts(on_time="Hi {{ name }}\n\n" + "{{ name }}" * 200)}
    fields = FIELDS | {"name": "Al", "language": None}
    assert compose(None, fields, own)[0] == "Hi Al"
    with pytest.raises(UnusableTemplate, match="bytes of text, more than 262144"):
        compose(None, fields | {"name": "x" * 2_000}, own)


@pytest.mark.parametrize("source", ["{{ [name] }}", nested(30), "{% for e in emails %}{{ e }}{% endfor %}"])
def test_both_bots_templates_are_held_to_it(source: str) -> None:
    """The birthday bot's messages, by language and kind, and the webhook bot's body."""
    configs: Configs = {"birthday": BirthdayConfig, "webhook": WebhookConfig}
    body = {"url": "https://example.org/", "body": source.replace("name", "date").replace("emails", "date")}
    with pytest.raises(ValidationFailed, match=r"bot_config\.body is broken in line 1"):
        validate_bot_config("webhook", body, configs)
    for kind in ("on_time", "late"):
        with pytest.raises(ValidationFailed, match=rf"bot_config.templates.fr.{kind} is broken in line 3"):
            validate_bot_config("birthday", {"templates": {"fr": {kind: f"Hi\n\n{source}"}}}, configs)


def test_a_jobs_templates_are_bounded_together_before_any_is_tried() -> None:
    """Forty of them, each as long as one may be, would be tried for seconds."""
    many = {f"a{chr(97 + n)}": {"on_time": "Hi\n\n" + "{{ nmae }}" * 900} for n in range(20)}
    with pytest.raises(ValidationFailed, match=r"bot_config\.templates must have at most 100,000 characters in all"):
        validate_bot_config("birthday", {"templates": many}, {"birthday": BirthdayConfig})


ALLOWED = {
    "{{ given_name or name }}": "Amelia Rivers",
    "{{ name|upper }}, {{ name|lower|capitalize }}, {{ name|title }}": "AMELIA RIVERS, Amelia rivers, Amelia Rivers",
    "{{ age + 1 }} {{ age * 2 - 1 }} {{ age // 2 }} {{ age / 2 }} {{ age % 10 }} {{ -age|abs }}": "36 69 17 17.5 5 35",
    "{{ name ~ ', ' ~ age }}{{ '!' + '?' }}": "Amelia Rivers, 35!?",
    "{% if age is divisibleby 5 %}round{% elif age is odd %}odd{% else %}-{% endif %}": "round",
    "{% if email in emails and 'lia' in name %}yes{% endif %}": "yes",
    "{{ emails|length }} {{ emails|first }} {{ emails[0] }} {{ emails|last }}": "1 a@example.org"
    + " a@example.org" * 2,
    "{{ phones[0]|default('none') }} {{ phones|first|d('none') }}": "none none",
    "{{ name[:3] }}{{ name[-1] }}{{ name[::6] }}": "AmesA s",
    '{"name": {{ name|tojson }}, "to": {{ emails|tojson }}}': '{"name": "Amelia Rivers", "to": ["a@example.org"]}',
    "{{ name|truncate(7, true) }} {{ '  x '|trim }} {{ '7'|int + 1 }}": "Amel... x 8",
    "{{ 'yes' if given_name is none else 'no' }} {{ age is number }} {{ [1, 2][1] }}": "yes True 2",
    "{{ age if 30 < age <= 40 }}{# a comment #}{% raw %}{{ x }}{% endraw %}": "35{{ x }}",
}


@pytest.mark.parametrize(("source", "text"), ALLOWED.items())
def test_what_a_greeting_needs_is_there(source: str, text: str) -> None:
    """Fields, conditions, filters, arithmetic and elements, as before."""
    judged: list[str] = []
    check(source, [FIELDS], judged.append)
    assert judged == [render(source, FIELDS)] == [text]


def test_a_template_may_be_as_deep_as_it_is_documented() -> None:
    """And no deeper."""
    for levels, fits in ((MAX_DEPTH - 3, True), (MAX_DEPTH + 3, False)):
        source = "{% if age %}" * levels + "x" + "{% endif %}" * levels
        if fits:
            check(source, [FIELDS])
        else:
            assert "nested too deeply" in refusal(source)


def test_the_document_names_what_there_is() -> None:
    """Each filter, each test and each limit, and none that there is not."""
    text = DOCUMENT.read_text()
    rows = {cells[1].strip(): cells[2] for line in text.splitlines() if len(cells := line.split("|")) > 3}
    assert set(re.findall(r"`([a-z]+)`", rows["filters"])) == set(FILTERS)
    assert set(re.findall(r"`([a-z]+|[=!<>]+)`", rows["tests"])) == set(TESTS)
    counts = [f"{limit:,}" for limit in (MAX_TEMPLATE, MAX_TEXTS, MAX_NODES, MAX_DEPTH, MAX_WORK)]
    for limit in (*counts, f"{MAX_RENDERED // 1024} KiB", f"{MAX_BITS} bits"):
        assert limit in text
