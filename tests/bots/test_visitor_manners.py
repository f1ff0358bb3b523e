"""The visitor's manners: it asks for no page that it has, leaves alone who asks for it, and remembers both."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from redis import Redis

from service.bots.support.fetching import Fetcher, NotFetched, Version
from service.bots.visitor.bot import VisitorConfig
from service.egress import Egress
from service.store.keys import Keys
from service.store.memory import MAX_VALUE, RedisMemory
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.servers.sites import Hasty, Site, html


@pytest.fixture
def visit(redis_client: Redis, book: ContactBook, site: Site) -> Callable[[], dict[str, Any]]:
    """Visits Ada's page, an hour later each time; answers what the result says of it."""
    book.create({"name": "Ada", "urls": [f"{site.address}/ada"]})
    clock = [datetime(2025, 4, 12, 8, tzinfo=UTC)]

    def visited() -> dict[str, Any]:
        context = Run(redis_client, configured(VisitorConfig), bot="visitor")
        context.now = clock[0]
        clock[0] += timedelta(hours=1)
        result = Hasty().run(context)
        found: dict[str, Any] = (result["pages"] + result["failures"])[0]
        return found

    return visited


def page_of(book: ContactBook) -> dict[str, Any]:
    """What the address book says of Ada's page."""
    (contact,) = book.page(10).data
    page: dict[str, Any] = contact["page"]
    return page


def asked_for(site: Site, header: str) -> list[str | None]:
    """The header of each request for the page."""
    return [headers.get(header) for path, headers in site.asked if path == "/ada"]


def test_a_page_that_did_not_change_is_not_sent_again(
    site: Site, book: ContactBook, visit: Callable[[], dict[str, Any]]
) -> None:
    """Its ETag and date are sent back; 304 means unchanged, and the next real version is compared with what it was."""
    status, headers, body = html("one", "Ada")
    version = {"ETag": '"v1"', "Last-Modified": "Sat, 12 Apr 2025 07:00:00 GMT"}
    site.answers["/ada"] = (status, headers | version, body)
    assert visit()["changed"] is None
    site.answers["/ada"] = (304, {}, b"")
    seen = visit()
    assert (seen["status"], seen["title"], seen["changed"]) == (304, "Ada", False)
    assert page_of(book)["history"][0] == {
        "status": 200, "since": "2025-04-12T08:00:00", "until": "2025-04-12T09:00:00", "visits": 2,
    }  # fmt: skip
    site.answers["/ada"] = html("two", "Ada")
    assert visit()["changed"] is True
    visit()
    assert asked_for(site, "If-None-Match") == [None, '"v1"', '"v1"', None]
    assert asked_for(site, "If-Modified-Since") == [None, version["Last-Modified"], version["Last-Modified"], None]
    assert page_of(book)["changed_at"] == "2025-04-12T10:00:00"


def test_after_an_error_the_page_is_asked_for_whole(site: Site, visit: Callable[[], dict[str, Any]]) -> None:
    """And is compared with the version before the error."""
    status, headers, body = html("one")
    site.answers["/ada"] = (status, headers | {"ETag": '"v1"'}, body)
    visit()
    site.answers["/ada"] = (500, {}, b"")
    visit()
    site.answers["/ada"] = (status, headers | {"ETag": '"v1"'}, body)
    assert visit()["changed"] is False
    assert asked_for(site, "If-None-Match") == [None, '"v1"', None]


def test_a_version_belongs_to_the_address_that_answered(site: Site) -> None:
    """After a redirect its ETag is sent there, and nowhere else."""
    site.answers["/ada"] = (302, {"Location": "/new"}, b"")
    status, headers, body = html("one")
    site.answers["/new"] = (status, headers | {"ETag": '"v1"'}, body)
    with Fetcher(None, Egress.of(None, True), host_delay=0.0) as fetcher:
        version = fetcher.fetch(f"{site.address}/ada").version
        assert version == Version(f"{site.address}/new", '"v1"', None)
        fetcher.fetch(f"{site.address}/ada", version)
    sent = [(path, headers.get("If-None-Match")) for path, headers in site.asked if path != "/robots.txt"]
    assert sent == [("/ada", None), ("/new", None), ("/ada", None), ("/new", '"v1"')]


