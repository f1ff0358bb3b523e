"""A Redis client whose server tells the time that a test sets, to our scripts too."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest import mock

from redis import Redis
from redis.client import Pipeline

from service.store.scripts import assembly, scripts
from service.store.server.redis_clock import ClockEstimate, RedisClock

NOW_KEY = "test:now"
"""Epoch milliseconds."""
MONOTONIC_KEY = "test:monotonic"
"""Milliseconds that passed, whatever the clock was set to."""

READ_NOW = f"""local ms = tonumber(redis.call('GET', '{NOW_KEY}'))
return {{string.format('%.0f', math.floor(ms / 1000)), string.format('%.0f', (ms % 1000) * 1000)}}"""

VIRTUAL_TIME = f"""(function()
    local ms = tonumber(redis.call('GET', '{NOW_KEY}'))
    return {{string.format('%d', ms / 1000), string.format('%d', ms % 1000 * 1000)}}
  end)()"""

VIRTUAL_CALL = f"""local function call(command, ...)
  if command == 'TIME' then
    local ms = tonumber(redis.call('GET', '{NOW_KEY}'))
    return {{string.format('%d', ms / 1000), string.format('%d', ms % 1000 * 1000)}}
  end
  return redis.call(command, ...)
end"""


class VirtualPipeline(Pipeline):
    """Its TIME is the test's."""

    def time(self, **_: Any) -> Any:
        return self.eval(READ_NOW, 0)


class VirtualRedis(Redis):
    """Its TIME is the test's."""

    def time(self, **_: Any) -> Any:
        return self.eval(READ_NOW, 0)

    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> Any:
        return VirtualPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


@contextmanager
def virtual_time(client: Redis) -> Iterator[None]:
    """While it lasts, our clock of Redis and the scripts that are made read the test's time, and so does what waits by
    the monotonic clock.
    """
    read = assembly.source

    def source(name: str) -> str:
        text = read(name)
        if name == "shared/base":
            assert "local call = redis.call\n" in text
            text = text.replace("local call = redis.call\n", VIRTUAL_CALL + "\n")
        if name == "shared/now":
            assert "redis.call('TIME')" in text
            text = text.replace("redis.call('TIME')", VIRTUAL_TIME)
        return text

    clock = types.SimpleNamespace(monotonic=lambda: int(client.get(MONOTONIC_KEY) or 0) / 1000)

    def now_ms(_: RedisClock | ClockEstimate) -> int:
        return int(client.get(NOW_KEY) or 0)

    def steady() -> int:
        return int(client.get(MONOTONIC_KEY) or 0)

    with (
        mock.patch.object(assembly, "source", source),
        mock.patch.object(scripts, "_made", lru_cache(scripts._made.__wrapped__)),
        mock.patch.object(RedisClock, "now_ms", now_ms),
        mock.patch.object(ClockEstimate, "now_ms", now_ms),  # its age is of this machine's time
        mock.patch("service.scheduler.reaper.time", clock),
        mock.patch("service.scheduler.due_edits.time", clock),
        mock.patch("service.scheduler.heartbeat.steady_ms", steady),
    ):
        yield
