"""Sessions of the console in Redis: a hash each that expires by itself, and for each key the set of its sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service import logs
from service.domain.access.changes import Change
from service.domain.access.scopes import ALL
from service.store.access.key_store import Standing, standing, texts
from service.store.scripts import Scripts
from service.store.server.asking import ask, scored

ROOT = "root"
"""Stands in the place of a key's id for the root key, which is not stored."""
AGENT_LENGTH = 300
"""Characters of a user agent that are kept."""


Place = tuple[int, str]
"""The place of a session among all: when it ends at the latest, ms, and its id. It never changes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the console.

    Args:
        id: a digest of its cookie's text.
        key_id: of the key that opened it; `root` for the root key.
        secret: the digest of that key's secret; empty for the root key.
        made_at: ms.
        used_at: when it was last used, ms, give or take a minute.
        used_from: the address that it was last used from.
        user_agent: the browser's name for itself.
    """

    id: str
    key_id: str
    secret: str
    made_at: int
    used_at: int
    used_from: str
    user_agent: str


class SessionStore:
    """Sessions of the console, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def open(self, session_id: str, key_id: str, secret: str, address: str, user_agent: str) -> bool:
        """Open a session.

        Args:
            session_id: a digest of the cookie's text.
            key_id: of the key that opens it, or `root`.
            secret: the digest of that key's secret; empty for the root key.
            address: of the browser.
            user_agent: the browser's name for itself.

        Returns:
            Whether it is open. It is not if the key has been revoked meanwhile.
        """
        entry = Change("session.begin", session_id).entry(logs.request_id())
        agent = user_agent[:AGENT_LENGTH]
        return bool(self._scripts.run("open_session", session_id, key_id, secret, address, agent, entry))

    def find(self, session_id: str, is_root: bool, address: str) -> Standing | None:
        """Find what a session may do, and note that it was used; None if it does not exist.

        Args:
            session_id: a digest of the cookie's text.
            is_root: whether the cookie is signed with a root key.
            address: of the browser.

        Raises:
            StoreUnavailable: Redis is away.
        """
        found = self._scripts.run("find_session", session_id, "1" if is_root else "", address)
        if found is None:
            return None
        known = standing(found[0].decode(), found[1:], session_id)
        return replace(known, scopes=ALL) if is_root else known

    def end(self, session_id: str, key_id: str | None) -> bool:
        """End a session.

        Args:
            session_id: the session's id.
            key_id: of the key whose session it must be; None for any.

        Returns:
            Whether there was one.
        """
        entry = Change("session.end", session_id).entry(logs.request_id())
        return bool(self._scripts.run("end_session", session_id, key_id or "", entry))

    def places(self, key_ids: Sequence[str]) -> list[Place]:
        """List the places of the sessions that keys have opened, the newest first; some may have ended."""
        listed = ask(
            self._scripts, *(("ZRANGE", self._keys.sessions(key_id), 0, -1, "WITHSCORES") for key_id in key_ids)
        )
        found = [(int(score), session_id.decode()) for some in listed for session_id, score in scored(some)]
        return sorted(found, reverse=True)

    def read(self, ids: Sequence[str]) -> list[Session]:
        """Read sessions in this order; leave out those that have ended."""
        hashes = ask(self._scripts, *(("HGETALL", self._keys.session(session_id)) for session_id in ids)) if ids else []
        return [_session(session_id, texts(found)) for session_id, found in zip(ids, hashes, strict=True) if found]


def _session(session_id: str, fields: dict[str, str]) -> Session:
    return Session(
        session_id, fields["key"], fields["secret"], int(fields["made_at"]), int(fields["used_at"]),
        fields["used_from"], fields["user_agent"],
    )  # fmt: skip
