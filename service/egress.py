"""Addresses that jobs may connect to: the open Internet, and those that the operator names in `NETWORK_ALLOW`.

Authors of jobs and of pages choose addresses, so nothing inside the network is reachable unless the operator names it.
A cloud's metadata service hands out the machine's own passwords. It is reachable only if the operator names its very
address: a network around it or a host name that leads to it is not enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from service.secrecy.own_copies import own_copy

if TYPE_CHECKING:
    import ipaddress
else:
    ipaddress = own_copy("ipaddress")  # a bot that patches the other one moves no border

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_SPECIAL = _networks("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20")
"""IANA's special-purpose networks on which Python's releases disagree whether they are global (RFC 6890, RFC 7526,
RFC 8215, RFC 9637)."""
_EVERYWHERE = _networks("0.0.0.0/0", "::/0")
_METADATA = _networks(
    *("169.254.0.0/16", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::/32", "fd20:ce::/32", "fd00:42::42", "fd00:c1::a9fe:a9fe"),
)
"""All of IPv4's link-local network, from which most clouds take theirs; then Azure's, Alibaba's and Oracle's. In IPv6
Amazon's, Google's, Scaleway's and Oracle's."""
_WELL_KNOWN = frozenset(
    map(
        ipaddress.IPv4Address,
        (
            *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "169.254.0.23"),
            *("168.63.129.16", "100.100.100.200", "192.0.0.192"),
        ),
    )
)
"""IPv6 addresses that carry one of these may be translated to it, by whatever prefix a network has chosen."""
_BEHIND_PREFIX = ((4, 5, 6, 7), (5, 6, 7, 9), (6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
"""The bytes of an IPv6 address that carry an IPv4 one behind a prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052, 2.2);
the ninth byte is left out."""
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def is_public(address: str) -> bool:
    """Return whether an IP address is on the open Internet.

    Loopback, private, link-local, shared, reserved and multicast addresses are not. An IPv4 address inside an IPv6 one
    is judged as an IPv4 address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = _last_32_bits(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def is_metadata(address: str) -> bool:
    """Return whether an IP address is that of a cloud's metadata service, or may be translated to it."""
    ip = _plain(address)
    return any(inner in network for inner in (ip, *_inside(ip)) for network in _METADATA) or (
        isinstance(ip, ipaddress.IPv6Address) and not _WELL_KNOWN.isdisjoint(_translations(ip))
    )


def _last_32_bits(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


def _plain(address: str) -> Address:
    """Parse an address without its zone, and as IPv4 where it is IPv4 (`::ffff:10.0.0.1`): the same destination."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _inside(ip: Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the IPv4 addresses that an IPv6 address carries, to which a router may translate it."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return
    if ip.sixtofour:
        yield ip.sixtofour
    if ip.teredo:
        yield from ip.teredo
    if ip in _NAT64 or int(ip) >> 32 in (0, 0xFFFF0000):
        yield _last_32_bits(ip)
    if ip in _LOCAL_NAT64:
        yield from _translations(ip)


def _translations(ip: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    """Yield the translations of an address, one for each length of prefix that a network may have chosen."""
    packed = ip.packed
    for places in _BEHIND_PREFIX:
        yield ipaddress.IPv4Address(bytes(packed[place] for place in places))


@dataclass(frozen=True, slots=True)
class Egress:
    """Addresses that jobs may connect to beside the open Internet.

    Args:
        networks: allowed networks; a metadata service needs a network of its one address.
        hosts: host names, in lower case, whose addresses inside the network are allowed.
    """

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, allowed: str | None, everything_private: bool = False) -> Self:
        """Read the settings.

        Args:
            allowed: `NETWORK_ALLOW`: networks, addresses and host names, separated by commas; None: none.
            everything_private: allow every network inside, except metadata services.

        Raises:
            ValueError: an entry is malformed; says which, and why.
        """
        networks: list[Network] = []
        hosts = set[str]()
        for number, entry in enumerate((allowed or "").split(","), start=1):
            name = entry.strip().lower().removesuffix(".")
            if _HOST.fullmatch(name):
                hosts.add(name)
            elif name:
                networks.append(_network(name, number))
        return cls((*networks, *(_EVERYWHERE if everything_private else ())), frozenset(hosts))

    def refusal(self, host: str, address: str) -> str | None:
        """Say why jobs may not connect to an address; None if they may.

        Args:
            host: the name that led there, as the URL has it.
            address: an IP address.
        """
        ip = _plain(address)
        if is_metadata(address):
            named = any(network.num_addresses == 1 and ip in network for network in self.networks)
            return None if named else "leads to an address of a cloud's metadata service"
        named = host.lower().removesuffix(".") in self.hosts or any(ip in network for network in self.networks)
        return None if named or is_public(address) else "leads to an address inside the network"


def _network(text: str, number: int) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        network = None
    if network is None or "%" in text:
        raise ValueError(
            f"has an entry (number {number}) that is not a network such as 10.0.0.0/8, an address, or a host name"
        )
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        network = ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    around = (of for of in _METADATA if of.version == network.version)
    if network.num_addresses > 1 and any(network.subnet_of(of) for of in around):  # type: ignore[arg-type]
        raise ValueError(
            f"has a network (entry {number}) of link-local or metadata addresses, which must be listed one by one"
        )
    return network
