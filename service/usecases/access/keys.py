"""Use cases of stored API keys: make, list, read, change, rotate and revoke them.

As in `service.usecases.jobs`, parsed JSON comes in, answers go out, and refusals are `service.errors`. No key can make
or change a key so that it may do more than the first one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from service.clock import Clock
from service.domain.access.callers import caller
from service.domain.access.changes import Change
from service.domain.access.key_choice import parse_choice
from service.domain.access.key_records import KeyRecord, KeyTerms
from service.domain.access.key_requests import parse_overlap, parse_terms, require_no_longer, require_within
from service.domain.access.key_texts import is_key_id, new_id, new_text, parse_key
from service.domain.access.scopes import Scope
from service.domain.heartbeats.terms import is_watched
from service.errors import ConcurrentChange, NotFound, ValidationFailed
from service.store.access.key_store import KeyStore
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

TRIES = 5


class StoredKeys:
    """The use cases of stored API keys.

    Args:
        store: where they are.
        clock: Redis'.
        bot_types: the known ones, to which a key may be limited.
    """

    def __init__(self, store: KeyStore, clock: Clock, bot_types: Collection[str]) -> None:
        self._store = store
        self._clock = clock
        self._bot_types = bot_types

    def create(self, body: object) -> dict[str, Any]:
        """Make a key.

        Returns:
            The key's record and, this once, its text as `key`.

        Raises:
            ValidationFailed: the body is invalid.
            Forbidden: the key could do more than the caller's, or for longer.
        """
        who, now = caller(), self._clock.now_ms()
        terms = parse_terms(body, self._bot_types, now // 1000)
        require_within(who, terms, "make")
        self._require_its_job(terms)
        self._require_no_longer(terms, "make")
        for _ in range(TRIES):
            key_id = new_id()
            text, digest = _new_secret(key_id)
            record = KeyRecord(key_id, terms, digest, now, who.actor, who.name)
            fields = {name: (None, value) for name, value in terms.answer().items() if value is not None}
            if self._store.save(record, None, Change("key.create", key_id, fields)):
                return {**record.answer(now), "key": text}
        raise ConcurrentChange("No free id was found for the key; try again")

    def list(
        self, limit: int, cursor: str | None, *, q: str | None = None, scope: str | None = None,
        state: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of keys, in the order of their creation. A limited caller sees those with limits within its own.

        Args:
            limit: the most keys on the page.
            cursor: the `next_cursor` of the page before.
            q: words that must stand in a key's name, note or id.
            scope: that a key must have.
            state: `valid`, `rotating` or `expired`.

        Raises:
            ValidationFailed: the cursor or a filter is invalid.
        """
        if cursor is not None and self._seen(cursor) is None:
            raise invalid_cursor()
        now = self._clock.now_ms()
        ids = self._store.ids(parse_choice(caller().limits, now, q, scope, state), cursor, limit + 1)
        # It names a key that the caller sees, so that it tells nothing of others.
        following = ids[limit - 1] if len(ids) > limit else None
        return Page([record.answer(now) for record in self._store.read(ids[:limit])], following)

    def matching(self, *, q: str | None, scope: str | None, state: str | None) -> Sequence[str]:
        """List the ids of all keys that `list` would show, in the same order. Raises ValidationFailed."""
        return self._store.ids(parse_choice(caller().limits, self._clock.now_ms(), q, scope, state))

    def some(self, key_ids: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Read some keys of `matching`; leave out those that have gone."""
        now = self._clock.now_ms()
        return [record.answer(now) for record in self._store.read(key_ids) if _is_seen(record)]

    def get(self, key_id: str) -> dict[str, Any]:
        """Read one key. Raises NotFound."""
        return self._stored(key_id).answer(self._clock.now_ms())

    def me(self) -> dict[str, Any]:
        """Read the caller's own key; of the root key, what it may do."""
        who = caller()
        if is_key_id(who.actor):
            return self.get(who.actor)
        terms = KeyTerms(who.name, who.scopes, who.limits, None, None)
        return {"id": who.actor, **terms.answer()}

    def update(self, key_id: str, body: object) -> dict[str, Any]:
        """Change the terms that the body names.

        Raises:
            NotFound: there is no such key.
            ValidationFailed: the body is invalid.
            Forbidden: the key may do more than the caller's, or would then, or for longer.
            ConcurrentChange: it keeps changing.
        """
        now = self._clock.now_ms()

        def change(record: KeyRecord) -> tuple[KeyRecord, Change]:
            terms = parse_terms(body, self._bot_types, now // 1000, record.terms)
            require_within(caller(), terms, "change")
            self._require_no_longer(terms, "change")
            before, after = record.terms.answer(), terms.answer()
            fields = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
            return replace(record, terms=terms), Change("key.update", key_id, fields)

        return self._change(key_id, "change", change).answer(now)

    def rotate(self, key_id: str, body: object | None) -> dict[str, Any]:
        """Give a key a new secret, and accept the old one for a while.

        Args:
            key_id: the key's id.
            body: None, or `{"overlap_seconds": 0–604800}`.

        Returns:
            The key's record and, this once, its new text as `key`.

        Raises:
            NotFound, ValidationFailed, Forbidden, ConcurrentChange: as `update` does.
        """
        overlap, now = parse_overlap(body), self._clock.now_ms()
        text, digest = _new_secret(key_id) if is_key_id(key_id) else ("", "")

        def change(record: KeyRecord) -> tuple[KeyRecord, Change]:
            self._require_no_longer(record.terms, "rotate")
            previous = (record.digest, now + overlap * 1000) if overlap else (None, None)
            rotated = replace(record, digest=digest, previous_digest=previous[0], previous_until=previous[1])
            return rotated, Change("key.rotate", key_id, {"overlap_seconds": (None, overlap)})

        return {**self._change(key_id, "rotate", change).answer(now), "key": text}

    def revoke(self, key_id: str) -> None:
        """Revoke a key: it is refused from now on, and its sessions end.

        Raises:
            NotFound: there is no such key.
            Forbidden: the key may do more than the caller's.
            ConcurrentChange: it keeps changing.
        """
        for _ in range(TRIES):
            record = self._stored(key_id)
            require_within(caller(), record.terms, "revoke")
            fields = {name: (value, None) for name, value in record.terms.answer().items() if value is not None}
            if self._store.revoke(record, Change("key.revoke", key_id, fields)) is not None:
                return
        raise _changing(key_id)

    def _change(self, key_id: str, doing: str, change: Callable[[KeyRecord], tuple[KeyRecord, Change]]) -> KeyRecord:
        for _ in range(TRIES):
            record = self._stored(key_id)
            require_within(caller(), record.terms, doing)
            changed, noted = change(record)
            if changed == record:
                return record
            changed = replace(changed, revision=record.revision + 1)
            if self._store.save(changed, record.revision, noted):
                return changed
        raise _changing(key_id)

    def _require_its_job(self, terms: KeyTerms) -> None:
        """Refuse to bind a key to a job that it does not see; one for pings, to any but a heartbeat job."""
        if terms.job_id is None:
            return
        bot_type = self._store.bot_of(terms.job_id, terms.limits)
        if bot_type is None:
            raise ValidationFailed.of("job_id", "must be the id of a job that exists, within the limits of the key")
        if Scope.PING in terms.scopes and not is_watched(bot_type):
            raise ValidationFailed.of("job_id", f"must be the id of a heartbeat job; the bot of this one is {bot_type}")

    def _require_no_longer(self, terms: KeyTerms, doing: str) -> None:
        actor = caller().actor
        mine = self._store.get(actor) if is_key_id(actor) else None
        if mine is not None:
            require_no_longer(mine.terms.expires_at, terms, doing)

    def _stored(self, key_id: str) -> KeyRecord:
        record = self._seen(key_id)
        if record is None:
            raise _no_key(key_id)
        return record

    def _seen(self, key_id: str) -> KeyRecord | None:
        """Read a key; None if it does not exist to this caller."""
        record = self._store.get(key_id) if is_key_id(key_id) else None
        return record if record is not None and _is_seen(record) else None


def _is_seen(record: KeyRecord) -> bool:
    """Tell whether the caller's limits let it see a key. Other teams' keys are not its business."""
    return record.terms.limits.within(caller().limits)


def _no_key(key_id: str) -> NotFound:
    return NotFound(f"Key {key_id} not found")


def _new_secret(key_id: str) -> tuple[str, str]:
    """Draw a key's text; return it with its secret's digest."""
    text = new_text(key_id)
    sent = parse_key(text)
    assert sent is not None
    return text, sent.digest


def _changing(key_id: str) -> ConcurrentChange:
    return ConcurrentChange(f"Key {key_id} keeps changing; try again")
