"""Stored API keys in Redis: a hash each, and the set of their ids in the order of their creation."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service import logs
from service.batches import batched
from service.domain.access.changes import Change
from service.domain.access.key_choice import KeyChoice
from service.domain.access.key_records import KeyRecord, read_record, stored_fields, stored_limits, stored_scopes
from service.domain.access.key_texts import SentKey
from service.domain.access.limits import Limits
from service.domain.access.scopes import Scope
from service.store.jobs.job_marks import read_marks
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields

AT_ONCE = 200
"""Keys to look at in one round trip."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a caller may do whose proof Redis has just accepted.

    Args:
        key_id: the id of its key; `root` for the root key.
        name: the key's.
        scopes: what it may do.
        limits: the jobs that exist for it.
        session: the id of its session; None if it sent the key itself.
        seconds: for how long the proof is accepted; None for as long as nobody changes that.
        job_id: the job to which its key is bound; None for none.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    limits: Limits
    session: str | None = None
    seconds: float | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """The end of a secret that was accepted once, by a key that is stored, or was revoked in the last 30 days.

    Args:
        reason: `expired`: its key has; `replaced`: its key was rotated, and the overlap is over; `revoked`.
        at: since when it is refused, ms.
    """

    reason: Literal["expired", "replaced", "revoked"]
    at: int


class KeyStore:
    """Stored API keys, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def find(self, sent: SentKey, address: str) -> Standing | None:
        """Find what a sent key may do, and note that it was used; None if it is not accepted.

        Raises:
            StoreUnavailable: Redis is away.
        """
        found = self._scripts.run("find_key", sent.id, sent.digest, address)
        return None if found is None else standing(sent.id, found)

    def lapse(self, sent: SentKey) -> Lapse | None:
        """Tell since when a refused key is refused that was accepted once; None if its secret never was its key's.

        Raises:
            StoreUnavailable: Redis is away.
        """
        fields = ("digest", "previous_digest", "previous_until", "expires_at")
        found, revoked = ask(
            self._scripts,
            ("HMGET", self._keys.api_key(sent.id), *fields),
            ("HMGET", self._keys.revoked_key(sent.id), "digest", "previous_digest", "at"),
        )
        if not isinstance(revoked, Exception) and sent.digest.encode() in revoked[:2]:
            return Lapse("revoked", int(revoked[2]))
        if isinstance(found, Exception) or sent.digest.encode() not in found[:2]:
            return None
        expired = None if found[3] is None else int(found[3]) * 1000
        replaced = int(found[2]) if found[0] != sent.digest.encode() and found[2] is not None else None
        if replaced is not None and (expired is None or replaced < expired):
            return Lapse("replaced", replaced)
        return None if expired is None else Lapse("expired", expired)

    def save(self, record: KeyRecord, read_revision: int | None, change: Change) -> bool:
        """Store a key.

        Args:
            record: the key as it is to be.
            read_revision: of the record that it replaces; None for a new key.
            change: what the audit log says of it.

        Returns:
            Whether it was stored. It is not if the key has changed since it was read, or its id is taken.
        """
        writer = secrets.token_hex(8)
        fields = stored_fields(record)
        present = [part for name, value in fields.items() if value is not None for part in (name, value)]
        absent = [name for name, value in fields.items() if value is None]
        saved = self._scripts.run(
            "save_key", record.id, "" if read_revision is None else read_revision,
            json.dumps([*present, "writer", writer]), json.dumps(absent), change.entry(logs.request_id()), writer,
        )  # fmt: skip
        return bool(saved)

    def revoke(self, record: KeyRecord, change: Change) -> bool | None:
        """Delete a key and end its sessions.

        Returns:
            True; False if it is gone already; None if it has changed since it was read.
        """
        answer = int(self._scripts.run("revoke_key", record.id, record.revision, change.entry(logs.request_id())))
        return None if answer < 0 else bool(answer)

    def bot_of(self, job_id: str, limits: Limits) -> str | None:
        """Return the bot of a job, to which a key is to be bound; None if there is no such job within these limits."""
        marks = read_marks(self._scripts, [job_id]).get(job_id)
        return marks.bot_type if marks is not None and limits.allow(*marks) else None

    def get(self, key_id: str) -> KeyRecord | None:
        """Read one key; None if it does not exist."""
        return next(iter(self.read([key_id])), None)

    def ids(self, choice: KeyChoice, after: str | None = None, most: int | None = None) -> list[str]:
        """List the ids of keys in the order of their creation.

        Of a key that the choice may leave, a few fields are read, `AT_ONCE` keys at a time, and none once there are
        enough; of others, nothing.

        Args:
            choice: which keys.
            after: the id of the key before the first one; None to begin.
            most: how many at most; None for all.

        Returns:
            The ids; none if there is no key with the id `after`.
        """
        start = 0
        if after is not None:
            (rank,) = ask(self._scripts, ("ZRANK", self._keys.api_keys, after))
            if rank is None:
                return []
            start = int(rank) + 1
        last = start + most - 1 if most is not None and choice.is_all else -1
        (raw,) = ask(self._scripts, ("ZRANGE", self._keys.api_keys, start, last))
        ids = [key_id.decode() for key_id in raw]
        if choice.is_all:
            return ids
        found: list[str] = []
        for some in batched(ids, AT_ONCE):
            found += self._chosen(some, choice)
            if most is not None and len(found) >= most:
                break
        return found[:most]

    def every(self) -> list[KeyRecord]:
        """Read all keys, in the order of their creation."""
        return self.read(self.ids(KeyChoice()))

    def _chosen(self, key_ids: Sequence[str], choice: KeyChoice) -> Iterator[str]:
        names = choice.fields
        answers = ask_packed(self._scripts, hash_fields([self._keys.api_key(key_id) for key_id in key_ids], names))
        for key_id, values in zip(key_ids, answers, strict=True):
            if isinstance(values, list):
                fields = {
                    name: None if value is None else value.decode() for name, value in zip(names, values, strict=True)
                }
                if choice.takes(key_id, fields):
                    yield key_id

    def read(self, key_ids: Sequence[str]) -> list[KeyRecord]:
        """Read keys; leave out those that have gone meanwhile."""
        if not key_ids:
            return []
        answers = ask(self._scripts, *(("HGETALL", self._keys.api_key(key_id)) for key_id in key_ids))
        return [read_record(key_id, texts(answer)) for key_id, answer in zip(key_ids, answers, strict=True) if answer]


def standing(key_id: str, found: Sequence[Any], session: str | None = None) -> Standing:
    """Read the answer of a script that has looked a proof up."""
    left, name, scopes, labels, bot_types, job_id = (None if value is None else value.decode() for value in found)
    return Standing(
        key_id, name or "", stored_scopes(scopes or ""), stored_limits(labels, bot_types), session,
        float(left) / 1000 if left else None, job_id,
    )  # fmt: skip


def texts(answer: Any) -> dict[str, str]:
    """Read the answer to HGETALL."""
    pairs = iter(answer.items() if isinstance(answer, dict) else zip(answer[::2], answer[1::2], strict=True))
    return {name.decode(): value.decode() for name, value in pairs}
