"""Connections that lead only where jobs may, outlast no deadline, and take in no more than they were given leave for.

Names are resolved here, every address is checked, and the connection goes to the address that was checked: a name
that answers differently the next time gains nothing. It holds for redirects and for `robots.txt` as well, since all
go through the same door. Proxies that the environment names are passed by: they would resolve names themselves.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable

import httpcore
import httpx

from service.egress import Egress

MAX_HEAD = 256 * 1024
"""Bytes of an answer's head, with all that may come before it (1xx), and what arrives together with it."""


class AddressRefused(httpx.RequestError):
    """The address may not be connected to.

    Args:
        reason: why, as the predicate of a sentence whose subject is the host.
    """

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} {reason}")
        self.reason = reason


def refuse_literal(host: str, egress: Egress) -> None:
    """Refuses a host that is an address, in whatever spelling, or `localhost`; asks no name server about any other.

    Raises:
        AddressRefused: it may not be connected to.
    """
    known_here = host.lower() == "localhost"  # RFC 6761, 6.3: never asked for elsewhere
    try:
        found = _addresses(host, None, 0 if known_here else socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    _refuse(host, found, egress)


def _addresses(host: str, port: int | None, flags: int = 0) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refuse(host: str, addresses: Iterable[str], egress: Egress) -> None:
    for address in addresses:
        if (reason := egress.refusal(host, address)) is not None:
            raise AddressRefused(host, reason)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one client, which asks one thing at a time.

    Args:
        egress: where they may lead.
    """

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._inner = httpcore.SyncBackend()
        self._deadline: float | None = None
        self._left: int | None = None

    def begin(self, seconds: float | None = None) -> None:
        """Gives leave for the next request, and for the head of its answer.

        Args:
            seconds: after which all of it must have ended; None: as long as something arrives.
        """
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self.allot(MAX_HEAD)

    def allot(self, size: int) -> None:
        """Gives leave for the content, once the head is there.

        Args:
            size: bytes that may be received, with all frames.
        """
        self._left = size

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
            addresses = _addresses(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        _refuse(host, addresses, self._egress)
        last: Exception = httpcore.ConnectError(f"the name {host} has no address")
        for address in addresses[:4]:
            try:
                stream = self._inner.connect_tcp(address, port, self.remaining(timeout), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _BoundedStream(stream, self)
        raise last

    def remaining(self, timeout: float | None) -> float | None:
        """What is left of `timeout` before the deadline.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        if self._deadline is None:
            return timeout
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the page took too long")
        return left if timeout is None else min(timeout, left)

    def received(self, size: int) -> None:
        """Counts so many bytes.

        Raises:
            httpcore.ReadError: they are more than was allotted.
        """
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise httpcore.ReadError("the answer is too long")


class _BoundedStream(httpcore.NetworkStream):
    """A connection on which neither a slow drip of bytes outlasts the deadline nor a flood exceeds the allotment."""

    def __init__(self, inner: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._inner.read(max_bytes, self._backend.remaining(timeout))
        self._backend.received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._backend.remaining(timeout))
        return _BoundedStream(inner, self._backend)

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
