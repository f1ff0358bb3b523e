"""Connections that never lead inside the network, and never outlast their time.

Names are resolved here, every address is checked, and the connection goes to the address that was checked: a name
that answers differently the next time gains nothing. It holds for redirects and for `robots.txt` as well, since all
go through the same door.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable

import httpcore
import httpx

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "2001::/23", "3fff::/20"))
)
"""IANA's special-purpose networks of which Python's releases differ in what they call global; some clouds' metadata
service is in the first (RFC 6890, RFC 7526, RFC 8215, RFC 9637)."""


class AddressRefused(httpx.RequestError):
    """The address leads inside the network."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet: not loopback, private, link-local (cloud metadata), shared,
    reserved or multicast; IPv4 addresses inside of IPv6 ones are judged as what they are."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    if any(ip in network for network in _SPECIAL):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one visitor.

    Args:
        allow_private: let addresses inside the network through (`VISITOR_ALLOW_PRIVATE`).
    """

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.SyncBackend()
        self.deadline: float | None = None
        """On the monotonic clock: when whatever is going on must have ended."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to the first of the host's addresses that answers, if all of them are allowed."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused(f"{host} leads to an address inside the network")
        last: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in addresses[:4]:
            try:
                stream = self._inner.connect_tcp(address, port, self.remaining(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _TimedStream(stream, self)
        raise last

    def remaining(self, timeout: float | None) -> float | None:
        """What is left of `timeout` before the deadline.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        if self.deadline is None:
            return timeout
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the page took too long")
        return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    """A connection on which a slow drip of bytes cannot outlast the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._backend.remaining(timeout))
        return _TimedStream(inner, self._backend)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class GuardedTransport(httpx.HTTPTransport):
    """httpx' transport over a `GuardedBackend`; no proxy.

    Args:
        kept: connections that are kept for the next request.
        trusts_environment: whether `SSL_CERT_FILE` and `SSL_CERT_DIR` say which certificates are trusted.
    """

    def __init__(self, backend: GuardedBackend, kept: int = 0, trusts_environment: bool = False) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=trusts_environment),
            max_connections=10,
            max_keepalive_connections=kept,
            keepalive_expiry=5.0,
            network_backend=backend,
        )
