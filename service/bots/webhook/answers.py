"""What a webhook's receiver answered, and what follows from it.

An answer's own words are a stranger's: they are bounded, and shown only when they are rid of secrets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from service.bots.protocol import Secrets
from service.bots.support.addresses import NotAnAddress, parsed
from service.bots.support.content_coding import Undecodable, pieces
from service.bots.support.retry_after import seconds_asked
from service.domain.web_encodings import decoded

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read."""
MAX_WAIT = 86_400
"""Seconds that a receiver may ask to wait for."""
SHOWN_PLACE = 200
"""Characters of the address that a redirect leads to."""
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
TEMPORARY = frozenset({408, 409, 421, 423, 425, 429})
"""Of 4xx those that may be answered otherwise later (RFC 9110, 15.5; RFC 4918, 11.3; RFC 8470, 5.2; RFC 6585, 4)."""
_CHARSET = re.compile(r";\s*charset=\"?([\w.:-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Args:
        status: of HTTP.
        text: the start of its text; in its place, in brackets, why there is none.
        whole: whether `text` is all of it.
        location: where a redirect leads, as the receiver said it.
        wait: seconds that the receiver asks to wait for, 0 if it does not.
    """

    status: int
    text: str
    whole: bool
    location: str | None = None
    wait: float = 0.0


def read_answer(response: httpx.Response, accepted: bool) -> Answer:
    """The answer, as far as it is read.

    Args:
        response: unread.
        accepted: whether `gzip` was asked for.
    """
    text, whole = _shown(response, accepted)
    location = response.headers.get("location") if response.status_code in REDIRECTS else None
    return Answer(response.status_code, text, whole, location or None, seconds_asked(response, MAX_WAIT))


def is_final(status: int, retried: Collection[int]) -> bool:
    """Whether the same request would be answered alike, so that it is not sent again.

    So are the mistakes of a request, 4xx, whatever they are called (RFC 9110, 15.5), and an address that has moved for
    good. Standard Webhooks names 410 as the receiver's wish that nothing more be sent.

    Args:
        status: one that is not expected.
        retried: those that the job wants to be tried again.
    """
    return status not in retried and (status in (301, 308) or 400 <= status < 500) and status not in TEMPORARY


def failure(answer: Answer, url: httpx.URL, hidden: bool, secrets: Secrets, final: bool) -> str:
    """Why an answer fails the run, and what follows, as one sentence without secrets.

    Args:
        url: where the request went.
        hidden: whether that is a secret.
    """
    said = [f"the answer was {answer.status}, which is not expected"]
    if answer.status in REDIRECTS:
        said.append(f"it leads {_place(answer.location, url, hidden, secrets)}, and redirects are not followed")
    if answer.status == 410:
        said.append("its receiver wants no more requests")
    if final:
        said.append("such an answer is not tried again")
    elif answer.wait:
        said.append(f"the receiver asks for another try in {answer.wait:.0f} s at the earliest")
    return "; ".join(said)


def _place(location: str | None, url: httpx.URL, hidden: bool, secrets: Secrets) -> str:
    """Where a redirect leads, without user, query and session; of an address that is a secret, only how it differs."""
    if location is None:
        return "nowhere, since it names no address"
    if secrets.redacted_start(location, len(location), whole=True) != location:
        return "to an address that holds a secret"
    try:
        target = parsed(location, url)
    except NotAnAddress:
        target = httpx.URL("")
    if target.scheme not in ("http", "https") or not target.host:
        return "to something that is no web address"
    if hidden:
        return _difference(target, url)
    path = re.split("[?;]", target.raw_path.decode("ascii", "replace"), maxsplit=1)[0]
    shown = f"{target.scheme}://{target.netloc.decode('ascii', 'replace')}{path}"
    return f"to {shown}" if len(shown) <= SHOWN_PLACE else f"to {shown[:SHOWN_PLACE]}…"


def _difference(target: httpx.URL, url: httpx.URL) -> str:
    if target.host != url.host:
        return "to another host"
    if target.scheme != url.scheme:
        return f"to {target.scheme} instead of {url.scheme}"
    return "to another path or port of the same host"


def _shown(response: httpx.Response, accepted: bool) -> tuple[str, bool]:
    """The start of an answer's text, and whether that is all of it. The status counts either way."""
    body = bytearray()
    try:
        for piece in pieces(response, accepted):
            body += piece
            if len(body) >= MAX_ANSWER:
                break
    except Undecodable as error:
        return f"({error})", True
    charset = _CHARSET.search(response.headers.get("content-type", ""))
    text = decoded(bytes(body[:MAX_ANSWER]), charset[1] if charset else None)
    return ("(the answer is binary)", True) if "\0" in text else (text, len(body) < MAX_ANSWER)
