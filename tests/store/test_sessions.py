"""Sessions of the console in Redis: they end with the secret that opened them, by hand, and by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.key_texts import parse_key
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL, Scope
from service.errors import NotFound, ValidationFailed
from service.store.access.key_store import KeyStore
from service.store.access.session_store import ROOT, SessionStore
from service.store.server.redis_clock import RedisClock
from service.usecases.access.keys import StoredKeys
from service.usecases.access.sessions import ConsoleSessions
from tests.support.store_rig import Rig

WEEK_MS = 7 * 86_400_000


@pytest.fixture(autouse=True)
def by_root() -> Iterator[None]:
    """The root key asks, unless a test says otherwise."""
    token = act_for(Caller(ROOT, ROOT, ALL))
    yield
    act_as_before(token)


@pytest.fixture
def keys(rig: Rig) -> StoredKeys:
    return StoredKeys(KeyStore(rig.scripts), RedisClock(rig.client), ["visitor"])


@pytest.fixture
def store(rig: Rig) -> SessionStore:
    return SessionStore(rig.scripts)


@pytest.fixture
def sessions(rig: Rig, store: SessionStore) -> ConsoleSessions:
    return ConsoleSessions(store, KeyStore(rig.scripts), RedisClock(rig.client))


def opened(store: SessionStore, number: int, text: str | None = None) -> str:
    """Opens a session by a key's text, or by the root key. Returns its id."""
    session_id = f"{number:032x}"
    sent = None if text is None else parse_key(text)
    key_id, secret = (ROOT, "") if sent is None else (sent.id, sent.digest)
    assert store.open(session_id, key_id, secret, "192.0.2.1", "a browser" * 100)
    return session_id


def holds(store: SessionStore, session_id: str, is_root: bool = False) -> bool:
    return store.find(session_id, is_root, "192.0.2.2") is not None


def test_a_session_may_do_what_its_key_may_now(keys: StoredKeys, store: SessionStore) -> None:
    """A change of the key counts at once."""
    made = keys.create({"name": "x", "scopes": ["read"], "bot_types": ["visitor"]})
    session_id = opened(store, 1, made["key"])
    found = store.find(session_id, False, "192.0.2.2")
    assert found is not None
    assert (found.key_id, found.session, found.scopes) == (made["id"], session_id, frozenset({Scope.READ}))
    assert found.limits == Limits({}, frozenset({"visitor"}))
    keys.update(made["id"], {"scopes": ["read", "run"], "bot_types": None})
    found = store.find(session_id, False, "192.0.2.2")
    assert found is not None and found.scopes == {Scope.READ, Scope.RUN} and found.limits.are_none


def test_a_root_session_needs_the_signed_cookie_and_no_other_is_taken_for_one(
    keys: StoredKeys, store: SessionStore
) -> None:
    """Whoever can write to Redis alone cannot make a root session."""
    of_root, of_key = opened(store, 1), opened(store, 2, keys.create({"name": "x", "scopes": ["read"]})["key"])
    assert [holds(store, of_root, True), holds(store, of_root)] == [True, False]
    assert [holds(store, of_key, True), holds(store, of_key)] == [False, True]
    found = store.find(of_root, True, "192.0.2.2")
    assert found is not None and (found.key_id, found.scopes) == (ROOT, ALL)


