"""Clients that guess keys: `python -m bench.guessers KIND PORT COUNT SECONDS`.

address: all from one address. network: from one IPv6 network of 64 bits, a new address each time. networks: from a new
network each time. keys: likewise, by keys in the form of stored ones, so that Redis is asked. All but the first need a
web process that trusts this machine as a proxy. Guesses go out at a steady pace, however long answers take, on as many
connections as that needs. Prints as JSON how often each status was answered.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable

from service.domain.access.key_texts import new_id, new_text

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

NETWORK = "2001:db8:0:1"
KINDS: dict[str, Callable[[int], str]] = {
    "address": lambda number: "",
    "network": lambda number: f"X-Forwarded-For: {NETWORK}:{random.getrandbits(16):x}:1:1:1\r\n",
    "networks": lambda number: f"X-Forwarded-For: 2001:db8:{number // 65536 + 1:x}:{number % 65536:x}::1\r\n",
}
KINDS["keys"] = KINDS["networks"]
"""The header that each guess has, by its number."""


class Guessers:
    """Sends guesses.

    Args:
        kind: one of `KINDS`.
        port: the API's.
    """

    def __init__(self, kind: str, port: int) -> None:
        self._header = KINDS[kind]
        self._has_form = kind == "keys"
        self._port = port
        self._idle: list[Streams] = []
        self.told: Counter[str] = Counter()

    async def work(self, count: int, seconds: float) -> None:
        """Sends so many guesses, spread evenly over so long, and waits for the answers."""
        start, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number * seconds / count - time.monotonic()))
            tasks.append(asyncio.create_task(self._guess(number)))
        await asyncio.gather(*tasks)

    async def _guess(self, number: int) -> None:
        try:
            streams = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
            self.told[await self._asked(streams, number)] += 1
            self._idle.append(streams)
        except (OSError, asyncio.IncompleteReadError):
            self.told["broken"] += 1

    async def _asked(self, streams: Streams, number: int) -> str:
        reader, writer = streams
        key = new_text(new_id()) if self._has_form else f"guess {number}"
        headers = f"Host: localhost\r\nX-API-Key: {key}\r\n{self._header(number)}"
        writer.write(f"GET /scheduler/jobs HTTP/1.1\r\n{headers}\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(answer.partition("content-length:")[2].split("\r\n")[0]))
        return answer.split(" ")[1]


def main() -> None:
    """Guesses as the command line says."""
    _, kind, port, count, seconds = sys.argv
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    guessers = Guessers(kind, int(port))
    asyncio.run(guessers.work(int(count), float(seconds)))
    print(json.dumps(guessers.told))


if __name__ == "__main__":
    main()
