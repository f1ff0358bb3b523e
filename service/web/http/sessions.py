"""The cookie of the console's sessions, and what a request tells of the page that sent it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from falcon.asgi import Request, Response

COOKIE = "bot_scheduler_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""The cookie's name under TLS: browsers take one of such a name from this very host alone (RFC 6265bis, 4.1.3.2)."""
LIFETIME_SECONDS = 7 * 86_400
"""How long a browser keeps the cookie. The session may end before."""

_PORTS = {"http": ":80", "https": ":443"}
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
"""A name, an address, or an IPv6 address in brackets, with or without a port."""


def session_cookies(req: Request) -> Sequence[str]:
    """Return the values of the cookie that a request sends; most often one, or none."""
    if req.get_header("Cookie") is None:
        return ()
    return req.get_cookie_values(cookie_name(req)) or ()


def cookie_name(req: Request) -> str:
    """Return the cookie's name, which TLS changes."""
    return SECURE_COOKIE if is_https(req) else COOKIE


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


def own_address(req: Request, path: str, public_url: str | None = None) -> str:
    """Return the whole address of a path of this service.

    Args:
        req: the request.
        path: the path.
        public_url: where people reach the service; None: where whoever sends the request does.
    """
    if public_url:
        return f"{public_url.rstrip('/')}{path}"
    scheme = "https" if is_https(req) else "http"
    return f"{scheme}://{_first(req.get_header('X-Forwarded-Host')) or req.netloc}{path}"


def is_https(req: Request) -> bool:
    """Tell whether the browser speaks TLS with this process or with the proxy before it."""
    return (_first(req.get_header("X-Forwarded-Proto")) or req.scheme).lower() == "https"


def _first(header: str | None) -> str:
    """Return the value that the first of several proxies has set."""
    return (header or "").partition(",")[0].strip()


def set_cookie(req: Request, resp: Response, token: str) -> None:
    """Give a session's cookie to the browser. Scripts cannot read it, and only the console's own pages send it."""
    resp.set_cookie(
        cookie_name(req),
        token,
        max_age=LIFETIME_SECONDS,
        path="/",
        secure=is_https(req),
        http_only=True,
        same_site="Strict",
    )


def drop_cookie(req: Request, resp: Response) -> None:
    """Have the browser forget the session's cookie."""
    resp.set_cookie(cookie_name(req), "", max_age=0, path="/", secure=is_https(req), http_only=True, same_site="Strict")
