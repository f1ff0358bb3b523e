"""The address at which the web process listens, from the setting `BIND_HOST`: an address or a host's name."""

from __future__ import annotations

import ipaddress
import socket

HERE = "127.0.0.1"


def bind_to(host: str, port: int | str) -> str:
    """Return `address:port` for gunicorn and URLs, an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    address = address_of(host)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_of(host: str) -> str:
    """Return the address of a host, in brackets or not: a name's first IPv4 address, or else its first.

    A name that does not resolve is returned as it is.
    """
    bare = host.strip().removeprefix("[").removesuffix("]")
    if _address(bare) is not None:
        return bare
    try:
        found = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return bare
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def is_here(host: str) -> bool:
    """Return whether `host` is this machine as only itself sees it: a loopback address, or `localhost`."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def here(host: str | None) -> str:
    """Return the address of `host` if this machine alone can reach it, else 127.0.0.1."""
    address = address_of(host) if host else HERE
    return address if is_here(address) else HERE


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
