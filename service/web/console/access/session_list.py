"""List of the console's sessions: the reader's own ones and, for those who may end them, all others."""

from __future__ import annotations

import re

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.usecases.access.sessions import ConsoleSessions
from service.web.console.access.offers import KEYS, SESSIONS, sees_everything, tabs
from service.web.console.page import RenderedPage, show
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool

MOST_SHOWN = 100
"""Sessions that the page shows of each kind, those that were used last. Once they are ended, the next ones follow."""
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
        actor = caller().actor
        own = [one for one in found if one["key_id"] == actor]
        others = [one for one in found if one["key_id"] != actor]
        show(
            resp,
            "access_sessions.html",
            KEYS,
            tabs=tabs(),
            here=SESSIONS,
            current=caller().session,
            own=own[:MOST_SHOWN],
            more_own=len(own) - MOST_SHOWN,
            others=others[:MOST_SHOWN] if sees_everything() else None,
            more_others=len(others) - MOST_SHOWN,
        )


def browser(agent: str) -> str:
    """Name a browser and its system by its user agent: `Firefox on Linux`. Return an unknown one as it is, cut."""
    name = next((name for name, mark in _BROWSERS if re.search(mark, agent)), None)
    system = next((name for name, mark in _SYSTEMS if mark in agent), None)
    if name is None:
        return agent[:LONGEST_AGENT] or "an unknown browser"
    return name if system is None else f"{name} on {system}"
