"""Requests to the API, and words for what can go wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from service.cli.client.location import Place, find_place
from service.cli.exits import Exit, Failure

SECONDS = 30.0
"""The longest wait for an answer, unless a request says otherwise."""

_EXITS = {401: Exit.UNAUTHORISED, 403: Exit.UNAUTHORISED, 404: Exit.NOT_FOUND}


class Api:
    """The API of one service.

    Args:
        place: where it is.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        headers = {} if place.key is None else {b"X-API-Key": place.key}
        # No proxy stands between this machine and itself, whatever the environment says of proxies.
        self.http = httpx.Client(base_url=place.url, headers=headers, timeout=SECONDS, trust_env=not place.local)

    def ask(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | Iterable[bytes] | None = None, headers: Mapping[str, str] | None = None,
        seconds: float | None = SECONDS, taken: tuple[int, ...] = (),
    ) -> httpx.Response:  # fmt: skip
        """One request.

        Args:
            path: from the root.
            params: the query; those that are None are left out.
            body: sent as JSON.
            content: sent as it is.
            seconds: the longest wait for the answer; None: as long as it takes.
            taken: statuses that are answers as well, besides 2xx.

        Raises:
            Failure: there is no answer, or it is a refusal.
        """
        query = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            answer = self.http.request(
                method, path, params=query or None, json=body, content=content, headers=headers,
                timeout=httpx.Timeout(seconds, connect=10),
            )  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self.away(error) from None
        if not (answer.is_success or answer.status_code in taken):
            raise self.refusal(answer)
        return answer

    def pieces(self, path: str, *, params: Mapping[str, Any], kind: str) -> Iterator[bytes]:
        """A long answer piece by piece, as it comes.

        Args:
            kind: the media type that it must have.

        Raises:
            Failure: there is no answer, it is a refusal or of another kind, or it broke off.
        """
        try:
            with self.http.stream("GET", path, params=params) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self.refusal(answer)
                if not answer.headers.get("Content-Type", "").startswith(kind):
                    raise self.stranger()
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise self.away(error) from None

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a GET."""
        return self.json(self.ask("GET", path, params=params))

    def pages(self, path: str, limit: int | None, **params: Any) -> Iterator[Any]:
        """The items of a list, page by page, at most `limit` of them; None: all."""
        left = limit
        answer = self.ask("GET", path, params={**params, "limit": 200 if left is None else min(left, 200)})
        while True:
            items = self.json(answer)
            if not isinstance(items, list):
                raise self.stranger()
            yield from items if left is None else items[:left]
            left = None if left is None else left - len(items)
            following = answer.links.get("next", {}).get("url")
            if following is None or (left is not None and left <= 0):
                return
            answer = self.ask("GET", following)

    def json(self, answer: httpx.Response, *fields: str) -> Any:
        """What an answer says.

        Args:
            fields: what it has, where it is an object.

        Raises:
            Failure: it is no such JSON, so that something else answers there.
        """
        try:
            said = answer.json()
        except ValueError:
            raise self.stranger() from None
        if fields and not (isinstance(said, dict) and said.keys() >= set(fields)):
            raise self.stranger()
        return said

    def refusal(self, answer: httpx.Response) -> Failure:
        """What an answer that is none says."""
        status = answer.status_code
        if answer.is_redirect:
            return Failure(
                Exit.UNREACHABLE,
                f"{self.place.url} sends on to {answer.headers.get('Location')}; set BOT_SCHEDULER_URL to that",
            )
        try:
            said = answer.json()
            detail, errors = str(said["detail"]), said.get("errors") or []
        except (ValueError, KeyError, TypeError, AttributeError):
            return self.stranger(status)
        if status == 401:
            detail += f" (the key comes from {self.place.key_from})"
        return Failure(_EXITS.get(status, Exit.UNREACHABLE if status >= 500 else Exit.REFUSED), detail, errors)

    def away(self, error: Exception) -> Failure:
        """That there is no answer."""
        if isinstance(error, httpx.LocalProtocolError):
            return Failure(Exit.UNAUTHORISED, f"The key from {self.place.key_from} has bytes that no header can carry")
        if isinstance(error, httpx.ConnectError):
            why = "Nothing answers"
        elif isinstance(error, httpx.TimeoutException):
            why = "No answer came in time"
        else:
            why = "The connection broke"
        told = " ".join(str(error).split())
        return Failure(
            Exit.UNREACHABLE,
            f"{why} at {self.place.url}{f' ({told})' if told else ''}; is the service up, and BOT_SCHEDULER_URL right?",
        )

    def stranger(self, status: int | None = None) -> Failure:
        """That something else answers there."""
        told = "" if status is None else f" (status {status})"
        return Failure(
            Exit.UNREACHABLE, f"What answers at {self.place.url} is no Bot Scheduler{told}; is BOT_SCHEDULER_URL right?"
        )


@cache
def api() -> Api:
    """The API of this command's service."""
    return Api(find_place())


def segment(text: str) -> str:
    """`text` as one segment of a path, whatever it holds."""
    return quote(text, safe="") if text not in (".", "..") else text.replace(".", "%2E")
