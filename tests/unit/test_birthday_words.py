"""The words of birthday messages, in each language, and of templates that jobs bring."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from service.bots.birthday.birthdays import Greeting
from service.bots.birthday.bot import BirthdayConfig
from service.bots.birthday.greetings import Texts, UnusableTemplate, compose, compose_digest
from service.domain.job_fields import validate_bot_config
from service.domain.people.contact import Contact
from service.errors import ValidationFailed


def fields(days_late: int = 0, **contact: Any) -> dict[str, Any]:
    """What a template may say of Amelia."""
    base: dict[str, Any] = {"id": "1", "name": "Amelia Rivers", "given_name": "Amelia", "birthday": "--04-12"}
    return Greeting(Contact(**base | contact), date(2025, 4, 12), days_late).fields


def words(language: str | None = "en", days_late: int = 0, **contact: Any) -> tuple[str, str]:
    """A message to her."""
    return compose(language, fields(days_late, **contact))


BORN_1990: dict[str, Any] = {"birthday": "1990-04-12"}


def test_messages_say_what_is_known() -> None:
    """The given name, else the whole; the age where the year of birth is known; how late it is."""
    assert words()[0] == "Happy birthday, Amelia!"
    assert "35" in words(**BORN_1990)[1]
    assert "being" not in words()[1]
    assert "Amelia Rivers" in words(given_name=None)[1]
    assert "yesterday" in words(days_late=1)[1]
    assert "3 days ago" in words(days_late=3)[1]
    assert "belated" in words(days_late=3)[0]


@pytest.mark.parametrize(
    ("language", "subject", "age", "late_subject", "yesterday", "days_ago"),
    [
        ("en", "Happy birthday, Amelia!", "turning 35", "Happy belated birthday, Amelia!", "yesterday", "3 days ago"),
        ("fr", "Joyeux anniversaire, Amelia !", "tes 35 ans", "Joyeux anniversaire en retard, Amelia !", "hier",
         "il y a 3 jours"),
        ("es", "¡Feliz cumpleaños, Amelia!", "tus 35 años", "¡Feliz cumpleaños atrasado, Amelia!", "Ayer",
         "Hace 3 días"),
        ("de", "Alles Gute zum Geburtstag, Amelia!", "zum 35. Geburtstag", "Alles Gute nachträglich, Amelia!",
         "gestern", "vor 3 Tagen"),
    ],
)  # fmt: skip
def test_the_shipped_languages(
    language: str, subject: str, age: str, late_subject: str, yesterday: str, days_ago: str
) -> None:
    """On time and late, with the age and without; a body says nothing of what is not known."""
    assert words(language)[0] == subject
    assert age in words(language, **BORN_1990)[1]
    assert "35" not in words(language)[1]
    assert "None" not in "".join(words(language, given_name=None))
    assert words(language, 1)[0] == late_subject
    assert yesterday in words(language, 1)[1]
    assert days_ago in words(language, 3, **BORN_1990)[1]


@pytest.mark.parametrize("language", ["fr", "es"])
def test_one_year_is_singular(language: str) -> None:
    """Where the language has a plural of years."""
    one = words(language, birthday="2024-04-12")[1]
    assert {"fr": "1 an !", "es": "1 año!"}[language] in one


def test_a_name_cannot_run_code_or_break_the_subject() -> None:
    """It is a value of the template, never a part of it; a subject is one line."""
    subject, body = words(given_name="{{ 7 * 7 }}\nBcc: x@example.org")
    assert "{{ 7 * 7 }}" in subject + body
    assert "\n" not in subject


def test_a_language_without_templates_falls_back() -> None:
    """However the tag is spelt: to the job's language, else to English; a region's tag to its language."""
    for language in ("xx", "../..", "", "ß", None):
        assert compose(language, fields())[0] == "Happy birthday, Amelia!"
        assert compose(language, fields(), None, "es")[0] == "¡Feliz cumpleaños, Amelia!"
    assert compose("de-AT", fields())[0] == "Alles Gute zum Geburtstag, Amelia!"
    assert compose("FR", fields())[0] == "Joyeux anniversaire, Amelia !"


@pytest.mark.parametrize(
    ("language", "days_late", "subject"),
    [
        ("de-AT", 0, "Servus"),
        ("de-at", 0, "Servus"),
        ("de-DE", 0, "Hallo"),
        ("de-AT", 1, "Alles Gute nachträglich, Amelia!"),
        ("fr", 0, "Hi"),
        ("fr", 1, "Joyeux anniversaire en retard, Amelia !"),
        (None, 0, "Hi"),
    ],
)
def test_the_nearest_template_is_used(language: str | None, days_late: int, subject: str) -> None:
    """The job's for the tag, its language or every language; then the service's own."""
    own = {tag: Texts(on_time=f"{word}\n\nx") for tag, word in (("de-AT", "Servus"), ("de", "Hallo"), ("*", "Hi"))}
    assert compose(language, fields(days_late), own)[0] == subject


def test_the_one_language_of_a_jobs_templates_is_its_language() -> None:
    """Address books seldom say which language somebody speaks."""
    french = {"fr": {"on_time": "Salut\n\nx"}}
    assert BirthdayConfig.model_validate({"templates": french}).fallback_language == "fr"
    assert BirthdayConfig.model_validate({"templates": french | {"de": {}}}).fallback_language == "en"
    assert BirthdayConfig.model_validate({"templates": french, "language": "es"}).fallback_language == "es"
    assert BirthdayConfig.model_validate({"templates": {"*": {}}}).fallback_language == "en"


def test_a_template_has_the_contacts_fields() -> None:
    """Conditions, filters and arithmetic among them."""
    template = (
        "Hi {{ given_name or name | upper }}\n\n"
        "{% if age and age % 5 == 0 %}A round one: {{ age }}.{% endif %}"
        "{{ family_name or '-' }} {{ birthday }} {{ email or '-' }} {{ phones | length }} "
        "{{ url is none }} {{ name[:1] }}"
    )
    own = {"*": Texts(on_time=template)}
    subject, body = compose(None, fields(**BORN_1990, emails=("a@example.org",), phones=("1", "2")), own)
    assert (subject, body) == ("Hi Amelia", "A round one: 35.- 1990-04-12 a@example.org 2 True A\n")


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Hi\n\nDear {{ nmae }}", 'is broken in line 3, "Dear {{ nmae }}": unknown field "nmae"; the fields are name,'),
        ("Hi\n\n{% if age %}\nx", 'is broken in line 3, "{% if age %}": Unexpected end of template'),
        ("Hi\n\n{{ name", 'is broken in line 3, "{{ name": unexpected end of template'),
        ("Hi\n\n{{ age + 1 }}", "(tried where there is no"),
        ("Hi\n\n{{ emails[0] }}", "has no element 0"),
        ("Hi\n\n{{ name | shout }}", 'there is no filter "shout"'),
        ("{{ given_name or '' }}\n\nx", "the first line must be the subject"),
        ("Hi", "with a text below it"),
        ("Hi\n\n{{ name.__class__.__mro__ }}", "but no getattr"),
        ("Hi\n\n{{ ''['__class__'] }}", "brackets take the position"),
        ("Hi\n\n{{ name.format(1) }}", "but no call"),
        ("Hi\n\n{% for n in emails %}{{ n }}{% endfor %}", "but no for"),
        ("Hi\n\n{% set n = name ~ name %}", "but no assign"),
        ("Hi\n\n{% include 'x' %}", "but no include"),
        ("Hi\n\n{{ 'x' * 1000000000 }}", "* is for numbers"),
        ("Hi\n\n{{ '%1000000000s' % name }}", "% is for numbers"),
        ("Hi\n\n{{ 10 ** 10 ** 10 }}", "but no pow"),
        ("Hi\n\n{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "is nested too deeply"),
        ("Hi\n\n{{ name|tojson|tojson }}", "tojson is applied"),
    ],
)
def test_a_broken_template_is_refused_with_its_line(template: str, told: str) -> None:
    """When the job is made, not on somebody's birthday; nothing in it can run for ever or reach Python."""
    config = {"templates": {"fr": {"on_time": template}}}
    with pytest.raises(ValidationFailed) as refusal:
        validate_bot_config("birthday", config, {"birthday": BirthdayConfig})
    (error,) = refusal.value.errors
    assert error.field == "bot_config.templates.fr.on_time"
    assert told in error.message


