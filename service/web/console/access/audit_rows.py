"""Rows of the audit log's page: entries with the names of what they are about, as far as it is still there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.errors import Conflict, NotFound
from service.usecases.access.keys import StoredKeys
from service.usecases.jobs import Jobs
from service.web.console.access.audit_words import action_words
from service.web.console.access.offers import KEYS
from service.web.console.formatting import as_json

SHORT = 8
"""The first characters of a session's id, which nobody reads whole. The details have it all."""


@dataclass(frozen=True, slots=True)
class Field:
    """A changed field.

    Args:
        name: its path.
        is_told: whether the log has its values. Those of secrets and of persons it has not.
        old, new: in words; None where there was, or is, no value.
    """

    name: str
    is_told: bool
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One entry.

    Args:
        entry: as the API answers it.
        action: in words.
        subject: the name of the job or the key that it is about, else its id.
        address: the page of that; None where it has no page (any more).
        job_id: the job that it is about; None for none.
        fields: the changed fields.
    """

    entry: Mapping[str, Any]
    action: str
    subject: str
    address: str | None
    job_id: str | None
    fields: Sequence[Field]


class AuditRows:
    """Maker of the rows of one page, which looks each name up once.

    Args:
        jobs: the use cases of jobs.
        keys: the stored keys.
    """

    def __init__(self, jobs: Jobs, keys: StoredKeys) -> None:
        self._jobs = jobs
        self._keys = keys
        self._names: dict[str, str | None] = {}

    def of(self, entry: Mapping[str, Any]) -> Row:
        """Make the row of an entry."""
        kind, subject = entry["action"].partition(".")[0], entry["object"] or ""
        job_id = entry["job_id"] or (subject if kind == "job" else None)
        name, address = self._subject(kind, subject, job_id, entry)
        fields = [_field(path, change) for path, change in entry["fields"].items()]
        return Row(entry, action_words(entry["action"]), name, address, job_id, fields)

    def _subject(self, kind: str, subject: str, job_id: str | None, entry: Mapping[str, Any]) -> tuple[str, str | None]:
        """Return the name of what an entry is about, and its page."""
        if job_id is not None:
            return self._named(job_id, self._job_name, f"/jobs/{job_id}", entry)
        if kind == "key":
            return self._named(subject, self._key_name, f"{KEYS}/keys/{subject}", entry)
        return f"{subject[:SHORT]}…" if kind == "session" else subject, None

    def _named(
        self, object_id: str, look_up: Callable[[str], str | None], address: str, entry: Mapping[str, Any]
    ) -> tuple[str, str | None]:
        """Return the present name and the page of an object; of one that is gone, the name that the entry says."""
        name = self._name(object_id, look_up)
        return (_last_name(entry) or object_id, None) if name is None else (name, address)

    def _name(self, object_id: str, look_up: Callable[[str], str | None]) -> str | None:
        if object_id not in self._names:
            try:
                self._names[object_id] = look_up(object_id)
            except (NotFound, Conflict):
                self._names[object_id] = None
        return self._names[object_id]

    def _job_name(self, job_id: str) -> str | None:
        return str(self._jobs.get(job_id).data["name"]) if Scope.READ in caller().scopes else None

    def _key_name(self, key_id: str) -> str:
        return str(self._keys.get(key_id)["name"])


def _last_name(entry: Mapping[str, Any]) -> str | None:
    """Return the name that an entry says itself: that of something new, renamed, or gone."""
    change = entry["fields"].get("name") or {}
    name = change.get("to") or change.get("from")
    return name if isinstance(name, str) else None


def _field(name: str, change: Mapping[str, Any] | None) -> Field:
    return Field(name, False) if change is None else Field(name, True, _said(change["from"]), _said(change["to"]))


def _said(value: Any) -> str | None:
    """Write a value as people read it: lists of words without brackets, all else as in a definition."""
    if value is None or isinstance(value, str):
        return value
    if value and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return as_json(value)
