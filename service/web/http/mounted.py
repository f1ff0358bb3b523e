"""Mount of a WSGI application beside the API, guarded like every other resource."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from a2wsgi import WSGIMiddleware
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.web.http.access import BY_KEY_OR_SESSION
from service.web.http.pools import Admission

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]

THREADS, INSIDE = 2, 20
"""Threads of the other application, and requests that may be in it at once."""

_ORIGIN = ("http", "mounted.invalid")
"""The scheme and host that the other application sees, whatever the request says. `Mounted` cuts them off again, so
that redirects are relative and work behind a proxy."""


class Mounted:
    """Resource that passes all requests under a path to another application. It reads answers whole: they are short.

    Args:
        application: routes its own paths, which begin with that path. It sees no request's body.
    """

    access = BY_KEY_OR_SESSION.needing(request=Scope.READ).without_limits()

    def __init__(self, application: WSGI) -> None:
        self._application: Any = WSGIMiddleware(application, workers=THREADS)  # type: ignore[arg-type]
        self._inside = Admission(INSIDE)

    async def on_request(self, req: Request, resp: Response, **rest: str) -> None:
        """Pass on a request, whatever its method: the other application decides which ones it allows.

        Raises:
            Busy: too many requests are in the other application.
        """
        with self._inside.admitted():
            status, headers, body = await self._ask(req)
        resp.status = status
        for name, value in headers:
            own = value.removeprefix("{}://{}".format(*_ORIGIN)) if name == "location" else value
            resp.append_header(name, own)
        resp.data = body

    on_options = on_request

    async def _ask(self, req: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        scheme, host = _ORIGIN
        kept = [(name, value) for name, value in req.scope["headers"] if name != b"host" and b"_" not in name]
        scope = {**req.scope, "scheme": scheme, "headers": [*kept, (b"host", host.encode())]}
        answer: list[MutableMapping[str, Any]] = []

        async def send(message: MutableMapping[str, Any]) -> None:
            answer.append(message)

        await self._application(scope, _no_body, send)
        start, *pieces = answer
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], headers, b"".join(piece.get("body", b"") for piece in pieces)


async def _no_body() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
