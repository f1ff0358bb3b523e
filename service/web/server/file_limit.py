"""Room for connections: each of them is an open file, and the system limits how many a process may have."""

from __future__ import annotations

import contextlib
import logging
import resource

OTHER_FILES = 512
"""Files that are not counted as connections: refused connections that end, Redis, sockets, files that are sent."""
FEWEST = 16
"""Connections that are accepted however low the limit is."""
_MOST = 1_048_576
"""What stands for a limit that is infinite, which some systems (macOS) do not accept as a process' own."""

log = logging.getLogger(__name__)


def make_room(connections: int) -> int:
    """Raise this process' limit of open files as far as it may, and warn if that is too low.

    Args:
        connections: how many are wanted.

    Returns:
        How many there is room for, at most `connections`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = _MOST if hard == resource.RLIM_INFINITY else hard
    for limit in (highest, connections + OTHER_FILES):
        if soft < limit <= highest:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                soft = limit
    room = max(FEWEST, soft - OTHER_FILES)
    if room < connections:
        log.warning(
            "A process may open %d files here, which is too few for LIMIT_CONNECTIONS=%d: it takes %d. Raise the limit "
            "of open files (ulimit -n) to %d, or lower LIMIT_CONNECTIONS",
            soft, connections, room, connections + OTHER_FILES,
        )  # fmt: skip
    return min(room, connections)
