"""List of stored keys, and the reader's own key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.key_choice import STATES
from service.domain.access.scopes import Scope
from service.domain.timestamps import format_ms
from service.store.counters import Reading
from service.usecases.access.keys import StoredKeys
from service.web.console.access.offers import KEYS, is_admin, tabs
from service.web.console.access.scope_words import WORDS, in_words
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

PAGE = 50
MOST_PAGES = 100_000
STATE_WORDS = {"valid": "valid", "rotating": "two secrets", "expired": "expired"}
"""State -> its name for people. A key with two secrets is also valid."""


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
        asked = _KeyQuery(req)
        found = self._keys.matching(q=asked.q, scope=asked.scope, state=asked.state) if is_admin() else ()
        pages = -(-len(found) // PAGE)
        number = max(1, min(asked.page, pages))  # keys may have gone since the address was made
        start = (number - 1) * PAGE
        show(
            resp,
            "access_keys.html",
            KEYS,
            tabs=tabs(),
            here=KEYS,
            keys=self._keys.some(found[start : start + PAGE]) if is_admin() else None,
            asked=asked,
            first=start + 1,
            last=min(start + PAGE, len(found)),
            total=len(found),
            page=number,
            pages=[(number, asked.address(number)) for number in range(1, pages + 1)],
            scopes=[(scope.value, WORDS[scope][0]) for scope in Scope],
            states=[(name, STATE_WORDS[name]) for name in STATES],
            own=self._keys.me(),
            now=format_ms(self._reading().now),
            state=state,
            in_words=in_words,
        )


class _KeyQuery:
    """The address' parameters. Unknown values are ignored, because people mistype addresses."""

    def __init__(self, req: Request) -> None:
        self.q = (query.text(req, "q") or "").strip() or None
        self.scope = _known(query.text(req, "scope"), [scope.value for scope in Scope])
        self.state = _known(query.text(req, "state"), STATES)
        self.page = query.integer(req, "page", low=1, high=MOST_PAGES, default=1)

    @property
    def is_narrowed(self) -> bool:
        """Whether the address filters the keys."""
        return bool(self.q or self.scope or self.state)

    def address(self, page: int) -> str:
        """Return the address of another page of the same keys, without empty parameters."""
        asked = {"q": self.q, "scope": self.scope, "state": self.state, "page": page if page > 1 else None}
        return query.address(KEYS, asked)


def _known(value: str | None, known: Collection[str]) -> str | None:
    return value if value in known else None


def state(key: Mapping[str, Any], now: str) -> tuple[str, str]:
    """Return the state of a key: a status that has a colour, and its name.

    Args:
        key: the key as the API answers it.
        now: a timestamp.
    """
    if key["expires_at"] is not None and key["expires_at"] <= now:
        return "bad", STATE_WORDS["expired"]
    return ("warning", STATE_WORDS["rotating"]) if key["previous_until"] else ("good", STATE_WORDS["valid"])
