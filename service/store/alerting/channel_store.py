"""Channels in Redis: a hash of all of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import orjson

from service.domain.alerting.channel import Channel, parse_channel
from service.domain.plain_json import dumps
from service.errors import Conflict, ValidationFailed
from service.store.audit.entries import entry_of, recorded
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs

CHANNELS_LIMIT = 200
"""Most channels of an installation."""


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel as it is stored. Times are ms."""

    channel: Channel
    revision: int
    created_at: int
    updated_at: int


class ChannelStore:
    """Channels, read and written.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def all(self) -> list[ChannelRecord]:
        """Read all channels, in the order of their names; leave out those that outside hands have damaged."""
        (answer,) = ask(self._scripts, ("HGETALL", self._keys.channels))
        found = (_record(text) for text in pairs(answer).values())
        return sorted((one for one in found if one is not None), key=lambda one: one.channel.name)

    def get(self, name: str) -> ChannelRecord | None:
        """Read one channel; None if it does not exist."""
        (text,) = ask(self._scripts, ("HGET", self._keys.channels, name))
        return None if text is None else _record(text)

    def save(self, record: ChannelRecord, before: ChannelRecord | None) -> bool:
        """Store a channel.

        Args:
            record: the channel as it is to be.
            before: as it was read; None for a new one.

        Returns:
            Whether it was stored. It is not if it has changed since it was read, or its name is taken.

        Raises:
            Conflict: there are too many.
        """
        channel = record.channel
        old, new = {} if before is None else before.channel.answer(), channel.answer()
        changed = {name: (old.get(name), new[name]) for name in new if old.get(name) != new[name]}
        entry = entry_of(f"channel.{'create' if before is None else 'update'}", channel.name, recorded(changed))
        stored = {
            **new, "revision": record.revision, "created_at": record.created_at, "updated_at": record.updated_at,
            "writer": secrets.token_hex(8),
        }  # fmt: skip
        word = self._scripts.run(
            "save_channel", channel.name, "" if before is None else before.revision, dumps(stored), entry.text,
            CHANNELS_LIMIT,
        )  # fmt: skip
        if word == b"too_many":
            raise Conflict(f"There are {CHANNELS_LIMIT} channels already; delete some first")
        if word == b"saved":
            entry.log(after=record.revision)
        return bool(word == b"saved")

    def delete(self, record: ChannelRecord) -> bool | tuple[str, ...] | None:
        """Delete a channel.

        Returns:
            True; False if it is gone already; None if it has changed since it was read; the ids of the rules that name
            it.
        """
        entry = entry_of("channel.delete", record.channel.name)
        word, *used = self._scripts.run("delete_channel", record.channel.name, record.revision, entry.text)
        if word == b"used":
            return tuple(one.decode(errors="replace") for one in used)
        if word == b"deleted":
            entry.log()
        return None if word == b"stale" else bool(word == b"deleted")


def _record(text: bytes) -> ChannelRecord | None:
    try:
        found = orjson.loads(text)
        numbers = (int(found.pop(name)) for name in ("revision", "created_at", "updated_at"))
        record = ChannelRecord, tuple(numbers)
        found.pop("writer", None)
        return ChannelRecord(parse_channel(found), *record[1])
    except (ValueError, TypeError, KeyError, AttributeError, ValidationFailed):
        return None
