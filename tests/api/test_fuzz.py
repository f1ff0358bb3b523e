"""No input of any kind makes a 500."""

from __future__ import annotations

import asyncio
import json
import string
from collections.abc import Callable, Iterator
from typing import Any

import falcon.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATHS = [
    "/scheduler/jobs",
    "/scheduler/jobs/{}",
    "/scheduler/jobs/{}/toggle",
    "/scheduler/jobs/{}/run",
    "/scheduler/jobs/{}/history",
    "/scheduler/jobs/{}/runs/{}",
    "/scheduler/jobs/{}/runs/{}/log",
    "/scheduler/jobs/{}/runs/{}/cancel",
    "/scheduler/runs",
    "/scheduler/jobs/{}/preview",
    "/scheduler/preview",
    "/scheduler/contacts",
    "/scheduler/contacts/{}",
    "/scheduler/contacts/import",
    "/scheduler/contacts/export",
    "/scheduler/contacts/duplicates",
    "/scheduler/contacts/{}/merge",
    "/scheduler/bots",
    "/scheduler/health",
    "/scheduler/{}",
    "/{}",
]
PARAMETERS = ["limit", "cursor", "enabled_only", "bot_type", "q", "wait", "from", "count", "x"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "WEBSOCKET"]

latin = st.text(st.characters(max_codepoint=255), max_size=30)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
bodies = st.one_of(
    st.binary(max_size=60),
    values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["name", "enabled", "bot_config", "id"]), values).map(
        lambda value: json.dumps(value).encode()
    ),
)
queries = st.one_of(
    st.text(st.sampled_from(string.printable), max_size=30),
    st.lists(st.tuples(st.sampled_from(PARAMETERS), latin), max_size=4).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
    ),
)


@pytest.fixture
def ask(client: falcon.testing.TestClient, job: dict[str, Any]) -> Iterator[Callable[..., tuple[int, bytes]]]:
    """Asks as an ASGI server does, so that nothing is made well-formed on the way."""
    with asyncio.Runner() as runner:

        def ask(method: str, path: str, query: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            coming = [{"type": "http.request", "body": body}]
            sent: list[dict[str, Any]] = []

            async def receive() -> dict[str, Any]:
                return coming.pop() if coming else {"type": "http.disconnect"}

            async def send(event: dict[str, Any]) -> None:
                sent.append(event)

            scope = falcon.testing.create_scope() | {
                "method": method,
                "path": path.encode("latin-1").decode("utf-8", "replace"),
                "raw_path": None,
                "query_string": query.encode("latin-1"),
                "headers": [
                    (name.encode(), value.encode("latin-1"))
                    for name, value in ({"x-api-key": "test-key", "transfer-encoding": "chunked"} | headers).items()
                ],
            }
            app: Any = client.app
            runner.run(app(scope, receive, send))
            return sent[0]["status"], b"".join(event.get("body", b"") for event in sent)

        yield ask


@pytest.mark.slow(reason="hundreds of generated requests are sent")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(METHODS),
    path=st.sampled_from(PATHS),
    parts=st.tuples(latin, latin),
    query=queries,
    body=bodies,
    headers=st.dictionaries(
        st.sampled_from(
            [
                "content-length",
                "content-type",
                "accept",
                "x-api-key",
                "if-match",
                "range",
                "cookie",
                "host",
                "forwarded",
                "expect",
            ]
        ),
        latin,
        max_size=3,
    ),
)
def test_nothing_that_can_be_sent_is_a_500(
    ask: Callable[..., tuple[int, bytes]],
    jobs: Any,
    job: dict[str, Any],
    method: str,
    path: str,
    parts: tuple[str, str],
    query: str,
    body: bytes,
    headers: dict[str, str],
) -> None:
    """Any method, path, query, body and headers: below 500, and each error is JSON with a detail."""
    jobs.stored = {job_id: {"id": job_id, "revision": 1} for job_id in (job["id"], parts[0])}
    status, answer = ask(method, path.format(*parts), query, body, headers)
    assert status < 500
    if status >= 400 and method != "HEAD":
        assert isinstance(json.loads(answer)["detail"], str)


@pytest.mark.parametrize(
    "path",
    [
        "/\xff",
        "/scheduler/jobs/\xff\xfe",
        "/scheduler/jobs/\x00",
        "/scheduler/jobs/%",
        "",
        "/scheduler/jobs/" + "x" * 8000,
        "//",
        "/scheduler/jobs/../jobs",
    ],
)
def test_garbage_in_the_path_is_404(ask: Callable[..., tuple[int, bytes]], jobs: Any, path: str) -> None:
    """Bytes that are no UTF-8, NULs and endless ids are addresses of nothing."""
    status, answer = ask("GET", path, "", b"", {})
    assert status == 404
    assert json.loads(answer)["detail"]


@pytest.mark.parametrize("length", ["-1", "abc", "1.5", "9" * 5000, "\xb2"])
def test_a_malformed_content_length_is_400(ask: Callable[..., tuple[int, bytes]], length: str) -> None:
    """Never an error of ours."""
    status, answer = ask("POST", "/scheduler/jobs", "", b"{}", {"content-length": length})
    assert status == 400
    assert json.loads(answer)["detail"]
