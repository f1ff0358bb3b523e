"""The visitor on a real store and real web servers: polite, bounded, and never inside the network."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from redis import Redis

from service.bots.support import fetching
from service.bots.support.fetching import Fetcher, NotFetched
from service.bots.visitor.bot import VisitorConfig
from service.egress import Egress
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.sites import Hasty, Site, html


def run(client: Redis, allow_private: bool = True, **config: Any) -> dict[str, Any]:
    """One run of the bot."""
    context = Run(client, configured(VisitorConfig, **config), bot="visitor", allow_private=allow_private)
    return Hasty().run(context)


def fetch(address: str, **options: Any) -> fetching.Fetched:
    """One page, without waiting."""
    with Fetcher(None, **{"egress": Egress.of(None, True), "host_delay": 0.0, **options}) as fetcher:
        return fetcher.fetch(address)


def test_a_visit_records_status_title_and_change(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """The first visit has nothing to compare with; what nobody sees is no change."""
    contact = book.create({"name": "Ada", "urls": [f"{site.address}/ada"]})["id"]
    told = []
    for page in (html("one"), html("one<script>2</script>"), html("two", "Another"), (404, {}, b"gone"), html("two")):
        site.answers["/ada"] = page
        result = run(redis_client)
        assert result["profiles_visited"] == 1
        told.append((result["pages"][0]["status"], result["pages"][0]["title"], result["pages"][0]["changed"]))
    assert told == [
        (200, "A page", None),
        (200, "A page", False),
        (200, "Another", True),
        (404, None, None),
        (200, "A page", False),
    ]
    assert book.get(contact)["last_visited_at"] == "2025-04-12T08:00:00"


def test_the_visitor_says_who_it_is(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """Its own name and how to reach its people; no cookies, no compression."""
    book.create({"name": "Ada", "urls": [f"{site.address}/ada"]})
    run(redis_client)
    for _, headers in site.asked:
        assert headers["User-Agent"] == "BotScheduler/1.0 (+https://example.org/bot)"
        assert "Cookie" not in headers


def test_the_limit_holds_and_everybody_gets_a_turn(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """A page that cannot be had does not keep the others from theirs."""
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /p0\n")
    for n in range(4):
        book.create({"name": f"P{n}", "urls": [f"{site.address}/p{n}"]})
    for hour in range(4):
        context = Run(redis_client, configured(VisitorConfig, limit=1), bot="visitor")
        context.now = context.now.replace(hour=hour)
        Hasty().run(context)
    assert sorted(site.paths) == ["/p1", "/p2", "/p3"]


def test_a_rehearsal_visits_nobody(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """It lists whom it would visit."""
    contact = book.create({"name": "Ada", "urls": [f"{site.address}/ada"]})["id"]
    book.create({"name": "No page"})
    result = run(redis_client, dry_run=True)
    assert result["would_visit"] == [{"contact_id": contact, "name": "Ada", "url": f"{site.address}/ada"}]
    assert result["profiles_visited"] == 0
    assert site.asked == []
    assert book.get(contact)["last_visited_at"] is None


def test_robots_txt_is_asked_once_and_honoured(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """By our name before everybody's."""
    site.answers["/robots.txt"] = (
        200,
        {},
        b"User-agent: *\nAllow: /\n\nUser-agent: BotScheduler\nDisallow: /private\n",
    )
    for path in ("private/a", "open", "also-open"):
        book.create({"name": path, "urls": [f"{site.address}/{path}"]})
    result = run(redis_client)
    assert (result["profiles_visited"], result["failed"]) == (2, 1)
    assert "robots.txt forbids it" in result["failures"][0]["reason"]
    assert sorted(site.paths) == ["/also-open", "/open"]
    assert [path for path, _ in site.asked].count("/robots.txt") == 1


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (403, True), (500, False), (503, False)])
def test_a_robots_txt_that_cannot_be_read(site: Site, status: int, allowed: bool) -> None:
    """A client error allows everything, a server error nothing."""
    site.answers["/robots.txt"] = (status, {}, b"User-agent: *\nDisallow: /\n")
    site.answers["/a"] = html("x")
    if allowed:
        assert fetch(f"{site.address}/a").status == 200
    else:
        with pytest.raises(NotFetched, match=r"robots\.txt"):
            fetch(f"{site.address}/a")
        assert site.paths == []


