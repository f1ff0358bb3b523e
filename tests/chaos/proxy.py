"""A proxy between processes and Redis that kills a process at a named instant of its traffic.

It reads commands and replies one by one. At an armed point, a verb and `before`, `after` or `since`, it SIGKILLs the
process at the other end: before the command reaches Redis, once Redis has carried it out and before the answer is
delivered, or a little while after it was delivered (`SINCE_SECONDS`). So every place between two commands can be
visited, and the product needs no hook for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import descendants

SINCE_SECONDS = 0.25
"""What comes of the answer has begun by then, and a worker has not yet renewed its lease."""


@dataclass(frozen=True, slots=True)
class Point:
    """An instant: `verb` is a script's name, or a command in capitals (and its key, after a space)."""

    verb: str
    when: str

    def __str__(self) -> str:
        return f"{self.verb}:{self.when}"


@dataclass(slots=True)
class Armed:
    """A point that waits for its command.

    Args:
        skip: how many such commands go by first.
    """

    point: Point
    skip: int


@dataclass(slots=True)
class Link:
    """One client's connection, and the one that it gets to Redis."""

    name: str
    port: int
    peer_port: int
    to_client: asyncio.StreamWriter
    to_redis: asyncio.StreamWriter
    pending: deque[Armed | None] = field(default_factory=deque)
    counts: bool = True

    def close(self) -> None:
        self.to_client.close()
        self.to_redis.close()


class Proxy:
    """Listens once for each process, so that it knows who speaks.

    Args:
        upstream: Redis' port on 127.0.0.1.
        verbs: script name by its SHA.
        root_of: the process id of what was started under a name, or None.
        told: called with (name, point, process id) at each kill, from the proxy's thread.
    """

    def __init__(
        self, upstream: int, verbs: Mapping[str, str], root_of: Callable[[str], int | None],
        told: Callable[[str, Point, int], None] = lambda *_: None,
    ) -> None:  # fmt: skip
        self.visited: Counter[Point] = Counter()
        self.seen: Counter[str] = Counter()
        self._upstream = upstream
        self._verbs = {sha.encode().lower(): verb for sha, verb in verbs.items()}
        self._root_of = root_of
        self._told = told
        self._armed: list[Armed] = []
        self._stalled: set[str] = set()
        self._servers: list[asyncio.Server] = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def listen(self, name: str) -> int:
        """Opens a port for one process. Returns it."""
        started = asyncio.run_coroutine_threadsafe(self._listen(name), self._loop)
        return started.result(10)

    def close(self) -> None:
        """Ends all connections."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def arm(self, point: Point, skip: int = 0) -> None:
        """Waits for `point`, and kills there once."""
        with self._lock:
            self._armed.append(Armed(point, skip))

    def armed(self) -> list[Point]:
        """The points that wait for their command."""
        with self._lock:
            return [armed.point for armed in self._armed]

    def disarm(self) -> None:
        """Kills nobody any more."""
        with self._lock:
            self._armed.clear()

    def stall(self, name: str) -> None:
        """From now on nothing reaches this process or leaves it, and no connection is closed: the network is gone."""
        self._stalled.add(name)

    def resume(self, name: str) -> None:
        """What was held back goes on its way."""
        self._stalled.discard(name)

    # connections

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self, name: str) -> int:
        port = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(name, port, reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        port = int(server.sockets[0].getsockname()[1])
        return port

    async def _serve(self, name: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.close()
            return
        link = Link(name, port, int(writer.get_extra_info("peername")[1]), writer, to_redis)
        replies = asyncio.create_task(self._replies(link, from_redis))
        try:
            await self._commands(link, reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass
        finally:
            link.close()
            replies.cancel()

    async def _commands(self, link: Link, reader: asyncio.StreamReader) -> None:
        while True:
            raw, words = await read_command(reader)
            if words[0].upper() in (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"):
                link.counts = False
            await self._line(link.name)
            armed = self._take(self._verb(words))
            if armed is not None and armed.point.when == "before":
                await link.to_redis.drain()
                if self._kill(link, armed):
                    return
                armed = None
            if link.counts:
                link.pending.append(armed)
            link.to_redis.write(raw)
            await link.to_redis.drain()

    async def _replies(self, link: Link, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                reply = await read_reply(reader) if link.counts else await reader.read(65536)
                if not reply:
                    return
                armed = link.pending.popleft() if link.counts and link.pending and reply[:1] != b">" else None
                if armed is not None:
                    if reply[:1] in b"-!":
                        self.arm(armed.point)  # it was not carried out: another time
                    elif armed.point.when == "since":
                        self._loop.call_later(SINCE_SECONDS, self._kill, link, armed)
                    elif self._kill(link, armed):
                        return
                await self._line(link.name)
                link.to_client.write(reply)
                await link.to_client.drain()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            link.close()

    async def _line(self, name: str) -> None:
        while name in self._stalled:
            await asyncio.sleep(0.02)

    # points

    def _verb(self, words: list[bytes]) -> tuple[str, ...]:
        """What a command may be called by in a point."""
        command = words[0].upper()
        if command == b"EVALSHA":
            return (self._verbs.get(words[1].lower(), "?"),)
        if command == b"EVAL":  # a script that Redis has forgotten
            return (self._verbs.get(hashlib.sha1(words[1]).hexdigest().encode(), "?"),)
        return (command.decode(), f"{command.decode()} {words[1].decode(errors='replace')}" if len(words) > 1 else "")

    def _take(self, names: tuple[str, ...]) -> Armed | None:
        with self._lock:
            self.seen[names[0]] += 1
            for armed in self._armed:
                if armed.point.verb in names:
                    if armed.skip > 0:
                        armed.skip -= 1
                        continue
                    self._armed.remove(armed)
                    return armed
        return None

    def _kill(self, link: Link, armed: Armed) -> bool:
        pid = self._owner(link)
        if pid is None:
            self.arm(armed.point)
            return False
        kill_and_wait(pid)
        self.visited[armed.point] += 1
        self._told(link.name, armed.point, pid)
        return True

    def _owner(self, link: Link) -> int | None:
        """The process at the other end: the eldest of the tree that holds the connection's socket."""
        root, inode = self._root_of(link.name), socket_inode(link.peer_port, link.port)
        if root is None or inode is None:
            return None
        wanted = f"socket:[{inode}]"
        return next((pid for pid in [root, *descendants(root)] if wanted in open_files(pid)), None)


