"""Cheap readings of the state that a process has only one of, so that two readings can be compared.

They return lists and the like as they are, and whoever keeps a reading copies it (`kept`). If a bot changes such
state, the next run in the same process meets the change (`service.worker.leftovers.untouched`).
"""

from __future__ import annotations

import asyncio
import codecs
import decimal
import faulthandler
import fcntl
import gc
import importlib
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from _thread import _count as count_of_threads
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from service.worker.leftovers.c_library import CEnvironment, has_children, locale_now, same_file
from service.worker.leftovers.dict_versions import repeated_after_writes

ERROR_HANDLERS = ("strict", "ignore", "replace", "backslashreplace", "surrogateescape")
"""Python's own handlers of encoding and decoding errors, which `codecs.register_error` can replace."""

_LIMITS = [
    getattr(resource, f"RLIMIT_{name}")
    for name in ("NOFILE", "NPROC", "AS", "DATA", "STACK", "FSIZE", "CPU", "CORE")
    if hasattr(resource, f"RLIMIT_{name}")
]
_TIMERS = [int(getattr(signal, name)) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")]
_SIGNALS = [int(signum) for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}]
_bare_signal: Any = importlib.import_module("_signal")  # makes no enum of each answer, which takes twenty times as long
_active: Any = threading._active  # type: ignore[attr-defined]  # its function takes a lock, at ten times the cost
_signal_of, _timer, _limit = _bare_signal.getsignal, _bare_signal.getitimer, resource.getrlimit
_settings_of_decimals = attrgetter("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")


def kept(reading: object) -> object:
    """Copy a reading, so that it stays as it is."""
    if isinstance(reading, tuple):
        return tuple(map(kept, reading))
    if isinstance(reading, list):
        return list(map(kept, reading))
    return dict(reading) if isinstance(reading, Mapping) else reading


def _threads() -> object:
    return len(_active), count_of_threads()


_STANDARD = (0, 1, 2)


class Descriptors:
    """Counts open descriptors, and tells which files the standard ones are.

    Linux gives their number as a folder's size since 6.2; elsewhere they are listed.
    """

    def __init__(self) -> None:
        self._path = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
        self._folder: int | None = None
        if sys.platform == "linux" and os.path.isdir(self._path) and os.stat(self._path).st_size > 0:
            self._folder = os.open(self._path, os.O_RDONLY)
        self._copies = _copies_of_standard()

    def count(self) -> int:
        """Return how many are open, this object's own among them."""
        return os.fstat(self._folder).st_size if self._folder is not None else len(os.listdir(self._path))

    def standard(self) -> object:
        """Return which files standard input, output and error are, or whether they are those of the beginning."""
        if self._copies:
            return list(map(same_file, _STANDARD, self._copies))
        return [(found.st_dev, found.st_ino) for found in map(os.fstat, _STANDARD)]


def _copies_of_standard() -> list[int]:
    """Return copies of the standard descriptors to compare with, at half the cost; none where they cannot be."""
    try:
        copies = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3) for number in _STANDARD]
    except OSError:  # one is closed
        return []
    if all(map(same_file, _STANDARD, copies)):
        return copies
    for copy in copies:
        os.close(copy)
    return []


def _folder() -> object:
    return os.getcwd()


def environment() -> Callable[[], object]:
    """Return what compares Python's environment with what it is now."""
    now: dict[str, str] = os.environ._data  # type: ignore[attr-defined]  # to decode it takes ten times as long
    before = dict(now)
    return repeated_after_writes(lambda: now == before, [now])


def environment_of_children() -> Callable[[], object]:
    """Return what compares the environment that child processes inherit with what it is now.

    It compares nothing where C hides it.
    """
    try:
        return CEnvironment().is_as_before
    except ValueError:  # a C library that does not show it
        return lambda: None


def _error_handlers() -> object:
    return list(map(codecs.lookup_error, ERROR_HANDLERS))


def _zone() -> object:
    return time.tzname, time.timezone, time.altzone, time.daylight


def _imports() -> object:
    return sys.path, sys.meta_path, sys.path_hooks, sys.argv


def _handlers() -> object:
    return list(map(_signal_of, _SIGNALS)), _bare_signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _timers() -> object:
    return [_timer(timer)[0] > 0 for timer in _TIMERS]


def _limits() -> object:
    return list(map(_limit, _LIMITS))


def _standing() -> object:
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return os.getpriority(os.PRIO_PROCESS, 0), affinity, os.geteuid(), os.getegid(), os.getpgrp(), os.getsid(0)


def _interpreter() -> object:
    return (
        _is_closed(sys.stdout), _is_closed(sys.stderr), sys.getrecursionlimit(),
        sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), sys.get_int_max_str_digits(),
        gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks, faulthandler.is_enabled(),
        tracemalloc.is_tracing(), sys.get_asyncgen_hooks(),
        sys.get_coroutine_origin_tracking_depth(), _dlopen_flags(),
    )  # fmt: skip


_dlopen_flags: Callable[[], int] = getattr(sys, "getdlopenflags", int)


def _is_closed(stream: object) -> object:
    return getattr(stream, "closed", None)


def _warnings() -> object:
    """Return the filters that make errors of warnings; libraries add harmless ones when they are first imported."""
    return [found for found in warnings.filters if found[0] == "error"]


def _defaults() -> object:
    return socket.getdefaulttimeout(), tempfile.tempdir


def make_lazy_defaults() -> None:
    """Create what Python creates lazily, so that it does not look like a change."""
    asyncio.get_event_loop_policy()
    decimal.getcontext()
    try:
        tempfile.gettempdir()
    except OSError:  # it does not exist, nor will it
        pass


def _decimals() -> object:
    return _settings_of_decimals(decimal.getcontext())


def _loops() -> Any:
    return type(asyncio.get_event_loop_policy())


LOOKS: dict[str, Callable[[], object]] = {
    "a thread": _threads,
    "a child process": has_children,
    "another working directory": _folder,
    "another handler of encoding errors": _error_handlers,
    "another time zone": _zone,
    "another locale": locale_now,
    "another sys.path": _imports,
    "a signal handler": _handlers,
    "a timer": _timers,
    "other resource limits": _limits,
    "another niceness, user or process group": _standing,
    "other settings of the interpreter": _interpreter,
    "warnings that are errors": _warnings,
    "another default of sockets or of temporary files": _defaults,
    "another decimal context": _decimals,
    "another event loop policy": _loops,
}
"""The readings, by the words with which the log names a change."""
