"""Check that `urllib.request.urlopen` is as Python made it, and not as somebody's `install_opener` did.

It stands alone because it knows urllib's internals.
"""

from __future__ import annotations

import urllib.request


class UsualOpener:
    """Knows the opener that `urlopen` itself makes on its first use, which is nobody's leftover."""

    def __init__(self) -> None:
        self._usual: object = None

    def now(self) -> object:
        """Return the headers that are sent with each request; the opener itself, if somebody has installed it."""
        opener = urllib.request._opener  # type: ignore[attr-defined]
        if opener is None:
            return None
        if opener is not self._usual:
            if _parts(opener) != _parts(urllib.request.build_opener()):
                return opener
            self._usual = opener
        return None if opener.addheaders == urllib.request.OpenerDirector().addheaders else opener.addheaders


def _parts(opener: urllib.request.OpenerDirector) -> tuple[object, ...]:
    handlers = opener.handlers  # type: ignore[attr-defined]
    return type(opener), [type(one) for one in handlers], [getattr(one, "proxies", None) for one in handlers]
