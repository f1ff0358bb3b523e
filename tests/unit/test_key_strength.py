"""Which API keys could be guessed."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.secrecy.key_strength import weak_keys, weakness
from service.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "key",
    ["your-api-key", "YOUR_API_KEY_HERE", "changeme", "change-me-please", "secret", "test", "test-key-1234567890",
     "my-secret-api-key", "a long random text", "password", "letmein", "0123456789abcdef", "abcdefghijklmnopqrst",
     "<put your key here>", "replace-this-with-a-long-random-key", "", "---"],
)  # fmt: skip
def test_an_example_is_told_as_one(key: str) -> None:
    """However it is written, and however long it is."""
    if key.strip("-"):
        assert "known example" in (weakness(key) or "")
    else:
        assert weakness(key) is not None


@pytest.mark.parametrize(("key", "why"), [("k3y-f0r-u5", "shorter than 16"), ("abababababababababab", "repeats")])
def test_a_key_that_can_be_guessed_is_told_why(key: str, why: str) -> None:
    """Short, or of few characters."""
    assert why in (weakness(key) or "")


def test_what_the_documents_make_is_strong() -> None:
    """A hundred of them, and each of 16 characters that is no example."""
    assert {weakness(secrets.token_urlsafe(24)) for _ in range(100)} == {None}
    assert weakness("correct horse battery") is None and weakness("k3y-f0r-u5-al1-!") is None


@pytest.mark.parametrize("name", ["README.md", ".env.example", "compose.yaml", "app.json", "docs/deploy.md"])
def test_no_document_shows_a_key_that_would_pass(name: str) -> None:
    """What stands behind API_KEY= there is empty, a command, or known as an example."""
    shown = re.findall(r"^#?\s*(?:export )?API_KEY=([^\s$\"'`]+)\s*$", (ROOT / name).read_text(), re.MULTILINE)
    assert [key for key in shown if weakness(key) is None] == []


def test_both_keys_are_looked_at() -> None:
    """By the names of their settings; the key itself is not told."""
    told = weak_keys(Settings(api_key=SecretStr("changeme"), api_key_previous=SecretStr("k3y-f0r-u5")))
    assert [sentence.split()[0] for sentence in told] == ["API_KEY", "API_KEY_PREVIOUS"]
    assert "changeme" not in str(told) and "k3y" not in str(told)
    assert weak_keys(Settings(api_key=SecretStr(secrets.token_urlsafe(24)))) == ()
