"""Requests with conditions: `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1), `Idempotency-Key`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import falcon

from service.errors import ValidationFailed
from service.web.api.protocols import ShownJob
from service.web.http.rendering import send

NO_REVISION = -1
"""Stands for entity tags that are none of ours: no job is ever at it."""

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def send_job(resp: falcon.Response, job: Mapping[str, Any]) -> None:
    """Answer a job, its definition's revision as its entity tag."""
    send(resp, job)
    resp.set_header("ETag", f'"{job["revision"]}"')


def send_shown(resp: falcon.Response, job: ShownJob) -> None:
    """The same of a job that is JSON already."""
    send(resp, job.json)
    resp.set_header("ETag", f'"{job.revision}"')


def revisions(req: falcon.Request) -> tuple[int, ...]:
    """The revisions that `If-Match` allows; none: any.

    A weak tag never matches, as the RFC says, nor does one that we did not give out.

    Raises:
        ValidationFailed: the header is malformed.
    """
    value = req.get_header("If-Match")
    if value is None or value.strip() == "*":
        return ()
    tags = [part.strip() for part in value.split(",")]
    if not all(_TAG.fullmatch(tag) for tag in tags):
        raise ValidationFailed.of("If-Match", 'must be * or entity tags as ETag gives them, such as "3"')
    return tuple(_revision(tag) for tag in tags)


def _revision(tag: str) -> int:
    plain = tag.strip('"')
    return int(plain) if re.fullmatch(r"[1-9][0-9]{0,14}", plain) else NO_REVISION


def idempotency_key(req: falcon.Request) -> str | None:
    """The `Idempotency-Key`, or None.

    Raises:
        ValidationFailed: it is not 1–255 printable ASCII characters.
    """
    value = req.get_header("Idempotency-Key")
    if value is not None and not _KEY.fullmatch(value):
        raise ValidationFailed.of("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
    return value
