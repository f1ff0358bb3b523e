"""Redaction: in whatever the service stores, sends or logs, the name of a setting stands in place of its secret.

It finds a secret as it is, in base64 (either alphabet, padded or not, in lines as MIME has them, also as a part of
something longer such as the `user:secret` of Basic authentication), percent-encoded, escaped as JSON, Python or HTML
text (`service.secrecy.secret_forms`), and shortened (`service.secrecy.shortened`). This is the second line of defence:
sentences leave secrets out in the first place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from service.secrecy.secret_forms import LONGEST_FORM, anchor, escaped, forms_of, plainer
from service.secrecy.secret_values import secret_values
from service.secrecy.shortened import Shortened

_KEY_PREFIX = "bsk_"
_STORED_KEY = re.compile(rf"{_KEY_PREFIX}([0-9A-Za-z]{{10}})_[0-9A-Za-z]{{8,49}}")
"""A stored API key, or its beginning (`service.domain.access.key_texts`), such as stands in the address of a feed."""
SHORTEST = 6
"""Length below which a secret goes only where it is a whole text: it would stand in unrelated words, too."""


class Redaction:
    """Puts a setting's name in the place of its value, and of the secret parts of the value.

    It is cheap to apply: it looks for one plain run of characters of each form, and most texts have none.

    Args:
        secrets: values and the names that stand for them.
        whole: values that are replaced only where they are the whole text.
    """

    def __init__(self, secrets: Mapping[str, str], whole: Mapping[str, str] | None = None) -> None:
        self._whole = dict(whole or {})
        self._labels = {f"[{name}]" for name in secrets.values()}
        kept = "|".join(map(re.escape, sorted(self._labels)))  # labels stay, whatever their words are
        self._forms = [
            (anchor(form), f"{kept}|{''.join(map(escaped, form))}", f"[{secrets[value]}]")
            for value in sorted(secrets, key=len, reverse=True)  # a password is a part of its URL
            for form in forms_of(value)
        ]
        self._shortened = Shortened(secrets)
        self.reach = LONGEST_FORM * max(map(len, secrets), default=0)
        """Characters at the end of a text cut short that may be the beginning of a secret."""

    @classmethod
    def of(cls, environment: Mapping[str, str], at_least: int = SHORTEST, used: Collection[str] = ()) -> Redaction:
        """Make the redaction of an environment's secrets.

        Args:
            environment: variables.
            at_least: length below which a secret stays, ≥ `SHORTEST`, unless it is among those used.
            used: the names of secrets to replace however short they are.
        """
        found, whole = {}, {}
        for name, value in secret_values(environment, used):
            if len(value) >= (SHORTEST if name in used else at_least):
                found[value] = name
            elif name in used and value:
                whole[value] = name
        return cls(found, whole)

    def applied(self, text: str) -> str:
        """Return `text` without secrets. A second application changes nothing."""
        if text in self._whole:
            return f"[{self._whole[text]}]"
        clean = self._shortened.applied(self._labelled(text))
        plain = plainer(clean)
        if plain != clean and (labelled := self._labelled(plain)) != plain:
            return labelled
        return clean

    def ended(self, text: str) -> str:
        """Return `text` without the beginning of a secret at its end, of `shortened.SHOWN` characters or more."""
        return self._shortened.ended(text)

    def _labelled(self, text: str) -> str:
        if _KEY_PREFIX in text:
            text = _STORED_KEY.sub(r"[key \1]", text)
        for run, pattern, label in self._forms:
            if run in text:
                text = re.sub(pattern, partial(self._replaced, label), text)  # compiled at first use
        return text

    def apply_to(self, value: dict[str, Any] | list[Any]) -> None:
        """Remove secrets from the texts of a JSON value, but not from its keys, in place and at any depth."""
        left: list[Any] = [value]
        while left:
            inside = left.pop()
            for key, inner in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
                if isinstance(inner, str):
                    inside[key] = self.applied(inner)
                elif isinstance(inner, dict | list):
                    left.append(inner)

    def _replaced(self, label: str, found: re.Match[str]) -> str:
        return found.group() if found.group() in self._labels else label


_present = Redaction({})


def install(environment: Mapping[str, str]) -> None:
    """Make `redacted` keep the secrets of this environment; call it once, at the start of a process."""
    global _present
    _present = Redaction.of(environment)


def redacted(text: str) -> str:
    """Return `text` without the secrets of this process' environment."""
    return _present.applied(text)


def redacted_json(value: Any) -> Any:
    """Copy a value without secrets; parts that are not JSON become text."""
    if isinstance(value, str):
        return redacted(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    copy = [json.loads(json.dumps(value, default=str))]
    _present.apply_to(copy)
    return copy[0]
