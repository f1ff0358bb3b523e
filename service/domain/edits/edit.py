"""One changed occurrence, as it is stored and told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from service.domain.plain_json import dumps
from service.domain.timestamps import format_ms, format_timestamp

MOST = 500
"""The most changed occurrences of one job."""
Action = Literal["skip", "move", "set"]


@dataclass(frozen=True)
class Edit:
    """What becomes of one occurrence.

    Args:
        instant: the occurrence, epoch seconds.
        action: `skip`; `move`, to another time; `set`: run at its own time, with other settings.
        due: when it is decided, ms.
        moved_to: the other time, epoch seconds; None unless it is moved.
        bot_config: laid over the job's own; None unless it has other settings.
        bound: whether its run may only use secrets that are bound to hosts.
        reason: in the words of whoever changed it; None for none.
        by: who that was, `{"actor", "name"}`; None if the service did.
        at: when, ms.
        decided: when it was decided, ms; None before.
    """

    instant: int
    action: Action
    due: int
    moved_to: int | None = None
    bot_config: Mapping[str, Any] | None = None
    bound: bool = False
    reason: str | None = None
    by: Mapping[str, str] | None = None
    at: int = 0
    decided: int | None = None

    def text(self) -> str:
        """Write it as it is stored. Scripts read the first field alone: `due`, or `decided` of one that is decided."""
        told = {
            **({} if self.decided is None else {"decided": self.decided}), "due": self.due,
            "skip": True if self.action == "skip" else None, "move_to": self.moved_to, "bot_config": self.bot_config,
            "bound": self.bound or None, "reason": self.reason, "by": self.by, "at": self.at,
        }  # fmt: skip
        return dumps({name: value for name, value in told.items() if value is not None}).decode()

    def told(self) -> dict[str, Any]:
        """Describe it as the API shows it, without what it lays over the job's `bot_config`."""
        told: dict[str, Any] = {
            "action": self.action, "reason": self.reason, "by": self.by, "at": format_ms(self.at),
        }  # fmt: skip
        return told if self.moved_to is None else told | {"move_to": format_timestamp(self.moved_to)}

    @classmethod
    def read(cls, instant: int, text: str | bytes) -> Edit:
        """Read what `text` wrote. Raises ValueError, TypeError or KeyError if it is damaged."""
        told = json.loads(text)
        action: Action = "skip" if "skip" in told else "move" if "move_to" in told else "set"
        return cls(
            instant, action, int(told["due"]), told.get("move_to"), told.get("bot_config"), bool(told.get("bound")),
            told.get("reason"), told.get("by"), int(told.get("at", 0)), told.get("decided"),
        )  # fmt: skip


@dataclass(frozen=True)
class Edits:
    """The changed occurrences of a job.

    Args:
        stamp: another one after each change, and each decision, of any of them; empty without any.
        each: instant -> the change. One that is decided stays until the job has passed its instant.
    """

    stamp: str = ""
    each: Mapping[int, Edit] = field(default_factory=dict)

    @cached_property
    def instants(self) -> frozenset[int]:
        """The occurrences that have, or had, a decision of their own."""
        return frozenset(self.each)

    @property
    def pending(self) -> list[Edit]:
        """Those that are not decided, the one that is due first at the start."""
        if not self.each:  # as nearly always, and lists of thousands of jobs ask
            return []
        found = [edit for edit in self.each.values() if edit.decided is None]
        return sorted(found, key=lambda edit: (edit.due, edit.instant))

    def with_one(self, edit: Edit) -> Edits:
        """Return the same with one more, or with another change of the same occurrence."""
        return replace(self, each={**self.each, edit.instant: edit})

    def without(self, *instants: int) -> Edits:
        """Return the same without some."""
        return replace(self, each={at: edit for at, edit in self.each.items() if at not in instants})


NO_EDITS = Edits()


def read_edits(stamp: str, fields: Mapping[bytes, bytes]) -> Edits:
    """Read the changes of a job's occurrences.

    Args:
        stamp: what the job's hash says.
        fields: the hash of the changes.

    Raises:
        ValueError, TypeError, KeyError: one is damaged.
    """
    return Edits(stamp, {int(at): Edit.read(int(at), text) for at, text in fields.items()}) if stamp else NO_EDITS
