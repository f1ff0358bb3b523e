"""Ledger in Redis of what a bot has done once and must never do twice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from uuid import uuid4

from redis import Redis

from bot_scheduler import Person
from service.domain.people.erasure.seal import Seal
from service.store.keys import Keys
from service.store.scripts import script_of
from service.store.seals import Seals
from service.store.server.translation import translate_errors

LIFETIME = 400 * 86_400
"""Seconds for which an entry is kept: longer than a year, so that it outlasts the occasion and the contact."""
ORIGIN_SECONDS = 7 * 86_400
"""Seconds for which a retry's first run is remembered: longer than the next retry waits."""
CLAIMED = "claimed"
STANDS_MS = 60_000
"""Ms after which another run may take over the claim of a run that is no longer known."""


class RedisLedger:
    """One bot's ledger, as `bot_scheduler.Ledger` promises it.

    Every instance claims under a mark of its own. So a repeated claim recognises the first one, whose answer was lost,
    and nobody settles another run's claim.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        bot: the bot's name; jobs with the same bot share its ledger.
        run_id: the run that claims, so that others can tell whether it is still at work.
    """

    def __init__(self, client: Redis, keys: Keys, bot: str, run_id: str = "") -> None:
        self._client = client
        self._keys = keys
        self._bot = bot
        self._run_id = run_id
        self._seals = Seals(client, keys)

    @cached_property
    def _mark(self) -> str:
        return f"{CLAIMED}:{self._run_id}:{uuid4()}"

    def claim(self, key: str, *, retake: bool = False, person: Person | None = None) -> str:
        """Take `key`, in one atomic step, unless it is taken.

        Args:
            key: what to do once.
            retake: also take a claim that another run never settled, unless that run is under way.
            person: whose entry it is; `key` begins with their id. Entries under all their other ids count, too: those
                of merged contacts, of deleted ones, and of others that are the same person.

        Returns:
            `"claimed"` if it is now this ledger's; `"unknown"` if another run claimed it and never settled it; else the
            outcome that settled it.
        """
        entry = self._keys.ledger(self._bot, key)
        with translate_errors():
            if person is not None:
                claim = script_of(self._client, "claim_for_person", self._keys)
                stands = claim(keys=(), args=self._args(key, person, self._seals.current(), self._mark, retake))
                return CLAIMED if _text(stands) == self._mark else _outcome(stands)
            if retake:
                take_over = script_of(self._client, "retake_claim", self._keys)
                stands = take_over(keys=[entry], args=[self._mark, LIFETIME, STANDS_MS])
                return CLAIMED if _text(stands) == self._mark else _outcome(stands)
            while True:
                if self._client.set(entry, self._mark, nx=True, ex=LIFETIME):
                    return CLAIMED
                stands = self._client.get(entry)
                if stands is not None:  # else it was released in between
                    return CLAIMED if _text(stands) == self._mark else _outcome(stands)

    def settle(self, key: str, outcome: str) -> None:
        """Write the outcome of a claim of this ledger; `"released"` gives it back. Other claims stay as they are."""
        entry = self._keys.ledger(self._bot, key)
        with translate_errors():
            settle = script_of(self._client, "settle_claim")
            settle(keys=[entry], args=[self._mark, outcome, LIFETIME])

    def outcomes(self, keys: Sequence[str], people: Sequence[Person] = ()) -> list[str | None]:
        """Read the entry of each key, in one round trip: None, `"unknown"` or its outcome. Claims nothing.

        Args:
            keys: the entries to read.
            people: whose entries these are, see `claim`; without them, no other ids count.
        """
        if not keys:
            return []
        with translate_errors():
            if people:
                look = script_of(self._client, "claim_for_person", self._keys)
                seal = self._seals.current()
                calls = [((), self._args(key, person, seal)) for key, person in zip(keys, people, strict=True)]
                return [None if value is None else _outcome(value) for value in look.many(calls)]
            values = self._client.mget([self._keys.ledger(self._bot, key) for key in keys])
        return [None if value is None else _outcome(value) for value in values]

    def _args(
        self, key: str, person: Person, seal: Seal | None, mark: str = "", retake: bool = False
    ) -> list[str | int]:
        sealed = seal.identities(person.identities) if seal else ()
        return [
            person.id, " ".join(dict.fromkeys((*person.identities, *sealed))), " ".join(person.former_ids),
            self._keys.ledger_start(self._bot), key.removeprefix(person.id), mark, LIFETIME,
            "retake" if retake else "", STANDS_MS,
        ]  # fmt: skip

    def first_run(self) -> str:
        """Return the id of the first run of a chain of retries; its own if this run repeats none.

        Each retry stores its first run, because those in between may leave the history while the next one waits.
        """
        at = self._run_id
        with translate_errors():
            while True:
                before, first = self._before(at)
                if first or not before:
                    break
                at = before
            found = first or at
            if found != self._run_id:
                self._client.set(self._keys.origin(self._run_id), found, ex=ORIGIN_SECONDS)
        return found

    def _before(self, run_id: str) -> tuple[str, str]:
        """Return the run that this one repeats, and the first of the chain, if that is stored; else empty texts."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.hget(self._keys.run(run_id), "retry_of")
            pipe.get(self._keys.origin(run_id))
            before, first = pipe.execute()
        return _text(before or b""), _text(first or b"")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _outcome(value: bytes | str) -> str:
    text = _text(value)
    return "unknown" if text.startswith(f"{CLAIMED}:") else text
