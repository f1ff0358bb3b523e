"""Many followers of runs' logs: `python -m bench.follow PORT COUNT SECONDS PATH…`, with BENCH_KEY.

Each follows one of the paths (server-sent events) and comes back with `Last-Event-ID` if its stream ends. One loop
holds them all and looks at nothing but the numbers of the lines and when each was written (bench/noop). Once all are
there it measures for SECONDS, and prints as JSON: how long after its writing the last follower had each line, and how
many lines were lost or came twice.
"""

from __future__ import annotations

import json
import os
import re
import resource
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field

LINE = re.compile(rb'id: (\d+)\ndata: [^\n]*"line at ([\d.]+)"')
BACK_SECONDS = 0.5
OPENED_AT_ONCE = 25
LATE_SECONDS = 30.0
"""So long is waited at most for the last lines; a line that comes later is lost."""
ALL_THERE_SECONDS = 60.0


@dataclass(slots=True)
class Reader:
    """One follower.

    Args:
        path: of its run's log.
        last: the number of the last line that it has.
        rest: the beginning of an event that has not arrived whole.
        known: whether its present stream has begun.
        newest: when the last line that it has was written, epoch seconds.
    """

    path: str
    last: int = 0
    rest: bytes = b""
    known: bool = False
    newest: float = 0.0


@dataclass(slots=True)
class Line:
    """A line: when it was written, when the last of its readers had it, and how many have it."""

    written: float
    arrived: float = 0.0
    readers: int = 0


@dataclass(slots=True)
class Followers:
    """Holds the followers.

    Args:
        port: the API's.
        waiting: when each that has no stream asks for one, the next first.
    """

    port: int
    waiting: deque[tuple[float, Reader]]
    poll: select.epoll = field(default_factory=select.epoll)
    open: dict[int, tuple[socket.socket, Reader]] = field(default_factory=dict)
    lines: dict[tuple[str, int], Line] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    streaming: int = 0

    def work(self, until: float) -> None:
        """Follows until then, by the monotonic clock."""
        while (now := time.monotonic()) < until:
            self.step(now)

    def step(self, now: float) -> None:
        """Opens what is due and reads what is there."""
        for _ in range(OPENED_AT_ONCE):
            if self.waiting and self.waiting[0][0] <= now:
                self._connect(self.waiting.popleft()[1])
        for number, _ in self.poll.poll(0.02, 2000):
            one, reader = self.open[number]
            try:
                said = one.recv(65536)
            except OSError:
                said = b""
            if said:
                self._read(reader, said)
            if not (said and reader.known):  # the stream has ended, or was refused
                self._close(number)

    def _connect(self, reader: Reader) -> None:
        one = socket.socket()
        after = f"Last-Event-ID: {reader.last}\r\n" if reader.last else ""
        try:
            one.connect(("127.0.0.1", self.port))  # on loopback this waits for nobody
            one.sendall(
                f"GET {reader.path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {os.environ['BENCH_KEY']}\r\n"
                f"Accept: text/event-stream\r\n{after}\r\n".encode()
            )
            one.setblocking(False)
        except OSError:
            one.close()
            self._come_back(reader, "not connected")
            return
        reader.rest, reader.known = b"", False
        self.open[one.fileno()] = one, reader
        self.poll.register(one, select.EPOLLIN)

    def _close(self, number: int) -> None:
        one, reader = self.open.pop(number)
        self.poll.unregister(one)
        one.close()
        self.streaming -= reader.known
        self._come_back(reader, "streams that ended")

    def _come_back(self, reader: Reader, why: str) -> None:
        self.told[why] += 1
        self.waiting.append((time.monotonic() + BACK_SECONDS, reader))

    def _read(self, reader: Reader, said: bytes) -> None:
        now = time.time()
        if not reader.known:
            status = said[9:12].decode(errors="replace")
            self.told[f"answered {status}"] += 1
            reader.known = status == "200"
            self.streaming += reader.known
        text = reader.rest + said
        whole = text.rfind(b"\n\n") + 1
        reader.rest = text[whole:]
        for number, written in LINE.findall(text, 0, whole):
            self._note(reader, int(number), float(written), now)

    def _note(self, reader: Reader, number: int, written: float, now: float) -> None:
        if number <= reader.last:
            self.told["doubled"] += 1
            return
        self.told["lost"] += number - reader.last - 1
        reader.last, reader.newest = number, written
        line = self.lines.get((reader.path, number))
        if line is None:
            line = self.lines[reader.path, number] = Line(written)
        line.arrived = now
        line.readers += 1


def follow(port: int, count: int, seconds: float, paths: list[str]) -> dict[str, object]:
    """Follows, and tells how it went."""
    readers = [Reader(paths[number % len(paths)]) for number in range(count)]
    followers = Followers(port, deque((0.0, reader) for reader in readers))
    end = time.monotonic() + ALL_THERE_SECONDS
    while followers.streaming < count and time.monotonic() < end:
        followers.step(time.monotonic())
    streaming = followers.streaming
    print("there", streaming, flush=True)
    followers.work(time.monotonic() + 2)  # until all have what was written before they came
    begun = time.time()
    followers.work(time.monotonic() + seconds)
    ended = time.time()
    end = time.monotonic() + LATE_SECONDS
    while time.monotonic() < end and not all(reader.newest >= ended for reader in readers):
        followers.work(time.monotonic() + 0.1)
    wanted = Counter(reader.path for reader in readers)
    counted = {key: line for key, line in followers.lines.items() if begun <= line.written < ended}
    missing = sum(wanted[path] - line.readers for (path, _), line in counted.items())
    return {
        "streaming": streaming, "streaming_at_the_end": followers.streaming, "lines": len(counted),
        "late_ms": sorted((line.arrived - line.written) * 1000 for line in counted.values()),
        "lost": max(followers.told.pop("lost", 0), missing), "doubled": followers.told.pop("doubled", 0),
        "told": followers.told,
    }  # fmt: skip


def main() -> None:
    """Follows what the command line names."""
    port, count, seconds, *paths = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(json.dumps(follow(int(port), int(count), float(seconds), paths)))


if __name__ == "__main__":
    main()
