"""Outcry: a web process tells ALERT_URL by itself that Redis is away, or takes no writes.

No alert can be noted in Redis then. So each process remembers for itself to whom it has told what. Of the processes of
one machine one tells: it holds a lock on a file that all have inherited, and the kernel passes it on when it dies.
Processes of several machines cannot agree without Redis, so each machine tells once.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from service.alerting.alert_addresses import Address
from service.alerting.touch import Gap
from service.clock import steady_ms

log = logging.getLogger(__name__)

AWAY_MS = 60_000
"""A Redis that cannot be reached for longer is told of: a restart takes less."""
REFUSED_MS = 30_000
"""So is one that answers and cannot be used."""
AGAIN_MS = 30_000
"""How long until an address that did not take it is tried again."""
PATIENCE_SECONDS = 5.0
"""How long the watch waits for all addresses. One that takes longer goes on beside it, and alone."""

Send = Callable[[Address, str, str], str | None]
"""Sends a subject and a body to an address. Returns why it was not taken; None if it was."""


class Alone:
    """A lock that one of the processes holds which were forked from this one. Make it before the fork."""

    def __init__(self) -> None:
        # It lives as long as the process. In memory it needs no folder, which a container may not have (Linux).
        in_memory = hasattr(os, "memfd_create")
        self._file: IO[bytes] = (
            os.fdopen(os.memfd_create("outcry"), "w+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
        )

    def take(self) -> bool:
        """Take or keep the lock. Return whether this process has it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def leave(self) -> None:
        """Leave it to others."""
        with contextlib.suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_UN)


class Outcry:
    """Tells of one gap after the other, each address once when it begins, and once when it is over.

    Args:
        addresses: those of ALERT_URL, by their URLs.
        send: sends to one of them.
        alone: picks one process of the machine.
        clock: steady ms.
    """

    def __init__(
        self, addresses: Mapping[str, Address], send: Send, alone: Alone, clock: Callable[[], int] = steady_ms
    ) -> None:
        self._addresses = addresses
        self._send = send
        self._alone = alone
        self._clock = clock
        self._gap: Gap | None = None
        self._told: set[str] = set()
        self._slow: dict[str, threading.Thread] = {}
        self._next_try = 0

    def look(self, gap: Gap | None) -> bool:
        """Tell what is to be told now.

        Args:
            gap: the present time without touch with Redis; None if it answers and takes writes.

        Returns:
            Whether this process speaks for its machine of a gap that is to be told of.
        """
        if gap is None:
            self._end()
            return False
        if self._clock() - gap.began_ms <= (REFUSED_MS if gap.refused else AWAY_MS) or not self._alone.take():
            return False
        self._gap = gap
        self._tell(gap)
        return True

    def _tell(self, gap: Gap) -> None:
        left = [address for url, address in self._addresses.items() if url not in self._told]
        if not left or self._clock() < self._next_try:
            return
        lasted = (self._clock() - gap.began_ms) // 1000
        subject = "Redis takes no writes" if gap.refused else "Redis is away"
        body = (
            f"{gap.reason}, for {lasted} s by now.\nNo job starts, and runs wait or go on without being recorded. What "
            f"Redis had answered is not lost, unless its data is.\nTold by the web process on {socket.gethostname()}; "
            "each machine with web processes tells it once."
        )
        self._send_to(left, subject, body, self._told)
        self._next_try = self._clock() + AGAIN_MS

    def _end(self) -> None:
        gap, self._gap = self._gap, None
        if gap is None:
            return
        lasted = (self._clock() - gap.began_ms) // 1000
        told = [address for url, address in self._addresses.items() if url in self._told]
        self._send_to(told, "Redis can be used again", f"It could not for {lasted} s: {gap.reason}.", set())
        self._told = set()
        self._next_try = 0
        self._alone.leave()

    def _send_to(self, addresses: Sequence[Address], subject: str, body: str, told: set[str]) -> None:
        """Send to all at the same time, so that one that hangs holds up neither another nor the watch.

        `told` gets the URLs of those that take it.
        """
        for address in addresses:
            if address.url not in self._slow:
                one = threading.Thread(target=self._send_one, args=(address, subject, body, told), daemon=True)
                self._slow[address.url] = one
                one.start()
        end = time.monotonic() + PATIENCE_SECONDS
        for url, one in list(self._slow.items()):
            one.join(max(0.0, end - time.monotonic()))
            if not one.is_alive():
                del self._slow[url]

    def _send_one(self, address: Address, subject: str, body: str, told: set[str]) -> None:
        reason = self._send(address, subject, body)
        if reason is None:
            told.add(address.url)
        else:
            log.warning("%s did not take that Redis is away, or back: %s", address.name, reason)
