"""Finds what a bot left behind in its process that the next run would meet: everything that is cheap to look at.

The work horse reads it before its first run and compares after each. It looks at what a process has one of, such as its
descriptors, limits and settings (`looks`), and at what other code in it relies on, such as `time.time` (`patches`).
Global variables of a bot's own modules are the bot's business. No process can see what C code, or an audit hook, keeps
to itself.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import threading
from collections.abc import Callable

from redis import Redis

from service.store.server.connection import open_sockets
from service.worker.leftovers import looks
from service.worker.leftovers.openers import UsualOpener
from service.worker.leftovers.patches import Patches

LOGGERS = ("service", "service.run", "service.worker.horse")
"""Our own loggers, which a `dictConfig` switches off."""


class Untouched:
    """The process as it is now, to compare with later. Make and ask it in the process' only thread.

    Args:
        client: our own connection to Redis, whose descriptors are not a bot's.
    """

    def __init__(self, client: Redis | None = None) -> None:
        looks.make_lazy_defaults()
        self._client = client
        self._umask: int | None = None
        self._open = looks.DescriptorCount()
        self._loggers = [logging.root, *map(logging.getLogger, LOGGERS)]
        self._looks: dict[str, Callable[[], object]] = {
            **looks.LOOKS,
            "open files or connections": self._descriptors,
            "another umask": self._mask,
            "another environment of its child processes": looks.environment_of_children(),
            "another opener of urllib": UsualOpener().now,
            "a patched module": Patches().now,
            "other settings of logging": self._logging,
        }
        self._before = self._now()

    def leftovers(self) -> list[str]:
        """Return what has changed since, in words for people; empty if nothing has."""
        now = self._now()
        if now == self._before:
            return []
        return [name for name, before, after in zip(self._looks, self._before, now, strict=True) if before != after]

    def _now(self) -> list[object]:
        return [_seen(look) for look in self._looks.values()]

    def _mask(self) -> object:
        """Read the umask by setting it, which nobody can notice while this is the only thread."""
        if threading.active_count() == 1:
            self._umask = os.umask(0o077)
            os.umask(self._umask)
        return self._umask

    def _descriptors(self) -> object:
        """Return how many descriptors there are beside our own connection's, and which files the standard ones are."""
        ours = 0 if self._client is None else open_sockets(self._client)
        standard = [(found.st_dev, found.st_ino) for found in map(os.fstat, (0, 1, 2))]
        return self._open.now() - ours, standard

    def _logging(self) -> object:
        loggers = [
            (logger.level, logger.disabled, logger.propagate, list(logger.handlers), list(logger.filters))
            for logger in self._loggers
        ]
        return loggers, logging.root.manager.disable


def peak_megabytes() -> float:
    """Return the most memory that this process has ever held, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _seen(look: Callable[[], object]) -> object:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a look that fails now and did not before is a change, too
        return type(error), str(error)
