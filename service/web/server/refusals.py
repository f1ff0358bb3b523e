"""Answers of the server itself, to requests that never reach the application: `{"detail": "<one sentence>"}`.

They quote nothing of the request: a header, or what looks like one, may contain a key.
"""

from __future__ import annotations

import json
from http import HTTPStatus

import httptools

JSON = b"application/json"


class Refused(Exception):
    """The request is refused.

    Args:
        status: the HTTP status of the answer.
        sentence: its detail.
        retry_after: seconds after which the client may try again; None for a request that will never be accepted.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.retry_after = retry_after


def detail(sentence: str) -> bytes:
    """Return the body of an answer."""
    return json.dumps({"detail": sentence}).encode()


def answer(refused: Refused) -> bytes:
    """Return all bytes of the answer. It is the last one of its connection."""
    body = detail(refused.sentence)
    later = f"Retry-After: {refused.retry_after}\r\n" if refused.retry_after is not None else ""
    head = (
        f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\nConnection: close\r\n"
        f"Content-Type: {JSON.decode()}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"{later}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("latin-1") + body


FIRST_LINE = "The first line of the request is malformed"
METHOD = "The method in the first line of the request is malformed"
VERSION = "The HTTP version in the first line of the request is not supported"
CODING = "The Transfer-Encoding header may only be chunked"
HEADER = "A header of the request is malformed"
CHUNK = "A chunk of the request's body is malformed"
LATE_HEAD = Refused(408, "The first line and the headers of the request came too slowly")
FULL = Refused(503, "Too many clients are connected; try again soon", retry_after=2)


def named(header: str) -> str:
    """Return the sentence about a header that counts for the message itself."""
    return f"The {header} header is malformed, or was sent twice"


_REASONS = {
    "Expected space after method": METHOD,
    "Invalid HTTP version": VERSION,
    "Pause on PRI/Upgrade": VERSION,
    "Expected HTTP/, RTSP/ or ICE/": FIRST_LINE,
    "Expected CRLF after version": FIRST_LINE,
    "Unexpected whitespace after header value": (
        "A header of the request continues on another line; it must be on one line"
    ),
    "Invalid header token": "The name of a header of the request is malformed",
    "Invalid header field char": "The name of a header of the request is malformed",
    "Invalid header value char": HEADER,
    "Missing expected CR after header value": HEADER,
    "Missing expected LF after header value": HEADER,
    "Invalid character in Content-Length": named("Content-Length"),
    "Content-Length overflow": named("Content-Length"),
    "Empty Content-Length": named("Content-Length"),
    "Duplicate Content-Length": named("Content-Length"),
    "Content-Length can't be present with Transfer-Encoding": (
        "The request has both a Content-Length and a Transfer-Encoding header"
    ),
    "Transfer-Encoding can't be present with Content-Length": (
        "The request has both a Content-Length and a Transfer-Encoding header"
    ),
    "Invalid `Transfer-Encoding` header value": named("Transfer-Encoding"),
    "Request has invalid `Transfer-Encoding`": named("Transfer-Encoding"),
    "Empty Transfer-Encoding": named("Transfer-Encoding"),
    "Chunk size overflow": CHUNK,
    "Invalid character in chunk size": CHUNK,
    "Missing expected CR after chunk size": CHUNK,
    "Expected LF after chunk data": CHUNK,
}
"""What the parser (llhttp) says, and the sentence for it. It puts some of them otherwise in other versions; a request
with a reason that is not here is malformed all the same."""


def refusal_of(error: httptools.HttpParserError) -> Refused:
    """Return the refusal of a request that the parser could not read."""
    if isinstance(error.__context__, Refused):  # raised by us in a callback
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return Refused(400, METHOD)
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return Refused(400, FIRST_LINE)
    return Refused(400, _REASONS.get(str(error), "The request is malformed"))
