"""A watcher that looks at leases and slots while everything dies, and recounts the counters from time to time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from service.store.keys import Keys
from tests.chaos.recount import read_state_at_once, recount

LOOK_SECONDS = 0.05
RECOUNT_SECONDS = 5.0
BLIND_SECONDS = 0.4
"""A look that comes so long after the one before may have missed that a limit was raised and lowered again."""
ENOUGH = 20
"""So many sentences are kept."""

LOOK = """
local rows = {}
for _, run_id in ipairs(redis.call('ZRANGE', ARGV[1] .. ':leases', 0, -1)) do
  rows[#rows + 1] = redis.call('HGET', ARGV[1] .. ':run:' .. run_id, 'job_id')
end
local jobs = {}
for _, job_id in ipairs(redis.call('ZRANGE', ARGV[1] .. ':jobs', 0, -1)) do
  local held, limit, bot = unpack(redis.call(
    'HMGET', ARGV[1] .. ':job:' .. job_id, 'held', 'max_concurrent_runs', 'bot_type'))
  jobs[#jobs + 1] = {job_id, held or '0', bot == 'heartbeat' and '20' or limit or '1'}
end
return {rows, jobs}
"""


@dataclass(slots=True)
class Slots:
    """The slots of a job, from look to look.

    Args:
        allowed: how many may be held: the limit, or those that were held when it was lowered and have not ended since.
    """

    limit: int
    allowed: int

    def seen(self, held: int, limit: int, blind: bool) -> bool:
        """Take in a look. Return whether no more slots are held than may be.

        Args:
            held: how many are.
            limit: the job's, now.
            blind: whether too much may have happened since the look before.
        """
        # A limit that was raised or lowered between two looks was in force for a part of the time.
        lately = max(limit, self.limit)
        self.allowed = max(lately, min(self.allowed, held))
        if blind:
            self.allowed = max(self.allowed, held)
        self.limit = limit
        return held <= self.allowed


class Watch:
    """Looks, in a thread of its own, until it is stopped.

    Args:
        client: a connection of its own, straight to Redis.
        keys: the installation's key names.
    """

    def __init__(self, client: Redis, keys: Keys) -> None:
        self.found: list[str] = []
        self.looks = 0
        self.recounts = 0
        self._client = client
        self._keys = keys
        self._slots: dict[str, Slots] = {}
        self._before = 0.0
        self._recounted = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(60)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
                if time.monotonic() > self._recounted + RECOUNT_SECONDS:
                    self.recount()
                    self._recounted = time.monotonic()
            except (RedisError, OSError):
                continue  # Redis is one of those that die

    def look(self) -> None:
        """Look once, at one instant."""
        leased, jobs = self._ask()
        blind = time.monotonic() > self._before + BLIND_SECONDS
        self._before = time.monotonic()
        self.looks += 1
        for job_id, (held, limit) in jobs.items():
            slots = self._slots.setdefault(job_id, Slots(limit, max(limit, held)))
            if not slots.seen(held, limit, blind):
                self._note(f"{job_id}: {held} runs hold a slot, though {limit} may")
            if leased[job_id] > held:
                self._note(f"{job_id}: {leased[job_id]} runs have a lease, and {held} hold a slot")

    def recount(self) -> None:
        """Count everything again, at one instant."""
        state = read_state_at_once(self._client, self._keys)
        self.recounts += 1
        for sentence in recount(state):
            self._note(sentence)

    def _ask(self) -> tuple[Counter[str], Mapping[str, tuple[int, int]]]:
        rows: Any
        jobs: Any
        rows, jobs = self._client.eval(LOOK, 0, self._keys.prefix)
        leased = Counter(row.decode() for row in rows if row)  # the run of a deleted job has none
        return leased, {job_id.decode(): (int(held), int(limit)) for job_id, held, limit in jobs}

    def _note(self, sentence: str) -> None:
        if len(self.found) < ENOUGH:
            self.found.append(f"meanwhile: {sentence}")