@pytest.mark.parametrize("ending", ["revoke", "rotate", "expire", "overlap over"])
def test_a_session_ends_with_the_secret_that_opened_it(
    rig: Rig, keys: StoredKeys, store: SessionStore, sessions: ConsoleSessions, ending: str
) -> None:
    """Whatever ends that; nothing of it is left, and it cannot be opened again."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    session_id = opened(store, 1, made["key"])
    stored = rig.keys.api_key(made["id"])
    if ending == "revoke":
        keys.revoke(made["id"])
    elif ending == "rotate":
        keys.rotate(made["id"], None)
    elif ending == "expire":
        rig.client.hset(stored, "expires_at", 1)
    else:
        keys.rotate(made["id"], {"overlap_seconds": 60})
        assert holds(store, session_id)
        rig.client.hset(stored, "previous_until", 1)
    assert sessions.list() == []
    assert not holds(store, session_id)
    assert rig.client.exists(rig.keys.session(session_id), rig.keys.sessions(made["id"])) == 0
    sent = parse_key(made["key"])
    assert sent is not None
    assert not store.open(session_id, made["id"], sent.digest, "192.0.2.1", "")
    assert rig.client.exists(rig.keys.session(session_id)) == 0


def test_sessions_expire_by_themselves(rig: Rig, store: SessionStore) -> None:
    """Half a day after the last use, never later than a week; old entries leave the set when the next is opened."""
    first = opened(store, 1)
    hash_, set_ = rig.keys.session(first), rig.keys.sessions(ROOT)
    assert 43_000_000 < int(rig.client.pttl(hash_)) <= 43_200_000
    rig.client.hincrby(hash_, "made_at", 60_000 - WEEK_MS)
    found = store.find(first, True, "192.0.2.2")
    assert found is not None and found.seconds is not None and found.seconds <= 60
    assert int(rig.client.pttl(hash_)) <= 60_000
    rig.client.zadd(set_, {first: 1})
    second = opened(store, 2)
    assert rig.client.zrange(set_, 0, -1) == [second.encode()]


def test_sessions_are_paged_the_newest_first(
    rig: Rig, keys: StoredKeys, store: SessionStore, sessions: ConsoleSessions
) -> None:
    """Also those of several keys, past those that have ended, and when the one before the page has ended."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    ids = [opened(store, number, made["key"] if number % 2 else None) for number in range(7)]
    for number, session_id in enumerate(ids):
        opener = made["id"] if number % 2 else ROOT
        rig.client.zadd(rig.keys.sessions(opener), {session_id: WEEK_MS + number // 2})
    rig.client.delete(rig.keys.session(ids[4]), rig.keys.session(ids[5]))
    first = sessions.page(2)
    assert [one["id"] for one in first.data] == [ids[6], ids[3]]
    rig.client.delete(rig.keys.session(ids[3]))
    second = sessions.page(2, first.next_cursor)
    third = sessions.page(2, second.next_cursor)
    assert [one["id"] for page in (second, third) for one in page.data] == [ids[2], ids[1], ids[0]]
    assert third.next_cursor is None
    for cursor in ("", "1", ids[0], f"1-{ids[0]}x"):
        with pytest.raises(ValidationFailed):
            sessions.page(2, cursor)


def test_one_lists_and_ends_ones_own_and_with_admin_all(
    keys: StoredKeys, store: SessionStore, sessions: ConsoleSessions
) -> None:
    """Another's session is not found; a limited admin is not above others."""
    made = [keys.create({"name": name, "scopes": ["read"]}) for name in ("one", "two")]
    ids = [opened(store, number, key["key"]) for number, key in enumerate(made)]
    root = opened(store, 9)
    assert {one["id"] for one in sessions.list()} == {*ids, root}
    assert {one["key_name"] for one in sessions.list()} == {"one", "two", "root"}
    act_for(Caller(made[0]["id"], "one", frozenset({Scope.READ}), session=ids[0]))
    (shown,) = sessions.list()
    assert (shown["id"], shown["current"], shown["last_used_from"]) == (ids[0], True, "192.0.2.1")
    assert len(shown["user_agent"]) == 300
    for other in (ids[1], root, "nonsense", "f" * 32):
        with pytest.raises(NotFound):
            sessions.end(other)
    act_for(Caller(made[0]["id"], "one", ALL, Limits({"team": frozenset({"crm"})})))
    with pytest.raises(NotFound):
        sessions.end(ids[1])
    sessions.end(ids[0])
    assert sessions.list() == []
    act_for(Caller(made[0]["id"], "one", ALL))
    sessions.end(ids[1])
    sessions.end(root)
    assert sessions.list() == []


def ended(use: ConsoleSessions, /, **body: Any) -> int:
    return use.end_some(body)["ended"]


def test_several_sessions_are_ended_at_once(
    rig: Rig, keys: StoredKeys, store: SessionStore, sessions: ConsoleSessions
) -> None:
    """Named ones, those of a key, all, all but the one that asks; each with its entry in the audit log."""
    ana, kim = (keys.create({"name": name, "scopes": ["read"]}) for name in ("Ana", "Kim"))
    of_ana = [opened(store, number, ana["key"]) for number in (1, 2, 3)]
    of_kim = [opened(store, number, kim["key"]) for number in (4, 5)]
    of_root = [opened(store, number) for number in range(6, 9)]
    act_for(Caller(ROOT, ROOT, ALL, session=of_root[0]))
    assert ended(sessions, sessions=[of_ana[0], of_kim[0], of_kim[0], "f" * 32]) == 2
    assert ended(sessions, key_id=ana["id"]) == 2
    assert ended(sessions, key_id=ROOT, keep_current=True) == 2
    assert ended(sessions, all=True, keep_current=True) == 1
    assert [one["id"] for one in sessions.list()] == [of_root[0]]
    assert ended(sessions, key_id=ROOT) == 1 and sessions.list() == []
    audited: Any = rig.client.xrange(rig.keys.audit)
    told = [json.loads(fields[b"entry"]) for _, fields in audited]
    gone = [entry["object"] for entry in told if entry["action"] == "session.end"]
    assert sorted(gone) == sorted([*of_ana, *of_kim, *of_root])


def test_one_ends_only_ones_own_together(keys: StoredKeys, store: SessionStore, sessions: ConsoleSessions) -> None:
    """`all` are one's own; another's are passed over by id, and there is no such key. As many end as are listed."""
    ana, kim = (keys.create({"name": name, "scopes": ["read"]}) for name in ("Ana", "Kim"))
    mine = [opened(store, number, ana["key"]) for number in (1, 2, 3)]
    theirs, roots = opened(store, 4, kim["key"]), opened(store, 5)
    for limits in (Limits(), Limits({"team": frozenset({"crm"})})):
        act_for(Caller(ana["id"], "Ana", frozenset({Scope.READ}) if limits.are_none else ALL, limits))
        assert ended(sessions, sessions=[mine.pop(), theirs, roots]) == 1
        for other in (kim["id"], ROOT, "0000000000", "x"):
            with pytest.raises(NotFound, match=f"^Key {other} not found$"):
                sessions.end_some({"key_id": other})
    assert ended(sessions, all=True) == 1
    act_for(Caller(ROOT, ROOT, ALL))
    assert {one["id"] for one in sessions.list()} == {theirs, roots}
    keys.rotate(kim["id"], None)  # its session is refused from now on, and so it is not listed
    assert ended(sessions, key_id=kim["id"]) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"), ([], "body"), ({"all": True, "key_id": ROOT}, "body"), ({"keep_current": True}, "body"),
        ({"all": False}, "all"), ({"all": 1}, "all"), ({"sessions": []}, "sessions"), ({"sessions": ["x"]}, "sessions"),
        ({"sessions": "0" * 32}, "sessions"), ({"sessions": ["0" * 32] * 1001}, "sessions"), ({"key_id": ""}, "key_id"),
        ({"key_id": None}, "key_id"), ({"all": True, "keep_current": 1}, "keep_current"), ({"all": True, "x": 1}, "x"),
    ],
)  # fmt: skip
def test_what_to_end_is_said_in_one_way(store: SessionStore, sessions: ConsoleSessions, body: Any, field: str) -> None:
    """Anything else is refused by name, and ends nothing."""
    opened(store, 1)
    with pytest.raises(ValidationFailed) as refused:
        sessions.end_some(body)
    assert field in [error.field for error in refused.value.errors]
    assert len(sessions.list()) == 1


def test_beginning_and_ending_stand_in_the_audit_log(rig: Rig, store: SessionStore, sessions: ConsoleSessions) -> None:
    """Once each, however often the script is repeated."""
    session_id = opened(store, 1)
    opened(store, 1)
    sessions.end(session_id)
    assert not store.end(session_id, None)
    raw: Any = rig.client.xrange(rig.keys.audit)
    entries = [json.loads(fields[b"entry"]) for _, fields in raw]
    assert [(entry["action"], entry["object"]) for entry in entries] == [
        ("session.begin", session_id), ("session.end", session_id),
    ]  # fmt: skip
