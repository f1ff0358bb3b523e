"""Check of a request's head: the rules of HTTP that the parser leaves to its user, and our limits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.web.server.refusals import CODING, FIRST_LINE, VERSION, Refused, named

LINE_BYTES = 8190
"""The longest first line."""
FIELD_BYTES = 8190
"""The longest header."""
FIELDS = 100
"""The most headers."""
HEAD_BYTES = 64 * 1024
"""The most bytes of the first line and all headers together."""

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+;=]*)(?::[0-9]*)?")
"""A name or an address, with or without a port (RFC 3986, section 3.2)."""
_SINGLE = {b"host": "Host", b"content-type": "Content-Type", b"transfer-encoding": "Transfer-Encoding"}
"""Headers that a request may have once. The parser itself sees to Content-Length."""


def check(method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Check the head of a request that the parser has accepted.

    Args:
        method: as it was sent.
        target: as it was sent.
        version: such as `1.1`.
        headers: names in lower case, and values.

    Returns:
        Whether the client waits for `100 Continue` before it sends the body.

    Raises:
        Refused: the request breaks a rule or a limit.
    """
    _check_sizes(len(method) + len(target) + len("  HTTP/1.1"), headers)
    if version not in ("1.1", "1.0"):
        raise Refused(400, VERSION)
    if not target.isascii():
        raise Refused(400, FIRST_LINE)
    single: dict[bytes, bytes] = {}
    expectations = []
    for name, value in headers:
        if name in _SINGLE:
            if name in single:
                raise Refused(400, named(_SINGLE[name]))
            single[name] = value
        elif name == b"expect":
            expectations.append(value.lower())
    _check_coding(single.get(b"transfer-encoding"), version)
    if version == "1.0":
        return False  # such a client knows no expectations (RFC 9110, section 10.1.1)
    if b"host" not in single:
        raise Refused(400, "The request has no Host header")  # RFC 9112, section 3.2
    if not _HOST.fullmatch(single[b"host"]):
        raise Refused(400, named("Host"))
    if any(expected != b"100-continue" for expected in expectations):
        raise Refused(417, "The Expect header may only be 100-continue")
    return bool(expectations)


def too_long() -> Refused:
    """Return the refusal of a first line."""
    return Refused(414, "The first line of the request is too long")


def too_many() -> Refused:
    """Return the refusal of headers."""
    return Refused(431, "The request has too many headers, or one that is too long")


def _check_sizes(line: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
    if line > LINE_BYTES:
        raise too_long()
    if len(headers) > FIELDS:
        raise too_many()
    whole = line
    for name, value in headers:
        field = len(name) + len(value) + len(": ")
        if field > FIELD_BYTES:
            raise too_many()
        whole += field + len("\r\n")
    if whole > HEAD_BYTES:
        raise too_many()


def _check_coding(coding: bytes | None, version: str) -> None:
    """Let `chunked` through, the only coding (RFC 9112, section 6.1), and not in HTTP/1.0, which does not know it."""
    if coding is None:
        return
    codings = coding.lower().split(b",")
    if codings[-1].strip(b" \t") != b"chunked" or version == "1.0":
        raise Refused(400, named("Transfer-Encoding"))
    if len(codings) > 1:
        raise Refused(501, CODING)
