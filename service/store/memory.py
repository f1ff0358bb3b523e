"""Memory of a bot in Redis: facts that it could find out again, and the turns that its runs take."""

from __future__ import annotations

from functools import cached_property
from math import ceil
from uuid import uuid4

from redis import Redis

from service.store.keys import Keys
from service.store.scripts import script_of
from service.store.server.translation import translate_errors

MAX_VALUE = 64 * 1024
"""The longest value, in characters; longer ones are not remembered."""
ENDED_MS = 60_000
"""Ms for which the end of a turn is remembered; the longest `gap`."""


class RedisMemory:
    """One bot's memory, as `bot_scheduler.Memory` promises it.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        bot: the bot's name; jobs with the same bot share its memory.
    """

    def __init__(self, client: Redis, keys: Keys, bot: str) -> None:
        self._client = client
        self._keys = keys
        self._bot = bot

    @cached_property
    def _mark(self) -> str:
        return str(uuid4())

    def recall(self, key: str) -> str | None:
        """Return the value remembered under `key`; None if it was never set, or has expired."""
        with translate_errors():
            value = self._client.get(self._keys.memory(self._bot, key))
        return value.decode() if isinstance(value, bytes) else value

    def remember(self, key: str, value: str, seconds: int) -> None:
        """Remember `value` for whole seconds, rounded up, at least one, unless it is longer than `MAX_VALUE`."""
        if len(value) <= MAX_VALUE:
            with translate_errors():
                self._client.set(self._keys.memory(self._bot, key), value.encode(), ex=max(1, ceil(seconds)))

    def take_turn(self, key: str, seconds: float, gap: float = 0.0) -> float:
        """Take the turn at `key`, in one atomic step; see `bot_scheduler.Memory`."""
        with translate_errors():
            args = (self._mark, int(seconds * 1000), int(gap * 1000))
            take = script_of(self._client, "take_turn")
            left = take(keys=[self._keys.turn(self._bot, key)], args=args)
        return int(left) / 1000

    def end_turn(self, key: str) -> None:
        """End this object's turn at `key`; another's stays."""
        with translate_errors():
            end = script_of(self._client, "end_turn")
            end(keys=[self._keys.turn(self._bot, key)], args=[self._mark, ENDED_MS])
