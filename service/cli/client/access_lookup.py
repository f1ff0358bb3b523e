"""Check the ids of keys and sessions.

Somebody may paste a whole key, or a session's cookie, where its id belongs. It is refused before it is sent, because
paths stand in logs, and it is not repeated.
"""

from __future__ import annotations

import re

from service.cli.client.api import segment
from service.cli.exits import Exit, Failure
from service.domain.access.key_texts import ID_LENGTH, PREFIX, is_key_id

_SESSION_ID = re.compile(r"[0-9a-f]{32}")


def key_path(key_id: str) -> str:
    """Return the path of a key in the API.

    Raises:
        Failure: This cannot be a key's id.
    """
    if not is_key_id(key_id):
        form = f"the {ID_LENGTH} letters and digits after {PREFIX}"
        raise Failure(Exit.USAGE, f"Name the key by its id, {form}; `bot-scheduler keys list` shows it")
    return f"/scheduler/keys/{segment(key_id)}"


def session_path(session_id: str) -> str:
    """Return the path of a session in the API.

    Raises:
        Failure: This cannot be a session's id.
    """
    if not _SESSION_ID.fullmatch(session_id):
        raise Failure(Exit.USAGE, "Name the session by its id; `bot-scheduler sessions list` shows it")
    return f"/scheduler/sessions/{segment(session_id)}"
