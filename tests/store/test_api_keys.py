"""Stored API keys in Redis: found by their secret alone, changed together with their audit entry, gone when revoked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.changes import Change
from service.domain.access.key_texts import new_text, parse_key
from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.access.scopes import ALL, Scope
from service.errors import ConcurrentChange, Forbidden, NotFound, ValidationFailed
from service.store.access import key_store
from service.store.access.key_store import KeyStore, Lapse, Standing
from service.store.audit.reading import read_entry
from service.store.server import asking
from service.store.server.redis_clock import RedisClock
from service.usecases.access.keys import StoredKeys
from tests.support.store_rig import Rig

ADMIN = {Scope.READ, Scope.ADMIN}


@pytest.fixture
def store(rig: Rig) -> KeyStore:
    return KeyStore(rig.scripts)


@pytest.fixture
def keys(rig: Rig, store: KeyStore) -> StoredKeys:
    return StoredKeys(store, RedisClock(rig.client), ["birthday", "visitor"])


@pytest.fixture
def acting() -> Iterator[Callable[..., None]]:
    """Acts for a caller until the test ends."""
    token = act_for(Caller("root", "root", ALL))

    def act(*scopes: Scope, limits: Limits = NO_LIMITS, actor: str = "AAAAAAAAAA") -> None:
        act_for(Caller(actor, "somebody", frozenset(scopes), limits, address="192.0.2.1"))

    yield act
    act_as_before(token)


def found(store: KeyStore, text: str) -> Standing | None:
    """What a key's text stands for."""
    sent = parse_key(text)
    assert sent is not None
    return store.find(sent, "192.0.2.7")


def entries(rig: Rig) -> list[dict[str, Any]]:
    """The audit log, oldest first."""
    raw: Any = rig.client.xrange(rig.keys.audit)
    return [read_entry(fields) for _, fields in raw]


def test_a_made_key_is_found_by_its_secret_alone(rig: Rig, keys: StoredKeys, store: KeyStore) -> None:
    """Neither another secret nor another id leads to it, and Redis holds no secret."""
    made = keys.create(
        {"name": " CI ", "scopes": ["run", "read"], "labels": {"team": ["crm", "ops"]}, "bot_types": ["visitor"]}
    )
    standing = found(store, made["key"])
    assert standing is not None
    assert (standing.key_id, standing.name, standing.scopes) == (made["id"], "CI", frozenset({Scope.READ, Scope.RUN}))
    assert standing.limits == Limits({"team": frozenset({"crm", "ops"})}, frozenset({"visitor"}))
    assert standing.seconds is None
    assert found(store, new_text(made["id"])) is None
    assert found(store, new_text("0000000000")) is None
    secret = made["key"][15:58]
    assert not any(secret.encode() in (rig.client.dump(key) or b"") for key in rig.client.keys("*"))


def test_use_is_noted_by_the_minute(rig: Rig, keys: StoredKeys, store: KeyStore) -> None:
    """When and from where; the second use within a minute writes nothing."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    assert (made["last_used_at"], made["last_used_from"]) == (None, None)
    found(store, made["key"])
    used = keys.get(made["id"])
    assert used["last_used_at"].endswith(":00")
    assert used["last_used_from"] == "192.0.2.7"
    stored = rig.keys.api_key(made["id"])
    rig.client.hset(stored, "used_from", "unchanged")
    found(store, made["key"])
    assert rig.client.hget(stored, "used_from") == b"unchanged"
    rig.client.hincrby(stored, "used_at", -60_000)
    found(store, made["key"])
    assert rig.client.hget(stored, "used_from") == b"192.0.2.7"


def test_every_change_has_its_entry(rig: Rig, keys: StoredKeys, acting: Callable[..., None]) -> None:
    """Who, what, the revisions, and the changed fields, with no secret among them; no change has none."""
    acting(*ADMIN)
    made = keys.create({"name": "x", "scopes": ["read"]})
    assert keys.update(made["id"], {"name": "x"})["revision"] == 1
    keys.update(made["id"], {"name": "y", "note": "for tests"})
    rotated = keys.rotate(made["id"], {"overlap_seconds": 60})
    keys.revoke(made["id"])
    told = entries(rig)
    assert [(one["action"], one.get("before"), one.get("after")) for one in told] == [
        ("key.create", None, "1"), ("key.update", "1", "2"), ("key.rotate", "2", "3"), ("key.revoke", "3", None),
    ]  # fmt: skip
    assert {(one["actor"], one["address"], one["object"]) for one in told} == {("AAAAAAAAAA", "192.0.2.1", made["id"])}
    assert told[1]["fields"] == {"name": ["x", "y"], "note": [None, "for tests"]}
    assert made["key"][15:58] not in str(told) and rotated["key"][15:58] not in str(told)


def test_a_rotation_accepts_the_old_secret_for_its_time(rig: Rig, keys: StoredKeys, store: KeyStore) -> None:
    """And then no longer; without an overlap, or after the next rotation, not at all."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    rotated = keys.rotate(made["id"], {"overlap_seconds": 3600})
    assert rotated["id"] == made["id"] and rotated["key"] != made["key"] and rotated["previous_until"] is not None
    old = found(store, made["key"])
    assert old is not None and old.seconds is not None and 3590 < old.seconds <= 3600
    assert found(store, rotated["key"]) is not None
    rig.client.hset(rig.keys.api_key(made["id"]), "previous_until", 1)
    assert found(store, made["key"]) is None
    last = keys.rotate(made["id"], None)
    assert last["previous_until"] is None
    assert [found(store, one["key"]) is None for one in (made, rotated, last)] == [True, True, False]


