"""The routes of documents: all definitions in one, and making the service what one says."""

from __future__ import annotations

import threading
from typing import Any

import falcon

from service.domain.input.strict_json import parse_object
from service.errors import ValidationFailed
from service.usecases.definitions import VERSION
from service.usecases.documents import json_pieces, parse_yaml, yaml_pieces
from service.web.api.protocols import Definitions
from service.web.http import query
from service.web.http.access import BY_KEY
from service.web.http.body import put_aside
from service.web.http.rendering import preferred, send_pieces
from service.web.http.request_slots import RequestSlots

YAML = "application/yaml"
"""RFC 9512."""
_YAML_NAMES = (YAML, "application/x-yaml", "text/yaml", "text/x-yaml")


class Export:
    """`/scheduler/export`

    Args:
        slots: for exports of many jobs, which take their time: one too many is 503.
    """

    access = BY_KEY

    def __init__(self, definitions: Definitions, slots: RequestSlots) -> None:
        self._definitions = definitions
        self._slots = slots

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All definitions, as JSON, or as YAML with `?format=yaml` or `Accept: application/yaml`."""
        with self._slots.held_while_sent(resp):
            self.on_head(req, resp)

    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The same without a body, which takes no place."""
        if _wants_yaml(req):
            send_pieces(resp, yaml_pieces(VERSION, self._definitions.export()), YAML)
        else:
            send_pieces(resp, json_pieces(VERSION, self._definitions.export()), falcon.MEDIA_JSON)
        resp.set_header("Vary", "Accept")


def _wants_yaml(req: falcon.Request) -> bool:
    asked_for = query.text(req, "format")
    if asked_for is not None:
        if asked_for not in ("yaml", "json"):
            raise ValidationFailed.of("format", "must be yaml or json")
        return asked_for == "yaml"
    return preferred(req, (falcon.MEDIA_JSON, *_YAML_NAMES)) in _YAML_NAMES


class Apply:
    """`/scheduler/apply`

    Args:
        definitions: makes the jobs what a document says.
        limit: the longest document that is taken, in bytes: what an export gives can be longer than other bodies.
        slots: for documents, which take their time, and wait for each other: one too many is 503.
    """

    access = BY_KEY

    def __init__(self, definitions: Definitions, limit: int, slots: RequestSlots) -> None:
        self._definitions = definitions
        self._limit = limit
        self._slots = slots
        # A document is understood as a whole, in many times its length of memory: one at a time.
        self._turn = threading.Lock()

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Make the jobs what the document says: `?prune=true` deletes all others, `?dry_run=true` only tells."""
        prune, dry_run = query.boolean(req, "prune"), query.boolean(req, "dry_run")
        with self._slots.held(), put_aside(req, self._limit) as file, self._turn:
            resp.media = self._definitions.apply(_document(req, file.read()), prune=prune, dry_run=dry_run)


def _document(req: falcon.Request, raw: bytes) -> Any:
    if not raw.strip():
        raise ValidationFailed.of("body", "is empty, but a document is needed")
    return parse_yaml(raw) if _is_yaml(req, raw) else parse_object(raw)


def _is_yaml(req: falcon.Request, raw: bytes) -> bool:
    """By the content type; where that says neither, by the content."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if kind in _YAML_NAMES:
        return True
    return kind != falcon.MEDIA_JSON and not raw.lstrip().startswith(b"{")
