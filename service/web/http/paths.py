"""Check of paths: each address has one spelling, and all others are 404.

A path that two programs read differently leads past one of them: a proxy guards one reading, and this process would
serve the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_ODD = re.compile(r"//|/\.\.?(?:/|$)|[\x00-\x1f\x7f\\\ufffd]|%(?:2f|5c)", re.IGNORECASE)
"""Empty and dot segments, controls, backslashes, invalid UTF-8, encoded slashes and backslashes."""


def is_plain(scope: Mapping[str, Any]) -> bool:
    """Tell whether a request spells its path in the accepted way.

    That is the origin form (RFC 9112, 3.2.1) with no empty segments except for one trailing slash, no dot segments,
    and nothing that becomes a slash, a backslash or a control when it is decoded once or twice. The absolute form
    (which is for proxies), the authority form and `*` are not accepted.

    Args:
        scope: the request's, as the ASGI specification has it. `path` is decoded already. `raw_path`, if the server
            supplies it, is the target as it was sent, without its query.
    """
    raw = scope.get("raw_path")
    if b"#" in scope.get("query_string", b""):  # a fragment is never part of a target
        return False
    return _is_plain(scope["path"] or "/") and _is_plain_target(None if raw is None else raw.decode("latin-1"))


def _is_plain(path: str) -> bool:
    if not path.startswith("/") or _ODD.search(path):
        return False
    return "%" not in path or not _ODD.search(unquote(path))


def _is_plain_target(target: str | None) -> bool:
    """Tell whether the request's target, without its query, is plain too."""
    return target is None or (target.startswith("/") and "#" not in target and not _ODD.search(target))
