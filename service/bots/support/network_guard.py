"""Network connections that lead only to allowed addresses and stay within a deadline and a number of bytes.

Names are resolved here, every address is checked, and the connection goes to the checked address. So a name that
resolves differently the next time gains nothing. Redirects and `robots.txt` go through the same door. Proxies named in
the environment are ignored, since they would resolve names themselves.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable

import httpcore
import httpx

from service.bots.support import request_hook
from service.egress import Egress

MAX_HEAD = 256 * 1024
"""The most bytes of an answer's head, with interim answers (1xx), and data that arrive with it."""


class AddressRefused(httpx.RequestError):
    """The address may not be connected to.

    Args:
        host: the host.
        reason: the predicate of a sentence whose subject is the host.
    """

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} {reason}")
        self.reason = reason


def refuse_literal(host: str, egress: Egress) -> None:
    """Refuse a host that is an IP address, in any spelling, or `localhost`. Resolve no other name.

    Raises:
        AddressRefused: it may not be connected to.
    """
    known_here = host.lower() == "localhost"  # RFC 6761, 6.3: no name server is asked
    try:
        addresses = _addresses(host, None, 0 if known_here else socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return
    _refuse(host, addresses, egress)


def _addresses(host: str, port: int | None, flags: int = 0) -> list[str]:
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def _refuse(host: str, addresses: Iterable[str], egress: Egress) -> None:
    for address in addresses:
        if (reason := egress.refusal(host, address)) is not None:
            raise AddressRefused(host, reason)


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of one client, which makes one request at a time.

    Args:
        egress: where the connections may lead.
    """

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._inner = httpcore.SyncBackend()
        self._deadline: float | None = None
        self._left: int | None = None

    def begin(self, seconds: float | None = None) -> None:
        """Allow the next request, and the head of its answer.

        Args:
            seconds: the time in which all of it must end; None: as long as data arrive.
        """
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self.allot(MAX_HEAD)

    def allot(self, size: int) -> None:
        """Allow the content, once the head is there.

        Args:
            size: bytes that may be received, frames included.
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
        """Connect to the first of the host's addresses that answers, if all of them are allowed."""
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
        """Return the part of `timeout` before the deadline.

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
        """Count received bytes.

        Raises:
            httpcore.ReadError: they exceed the allotment.
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
    """httpx' transport over a `GuardedBackend`, without proxies.

    Args:
        backend: opens the connections.
        kept: how many connections to keep for later requests.
        trusts_environment: whether `SSL_CERT_FILE` and `SSL_CERT_DIR` name the trusted certificates.
    """

    def __init__(self, backend: GuardedBackend, kept: int = 0, trusts_environment: bool = False) -> None:
        context = httpx.create_ssl_context(trust_env=trusts_environment)
        super().__init__(verify=context, trust_env=False)  # a context of its own would take 30 ms for nothing
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=10,
            max_keepalive_connections=kept,
            keepalive_expiry=5.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and let the run's trace hear of it."""
        if request_hook.hook is None:
            return super().handle_request(request)
        return request_hook.hook(request, super().handle_request)
