"""Mount of another WSGI application beside the API, guarded like every other resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from werkzeug.wrappers import Response

from service.web.http.access import BY_PASSWORD_OR_SESSION

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


_ORIGIN = ("http", "mounted.invalid")
"""The scheme and host that the other application sees, whatever the request says. `Mounted` cuts them off again, so
that redirects are relative and work behind a proxy."""


class Mounted:
    """Resource that passes all requests under a path to another application. It reads answers whole: they are short.

    Args:
        application: routes its own paths, which begin with that path.
    """

    access = BY_PASSWORD_OR_SESSION

    def __init__(self, application: WSGI) -> None:
        self._application = application

    def on_request(self, req: falcon.Request, resp: falcon.Response, **rest: str) -> None:
        """Pass on a request, whatever its method: the other application decides which ones it allows."""
        scheme, host = _ORIGIN
        environ = {**req.env, "wsgi.url_scheme": scheme, "HTTP_HOST": host}
        answer = Response.from_app(self._application, environ, buffered=True)
        resp.status = answer.status_code
        for name, value in answer.headers:
            own = value.removeprefix(f"{scheme}://{host}") if name.lower() == "location" else value
            resp.append_header(name, own)
        resp.data = answer.get_data()

    on_options = on_request
