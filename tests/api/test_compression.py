"""Compression: only what is asked for, and what arrives is what was sent."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import brotli
import falcon.asgi
import httpx
import pytest
from falcon.asgi import Request, Response
from falcon.testing import TestClient
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.plain_json import dumps
from service.web.api.app import Headers, create_app
from service.web.http import rendering
from service.web.http.pools import Busy, Pool
from service.web.http.representation.codings import (
    BROTLI,
    GZIP,
    IDENTITY,
    LEAST_BYTES,
    LONGEST_HEADER,
    acceptable,
    choose,
    compressed,
    compressor,
)
from service.web.http.representation.compression import INLINE_BYTES, Compressed, Compression, is_compressible
from tests.support.fakes import KEY, FakeContacts, FakeJobs, services
from tests.support.web_process import COMMAND, serving

DECODERS: dict[str | None, Callable[[bytes], bytes]] = {
    None: bytes, GZIP: gzip.decompress, BROTLI: brotli.decompress,
}  # fmt: skip
BOTH = "gzip, deflate, br, zstd"

names = st.sampled_from(["br", "gzip", "GZip", "x-gzip", "identity", "*", "deflate", "zstd", "x-y!z"])
weights = st.one_of(
    st.none(),
    st.integers(0, 1000).map(lambda thousandths: f"{thousandths / 1000:.3f}"),
    st.sampled_from(["0", "1", "0.", "1.", "0.0", "1.000", "0.5"]),
)
space = st.sampled_from(["", " ", "\t", "  "])
items = st.builds(
    lambda name, weight, a, b, q: name if weight is None else f"{name}{a};{b}{q}={weight}",
    names, weights, space, space, st.sampled_from("qQ"),
)  # fmt: skip
elements = st.builds("{}{}{}".format, space, st.one_of(items, st.just("")), space)
headers = st.lists(elements, max_size=6).map(",".join)
"""Well-formed values of Accept-Encoding (RFC 9110, 12.5.3), with the empty elements that lists may have."""


def oracle(header: str, coding: str) -> float:
    """The weight of a coding, told apart from how the service reads the header; 0 is not acceptable."""
    named: dict[str, list[float]] = {}
    for part in header.lower().replace(" ", "").replace("\t", "").split(","):
        name, _, weight = part.partition(";q=")
        if name:
            named.setdefault(name.replace("x-gzip", "gzip"), []).append(float(weight or 1))
    if coding in named:
        return min(named[coding])
    if "*" in named:
        return min(named["*"])
    return 0.000001 if coding == IDENTITY else 0


@given(headers)
@example("gzip;q=0.5, identity;q=0.6")
@example("identity;q=0")
@example("*;q=0, br")
@example("*")
@example("")
def test_the_best_acceptable_coding_is_chosen(header: str) -> None:
    """None has more weight, and none that is refused is used while another is acceptable."""
    found = acceptable(header)
    expected = {coding: oracle(header, coding) for coding in (BROTLI, GZIP, IDENTITY)}
    assert set(found) == ({coding for coding, weight in expected.items() if weight} or {IDENTITY})
    assert [expected[coding] for coding in found] == sorted((expected[coding] for coding in found), reverse=True)
    assert choose(header, LEAST_BYTES) == found[0]
    small = choose(header, LEAST_BYTES - 1)
    assert small == IDENTITY or IDENTITY not in found


@pytest.mark.parametrize(
    "header",
    ["gzip;q=2", "gzip;q=1.001", "gzip;q=.5", "gzip;q=0.1234", "gzip;q", "gzip;x=1", "gz ip", "gzip;q=1;q=1", "ü, gzip",
     "gzip;q=-1", "gzip;q=١", '"gzip"', "gzip, (br)", "gzip" + "," * LONGEST_HEADER, "gzip" + " " * 900 + "x"],
)  # fmt: skip
def test_a_malformed_header_asks_for_nothing(header: str) -> None:
    """The answer is sent as it is: that is right for everybody."""
    assert acceptable(header) == (IDENTITY,)


@pytest.mark.parametrize("header", ["br;q=1, gzip;q=1", BOTH, "*", "identity, gzip, br"])
def test_of_equal_weights_the_smallest_wins(header: str) -> None:
    """Brotli."""
    assert acceptable(header)[0] == BROTLI


@pytest.fixture
def full(client: TestClient, jobs: FakeJobs) -> TestClient:
    """Asks where there are fifty jobs."""
    jobs.stored = {str(n): {"id": str(n), "name": f"Jöb {n} " * 20, "revision": 1} for n in range(50)}
    return client


def test_what_arrives_is_what_was_sent(full: TestClient) -> None:
    """Whatever is asked for, decoders that are not ours give the same bytes; HEAD tells the same."""
    plain = full.simulate_get("/scheduler/jobs?limit=50")

    @given(st.one_of(headers, st.text("gzipbr;q=01., *-", max_size=30)))
    def holds(header: str) -> None:
        asked = {"Accept-Encoding": header}
        got = full.simulate_get("/scheduler/jobs?limit=50", headers=asked)
        coding = got.headers.get("content-encoding")
        assert coding == {IDENTITY: None}.get(acceptable(header)[0], acceptable(header)[0])
        assert DECODERS[coding](got.content) == plain.content
        assert got.headers["content-length"] == str(len(got.content))
        assert got.headers["vary"] == "Accept-Encoding"
        assert got.headers["etag"] == plain.headers["etag"]
        head = full.simulate_head("/scheduler/jobs?limit=50", headers=asked)
        differing = {"x-request-id"}
        assert {k: v for k, v in head.headers.items() if k not in differing} == {
            k: v for k, v in got.headers.items() if k not in differing
        }

    holds()
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/scheduler/jobs/0", "/scheduler/health"])
def test_short_answers_are_not_compressed(full: TestClient, path: str) -> None:
    """They fit into a packet either way. Only who refuses the identity gets them compressed."""
    got = full.simulate_get(path, headers={"Accept-Encoding": BOTH})
    assert ("content-encoding" in got.headers, got.headers["vary"]) == (False, "Accept-Encoding")
    wanted = full.simulate_get(path, headers={"Accept-Encoding": "gzip, identity;q=0"})
    assert (wanted.headers["content-encoding"], gzip.decompress(wanted.content)) == ("gzip", got.content)


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json",
        "/docs",
        "/llms.txt",
        "/scheduler/bots",
        "/scheduler/jobs",
        "/scheduler/jobs/0/history?limit=100",
    ],
)
def test_every_kind_of_text_is_compressed(full: TestClient, path: str) -> None:
    """Documents, pages, lists: they shrink to a half at most."""
    plain, got = full.simulate_get(path), full.simulate_get(path, headers={"Accept-Encoding": "gzip"})
    if len(plain.content) < LEAST_BYTES:
        assert path == "/scheduler/bots"
        return
    assert gzip.decompress(got.content) == plain.content
    assert len(got.content) < len(plain.content) / 2


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_host_asks_for_is_not_compressed(full: TestClient, site: str) -> None:
    """Its page could learn from lengths what it may not read (BREACH)."""
    asked = {"Accept-Encoding": BOTH, "Sec-Fetch-Site": site}
    assert "content-encoding" not in full.simulate_get("/scheduler/jobs?limit=50", headers=asked).headers
    for own in ("same-origin", "none"):
        got = full.simulate_get("/scheduler/jobs?limit=50", headers=asked | {"Sec-Fetch-Site": own})
        assert got.headers["content-encoding"] == BROTLI


@pytest.mark.parametrize("coding", [GZIP, BROTLI])
def test_a_long_list_is_compressed_while_it_is_streamed(
    full: TestClient, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    """It has no length and no entity tag; decoded it is the same."""
    monkeypatch.setattr(rendering, "WHOLE_BYTES", 1000)
    plain = full.simulate_get("/scheduler/jobs")
    got = full.simulate_get("/scheduler/jobs", headers={"Accept-Encoding": coding})
    assert got.headers["content-encoding"] == coding
    assert not {"content-length", "etag"} & set(got.headers)
    assert DECODERS[coding](got.content) == plain.content == rendering.as_answer(list(jobs.stored.values()))


class Source:
    """A streamed body that counts what was taken from it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += len(piece)
            yield piece

    async def close(self) -> None:
        self.closed = True