async def read_command(reader: asyncio.StreamReader) -> tuple[bytes, list[bytes]]:
    """One command as clients send it, an array of bulk strings: its bytes, and its words."""
    head = await reader.readuntil(b"\r\n")
    if head[:1] != b"*":
        return head, head.split() or [b""]
    raw, words = [head], []
    for _ in range(int(head[1:])):
        size = await reader.readuntil(b"\r\n")
        body = await reader.readexactly(int(size[1:]) + 2)
        raw += [size, body]
        words.append(body[:-2])
    return b"".join(raw), words


async def read_reply(reader: asyncio.StreamReader) -> bytes:
    """One reply, RESP2 or RESP3, as its bytes."""
    head = await reader.readuntil(b"\r\n")
    kind = head[:1]
    if kind in b"$=!":
        size = int(head[1:])
        return head if size < 0 else head + await reader.readexactly(size + 2)
    if kind in b"*~>%|":
        count = max(0, int(head[1:])) * (2 if kind in b"%|" else 1)
        parts = [head]
        for _ in range(count):
            parts.append(await read_reply(reader))
        if kind == b"|":
            parts.append(await read_reply(reader))
        return b"".join(parts)
    return head


def socket_inode(local_port: int, remote_port: int) -> str | None:
    """The inode of the socket from one port of 127.0.0.1 to another, Linux' /proc."""
    local, remote = f"0100007F:{local_port:04X}", f"0100007F:{remote_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1], fields[2]) == (local, remote):
            return fields[9]
    return None


def open_files(pid: int) -> set[str]:
    """What a process' file descriptors point to."""
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(os.readlink(descriptor))
            except OSError:
                continue
    except OSError:
        pass
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended, collected or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (OSError, IndexError):
        return True


def kill_and_wait(pid: int) -> None:
    """SIGKILL, and the wait until it has taken effect."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    end = time.monotonic() + 2
    while not is_gone(pid) and time.monotonic() < end:
        time.sleep(0.001)
