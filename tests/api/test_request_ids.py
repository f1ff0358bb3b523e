"""Every answer carries the id of its request."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import falcon
import falcon.testing
import pytest
from falcon.asgi import App, Request, Response

from service import logs
from service.interleaving import interleaved, on_loop, wait_for
from service.web.http.pools import Pool
from service.web.http.request_ids import RequestIds

SPOKEN = logging.getLogger("service.web.api.spoken")


class Spoken:
    """A resource that logs: itself, in an interleaved call, in a thread, and back on the loop from there."""

    def __init__(self) -> None:
        self.pool = Pool("spoken", 1, 9)

    async def on_get(self, req: Request, resp: Response) -> None:
        SPOKEN.info("in the resource")
        await interleaved(self._speak_around_a_wait)
        await self.pool.run(SPOKEN.info, "in a thread")
        await self.pool.run(on_loop, SPOKEN.info, "on the loop")

    def _speak_around_a_wait(self) -> None:
        SPOKEN.info("before a wait")
        wait_for(asyncio.sleep(0))
        SPOKEN.info("after a wait")

    async def on_post(self, req: Request, resp: Response) -> None:
        raise falcon.HTTPBadRequest


@pytest.fixture
def client() -> falcon.testing.TestClient:
    """A small application with the middleware."""
    app: App[Any, Any] = App(middleware=[RequestIds()])
    app.add_route("/", Spoken())
    return falcon.testing.TestClient(app)


def test_a_sane_id_is_taken_and_given_back(client: falcon.testing.TestClient) -> None:
    """As routers and other services send it."""
    for given in ("01234567", str(uuid.uuid4()), "Root=1-67891233-abcdef012345678912345678"):
        assert client.simulate_get(headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "short", "x" * 129, "with blanks in it", "newline\x0bforged", "ünsane-id"])
def test_any_other_is_replaced(client: falcon.testing.TestClient, given: str | None) -> None:
    """By a new one each time."""
    headers = {} if given is None else {"X-Request-Id": given}
    answers = [client.simulate_get(headers=headers).headers["X-Request-Id"] for _ in range(2)]
    assert all(str(uuid.UUID(answer)) == answer for answer in answers) and len(set(answers)) == 2


def test_refusals_and_unknown_addresses_have_one_too(client: falcon.testing.TestClient) -> None:
    """Whatever the answer is."""
    assert client.simulate_post().headers["X-Request-Id"]
    assert client.simulate_get("/nothing/here").headers["X-Request-Id"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Has the web process' log configured. Returns a function that returns its lines."""
    output = StringIO()
    monkeypatch.setattr("sys.stdout", output)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(logs.config("web", "INFO", "json"))
        yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    finally:
        root.handlers[:], root.level = handlers, level


def test_lines_of_a_request_carry_its_id_wherever_they_are_logged(
    client: falcon.testing.TestClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """On the event loop, in an interleaved call before and after it waits, in a pool's thread."""
    client.simulate_get(headers={"X-Request-Id": "request-1"})
    said = {line["message"]: line.get("request_id") for line in lines()}
    places = ("in the resource", "before a wait", "after a wait", "in a thread", "on the loop")
    assert said == dict.fromkeys(places, "request-1")


def test_lines_of_requests_at_once_carry_each_its_own(
    client: falcon.testing.TestClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """Context variables are a task's own."""

    async def ask_at_once() -> None:
        async with falcon.testing.ASGIConductor(client.app) as conductor:
            await asyncio.gather(
                *(conductor.simulate_get(headers={"X-Request-Id": f"request-{number}"}) for number in range(10))
            )

    asyncio.run(ask_at_once())
    said = Counter(line["request_id"] for line in lines())
    assert said == {f"request-{number}": 5 for number in range(10)}


def test_lines_between_requests_carry_none(
    client: falcon.testing.TestClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """The server answers each request in a task of its own."""

    async def ask_one_after_the_other() -> None:
        async with falcon.testing.ASGIConductor(client.app) as conductor:
            for number in (1, 2):
                await asyncio.create_task(conductor.simulate_get(headers={"X-Request-Id": f"request-{number}"}))
                SPOKEN.info("between requests")

    asyncio.run(ask_one_after_the_other())
    ids = [line.get("request_id") for line in lines()]
    assert ids == ["request-1"] * 5 + [None] + ["request-2"] * 5 + [None]
