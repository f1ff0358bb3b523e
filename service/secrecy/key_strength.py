"""Strength of API keys. The service starts with a weak key all the same, and says so."""

from __future__ import annotations

import re
from typing import Protocol

from pydantic import SecretStr

SHORTEST = 16
"""A shorter key can be guessed by trying, or was typed by hand."""
DIFFERENT = 5
"""A key of fewer different characters is not random."""

ADVICE = "Set a long random one: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"
"""What to do about a weak key."""

_EXAMPLES = re.compile(
    r"(your|my|the|some|a|an|example|sample|default|demo|dummy|test|testing|change|replace|put|insert|enter|set|secret|"
    r"long|random|text|value|api|apikey|key|keys|token|password|passwd|admin|scheduler|bot|botscheduler|here|this|me|"
    r"it|with|for|please|changeme|changethis|letmein|qwerty|todo|none|null|undefined|x|[0-9])+"
)
"""Keys made of nothing but the words of which documents and templates make their placeholders."""
_SEQUENCES = ("0123456789abcdef" * 4, "abcdefghijklmnopqrstuvwxyz" * 2, "1234567890" * 6)


def weakness(key: str) -> str | None:
    """Say why `key` could be guessed, as the predicate of a sentence about its setting; None if it is strong."""
    letters = re.sub(r"[^0-9a-z]", "", key.casefold())
    if _EXAMPLES.fullmatch(letters) or any(letters and letters in sequence for sequence in _SEQUENCES):
        return "is a known example, which anybody can guess"
    if len(key) < SHORTEST:
        return f"is shorter than {SHORTEST} characters, so it can be guessed"
    if len(set(key)) < DIFFERENT:
        return "repeats a few characters, so it can be guessed"
    return None


class Settings(Protocol):
    """The settings that this module reads."""

    @property
    def api_key(self) -> SecretStr | None:
        """`API_KEY`."""

    @property
    def api_key_previous(self) -> SecretStr | None:
        """`API_KEY_PREVIOUS`."""


def weak_keys(settings: Settings) -> tuple[str, ...]:
    """Return a sentence for each of the settings' API keys that could be guessed."""
    keys = {"API_KEY": settings.api_key, "API_KEY_PREVIOUS": settings.api_key_previous}
    reasons = {name: weakness(key.get_secret_value()) for name, key in keys.items() if key is not None}
    return tuple(f"{name} {reason}" for name, reason in reasons.items() if reason is not None)
