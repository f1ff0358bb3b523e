"""Remarks on changes: `X-Change-Note`, which stands in the audit log and beside the revision of a job."""

from __future__ import annotations

import unicodedata

from falcon.asgi import Request, Response

from service.domain.access.changes import NOTE_LENGTH, remark_on_changes
from service.errors import ValidationFailed
from service.secrecy.redaction import redacted
from service.web.http.auth import header_bytes

HEADER = "X-Change-Note"
_LOOKS = ("GET", "HEAD", "OPTIONS")


class ChangeNotes:
    """Falcon middleware that reads the remark of a request, once the guard has let it through."""

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Read the remark.

        Args:
            req: the request.
            resp: its answer.
            resource: the resource that Falcon has matched.
            params: the parameters in the path.

        Raises:
            ValidationFailed: it is longer than `NOTE_LENGTH` characters, not UTF-8, or has control characters.
        """
        given = None if req.method in _LOOKS else req.get_header(HEADER)
        remark_on_changes(None if given is None else _checked(given))


def _checked(given: str) -> str | None:
    try:
        remark = header_bytes(given).decode().strip()
    except UnicodeDecodeError:
        raise ValidationFailed.of(HEADER, "must be UTF-8") from None
    if len(remark) > NOTE_LENGTH or any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in remark):
        raise ValidationFailed.of(HEADER, f"must be at most {NOTE_LENGTH} characters, without control characters")
    return redacted(remark) or None
