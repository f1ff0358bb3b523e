"""Use cases of the console's sessions: list and end them, one's own ones or, with the scope `admin`, all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from service.clock import Clock
from service.domain.access.callers import Caller, caller
from service.domain.access.key_records import KeyRecord
from service.domain.access.scopes import Scope
from service.domain.access.session_requests import is_session_id, parse_end
from service.domain.timestamps import format_ms
from service.errors import NotFound
from service.store.access.key_store import KeyStore
from service.store.access.session_store import ROOT, Place, Session, SessionStore
from service.store.scripts import SESSION_LONGEST_SECONDS
from service.usecases.paging import invalid_cursor
from service.usecases.views import Page

_CURSOR = re.compile("[0-9]{1,16}-[0-9a-f]{32}")


class ConsoleSessions:
    """The use cases of sessions.

    Args:
        store: where they are.
        keys: the stored keys, which open them.
        clock: Redis'.
    """

    def __init__(self, store: SessionStore, keys: KeyStore, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def list(self) -> list[dict[str, Any]]:
        """List all sessions that the caller may end, the one that was used last first."""
        keys = self._openers()
        held = self._held([session_id for _, session_id in self._places(keys)], keys)
        by_use = sorted(held, key=lambda one: one.used_at, reverse=True)
        return [_answer(one, keys.get(one.key_id)) for one in by_use]

    def page(self, limit: int, cursor: str | None = None) -> Page:
        """Read a page of the sessions that the caller may end, the newest first.

        Args:
            limit: the most sessions on the page.
            cursor: the `next_cursor` of the page before.

        Raises:
            ValidationFailed: the cursor is invalid.
        """
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise invalid_cursor()
        keys = self._openers()
        places = self._places(keys)
        if cursor is not None:
            ends_at, _, session_id = cursor.partition("-")
            places = [place for place in places if place < (int(ends_at), session_id)]
        place_of = {session_id: f"{ends_at}-{session_id}" for ends_at, session_id in places}
        found: list[Session] = []
        while places and len(found) <= limit:
            found += self._held([session_id for _, session_id in places[: limit + 1]], keys)
            places = places[limit + 1 :]
        following = place_of[found[limit - 1].id] if len(found) > limit else None
        return Page([_answer(one, keys.get(one.key_id)) for one in found[:limit]], following)

    def _openers(self) -> dict[str, KeyRecord]:
        """Read the stored keys whose sessions the caller may end."""
        who = caller()
        records = self._keys.every() if _may_end_all(who) else [self._keys.get(who.actor)]
        return {record.id: record for record in records if record is not None}

    def _places(self, keys: Mapping[str, KeyRecord]) -> Sequence[Place]:
        who = caller()
        return self._store.places([ROOT, *keys] if _may_end_all(who) else [who.actor])

    def _held(self, ids: Sequence[str], keys: Mapping[str, KeyRecord]) -> Sequence[Session]:
        """Read sessions that have not ended, by themselves or with the secret that opened them."""
        now = self._clock.now_ms()
        return [one for one in self._store.read(ids) if _holds(one, keys.get(one.key_id), now)]

    def end(self, session_id: str) -> None:
        """End a session.

        Raises:
            NotFound: there is no such session, or it is not the caller's to end.
        """
        if not is_session_id(session_id) or not self._store.end(session_id, _only_of(caller())):
            raise NotFound(f"Session {session_id} not found")

    def end_some(self, body: object) -> dict[str, int]:
        """End several sessions: those that the body names, those of a key, or all that the caller may end.

        Those that have ended meanwhile, or that are not the caller's to end, are passed over. The session that asks
        ends last.

        Returns:
            `{"ended": how many}`: as many as `list` shows of these.

        Raises:
            ValidationFailed: the body is invalid.
            NotFound: it names a key that there is not, or not to this caller.
        """
        who, asked = caller(), parse_end(body)
        if asked.sessions is not None:
            ids = list(dict.fromkeys(asked.sessions))
        else:
            ids = [one.id for one in self._held_of(asked.key_id)]
        ids.sort(key=lambda session_id: session_id == who.session)
        kept = who.session if asked.keep_current else None
        return {"ended": sum(self._store.end(one, _only_of(who)) for one in ids if one != kept)}

    def _held_of(self, key_id: str | None) -> Sequence[Session]:
        """Read the sessions of a key; None: all that the caller may end."""
        keys, who = self._openers(), caller()
        if key_id is None:
            places = self._places(keys)
        elif key_id in keys or (key_id == ROOT and (_may_end_all(who) or who.actor == ROOT)):
            places = self._store.places([key_id])
        else:
            raise NotFound(f"Key {key_id} not found")
        return self._held([session_id for _, session_id in places], keys)


def _only_of(who: Caller) -> str | None:
    """Return the id of the key whose sessions alone the caller may end; None for all keys."""
    return None if _may_end_all(who) else who.actor


def _may_end_all(who: Caller) -> bool:
    return Scope.ADMIN in who.scopes and who.limits.are_none


def _holds(session: Session, record: KeyRecord | None, now: int) -> bool:
    """Return whether the key that opened a session still accepts the secret that opened it."""
    if session.key_id == ROOT:
        return True
    if record is None or (record.terms.expires_at or now) * 1000 < now:
        return False
    return session.secret == record.digest or (
        session.secret == record.previous_digest and (record.previous_until or 0) > now
    )


def _answer(session: Session, record: KeyRecord | None) -> dict[str, Any]:
    return {
        "id": session.id,
        "key_id": session.key_id,
        "key_name": ROOT if record is None else record.terms.name,
        "created_at": format_ms(session.made_at),
        "last_used_at": format_ms(max(session.used_at, session.made_at)),  # used: to the minute
        "last_used_from": session.used_from,
        "user_agent": session.user_agent,
        "ends_at": format_ms(session.made_at + SESSION_LONGEST_SECONDS * 1000),
        "current": session.id == caller().session,
    }