def decoder(coding: str) -> Callable[[bytes], bytes]:
    """Decodes what has arrived until now. Brotli's gives its output in parts."""
    if coding == GZIP:
        return zlib.decompressobj(31).decompress
    inner = brotli.Decompressor()
    return lambda part: inner.process(part) + b"".join(iter(partial(inner.process, b""), b""))


@pytest.mark.parametrize("coding", [GZIP, BROTLI])
@given(st.lists(st.one_of(st.binary(max_size=300), st.integers(0, 3 * INLINE_BYTES).map(bytes)), max_size=8))
def test_a_stream_in_any_pieces_stays_the_same(coding: str, pieces: list[bytes]) -> None:
    """Empty and long pieces too, which are compressed in a thread. No part that is sent is empty."""

    async def sent() -> list[bytes]:
        pool = Pool("test", 1, 1)
        try:
            return [part async for part in Compressed(Source(iter(pieces)), compressor(coding), pool)]
        finally:
            pool.close()

    parts = asyncio.run(sent())
    assert DECODERS[coding](b"".join(parts)) == b"".join(pieces)
    assert all(parts)


@pytest.mark.parametrize("coding", [GZIP, BROTLI])
def test_little_of_a_stream_is_held_back(coding: str) -> None:
    """However well it compresses, the receiver has all but the last pieces of an endless body."""

    async def follow() -> None:
        source = Source(iter(partial(bytes, 4000), None))
        stream, decode, arrived = Compressed(source, compressor(coding), Pool("test", 1, 1)), decoder(coding), 0
        parts = 0
        async for part in stream:
            arrived += len(decode(part))
            parts += 1
            assert source.taken - arrived <= INLINE_BYTES + 4000
            if parts == 20:
                break
        await stream.close()
        assert source.closed

    asyncio.run(follow())


