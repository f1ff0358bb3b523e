"""A connection on which Redis reports what has changed of all that was read there.

Redis remembers which keys a connection has read, and sends a message on that connection when one of them changes
(CLIENT TRACKING). Messages and answers arrive in the order of the changes. So whoever asks Redis anything
there knows, when the answer comes, of all changes before it: what is still kept is as it was when Redis answered.

What is kept lives on the event loop of a web process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from service.interleaving import has_loop, is_interleaved, on_loop
from service.store.scripts import Scripts
from service.store.server.connection import WebRedis
from service.store.server.exchange import exchange, packed

log = logging.getLogger(__name__)

TRACKING = packed("CLIENT", "TRACKING", "ON", "OPTIN")
_TRACKED = packed("CLIENT", "CACHING", "YES")
"""Has Redis report changes of the keys that the next command reads."""

Read = TypeVar("Read")


class Tracked:
    """Base of what is kept until Redis reports a change of it. A subclass drops what changed in `forget`.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        client = scripts.client
        self.scripts = scripts
        """The scripts on the connection that reports changes."""
        self.refused = not isinstance(client, WebRedis)
        """Whether the client or Redis rules this out. If so, read without it."""
        if isinstance(client, WebRedis):
            self.scripts = scripts.on_line(
                client.beside(greeting=[TRACKING], greeted=self._start_over, push=self._note)
            )
        self._changes = 0
        self._changed: dict[bytes, int] = {}
        self._all_changed = 0
        self._readers = 0
        self._times_back = 0

    def forget(self, key: bytes | None) -> None:
        """Drop what is kept of a key; None: of all keys."""
        raise NotImplementedError

    def reading(self, read: Callable[[], Read]) -> Read | None:
        """Make a call that reads on this connection, on the event loop; again if the connection broke.

        Returns:
            Its result. None if nothing can be kept: read without it.

        Raises:
            StoreUnavailable: Redis is away.
        """
        if self.refused or not has_loop():
            return None
        if not is_interleaved():
            return on_loop(self.reading, read)
        return self.scripts.ask(partial(self._reading, read))

    def _reading(self, read: Callable[[], Read]) -> Read | None:
        self._readers += 1
        try:
            return read()
        finally:
            self._readers -= 1
            if not self._readers:
                self._changed.clear()

    def ask(self, *commands: Sequence[str | bytes | int | float]) -> list[Any]:
        """Ask on this connection without having changes reported. Then all changes before the answer are known."""
        answers = exchange(self.scripts.client, [packed(*command) for command in commands])
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        self._forget_after_loss()
        return answers

    def ask_tracked(self, commands: Sequence[bytes]) -> list[Any]:
        """Ask with packed commands, and have changes of what they read reported."""
        return exchange(self.scripts.client, [part for each in commands for part in (_TRACKED, each)])[1::2]

    @property
    def now(self) -> int:
        """How many changes were reported up to now; for `is_current`."""
        return self._changes

    def is_current(self, key: bytes, since: int) -> bool:
        """Return whether no change of a key was reported since `now` was so much. Only within `reading`."""
        return max(self._changed.get(key, 0), self._all_changed) <= since

    def _forget_after_loss(self) -> None:
        """Forget everything if the data went back: what is kept belongs to an earlier state, whatever Redis reports."""
        if self._times_back != self.scripts.data.times_back:
            self._times_back = self.scripts.data.times_back
            self._note([b"invalidate", None])

    def _start_over(self, answers: list[Any]) -> None:
        """Start empty on a new connection, on which Redis reports nothing about earlier reads."""
        self._note([b"invalidate", None])
        (answer,) = answers
        self.refused = isinstance(answer, ResponseError)
        if self.refused:
            log.info("Redis does not report changes (%s); every list is read completely", answer)

    def _note(self, message: list[Any]) -> None:
        """Note a message of Redis: the keys that changed; None for all keys."""
        self._changes += 1
        if message[1] is None:
            self._all_changed = self._changes
            self.forget(None)
            return
        for key in message[1]:
            if self._readers:
                self._changed[key] = self._changes
            self.forget(key)
