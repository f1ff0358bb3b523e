"""A page of a hostile server costs itself: neither the run, nor memory, nor anybody else's page."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pkgutil import resolve_name
from typing import Any

import pytest
from redis import Redis

from service.bots.support.fetching import MAX_BYTES, Fetched, Fetcher, NotFetched
from service.bots.visitor.bot import VisitorConfig
from service.egress import Egress
from service.errors import Conflict, StoreUnavailable
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.hostile import MOST, Endless, bomb, saying, taking_at_most
from tests.support.servers.sites import Answer, Hasty, Site, html

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
WELL = html("well")
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def fetch(address: str) -> Fetched:
    """One page, without waiting."""
    with Fetcher(None, Egress.of(None, True), host_delay=0.0) as fetcher:
        return fetcher.fetch(address)


def visits(client: Redis, book: ContactBook, site: Site, well: Answer = WELL) -> dict[str, Any]:
    """A run that visits /hostile, and a page of another host."""
    site.answers["/well"] = well
    for name, address in (("Hostile", site.address), ("Well", site.address.replace("127.0.0.1", "localhost"))):
        with suppress(Conflict):
            book.create({"name": name, "urls": [f"{address}/{name.lower()}"]})
    return Hasty().run(Run(client, configured(VisitorConfig), bot="visitor"))


def coded(site: Site, encoding: str, body: bytes, path: str = "/a", status: int = 200) -> None:
    """A page that comes in a content coding."""
    site.answers[path] = (status, {"Content-Type": "text/html", "Content-Encoding": encoding}, body)


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip", " gzip ", "identity, gzip", "gzip, identity"])
def test_gzip_is_read(site: Site, encoding: str) -> None:
    """It is what is asked for, and nothing else is."""
    coded(site, encoding, gzip.compress(b"one ") + gzip.compress(b"two"))
    assert fetch(f"{site.address}/a").body == b"one two"
    assert {headers["Accept-Encoding"] for _, headers in site.asked} == {"gzip"}


@pytest.mark.parametrize("encoding", ["identity", "", "Identity, identity"])
def test_what_is_not_encoded_is_read_as_it_is(site: Site, encoding: str) -> None:
    """Also if it looks like gzip."""
    coded(site, encoding, gzip.compress(b"one"))
    assert fetch(f"{site.address}/a").body[:2] == b"\x1f\x8b"


@pytest.mark.parametrize(
    "encoding",
    ["gzip, gzip", "gzip,gzip,gzip", "x-gzip, gzip", "deflate", "gzip, deflate", "br", "zstd", "compress", "aes128gcm",
     "gzip;q=1", "gz ip", "*", "ü", "gzip," * 100 + "gzip"],
)  # fmt: skip
def test_what_was_not_asked_for_is_not_decoded(site: Site, encoding: str) -> None:
    """It is told, and costs no memory."""
    coded(site, encoding.encode().decode("latin-1"), bomb(3))
    with taking_at_most(8 * 2**20), pytest.raises(NotFetched, match="has a Content-Encoding that we did not ask for"):
        fetch(f"{site.address}/a")


def test_several_headers_are_one_list(site: Site) -> None:
    """As RFC 9110 has it."""
    body = bomb(2)
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    site.answers["/a"] = saying(HEAD + b"Content-Encoding: gzip\r\ncontent-encoding: gzip\r\n" + length + body)
    with taking_at_most(8 * 2**20), pytest.raises(NotFetched, match="did not ask for"):
        fetch(f"{site.address}/a")


@pytest.mark.parametrize("status", [200, 404, 500])
def test_a_page_that_grows_is_cut(site: Site, status: int) -> None:
    """256 MiB are not taken in to keep one; an error's page neither."""
    coded(site, "gzip", bomb(1), status=status)
    with taking_at_most(16 * 2**20):
        page = fetch(f"{site.address}/a")
    assert (page.status, len(page.body)) == (status, MAX_BYTES)


def test_a_robots_txt_and_a_redirect_that_grow_are_bounded(site: Site) -> None:
    """The one is cut, the other's body is not read at all."""
    site.answers["/robots.txt"] = (200, {"Content-Encoding": "gzip"}, bomb(1))
    site.answers["/a"] = (302, {"Content-Encoding": "gzip, gzip", "Location": "/b"}, bomb(2))
    site.answers["/b"] = html("b")
    with taking_at_most(32 * 2**20):
        assert fetch(f"{site.address}/a").version.url == f"{site.address}/b"


