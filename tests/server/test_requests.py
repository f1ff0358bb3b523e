"""What is taken for a request, in which order it is answered, and what malformed ones are told."""

from __future__ import annotations

import re

import pytest

from service.web.server.heads import FIELDS, HEAD_BYTES, LINE_BYTES
from service.web.server.refusals import CHUNK, CODING, FIRST_LINE, HEADER, METHOD, VERSION, named
from tests.support.talking import Talk, said, statuses, told
from tests.support.web_process import Web

pytestmark = pytest.mark.processes

BAD_HOSTS = (b"x y", b"a@b", b"x/y", b"[::1", b"x, y", b"\xc3\xa9", b"x:y", b"[::1]x")
HEAD = b"GET /a HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH, CODINGS = named("Content-Length"), named("Transfer-Encoding")
BOTH = "The request has both a Content-Length and a Transfer-Encoding header"
NAME = "The name of a header of the request is malformed"
FOLD = "A header of the request continues on another line; it must be on one line"
LONG = "The first line of the request is too long"
MANY = "The request has too many headers, or one that is too long"

MALFORMED = [
    (b"NONSENSE\r\n\r\n", 400, METHOD),
    (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 400, METHOD),
    (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400, METHOD),
    (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, METHOD),
    (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400, FIRST_LINE),
    (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400, FIRST_LINE),
    (b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400, FIRST_LINE),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400, FIRST_LINE),
    (b"GET /\r\n\r\n", 400, VERSION),
    (b"GET / HTTP/0.9\r\n\r\n", 400, VERSION),
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, VERSION),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, VERSION),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, VERSION),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "The request has no Host header"),
    (HEAD + b"Host: y\r\n\r\n", 400, named("Host")),
    *((b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400, named("Host")) for host in BAD_HOSTS),
    (POST + b"Content-Type: a/b\r\nContent-Type: a/c\r\n\r\n", 400, named("Content-Type")),
    (HEAD + b"X y\r\n\r\n", 400, NAME),
    (HEAD + b"X : y\r\n\r\n", 400, NAME),
    (HEAD + b"X\x00: y\r\n\r\n", 400, NAME),
    (HEAD + b"X: y\r\n z\r\n\r\n", 400, FOLD),
    (HEAD + b" X: y\r\n\r\n", 400, FOLD),
    (HEAD + b"X: a\x00b\r\n\r\n", 400, HEADER),
    (HEAD + b"X: a\rb\r\n\r\n", 400, HEADER),
    (HEAD + b"X: a\nTransfer-Encoding: chunked\r\n\r\n", 400, HEADER),
    (POST + b"Content-Length: abc\r\n\r\n", 400, LENGTH),
    (POST + b"Content-Length:\r\n\r\n", 400, LENGTH),
    (POST + b"Content-Length: 5, 5\r\n\r\n", 400, LENGTH),
    (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", 400, LENGTH),
    (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, LENGTH),
    (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, BOTH),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, BOTH),
    (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CODINGS),
    (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, CODINGS),
    (POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400, CODINGS),
    (POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400, CODINGS),
    (b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, CODINGS),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, CODING),
    (POST + b"Expect: magic\r\nContent-Length: 2\r\n\r\n{}", 417, "The Expect header may only be 100-continue"),
    (CHUNKS + b"ZZ\r\n{}\r\n0\r\n\r\n", 400, CHUNK),
    (CHUNKS + b"2\n{}\n0\n\n", 400, CHUNK),
    (CHUNKS + b"2 \r\n{}\r\n0\r\n\r\n", 400, CHUNK),
    (CHUNKS + b"2\r\n{}XX\r\n0\r\n\r\n", 400, CHUNK),
    (CHUNKS + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n", 400, CHUNK),
    (CHUNKS + b"2;" + b"a" * 200_000 + b"\r\n{}\r\n0\r\n\r\n", 400, CHUNK),
    (CHUNKS + b"0\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", 400, CHUNK),
    (b"GET /" + b"x" * LINE_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, LONG),
    (b"GET /" + b"x" * 10 * HEAD_BYTES, 414, LONG),
    (HEAD + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431, MANY),
    (HEAD + b"X: 1\r\n" * FIELDS + b"\r\n", 431, MANY),
    (HEAD + (b"X: " + b"x" * 8000 + b"\r\n") * 9 + b"\r\n", 431, MANY),
    (HEAD + b"X: " + b"x" * 10 * HEAD_BYTES, 431, MANY),
    (b"\r\n" * HEAD_BYTES + NEXT, 431, MANY),
]


@pytest.mark.parametrize(("raw", "status", "sentence"), MALFORMED)
def test_a_malformed_request_is_told_why_and_nothing_behind_it_is_read(
    small: Web, raw: bytes, status: int, sentence: str
) -> None:
    """In JSON that nobody keeps; these reasons are those of llhttp 9 in httptools 0.9, and a later one has its own."""
    answer = said(small.port, raw + NEXT)
    assert statuses(answer) == [status]
    assert told(answer) == {"detail": sentence}
    head = answer.lower().partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    assert set(head) >= {b"connection: close", b"cache-control: no-store", b"x-content-type-options: nosniff"}
    assert not [line for line in head if line.startswith(b"server:")]