def test_a_late_template_is_tried_late() -> None:
    """days_late is 0 on the day and 1 or more after it."""
    with pytest.raises(ValueError, match="ZeroDivisionError"):
        Texts(on_time="Hi\n\n{{ 7 // days_late }}")
    assert Texts(late="Hi\n\n{{ 7 // days_late }}").late


def test_an_unknown_field_below_the_templates_is_named() -> None:
    """With what there is instead."""
    with pytest.raises(ValidationFailed, match=r"bot_config.templates.fr.early is not known: .* has on_time and late"):
        validate_bot_config("birthday", {"templates": {"fr": {"early": "x"}}}, {"birthday": BirthdayConfig})


def test_a_template_that_fails_for_one_contact_says_so() -> None:
    """What no sample has shown."""
    own = {"*": Texts(on_time="Hi\n\n{{ 1 // (age or 7) }}{{ 1 // (age - 35 + 1 if age and age != 35 else 1) }}")}
    assert compose(None, fields(**BORN_1990), own)
    with pytest.raises(UnusableTemplate, match="by zero"):
        compose(None, fields(birthday="1991-04-12"), own)


@pytest.mark.parametrize(
    ("language", "subject", "first", "second"),
    [
        ("en", "Birthdays: A, B, C and 1 more", "- A: today, turning 35, a@example.org, 1", "- B: yesterday"),
        ("fr", "Anniversaires : A, B, C et 1 de plus", "- A : aujourd’hui, 35 ans, a@example.org, 1", "- B : hier"),
        ("es-MX", "Cumpleaños: A, B, C y 1 más", "- A: hoy, 35 años, a@example.org, 1", "- B: ayer"),
        ("de", "Geburtstage: A, B, C und 1 weitere", "- A: heute, 35 Jahre, a@example.org, 1", "- B: gestern"),
        ("xx", "Birthdays: A, B, C and 1 more", "- A: today, turning 35, a@example.org, 1", "- B: yesterday"),
    ],
)
def test_a_digest_names_everybody(language: str, subject: str, first: str, second: str) -> None:
    """Its subject the first three, its body each on a line with what is known."""
    people = [
        fields(name="A", birthday="1990-04-12", emails=("a@example.org",), phones=("1",)),
        fields(1, name="B"),
        fields(2, name="C"),
        fields(3, name="D"),
    ]
    told, body = compose_digest(people, language)
    assert told == subject
    lines = body.splitlines()
    assert (len(lines), lines[0], lines[1]) == (4, first, second)
    assert compose_digest(people[:2])[0] == "Birthdays: A, B"