@pytest.mark.parametrize(
    "body",
    [
        b"no gzip",
        gzip.compress(b"whole", mtime=0)[:-9],
        zlib.compress(b"deflate"),
        gzip.compress(b"a", mtime=0) + b"\x1f\x8bx",
    ],
    ids=["no gzip", "cut off", "deflate", "broken behind"],
)
def test_broken_gzip_is_told(site: Site, body: bytes) -> None:
    """Instead of a page that is half of one."""
    coded(site, "gzip", body)
    with pytest.raises(NotFetched, match=r"gzip is (broken|cut off)"):
        fetch(f"{site.address}/a")


def test_padding_behind_gzip_is_passed_over(site: Site) -> None:
    """As every reader of gzip does."""
    coded(site, "gzip", gzip.compress(b"one") + bytes(100))
    assert fetch(f"{site.address}/a").body == b"one"


ODD_ANSWERS = {
    f"retry-after {value[:20]!r}": b"HTTP/1.1 503 Busy\r\nRetry-After: " + value + b"\r\nContent-Length: 0\r\n\r\n"
    for value in (
        b"Mon, 01 Jan 99999999999999999999 00:00:00 GMT", b"Mon, 01 Jan 0000 00:00:00 GMT",
        b"Mon, 99 Xyz 2025 99:99:99",
        b"Mon, 01 Jan 2025 00:00:00 +99999999999", b"Mon, 01 Jan 0001 00:00:00 +2359", b"9" * 5000, b"-1", b"1e9",
        b"\xd9\xa3", b"nan", b"Mon, 01 Jan 9999 23:59:59 -2359", b",",
        b"Mon, 01 Jan 2025 0:0:999999999999999999999 GMT",
    )
} | {
    f"status {value!r}": b"HTTP/1.1 " + value + b"\r\nContent-Length: 0\r\n\r\n"
    for value in (b"999 Odd", b"099 Odd", b"000", b"1000 Odd", b"-20 Odd", b"20x", b"", b"200 \xff\xfe", b"304 Odd")
} | {
    f"header {value[:30]!r}": b"HTTP/1.1 200 OK\r\n" + value + b"\r\n\r\nbody"
    for value in (
        b"Content-Length: 99999999999999999999999999", b"Content-Length: " + b"9" * 5000, b"Content-Length: -1",
        b"Content-Length: 5, 6", b"Content-Length: 0x5", b"Content-Length: 18446744073709551615",
        b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: \xff", b"Content-Type: text/html; charset=\xff\xfe",
        b"Content-Type: text/html; charset=" + b"x" * 9000, b"Content-Type: text/html; charset=undefined",
        b"Content-Type: \x00", b"ETag: \"a\"\rX-Evil: 1", b"ETag: \xff", b"Last-Modified: \x00", b": x", b"X",
        b" X: folded",
        b"Set-Cookie: " + b"a=b; " * 10_000, b"Connection: upgrade\r\nUpgrade: x", b"Content-Encoding: \xff",
    )
} | {
    f"location {value[:30]!r}": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + value + b"\r\n\r\n"
    for value in (
        b"http://127.0.0.1:99999/", b"http://127.0.0.1:0/", b"http://127.0.0.1:-80/", b"http://127.0.0.1:80:80/",
        b"http://127.0.0.1:8_0/", b"http://[::1/", b"http://[::ffff:zz]/", b"http://xn--/", b"http://\xff\xfe/",
        b"http://" + b"a" * 300 + b".example/", b"http:///", b"//", b"http://a@b@c/", b"http://a\\@b/", b"\\\\evil/",
        b"javascript:alert(1)", b"http://%00/", b"http://a b/", b"http://" + b"\xe2\x91\xa0" * 70 + b"/", b"x" * 70_000,
    )
}  # fmt: skip


