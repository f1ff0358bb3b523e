"""Actions of the audit log in people's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.store.audit.refusals import REFUSED, REFUSED_KEY

KINDS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "job": ("Jobs", {
        "create": "created", "update": "changed", "enable": "enabled", "disable": "disabled", "delete": "deleted",
        "restore": "restored to a former definition", "undelete": "brought back after its deletion",
    }),
    "occurrence": ("Occurrences", {
        "skip": "skipped", "move": "moved", "set": "given other settings", "restore": "left to its schedule again",
    }),
    "run": ("Runs", {
        "request": "requested by hand", "cancel": "cancelled", "move": "moved to another time",
        "start": "started early",
    }),
    "backfill": ("Backfills", {"start": "started", "cancel": "cancelled"}),
    "pause": ("Pauses", {"create": "begun", "end": "ended"}),
    "contact": ("Contacts", {
        "create": "added", "update": "changed", "merge": "merged", "delete": "deleted", "erase": "erased",
    }),
    "contacts": ("Address books", {"import": "imported"}),
    "calendar": ("Calendars", {"create": "created", "update": "changed", "delete": "deleted"}),
    "channel": ("Channels", {
        "create": "created", "update": "changed", "delete": "deleted", "test": "told as a test",
    }),
    "rule": ("Rules", {"create": "created", "update": "changed", "delete": "deleted"}),
    "snooze": ("Snoozes", {"create": "made", "end": "ended"}),
    "key": ("Keys", {"create": "made", "update": "changed", "rotate": "rotated", "revoke": "revoked"}),
    "session": ("Sessions", {"begin": "begun", "end": "ended"}),
    "message": ("Messages", {"test": "sent as a test"}),
    "notices": ("Notices", {"acknowledge": "acknowledged"}),
}  # fmt: skip
"""Kind of object -> its name in the plural, verb -> its participle."""
_SINGULAR = {"contacts": "Address book", "message": "Message", "notices": "Notices"}
_REFUSALS = {REFUSED: "Request refused", REFUSED_KEY: "Wrong keys sent"}


def action_words(action: str) -> str:
    """Say an action in words: `job.update` is `Job changed`. An unknown one is returned as it is."""
    if action in _REFUSALS:
        return _REFUSALS[action]
    kind, _, verb = action.partition(".")
    plural, verbs = KINDS.get(kind, ("", {}))
    return f"{_SINGULAR.get(kind, plural.removesuffix('s'))} {verbs[verb]}" if verb in verbs else action


def action_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the actions that a filter offers, in groups: name of the group; action, words."""
    groups = [(plural, _choices(kind, plural, verbs)) for kind, (plural, verbs) in KINDS.items()]
    return [*groups, ("Refusals", [(REFUSED, "Refusals: everything"), (REFUSED_KEY, "Wrong keys from an address")])]


def _choices(kind: str, plural: str, verbs: Iterable[str]) -> list[tuple[str, str]]:
    actions = [f"{kind}.{verb}" for verb in verbs]
    return [(kind, f"{plural}: everything"), *((action, action_words(action)) for action in actions)]
