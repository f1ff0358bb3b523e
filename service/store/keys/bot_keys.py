"""Keys in which bots remember their work: ledger, memory, turns."""

from __future__ import annotations


class BotKeys:
    """Keys of what bots keep; a part of `service.store.keys.Keys`."""

    __slots__ = ()
    prefix: str

    def ledger_start(self, bot: str) -> str:
        """Name the start that all entries of a bot's ledger share."""
        return f"{self.prefix}:ledger:{bot}:"

    def ledger(self, bot: str, entry: str) -> str:
        """Name the string that holds the outcome of something that a bot does once."""
        return f"{self.ledger_start(bot)}{entry}"

    def memory(self, bot: str, key: str) -> str:
        """Name the string that a bot remembers for a while."""
        return f"{self.prefix}:memory:{bot}:{key}"

    def turn(self, bot: str, key: str) -> str:
        """Name the hash that says which run of a bot has its turn at something, or when the last turn ended."""
        return f"{self.prefix}:turn:{bot}:{key}"

    def told(self, entry: str) -> str:
        """Name the string that holds the run that reported a piece of news; `entry` is its bot and a digest."""
        return f"{self.prefix}:told:{entry}"

    def origin(self, run_id: str) -> str:
        """Name the string that holds the id of the first run in a chain of retries."""
        return f"{self.prefix}:origin:{run_id}"
