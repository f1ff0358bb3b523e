"""The heartbeat that goes outside, to a monitor such as Healthchecks, Cronitor or Better Stack.

The monitor raises the alarm when no heartbeat comes: so somebody notices when all of this installation is dead.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode, urlsplit, urlunsplit

from service.clock import steady_ms

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below that they log each address, and this one is a secret

EVERY_MS = 60_000
TIMEOUT_SECONDS = 5.0
"""How long one heartbeat may take with all its redirects, however slowly the monitor answers."""
MOST_REDIRECTS = 5
LONGEST_REASON = 1_000
NOT_BY_POST = (404, 405, 501)
"""Statuses of a monitor that does not take a reason in a body; it gets a GET."""


class Outside:
    """Sends heartbeats to `HEARTBEAT_URL`, each in a thread, one at a time.

    Args:
        url: the monitor's address for a success; `/fail` is added to its path for a failure. None sends nothing.
        clock: steady ms.
    """

    def __init__(self, url: str | None, clock: Callable[[], int] = steady_ms) -> None:
        self._url = url
        self._clock = clock
        self._well: bool | None = None
        self._next = 0
        self._thread: threading.Thread | None = None

    def is_busy(self) -> bool:
        """Return whether a heartbeat is under way."""
        return self._thread is not None and self._thread.is_alive()

    def tell(self, reasons: Sequence[str]) -> None:
        """Send a heartbeat if a minute is over, or if things have changed since the last one.

        Args:
            reasons: why not all is well, sentences; empty if it is.
        """
        if self._url is None or self.is_busy():
            return
        well = not reasons
        if well == self._well and self._clock() < self._next:
            return
        self._well, self._next = well, self._clock() + EVERY_MS
        reason = " ".join(reasons)[:LONGEST_REASON]
        self._thread = threading.Thread(target=_send, args=(self._url, reason), name="heartbeat", daemon=True)
        self._thread.start()


def failing(url: str, reason: str) -> str:
    """Return the address of a failure: with `/fail` after the path, and the reason as `message`, as Cronitor reads it.

    Args:
        url: the address of a success.
        reason: why.
    """
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode({"message": reason})]))
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail", query=query))


class _Deadline:
    """Shuts the connections of a client down after `TIMEOUT_SECONDS`: each byte that drips in would begin a new wait.

    Its `trace` is httpcore's extension of that name, which hears of every connection.
    """

    def __init__(self) -> None:
        self._open: list[socket.socket] = []
        self._timer = threading.Timer(TIMEOUT_SECONDS, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()

    def trace(self, event: str, facts: dict[str, Any]) -> None:
        """Note a connection, and again once it speaks TLS."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._open.append(facts["return_value"].get_extra_info("socket"))
            if self._timer.finished.is_set():
                self._shut()

    def _shut(self) -> None:
        for one in self._open:
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # TLS' own shutdown is not for other threads


def _send(url: str, reason: str) -> None:
    import httpx  # only processes that send a heartbeat need it

    try:
        with _Deadline() as deadline, httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            request = partial(client.build_request, extensions={"trace": deadline.trace})
            if reason:
                plain = {"Content-Type": "text/plain; charset=utf-8"}
                status = _status(client, request("POST", failing(url, reason), content=reason, headers=plain))
                if status in NOT_BY_POST:
                    status = _status(client, request("GET", failing(url, reason)))
            else:
                status = _status(client, request("GET", url))
        if status >= 400:
            log.warning("HEARTBEAT_URL answered %d", status)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        log.warning("HEARTBEAT_URL does not take a heartbeat (%s)", type(error).__name__)  # its text has the address


def _status(client: httpx.Client, request: httpx.Request) -> int:
    """Ask, and follow redirects. Bodies stay unread: they say nothing, and may have no end."""
    for _ in range(MOST_REDIRECTS + 1):
        answer = client.send(request, stream=True)
        answer.close()
        if answer.next_request is None:
            break
        request = answer.next_request
    return answer.status_code
