"""Routes of the console's sessions: list them, and end one or several."""

from __future__ import annotations

import falcon
from falcon.asgi import Request, Response

from service.interleaving import interleaved
from service.usecases.access.sessions import ConsoleSessions
from service.web.api.limits import PAGE_LIMIT
from service.web.callers.lookups import Lookups
from service.web.http import paging
from service.web.http.access import BY_KEY
from service.web.http.body import read_object


class SessionList:
    """`/scheduler/sessions`."""

    access = BY_KEY.needing(get=None)

    def __init__(self, sessions: ConsoleSessions) -> None:
        self._sessions = sessions

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of the sessions that the key has opened, the newest first.

        With the scope `admin` and without limits, of all sessions.
        """
        page = await interleaved(self._sessions.page, PAGE_LIMIT.read(req), paging.cursor(req))
        paging.send_page(req, resp, page)

    on_head = on_get


class SessionsEnd:
    """`/scheduler/sessions/end`.

    Args:
        sessions: the console's sessions.
        lookups: forget what they knew when sessions end.
    """

    access = BY_KEY.needing(post=None)

    def __init__(self, sessions: ConsoleSessions, lookups: Lookups) -> None:
        self._sessions = sessions
        self._lookups = lookups

    async def on_post(self, req: Request, resp: Response) -> None:
        """End several sessions: those that `sessions` lists, those of the key `key_id`, or `all`.

        A key ends its own ones; with the scope `admin` and without limits, any. `keep_current` keeps the one that asks.
        """
        resp.media = await interleaved(self._sessions.end_some, await read_object(req))
        self._lookups.forget()


class SessionEnd:
    """`/scheduler/sessions/{session_id}`.

    Args:
        sessions: the console's sessions.
        lookups: forget what they knew when a session ends.
    """

    access = BY_KEY.needing(delete=None)

    def __init__(self, sessions: ConsoleSessions, lookups: Lookups) -> None:
        self._sessions = sessions
        self._lookups = lookups

    async def on_delete(self, req: Request, resp: Response, session_id: str) -> None:
        """End a session that the key has opened; with the scope `admin` and without limits, any session."""
        await interleaved(self._sessions.end, session_id)
        self._lookups.forget()
        resp.status = falcon.HTTP_204
