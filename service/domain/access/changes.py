"""Changes, as the audit log notes them."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from service.domain.access.callers import SERVICE, caller
from service.domain.plain_json import dumps

NOTE_LENGTH = 200
"""The longest remark on a change, in characters."""

ACTIONS = (
    "job.create", "job.update", "job.enable", "job.disable", "job.delete", "job.restore", "job.undelete",
    "run.request", "run.cancel", "run.move", "run.start", "backfill.start",
    "backfill.cancel", "contact.create", "contact.update", "contact.delete", "contact.erase",
    "contact.merge", "contacts.import", "key.create", "key.update", "key.rotate", "key.revoke", "session.begin",
    "session.end", "notices.acknowledge", "message.test", "calendar.create", "calendar.update", "calendar.delete",
    "pause.create", "pause.end",
    "occurrence.skip", "occurrence.move", "occurrence.set", "occurrence.restore",
    "channel.create", "channel.update", "channel.delete", "channel.test", "rule.create", "rule.update", "rule.delete",
    "snooze.create", "snooze.end",
)  # fmt: skip
"""What a change can be: a kind of object and a verb. The audit log can be searched for each, and for each kind."""

_remark: ContextVar[str | None] = ContextVar("remark", default=None)


def remark_on_changes(remark: str | None) -> None:
    """Have the changes that this task or thread makes from now on carry a remark of the caller; None for none."""
    _remark.set(remark)


def remark() -> str | None:
    """Return the caller's remark, if there is one."""
    return _remark.get()


@dataclass(frozen=True, slots=True)
class Change:
    """A change that somebody has asked for.

    Args:
        action: a kind of object and a verb, such as `job.update`.
        object_id: of the changed object; persons stand here by their contact id alone.
        fields: the changed fields: name -> [old, new], JSON-ready; None for values that must not be told, such as
            secrets and traits of persons.
        note: a remark of the caller; None for that of its request, if any.
        job_id: the job that the object belongs to, if it is not itself a job.
    """

    action: str
    object_id: str
    fields: Mapping[str, tuple[Any, Any] | None] = field(default_factory=dict)
    note: str | None = None
    job_id: str | None = None

    def entry(self, request_id: str | None) -> str:
        """Write the change as an argument of a script, with its caller; empty if the service itself makes it.

        Args:
            request_id: of the request that asks for it.
        """
        who = caller()
        if who == SERVICE:
            return ""
        told = {
            "actor": who.actor, "actor_name": who.name, "action": self.action, "object": self.object_id,
            "job_id": self.job_id, "session": who.session, "address": who.address, "request_id": request_id,
            "note": self.note or remark(), "fields": self.fields or None,
        }  # fmt: skip
        return dumps({name: value for name, value in told.items() if value is not None}).decode()
