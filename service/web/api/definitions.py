"""Routes of definitions: export all jobs as one document, and apply such a document."""

from __future__ import annotations

import asyncio
from typing import IO, Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.domain.input.strict_json import parse_object
from service.errors import ValidationFailed
from service.usecases.definitions import Definitions
from service.usecases.documents.document import VERSION, json_pieces, parse_yaml, yaml_pieces
from service.web.api.limits import DRY_RUN_DAYS
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside
from service.web.http.pools import Pool, PooledResource
from service.web.http.rendering import preferred, send_download

YAML = "application/yaml"
"""RFC 9512."""
FORMATS = ("json", "yaml")
"""What `format` may be."""
_YAML_NAMES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")


class Export(PooledResource[Definitions]):
    """`/scheduler/export`."""

    access = BY_KEY.needing(get=Scope.READ)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return all definitions as JSON, or as YAML with `?format=yaml` or `Accept: application/yaml`."""
        resp.set_header("Vary", "Accept")
        jobs, others = self._source.export(), await self._pool.run(self._source.sections)
        if _wants_yaml(req):
            await send_download(req, resp, yaml_pieces(VERSION, jobs, others), YAML, self._pool)
        else:
            await send_download(req, resp, json_pieces(VERSION, jobs, others), falcon.MEDIA_JSON, self._pool)

    on_head = on_get


def _wants_yaml(req: Request) -> bool:
    asked_for = query.text(req, "format")
    if asked_for is not None:
        if asked_for not in FORMATS:
            raise ValidationFailed.of("format", "must be yaml or json")
        return asked_for == "yaml"
    return preferred(req, (falcon.MEDIA_JSON, *_YAML_NAMES)) in _YAML_NAMES


class Apply(PooledResource[Definitions]):
    """`/scheduler/apply`.

    Args:
        definitions: applies a document.
        pool: the threads that do.
        limit: the longest document, in bytes. An export may be longer than other bodies.
    """

    access = BY_KEY.needing(post=Scope.WRITE)

    def __init__(self, definitions: Definitions, pool: Pool, limit: int) -> None:
        super().__init__(definitions, pool)
        self._limit = limit
        # A parsed document takes many times its length of memory: one at a time.
        self._turn = asyncio.Lock()

    async def on_post(self, req: Request, resp: Response) -> None:
        """Apply a document: create and change jobs.

        `?prune=true` deletes all others. `?dry_run=true` only lists the changes, each with the occurrences that it
        gains and loses in the next `days`.
        """
        prune, dry_run = query.boolean(req, "prune"), query.boolean(req, "dry_run")
        days = DRY_RUN_DAYS.read(req)
        with self._pool.admitted():
            async with put_aside(req, self._limit, self._pool) as file, self._turn:
                resp.media = await self._pool.go_on(self._apply, req, file, prune, dry_run, days)

    def _apply(self, req: Request, file: IO[bytes], prune: bool, dry_run: bool, days: int) -> dict[str, Any]:
        return self._source.apply(_document(req, file.read()), prune=prune, dry_run=dry_run, days=days)


def _document(req: Request, raw: bytes) -> Any:
    if not raw.strip():
        raise ValidationFailed.of("body", "is empty; a document is required")
    return parse_yaml(raw) if _is_yaml(req, raw) else parse_object(raw)


def _is_yaml(req: Request, raw: bytes) -> bool:
    """Tell YAML from JSON by the content type, and if that says neither, by the content."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind in _YAML_NAMES:
        return True
    return kind != falcon.MEDIA_JSON and not raw.lstrip().startswith(b"{")
