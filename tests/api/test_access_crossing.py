"""Every operation × every kind of key × spellings: who gets through is exactly what docs/access.md prints."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.domain.access.key_texts import new_text
from service.domain.access.scopes import Scope
from service.settings import Settings
from service.store.keys import Keys
from service.web.http.throttling import guesses
from tests.api.spellings import refused, same
from tests.support.servers.valkey import ValkeyServer
from tools import access_docs

pytestmark = pytest.mark.slow(reason="every operation is asked with every kind of key")

OWN_PAGE = {"Origin": "http://falconframework.org"}
ROOT = "the root key of the crossing test"
TERMS: Mapping[str, Any] = {"name": "of the crossing test", "scopes": [scope.value for scope in Scope]}
HEARTBEAT: Mapping[str, Any] = {
    "name": "watched", "bot_type": "heartbeat", "schedule_type": "interval", "schedule_config": {"hours": 1},
}  # fmt: skip
UNKNOWN = {
    "revision": "1", "job_id": "00000000-0000-4000-8000-000000000000", "run_id": "00000000-0000-4000-8000-000000000000",
    "contact_id": "00000000-0000-4000-8000-000000000000", "key_id": "0000000000", "session_id": "0" * 32,
    "backfill_id": "00000000-0000-4000-8000-000000000000", "rest": "nothing", "token": "0", "name": "nothing",
    "instant": "2030-01-01T00:00:00", "page": "nothing",
    "pause_id": "00000000-0000-4000-8000-000000000000", "rule_id": "00000000-0000-4000-8000-000000000000",
    "snooze_id": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip
"""What stands in paths: nothing there is changed, whoever gets through."""


@dataclass(frozen=True)
class Operation:
    """One row of the page's tables.

    Args:
        method: as it is sent.
        path: the template.
        needs: the row's words.
    """

    method: str
    path: str
    needs: str

    @property
    def target(self) -> str:
        """An address of it, where there is nothing."""
        return self.path.replace("{rest:path}", "{rest}").format(**UNKNOWN)

    def lets(self, who: str) -> bool:
        """Whether the row says that this kind of caller gets through."""
        if self.needs == "no key":
            return True
        scope, _, more = self.needs.partition(", ")
        if more == "key in the address":
            return False  # a key that is sent otherwise does not count
        if who in ("root", "all"):
            return True
        if who == "limited":
            return more == ""
        if who not in {found.value for found in Scope}:
            return False
        return scope == "any key" or f"`{who}`" in scope.split(" or ")


def printed() -> list[Operation]:
    """The operations of the first table of the page, the API's."""
    table = access_docs.PAGE.read_text().partition("| operation | needs |")[2].partition("\n\n")[0]
    found = re.findall(r"^\| `(\w+) (\S+)` \| (.*) \|$", table, re.MULTILINE)
    return [Operation("GET" if method == "ANY" else method, path, needs) for method, path, needs in found]


def installation(url: str) -> Any:
    """An application over the server."""
    return assemble(Settings.model_validate({"redis_url": url, "api_key": ROOT, "message_url": None}))


@pytest.fixture(scope="module")
def app(valkey_server: ValkeyServer) -> Any:
    """An installation on an empty server."""
    valkey_server.client().flushall()
    return installation(valkey_server.url)


@pytest.fixture(scope="module")
def callers(app: Any, valkey_server: ValkeyServer) -> dict[str, str | None]:
    """Every kind of caller, and the key that it sends."""
    admin = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})

    def make(**terms: Any) -> tuple[str, str]:
        made = admin.simulate_post("/scheduler/keys", json={**TERMS, **terms}).json
        return made["id"], made["key"]

    revoked, expired = make(), make(expires_at="2999-01-01T00:00:00")
    assert admin.simulate_delete(f"/scheduler/keys/{revoked[0]}").status_code == 204
    client: Redis = valkey_server.client()
    client.hset(Keys().api_key(expired[0]), "expires_at", 1)
    whole = make()[1]
    watched = {"job_id": admin.simulate_post("/scheduler/jobs", json=HEARTBEAT).json["id"]}
    return {
        "no key": None, "empty": "", "wrong": "wrong",
        "malformed": whole[:-1], "mistyped": f"{whole[:20]}-{whole[21:]}",
        "unknown": new_text("0000000000"), "another secret": new_text(whole[4:14]),
        "revoked": revoked[1], "expired": expired[1], "root": ROOT, "all": whole,
        "limited": make(labels={"team": ["crm"]})[1],
        **{scope.value: make(scopes=[scope.value], **(watched if scope is Scope.PING else {}))[1] for scope in Scope},
    }  # fmt: skip


