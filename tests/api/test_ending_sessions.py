"""`POST /scheduler/sessions/end`: every kind of key × whose sessions × spellings, and bodies of every kind."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import falcon.testing
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.asgi import assemble
from service.domain.access.key_texts import new_text, parse_key
from service.domain.access.scopes import Scope
from service.settings import Settings
from service.store.access.session_store import SessionStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.web.http.throttling import guesses
from tests.api.spellings import refused, same
from tests.support.servers.valkey import ValkeyServer

PATH = "/scheduler/sessions/end"
ROOT = "the root key of the test of sessions"
EVERYBODY = [scope.value for scope in Scope]
OPENERS: dict[str, dict[str, Any]] = {
    "own": {"scopes": ["read"]},
    "foreign": {"scopes": ["read"]},
    "limited admin": {"scopes": EVERYBODY, "labels": {"team": ["crm"]}},
    "admin": {"scopes": EVERYBODY},
}
"""Keys that have opened sessions, beside the root key."""
MAY_END_ALL = {"root", "admin"}


@dataclass
class House:
    """An installation with two sessions of each opener.

    Args:
        client: of its Redis.
        app: the application.
        store: opens sessions.
        texts: kind of caller -> the key that it sends, or None.
    """

    client: Redis
    app: Any
    store: SessionStore
    texts: dict[str, str | None]

    def id_of(self, opener: str) -> str:
        """The id of an opener's key."""
        sent = parse_key(str(self.texts[opener]))
        return "root" if sent is None else sent.id

    def fill(self) -> dict[str, set[str]]:
        """Open the sessions that are not there: opener -> their ids."""
        ids: dict[str, set[str]] = {}
        for number, opener in enumerate(("root", *OPENERS)):
            sent = parse_key(str(self.texts[opener]))
            ids[opener] = {f"{number * 2 + one:032x}" for one in range(2)}
            for session_id in ids[opener]:
                secret = "" if sent is None else sent.digest
                assert self.store.open(session_id, self.id_of(opener), secret, "192.0.2.1", "a browser")
        return ids

    def left(self) -> set[str]:
        """The sessions that there are."""
        start = Keys().session("")
        names: Any = self.client.scan_iter(f"{start}*", count=1000)
        return {name.decode().removeprefix(start) for name in names}

    def end(self, who: str, body: Any, path: str = PATH) -> falcon.testing.Result:
        """Ask as one kind of caller; `body` is bytes or JSON."""
        key = self.texts[who]
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"X-API-Key": key} if key is not None else {}
        return falcon.testing.TestClient(self.app).simulate_post(path, body=sent, headers=headers)


@pytest.fixture
def house(redis_client: Redis, valkey_server: ValkeyServer) -> House:
    settings_ = Settings.model_validate({"redis_url": valkey_server.url, "api_key": ROOT, "message_url": None})
    app = assemble(settings_)
    admin = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})

    def make(**terms: Any) -> str:
        return str(admin.simulate_post("/scheduler/keys", json={"name": "of the test", **terms}).json["key"])

    texts: dict[str, str | None] = {"root": ROOT, **{name: make(**terms) for name, terms in OPENERS.items()}}
    watched = {
        "name": "elsewhere",
        "bot_type": "heartbeat",
        "schedule_type": "interval",
        "schedule_config": {"hours": 1},
    }
    job = admin.simulate_post("/scheduler/jobs", json=watched).json
    bound = {"ping": {"job_id": job["id"]}}
    texts |= {scope: make(scopes=[scope], **bound.get(scope, {})) for scope in EVERYBODY}
    revoked, expired = make(scopes=EVERYBODY), make(scopes=EVERYBODY, expires_at="2999-01-01T00:00:00")
    ids = {name: parse_key(text) for name, text in (("revoked", revoked), ("expired", expired))}
    assert ids["revoked"] is not None and ids["expired"] is not None
    assert admin.simulate_delete(f"/scheduler/keys/{ids['revoked'].id}").status_code == 204
    redis_client.hset(Keys().api_key(ids["expired"].id), "expires_at", 1)
    texts |= {
        "no key": None, "empty": "", "wrong": "wrong", "unknown": new_text("0000000000"), "revoked": revoked,
        "expired": expired, "another secret": new_text(str(texts["admin"])[4:14]),
    }  # fmt: skip
    return House(redis_client, app, SessionStore(make_scripts(redis_client, Keys(), Limits())), texts)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers to many wrong keys are not slowed down."""
    monkeypatch.setattr(guesses, "FREE", 10**9)


STRANGERS = ("no key", "empty", "wrong", "unknown", "revoked", "expired", "another secret")


def test_every_kind_of_key_ends_what_is_its_to_end(house: House) -> None:
    """Its own sessions; with `admin` and without limits, everybody's. Named, by their key, and all."""
    wrong = []
    for who in (*OPENERS, *EVERYBODY, "root", *STRANGERS):
        may_end_all = who in MAY_END_ALL or who == Scope.ADMIN.value
        for opener in ("root", *OPENERS, "nobody"):
            for way in ("sessions", "key_id", "all"):
                ids = house.fill()
                everything = house.left()
                its = ids.get(opener, set())
                body = {
                    "sessions": {"sessions": sorted(its) or ["f" * 32]},
                    "key_id": {"key_id": "0000000000" if opener == "nobody" else house.id_of(opener)},
                    "all": {"all": True},
                }[way]
                answer = house.end(who, body)
                ended = everything - house.left()
                if who in STRANGERS:
                    expected, status = set[str](), 401
                elif way == "all":
                    expected, status = everything if may_end_all else ids.get(who, set()), 200
                elif may_end_all or opener == who:
                    expected, status = its, 404 if (way, opener) == ("key_id", "nobody") else 200
                else:
                    expected, status = set(), 404 if way == "key_id" else 200
                told = answer.json.get("ended") if answer.status_code == 200 else None
                if (ended, answer.status_code) != (expected, status) or told not in (None, len(expected)):
                    wrong.append((who, opener, way, answer.status_code, answer.text, len(ended), len(expected)))
    assert wrong[:10] == []


