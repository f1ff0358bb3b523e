"""Work in threads has a limit: beyond it, requests are told to come back, and all others do not notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import falcon.testing
import pytest

from service.contacts.writing.exports import Kind
from service.domain.input.strict_json import parse_object
from service.domain.people.contact import Contact
from service.errors import StoreUnavailable
from service.interleaving import leave_loop_if
from service.web.api.app import App, create_app
from service.web.http import body, rendering
from service.web.http.pools import Admission, Busy, Pool
from tests.support.fakes import KEY, FakeContacts, FakeJobs, services

LIMIT = 2
"""Requests that each pool takes here."""
MANY = 30_000
"""Items of a download that is longer than its first pieces."""
TEMPLATE = {"name": "{{ today }}"}
"""A body whose check may take long."""


class Slow(FakeContacts):
    """Applies and imports that last until they are let go; downloads of as many items as `items` says."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()
        self.failure: Exception | None = None
        self.items = 1

    def work(self) -> dict[str, Any]:
        """Begins, waits, ends."""
        self.begun.release()
        assert self.go_on.wait(20)
        if self.failure is not None:
            raise self.failure
        return {}

    def apply(self, document: object, *, prune: bool = False, dry_run: bool = False, days: int = 30) -> dict[str, Any]:
        return self.work()

    def sections(self) -> dict[str, list[dict[str, Any]]]:
        return {}

    def import_stream(self, stream: Any, options: object) -> dict[str, Any]:
        return self.work()

    def send(self, body: object) -> dict[str, Any]:
        return self.work()

    def export(self, kind: Kind | None = None) -> Iterator[Any]:
        if self.failure is not None:
            raise self.failure
        for number in range(self.items):
            yield (
                {"id": str(number), "name": "x" * 400} if kind is None else kind.written([Contact(str(number), "Ada")])
            )


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def pages() -> Pool:
    return Pool("page", LIMIT, 0)


@pytest.fixture
def long() -> Pool:
    return Pool("long", LIMIT, 0)


@pytest.fixture
def app(slow: Slow, pages: Pool, long: Pool) -> App:
    """An application whose pools take two requests each."""
    return create_app(services(FakeJobs(), slow, definitions=slow, message_tester=slow, pages=pages, long=long))


@pytest.fixture
def client(app: App) -> falcon.testing.TestClient:
    """Asks with the key."""
    return falcon.testing.TestClient(app, headers={"X-API-Key": KEY})


def fill(pool: Pool) -> int:
    """Takes all free places. Returns how many there were."""
    for taken in range(1000):
        try:
            pool.enter()
        except Busy:
            return taken
    raise AssertionError("The pool has no limit")


def free(pool: Pool) -> int:
    """How many places are free."""
    taken = fill(pool)
    for _ in range(taken):
        pool.leave()
    return taken


def conducted(app: App) -> falcon.testing.ASGIConductor:
    """Asks with the key, several requests at once."""
    return falcon.testing.ASGIConductor(app, headers={"X-API-Key": KEY})


POOLED = [
    ("pages", "GET", "/scheduler/contacts", None),
    ("pages", "HEAD", "/scheduler/contacts", None),
    ("pages", "POST", "/scheduler/contacts", b'{"name": "Ada"}'),
    ("pages", "GET", "/scheduler/contacts/x", None),
    ("pages", "PUT", "/scheduler/contacts/x", b"{}"),
    ("pages", "DELETE", "/scheduler/contacts/x", None),
    ("pages", "POST", "/scheduler/contacts/x/merge", b'{"from": []}'),
    ("pages", "POST", "/scheduler/preview", b"{}"),
    ("pages", "GET", "/scheduler/jobs/x/preview", None),
    ("pages", "GET", "/metrics", None),
    ("pages", "POST", "/scheduler/jobs", json.dumps(TEMPLATE).encode()),
    ("pages", "PUT", "/scheduler/jobs/x", json.dumps(TEMPLATE).encode()),
    ("pages", "POST", "/scheduler/jobs/x/run", json.dumps(TEMPLATE).encode()),
    ("long", "GET", "/scheduler/export", None),
    ("long", "POST", "/scheduler/apply", b"version: 1\njobs: []"),
    ("long", "POST", "/scheduler/contacts/import", b"Name\nAda\n"),
    ("long", "GET", "/scheduler/contacts/export", None),
    ("long", "GET", "/scheduler/contacts/duplicates", None),
    ("long", "POST", "/scheduler/messages/test", None),
]
"""The pool, method, path and body of each request that threads answer."""


