"""A polite fetcher of pages: it says who it is, obeys robots.txt, is slow, and limits size, time and redirects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from bot_scheduler import Memory
from service.bots.support.addresses import NotAnAddress, parsed
from service.bots.support.content_coding import ACCEPTED, pieces
from service.bots.support.locks import LOOK_AGAIN, Locks, Stopped
from service.bots.support.network_guard import AddressRefused, GuardedBackend, GuardedTransport
from service.bots.support.retry_after import seconds_asked
from service.bots.support.robots import AGENT, Rules, read_robots
from service.egress import Egress

MAX_BYTES = 1024 * 1024
MAX_ROBOTS_BYTES = 512 * 1024
MAX_FRAMING = 8
"""The greatest ratio of an answer's transferred size to its content. The smallest chunks make it six."""
MAX_REDIRECTS = 5
PAGE_SECONDS = 20.0
"""Seconds for one page with all its redirects, without robots.txt."""
HOST_DELAY = 1.0
"""The least seconds between two requests of any runs to one host. robots.txt may ask for more."""
LOCK_SECONDS = 60.0
"""How long a host stays locked if a run dies while it asks it: longer than any request."""
MAX_HOST_DELAY = 30.0
"""The most seconds that a run waits for a host."""
MAX_HOLD = 86_400
"""The most seconds for which a host is left alone if it asks for that (`Retry-After`)."""
_TIMES: dict[str, Any] = {"timeout": {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 10.0}}
ROBOTS_SECONDS = 86_400
"""Seconds for which a robots.txt is kept: at most a day (RFC 9309, 2.4)."""


class NotFetched(Exception):
    """The page could not be fetched, or may not be. The message says why.

    Args:
        reason: the message.
        asked: whether its server was asked, or would have been if it could be reached.
    """

    def __init__(self, reason: str, asked: bool = False) -> None:
        super().__init__(reason)
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a page: its address after redirects, and the marks by which its server tells versions apart."""

    url: str
    etag: str | None
    last_modified: str | None

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for the page only if there is a newer version (RFC 9110, 13.1)."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A server's answer. The body is cut at `MAX_BYTES`. Status 304 means that the known version is the newest."""

    status: int
    body: bytes
    content_type: str
    version: Version


