"""What was done once and must never be done twice, kept in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from uuid import uuid4

from redis import Redis
from redis.commands.core import Script

from service.keys import Keys
from service.store.connection import translate_errors

LIFETIME = 400 * 86_400
"""Seconds for which an entry is kept: longer than a year, so that it outlasts the occasion and the contact."""
CLAIMED = "claimed"
STANDS_MS = 60_000
"""For how long the claim of a run that is not known any more must have stood before it can be taken over."""


class RedisLedger:
    """One bot's ledger, as `service.bots.protocol.Ledger` promises it.

    Every instance claims under a mark of its own. A claim that was written but whose answer was lost is therefore
    recognised when it is made again, and nobody settles another run's claim.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        bot: the bot's name; jobs with the same bot share its ledger.
        run_id: whose claims these are, so that others can tell whether it is at work still.
    """

    def __init__(self, client: Redis, keys: Keys, bot: str, run_id: str = "") -> None:
        self._client = client
        self._keys = keys
        self._bot = bot
        self._mark = f"{CLAIMED}:{run_id}:{uuid4()}"
        self._settle = self._script("settle_claim")
        self._retake = self._script("retake_claim")

    def _script(self, name: str) -> Script:
        source = resources.files("service").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
        return self._client.register_script(source)

    def claim(self, key: str, *, retake: bool = False) -> str:
        """Takes `key`, in one atomic step, unless it is taken.

        Args:
            retake: also take what another claimed and never settled, unless its run is under way.

        Returns:
            `"claimed"` if it is now this ledger's; `"unknown"` if another claimed it and never settled it; else the
            outcome that it was settled with.
        """
        entry = self._keys.ledger(self._bot, key)
        with translate_errors():
            if retake:
                stands = self._retake(keys=[entry], args=[self._mark, LIFETIME, self._keys.run(""), STANDS_MS])
                return CLAIMED if _text(stands) == self._mark else _outcome(stands)
            while True:
                if self._client.set(entry, self._mark, nx=True, ex=LIFETIME):
                    return CLAIMED
                stands = self._client.get(entry)
                if stands is not None:  # else it was given back in between
                    return CLAIMED if _text(stands) == self._mark else _outcome(stands)

    def settle(self, key: str, outcome: str) -> None:
        """Writes down the outcome of a claim of this ledger's; `"released"` gives it back. Others' stay as they are."""
        entry = self._keys.ledger(self._bot, key)
        with translate_errors():
            self._settle(keys=[entry], args=[self._mark, outcome, LIFETIME])

    def outcomes(self, keys: Sequence[str]) -> list[str | None]:
        """What stands under each key, in one round trip: None, `"unknown"` or its outcome. Claims nothing."""
        if not keys:
            return []
        with translate_errors():
            values = self._client.mget([self._keys.ledger(self._bot, key) for key in keys])
        return [None if value is None else _outcome(value) for value in values]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _outcome(value: bytes | str) -> str:
    text = _text(value)
    return "unknown" if text.startswith(f"{CLAIMED}:") else text
