"""The words of birthday messages: templates by language, for messages on time and late.

A template's first line is the subject; the body follows after a blank line. A job may bring its own templates.
Otherwise the service's own are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import Any, Literal

from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field, ValidationInfo, field_validator

from service.bots.support.config import SparseConfig
from service.bots.support.wording import MAX_TEMPLATE, BrokenTemplate, check, render

FALLBACK = "en"
EVERY = "*"
"""The key of a job's templates for every language without its own."""
NAMES_SHOWN = 3
"""Names in a digest's subject."""

Kind = Literal["on_time", "late"]


class UnusableTemplate(Exception):
    """The template does not work for this contact; the message says why."""


class Texts(SparseConfig):
    """A job's own templates in one language. The service's own stand in for a missing one."""

    on_time: str | None = Field(
        default=None,
        max_length=MAX_TEMPLATE,
        description="On the day. The first line is the subject; {{ given_name }} or {{ age }} stand for the person's.",
    )
    late: str | None = Field(
        default=None,
        max_length=MAX_TEMPLATE,
        description="Some days after it; {{ days_late }} says how many. Without it, the service's own text.",
    )

    @field_validator("on_time", "late")
    @classmethod
    def _works(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            check(value, _samples(late=info.field_name == "late"), lambda message: _must_be_whole(value, message))
        return value


def _must_be_whole(source: str, message: str) -> None:
    subject, body = _parted(message)
    if not subject or not body.strip():
        raise BrokenTemplate(source, 1, "the first line must be the subject, with a text below it")


def _samples(late: bool) -> Iterator[dict[str, Any]]:
    """Yield sample people of whom everything is known, or nothing, or all but one fact, or one fact alone."""
    known = {
        "given_name": "Amelia",
        "family_name": "Rivers",
        "age": 35,
        "language": "en",
        "email": "amelia@example.org",
        "phone": "+15550100100",
        "url": "https://example.org/amelia",
    }
    all_but_one = [known.keys() - {name} for name in known]
    for days_late, told in product((3, 1) if late else (0,), [set(known), set(), *all_but_one, *({n} for n in known)]):
        some = {name: value if name in told else None for name, value in known.items()}
        lists = {f"{name}s": [some[name]] if some[name] else [] for name in ("email", "phone", "url")}
        birthday = "1990-04-12" if some["age"] else "--04-12"
        yield {"name": "Amelia Rivers", "birthday": birthday, "days_late": days_late, **some, **lists}


def compose(
    language: str | None,
    fields: Mapping[str, Any],
    own: Mapping[str, Texts] | None = None,
    fallback: str = FALLBACK,
) -> tuple[str, str]:
    """Return the subject and the body of one message.

    Args:
        language: the contact's language, or None.
        fields: `name`, `given_name`, `family_name`, `birthday`, `age` (None if unknown), `days_late` (0 means on time),
            `language`, `email`, `phone`, `url` (the first of each, or None), `emails`, `phones`, `urls`.
        own: the job's templates, by language or `EVERY`.
        fallback: the language for contacts whose own is unknown or has no template.

    Raises:
        UnusableTemplate: the job's template fails for these fields.
    """
    kind: Kind = "late" if fields["days_late"] else "on_time"
    templates = {tag.lower(): getattr(texts, kind) for tag, texts in (own or {}).items()}
    for tag in (language or fallback, fallback):
        for name in (tag.lower(), _base(tag), EVERY):
            if source := templates.get(name):
                return _composed(source, name, fields)
        if text := _shipped(_base(tag), kind):
            return _parted(_environment.from_string(text).render(fields))
    return _parted(_environment.from_string(_shipped(FALLBACK, kind) or "").render(fields))


def _composed(source: str, name: str, fields: Mapping[str, Any]) -> tuple[str, str]:
    try:
        subject, body = _parted(render(source, fields))
    except Exception as error:  # noqa: BLE001 - whatever an expression can raise is the template's fault
        raise UnusableTemplate(f"the job's template for {name} cannot be used: {error}") from None
    if not subject or not body.strip():
        raise UnusableTemplate(f"the job's template for {name} makes an empty message")
    return subject, body


def compose_digest(people: Sequence[Mapping[str, Any]], language: str = FALLBACK) -> tuple[str, str]:
    """Return the subject and the body of one message about several birthdays.

    Args:
        people: each person's fields, as in `compose`.
        language: the digest's language; English if there is no digest in it.
    """
    names = ", ".join(str(person["name"]) for person in people[:NAMES_SHOWN])
    fields = {"people": people, "names": names, "more": max(0, len(people) - NAMES_SHOWN)}
    text = _shipped(_base(language), "digest") or _shipped(FALLBACK, "digest") or ""
    return _parted(_environment.from_string(text).render(fields))


def _base(tag: str) -> str:
    """Return the primary language: `de` for `de-AT`."""
    return tag.split("-")[0].lower()


def _parted(message: str) -> tuple[str, str]:
    subject, _, body = message.partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


@cache
def _shipped(language: str, name: str) -> str | None:
    if not (language.isascii() and language.isalpha()):
        return None
    file = resources.files(__package__).joinpath("templates", language, f"{name}.txt")
    return file.read_text(encoding="utf-8") if file.is_file() else None


_environment = ImmutableSandboxedEnvironment(keep_trailing_newline=True, trim_blocks=True, autoescape=False)
