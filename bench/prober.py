"""Asks the API at a steady pace in a thread, so that its answers' times under other load are known."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Mapping, Sequence

from bench.ours import API_KEY
from bench.store import centile


class Prober:
    """As a context manager it asks until it is left.

    Args:
        port: the API's.
        paths: asked for in turn.
        pace: requests a second.
        method: of every request.
        body: of every request; none if empty.
        patience: how long an answer is waited for, seconds; then the request has failed.
        fresh: whether each request has a connection of its own, as a load balancer's have.
        headers: of every request, beside the API key and the JSON type.
    """

    def __init__(
        self, port: int, paths: Sequence[str], pace: float = 50.0, *,
        method: str = "GET", body: str = "", patience: float = 30.0, fresh: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._port = port
        self._paths = paths
        self._method, self._body = method, body
        self._patience = patience
        self._fresh = fresh
        self._headers = {"X-API-Key": API_KEY, "Content-Type": "application/json", **(headers or {})}
        self._pause = 1 / pace
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.taken: list[tuple[float, float]] = []
        """When each was asked, monotonic, and how long its answer took, ms."""
        self.failed = 0

    def __enter__(self) -> Prober:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * self._patience)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        due, number = time.monotonic(), 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                path = self._paths[number % len(self._paths)]
                connection.request(self._method, path, self._body or None, self._headers)
                answer = connection.getresponse()
                answer.read()
                self.failed += answer.status >= 300
                if self._fresh:
                    connection.close()
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
            self.taken.append((began, (time.monotonic() - began) * 1000))
            number += 1
            # What could not be asked on time is not asked later all at once.
            due = max(due + self._pause, time.monotonic())
            self._stop.wait(due - time.monotonic())
        connection.close()

    def figures(self, name: str) -> dict[str, float]:
        """All that was asked, for the tables: p50, p99, the longest, and how many failed, each under `name`."""
        taken = [ms for _, ms in self.taken] or [0.0]
        return {
            f"{name}_p50_ms": centile(taken, 0.5), f"{name}_p99_ms": centile(taken, 0.99), f"{name}_max_ms": max(taken),
            f"{name}_asked": len(self.taken), f"{name}_failed": self.failed,
        }  # fmt: skip

    def p99(self, since: float = 0.0) -> float:
        """The 99th centile of what was asked since then, ms; 0 if nothing was."""
        return centile([ms for at, ms in self.taken if at >= since] or [0.0], 0.99)

    def worst(self, since: float = 0.0) -> float:
        """The longest, ms; 0 if nothing was asked."""
        return max((ms for at, ms in self.taken if at >= since), default=0.0)
