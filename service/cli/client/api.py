"""Client of the API, with a sentence for each way a request can fail."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from service import VERSION
from service.cli.client.location import Location, find_location
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.cli.output.times import CLOCK

TIMEOUT_SECONDS = 30.0
"""The default limit of the wait for an answer, and for each further piece of it."""
WAITS = 2
"""How many times that limit a whole answer may take, from its first byte on."""
MOST_BYTES = 64 << 20
"""The largest answer that is read whole: some 50,000 jobs."""
_OF_THE_WAY = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that are about how an answer is sent; it is read by then."""
_NUMBER = re.compile(r"\[Errno -?\d+\] ")
"""How Python numbers the errors of an operating system."""

_EXITS = {401: Exit.UNAUTHORISED, 403: Exit.UNAUTHORISED, 404: Exit.NOT_FOUND}


def exit_of(status: int) -> Exit:
    """Return the exit code for a status with which the API refuses something."""
    return _EXITS.get(status, Exit.UNREACHABLE if status >= 500 else Exit.REFUSED)


class Api:
    """The API of one service."""

    def __init__(self, location: Location) -> None:
        self.location = location
        headers = {} if location.key is None else {b"X-API-Key": location.key}
        # No proxy stands between this machine and itself, even if the environment names one.
        self.http = httpx.Client(
            base_url=location.url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=not location.local
        )

    def ask(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | Iterable[bytes] | None = None, headers: Mapping[str, str] | None = None,
        seconds: float | None = TIMEOUT_SECONDS, accepted: tuple[int, ...] = (),
    ) -> httpx.Response:  # fmt: skip
        """Send one request.

        Args:
            method: The HTTP method.
            path: The path, from the root.
            params: The query. Parameters that are None are left out.
            body: A value to send as JSON.
            content: Bytes to send as they are.
            headers: Further headers.
            seconds: The limit of the wait for the answer. None waits for ever.
            accepted: Statuses besides 2xx that count as an answer.

        Raises:
            Failure: There is no answer, or it is a refusal.
        """
        query = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            with self.http.stream(
                method, path, params=query or None, json=body, content=content, headers=headers,
                timeout=httpx.Timeout(seconds, connect=10),
            ) as sent:  # fmt: skip
                answer = self._whole(sent, seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.unreachable(error) from None
        CLOCK.hear(answer.headers.get("Date"))
        if not (answer.is_success or answer.status_code in accepted):
            raise self.refusal(answer)
        return answer

    def _whole(self, sent: httpx.Response, seconds: float | None) -> httpx.Response:
        """Read an answer, if it has an end: another program may send for ever, or a byte now and then."""
        found, end = bytearray(), None if seconds is None else time.monotonic() + WAITS * seconds
        for piece in sent.iter_bytes():
            found += piece
            if end is not None and time.monotonic() > end:
                raise httpx.ReadTimeout("only a part of it came")
            if len(found) > MOST_BYTES:
                raise Failure(
                    Exit.UNREACHABLE,
                    f"The answer of {self.location.url} has more than {MOST_BYTES >> 20} MiB; "
                    "is it a Bot Scheduler? If so, ask for less at a time",
                )
        headers = [(name, value) for name, value in sent.headers.multi_items() if name.lower() not in _OF_THE_WAY]
        return httpx.Response(sent.status_code, headers=headers, content=bytes(found), request=sent.request)

    def pieces(self, path: str, *, params: Mapping[str, Any], kind: str) -> Iterator[bytes]:
        """Stream a long answer, piece by piece.

        Args:
            path: The path, from the root.
            params: The query.
            kind: The media type that the answer must have.

        Raises:
            Failure: There is no answer, it is a refusal or of another type, or it broke off.
        """
        try:
            with self.http.stream("GET", path, params=params) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self.refusal(answer)
                if not answer.headers.get("Content-Type", "").startswith(kind):
                    raise self.wrong_server()
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise self.unreachable(error) from None

    def get(self, path: str, **params: Any) -> Any:
        """Send a GET and return its JSON."""
        return self.json(self.ask("GET", path, params=params))

    def items(self, answer: httpx.Response) -> list[Any]:
        """Read an answer's JSON, a list of objects.

        Raises:
            Failure: The answer is something else, so another program answers at this address.
        """
        found = self.json(answer)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.wrong_server()
        return found

    def pages(self, path: str, limit: int | None, **params: Any) -> Iterator[Any]:
        """Read a list page by page.

        Args:
            path: The path, from the root.
            limit: The most items to return. None returns all.
            params: The query.
        """
        left = limit
        answer = self.ask("GET", path, params={**params, "limit": 200 if left is None else min(left, 200)})
        while True:
            items = self.items(answer)
            yield from items if left is None else items[:left]
            left = None if left is None else left - len(items)
            following = answer.links.get("next", {}).get("url")
            if following is None or (left is not None and left <= 0):
                return
            answer = self.ask("GET", following)

    def json(self, answer: httpx.Response, *fields: str) -> Any:
        """Read an answer's JSON.

        Args:
            answer: The answer.
            fields: Fields that it must have; it must be an object then.

        Raises:
            Failure: The answer is something else, so another program answers at this address.
        """
        try:
            said = answer.json()
        except (ValueError, RecursionError):
            raise self.wrong_server() from None
        if fields and not (isinstance(said, dict) and said.keys() >= set(fields)):
            raise self.wrong_server()
        return said

    def refusal(self, answer: httpx.Response) -> Failure:
        """Put a refusal of the API into a Failure."""
        status = answer.status_code
        if answer.has_redirect_location:
            return Failure(
                Exit.UNREACHABLE,
                f"{self.location.url} redirects to {answer.headers['Location']}; set BOT_SCHEDULER_URL to that",
            )
        try:
            said = answer.json()
            detail, errors = str(said["detail"]).replace("\n", "\n  "), said.get("errors") or []
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.wrong_server(status)
        if status == 401:
            detail += f" (the key comes from {self.location.key_from})"
        return Failure(exit_of(status), detail, errors)

    def unreachable(self, error: Exception) -> Failure:
        """Put a connection's error into a Failure."""
        if isinstance(error, httpx.InvalidURL) and "too long" in str(error):
            return Failure(Exit.USAGE, "A text is too long for a request; give a shorter one")
        if isinstance(error, httpx.LocalProtocolError):
            told = f"The key from {self.location.key_from} has bytes that an HTTP header cannot contain"
            return Failure(Exit.UNAUTHORISED, told)
        if isinstance(error, httpx.ConnectError):
            why = "There is no answer"
        elif isinstance(error, httpx.TimeoutException):
            why = "There was no answer in time"
        else:
            why = "The connection broke"
        told = _NUMBER.sub("", " ".join(str(error).split()))
        return Failure(
            Exit.UNREACHABLE,
            f"{why} at {self.location.url}{f' ({told})' if told else ''}; "
            "is the service running, and is BOT_SCHEDULER_URL correct?",
        )

    def lacks(self, field: object) -> Failure:
        """Say that an answer has no field of this name: another program answers, or another release."""
        return Failure(
            Exit.UNREACHABLE,
            f"An answer of {self.location.url} has no field {quoted(str(field))}; is it a Bot Scheduler, "
            f"and of the same release as this command ({VERSION})?",
        )

    def wrong_server(self, status: int | None = None) -> Failure:
        """Say that another program answers at this address."""
        told = "" if status is None else f" (status {status})"
        return Failure(
            Exit.UNREACHABLE,
            f"{self.location.url} is not a Bot Scheduler{told}; is BOT_SCHEDULER_URL correct?",
        )


@cache
def api() -> Api:
    """Return the API of the service that this command talks to."""
    return Api(find_location())


def segment(text: str) -> str:
    """Escape `text` so that it is one segment of a path.

    Raises:
        Failure: It has a slash, which no name or id in an address has; the service says of such an address only that
            there is nothing.
    """
    if "/" in text or "\\" in text:
        raise Failure(Exit.NOT_FOUND, f"Nothing has the name or id {quoted(text)}: it cannot have a slash")
    return quote(text, safe="") if text not in (".", "..") else text.replace(".", "%2E")
