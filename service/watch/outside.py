"""The heartbeat that goes outside, to a monitor such as Healthchecks, Cronitor or Better Stack.

The monitor raises the alarm when no heartbeat comes: so somebody notices when all of this installation is dead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlencode, urlsplit, urlunsplit

from service.clock import steady_ms

log = logging.getLogger(__name__)
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below that they log each address, and this one is a secret

EVERY_MS = 60_000
TIMEOUT_SECONDS = 5.0
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


def _send(url: str, reason: str) -> None:
    import httpx  # only processes that send a heartbeat need it

    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True) as client:
            if reason:
                address = failing(url, reason)
                answer = client.post(address, content=reason, headers={"Content-Type": "text/plain; charset=utf-8"})
                if answer.status_code in NOT_BY_POST:
                    answer = client.get(address)
            else:
                answer = client.get(url)
        if answer.status_code >= 400:
            log.warning("HEARTBEAT_URL answered %d", answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        log.warning("HEARTBEAT_URL does not take a heartbeat (%s)", type(error).__name__)  # its text has the address