def ways(key: str | None) -> Iterator[dict[str, str]]:
    """The headers in which a key can come; with two, the first counts."""
    if key is None:
        yield {}
        return
    yield {"X-API-Key": key}
    yield {"X-API-Key": key, "Authorization": f"Bearer {ROOT}"}
    if key:
        yield {"Authorization": f"Bearer {key}"}
        yield {"Authorization": f"bearer  {key}"}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers to thousands of wrong keys are not slowed down."""
    monkeypatch.setattr(guesses, "FREE", 10**9)


async def statuses(url: str, asked: list[tuple[str, str, dict[str, str]]]) -> list[falcon.testing.Result]:
    """Asks all, of an application of this loop's own. Returns the answers in order."""
    async with falcon.testing.ASGIConductor(installation(url)) as client:
        answers = [await client.simulate_request(method, path, headers=headers) for method, path, headers in asked]
    return answers


def test_the_page_is_current() -> None:
    """`make access-docs` would change nothing, and every operation has its row."""
    assert access_docs.PAGE.read_text() == access_docs.page()
    assert len(printed()) >= 50
    assert all(f"`{scope.value}`" in access_docs.PAGE.read_text() for scope in Scope)


def test_who_gets_through_is_what_the_page_prints(valkey_server: ValkeyServer, callers: dict[str, str | None]) -> None:
    """With a key in either header, in each spelling of the address that means it."""
    plan = [
        (operation, who, operation.method, target, headers)
        for operation in printed()
        if not operation.path.startswith(("/static", "/sign-", "/session", "/link/"))
        for who, key in callers.items()
        for headers in ways(key)
        for target in same(operation.target)
    ]
    assert len(plan) >= 8_000
    answers = asyncio.run(statuses(valkey_server.url, [one[2:] for one in plan]))
    wrong: list[tuple[Any, ...]] = []
    for (operation, who, method, target, headers), answer in zip(plan, answers, strict=True):
        if answer.status_code in (500, 503) and operation.path != "/scheduler/health":
            wrong.append((who, method, target, answer.status_code))
        knows = who in ("limited", *(scope.value for scope in Scope)) and "{token}" not in operation.path
        refusal = 403 if knows else 401
        is_through = answer.status_code not in (401, 403)
        if is_through != operation.lets(who) or (not is_through and answer.status_code != refusal):
            wrong.append((who, method, target, list(headers), answer.status_code))
    assert wrong[:20] == []


def test_other_spellings_are_nobodys(valkey_server: ValkeyServer, callers: dict[str, str | None]) -> None:
    """404 whatever the key may do."""
    asked = [
        ("GET", target, {"X-API-Key": key} if key else {})
        for operation in printed()[::7]
        for target in refused(operation.target).values()
        for who, key in callers.items()
        if who in ("no key", "root", "read", "admin")
        and re.fullmatch(r"/[!-~]*", target) and not re.search(r"[#\\]", target)
        and target not in same(operation.target)
    ]  # fmt: skip
    assert len(asked) >= 500
    answers = asyncio.run(statuses(valkey_server.url, asked))
    wrong = [(one, answer.status_code) for one, answer in zip(asked, answers, strict=True) if answer.status_code != 404]
    assert wrong[:10] == []