def test_requests_to_one_host_keep_their_distance(site: Site) -> None:
    """robots.txt among them; its Crawl-delay counts where it is longer."""
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nCrawl-delay: 0.4\n")
    with Fetcher(None, Egress.of(None, True), host_delay=0.1) as fetcher:
        start = time.monotonic()
        fetcher.fetch(f"{site.address}/a")
        assert time.monotonic() - start >= 0.4
        fetcher.fetch(f"{site.address}/b")
        assert time.monotonic() - start >= 0.8


def test_a_wait_ends_when_the_run_is_asked_to_stop(site: Site) -> None:
    """It does not sit out its delay."""
    stopped = Fetcher(None, Egress.of(None, True), cancelled=lambda: True, host_delay=30.0)
    with stopped as fetcher, pytest.raises(NotFetched, match="asked to stop"):
        fetcher.fetch(f"{site.address}/a")
    assert len(site.asked) == 1


def test_redirects_are_followed_as_far_as_five(site: Site) -> None:
    """Each under robots.txt again."""
    for n in range(10):
        site.answers[f"/{n}"] = (302, {"Location": f"/{n + 1}"}, b"")
    site.answers["/5"] = html("end")
    assert fetch(f"{site.address}/0").status == 200
    site.answers["/5"] = (302, {"Location": "/6"}, b"")
    with pytest.raises(NotFetched, match="redirects more than 5 times"):
        fetch(f"{site.address}/0")
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /2\n")
    with pytest.raises(NotFetched, match="forbids"):
        fetch(f"{site.address}/0")


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1:6379/_x", "http://"]
)
def test_a_redirect_to_anything_but_a_web_address_is_not_followed(site: Site, location: str) -> None:
    """Whatever its scheme promises."""
    site.answers["/a"] = (302, {"Location": location}, b"")
    with pytest.raises(NotFetched):
        fetch(f"{site.address}/a")


def test_a_page_without_end_is_cut(site: Site) -> None:
    """At its limit, and the visit is one."""

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            handler.close_connection = True

    site.answers["/a"] = endless
    assert len(fetch(f"{site.address}/a").body) == fetching.MAX_BYTES


def test_a_slow_drip_of_bytes_ends_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the head of the answer as in its body: the whole page has one deadline."""
    monkeypatch.setattr(fetching, "PAGE_SECONDS", 0.5)
    given_up = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            for _ in range(600):
                if given_up.wait(0.05):
                    break
                handler.wfile.write(b"x")
        except OSError:
            pass

    site.answers["/a"] = drip
    try:
        with pytest.raises(NotFetched, match="did not answer in time"):
            fetch(f"{site.address}/a")
    finally:
        given_up.set()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_address_inside_the_network_is_visited(
    redis_client: Redis, book: ContactBook, site: Site, host: str
) -> None:
    """In whatever spelling; the server is not even asked for its robots.txt."""
    port = site.address.rpartition(":")[2]
    book.create({"name": "Inside", "urls": [f"http://{host}:{port}/secret"]})
    result = run(redis_client, allow_private=False)
    assert (result["profiles_visited"], result["failed"]) == (0, 1)
    assert site.asked == []


def test_a_page_that_cannot_be_had_does_not_end_the_run(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """Each is told with its reason."""
    site.answers["/ok"] = html("x")
    for name, url in (
        ("Nobody", "http://127.0.0.1:9/x"),
        ("Nowhere", "http://no-such-host.invalid/"),
        ("Odd", "http://[x/"),
    ):
        book.create({"name": name, "urls": [url]})
    book.create({"name": "Ok", "urls": [f"{site.address}/ok"]})
    result = run(redis_client)
    assert (result["profiles_visited"], result["failed"]) == (1, 3)
    assert sorted(failure["name"] for failure in result["failures"]) == ["Nobody", "Nowhere", "Odd"]
    assert all(failure["reason"] for failure in result["failures"])


def test_a_run_that_is_asked_to_stop_tells_what_it_visited(redis_client: Redis, book: ContactBook, site: Site) -> None:
    """Between two pages."""
    for n in range(4):
        book.create({"name": f"P{n}", "urls": [f"{site.address}/{n}"]})
    context = Run(redis_client, configured(VisitorConfig), bot="visitor", stops_after=2)
    assert Hasty().run(context)["profiles_visited"] == 2
    assert len(site.paths) == 2


@pytest.mark.parametrize("address", ["https://xn--/", "https://[::1", "ftp://example.org/", "https://"])
def test_an_address_that_is_none_costs_its_page_alone(address: str) -> None:
    """Whatever an address book says, the other pages of the run are visited."""
    with pytest.raises(NotFetched):
        fetch(address)