@pytest.mark.parametrize("raw", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_an_odd_answer_costs_its_own_page_alone(redis_client: Redis, book: ContactBook, site: Site, raw: bytes) -> None:
    """Dates, lengths, statuses, character sets, addresses: whatever it says, the next one is visited."""
    site.answers["/hostile"] = saying(raw)
    result = visits(redis_client, book, site)
    assert "Well" in [page["name"] for page in result["pages"]]
    assert result["profiles_visited"] + result["failed"] == 2
    assert all(failure["reason"] for failure in result["failures"])


ENDLESS = {
    "headers": (HEAD, b"X-More: 1\r\n"),
    "one header": (HEAD + b"X-More: ", b"x"),
    "status line": (b"HTTP/1.1 200 ", b"x"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 8000 + b"\r\nx\r\n"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-More: 1\r\n"),
    "empty members": (HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"", mtime=0)),
    "body": (HEAD + b"\r\n", b"x"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_endless_answer_is_not_taken_in(redis_client: Redis, book: ContactBook, site: Site, kind: str) -> None:
    """Whichever part of it has no end."""
    site.answers["/hostile"] = endless = Endless(*ENDLESS[kind])
    with taking_at_most(32 * 2**20):
        result = visits(redis_client, book, site)
    assert "Well" in [page["name"] for page in result["pages"]]
    assert 0 < endless.said < MOST / 2


@pytest.mark.parametrize("raw", ODD_ANSWERS.values(), ids=ODD_ANSWERS)
def test_an_odd_answer_for_a_robots_txt_costs_its_own_site_alone(
    redis_client: Redis, book: ContactBook, site: Site, raw: bytes
) -> None:
    """Whatever it says, the other site's page is visited."""
    nothing = saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def robots(handler: BaseHTTPRequestHandler) -> None:
        (saying(raw) if handler.headers["Host"].startswith("127.") else nothing)(handler)

    site.answers["/robots.txt"] = robots
    result = visits(redis_client, book, site)
    assert "Well" in [page["name"] for page in result["pages"]]
    assert result["profiles_visited"] + result["failed"] == 2


ODD_ROBOTS = {
    "stars": b"User-agent: *\nDisallow: /" + b"*a" * 100_000,
    "percent signs": b"User-agent: *\nDisallow: /" + b"%" * 100_000 + b"%zz%f",
    "dollars": b"User-agent: *\nDisallow: /" + b"$" * 100_000,
    "an address": b"User-agent: *\nDisallow: http://[::1/\nAllow: //[x\n",
    "no text": bytes(range(256)) * 100,
    "rates": b"User-agent: *\nCrawl-delay: 1e999\nRequest-rate: 1/0\nVisit-time: 9999-x\nCrawl-delay: -nan\n",
    "one line": b"User-agent: " * 40_000,
    "many agents": b"".join(b"User-agent: %d\n" % n for n in range(15_000)) + b"Disallow: /well\n" * 15_000,
    "half a character": b"User-agent: *\nDisallow: /\xf0\x9f\n\xed\xa0\x80",
    "UTF-16, cut": b"\xff\xfeU\0s\0e\0\xd8",
}


@pytest.mark.parametrize("robots", ODD_ROBOTS.values(), ids=ODD_ROBOTS)
def test_an_odd_robots_txt_is_read(redis_client: Redis, book: ContactBook, site: Site, robots: bytes) -> None:
    """None of these forbids a page by what it says, nor by what it does to its reader; nor is it gigabytes."""
    site.answers["/robots.txt"], site.answers["/hostile"] = (200, {}, robots), html("x")
    with taking_at_most(64 * 2**20):
        assert visits(redis_client, book, site)["profiles_visited"] == 2


ODD_PAGES = {
    "half characters": b"<title>&#xD800;&#55357;x</title>&#xDFFF;&#x110000;&#0;",
    "half characters in UTF-8": b"<title>\xed\xa0\x80\xf0\x9f</title>\xff",
    "nothing": b"",
    "zeros": b"<ti\0tle>\0</title>\0" * 100,
    "only a title's start": b"<title>" + b"x" * 5000,
    "deep": b"<div>" * 50_000 + b"<title>y</title>",
    "entities": b"<!DOCTYPE x [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><title>&c;&c;&nosuch;</title>",
    "directions": "<title>\u202e\u2066abc\u2028\ufffe\U0010ffff</title>".encode(),
    "UTF-16, cut": b"\xff\xfe<\0t\0i\0\xd8",
    "another file": b"%PDF-1.7\n\xe2\xe3\xcf\xd3\n<title>z",
}


@pytest.mark.parametrize("body", ODD_PAGES.values(), ids=ODD_PAGES)
@pytest.mark.parametrize("charset", ["", "; charset=utf-16", "; charset=iso-2022-jp"])
def test_an_odd_page_is_visited(redis_client: Redis, book: ContactBook, site: Site, body: bytes, charset: str) -> None:
    """Whatever can be read of it is kept, and what was kept is read back."""
    site.answers["/hostile"] = (200, {"Content-Type": f"text/html{charset}"}, body)
    for _ in range(2):
        assert visits(redis_client, book, site)["profiles_visited"] == 2
    assert {contact["page"]["status"] for contact in book.page(10).data} == {200}


WHERE = {
    "its page is read": "service.bots.visitor.bot.read_page",
    "its robots.txt is read": "service.bots.support.fetching.read_robots",
    "its rules are read": "service.bots.support.fetching.Rules",
    "its rules are asked": "service.bots.support.robots.Rules.allow",
    "its delay is asked": "service.bots.support.robots.Rules.delay",
    "its wish is heeded": "service.bots.support.fetching.seconds_asked",
    "its answer is read": "service.bots.support.fetching.pieces",
    "it is written down": "service.store.contacts.ContactStore.note_visit",
}


class Odd(Exception):
    """Of a library's, whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error", [RecursionError("x"), MemoryError(), UnicodeEncodeError("utf-8", "x", 0, 1, "y"), Odd()]
)
@pytest.mark.parametrize("place", WHERE.values(), ids=WHERE)
def test_whatever_goes_wrong_with_a_page_costs_that_page(
    redis_client: Redis, book: ContactBook, site: Site, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    """Also what nobody has thought of, wherever it is met: the one that is visited first fails, the next does not."""
    module, _, name = place.rpartition(".")
    holder = resolve_name(module)
    found, failures = getattr(holder, name), iter((error,))
    real: Any = found.fget if isinstance(found, property) else found

    def fails_once(*args: Any, **kwargs: Any) -> Any:
        for failure in failures:
            raise failure
        return real(*args, **kwargs)

    monkeypatch.setattr(holder, name, property(fails_once) if isinstance(found, property) else fails_once)
    busy = (503, {"Retry-After": "0", "Content-Type": "text/html"}, b"busy")
    site.answers["/robots.txt"], site.answers["/hostile"] = (200, {}, b""), busy
    result = visits(redis_client, book, site, busy)
    assert (result["profiles_visited"], result["failed"]) == (1, 1)
    assert result["failures"][0]["reason"] == f"it cannot be read ({type(error).__name__})"
    (failed,) = (contact for contact in book.page(10).data if contact["name"] == result["failures"][0]["name"])
    assert redis_client.zscore(Keys().visits, failed["id"]), "it has had its turn"


def test_a_redis_that_is_away_ends_the_run_and_tells_what_was_visited(
    redis_client: Redis, book: ContactBook, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other pages would not be written down either."""
    real, calls = ContactBook.record_visit, iter((False, True))

    def record(*args: Any) -> None:
        if next(calls):
            raise StoreUnavailable("Redis is away")
        real(*args)

    monkeypatch.setattr(ContactBook, "record_visit", record)
    with pytest.raises(StoreUnavailable) as failure:
        visits(redis_client, book, site)
    assert failure.value.result["profiles_visited"] == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "validator", [b'"a"\xff', b'"a"\rX-Evil: 1', b'"\xe2\x82\xac"', b'"a\x00"', b'"' + b"x" * 600 + b'"', b'"a\tb"']
)
def test_an_odd_version_is_never_sent_back(
    redis_client: Redis, book: ContactBook, site: Site, validator: bytes
) -> None:
    """No header of ours is made of a stranger's bytes."""
    body = b"Content-Length: 1\r\n\r\nx"
    site.answers["/hostile"] = saying(
        HEAD + b"ETag: " + validator + b"\r\nLast-Modified: " + validator + b"\r\n" + body
    )
    visits(redis_client, book, site)
    Hasty().run(Run(redis_client, configured(VisitorConfig), bot="visitor"))
    assert site.paths.count("/hostile") == 2
    for _, headers in site.asked:
        assert not {"If-None-Match", "If-Modified-Since", "X-Evil"} & headers.keys()


@pytest.mark.parametrize(
    "port", ["74376", "65536", "0", "-1", "+80", "8_0", "80:80", "٨٠", "99999999999999999999", " 80"]
)
def test_a_port_that_is_none_is_refused(site: Site, port: str) -> None:
    """Rather than taken modulo 65,536."""
    with pytest.raises(NotFetched, match=r"port that is not a number from 1 to 65535|not a web address"):
        fetch(f"http://127.0.0.1:{port}/")
    real = int(site.address.rpartition(":")[2])
    site.answers["/a"] = (302, {"Location": f"http://127.0.0.1:{real + 65_536}/b"}, b"")
    with pytest.raises(NotFetched, match="redirects to something that has a port that is not a number from 1 to 65535"):
        fetch(f"{site.address}/a")
    with pytest.raises(NotFetched, match="it has a port that is not a number from 1 to 65535"):
        fetch(f"http://127.0.0.1:{real + 65_536}/b")
    assert site.paths == ["/a"]
