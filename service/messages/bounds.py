"""Bounds of one delivery: time in all, and bytes of what comes back, whatever a server does.

Each read has a timeout of its own. A server that sends a byte a second never runs into it, and an answer without end
fills the memory. Apprise's plugins and Python's smtplib open connections by themselves, so Python's audit event tells
us of each. We keep a duplicate of its descriptor, and shut the connection down once it is out of bounds.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

SECONDS = 60.0
"""For all of it: connections, sign-in, the message, and the answers."""
SIZE = 1024 * 1024
"""Bytes that may come back."""
_LOOK_SECONDS = 0.1
_TCP_INFO_SIZE, _RECEIVED = 136, slice(128, 136)
"""Where Linux' `struct tcp_info` has `tcpi_bytes_received`."""
_of_thread = threading.local()
_hook = threading.Lock()
_is_hooked = False


class _Bounds:
    """The connections of one delivery, and why it was broken off; empty while it was not."""

    def __init__(self, seconds: float, size: int) -> None:
        self._seconds, self._size = seconds, size
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self.broken = ""

    def note(self, sock: socket.socket) -> None:
        """Note a connection that begins; refuse it where the delivery was broken off."""
        with self._lock:
            if self.broken:
                raise TimeoutError(self.broken)
            self._sockets.append(socket.socket(fileno=os.dup(sock.fileno())))

    def watch(self) -> None:
        """Look until the delivery ends, and break it off if it goes out of bounds."""
        while not self._ended.wait(_LOOK_SECONDS):
            with self._lock:
                if time.monotonic() > self._end:
                    self.broken = f"the server has not ended its answer within {self._seconds:.0f} s"
                elif sum(map(_received, self._sockets)) > self._size:
                    self.broken = f"the server's answer is longer than {self._size // 1024:,} KiB"
                if self.broken:
                    for sock in self._sockets:
                        with contextlib.suppress(OSError):  # it is not connected yet, or no longer
                            sock.shutdown(socket.SHUT_RDWR)
                    return

    def end(self) -> None:
        """Let go of the connections."""
        self._ended.set()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()


@contextlib.contextmanager
def bounded(seconds: float = SECONDS, size: int = SIZE) -> Iterator[_Bounds]:
    """Bound what this thread sends and gets within.

    Args:
        seconds: the longest time for all of it.
        size: the most bytes that may come back, seen on Linux alone.

    Yields:
        The bounds: `broken` says why connections were shut down, as a sentence without a dot.
    """
    _listen()
    bounds = _Bounds(seconds, size)
    _of_thread.bounds = bounds
    threading.Thread(target=bounds.watch, name="bounds", daemon=True).start()
    try:
        yield bounds
    finally:
        _of_thread.bounds = None
        bounds.end()


def _listen() -> None:
    """Ask Python to tell of connections; once for the process, because it can never be undone."""
    global _is_hooked
    with _hook:
        if not _is_hooked:
            sys.addaudithook(_heard)
            _is_hooked = True


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        bounds: _Bounds | None = getattr(_of_thread, "bounds", None)
        sock = arguments[0]
        if bounds is not None and isinstance(sock, socket.socket):
            bounds.note(sock)


def _received(sock: socket.socket) -> int:
    if not hasattr(socket, "TCP_INFO"):
        return 0
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
    except OSError:
        return 0  # no TCP
    return int.from_bytes(told[_RECEIVED], sys.byteorder)
