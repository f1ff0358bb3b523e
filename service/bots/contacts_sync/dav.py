"""A client of a WebDAV server: it signs in, follows redirects on the same server, and reads answers as they arrive.

The address comes from the operator (`CONTACTS_URL`), not from a job, and may lead inside the network. The password goes
to that server alone. Neither appears in logs, results or errors. This is why httpx' client, which logs addresses, is
not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import httpx

from service.bots.contacts_sync.dav_answers import Multistatus, NotDav, Oversized, Resource
from service.bots.support.addresses import NotAnAddress, parsed
from service.bots.support.content_coding import ACCEPTED, Undecodable, pieces
from service.bots.support.network_guard import AddressRefused, GuardedBackend, GuardedTransport
from service.bots.support.request_hook import UNTOLD
from service.egress import Egress
from service.errors import ServiceError

MAX_REDIRECTS = 5
MAX_ANSWER = 128 * 1024 * 1024
"""The most bytes of one answer, such as the list of 200,000 cards."""
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 45.0
"""How long a server may be silent, since it takes time to list a large address book."""
_PORTS = {"http": 80, "https": 443}
_UNANSWERABLE = (KeyError, NotImplementedError, httpx.ProtocolError)
"""Errors of httpx.DigestAuth for an unknown algorithm, protection, or challenge. A test pins them."""


class BookFailed(ServiceError):
    """The address book could not be read. The message says why, without the address.

    Args:
        reason: the message.
        status: the HTTP status, if that is the reason.
    """

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class AnswerBroken(BookFailed):
    """The answer broke off, or was not WebDAV."""


class Answer:
    """The resources in a server's answer, as they arrive. Read it to the end, or close it.

    Args:
        url: the address that answered, after redirects.
        response: the unread response.
        beat: called for each piece that arrives. An exception from it ends the reading.
    """

    def __init__(self, url: httpx.URL, response: httpx.Response, beat: Callable[[], None]) -> None:
        self.url = url
        self._response = response
        self._beat = beat
        self._read = Multistatus()

    @property
    def token(self) -> str | None:
        """The state that the answer leads to (RFC 6578). Known when the answer is read to its end."""
        return self._read.token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._response.close()

    def __iter__(self) -> Iterator[Resource]:
        """Yield the resources.

        Raises:
            BookFailed: the answer breaks off, or is not WebDAV. The resources before that are valid.
        """
        left = MAX_ANSWER
        try:
            for piece in pieces(self._response):
                self._beat()
                left -= len(piece)
                if left < 0:
                    raise Oversized("the whole")
                yield from self._read.feed(piece)
            self._read.close()
        except Oversized as error:
            raise AnswerBroken(f"the server's answer was not read completely, because {error} is too large") from None
        except Undecodable:
            raise AnswerBroken("the server's answer has a Content-Encoding that we did not ask for") from None
        except NotDav:
            raise AnswerBroken("the server's answer is not WebDAV; is CONTACTS_URL a CardDAV address?") from None
        except httpx.TimeoutException as error:
            raise _unreached(error) from None
        except (httpx.HTTPError, httpx.StreamError):
            raise AnswerBroken("the server's answer broke off") from None


class Dav:
    """One server, signed in.

    Args:
        address: `CONTACTS_URL`, with its user and password.
        agent: the User-Agent.
        beat: called before each request and for each piece of an answer.
        egress: where the server may be; by default anywhere but metadata services.
    """

    def __init__(
        self, address: str, agent: str, beat: Callable[[], None] = lambda: None, egress: Egress | None = None
    ) -> None:
        url = httpx.URL(address)
        self._user, self._password = url.username, url.password
        self._auth: httpx.Auth = httpx.BasicAuth(self._user, self._password) if url.userinfo else httpx.Auth()
        self.url = url.copy_with(username=None, password=None, fragment=None)
        self._agent = agent
        self._beat = beat
        self._backend = GuardedBackend(egress or Egress.of(None, everything_private=True))
        self._transport = GuardedTransport(self._backend, kept=1, trusts_environment=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transport.close()

    def at(self, href: str, base: httpx.URL | None = None) -> httpx.URL:
        """Return the address of a link on this server.

        It is on the host, port and scheme of our request even if the link names others, since a server behind a proxy
        does not know its own address.

        Raises:
            BookFailed: the link leads to another host, or is invalid.
        """
        base = base or self.url
        try:
            url = parsed(href, base)
        except NotAnAddress:
            raise BookFailed("the server sent an invalid link") from None
        if url.host.lower() != base.host.lower():
            raise _elsewhere(url)
        return base.copy_with(raw_path=url.raw_path)

    def ask(self, method: str, url: httpx.URL, body: str, depth: str = "0") -> Answer:
        """Send one request, follow redirects, and wait for the start of the answer.

        Raises:
            BookFailed: the answer is not a multistatus; `status` has the HTTP status.
        """
        for _ in range(MAX_REDIRECTS + 1):
            self._beat()
            response = self._signed_in(method, url, body, depth)
            if response.status_code == 207:
                return Answer(url, response, self._beat)
            response.close()
            location = response.headers.get("location", "")
            if response.status_code not in (301, 302, 307, 308) or not location:
                raise _refusal(response)
            url = self._redirected(url, location)
        raise BookFailed(f"the server redirects more than {MAX_REDIRECTS} times")

    def _redirected(self, url: httpx.URL, location: str) -> httpx.URL:
        """Follow a redirect on the same server, or from its http to its https."""
        try:
            target = parsed(location, url)
        except NotAnAddress as error:
            raise BookFailed(f"the server redirects to something that {error}") from None
        target = target.copy_with(username=None, password=None, fragment=None)
        upgraded = (url.scheme, _port(url), target.scheme, _port(target)) == ("http", 80, "https", 443)
        same = (url.scheme, _port(url)) == (target.scheme, _port(target))
        if target.host.lower() != url.host.lower() or not (same or upgraded):
            raise _elsewhere(target)
        return target

    def _signed_in(self, method: str, url: httpx.URL, body: str, depth: str) -> httpx.Response:
        try:
            response = self._sent(method, url, body, depth)
        except AnswerBroken:  # the server may have closed a kept connection
            response = self._sent(method, url, body, depth)
        asks_digest = any(
            challenge.lower().startswith("digest") for challenge in response.headers.get_list("www-authenticate")
        )
        if response.status_code == 401 and asks_digest and isinstance(self._auth, httpx.BasicAuth):
            response.close()
            self._auth = httpx.DigestAuth(self._user, self._password)
            response = self._sent(method, url, body, depth)
        return response

    def _sent(self, method: str, url: httpx.URL, body: str, depth: str) -> httpx.Response:
        headers = {
            "User-Agent": self._agent, "Depth": depth, "Content-Type": "application/xml; charset=utf-8",
            "Accept": "application/xml, text/xml", "Accept-Encoding": ACCEPTED,
        }  # fmt: skip
        request = httpx.Request(method, url, headers=headers, content=body.encode())
        times = dict.fromkeys(("read", "write", "pool"), SILENCE_SECONDS) | {"connect": CONNECT_SECONDS}
        request.extensions |= {"timeout": times, UNTOLD: True}  # CONTACTS_URL is a secret
        steps = self._auth.sync_auth_flow(request)
        request = next(steps)
        try:
            while True:
                response = self._answered(request)
                try:
                    request = steps.send(response)
                except StopIteration:
                    return response
                except _UNANSWERABLE:
                    response.close()
                    raise BookFailed("the server asks for a kind of digest sign-in that is not supported") from None
                response.close()
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            raise AnswerBroken("the connection to the server of CONTACTS_URL broke off") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _unreached(error) from None

    def _answered(self, request: httpx.Request) -> httpx.Response:
        self._backend.begin()
        try:
            response = self._transport.handle_request(request)
        except httpx.HTTPError:
            raise
        except Exception as error:  # noqa: BLE001 - a library's, over whatever a server sends
            raise BookFailed(f"the server's answer cannot be read ({type(error).__name__})") from None
        response.request = request
        self._backend.allot(2 * MAX_ANSWER)  # frames included
        return response


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _elsewhere(url: httpx.URL) -> BookFailed:
    return BookFailed(
        f"the server redirects to another one, {url.host}, and the password is not sent there; "
        "if that one is yours too, use its address in CONTACTS_URL"
    )


def _unreached(error: Exception) -> BookFailed:
    if isinstance(error, AddressRefused):
        return BookFailed(f"CONTACTS_URL {error.reason}, and NETWORK_ALLOW does not name it")
    if isinstance(error, httpx.TimeoutException):
        return BookFailed("the server of CONTACTS_URL did not answer in time")
    if "certificate" in str(error).lower():
        return BookFailed(
            "the certificate of CONTACTS_URL's server is not trusted; "
            "to trust your own authority, set SSL_CERT_FILE to its certificate"
        )
    return BookFailed("the server of CONTACTS_URL cannot be reached")


def _refusal(response: httpx.Response) -> BookFailed:
    status = response.status_code
    reasons = {
        401: "the server refuses the user or the password in CONTACTS_URL, or asks for them",
        403: "the user in CONTACTS_URL may not read this address book",
        404: "there is no address book at CONTACTS_URL",
        429: "the server asks us to try again later",
        503: "the server asks us to try again later",
        507: "the server has no room to answer",
    }
    return BookFailed(reasons.get(status, "the server of CONTACTS_URL answered unexpectedly") + f" ({status})", status)
