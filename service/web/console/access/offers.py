"""What the pages about access offer their reader: no link and no button leads to a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope

KEYS, SESSIONS, AUDIT = "/access", "/access/sessions", "/access/audit"

Key = Mapping[str, Any]
"""A key as the API answers it."""


def is_admin() -> bool:
    """Tell whether the reader may see and change keys."""
    return Scope.ADMIN in caller().scopes


def sees_everything() -> bool:
    """Tell whether the reader administers all jobs, and so may end any session and read the audit log."""
    return is_admin() and caller().limits.are_none


def tabs() -> Sequence[tuple[str, str]]:
    """Return the pages about access that the reader may open: path, name."""
    found = [(KEYS, "Keys" if is_admin() else "Your key"), (SESSIONS, "Sessions")]
    return [*found, (AUDIT, "Audit log")] if sees_everything() else found


def may_change(key: Key) -> bool:
    """Tell whether the reader may change and revoke a key: one that may do no more than their own.

    They see no key whose limits exceed their own.
    """
    return set(key["scopes"]) <= {scope.value for scope in caller().scopes}


def may_rotate(key: Key, own: Key) -> bool:
    """Tell whether the reader may rotate a key: it must not outlive their own.

    Args:
        key: the key.
        own: the reader's.
    """
    return may_change(key) and (own["expires_at"] is None or (key["expires_at"] or "~") <= own["expires_at"])
