"""Another WSGI application beside the API, guarded as all else is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from werkzeug.wrappers import Response

from service.web.http.access import BY_PASSWORD_OR_SESSION

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


_ORIGIN = ("http", "mounted.invalid")
"""The scheme and host that the other application sees, whatever the request names: its redirects become relative by
that, so that they lead back to where the browser is, also behind a proxy."""


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
        scheme, host = _ORIGIN
        environ = {**req.env, "wsgi.url_scheme": scheme, "HTTP_HOST": host}
        answer = Response.from_app(self._application, environ, buffered=True)
        resp.status = answer.status_code
        for name, value in answer.headers:
            own = value.removeprefix(f"{scheme}://{host}") if name.lower() == "location" else value
            resp.append_header(name, own)
        resp.data = answer.get_data()

    on_options = on_request
