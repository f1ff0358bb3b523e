"""Hosts of secrets: `BOT_SECRET_X_HOSTS` lists the hosts to which `BOT_SECRET_X` may go.

An entry is a host (`hooks.example.org`), or every name below a domain and not the domain itself (`*.example.net`), or
an IP address (`[::1]`); a port may follow (`hooks.example.org:8443`), without which any port is meant.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import idna

from service.errors import SettingsError
from service.secrecy.secret_names import SUFFIX, is_binding, is_secret

_ENTRY = re.compile(r"(?P<wild>\*\.)?(?P<host>\[[^\[\]]+\]|[^\[\]:*/@?#\s]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class _Entry:
    host: str
    below: bool
    port: int | None

    def allows(self, host: str, port: int | None) -> bool:
        matches = host.endswith(f".{self.host}") if self.below else host == self.host
        return matches and self.port in (None, port)


class Hosts:
    """The hosts to which one secret is bound.

    Args:
        text: the entries, separated by commas or blanks.

    Raises:
        ValueError: an entry is malformed; the text names its number, as the predicate of a sentence.
    """

    def __init__(self, text: str) -> None:
        self._entries = tuple(_entries(text))

    def allow(self, host: str, port: int | None) -> bool:
        """Return whether the secret may go to `host`.

        Args:
            host: a host name or an IP address.
            port: the request's; None if it is unknown, which an entry with a port does not allow.
        """
        try:
            canonical = _canonical(host)
        except ValueError:
            return False
        return any(entry.allows(canonical, port) for entry in self._entries)


def hosts_of(name: str, environment: Mapping[str, str]) -> Hosts | None:
    """Return the hosts to which the secret `name` is bound; None if it may go anywhere.

    Raises:
        SettingsError: its list is malformed.
    """
    text = environment.get(name + SUFFIX, "")
    if not text.strip():
        return None
    try:
        return Hosts(text)
    except ValueError as error:
        raise SettingsError(f"{name}{SUFFIX}: {error}") from None


def check(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each malformed list in `environment`."""
    problems = []
    for name in sorted(filter(is_binding, environment)):
        try:
            hosts_of(name.removesuffix(SUFFIX), environment)
        except SettingsError as error:
            problems.append(str(error))
    return problems


def unbound(environment: Mapping[str, str]) -> list[str]:
    """Return the names of the secrets that may go anywhere."""
    set_ones = (name for name in environment if is_secret(name) and environment[name])
    return sorted(name for name in set_ones if not environment.get(name + SUFFIX, "").strip())


def _entries(text: str) -> Iterator[_Entry]:
    entries: Iterable[str] = filter(None, re.split(r"[,\s]+", text))
    for number, entry in enumerate(entries, start=1):
        found = _parsed(entry)
        if found is None:
            raise ValueError(f"entry {number} must be a host, *.domain or an IP address, optionally with a :port")
        yield found


def _parsed(entry: str) -> _Entry | None:
    if entry.count(":") > 1 and "[" not in entry:
        entry = f"[{entry}]"
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    try:
        host = _canonical(match["host"])
    except ValueError:
        return None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 1 <= port <= 65535:
        return None
    if match["wild"] and _is_address(host):
        return None
    return _Entry(host, bool(match["wild"]), port)


def _canonical(host: str) -> str:
    """Return the one spelling of a host.

    It is lower-case A-labels (RFC 5891), or the shortest form of an IPv6 address (RFC 5952).

    Raises:
        ValueError: it is malformed.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare or bare != host:
        if "%" in bare:
            raise ValueError(host)  # a zone differs on each machine
        return ipaddress.IPv6Address(bare).compressed
    name = host.rstrip(".").lower()
    if not name.isascii():
        name = idna.encode(name, uts46=True).decode()  # an IDNAError is a ValueError
    if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*", name):
        raise ValueError(host)
    return name


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