class Various:
    """Answers of each kind."""

    async def on_get(self, req: Request, resp: Response, kind: str) -> None:
        if kind == "events":
            resp.stream, resp.content_type = self._events(), "text/event-stream"
        elif kind == "coded":
            resp.data, resp.content_type = gzip.compress(bytes(5000)), "text/plain"
            resp.set_header("Content-Encoding", "gzip")
        elif kind == "picture":
            resp.data, resp.content_type = bytes(5000), "image/png"
        elif kind == "text":
            resp.text, resp.content_type = "ü" * 5000, "text/plain"
        elif kind == "long":
            resp.data, resp.content_type = b"x" * (INLINE_BYTES + 1), "text/plain"
        elif kind == "nothing":
            resp.status = falcon.HTTP_204

    async def _events(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n" * 1000


def various(compression: Compression) -> TestClient:
    app: Any = falcon.asgi.App(middleware=[compression, Headers()])
    app.add_route("/{kind}", Various())
    return TestClient(app, headers={"Accept-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("kind", "coding", "vary"),
    [("events", None, None), ("coded", "gzip", None), ("picture", None, None), ("nothing", None, None),
     ("text", "gzip", "Accept-Encoding"), ("long", "gzip", "Accept-Encoding")],
)  # fmt: skip
def test_events_pictures_and_what_is_coded_stay_as_they_are(kind: str, coding: str | None, vary: str | None) -> None:
    """Server-sent events above all: they would wait in the compressor."""
    got = various(Compression()).simulate_get(f"/{kind}")
    assert (got.headers.get("content-encoding"), got.headers.get("vary")) == (coding, vary)
    expected = {"events": b"data: 1\n\n" * 1000, "coded": bytes(5000), "picture": bytes(5000), "nothing": b""}
    expected |= {"text": ("ü" * 5000).encode(), "long": b"x" * (INLINE_BYTES + 1)}
    assert DECODERS[coding](got.content) == expected[kind]


def test_a_long_answer_is_sent_as_it_is_where_all_threads_are_taken() -> None:
    """Compression never costs anybody the answer."""
    compression = Compression()
    with pytest.raises(Busy):
        while True:
            compression._pool.enter()
    got = various(compression).simulate_get("/long")
    assert ("content-encoding" in got.headers, len(got.content)) == (False, INLINE_BYTES + 1)


def test_types_that_are_compressed() -> None:
    """With their parameters."""
    texts = ("html; charset=utf-8", "vcard", "csv; charset=utf-8", "css", "javascript", "plain; version=0.0.4")
    others = ("application/json", "application/yaml", "image/svg+xml")
    for kind in (*others, *(f"text/{text}" for text in texts)):
        assert is_compressible(kind), kind
    for kind in ("text/event-stream", "text/event-stream; charset=utf-8", "image/png", "application/octet-stream"):
        assert not is_compressible(kind), kind


def test_a_jobs_revision_holds_under_any_coding(client: TestClient, jobs: FakeJobs) -> None:
    """A single job's tag has no mark of its coding, so that If-Match takes it."""
    jobs.stored = {"1": {"id": "1", "name": "x" * 5000, "revision": 3}}
    for asked in ("", "gzip", "br"):
        got = client.simulate_get("/scheduler/jobs/1", headers={"Accept-Encoding": asked})
        assert (got.headers["etag"], got.headers.get("content-encoding", "")) == ('"3"', asked)


def test_the_fast_levels_are_worth_it() -> None:
    """Fifty jobs shrink to a fifth or less."""
    body = dumps([{"id": str(n), "name": f"Job {n}", "options": {"max_retries": n % 3}} for n in range(50)] * 5)
    for coding in (GZIP, BROTLI):
        assert len(compressed(body, coding)) < len(body) / 5


@pytest.mark.processes
@pytest.mark.slow(reason="a web process starts")
def test_real_clients_read_it() -> None:
    """httpx and curl decode what the real server sends; a raw reader finds the length right."""
    with serving(COMMAND) as web:
        address = f"http://127.0.0.1:{web.port}/openapi.json"
        with httpx.Client() as client:
            plain = client.get(address, headers={"Accept-Encoding": "identity"})
            for coding in (GZIP, BROTLI):
                got = client.get(address, headers={"Accept-Encoding": coding})
                assert (got.headers["content-encoding"], got.content) == (coding, plain.content)
                assert int(got.headers["content-length"]) < len(plain.content) / 3
        if curl := shutil.which("curl"):
            asked = [curl, "--silent", "--show-error", "--compressed", "--dump-header", "-", address]
            head, _, body = subprocess.run(asked, capture_output=True, check=True).stdout.partition(b"\r\n\r\n")
            assert body == plain.content
            assert re.search(rb"(?i)content-encoding: (br|gzip)", head)


def test_the_whole_application_compresses_last() -> None:
    """So that it sees what all others made of an answer."""
    app = create_app(services(FakeJobs(), FakeContacts()))
    got = TestClient(app, headers={"X-API-Key": KEY}).simulate_get(
        "/scheduler/jobs/" + "x" * 3000, headers={"Accept-Encoding": "gzip"}
    )
    assert (got.status_code, got.headers["content-encoding"]) == (404, "gzip")
    assert b"not found" in gzip.decompress(got.content)
