"""Conditions of requests: `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1), `Idempotency-Key`."""

from __future__ import annotations

import re

from falcon.asgi import Request, Response

from service.errors import ValidationFailed
from service.usecases.views import JobView
from service.web.http.rendering import send

NO_REVISION = -1
"""An entity tag that the API never sent. No job is ever at this revision."""
MAX_KEY_LENGTH = 255
"""The longest Idempotency-Key, in characters."""

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY_LENGTH}}}")


def send_job(resp: Response, job: JobView) -> None:
    """Answer with a job. The revision of its definition is its entity tag."""
    send(resp, job.json)
    show_revision(resp, job.revision)


def show_revision(resp: Response, revision: int) -> None:
    """Send the revision of a job's definition as the entity tag."""
    resp.set_header("ETag", f'"{revision}"')


def revisions(req: Request) -> tuple[int, ...]:
    """Read the revisions that `If-Match` allows; empty where any is allowed.

    A weak tag never matches, as the RFC says, nor does a tag that the API never sent.

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


def idempotency_key(req: Request) -> str | None:
    """Read the `Idempotency-Key`; None if it is absent.

    Raises:
        ValidationFailed: it is not 1 to `MAX_KEY_LENGTH` printable ASCII characters.
    """
    value = req.get_header("Idempotency-Key")
    if value is not None and not _KEY.fullmatch(value):
        raise ValidationFailed.of("Idempotency-Key", f"must be 1 to {MAX_KEY_LENGTH} printable ASCII characters")
    return value
