"""Rules in Redis: a hash of all of them, and what scripts leave notes of because of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from service.domain.alerting.rule import Rule, parse_rule, scopes_wanted
from service.domain.plain_json import dumps
from service.errors import Conflict, ValidationFailed
from service.store.audit.entries import entry_of, recorded
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

RULES_LIMIT = 500
"""Most rules of an installation."""


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """A rule as it is stored. Times are ms."""

    id: str
    rule: Rule
    revision: int
    created_at: int
    updated_at: int


class RuleStore:
    """Rules, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def all(self) -> list[RuleRecord]:
        """Read all rules, the oldest first; leave out those that outside hands have damaged."""
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.rules))
        found = (_record(text) for text in pairs(answer).values())
        return sorted((one for one in found if one is not None), key=lambda one: (one.created_at, one.id))

    def save(self, record: RuleRecord, every: Sequence[RuleRecord]) -> Literal["saved", "stale", "no_channel"]:
        """Store a rule.

        Args:
            record: the rule as it is to be.
            every: all rules as they were read, it among them unless it is new.

        Returns:
            What became of it: `stale`, if a rule has changed since they were read.

        Raises:
            Conflict: there are too many.
        """
        before = next((one for one in every if one.id == record.id), None)
        old, new = {} if before is None else before.rule.answer(), record.rule.answer()
        changed = {name: (old.get(name), new[name]) for name in new if old.get(name) != new[name]}
        entry = entry_of(f"rule.{'create' if before is None else 'update'}", record.id, recorded(changed))
        stored = {
            "id": record.id, **new, "revision": record.revision, "created_at": record.created_at,
            "updated_at": record.updated_at, "writer": secrets.token_hex(8),
        }  # fmt: skip
        rules = [record.rule, *(one.rule for one in every if one.id != record.id)]
        word = self._scripts.run(
            "save_rule", record.id, "" if before is None else before.revision, dumps(stored), entry.text, RULES_LIMIT,
            dumps(scopes_wanted(rules)), _revisions(every),
        )  # fmt: skip
        if word == b"too_many":
            raise Conflict(f"There are {RULES_LIMIT} rules already; delete some first")
        if word == b"saved":
            entry.log(after=record.revision)
        found: Any = word.decode()
        return found  # type: ignore[no-any-return]

    def delete(self, record: RuleRecord, every: Sequence[RuleRecord]) -> bool | None:
        """Delete a rule. Return True; False if it is gone already; None if a rule has changed since they were read."""
        entry = entry_of("rule.delete", record.id)
        rules = [one.rule for one in every if one.id != record.id]
        word = self._scripts.run(
            "delete_rule", record.id, dumps(scopes_wanted(rules)), _revisions(every), entry.text
        )  # fmt: skip
        if word == b"deleted":
            entry.log()
        return None if word == b"stale" else bool(word == b"deleted")


def _revisions(every: Sequence[RuleRecord]) -> bytes:
    return dumps({one.id: one.revision for one in every})


def _record(text: bytes) -> RuleRecord | None:
    try:
        found = orjson.loads(text)
        rule = {name: found[name] for name in ("channel", "on", "labels", "bot_types", "job_id", "after", "template")}
        return RuleRecord(
            str(found["id"]), parse_rule(rule), int(found["revision"]), int(found["created_at"]),
            int(found["updated_at"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, ValidationFailed):
        return None
