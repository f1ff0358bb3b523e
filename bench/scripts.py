"""How much CPU each call of a script takes of Redis: `python -m bench.scripts --help`.

Redis does one thing at a time, so the longest call is what everybody else waits for. A clock on the wall also counts
what interrupts Redis; here the kernel says how long its thread was on a core. For that, all processes reach Redis
through a proxy that lets one call in at a time. Measured are a stampede of ninety kinds of jobs, and the runs that come
of it, carried out by one worker process while runs are asked for through the API.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import ours
from bench.contenders import Contender
from bench.rig import Place
from bench.stampede import instant
from bench.store import centile
from bench.suite import Chosen, measured_alone
from service.store.rq_records import make_scripts
from service.store.scripts import VERBS, Limits
from tests.chaos.proxy import read_command, read_reply

JOBS = 5_000
WAITING = (b"BLMOVE", b"SUBSCRIBE", b"PSUBSCRIBE")
"""Commands whose answer may be long in coming, so that others are let in meanwhile."""


class Meter:
    """A proxy in a thread of its own that lets one call in at a time, and notes the CPU that it takes.

    Args:
        place: whose Redis.
        verbs: script name by its SHA.
    """

    def __init__(self, place: Place, verbs: Mapping[str, str]) -> None:
        self.taken: dict[str, list[float]] = defaultdict(list)
        """Milliseconds of CPU of each call, by script."""
        self._upstream = place.server.port
        self._pid = place.server.pid
        self._verbs = {sha.encode(): verb for sha, verb in verbs.items()}
        self._loop = asyncio.new_event_loop()
        self._lock = asyncio.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="meter", daemon=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_redis, to_redis = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            await self._carry(reader, writer, from_redis, to_redis)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass
        finally:
            writer.close()
            to_redis.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_redis: asyncio.StreamReader,
        to_redis: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        while True:
            raw, words = await read_command(reader)
            if words[0].upper() in WAITING:
                to_redis.write(raw)
                if words[0].upper() != b"BLMOVE":
                    await asyncio.gather(_pump(reader, to_redis), _pump(from_redis, writer))
                    return
                writer.write(await read_reply(from_redis))
                continue
            async with self._lock:
                before = cpu_ms(self._pid)
                to_redis.write(raw)
                reply = await read_reply(from_redis)
                self._note(words, cpu_ms(self._pid) - before)
            writer.write(reply)

    def _note(self, words: list[bytes], ms: float) -> None:
        verb = self._verbs.get(words[1]) if words[0].upper() == b"EVALSHA" else None
        if verb is not None:
            self.taken[verb].append(ms)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)


def cpu_ms(pid: int) -> float:
    """How long a process' main thread has been on a core, by the kernel, to the nanosecond."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6


def measure(contender: Contender, count: int) -> dict[str, Any]:
    """One round, with `count` jobs due at once."""
    with contender.place() as place:
        verbs = make_scripts(place.client, ours.KEYS, Limits())._scripts
        with Meter(place, {str(verbs[verb].sha): verb for verb in VERBS}) as meter:
            at = instant(place, contender, count)
            ids = ours.fill_due(place, count, at)
            place.environment["REDIS_URL"] = f"redis://127.0.0.1:{meter.port}/0"
            place.start("scheduler", ours.SCHEDULER)
            time.sleep(max(0.0, at - place.now()))
            assert contender.queued is not None and contender.ended is not None
            queued, ended = contender.queued, contender.ended
            place.until(lambda: queued(place.client, count) >= count, 300)
            contender.start_workers(place, 1)
            use = ours.runs(place)
            for job_id in ids[: count // 10]:
                use.run_now(job_id)
            wanted = count + len(ids[: count // 10])
            place.until(lambda: ended(place.client) >= wanted, 300)
        return figures(meter.taken, count)


def figures(taken: Mapping[str, list[float]], count: int) -> dict[str, Any]:
    """Of each script that was called: how often, the CPU of a call, and the longest."""
    longest = {verb: max(calls) for verb, calls in taken.items()}
    return {
        "jobs": count,
        "longest_ms": max(longest.values()),
        "over_5_ms": sum(ms > 5 for calls in taken.values() for ms in calls),
        "scripts": {
            verb: {"calls": len(calls), "p50_ms": statistics.median(calls), "p99_ms": centile(calls, 0.99),
                   "longest_ms": longest[verb], "all_ms": sum(calls)}
            for verb, calls in sorted(taken.items())
        },
    }  # fmt: skip


def measured(chosen: Chosen) -> dict[str, Any]:
    """All rounds."""
    return measured_alone("scripts", chosen, 300 if chosen.tiny else JOBS, measure)


if __name__ == "__main__":
    Chosen.ask(__doc__).run("scripts", measured)
