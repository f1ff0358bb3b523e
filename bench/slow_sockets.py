"""Many clients that are slow on purpose: `python -m bench.slow_sockets KIND PORT COUNT SECONDS`, with BENCH_KEY.

idle: sends nothing. head, body: sends a request's head, or body, a byte a second. unread: asks for a whole list and
never reads it. Whoever is thrown out comes back a second later. One loop holds them all, so that they cost next to no
CPU. Prints at the end, as JSON, what became of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import socket
import sys
import time
from collections import Counter, deque

BACK_SECONDS = 1.0
OPENED_AT_ONCE = 50
STEP_SECONDS = 0.05
STEPS = 20
"""In each step every twentieth socket sends a byte, so that each sends one a second."""

LONG = f"Host: localhost\r\nX-API-Key: {os.environ.get('BENCH_KEY', '')}\r\nContent-Type: application/json\r\n"
STARTS = {
    "idle": "",
    "head": "GET /scheduler/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "body": f"POST /scheduler/jobs HTTP/1.1\r\n{LONG}Content-Length: 60000\r\n\r\n",
    "unread": f"GET /scheduler/jobs HTTP/1.1\r\n{LONG}\r\n",
}
"""What each kind sends at once."""


class Slow:
    """Holds the sockets.

    Args:
        kind: one of `STARTS`.
        port: where they connect.
        count: how many there are.
    """

    def __init__(self, kind: str, port: int, count: int) -> None:
        self._kind = kind
        self._port = port
        self._poll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._due = deque([0.0] * count)
        """When each socket that is not open is opened, the next one first."""
        self.told: Counter[str] = Counter()

    def work(self, seconds: float) -> None:
        """Holds them for so long."""
        begun = time.monotonic()
        step = 0
        while (now := time.monotonic()) < begun + seconds:
            for _ in range(OPENED_AT_ONCE):
                if self._due and self._due[0] <= now:
                    self._due.popleft()
                    self._connect()
            if self._kind in ("head", "body") and now >= begun + step * STEP_SECONDS:
                self._drip(step % STEPS)
                step += 1
            for number, event in self._poll.poll(STEP_SECONDS / 2, 1000):
                self._hear(number, event)
        self.told["held at the end"] = len(self._open)

    def _connect(self) -> None:
        one = socket.socket()
        if self._kind == "unread":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            one.connect(("127.0.0.1", self._port))  # on loopback this waits for nobody
            one.sendall(STARTS[self._kind].encode())
            one.setblocking(False)
        except OSError:
            one.close()
            self._come_back("not connected")
            return
        self.told["opened"] += 1
        self._open[one.fileno()] = one
        self._poll.register(one, select.EPOLLHUP if self._kind == "unread" else select.EPOLLIN)

    def _drip(self, group: int) -> None:
        for number, one in self._open.items():
            if number % STEPS == group:
                with contextlib.suppress(OSError):  # the poll tells of it
                    one.send(b"x")

    def _hear(self, number: int, event: int) -> None:
        one = self._open[number]
        try:
            said = one.recv(4096) if event & select.EPOLLIN else b""
        except OSError:
            said = b""
        if said.startswith(b"HTTP/"):
            self.told[f"answered {said[9:12].decode(errors='replace')}"] += 1
        if said:
            return
        self._poll.unregister(one)
        del self._open[number]
        one.close()
        self._come_back("thrown out")

    def _come_back(self, why: str) -> None:
        self.told[why] += 1
        self._due.append(time.monotonic() + BACK_SECONDS)


def main() -> None:
    """Holds what the command line names."""
    kind, port, count, seconds = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    slow = Slow(kind, int(port), int(count))
    slow.work(float(seconds))
    print(json.dumps(slow.told))


if __name__ == "__main__":
    main()
