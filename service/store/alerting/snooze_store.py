"""Snoozes and used links in Redis."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

import orjson

from service.domain.alerting.link import Action, Link
from service.domain.alerting.snooze import Snooze
from service.domain.plain_json import dumps
from service.domain.timestamps import format_ms
from service.store.audit.entries import entry_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs


@dataclass(frozen=True, slots=True)
class Use:
    """How a link was used.

    Args:
        at: when, ms.
        to: through whom: the channel, or the setting.
        made: what came of it: the id of the run, or when the snooze ends, ms.
    """

    at: int
    to: str
    made: str


class SnoozeStore:
    """Snoozes, made by links, read, and ended.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def all(self) -> list[Snooze]:
        """Read all snoozes, and those that ended lately, the first to end first; leave out damaged ones."""
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.snoozes))
        found = [] if isinstance(answer, Exception) else [_snooze(text) for text in pairs(answer).values()]
        return sorted((one for one in found if one is not None), key=lambda one: (one.until, one.id, one.to))

    def make(self, link: Link, until: int) -> Snooze | Use | Literal["gone"]:
        """Snooze a job's alerts as a link asks for it, and note that the link is used.

        Args:
            link: the link.
            until: when the snooze ends, ms.

        Returns:
            The snooze; how the link was used before; `gone` if there is no such job.
        """
        entry = entry_of(
            "snooze.create", link.alert_id, {"until": (None, format_ms(until)), "to": (None, link.to)}, link.job_id
        )
        made = {
            "id": link.alert_id, "job_id": link.job_id, "to": link.to, "until": until, "writer": secrets.token_hex(8),
        }  # fmt: skip
        word, *more = self._scripts.run(
            "snooze_job", link.job_id, link.to, dumps(made), asked_by(link), entry.text
        )  # fmt: skip
        if word == b"gone":
            return "gone"
        if word == b"used":
            return use_of(more[0])
        entry.log()
        found = _snooze(more[0])
        assert found is not None
        return found

    def end(self, snooze: Snooze) -> bool:
        """End a snooze. What it has held is told together. Returns False if it has ended already."""
        entry = entry_of("snooze.end", snooze.id, {"to": (snooze.to, None)}, snooze.job_id)
        ended = bool(self._scripts.run("end_snooze", snooze.id, entry.text) == b"ended")
        if ended:
            entry.log()
        return ended

    def use(self, alert_id: str, action: Action) -> Use | None:
        """Return how a link was used; None if it was not."""
        (text,) = ask(self._scripts, ("HGET", self._keys.link(alert_id), action))
        return use_of(text) if isinstance(text, bytes) else None


def asked_by(link: Link) -> bytes:
    """Write a link as scripts take it (service/store/lua/shared/links.lua)."""
    return dumps({"alert_id": link.alert_id, "action": link.action, "to": link.to, "expires_at": link.expires_at})


def use_of(text: bytes) -> Use:
    """Read how a link was used; a damaged note still says that it was."""
    try:
        found = orjson.loads(text)
        return Use(int(found["at"]), str(found["to"]), str(found["made"]))
    except (ValueError, TypeError, KeyError):
        return Use(0, "", "")


def _snooze(text: bytes) -> Snooze | None:
    try:
        found = orjson.loads(text)
        return Snooze(
            str(found["id"]), str(found["job_id"]), str(found["to"]), int(found["since"]), int(found["until"])
        )
    except (ValueError, TypeError, KeyError):
        return None