def test_a_key_that_was_accepted_once_is_told_why_it_is_not_any_more(
    rig: Rig, keys: StoredKeys, store: KeyStore
) -> None:
    """By its secret alone: another secret of the same key learns nothing, also once it is revoked."""

    def lapse(text: str) -> Lapse | None:
        sent = parse_key(text)
        assert sent is not None
        return store.lapse(sent)

    first = keys.create({"name": "x", "scopes": ["read"]})
    stored = rig.keys.api_key(first["id"])
    second = keys.rotate(first["id"], {"overlap_seconds": 3600})
    rig.client.hset(stored, "previous_until", 5_000)
    assert (lapse(first["key"]), lapse(second["key"])) == (Lapse("replaced", 5_000), None)
    rig.client.hset(stored, "expires_at", 7)
    assert (lapse(first["key"]), lapse(second["key"])) == (Lapse("replaced", 5_000), Lapse("expired", 7_000))
    rig.client.hset(stored, "expires_at", 3)
    assert (lapse(first["key"]), lapse(second["key"])) == (Lapse("expired", 3_000), Lapse("expired", 3_000))
    assert lapse(new_text(first["id"])) is None and lapse(new_text("0000000000")) is None
    third = keys.rotate(first["id"], None)
    assert [lapse(key["key"]) for key in (first, second)] == [None, None]
    keys.revoke(first["id"])
    revoked = lapse(third["key"])
    assert revoked is not None and revoked.reason == "revoked" and revoked.at <= RedisClock(rig.client).now_ms()
    assert [lapse(key["key"]) for key in (first, second)] == [None, None] and lapse(new_text(first["id"])) is None
    for name in (stored, rig.keys.revoked_key(first["id"])):
        rig.client.delete(name)
        rig.client.set(name, "of another type")
    assert lapse(third["key"]) is None