def test_heads_up_to_the_limits_are_taken(small: Web) -> None:
    """A line of 8,190 bytes, 100 headers, a header of 8,190 bytes."""
    line = b"GET /" + b"x" * (LINE_BYTES - 14) + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for raw in (line, HEAD + b"X: 1\r\n" * (FIELDS - 1) + b"\r\n", HEAD + b"X: " + b"x" * 8187 + b"\r\n\r\n"):
        assert statuses(said(small.port, raw)) == [200]


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/a%20b/%C3%A4?c=%20", "/a b/ä", "/a%20b/%C3%A4", "c=%20"),
        (b"*", "*", "*", ""),
        (b"http://y/a?b", "http://y/a", "http://y/a", "b"),
        (b"http://y?/a", "http://y", "http://y", "/a"),
        (b"/a#b?c#d", "/a#b", "/a#b", "c#d"),
        (b"//a/../b", "//a/../b", "//a/../b", ""),
        (b"/%FF%00", "/\ufffd\0", "/%FF%00", ""),
    ],
)
def test_the_application_gets_the_target_as_it_was_sent(
    small: Web, target: bytes, path: str, raw_path: str, query: str
) -> None:
    """In any form (RFC 9112, section 3.2); its guard decides."""
    found = told(said(small.port, b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target))
    assert (found["path"], found["raw_path"], found["query_string"]) == (path, raw_path, query)


def test_headers_come_as_they_were_sent_but_for_names_with_underscores(small: Web) -> None:
    """Names in lower case, values without the blanks around them. What stands behind the body is no header."""
    raw = CHUNKS[:-2] + b"X-A: \t a\tb \t\r\nX_A: c\r\nx-A:\r\n\r\n2;y=z\r\nhi\r\n0\r\nX-API-Key: k\r\nX-B: d\r\n\r\n"
    with Talk(small.port) as talk:
        talk.say(raw + NEXT)
        talk.end()
        first, second = re.findall(rb"\r\n\r\n(\{.*?\})(?=HTTP|$)", talk.rest())
    found = told(b"\r\n\r\n" + first)
    expected = [["host", "x"], ["transfer-encoding", "chunked"], ["x-a", "a\tb"], ["x-a", ""]]
    assert (found["headers"], found["body"]) == (expected, "hi")
    assert told(b"\r\n\r\n" + second)["headers"] == [["host", "x"]]


def test_a_wish_for_another_protocol_is_ignored(small: Web) -> None:
    """Also with a body, as curl and Java send it; uvicorn alone would lose the body."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
    for framing, body in ((b"Content-Length: 5\r\n\r\n", b"hello"), (b"Transfer-Encoding: chunked\r\n\r\n", b"")):
        raw = POST + upgrade + framing + (body or b"5\r\nhello\r\n0\r\n\r\n")
        answers = said(small.port, raw + NEXT)
        assert statuses(answers) == [200, 200]
        assert b'"body": "hello"' in answers
    websocket = HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert statuses(said(small.port, websocket + NEXT)) == [200, 200]


def test_a_tunnel_is_answered_and_ends_the_connection(small: Web) -> None:
    """`CONNECT` goes to the application as any method does; what follows is not taken for a request."""
    answer = said(small.port, b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT)
    assert statuses(answer) == [200]
    assert b"\r\nconnection: close\r\n" in answer


def test_requests_sent_ahead_are_answered_in_order(small: Web) -> None:
    """One at a time; a malformed one is answered after those before it, and nothing behind it is read."""
    ahead = b"GET /slow?0.2 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT * 500
    answers = said(small.port, ahead + b"BAD\r\n\r\n" + NEXT)
    assert statuses(answers) == [200] * 501 + [400]
    assert answers.index(b'"slow"') < answers.index(b'"/next"')


def test_a_request_cut_within_a_chunk_behind_another_is_answered_in_turn(small: Web) -> None:
    """The one before it has its answer first, and whole."""
    answers = said(small.port, b"GET /slow?0.2 HTTP/1.1\r\nHost: x\r\n\r\n" + CHUNKS + b"ZZ\r\n" + NEXT)
    assert statuses(answers) == [200, 400]


def test_many_requests_sent_ahead_byte_by_byte(small: Web) -> None:
    """However the bytes are cut."""
    with Talk(small.port) as talk:
        for byte in NEXT + CHUNKS + b"2\r\nhi\r\n0\r\n\r\n" + NEXT:
            talk.say(bytes([byte]))
        talk.end()
        assert statuses(talk.rest()) == [200, 200, 200]


def test_an_older_client_gets_an_answer_that_it_can_read(small: Web) -> None:
    """HTTP/1.0 knows no chunks: the end of the connection ends the body."""
    answer = said(small.port, b"GET /long?1 HTTP/1.0\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert len(body) == 1024 * 1024


def test_an_application_that_fails_is_a_500_in_json(small: Web) -> None:
    """Also where it would send a header with a line break, which would be a second header."""
    for path in (b"break", b"split"):
        answer = said(small.port, b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
        assert statuses(answer) == [500]
        assert told(answer) == {"detail": "Internal server error"}
        assert b"\r\nb: c" not in answer


def test_a_head_alone_has_no_body(small: Web) -> None:
    """The next answer follows at once."""
    answers = said(small.port, b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT)
    assert statuses(answers) == [200, 200]
    assert answers.count(b'"method"') == 1


def test_a_stream_hears_that_its_client_has_gone(small: Web) -> None:
    """By `http.disconnect`, whether both sides are closed or only the client's."""
    with Talk(small.port) as talk:
        talk.say(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        talk.until(b"begun")
        talk.end()
        assert b"gone" in talk.rest()
