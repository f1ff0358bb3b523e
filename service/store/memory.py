"""What a bot remembers for a while and could find out again, kept in Redis."""

from __future__ import annotations

from redis import Redis

from service.keys import Keys
from service.store.connection import translate_errors

MAX_VALUE = 64 * 1024
"""Characters of one value; longer ones are not remembered."""


class RedisMemory:
    """One bot's memory, as `service.bots.protocol.Memory` promises it.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        bot: the bot's name; jobs with the same bot share its memory.
    """

    def __init__(self, client: Redis, keys: Keys, bot: str) -> None:
        self._client = client
        self._keys = keys
        self._bot = bot

    def recall(self, key: str) -> str | None:
        """What is remembered under `key`; None if it is nothing, or too long ago."""
        with translate_errors():
            value = self._client.get(self._keys.memory(self._bot, key))
        return value.decode() if isinstance(value, bytes) else value

    def remember(self, key: str, value: str, seconds: int) -> None:
        """Remembers `value` for so long, at least one second; nothing if it is longer than 64 Ki characters."""
        if len(value) <= MAX_VALUE:
            with translate_errors():
                self._client.set(self._keys.memory(self._bot, key), value.encode(), ex=max(1, seconds))
