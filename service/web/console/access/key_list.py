"""List of stored keys, and the reader's own key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from falcon.asgi import Request, Response

from service.domain.timestamps import format_ms
from service.store.counters import Reading
from service.usecases.access.keys import StoredKeys
from service.web.console.access.offers import KEYS, is_admin, tabs
from service.web.console.access.scope_words import in_words
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 50


class KeyList(RenderedPage):
    """`/access`.

    Args:
        keys: the stored keys.
        reading: reads the current counts from Redis; used for the time.
    """

    access = BY_SESSION.needing(get=None)

    def __init__(self, pool: Pool, keys: StoredKeys, reading: Callable[[], Reading]) -> None:
        super().__init__(pool)
        self._keys = keys
        self._reading = reading

    def render(self, req: Request, resp: Response) -> None:
        """Show a page of the keys to those who may see them, and everybody their own key."""
        cursor = query.text(req, "cursor")
        page = self._keys.list(PAGE, cursor) if is_admin() else None
        more = page.next_cursor if page is not None else None
        show(
            resp,
            "access_keys.html",
            KEYS,
            tabs=tabs(),
            here=KEYS,
            keys=None if page is None else page.data,
            own=self._keys.me(),
            now=format_ms(self._reading().now),
            state=state,
            in_words=in_words,
            cursor=cursor,
            following=f"{KEYS}?{urlencode({'cursor': more})}" if more else None,
        )


def state(key: Mapping[str, Any], now: str) -> tuple[str, str]:
    """Return the state of a key: a status that has a colour, and its name.

    Args:
        key: the key as the API answers it.
        now: a timestamp.
    """
    if key["expires_at"] is not None and key["expires_at"] <= now:
        return "bad", "expired"
    return ("warning", "two secrets") if key["previous_until"] else ("good", "valid")
