"""A receiver's answer to a webhook, and its consequences.

A stranger wrote the words of an answer. They are bounded, and shown without secrets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from bot_scheduler import Secrets
from service.bots.support.addresses import NotAnAddress, parsed
from service.bots.support.content_coding import Undecodable, pieces
from service.bots.support.retry_after import seconds_asked
from service.domain.web_encodings import decoded

MAX_ANSWER = 64 * 1024
"""The most bytes of an answer to read."""
MAX_WAIT = 86_400
"""The most seconds that a receiver may ask to wait."""
SHOWN_PLACE = 200
"""The most characters of a redirect's target in an error."""
REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
TEMPORARY = frozenset({408, 409, 421, 423, 425, 429})
"""The 4xx statuses that may change later (RFC 9110, 15.5; RFC 4918, 11.3; RFC 8470, 5.2; RFC 6585, 4)."""
_CHARSET = re.compile(r";\s*charset=\"?([\w.:-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Args:
        status: the HTTP status.
        text: the start of its text; if there is no text, the reason in brackets.
        whole: whether `text` is complete.
        location: the target of a redirect, as the receiver wrote it.
        wait: seconds that the receiver asks to wait for, or 0.
    """

    status: int
    text: str
    whole: bool
    location: str | None = None
    wait: float = 0.0


def read_answer(response: httpx.Response, accepted: bool) -> Answer:
    """Read the answer, up to `MAX_ANSWER`.

    Args:
        response: the unread response.
        accepted: whether the request accepted `gzip`.
    """
    text, whole = _shown(response, accepted)
    location = response.headers.get("location") if response.status_code in REDIRECTS else None
    return Answer(response.status_code, text, whole, location or None, seconds_asked(response, MAX_WAIT))


def is_final(status: int, retried: Collection[int]) -> bool:
    """Return whether the same request would get the same answer, so that it is not sent again.

    This holds for errors of the request, any 4xx (RFC 9110, 15.5) but the temporary ones, and for an address that has
    moved for good. Standard Webhooks takes 410 as the receiver's wish for no more requests.

    Args:
        status: a status that is not expected.
        retried: the statuses after which the job wants another try.
    """
    return status not in retried and (status in (301, 308) or 400 <= status < 500) and status not in TEMPORARY


def failure(answer: Answer, url: httpx.URL, hidden: bool, secrets: Secrets, final: bool) -> str:
    """Return the reason why an answer fails the run, and the consequence, as one sentence without secrets.

    Args:
        answer: the answer.
        url: the address of the request.
        hidden: whether that address is a secret.
        secrets: removes the secrets.
        final: whether the request is not tried again.
    """
    said = [f"the answer was {answer.status}, which is not expected"]
    if answer.status in REDIRECTS:
        said.append(f"it redirects {_place(answer.location, url, hidden, secrets)}, and redirects are not followed")
    if answer.status == 410:
        said.append("its receiver wants no more requests")
    if final:
        said.append("a request with such an answer is not sent again")
    elif answer.wait:
        said.append(f"the receiver asks to wait at least {answer.wait:.0f} s before another try")
    return "; ".join(said)


def _place(location: str | None, url: httpx.URL, hidden: bool, secrets: Secrets) -> str:
    """Return where a redirect leads, without user, query and session.

    If the address of the request is a secret, say only how the target differs from it.
    """
    if location is None:
        return "nowhere, since it names no address"
    if secrets.redacted_start(location, len(location), whole=True) != location:
        return "to an address that holds a secret"
    try:
        target = parsed(location, url)
    except NotAnAddress:
        target = httpx.URL("")
    if target.scheme not in ("http", "https") or not target.host:
        return "to something that is not a web address"
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
    """Return the start of an answer's text, and whether that is all of it. The status counts either way."""
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
