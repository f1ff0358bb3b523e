"""Senders of requests: the address of a client, also behind the reverse proxies that the operator trusts."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLIENT_BITS = 64
"""The part of an IPv6 address that tells clients apart: each has a network of this length, and chooses the rest (RFC
4291, 2.5.4; RFC 8981)."""


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The proxies whose `X-Forwarded-For` is believed.

    Args:
        networks: their addresses; none if nothing that a client sends is believed.
    """

    networks: tuple[Network, ...] = ()

    def address(self, peer: str, forwarded_for: str | None) -> str:
        """Return the address of the nearest hop that is no trusted proxy; hops further away are that one's own words.

        Args:
            peer: the address at the other end of the connection.
            forwarded_for: the header `X-Forwarded-For`, to which each proxy appends the address that it was asked from.
        """
        if not forwarded_for or not self.networks:
            return peer
        nearest = _nearest(self.networks, peer, forwarded_for)
        return peer if nearest is None else str(nearest)

    def sender(self, peer: str, forwarded_for: str | None) -> str:
        """Name the sender of a request, as wrong keys are counted: an IPv4 address, or the /64 network of an IPv6 one.

        Args:
            peer: as for `address`.
            forwarded_for: likewise.
        """
        believed = forwarded_for if self.networks else None
        nearest = _nearest(self.networks, peer, believed) if believed else _parsed(peer)
        return peer if nearest is None else _client(nearest)


@lru_cache(64)  # a request asks two or three times
def _nearest(trusted: tuple[Network, ...], peer: str, forwarded_for: str) -> Address | None:
    """Return the nearest hop that is no trusted proxy; None if the peer's address is not an IP address."""
    nearest, hops = _parsed(peer), forwarded_for.split(",")
    while hops and nearest is not None and any(nearest in network for network in trusted):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        nearest = hop
    return nearest


def _parsed(text: str) -> Address | None:
    """Parse an address as proxies write it: perhaps with a port, brackets or a zone. None for any other text."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _client(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    host_bits = address.max_prefixlen - CLIENT_BITS
    return f"{ipaddress.IPv6Address(int(address) >> host_bits << host_bits)}/{CLIENT_BITS}"
