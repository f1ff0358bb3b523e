"""Reading of the audit log, newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.timestamps import format_ms
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

SCAN_PAGE, SCAN_PAGES = 200, 15
"""Entries read at a time, and how often, for one filtered page."""
SLACK_MS = 1000
"""How much younger an entry's id may be than its change. It is more only if the clock was set back in between."""

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter of entries; None accepts any. `since_ms` ≤ time of the change < `until_ms`."""

    actor: str | None = None
    action: str | None = None
    job_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def wants(self, entry: Mapping[str, Any]) -> bool:
        """Return whether it accepts an entry, by its stored fields."""
        if self.actor is not None and entry.get("actor") != self.actor:
            return False
        if self.action is not None and not _is_of(entry.get("action", ""), self.action):
            return False
        if self.job_id is not None and self.job_id not in (entry.get("object"), entry.get("job_id")):
            return False
        at = int(entry["at"])
        return (self.since_ms or 0) <= at and (self.until_ms is None or at < self.until_ms)


def _is_of(action: str, wanted: str) -> bool:
    """Return whether an action is the wanted one, or of the wanted kind of object: `job` for `job.update`."""
    return action == wanted or action.startswith(f"{wanted}.")


class AuditLog:
    """Reader of one stream of entries.

    Args:
        scripts: the scripts of this installation.
        stream: the stream's key.
    """

    def __init__(self, scripts: Scripts, stream: str) -> None:
        self._scripts = scripts
        self._stream = stream

    def page(self, limit: int, after: str | None, wanted: AuditFilter) -> tuple[list[Shown], str | None]:
        """Read up to `limit` entries that a filter accepts, newest first.

        Args:
            limit: entries on the page.
            after: the id of the entry that ended the page before; None for the first page.
            wanted: the filter.

        Returns:
            The entries, and the id to go on after if there may be more; a page may be short, for the search is bounded.
        """
        found: list[Shown] = []
        newest = "+" if wanted.until_ms is None else str(wanted.until_ms + SLACK_MS)
        oldest = "-" if wanted.since_ms is None else str(wanted.since_ms)  # no id is older than its change
        for _ in range(SCAN_PAGES):
            end = newest if after is None else f"({after}"
            (rows,) = ask(self._scripts, ("XREVRANGE", self._stream, end, oldest, "COUNT", SCAN_PAGE))
            if isinstance(rows, Exception) or not rows:  # nothing, or no stream at all
                return found, None
            for raw_id, raw in rows:
                after = raw_id.decode()
                shown = _entry(after, raw, wanted)
                found += [] if shown is None else [shown]
                if len(found) == limit:
                    return found, after
            if len(rows) < SCAN_PAGE:
                return found, None
        return found, after


def read_entry(raw: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Read an entry as it is stored: JSON of what the caller said, beside what the script added.

    Raises:
        ValueError, AttributeError, TypeError: outside hands have damaged it.
    """
    texts = {name.decode(): value.decode(errors="replace") for name, value in raw.items()}
    said: dict[str, Any] = json.loads(texts.pop("entry", "{}"))
    if "fields" in texts:
        texts["fields"] = json.loads(texts["fields"])
    return {**said, **texts}


def _entry(entry_id: str, raw: Any, wanted: AuditFilter) -> Shown | None:
    """Make the view of an entry; None if it is not wanted, or outside hands have damaged it."""
    try:
        entry = read_entry(pairs(raw))
        return _shown(entry_id, entry) if wanted.wants(entry) else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _shown(entry_id: str, entry: Mapping[str, Any]) -> Shown:
    return {
        "id": entry_id,
        "at": format_ms(int(entry["at"])),
        **{name: entry.get(name) for name in ("actor", "actor_name", "session", "address", "request_id")},
        "action": entry["action"],
        "object": entry.get("object"),
        "job_id": entry.get("job_id"),
        "revision_before": _number(entry.get("before")),
        "revision_after": _number(entry.get("after")),
        "fields": {name: _change(values) for name, values in entry.get("fields", {}).items()},
        "note": entry.get("note"),
        "count": _number(entry.get("count", "1")),
    }


def _number(text: str | int | None) -> int | None:
    return None if text is None else int(text)


def _change(values: Sequence[Any] | None) -> dict[str, Any] | None:
    """Return the values of a changed field; None where they must not be told."""
    return None if values is None else {"from": values[0], "to": values[1]}
