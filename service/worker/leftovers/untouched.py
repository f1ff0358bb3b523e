"""Finds what a bot left behind in its process that the next run would meet: everything that is cheap to look at.

The work horse reads it before its first run and compares after each. It looks at what a process has one of, such as its
descriptors, limits and settings (`looks`), and at what other code in it relies on, such as `time.time` (`patches`).
Global variables of a bot's own modules are the bot's business, and so is the state of `random`, which no use of it can
be told from. No process can see what C code, or an audit hook, keeps to itself.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
from collections.abc import Callable
from operator import attrgetter

from redis import Redis

from service.store.server.connection import open_sockets
from service.worker.leftovers import looks
from service.worker.leftovers.c_library import zone_of_c
from service.worker.leftovers.openers import UsualOpener
from service.worker.leftovers.patches import Patches

LOGGERS = ("service", "service.run", "service.worker.horse")
"""Our own loggers, which a `dictConfig` switches off."""

_settings_of_logger = attrgetter("level", "disabled", "propagate", "handlers", "filters")


class Untouched:
    """The process as it is now, to compare with later. Make and ask it in the process' only thread.

    Args:
        client: our own connection to Redis, whose descriptors are not a bot's.
    """

    def __init__(self, client: Redis | None = None) -> None:
        looks.make_lazy_defaults()
        self._client = client
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._descriptors = looks.Descriptors()
        self._loggers = [logging.root, *map(logging.getLogger, LOGGERS)]
        self._looks: dict[str, Callable[[], object]] = {
            **looks.LOOKS,
            "open files or connections": self._open,
            "another umask": self._mask,
            "another environment": looks.environment(),
            "another time zone of C": zone_of_c(),
            "another environment of its child processes": looks.environment_of_children(),
            "another opener of urllib": UsualOpener().now,
            "a patched module": Patches().now,
            "other settings of logging": self._logging,
        }
        self._in_order = list(self._looks.values())
        self._before = [looks.kept(_seen(look)) for look in self._in_order]

    def leftovers(self) -> list[str]:
        """Return what has changed since, in words for people; empty if nothing has."""
        try:
            now = [look() for look in self._in_order]
        except Exception:  # noqa: BLE001 - one of them fails
            now = [_seen(look) for look in self._in_order]
        if now == self._before:
            return []
        return [name for name, before, after in zip(self._looks, self._before, now, strict=True) if before != after]

    def _mask(self) -> object:
        """Return the umask, which can only be read by setting it: to what it should be."""
        return os.umask(self._umask)

    def _open(self) -> object:
        """Return how many descriptors there are beside our own connection's, and which files the standard ones are."""
        ours = 0 if self._client is None else open_sockets(self._client)
        return self._descriptors.count() - ours, self._descriptors.standard()

    def _logging(self) -> object:
        return list(map(_settings_of_logger, self._loggers)), logging.root.manager.disable


def peak_megabytes() -> float:
    """Return the most memory that this process has ever held, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _seen(look: Callable[[], object]) -> object:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a look that fails now and did not before is a change, too
        return type(error), str(error)
