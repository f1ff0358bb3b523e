"""List of the console's sessions: the reader's own ones and, for those who may end them, all others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.usecases.access.sessions import ConsoleSessions
from service.web.console.access.offers import KEYS, SESSIONS, sees_everything, tabs
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

MOST_SHOWN = 100
"""Sessions that the page shows of each kind, those that were used last."""
MOST_PAGES = 100_000
LONGEST_AGENT = 120
_BROWSERS = (
    ("Edge", "Edg(A|iOS)?/"), ("Opera", "OPR/"), ("Firefox", "(Firefox|FxiOS)/"), ("Chrome", "(Chrome|CriOS)/"),
    ("Safari", "Safari/"),
)  # fmt: skip
"""Name, mark in the user agent. Most browsers also carry the marks of those that follow."""
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows NT"),
            ("macOS", "Mac OS X"), ("Linux", "Linux"))  # fmt: skip


class SessionList(RenderedPage):
    """`/access/sessions`."""

    access = BY_SESSION.needing(get=None)

    def __init__(self, pool: Pool, sessions: ConsoleSessions) -> None:
        super().__init__(pool)
        self._sessions = sessions

    def render(self, req: Request, resp: Response) -> None:
        """Show the sessions that the reader may end."""
        found = [{**one, "browser": browser(one["user_agent"])} for one in self._sessions.list()]
        actor, key_id = caller().actor, query.text(req, "key") or ""
        own = [one for one in found if one["key_id"] == actor]
        of_others = [one for one in found if one["key_id"] != actor]
        keys = _keys(of_others)
        others = [one for one in of_others if one["key_id"] == key_id] if key_id in keys else of_others
        pages = -(-len(others) // MOST_SHOWN)
        number = max(1, min(query.integer(req, "page", low=1, high=MOST_PAGES, default=1), pages))
        start = (number - 1) * MOST_SHOWN
        show(
            resp,
            "access_sessions.html",
            KEYS,
            tabs=tabs(),
            here=SESSIONS,
            actor=actor,
            own=own[:MOST_SHOWN],
            own_count=len(own),
            others=others[start : start + MOST_SHOWN] if sees_everything() else None,
            count=len(others),
            all_count=len(found),
            keys=keys,
            key_id=key_id if key_id in keys else "",
            first=start + 1,
            page=number,
            pages=[(one, _address(key_id, one)) for one in range(1, pages + 1)],
        )


def _keys(sessions: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[str, int]]:
    """Return the keys that have opened sessions, by their names: id -> name, and how many."""
    counts = Counter(one["key_id"] for one in sessions)
    names = {one["key_id"]: one["key_name"] for one in sessions}
    by_name = sorted(counts, key=lambda key_id: (names[key_id].casefold(), key_id))
    return {key_id: (names[key_id], counts[key_id]) for key_id in by_name}


def _address(key_id: str, page: int) -> str:
    """Return the address of a page of others' sessions."""
    return query.address(SESSIONS, {"key": key_id, "page": page if page > 1 else None})


def browser(agent: str) -> str:
    """Name a browser and its system by its user agent: `Firefox on Linux`. Return an unknown one as it is, cut."""
    name = next((name for name, mark in _BROWSERS if re.search(mark, agent)), None)
    system = next((name for name, mark in _SYSTEMS if mark in agent), None)
    if name is None:
        return agent[:LONGEST_AGENT] or "an unknown browser"
    return name if system is None else f"{name} on {system}"
