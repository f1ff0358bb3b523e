"""Every answer carries the id of its request."""

from __future__ import annotations

import json
import logging
import logging.config
import uuid
from io import StringIO

import falcon
import falcon.testing
import pytest

from service import logs
from service.web.http.request_ids import RequestIds


class Spoken:
    """A resource that logs."""

    async def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        logging.getLogger("service.web.api.spoken").info("spoken")

    async def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        raise falcon.HTTPBadRequest


@pytest.fixture
def client() -> falcon.testing.TestClient:
    """A small application with the middleware."""
    app = falcon.App(middleware=[RequestIds()])
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


def test_lines_of_a_request_carry_its_id_and_later_ones_do_not(
    client: falcon.testing.TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same thread answers other requests next."""
    output = StringIO()
    monkeypatch.setattr("sys.stdout", output)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(logs.config("web", "INFO", "json"))
        client.simulate_get(headers={"X-Request-Id": "request-1"})
        client.simulate_get(headers={"X-Request-Id": "request-2"})
        logging.getLogger("service.web.api.spoken").info("between requests")
    finally:
        root.handlers[:], root.level = handlers, level
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [line.get("request_id") for line in lines] == ["request-1", "request-2", None]
