"""Who sent a request, also behind proxies."""

from __future__ import annotations

import pytest

from service.errors import SettingsError
from service.settings import Settings, load_settings
from service.web.http.throttling.senders import TrustedProxies

TRUSTED = "10.0.0.0/8, 192.0.2.7,fd00::/8"


def trusted(text: str) -> TrustedProxies:
    """The proxies of a setting."""
    return TrustedProxies(Settings.model_validate({"trusted_proxies": text}).trusted_proxies)


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6,198.51.100.1 , 192.0.2.7", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "6.6.6.6, unknown", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::/64"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("2001:db8::5", "198.51.100.1", "2001:db8::/64"),
        ("", None, ""),
    ],
)
def test_the_sender_is_the_nearest_hop_that_is_no_trusted_proxy(peer: str, forwarded: str | None, sender: str) -> None:
    """Whatever a client claims of others; an IPv6 address stands for its network."""
    assert trusted(TRUSTED).sender(peer, forwarded) == sender


def test_without_proxies_nothing_that_is_sent_is_believed() -> None:
    """The peer is the sender."""
    assert TrustedProxies().sender("127.0.0.1", "198.51.100.1") == "127.0.0.1"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example.org", "10.0.0.0/8,all"])
def test_a_malformed_list_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With a line that names the setting."""
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES: .*network"):
        load_settings()
