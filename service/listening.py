"""Where the web process listens, from the setting `BIND_HOST`: an address, in brackets or not, or a host's name."""

from __future__ import annotations

import ipaddress
import socket

HERE = "127.0.0.1"


def bind_to(host: str, port: int | str) -> str:
    """`address:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2), as gunicorn and URLs have it."""
    address = address_of(host)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def address_of(host: str) -> str:
    """The address that is meant: a name's first IPv4 address, or else its first; a name that nobody knows as it is."""
    bare = host.strip().removeprefix("[").removesuffix("]")
    if _address(bare) is not None:
        return bare
    try:
        found = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return bare
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def is_here(host: str) -> bool:
    """Whether only this machine can mean itself by it: a loopback address, or `localhost`."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def here(host: str | None) -> str:
    """`host` as an address if it is one that this machine alone reaches, else 127.0.0.1."""
    address = address_of(host) if host else HERE
    return address if is_here(address) else HERE


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