@pytest.mark.parametrize(("pool", "method", "path", "body"), POOLED)
def test_beyond_the_limit_a_request_is_told_to_come_back(
    client: falcon.testing.TestClient, pages: Pool, long: Pool, pool: str, method: str, path: str, body: bytes | None
) -> None:
    """503 at once, with `Retry-After`; the event loop and the other pool go on."""
    full, other = (pages, long) if pool == "pages" else (long, pages)
    fill(full)
    refused = client.simulate_request(method, path, body=body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert method == "HEAD" or "try again soon" in refused.json["detail"]
    for open_path in ("/scheduler/jobs", "/scheduler/health", "/scheduler/bots"):
        assert client.simulate_get(open_path).status_code == 200
    assert client.simulate_post("/scheduler/jobs", json={"name": "light"}).status_code == 201
    assert (free(full), free(other)) == (0, LIMIT)


def test_a_request_in_a_thread_holds_its_place_until_it_is_answered(app: App, slow: Slow, long: Pool) -> None:
    """An apply and an import take both places; the next is refused, and served once one of them is over."""

    async def ask() -> list[int]:
        async with conducted(app) as client:
            asked = [
                asyncio.create_task(client.simulate_post("/scheduler/apply", body=b"version: 1\njobs: []")),
                asyncio.create_task(client.simulate_post("/scheduler/contacts/import", body=b"Name\nAda\n")),
            ]
            try:
                for _ in asked:
                    assert await asyncio.to_thread(slow.begun.acquire, timeout=20)
                refused = await client.simulate_get("/scheduler/export")
                served = await client.simulate_get("/scheduler/jobs")
            finally:
                slow.go_on.set()
            answers = await asyncio.gather(*asked)
            after = await client.simulate_get("/scheduler/export")
        return [answer.status_code for answer in (refused, served, *answers, after)]

    assert asyncio.run(ask()) == [503, 200, 200, 200, 200]
    assert free(long) == LIMIT


Ask = Callable[[falcon.testing.TestClient], falcon.testing.Result]
ASKS: dict[str, Ask] = {
    "apply": lambda client: client.simulate_post("/scheduler/apply", body=b"version: 1\njobs: []"),
    "import": lambda client: client.simulate_post("/scheduler/contacts/import", body=b"Name\nAda\n"),
    "export": lambda client: client.simulate_get("/scheduler/export"),
    "contacts": lambda client: client.simulate_get("/scheduler/contacts/export"),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_a_request_that_fails_gives_its_place_back(
    long: Pool, client: falcon.testing.TestClient, slow: Slow, ask: Ask
) -> None:
    """However it fails."""
    slow.go_on.set()
    for slow.failure, status in ((StoreUnavailable("away"), 503), (RuntimeError("a defect"), 500)):
        assert ask(client).status_code == status
    assert free(long) == LIMIT


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/scheduler/apply", b""), ("/scheduler/apply", b"a: ["), ("/scheduler/apply", b"x" * (2**20 + 1)),
        ("/scheduler/contacts/import", b""), ("/scheduler/contacts/import", b"x" * (2**20 + 1)),
        ("/scheduler/export?format=x", None), ("/scheduler/contacts/export?format=x", None),
    ],
)  # fmt: skip
def test_a_refused_request_gives_its_place_back(
    long: Pool, client: falcon.testing.TestClient, path: str, body: bytes | None
) -> None:
    """A malformed or too long body among them."""
    answer = client.simulate_get(path) if body is None else client.simulate_post(path, body=body)
    assert answer.status_code in (400, 413)
    assert free(long) == LIMIT


@pytest.mark.parametrize("path", ["/scheduler/apply", "/scheduler/contacts/import"])
def test_an_upload_whose_client_goes_away_gives_its_place_back(
    long: Pool, client: falcon.testing.TestClient, path: str
) -> None:
    """Its bytes so far have no effect."""
    assert client.simulate_post(path, body=b"Name\nAda\n", asgi_disconnect_ttl=0).status_code == 400
    assert free(long) == LIMIT


@pytest.mark.parametrize("path", ["/scheduler/apply", "/scheduler/contacts/import"])
def test_an_upload_that_is_cancelled_gives_its_place_back(app: App, long: Pool, path: str) -> None:
    """As the server does when it stops."""

    async def upload() -> None:
        asked = asyncio.Event()

        async def receive() -> Any:
            asked.set()
            return await asyncio.Future()

        headers = {"X-API-Key": KEY}
        scope = falcon.testing.create_scope(path=path, method="POST", headers=headers, content_length=100)
        task = asyncio.create_task(app(scope, receive, falcon.testing.ASGIResponseEventCollector()))
        await asked.wait()
        assert free(long) == LIMIT - 1
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(upload())
    assert free(long) == LIMIT


DOWNLOADS = ["/scheduler/export", "/scheduler/export?format=yaml", "/scheduler/contacts/export"]


def download(app: App, path: str, send: Callable[[Any], Awaitable[None]], **of_the_scope: Any) -> None:
    """Asks for a file, as a server does."""
    path, _, query = path.partition("?")
    scope = falcon.testing.create_scope(path=path, query_string=query, headers={"X-API-Key": KEY})
    asyncio.run(app(scope | of_the_scope, falcon.testing.ASGIRequestEventEmitter(), send))


@pytest.mark.parametrize("path", DOWNLOADS)
def test_a_download_holds_its_place_until_it_is_sent(app: App, long: Pool, slow: Slow, path: str) -> None:
    """While it is streamed, one place less is free."""
    slow.items = MANY
    seen: list[int] = []

    async def send(event: Any) -> None:
        if event.get("body"):
            seen.append(free(long))

    download(app, path, send)
    assert len(seen) > 2
    assert (set(seen), free(long)) == ({LIMIT - 1}, LIMIT)


@pytest.mark.parametrize("items", [1, MANY])
@pytest.mark.parametrize("path", DOWNLOADS)
def test_a_download_gives_its_place_back_once(
    client: falcon.testing.TestClient, long: Pool, slow: Slow, path: str, items: int
) -> None:
    """Whether it is sent whole, streamed to its end, or only asked for its head."""
    slow.items = items
    assert client.simulate_get(path).status_code == 200
    assert client.simulate_head(path).status_code == 200
    assert free(long) == LIMIT


@pytest.mark.parametrize("path", DOWNLOADS)
@pytest.mark.parametrize("goes", ["told", "raised"])
def test_a_download_whose_client_goes_away_gives_its_place_back(
    app: App, long: Pool, slow: Slow, path: str, goes: str
) -> None:
    """And is made no further."""
    slow.items = MANY
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)
        if goes == "raised" and event.get("body"):
            raise OSError

    is_gone = {"bot_scheduler.is_gone": lambda: goes == "told" and len(sent) >= 3}
    with pytest.raises(OSError) if goes == "raised" else contextlib.nullcontext():
        download(app, path, send, **is_gone)
    bodies = [event for event in sent if event.get("body")]
    assert 1 <= len(bodies) <= 2
    assert free(long) == LIMIT


