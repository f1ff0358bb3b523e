"""Remarks on changes are one line, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from falcon import testing
from falcon.asgi import Response

from service.domain.access.changes import remark
from service.errors import ValidationFailed
from service.secrecy import redaction
from service.web.api.change_notes import ChangeNotes


def remark_of(note: str) -> str | None:
    """What is kept of the header of a request."""
    headers = {"X-Change-Note": note.encode().decode("latin-1")}
    request = testing.create_asgi_req(method="PUT", headers=headers)

    async def read() -> str | None:
        await ChangeNotes().process_resource(request, Response(), None, {})
        return remark()

    return asyncio.run(read())


@pytest.fixture
def secret() -> Iterator[str]:
    """Of the process' environment."""
    redaction.install({"BOT_SECRET_HOOK": "topsecretvalue123"})
    yield "topsecretvalue123"
    redaction.install({})


def test_a_secret_in_a_remark_is_named_and_not_kept(secret: str) -> None:
    """As in changed fields and in the log; the entry and the revision would keep it otherwise."""
    assert remark_of(f"now {secret}") == "now [BOT_SECRET_HOOK]"


@pytest.mark.parametrize("odd", ["\t", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_remark_is_one_line(odd: str) -> None:
    """Whatever breaks lines somewhere is refused."""
    with pytest.raises(ValidationFailed, match="without control characters"):
        remark_of(f"a{odd}b")
    assert remark_of(" für Åsa ") == "für Åsa"
