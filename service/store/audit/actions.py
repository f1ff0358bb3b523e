"""Entries of actions that no other script makes: test messages, and whole imports.

Such an entry is written before its action, so that nothing happens without one. An import's entry is then replaced by
the one with its counts, in one step. The entry of an import that was killed says that it has not finished.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from redis import Redis

from service.store.audit.entries import Entry
from service.store.keys import Keys
from service.store.scripts import Gate, Limits, script_of
from service.store.server.translation import translate_errors


class ActionLog:
    """Writer of such entries.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: checks before each use of Redis; None where the process makes them itself.
        limits: the installation's.
    """

    def __init__(self, client: Redis, keys: Keys, gate: Gate | None = None, limits: Limits | None = None) -> None:
        self._gate = gate
        self._note = script_of(client, "note_action", keys, limits)

    def note(self, entry: Entry) -> str:
        """Note an action that is about to be made. Returns the entry's id; empty if the service acts for itself.

        Raises:
            StoreUnavailable: Redis is away; the action must not be made.
        """
        noted = self._write(entry.text, "") if entry.text else ""
        entry.log()
        return noted

    def conclude(self, noted: str, entry: Callable[[], Entry] | None) -> None:
        """Replace the entry of an action by what it came to.

        Args:
            noted: the id of the entry that goes.
            entry: makes the one that comes; None if nothing has changed, so that none is left.

        Raises:
            StoreUnavailable: Redis is away; the former entry stays.
        """
        if not noted:
            return
        made = None if entry is None else entry()
        self._write("" if made is None else made.text, noted)
        if made is not None:
            made.log()

    def _write(self, text: str, replaced: str) -> str:
        if self._gate is not None:
            self._gate.write()
        with translate_errors():
            return str(self._note(keys=(), args=[text, secrets.token_hex(4), replaced]).decode())