def test_results_and_exceptions_come_out_of_the_threads() -> None:
    """As they are; the calls are made in the pool's own threads."""
    pool = Pool("mine", 1, 0)

    def fail() -> None:
        raise LookupError("as it is")

    async def ask() -> None:
        assert (await pool.run(lambda: threading.current_thread().name)).startswith("mine")
        assert (await pool.go_on(lambda: threading.current_thread().name)).startswith("mine")
        assert await pool.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(LookupError, match="as it is"):
            await pool.run(fail)

    asyncio.run(ask())
    pool.close()


def test_requests_beyond_the_threads_wait_up_to_the_limit() -> None:
    """One thread and two that wait: a fourth request is refused, the three are served, and the pool is empty."""
    pool, go_on = Pool("mine", 1, 2), threading.Event()

    async def ask() -> list[object]:
        asked = [asyncio.create_task(pool.run(go_on.wait, 20)) for _ in range(4)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert done == {asked[3]}
        go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    *served, refused = asyncio.run(ask())
    assert served == [True] * 3 and isinstance(refused, Busy)
    assert free(pool) == 3


def test_admitted_requests_are_counted_once() -> None:
    """However often they come to the threads, and however they end."""
    pool = Pool("mine", 1, 1)

    async def ask() -> None:
        with pool.admitted():
            for _ in range(5):
                await pool.go_on(int)
                assert free(pool) == 1
        with pytest.raises(KeyError), pool.admitted():
            raise KeyError

    asyncio.run(ask())
    assert free(pool) == 2


def test_a_call_that_turns_out_long_is_made_again_in_a_thread() -> None:
    """From its beginning, and there it goes on; a short one stays on the loop, and a full pool refuses the long one."""
    pool, made = Pool("mine", 1, 0), list[str]()

    def call(long: bool, result: str) -> str:
        made.append(threading.current_thread().name)
        leave_loop_if(long)
        return result

    async def ask() -> None:
        here = threading.current_thread().name
        assert await pool.run_if_long(call, False, result="short") == "short"
        assert made == [here] and free(pool) == 1
        assert await pool.run_if_long(call, True, result="long") == "long"
        first, second = made[1:]
        assert first == here and second.startswith("mine")
        with pool.admitted(), pytest.raises(Busy):
            await pool.run_if_long(call, True, result="too many")
        assert made[3:] == [here]

    asyncio.run(ask())
    assert call(True, "no loop") == "no loop"


def test_a_list_is_counted_while_it_is_made(client: falcon.testing.TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer is 503, and a place is free again after each list."""
    lists = Admission(1)
    monkeypatch.setattr(rendering, "LISTS", lists)
    assert [client.simulate_get("/scheduler/jobs").status_code for _ in range(3)] == [200] * 3
    lists.enter()
    answer = client.simulate_get("/scheduler/jobs")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert client.simulate_get("/scheduler/jobs?limit=5").status_code == 200


def test_a_long_body_is_parsed_in_a_thread(client: falcon.testing.TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other; a short one is parsed where it is read."""
    threads: list[str] = []

    def parsed(raw: bytes) -> dict[str, object]:
        threads.append(threading.current_thread().name)
        return parse_object(raw)

    monkeypatch.setattr(body, "parse_object", parsed)
    for length in (100, body.INLINE_BYTES):
        client.simulate_post("/scheduler/jobs", body=json.dumps({"name": "x" * length}).encode())
    assert [name.startswith("body") for name in threads] == [False, True]