def test_no_other_spelling_ends_anything(house: House) -> None:
    """Those that mean the address need the key all the same; the others are no address."""
    house.fill()
    before = house.left()
    for target in refused(PATH).values():
        if re.fullmatch(r"/[!-~]*", target) and not re.search(r"[#\\]", target) and target not in same(PATH):
            for who in ("root", "admin", "no key"):
                assert house.end(who, {"all": True}, target).status_code == 404, target
    for target in same(PATH):
        for who in STRANGERS:
            assert house.end(who, {"all": True}, target).status_code == 401, (who, target)
    assert house.left() == before
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"):
        answer = falcon.testing.TestClient(house.app).simulate_request(
            method, PATH, headers={"X-API-Key": ROOT}, body=b'{"all": true}'
        )
        assert answer.status_code in (404, 405), method
    assert house.left() == before


texts = st.sampled_from(
    ["", " ", "\0", "root", "ROOT", "*", "0" * 32, f"{2:032x}", f"{4:032x}", "F" * 32, "ä😀", "../x", "[", "x" * 9000]
)
odd = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
near = st.fixed_dictionaries(
    {},
    optional={
        "sessions": st.lists(texts, max_size=4) | odd, "key_id": texts | odd, "all": st.booleans() | odd,
        "keep_current": st.booleans() | odd, "x": odd,
    },
)  # fmt: skip
bodies = near | odd | st.binary(max_size=60) | near.map(lambda body: json.dumps(body).encode()[:-1])


@pytest.mark.slow(reason="hundreds of generated requests go to the whole service")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
@example(body={"sessions": ["0" * 32] * 1001})
@example(body={"sessions": [f"{number:032x}" for number in range(1000)], "keep_current": True})
@example(body={"all": 1})
@example(body={"all": True, "key_id": "root"})
@example(body=b'{"all": true, "all": false}')
@example(body=b'{"sessions": ["' + b"0" * 32 + b'"], "key_id": null}')
@example(body=b"")
@example(body=b"null")
@example(body=b"[" * 5000)
def test_no_body_ends_sessions_of_others_or_makes_a_500(house: House, body: Any) -> None:
    """Sent with a key without `admin`. What is refused says where, and ends nothing; root's refusals are the same."""
    ids = house.fill()
    before = house.left()
    answer = house.end("own", body)
    assert before - house.left() <= ids["own"]
    assert answer.status_code in (200, 400, 404, 413), answer.text
    if answer.status_code != 200:
        assert answer.json["detail"].strip() and house.left() == before
        assert answer.status_code != 400 or answer.json.get("errors")
        if answer.status_code == 400:
            assert house.end("root", body).status_code == 400
            assert house.left() == before
