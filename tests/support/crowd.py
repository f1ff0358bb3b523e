"""Many readers of followed logs at once, each of which comes back where it left off."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.support.installation import API_KEY

EVENT = re.compile(rb"(?:id: (\d+)\ndata: ([^\n]*)|event: (\w+)\ndata: [^\n]*)\n\n")
"""A line, or another event by its name. The server ends no chunk within an event."""


@dataclass(slots=True)
class Reader:
    """What one reader has got.

    Args:
        path: of the log.
    """

    path: str
    lines: list[int] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    came: list[tuple[float, bytes]] = field(default_factory=list)
    """When each line came, by the clock, and what it said."""
    connections: int = 0

    async def read(self, port: int, end: float) -> None:
        """Reads until the run's end, over as many connections as necessary; not beyond `end`, by the clock."""
        while "end" not in self.others and time.time() < end:
            try:
                await self._read_once(port)
            except OSError:
                pass
            await asyncio.sleep(0.2)

    async def _read_once(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            last = f"Last-Event-ID: {self.lines[-1]}\r\n" if self.lines else ""
            writer.write(
                f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {API_KEY}\r\n"
                f"Accept: text/event-stream\r\n{last}\r\n".encode()
            )
            self.connections += 1
            unread = b""
            while piece := await reader.read(65536):
                unread = self._take(unread + piece)
                if "end" in self.others:
                    return
        finally:
            writer.close()

    def _take(self, text: bytes) -> bytes:
        now, place = time.time(), 0
        for found in EVENT.finditer(text):
            place = found.end()
            if found[1]:
                self.lines.append(int(found[1]))
                self.came.append((now, found[2]))
            else:
                self.others.append(found[3].decode())
        return text[place:]


async def follow_all(readers: Sequence[Reader], port: int, seconds: float) -> None:
    """Has all readers read until their runs have ended."""
    end = time.time() + seconds
    async with asyncio.timeout(seconds):
        await asyncio.gather(*(reader.read(port, end) for reader in readers))
