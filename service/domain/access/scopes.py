"""Scopes: the kinds of things that a key may do. No scope implies another."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class Scope(enum.StrEnum):
    """One kind of things that a key may do."""

    READ = "read"
    """See jobs, runs, logs, previews, occurrences, calendars, metrics and exports."""
    RUN = "run"
    """Run now, cancel, run again, backfill, pause."""
    WRITE = "write"
    """Change jobs, calendars and labels; apply documents; change many at once."""
    CONTACTS = "contacts"
    """See and change the address book, which is personal data."""
    SEND = "send"
    """Send a test message."""
    PING = "ping"
    """Report from elsewhere that a job began or ended."""
    FEED = "feed"
    """Subscribe to a calendar of occurrences; see badges and status pages."""
    BADGE = "badge"
    """See badges and status pages: whether jobs are up, and no names."""
    ADMIN = "admin"
    """See and change keys, sessions, channels; read the audit log."""


ALL = frozenset(Scope)

SETS: Mapping[str, frozenset[Scope]] = {
    "viewer": frozenset({Scope.READ}),
    "operator": frozenset({Scope.READ, Scope.RUN}),
    "editor": frozenset({Scope.READ, Scope.RUN, Scope.WRITE}),
    "admin": ALL,
}
"""The sets that forms offer."""
