"""Which spellings of an address are taken at all.

A path that two programs can read differently is how one of them is passed by: a proxy guards one reading, we would
serve the other. So there is one spelling, and all others name nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_ODD = re.compile(r"//|/\.\.?(?:/|$)|[\x00-\x1f\x7f\\\ufffd]|%(?:2f|5c)", re.IGNORECASE)
"""Empty and dot segments, controls, backslashes, what is not UTF-8, encoded slashes and backslashes."""


def is_plain(environ: Mapping[str, Any]) -> bool:
    """Whether a request names its path in the one spelling that is taken.

    That is the origin form (RFC 9112, 3.2.1) without empty segments, but for one trailing slash, without dot segments,
    and without what becomes a slash, a backslash or a control when it is decoded, be it twice. The absolute form,
    which is for proxies, `*` and the authority form name nothing here.

    Args:
        environ: WSGI's. `PATH_INFO` is decoded already; `RAW_URI`, where the server supplies it, is as it was sent.
    """
    path = environ["PATH_INFO"]
    if not path.isascii():
        path = path.encode("latin-1", "replace").decode("utf-8", "replace")
    return _is_plain(path or "/") and _is_plain_target(environ.get("RAW_URI"))


def _is_plain(path: str) -> bool:
    if not path.startswith("/") or _ODD.search(path):
        return False
    return "%" not in path or not _ODD.search(unquote(path))


def _is_plain_target(target: str | None) -> bool:
    """Whether the request's target is plain too; a fragment is never part of one."""
    if target is None:
        return True
    return target.startswith("/") and "#" not in target and not _ODD.search(target.partition("?")[0])
