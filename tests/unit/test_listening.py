"""Where the web process listens."""

from __future__ import annotations

import socket

import pytest

from service.listening import address_of, bind_to, here, is_here


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("0.0.0.0", "0.0.0.0:8000"),
        ("127.0.0.1", "127.0.0.1:8000"),
        (" 10.1.2.3 ", "10.1.2.3:8000"),
        ("::1", "[::1]:8000"),
        ("[::1]", "[::1]:8000"),
        ("::", "[::]:8000"),
        ("[2001:db8::1]", "[2001:db8::1]:8000"),
        ("::ffff:10.0.0.1", "[::ffff:10.0.0.1]:8000"),
        ("fe80::1%eth0", "[fe80::1%eth0]:8000"),
        ("no-such-host.invalid", "no-such-host.invalid:8000"),
    ],
)
def test_an_address_is_taken_as_people_write_it(host: str, place: str) -> None:
    """With brackets or without; in the address that comes of it IPv6 has them."""
    assert bind_to(host, 8000) == place


@pytest.mark.parametrize(
    ("known", "address"),
    [(["10.0.0.1"], "10.0.0.1"), (["::5", "10.0.0.1"], "10.0.0.1"), (["::5", "::6"], "::5")],
)
def test_a_name_means_its_ipv4_address_where_it_has_one(
    known: list[str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gunicorn takes a name for IPv4, and would not start at one that has none."""
    entries = [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, 0)) for one in known]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert address_of("a.example.org") == address


@pytest.mark.parametrize(
    ("host", "kept"),
    [("::1", "::1"), ("[::1]", "::1"), ("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"),
     ("192.0.2.1", "127.0.0.1"), ("2001:db8::1", "127.0.0.1"), ("no-such-host.invalid", "127.0.0.1"),
     ("", "127.0.0.1"), (None, "127.0.0.1")],
)  # fmt: skip
def test_for_this_machine_alone_only_a_loopback_address_is_kept(host: str | None, kept: str) -> None:
    """All else would be open to others."""
    assert here(host) == kept
    assert is_here(here(host))
