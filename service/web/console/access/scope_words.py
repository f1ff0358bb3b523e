"""Scopes and the sets of them, in people's words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from service.domain.access.callers import caller
from service.domain.access.scopes import SETS, Scope

WORDS: Mapping[Scope, tuple[str, str]] = {
    Scope.READ: ("See jobs and runs", "With logs, previews, metrics and exports. Signing in here needs it."),
    Scope.RUN: ("Run jobs", "Run them now, later and again, backfill them, cancel runs, acknowledge notices."),
    Scope.WRITE: ("Change jobs", "Create, change, restore and delete them; apply documents."),
    Scope.CONTACTS: ("See and change contacts", "The address book, and results and logs that are about persons."),
    Scope.SEND: ("Send test messages", "To any address; to a contact, with “See and change contacts” too."),
    Scope.PING: ("Report runs", "The pings of one heartbeat job; such a key must have this alone."),
    Scope.FEED: ("Subscribe to calendars", "Feeds of occurrences; such a key must have this alone."),
    Scope.BADGE: ("See badges", "Badges and a status page, without names; such a key must have this alone."),
    Scope.ADMIN: ("Administer access", "See and change keys; without limits, all sessions and the audit log, too."),
}
"""Scope -> its name for people, and what it includes."""

_TOGETHER: Mapping[str, str] = {name: " ".join(s.value for s in Scope if s in found) for name, found in SETS.items()}


def offered_scopes() -> Sequence[tuple[str, str, str]]:
    """Return the scopes that the caller may give: scope, its name, what it includes. No key gives more than it has."""
    return [(scope.value, *WORDS[scope]) for scope in Scope if scope in caller().scopes]


def offered_sets() -> Sequence[tuple[str, str]]:
    """Return the sets that the caller may give: name, its scopes with blanks between them."""
    return [(name, _TOGETHER[name]) for name, found in SETS.items() if found <= caller().scopes]


def set_of(scopes: Collection[str]) -> str:
    """Return the set that some scopes are; empty if they are not one of the sets."""
    return next((name for name, found in SETS.items() if found == set(scopes)), "")


def in_words(scopes: Collection[str]) -> str:
    """Say what some scopes let a key do: `Operator: see jobs and runs, run jobs`."""
    name = set_of(scopes).capitalize()
    if set(scopes) == set(Scope):
        return f"{name}: everything"
    listed = ", ".join(_lower(WORDS[scope][0]) for scope in Scope if scope in scopes)
    return f"{name}: {listed}" if name else listed.capitalize()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
