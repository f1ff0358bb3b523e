"""Fetching pages politely: as ourselves, as robots.txt allows, slowly, and with limits on size, time and redirects."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from protego import Protego

from service.bots.network_guard import AddressRefused, GuardedBackend, GuardedTransport

AGENT = "BotScheduler"
"""The name under which robots.txt may address us."""
MAX_BYTES = 1024 * 1024
MAX_ROBOTS_BYTES = 512 * 1024
MAX_REDIRECTS = 5
PAGE_SECONDS = 20.0
"""For one page with all its redirects, robots.txt not counted."""
HOST_DELAY = 1.0
"""Seconds between two requests to one host, at least; robots.txt may ask for more."""
MAX_HOST_DELAY = 30.0


class NotFetched(Exception):
    """The page could not, or may not, be had; says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered; the body is cut at `MAX_BYTES`."""

    status: int
    body: bytes
    content_type: str


class Fetcher:
    """Fetches pages for one run.

    Args:
        contact: how the people whose pages are visited can reach whoever runs this (a URL or an e-mail address).
        allow_private: let addresses inside the network be visited.
        cancelled: asked while waiting.
        host_delay: seconds between two requests to one host.
    """

    def __init__(
        self,
        contact: str | None,
        allow_private: bool,
        cancelled: Callable[[], bool] = lambda: False,
        host_delay: float = HOST_DELAY,
    ) -> None:
        self._backend = GuardedBackend(allow_private)
        self._client = httpx.Client(
            transport=GuardedTransport(self._backend),
            headers={
                "User-Agent": user_agent(contact),
                "Accept": "text/html, */*;q=0.5",
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(10.0, connect=5.0),
            follow_redirects=False,
            trust_env=False,
        )
        self._cancelled = cancelled
        self._host_delay = host_delay
        self._robots: dict[str, Protego | None] = {}
        self._asked: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def fetch(self, address: str) -> Fetched:
        """Gets one page.

        Raises:
            NotFetched: it is no HTTP(S) address, robots.txt forbids it, it leads inside, or nobody answered.
        """
        url = _checked(address)
        for _ in range(MAX_REDIRECTS + 1):
            self._check_robots(url)
            self._wait_for(url)
            response, body = self._get(url, MAX_BYTES, PAGE_SECONDS)
            if not (response.is_redirect and "location" in response.headers):
                return Fetched(response.status_code, body, response.headers.get("content-type", ""))
            url = _checked(response.headers["location"], url)
        raise NotFetched(f"it redirects more than {MAX_REDIRECTS} times")

    def _get(self, url: httpx.URL, limit: int, seconds: float) -> tuple[httpx.Response, bytes]:
        self._backend.deadline = time.monotonic() + seconds
        self._client.cookies.clear()
        body = bytearray()
        try:
            with self._client.stream("GET", url) as response:
                for chunk in response.iter_bytes(16 * 1024):
                    body += chunk
                    if len(body) >= limit:
                        break
        except AddressRefused as error:
            raise NotFetched(str(error)) from None
        except httpx.TimeoutException:
            raise NotFetched(f"{url.host} did not answer in time") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise NotFetched(f"{url.host} could not be read: {error or type(error).__name__}") from None
        return response, bytes(body[:limit])

    def _check_robots(self, url: httpx.URL) -> None:
        origin = _origin(url)
        if origin not in self._robots:
            self._robots[origin] = self._read_robots(url)
        rules = self._robots[origin]
        if rules is None:
            raise NotFetched("the site's robots.txt cannot be read now, which forbids all of it")
        if not rules.can_fetch(str(url), AGENT):
            raise NotFetched("the site's robots.txt forbids it")

    def _read_robots(self, url: httpx.URL) -> Protego | None:
        """RFC 9309: a client error allows everything, a server error nothing; redirects are followed."""
        at = url.copy_with(raw_path=b"/robots.txt", fragment=None)
        for _ in range(MAX_REDIRECTS + 1):
            self._wait_for(at)
            response, body = self._get(at, MAX_ROBOTS_BYTES, PAGE_SECONDS)
            if response.is_redirect and "location" in response.headers:
                at = _checked(response.headers["location"], at)
                continue
            if response.status_code >= 500:
                return None
            text = body.decode("utf-8", "replace") if response.is_success else ""
            return Protego.parse(text)
        return Protego.parse("")

    def _wait_for(self, url: httpx.URL) -> None:
        """Keeps the distance to the last request to the same host."""
        rules = self._robots.get(_origin(url))
        asked_for = (rules.crawl_delay(AGENT) if rules else None) or 0.0
        delay = max(self._host_delay, min(asked_for, MAX_HOST_DELAY))
        due = self._asked.get(url.host, -MAX_HOST_DELAY) + delay
        while (left := due - time.monotonic()) > 0:
            if self._cancelled():
                raise NotFetched("the run was asked to stop")
            time.sleep(min(left, 0.25))
        self._asked[url.host] = time.monotonic()


def user_agent(contact: str | None) -> str:
    """Who we say that we are.

    Args:
        contact: `VISITOR_CONTACT`: an address or a page, or None.
    """
    return f"{AGENT}/1.0 (+{' '.join(contact.split())})" if contact else f"{AGENT}/1.0"


def _checked(address: str, base: httpx.URL | None = None) -> httpx.URL:
    """An absolute HTTP(S) URL without user name and fragment.

    Raises:
        NotFetched: it is none.
    """
    try:
        url = base.join(address) if base else httpx.URL(address)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise NotFetched("it is not a web address") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise NotFetched("only http and https addresses are visited")
    return url.copy_with(username=None, password=None, fragment=None)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