class Fetcher:
    """Fetches pages for one run.

    Args:
        contact: a URL or an e-mail address at which the owners of pages can reach the operator.
        egress: where visits may lead beside the open Internet.
        cancelled: whether the run was asked to stop; called while waiting.
        host_delay: seconds between two requests to one host.
        memory: keeps robots.txt, and the hosts that asked to be left alone, from run to run. It also locks
            hosts, so that each has one connection and its delay however many runs there are.
    """

    def __init__(
        self,
        contact: str | None,
        egress: Egress,
        cancelled: Callable[[], bool] = lambda: False,
        host_delay: float = HOST_DELAY,
        memory: Memory | None = None,
    ) -> None:
        self._backend = GuardedBackend(egress)
        self._transport = GuardedTransport(self._backend)
        self._headers = {
            "User-Agent": user_agent(contact),
            "Accept": "text/html, */*;q=0.5",
            "Accept-Encoding": ACCEPTED,
        }
        self._cancelled = cancelled
        self._host_delay = host_delay
        self._memory = memory
        self._robots: dict[str, Rules | None] = {}
        self._locks = Locks(memory, cancelled, LOCK_SECONDS)
        self._held: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transport.close()

    def fetch(self, address: str, known: Version | None = None) -> Fetched:
        """Fetch one page.

        Args:
            address: the page's address.
            known: the version that need not be sent again.

        Raises:
            NotFetched: the address is not http(s), robots.txt forbids the page, it is inside the network, or nobody
                answered.
        """
        url = _checked(address)
        for _ in range(MAX_REDIRECTS + 1):
            self._check_robots(url)
            conditions = known.conditions if known and known.url == str(url) else {}
            response, body = self._get(url, MAX_BYTES, PAGE_SECONDS, conditions)
            if not _leads_on(response):
                headers = response.headers
                version = Version(str(url), _short(headers.get("etag")), _short(headers.get("last-modified")))
                return Fetched(response.status_code, body, headers.get("content-type", ""), version)
            url = _checked(response.headers["location"], url)
        raise NotFetched(f"it redirects more than {MAX_REDIRECTS} times", asked=True)

    def _get(
        self, url: httpx.URL, limit: int, seconds: float, headers: Mapping[str, str] | None = None
    ) -> tuple[httpx.Response, bytes]:
        self._lock(url)
        try:
            response, body = self._asked(url, limit, seconds, headers)
            self._heed(url, response)
        finally:
            self._locks.release(url.host)
        return response, body

    def _asked(
        self, url: httpx.URL, limit: int, seconds: float, headers: Mapping[str, str] | None
    ) -> tuple[httpx.Response, bytes]:
        self._backend.begin(seconds)
        # not by httpx' client, which decodes any claimed coding, keeps cookies, and reads redirects its own way
        request = httpx.Request("GET", url, headers=self._headers | dict(headers or {}), extensions=_TIMES)
        try:
            response = self._transport.handle_request(request)
            self._backend.allot(MAX_FRAMING * limit)
            try:
                body = b"" if _leads_on(response) else _read(response, limit)
            finally:
                response.close()
        except AddressRefused as error:
            raise NotFetched(str(error)) from None
        except httpx.TimeoutException:
            raise NotFetched(f"{url.host} did not answer in time", asked=True) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise NotFetched(f"{url.host} could not be read: {error or type(error).__name__}", asked=True) from None
        return response, body

    def _heed(self, url: httpx.URL, response: httpx.Response) -> None:
        """Leave a host alone for as long as it asks."""
        seconds = seconds_asked(response, MAX_HOLD) if response.status_code in (429, 503) else 0.0
        if seconds > 0:
            until = time.time() + seconds
            self._held[url.host] = until
            if self._memory is not None:
                self._memory.remember(f"held:{url.host}", str(int(until) + 1), int(seconds) + 1)

    def _held_until(self, host: str) -> float:
        """Return the epoch seconds until which a host asked any run to leave it alone; 0 if it did not."""
        told = self._memory.recall(f"held:{host}") if self._memory is not None else None
        return max(self._held.get(host, 0.0), float(told) if told and told.isdecimal() else 0.0)

    def _check_robots(self, url: httpx.URL) -> None:
        origin = _origin(url)
        if origin not in self._robots:
            self._robots[origin] = self._robots_of(url, origin)
        rules = self._robots[origin]
        if rules is None:
            raise NotFetched("the site's robots.txt cannot be read now, so none of its pages may be visited")
        if not rules.allow(str(url)):
            raise NotFetched("the site's robots.txt forbids it")

    def _robots_of(self, url: httpx.URL, origin: str) -> Rules | None:
        """Return the site's rules from the memory, or read them now; None if they cannot be read."""
        text = self._memory.recall(f"robots:{origin}") if self._memory is not None else None
        if text is None:
            text = self._read_robots(url)
            if text is not None and self._memory is not None:
                self._memory.remember(f"robots:{origin}", text, ROBOTS_SECONDS)
        return None if text is None else Rules(text)

    def _read_robots(self, url: httpx.URL) -> str | None:
        """Read the site's rules for us.

        A client error allows everything, a server error or "too many requests" nothing. Redirects are followed (RFC
        9309, 2.3.1).
        """
        at = url.copy_with(raw_path=b"/robots.txt", fragment=None)
        for _ in range(MAX_REDIRECTS + 1):
            response, body = self._get(at, MAX_ROBOTS_BYTES, PAGE_SECONDS)
            if _leads_on(response):
                at = _checked(response.headers["location"], at)
                continue
            if response.status_code >= 500 or response.status_code == 429:
                return None
            return read_robots(body, len(body) < MAX_ROBOTS_BYTES) if response.is_success else ""
        return ""

    def _lock(self, url: httpx.URL) -> None:
        """Keep the distance to the last request to the same host, and leave alone a host that asked for it."""
        rules = self._robots.get(_origin(url))
        gap = max(self._host_delay, min(rules.delay if rules else 0.0, MAX_HOST_DELAY))
        try:
            while True:
                self._check_hold(url.host)
                self._locks.acquire(url.host, gap)
                if self._held_until(url.host) <= time.time():
                    return
                self._locks.release(url.host)  # the host asked the run before to leave it alone
        except Stopped:
            raise NotFetched("the run was asked to stop") from None

    def _check_hold(self, host: str) -> None:
        """Wait until the host may be asked again, unless that takes too long."""
        until = self._held_until(host)
        if until - time.time() > MAX_HOST_DELAY:
            at = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M:%S")
            raise NotFetched(f"{host} asked to be left alone until {at} UTC")
        while (left := until - time.time()) > 0:
            if self._cancelled():
                raise Stopped
            time.sleep(min(left, LOOK_AGAIN))


def _leads_on(response: httpx.Response) -> bool:
    return response.is_redirect and "location" in response.headers


def _read(response: httpx.Response, limit: int) -> bytes:
    """Return the start of the content, decoded if the request accepted its coding."""
    body = bytearray()
    for piece in pieces(response):
        body += piece
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def _short(value: str | None) -> str | None:
    """Return a header that is worth keeping, else None."""
    return value if value and len(value) <= 500 and value.isascii() and value.isprintable() else None


def user_agent(contact: str | None) -> str:
    """Return our User-Agent.

    Args:
        contact: `VISITOR_CONTACT`, an address or a page, or None.
    """
    return f"{AGENT}/1.0 (+{' '.join(contact.split())})" if contact else f"{AGENT}/1.0"


def _checked(address: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return an absolute http(s) URL without user name and fragment.

    Raises:
        NotFetched: the address is not one.
    """
    try:
        url = parsed(address, base)
    except NotAnAddress as error:
        raise NotFetched(f"it redirects to something that {error}" if base else f"it {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise NotFetched("only http and https addresses are visited")
    return url.copy_with(username=None, password=None, fragment=None)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
