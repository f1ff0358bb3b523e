"""What was done once and must never be done twice, kept in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from redis import Redis

from service.domain.people.contact import Contact
from service.store.keys import Keys
from service.store.scripts import script_of
from service.store.server.translation import translate_errors

LIFETIME = 400 * 86_400
"""Seconds for which an entry is kept: longer than a year, so that it outlasts the occasion and the contact."""
ORIGIN_SECONDS = 7 * 86_400
"""For how long a retry's first run is remembered: longer than the next one waits for its turn."""
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
        self._run_id = run_id
        self._mark = f"{CLAIMED}:{run_id}:{uuid4()}"

    def claim(self, key: str, *, retake: bool = False, person: Contact | None = None) -> str:
        """Takes `key`, in one atomic step, unless it is taken.

        Args:
            retake: also take what another claimed and never settled, unless its run is under way.
            person: whose entry it is; `key` begins with their id. What stands under any other id of theirs counts, too:
                of contacts that were merged, of deleted ones, of others that are the same person.

        Returns:
            `"claimed"` if it is now this ledger's; `"unknown"` if another claimed it and never settled it; else the
            outcome that it was settled with.
        """
        entry = self._keys.ledger(self._bot, key)
        with translate_errors():
            if person is not None:
                claim = script_of(self._client, "claim_for_person")
                stands = claim(keys=(), args=self._args(key, person, self._mark, "retake" if retake else ""))
                return CLAIMED if _text(stands) == self._mark else _outcome(stands)
            if retake:
                take_over = script_of(self._client, "retake_claim")
                stands = take_over(keys=[entry], args=[self._mark, LIFETIME, self._keys.run(""), STANDS_MS])
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
            settle = script_of(self._client, "settle_claim")
            settle(keys=[entry], args=[self._mark, outcome, LIFETIME])

    def outcomes(self, keys: Sequence[str], people: Sequence[Contact] = ()) -> list[str | None]:
        """What stands under each key, in one round trip: None, `"unknown"` or its outcome. Claims nothing.

        Args:
            people: whose entries these are, see `claim`; none: no other ids count.
        """
        if not keys:
            return []
        with translate_errors():
            if people:
                look = script_of(self._client, "claim_for_person")
                calls = [((), self._args(key, person, "", "")) for key, person in zip(keys, people, strict=True)]
                return [None if value is None else _outcome(value) for value in look.many(calls)]
            values = self._client.mget([self._keys.ledger(self._bot, key) for key in keys])
        return [None if value is None else _outcome(value) for value in values]

    def _args(self, key: str, person: Contact, mark: str, retake: str) -> list[str | int]:
        own, start = self._keys, self._keys.ledger_start(self._bot)
        return [
            f"{own.prefix}:", person.id, " ".join(person.identities), " ".join(person.former_ids), start,
            key.removeprefix(person.id), mark, LIFETIME, retake, own.run(""), STANDS_MS,
        ]  # fmt: skip

    def first_run(self) -> str:
        """The id of the run that this one repeats, through all retries in between; its own if it repeats none.

        Each retry writes its first run down, since those in between may leave the history while the next one waits.
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
        """The run that this one repeats, and the first of all, if that was written down; else empty."""
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