def test_a_version_that_nobody_asked_about_is_no_page(site: Site, visit: Callable[[], dict[str, Any]]) -> None:
    """A server that answers 304 of its own accord has shown nothing to compare."""
    site.answers["/ada"] = (304, {}, b"")
    assert visit()["changed"] is None
    site.answers["/ada"] = html("one")
    assert visit()["changed"] is None


def test_the_history_of_a_page_tells_when_it_was_how(
    site: Site, book: ContactBook, visit: Callable[[], dict[str, Any]]
) -> None:
    """Neighbouring visits with one status are one entry; null is a page that nobody answered for."""

    def hang_up(handler: Any) -> None:
        handler.close_connection = True

    for answer, times in ((html("x"), 2), ((404, {}, b""), 1), (hang_up, 2), (html("x"), 1)):
        site.answers["/ada"] = answer
        for _ in range(times):
            visit()
    assert [(period["status"], period["since"][11:16], period["until"][11:16], period["visits"])
            for period in page_of(book)["history"]] == [
        (200, "13:00", "13:00", 1), (None, "11:00", "12:00", 2), (404, "10:00", "10:00", 1), (200, "08:00", "09:00", 2),
    ]  # fmt: skip
    for n in range(30):
        site.answers["/ada"] = (404 + n % 2, {}, b"")
        visit()
    assert len(page_of(book)["history"]) == 20


def test_another_page_begins_another_history(
    site: Site, book: ContactBook, visit: Callable[[], dict[str, Any]]
) -> None:
    """What was seen of the old one says nothing of the new."""
    site.answers["/ada"] = site.answers["/new"] = html("x")
    visit()
    (contact,) = book.page(10).data
    book.update(contact["id"], {"urls": [f"{site.address}/new"]})
    assert visit()["changed"] is None
    assert [period["visits"] for period in page_of(book)["history"]] == [1]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("told", ["3600", "date"])
def test_who_asks_to_be_left_alone_is(
    site: Site, redis_client: Redis, visit: Callable[[], dict[str, Any]], status: int, told: str
) -> None:
    """For as long as it says, in seconds or as a date; also by the next run, and by other jobs."""
    at = datetime.now(UTC) + timedelta(hours=1)
    site.answers["/ada"] = (status, {"Retry-After": format_datetime(at, usegmt=True) if told == "date" else told}, b"")
    assert visit()["status"] == status
    site.answers["/ada"] = html("x")
    assert "asked to be left alone until" in visit()["reason"]
    assert site.paths == ["/ada"]
    (key,) = redis_client.keys("*:memory:visitor:held:*")
    assert 3500 < redis_client.ttl(key) <= 3602
    redis_client.delete(key)
    assert visit()["status"] == 200


def test_a_short_while_is_waited_for(site: Site) -> None:
    """Within the run."""
    site.answers["/a"] = (503, {"Retry-After": "1"}, b"")
    with Fetcher(None, Egress.of(None, True), host_delay=0.0) as fetcher:
        fetcher.fetch(f"{site.address}/a")
        started = time.monotonic()
        fetcher.fetch(f"{site.address}/b")
    assert time.monotonic() - started > 0.8


