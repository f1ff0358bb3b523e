"""Records of stored keys: what each may do, who made it, and when it was last used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.domain.access.limits import Limits
from service.domain.access.scopes import Scope
from service.domain.timestamps import format_ms, format_timestamp


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What somebody decides about a key.

    Args:
        name: for people, 1–200 characters.
        scopes: at least one.
        limits: the jobs that exist for it.
        expires_at: epoch seconds from which it is refused; None for never.
        note: a remark; None for none.
        job_id: the job to which it is bound, of whose pings or badge it is; None for none.
    """

    name: str
    scopes: frozenset[Scope]
    limits: Limits
    expires_at: int | None
    note: str | None
    job_id: str | None = None

    def answer(self) -> dict[str, Any]:
        """Return the terms as the API shows them and takes them."""
        labels = {label: sorted(values) for label, values in self.limits.labels.items()}
        bots = self.limits.bot_types
        return {
            "name": self.name,
            "scopes": [scope.value for scope in Scope if scope in self.scopes],
            "labels": labels or None,
            "bot_types": None if bots is None else sorted(bots),
            "expires_at": None if self.expires_at is None else format_timestamp(self.expires_at),
            "note": self.note,
            "job_id": self.job_id,
        }


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A stored key.

    Args:
        id: its id, which is a part of its text.
        terms: what it may do.
        digest: the SHA-256 of its secret, hexadecimal.
        created_at: ms.
        created_by: the id of its maker's key, or `root`.
        created_by_name: that key's name at the time.
        revision: of its terms and its secret, from 1 on.
        previous_digest: of the secret before the last rotation; None for none.
        previous_until: until when that one is accepted, ms.
        used_at: when it was last used, ms, give or take a minute; None for never.
        used_from: the address that it was last used from.
    """

    id: str
    terms: KeyTerms
    digest: str
    created_at: int
    created_by: str
    created_by_name: str
    revision: int = 1
    previous_digest: str | None = None
    previous_until: int | None = None
    used_at: int | None = None
    used_from: str | None = None

    def answer(self, now_ms: int) -> dict[str, Any]:
        """Return the key as the API shows it.

        Args:
            now_ms: after its end, an overlap is not shown.
        """
        overlaps = self.previous_until is not None and self.previous_until > now_ms
        return {
            "id": self.id,
            **self.terms.answer(),
            "created_at": format_ms(self.created_at),
            "created_by": self.created_by,
            "created_by_name": self.created_by_name,
            "last_used_at": None if self.used_at is None else format_ms(self.used_at),
            "last_used_from": self.used_from,
            "previous_until": format_ms(self.previous_until) if overlaps and self.previous_until else None,
            "revision": self.revision,
        }


READ_ONLY_FIELDS = (
    "id", "created_at", "created_by", "created_by_name", "last_used_at", "last_used_from", "previous_until", "revision",
)  # fmt: skip
"""The fields of an answer that a body may repeat, and that nobody decides."""


def stored_fields(record: KeyRecord) -> dict[str, str | None]:
    """Return the fields of a key's hash; None for one that it does not have. Its use is written elsewhere."""
    terms, limits = record.terms, record.terms.limits
    labels = {label: sorted(values) for label, values in limits.labels.items()}
    return {
        "name": terms.name,
        "scopes": " ".join(sorted(terms.scopes)),
        "labels": json.dumps(labels) if labels else None,
        "bot_types": None if limits.bot_types is None else " ".join(sorted(limits.bot_types)),
        "expires_at": _text(terms.expires_at),
        "note": terms.note,
        "job_id": terms.job_id,
        "digest": record.digest,
        "created_at": str(record.created_at),
        "created_by": record.created_by,
        "created_by_name": record.created_by_name,
        "revision": str(record.revision),
        "previous_digest": record.previous_digest,
        "previous_until": _text(record.previous_until),
    }


def read_record(key_id: str, fields: Mapping[str, str]) -> KeyRecord:
    """Read a key's hash.

    Raises:
        KeyError, ValueError: it is damaged.
    """
    return KeyRecord(
        id=key_id,
        terms=KeyTerms(
            name=fields["name"],
            scopes=stored_scopes(fields["scopes"]),
            limits=stored_limits(fields.get("labels"), fields.get("bot_types")),
            expires_at=_number(fields.get("expires_at")),
            note=fields.get("note"),
            job_id=fields.get("job_id"),
        ),
        digest=fields["digest"],
        created_at=int(fields["created_at"]),
        created_by=fields["created_by"],
        created_by_name=fields["created_by_name"],
        revision=int(fields["revision"]),
        previous_digest=fields.get("previous_digest"),
        previous_until=_number(fields.get("previous_until")),
        used_at=_number(fields.get("used_at")),
        used_from=fields.get("used_from"),
    )


def stored_scopes(text: str) -> frozenset[Scope]:
    """Read stored scopes. A scope that this release does not know gives nothing."""
    known = {scope.value for scope in Scope}
    return frozenset(Scope(name) for name in text.split() if name in known)


def stored_limits(labels: str | None, bot_types: str | None) -> Limits:
    """Read stored limits; None for no such limit.

    Raises:
        ValueError: they are damaged.
    """
    found = {label: frozenset(values) for label, values in json.loads(labels or "{}").items()}
    return Limits(MappingProxyType(found), None if bot_types is None else frozenset(bot_types.split()))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
