"""Keys that requests bring: in `X-API-Key`, as a bearer token (RFC 6750), or as a password (RFC 7617)."""

from __future__ import annotations

import base64
import binascii

from falcon.asgi import Request

from service.web.http.auth import header_bytes

API_KEY_HEADER = "X-API-Key"


def sent_key(req: Request) -> bytes | None:
    """Return the key that a request sends; None for none. With both headers, `X-API-Key` counts."""
    given = req.get_header(API_KEY_HEADER)
    if given is None:
        given = _credentials(req, "bearer")
    return None if given is None else header_bytes(given)


def sent_password(req: Request) -> bytes | None:
    """Return the password that a request sends; None for none."""
    credentials = _credentials(req, "basic")
    if credentials is None:
        return None
    try:
        decoded = base64.b64decode(header_bytes(credentials), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return decoded.partition(b":")[2].strip(b" \t")


def names_key_header(req: Request) -> bool:
    """Tell whether a request has `X-API-Key`, whatever stands in it."""
    return req.get_header(API_KEY_HEADER) is not None


def _credentials(req: Request, scheme: str) -> str | None:
    """Return the credentials in `Authorization`; None if it has another scheme."""
    value = req.get_header("Authorization")
    if value is None:
        return None
    found, _, credentials = value.partition(" ")
    return credentials.strip(" \t") if found.lower() == scheme else None