@pytest.mark.parametrize("told", ["soon", "-5", "", "Sat, 12 Apr 2025 07:00:00 GMT", "0", "1.5", "Sat, 99 Foo"])
def test_a_wish_that_is_none_holds_nobody_up(site: Site, told: str) -> None:
    """Nor one that is over; nor one of a page that is fine."""
    site.answers["/a"] = (503, {"Retry-After": told}, b"")
    site.answers["/b"] = (200, {"Retry-After": "3600"}, b"")
    with Fetcher(None, Egress.of(None, True), host_delay=0.0) as fetcher:
        for path in ("/a", "/b", "/c"):
            fetcher.fetch(f"{site.address}{path}")
    assert site.paths == ["/a", "/b", "/c"]


def test_robots_txt_is_remembered_for_a_day(
    site: Site, redis_client: Redis, visit: Callable[[], dict[str, Any]]
) -> None:
    """From run to run; one that could not be read is not."""
    site.answers["/robots.txt"] = (503, {}, b"")
    assert "cannot be read" in visit()["reason"]
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /ada\n")
    for _ in range(2):
        assert "forbids it" in visit()["reason"]
    assert [path for path, _ in site.asked] == ["/robots.txt"] * 2
    (key,) = redis_client.keys("*:memory:visitor:robots:*")
    assert 86_000 < redis_client.ttl(key) <= 86_400


@pytest.mark.parametrize(
    "robots",
    [
        "\ufeffUser-agent: *\nDisallow: /\n".encode(),
        b"User-agent: *\nAllow: /\n\nUser-agent: BotScheduler/1.0\nDisallow: /\n",
        b"User-agent: BotScheduler\nUnknown: x\nUser-agent: Other\nDisallow: /\n",
        "User-agent: *\rDisallow: /\r".encode("utf-16"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_a_robots_txt_is_obeyed_however_it_was_saved(
    site: Site, redis_client: Redis, visit: Callable[[], dict[str, Any]], robots: bytes, known: bool
) -> None:
    """Read now, or remembered by a release that kept it as it was."""
    if known:
        text = robots.decode("utf-8", "replace")
        RedisMemory(redis_client, Keys(), "visitor").remember(f"robots:{site.address}", text, 60)
    site.answers["/robots.txt"] = (200, {"Content-Type": "text/html; charset=latin-1"}, robots)
    for _ in range(2):
        assert "forbids it" in visit()["reason"]
    assert [path for path, _ in site.asked] == ([] if known else ["/robots.txt"])


def test_of_a_long_robots_txt_our_rules_are_remembered(
    site: Site, redis_client: Redis, visit: Callable[[], dict[str, Any]]
) -> None:
    """Those for others are not, so that it need not be asked for again."""
    others = b"".join(b"User-agent: a%d\nDisallow: /\n" % n for n in range(10_000))
    site.answers["/robots.txt"] = (200, {}, others + b"User-agent: *\nDisallow: /ada # no\n")
    for _ in range(2):
        assert "forbids it" in visit()["reason"]
    assert [path for path, _ in site.asked] == ["/robots.txt"]
    (key,) = redis_client.keys("*:memory:visitor:robots:*")
    assert redis_client.get(key) == b"User-agent: *\nDisallow: /ada\n"


def test_too_many_requests_for_robots_txt_forbid_all(site: Site) -> None:
    """Who is asked too much is not asked more."""
    site.answers["/robots.txt"] = (429, {}, b"")
    with (
        Fetcher(None, Egress.of(None, True), host_delay=0.0) as fetcher,
        pytest.raises(NotFetched, match="cannot be read"),
    ):
        fetcher.fetch(f"{site.address}/a")


def test_a_bots_memory_is_its_own_and_forgets(redis_client: Redis) -> None:
    """Another bot has another; what is too long is not remembered."""
    mine, others = RedisMemory(redis_client, Keys(), "a"), RedisMemory(redis_client, Keys(), "b")
    mine.remember("key", "wört", 60)
    mine.remember("long", "x" * (MAX_VALUE + 1), 60)
    assert (mine.recall("key"), mine.recall("long"), others.recall("key")) == ("wört", None, None)
    assert 0 < redis_client.ttl(Keys().memory("a", "key")) <= 60
