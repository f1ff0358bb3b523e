"""The words of a birthday message: templates by language, and by whether it is on time or late.

A template's first line is the subject; the body follows a blank line. Templates run in Jinja2's sandbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from jinja2 import Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

FALLBACK = "en"


def compose(language: str | None, fields: Mapping[str, object]) -> tuple[str, str]:
    """The subject and the body of one message.

    Args:
        language: the contact's; English where there is no template for it.
        fields: `name`, `given_name`, `family_name`, `birthday`, `age` (None if unknown) and `days_late`; 0 means
            on time.
    """
    kind = "late" if fields["days_late"] else "on_time"
    template = _template((language or FALLBACK).split("-")[0].lower(), kind) or _template(FALLBACK, kind)
    if template is None:
        raise LookupError(f"the template {FALLBACK}/{kind}.txt is missing from the installation")
    subject, _, body = template.render(fields).partition("\n")
    return " ".join(subject.split()), body.strip() + "\n"


@cache
def _template(language: str, kind: str) -> Template | None:
    if not language.isalpha():
        return None
    file = resources.files("service.bots").joinpath("templates", "birthday", language, f"{kind}.txt")
    if not file.is_file():
        return None
    return ImmutableSandboxedEnvironment(keep_trailing_newline=True).from_string(file.read_text(encoding="utf-8"))
