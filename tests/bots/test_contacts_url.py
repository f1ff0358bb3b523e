"""CONTACTS_URL: what is refused when a process starts, without showing it."""

from __future__ import annotations

import pytest

from service.errors import SettingsError
from service.settings import load_settings


@pytest.mark.parametrize(
    "url",
    [
        "dav.example.org/ada",
        "ftp://ada:geheim@dav.example.org/",
        "https://ada@example.org:geheim@dav.example.org/",
        "https://ada:geheim@dav.example.org:port/",
        "https://ada:ge heim@dav.example.org/",
        "https://ada:geheim@/",
        "https://ada:geheim@dav.example.org:74376/",
        "https://ada:geheim@dav.example.org:65536/",
        "https://ada:geheim@dav.example.org:0/",
        "https://ada:geheim@dav.example.org:-1/",
        "https://ada:geheim@dav.example.org:+80/",
        "https://ada:geheim@dav.example.org:8_0/",
        "https://ada:geheim@dav.example.org:80:80/",
        "https://ada:geheim@dav.example.org\\@evil.example/",
    ],
)
def test_a_malformed_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """With an example of one that works."""
    monkeypatch.setenv("CONTACTS_URL", url)
    with pytest.raises(SettingsError, match="CONTACTS_URL: is malformed; write https://user:password@") as refused:
        load_settings()
    assert "geheim" not in str(refused.value) and "heim@" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:5232",
        "https://ada%40example.org:ge%3Aheim@dav.example.org/dav/ada@example.org/",
        "https://[::1]/",
    ],
)
def test_any_web_address_will_do(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Also one inside the network: it is the operator's."""
    monkeypatch.setenv("CONTACTS_URL", url)
    settings = load_settings()
    assert settings.contacts_url is not None and settings.contacts_url.get_secret_value() == url
    assert "heim" not in repr(settings)