def test_an_expired_key_is_refused(rig: Rig, keys: StoredKeys, store: KeyStore) -> None:
    """From that second on; until then it says for how long it is accepted."""
    made = keys.create({"name": "x", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"})
    standing = found(store, made["key"])
    assert standing is not None and standing.seconds is not None
    rig.client.hset(rig.keys.api_key(made["id"]), "expires_at", 1)
    assert found(store, made["key"]) is None


def test_a_revoked_key_leaves_nothing(rig: Rig, keys: StoredKeys, store: KeyStore) -> None:
    """A use under way does not bring it back."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    keys.revoke(made["id"])
    assert found(store, made["key"]) is None
    assert rig.client.exists(rig.keys.api_key(made["id"])) == 0
    assert keys.list(50, None).data == []
    for call in (
        keys.get,
        keys.revoke,
        lambda key_id: keys.update(key_id, {}),
        lambda key_id: keys.rotate(key_id, None),
    ):
        with pytest.raises(NotFound):
            call(made["id"])


def test_keys_are_listed_in_the_order_of_their_creation(keys: StoredKeys) -> None:
    """By pages; a cursor that is no key's is refused."""
    ids = [keys.create({"name": str(number), "scopes": ["read"]})["id"] for number in range(5)]
    first = keys.list(2, None)
    second = keys.list(2, first.next_cursor)
    third = keys.list(2, second.next_cursor)
    assert [key["id"] for page in (first, second, third) for key in page.data] == ids
    assert third.next_cursor is None
    for cursor in ("", "x", "0000000000"):
        with pytest.raises(ValidationFailed):
            keys.list(2, cursor)


def test_a_limited_caller_sees_the_keys_within_its_limits(keys: StoredKeys, acting: Callable[..., None]) -> None:
    """Other teams' keys are not there, on whichever page they would stand."""
    terms: dict[str, Any] = {"name": "x", "scopes": ["read"]}
    limits_of: dict[str, dict[str, Any]] = {
        "all": {}, "crm": {"labels": {"team": ["crm"]}}, "sales": {"labels": {"team": ["sales"]}},
        "both": {"labels": {"team": ["crm", "sales"]}},
        "a part": {"labels": {"team": ["crm"]}, "bot_types": ["visitor"]},
    }  # fmt: skip
    of = {team: keys.create({**terms, **limits})["id"] for team, limits in limits_of.items()}
    acting(*ADMIN, limits=Limits({"team": frozenset({"crm"})}))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = keys.list(1, cursor)
        seen += [key["id"] for key in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
        assert cursor in seen
    assert seen == [of["crm"], of["a part"]]
    with pytest.raises(ValidationFailed, match="must be the cursor of an earlier page"):
        keys.list(2, of["sales"])
    for key_id in of.values():
        if key_id in seen:
            assert keys.get(key_id)["id"] == key_id
        else:
            for ask in (
                lambda key_id=key_id: keys.get(key_id),
                lambda key_id=key_id: keys.update(key_id, {"name": "y"}),
                lambda key_id=key_id: keys.rotate(key_id, None),
                lambda key_id=key_id: keys.revoke(key_id),
            ):
                with pytest.raises(NotFound, match=f"^Key {key_id} not found$"):
                    ask()


def test_keys_are_found_by_words_scope_and_state(rig: Rig, keys: StoredKeys) -> None:
    """All that is asked for must hold, on each page."""
    terms: dict[str, dict[str, Any]] = {
        "CI of Ada": {"scopes": ["read", "run"]}, "Wallboard": {"scopes": ["read"], "note": "beside CI"},
        "Ended CI": {"scopes": ["run"], "expires_at": "2999-01-01T00:00:00"}, "Nightly": {"scopes": ["write"]},
    }  # fmt: skip
    of = {name: keys.create({"name": name, **more})["id"] for name, more in terms.items()}
    names = {key_id: name for name, key_id in of.items()}
    rig.client.hset(rig.keys.api_key(of["Ended CI"]), "expires_at", 1)
    keys.rotate(of["Wallboard"], {"overlap_seconds": 60})
    keys.rotate(of["Ended CI"], {"overlap_seconds": 60})
    rig.client.hset(rig.keys.api_key(of["Ended CI"]), "expires_at", 1)
    expected: list[tuple[dict[str, str], list[str]]] = [
        ({}, list(terms)),
        ({"q": " ci"}, ["CI of Ada", "Wallboard", "Ended CI"]),
        ({"q": of["Nightly"].lower()}, ["Nightly"]),
        ({"scope": "run"}, ["CI of Ada", "Ended CI"]),
        ({"state": "valid"}, ["CI of Ada", "Wallboard", "Nightly"]),
        ({"state": "rotating"}, ["Wallboard"]),
        ({"state": "expired"}, ["Ended CI"]),
        ({"q": "ci", "scope": "run", "state": "valid"}, ["CI of Ada"]),
        ({"q": "nobody"}, []),
    ]  # fmt: skip
    for asked, found in expected:
        whole = {"q": None, "scope": None, "state": None, **asked}
        assert [names[key_id] for key_id in keys.matching(**whole)] == found, asked
        seen: list[str] = []
        cursor: str | None = None
        while cursor is not None or not seen:
            page = keys.list(1, cursor, **asked)
            seen += [key["name"] for key in page.data] or [""]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert [name for name in seen if name] == found, asked
    for wrong in ({"scope": "everything"}, {"scope": ""}, {"state": "revoked"}):
        with pytest.raises(ValidationFailed, match=next(iter(wrong))):
            keys.list(2, None, **wrong)


def test_a_page_of_two_thousand_keys_costs_little(
    rig: Rig, keys: StoredKeys, acting: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key beyond the page is read whole, no more are looked at once it is full, and others' only by their limits."""
    made = keys.create({"name": "x", "scopes": ["read"], "labels": {"team": ["sales"]}, "note": "n" * 400})["id"]
    stored: Any = rig.client.hgetall(rig.keys.api_key(made))
    pipe = rig.client.pipeline()
    for number in range(1, 2000):
        key_id = f"{number:010d}"
        team = b'{"team": ["crm"]}' if number in (700, 701, 1999) else stored[b"labels"]
        pipe.hset(rig.keys.api_key(key_id), mapping={**stored, b"labels": team})
        pipe.zadd(rig.keys.api_keys, {key_id: 10**17 + 100 * number})
    pipe.execute()
    marks: list[bytes] = []
    whole: list[Any] = []

    def counted(scripts: Any, *commands: Any) -> Any:
        whole.extend(commands)
        return asking.ask(scripts, *commands)

    def counted_marks(scripts: Any, commands: Any) -> Any:
        marks.extend(commands)
        return asking.ask_packed(scripts, commands)

    monkeypatch.setattr(key_store, "ask", counted)
    monkeypatch.setattr(key_store, "ask_packed", counted_marks)

    def cost(limit: int, cursor: str | None = None) -> tuple[list[str], int, int]:
        marks.clear()
        whole.clear()
        found = [key["id"] for key in keys.list(limit, cursor).data]
        return found, len(marks), sum(command[0] == "HGETALL" for command in whole)

    assert cost(50)[1:] == (0, 50)
    acting(*ADMIN, limits=Limits({"team": frozenset({"crm"})}))
    assert cost(1) == (["0000000700"], 800, 1)
    assert cost(50) == (["0000000700", "0000000701", "0000001999"], 2000, 3)
    assert all(b"HMGET" in command and b"note" not in command and b"digest" not in command for command in marks)
    assert cost(50, "0000001999") == ([], 0, 1)  # the cursor's own key


@pytest.mark.parametrize(
    ("scopes", "limits", "body"),
    [
        ({"read", "admin"}, {}, {"scopes": ["read", "write"]}),
        ({"read", "admin"}, {"team": ["crm"]}, {"scopes": ["read"]}),
        ({"read", "admin"}, {"team": ["crm"]}, {"scopes": ["read"], "labels": {"team": ["ops"]}}),
        ({"read", "admin"}, {"team": ["crm"]}, {"scopes": ["read"], "labels": {"team": ["crm", "ops"]}}),
        ({"read", "admin"}, {"team": ["crm"]}, {"scopes": ["read"], "labels": {"stage": ["crm"]}}),
    ],
)
def test_no_key_gives_more_than_it_has(
    keys: StoredKeys, acting: Callable[..., None], scopes: set[str], limits: dict[str, list[str]], body: dict[str, Any]
) -> None:
    """Not in a new key, not by a change, and not by a new secret of a key that may do more; nor does it revoke one."""
    mine = keys.create({"name": "mine", "scopes": ["read"], "labels": limits or None})
    wider = keys.create({"name": "wider", "scopes": ["contacts"], "labels": limits or None})
    acting(*map(Scope, scopes), limits=Limits({label: frozenset(values) for label, values in limits.items()}))
    for refused in (
        lambda: keys.create({"name": "x", **body}),
        lambda: keys.update(mine["id"], {"labels": None, **body}),
        lambda: keys.update(wider["id"], {"scopes": ["read"], "labels": limits or None}),
        lambda: keys.rotate(wider["id"], None),
        lambda: keys.revoke(wider["id"]),
    ):
        with pytest.raises(Forbidden, match=r"^This key may not \w+ a key with more rights than its own: "):
            refused()
    keys.update(mine["id"], {"name": "still mine"})
    keys.rotate(mine["id"], None)
    keys.revoke(mine["id"])


def test_a_key_that_ends_makes_none_that_lasts_longer(keys: StoredKeys, acting: Callable[..., None]) -> None:
    """Not by a new key, nor by a change, its own included, nor by a new secret. It may still revoke one."""
    ends = {"scopes": ["read"], "expires_at": "2998-01-01T00:00:00"}
    mine = keys.create({"name": "mine", **ends, "scopes": ["read", "admin"]})
    longer = keys.create({"name": "longer", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"})
    lasting = keys.create({"name": "lasting", "scopes": ["read"]})
    acting(Scope.READ, Scope.ADMIN, actor=mine["id"])
    attempts: list[Callable[[], object]] = [
        lambda: keys.create({"name": "x", "scopes": ["read"]}),
        lambda: keys.create({"name": "x", "scopes": ["read"], "expires_at": "2998-01-01T00:00:01"}),
        lambda: keys.update(mine["id"], {"expires_at": None}),
        lambda: keys.update(longer["id"], {"name": "y"}),
        lambda: keys.rotate(longer["id"], None),
        lambda: keys.rotate(lasting["id"], None),
    ]
    for refused in attempts:
        with pytest.raises(Forbidden, match="a key that outlasts it: set expires_at to 2998-01-01T00:00:00"):
            refused()
    made = keys.create({"name": "x", **ends})
    keys.rotate(made["id"], None)
    keys.update(mine["id"], {"name": "still mine"})
    keys.revoke(lasting["id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": None}, "scopes"),
        ({"labels": {}}, "labels"),
        ({"labels": {"team": []}}, "labels.team"),
        ({"labels": {"team": "crm"}}, "labels.team"),
        ({"labels": {"team": [1]}}, "labels.team"),
        ({"labels": {"team": ["crm", "no label of a job"]}}, "labels.team"),
        ({"labels": {"team:x": ["crm"]}}, "labels.team:x"),
        ({"labels": {"t" * 64: ["crm"]}}, f'labels."{"t" * 60}…"'),
        ({"labels": []}, "labels"),
        ({"bot_types": ["unknown"]}, "bot_types"),
        ({"bot_types": []}, "bot_types"),
        ({"bot_types": [[]]}, "bot_types"),
        ({"expires_at": "2001-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": 1}, "expires_at"),
        ({"note": "x" * 501}, "note"),
        ({"note": 1}, "note"),
        ({"name": " "}, "name"),
        ({"digest": "x"}, "digest"),
    ],
)
def test_terms_are_refused_by_name(keys: StoredKeys, body: dict[str, Any], field: str) -> None:
    """With a sentence; nothing is stored."""
    whole = {} if body == {} else {"name": "x", "scopes": ["read"], **body}
    with pytest.raises(ValidationFailed) as refused:
        keys.create(whole)
    assert field in [error.field for error in refused.value.errors]
    assert keys.list(50, None).data == []


def test_what_was_read_can_be_put_back(keys: StoredKeys) -> None:
    """All of it, and nothing changes."""
    made = keys.create(
        {"name": "x", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00Z", "bot_types": ["visitor"]}
    )
    shown = keys.get(made["id"])
    assert keys.update(made["id"], shown) == shown


def test_a_key_that_has_changed_is_read_again(
    rig: Rig, keys: StoredKeys, store: KeyStore, acting: Callable[..., None]
) -> None:
    """A change of an older revision is refused by the script, so that none is lost."""
    acting(*ADMIN)
    made = keys.create({"name": "x", "scopes": ["read"]})
    stale = store.get(made["id"])
    assert stale is not None
    keys.update(made["id"], {"name": "y"})
    changed = replace(stale, revision=2)
    assert not store.save(changed, stale.revision, Change("key.update", stale.id))
    assert store.revoke(stale, Change("key.revoke", stale.id)) is None
    rig.client.hset(rig.keys.api_key(made["id"]), "revision", "99")
    assert keys.get(made["id"])["name"] == "y"
    assert len(entries(rig)) == 2


def test_a_key_that_keeps_changing_is_given_up(keys: StoredKeys, store: KeyStore, monkeypatch: Any) -> None:
    """After some tries, with a sentence."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    monkeypatch.setattr(store, "save", lambda *_: False)
    with pytest.raises(ConcurrentChange):
        keys.update(made["id"], {"name": "y"})


def test_the_root_key_tells_what_it_may_do(keys: StoredKeys, acting: Callable[..., None]) -> None:
    """It is no record in Redis; a stored key is told by its own."""
    made = keys.create({"name": "x", "scopes": ["read"]})
    act_for(Caller("root", "root", ALL))
    assert keys.me()["id"] == "root" and len(keys.me()["scopes"]) == len(Scope)
    acting(Scope.READ, actor=made["id"])
    assert keys.me() == keys.get(made["id"])
