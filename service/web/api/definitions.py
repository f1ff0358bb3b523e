"""Routes of definitions: export all jobs as one document, and apply such a document."""

from __future__ import annotations

import threading
from typing import Any

import falcon

from service.domain.input.strict_json import parse_object
from service.errors import ValidationFailed
from service.usecases.definitions import Definitions
from service.usecases.documents import VERSION, json_pieces, parse_yaml, yaml_pieces
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside
from service.web.http.rendering import preferred, send_pieces
from service.web.http.request_slots import DownloadResource, RequestSlots, SlowResource

YAML = "application/yaml"
"""RFC 9512."""
FORMATS = ("json", "yaml")
"""What `format` may be."""
_YAML_NAMES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")


class Export(DownloadResource[Definitions]):
    """`/scheduler/export`."""

    access = BY_KEY

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return all definitions as JSON, or as YAML with `?format=yaml` or `Accept: application/yaml`."""
        self.send(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Prepare the document in the format asked for."""
        if _wants_yaml(req):
            send_pieces(resp, yaml_pieces(VERSION, self._source.export()), YAML)
        else:
            send_pieces(resp, json_pieces(VERSION, self._source.export()), falcon.MEDIA_JSON)
        resp.set_header("Vary", "Accept")


def _wants_yaml(req: falcon.Request) -> bool:
    asked_for = query.text(req, "format")
    if asked_for is not None:
        if asked_for not in FORMATS:
            raise ValidationFailed.of("format", "must be yaml or json")
        return asked_for == "yaml"
    return preferred(req, (falcon.MEDIA_JSON, *_YAML_NAMES)) in _YAML_NAMES


class Apply(SlowResource[Definitions]):
    """`/scheduler/apply`.

    Args:
        definitions: applies a document.
        slots: where each document takes one.
        limit: the longest document, in bytes. An export may be longer than other bodies.
    """

    access = BY_KEY

    def __init__(self, definitions: Definitions, slots: RequestSlots, limit: int) -> None:
        super().__init__(definitions, slots)
        self._limit = limit
        # A parsed document takes many times its length of memory: one at a time.
        self._turn = threading.Lock()

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Apply a document: create and change jobs.

        `?prune=true` deletes all others, `?dry_run=true` only lists the changes.
        """
        prune, dry_run = query.boolean(req, "prune"), query.boolean(req, "dry_run")
        with self._slots.held(), put_aside(req, self._limit) as file, self._turn:
            resp.media = self._source.apply(_document(req, file.read()), prune=prune, dry_run=dry_run)


def _document(req: falcon.Request, raw: bytes) -> Any:
    if not raw.strip():
        raise ValidationFailed.of("body", "is empty; a document is required")
    return parse_yaml(raw) if _is_yaml(req, raw) else parse_object(raw)


def _is_yaml(req: falcon.Request, raw: bytes) -> bool:
    """Tell YAML from JSON by the content type, and if that says neither, by the content."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind in _YAML_NAMES:
        return True
    return kind != falcon.MEDIA_JSON and not raw.lstrip().startswith(b"{")
