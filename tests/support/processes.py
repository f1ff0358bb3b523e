"""Processes, ports, and waiting for what they do."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from pathlib import Path


def find_free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "") -> None:
    """Waits for a condition; fails with what `explain` says when it does not come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {explain()}")
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    """All processes below one, Linux' /proc; none if it ends meanwhile."""
    found: list[int] = []
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except FileNotFoundError:
        return found
    for task in tasks:
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def in_sessions(leaders: Collection[int]) -> list[int]:
    """All processes of these sessions that have not ended, though their parents may have; Linux' /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has ended meanwhile
        if int(session) in leaders and state not in "ZX":
            found.append(int(stat.parent.name))
    return found
