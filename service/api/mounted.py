"""Another WSGI application beside the API, guarded as all else is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from werkzeug.wrappers import Response

from service.api.access import BY_PASSWORD_OR_SESSION

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Mounted:
    """Answers whatever lies under a path as another application does. Its answers are read whole: they are short.

    Args:
        application: finds its own paths, which begin with that one.
    """

    access = BY_PASSWORD_OR_SESSION

    def __init__(self, application: WSGI) -> None:
        self._application = application

    def on_request(self, req: falcon.Request, resp: falcon.Response, **rest: str) -> None:
        """Any method: it is the other's to allow."""
        answer = Response.from_app(self._application, req.env, buffered=True)
        resp.status = answer.status_code
        for name, value in answer.headers:
            resp.append_header(name, value)
        resp.data = answer.get_data()

    on_options = on_request
