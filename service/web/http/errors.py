"""Error answers of all routes, in one shape: `{"detail": "<one readable sentence>"}`."""

from __future__ import annotations

import logging
from typing import Any

import falcon
from falcon.asgi import App, Request, Response

from service.errors import (
    ConcurrentChange,
    Conflict,
    DeliveryFailed,
    Forbidden,
    NoRoom,
    NotFound,
    PreconditionFailed,
    ServiceError,
    StoreUnavailable,
    ValidationFailed,
)
from service.outage import outage
from service.secrecy.redaction import redacted
from service.web.http.pools import Busy

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2
"""How long a 503 tells the client to wait."""

_STATUSES: tuple[tuple[type[ServiceError], int], ...] = (
    (ValidationFailed, 400),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (ConcurrentChange, 409),
    (PreconditionFailed, 412),
    (DeliveryFailed, 502),
    (StoreUnavailable, 503),
    (Busy, 503),
    (NoRoom, 507),
)

_SENTENCES = {
    400: "The request is malformed",
    404: "There is nothing at this address",
}


def install(app: App[Any, Any]) -> None:
    """Make `app` answer each of its errors in this shape."""
    app.add_error_handler(Exception, _unexpected)
    app.add_error_handler(falcon.HTTPError, _http_error)
    app.add_error_handler(ServiceError, _service_error)


def _answer(resp: Response, status: int, detail: str, **more: Any) -> None:
    resp.status = status
    resp.data = None
    resp.text = None
    resp.stream = None
    resp.content_type = falcon.MEDIA_JSON
    resp.media = {"detail": redacted(detail), **more}


async def _service_error(req: Request, resp: Response, error: ServiceError, params: dict[str, Any]) -> None:
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
    if status is None:
        await _unexpected(req, resp, error, params)
    elif isinstance(error, ValidationFailed):
        fields = [{"field": refused.field, "message": redacted(refused.message)} for refused in error.errors]
        _answer(resp, status, str(error), errors=fields)
    else:
        _answer(resp, status, str(error) or falcon.code_to_http_status(status))
        if isinstance(error, StoreUnavailable):
            outage.tell(logger, error, "Answering requests with 503")
        if status == 503:
            resp.set_header("Retry-After", str(RETRY_AFTER_SECONDS))


async def _http_error(req: Request, resp: Response, error: falcon.HTTPError, params: dict[str, Any]) -> None:
    """Answer Falcon's refusals (the router's 404 and 405, a malformed header) and ours that use Falcon's classes."""
    if error.headers is not None:
        resp.set_headers(error.headers)
    status = error.status_code
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        detail = f"{req.method} is not allowed here; this address takes {resp.get_header('Allow')}"
    else:
        detail = error.description or _SENTENCES.get(status) or error.title or "The request was refused"
    _answer(resp, status, detail)


async def _unexpected(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:
    # An address may hold a key; the route's template tells enough.
    logger.error("%s %r failed unexpectedly", req.method, req.uri_template or req.path, exc_info=error)
    _answer(resp, 500, "Internal server error")