@pytest.mark.parametrize(
    ("who", "method", "path", "sentence"),
    [
        ("read", "POST", "/scheduler/jobs", "This key may read, but not change jobs; it needs the scope write"),
        ("run", "GET", "/scheduler/jobs", "This key may run, but not read jobs and runs; it needs the scope read"),
        ("limited", "GET", "/metrics", "This key is limited to some jobs; this needs a key without limits"),
        (
            "mistyped", "GET", "/scheduler/jobs",
            "The API key in the X-API-Key header is mistyped or incomplete: its checksum does not match",
        ),
        ("unknown", "GET", "/scheduler/jobs", "The API key in the X-API-Key header is not valid"),
        ("another secret", "GET", "/scheduler/jobs", "The API key in the X-API-Key header is not valid"),
        ("no key", "GET", "/scheduler/jobs", "An API key is required: send it in the X-API-Key header"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_missing(
    app: Any, callers: dict[str, str | None], who: str, method: str, path: str, sentence: str
) -> None:
    """In one sentence."""
    key = callers[who]
    answer = falcon.testing.TestClient(app).simulate_request(method, path, headers={"X-API-Key": key} if key else {})
    assert answer.json == {"detail": sentence}


def test_the_console_shows_what_the_page_prints(app: Any, callers: dict[str, str | None]) -> None:
    """For each scope beside `read`: its session sees the pages of both, and no other."""
    table = access_docs.PAGE.read_text().partition("| page | needs |")[2]
    pages = re.findall(r"^\| `GET (\S+)` \| `(\w+)` \|$", table, re.MULTILINE)
    assert len(pages) >= 15
    admin = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    for scope in Scope:
        terms = {**TERMS, "scopes": sorted({"read", scope.value})}
        made = admin.simulate_post("/scheduler/keys", json=terms).json
        browser = falcon.testing.TestClient(
            app, headers={"Origin": "http://falconframework.org", "Accept": "text/html"}
        )
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        signed_in = browser.simulate_post("/sign-in", body=f"key={made['key']}", headers=form)
        assert signed_in.status_code == 303
        cookies = {name: cookie.value for name, cookie in signed_in.cookies.items()}
        for path, needed in pages:
            status = browser.simulate_get(path.format(**UNKNOWN), cookies=cookies).status_code
            assert (status != 403) == (needed in terms["scopes"]), (scope, path, status)
            assert status not in (303, 401, 500), (scope, path, status)
    without_read = falcon.testing.TestClient(app).simulate_post(
        "/sign-in", body=f"key={callers['run']}",
        headers={"Content-Type": "application/x-www-form-urlencoded", **OWN_PAGE},
    )  # fmt: skip
    assert without_read.status_code == 403
    assert "it needs the scope read" in without_read.text
    assert without_read.cookies == {}


def test_an_own_page_may_do_what_its_key_may(app: Any) -> None:
    """The cookie counts as the key that opened the session, and no more; nothing is kept of it once revoked."""
    admin = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    made = admin.simulate_post("/scheduler/keys", json={**TERMS, "scopes": ["read"]}).json
    page = falcon.testing.TestClient(app, headers=OWN_PAGE)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    signed_in = page.simulate_post("/sign-in", body=f"key={made['key']}", headers=form)
    cookies = {name: cookie.value for name, cookie in signed_in.cookies.items()}
    assert page.simulate_get("/scheduler/jobs", cookies=cookies).status_code == 200
    assert page.simulate_post("/scheduler/jobs", cookies=cookies).status_code == 403
    own = page.simulate_get("/scheduler/sessions", cookies=cookies).json
    assert [(one["key_id"], one["current"]) for one in own] == [(made["id"], True)]
    assert made["id"] in {one["key_id"] for one in admin.simulate_get("/scheduler/sessions").json}
    assert admin.simulate_delete(f"/scheduler/keys/{made['id']}").status_code == 204
    assert page.simulate_get("/scheduler/jobs", cookies=cookies).status_code == 401
    assert made["id"] not in {one["key_id"] for one in admin.simulate_get("/scheduler/sessions").json}
