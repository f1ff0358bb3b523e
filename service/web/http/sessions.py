"""Sessions of the console: a cookie that proves that its holder had the API key.

The cookie contains a signed time and nothing else. The signing key derives from the API key, so that every web process
recognises a cookie without asking Redis, and so that it stops working when the API key changes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable

from falcon.asgi import Request, Response
from itsdangerous import BadSignature, TimestampSigner

from service.web.http.auth import ApiKeys

COOKIE = "bot_scheduler_session"
LIFETIME_SECONDS = 12 * 3600
"""How long a session lasts without use."""
RENEWED_AFTER_SECONDS = 3600
"""A session in use gets a new cookie when its cookie is older than this."""

_PORTS = {"http": ":80", "https": ":443"}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A name, an address, or an IPv6 address in brackets, with or without a port."""


class _Signer(TimestampSigner):
    """A signer with one key's digest; `now` reads the time, epoch seconds."""

    def __init__(self, secret: bytes, now: Callable[[], float]) -> None:
        super().__init__(
            secret, salt="bot-scheduler console session", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._now = now

    def get_timestamp(self) -> int:
        """Read the time to sign."""
        return int(self._now())


class Sessions:
    """The sessions that the API keys open.

    Args:
        keys: the API keys. A session ends when the key that opened it is removed.
        now: reads the time, epoch seconds.
    """

    def __init__(self, keys: ApiKeys, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._signers = {digest: _Signer(digest, now) for digest in keys.digests}

    def open(self, key: bytes) -> str | None:
        """Open a session. Returns its token; None if `key` is not an API key."""
        digest = self._keys.recognise(key)
        return None if digest is None else self._signers[digest].sign(b"console").decode()

    def holds(self, token: str) -> bool:
        """Tell whether a token is valid and has not expired."""
        return self._signer(token, LIFETIME_SECONDS) is not None

    def renewed(self, token: str) -> str | None:
        """Return a new token for a valid one that is old enough; None where there is no need."""
        signer = self._signer(token, LIFETIME_SECONDS)
        if signer is None or self._signer(token, RENEWED_AFTER_SECONDS) is not None:
            return None
        return signer.sign(b"console").decode()

    def signed_in(self, req: Request) -> bool:
        """Tell whether the request's cookie is valid, wherever the request comes from."""
        return self.token(req) is not None

    def token(self, req: Request) -> str | None:
        """Return the request's token, if it is valid."""
        return next((token for token in req.get_cookie_values(COOKIE) or () if self.holds(token)), None)

    def may_change(self, req: Request) -> bool:
        """Tell whether the request's cookie counts as an API key: one of the console's own pages sent it."""
        return is_same_origin(req) and self.signed_in(req)

    def _signer(self, token: str, max_age: int) -> _Signer | None:
        for signer in self._signers.values():
            try:
                signer.unsign(token.encode("utf-8", "surrogatepass"), max_age=max_age)
            except BadSignature:
                continue
            return signer
        return None


def is_same_origin(req: Request) -> bool:
    """Tell whether the browser's `Origin` (RFC 6454) is one of the console's own pages.

    No script can set this header. Without it, the answer is no. `X-Forwarded-Host` and `-Proto` tell what the
    browser asked for where a proxy stands before this process; another site's page cannot send them. An `https` origin
    is accepted also where no proxy reports TLS, an `http` origin never where one does.
    """
    if req.get_header("Sec-Fetch-Site") not in (None, "same-origin"):
        return False
    scheme, mark, theirs = (req.get_header("Origin") or "").partition("://")
    if not mark or scheme not in _PORTS or (scheme == "http" and is_https(req)):
        return False
    ours = _host(_first(req.get_header("X-Forwarded-Host")) or req.netloc, scheme)
    return ours is not None and ours == _host(theirs, scheme)


def _host(text: str, scheme: str) -> str | None:
    """Return a host and its port in the form to compare; None for anything else, such as one with a user's name."""
    return text.lower().removesuffix(_PORTS[scheme]) if _HOST.fullmatch(text) else None


def is_https(req: Request) -> bool:
    """Tell whether the browser speaks TLS with this process or with the proxy before it."""
    return (_first(req.get_header("X-Forwarded-Proto")) or req.scheme).lower() == "https"


def _first(header: str | None) -> str:
    """Return the value that the first of several proxies has set."""
    return (header or "").partition(",")[0].strip()


def set_cookie(req: Request, resp: Response, token: str) -> None:
    """Give a session's cookie to the browser. Scripts cannot read it, and only the console's own pages send it."""
    resp.set_cookie(
        COOKIE, token, max_age=LIFETIME_SECONDS, path="/", secure=is_https(req), http_only=True, same_site="Strict"
    )


def drop_cookie(req: Request, resp: Response) -> None:
    """Have the browser forget the session's cookie."""
    resp.set_cookie(COOKIE, "", max_age=0, path="/", secure=is_https(req), http_only=True, same_site="Strict")
