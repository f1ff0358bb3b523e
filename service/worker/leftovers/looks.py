"""Cheap readings of the state that a process has only one of, so that two readings can be compared.

If a bot changes such state, the next run in the same process meets the change (`service.worker.leftovers.untouched`).
"""

from __future__ import annotations

import asyncio
import codecs
import decimal
import faulthandler
import gc
import importlib
import locale
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from _thread import _count as count_of_threads
from collections.abc import Callable
from typing import Any

from service.worker.leftovers.c_environment import CEnvironment

ERROR_HANDLERS = ("strict", "ignore", "replace", "backslashreplace", "surrogateescape")
"""Python's own handlers of encoding and decoding errors, which `codecs.register_error` can replace."""

_LIMITS = [
    getattr(resource, f"RLIMIT_{name}")
    for name in ("NOFILE", "NPROC", "AS", "DATA", "STACK", "FSIZE", "CPU", "CORE")
    if hasattr(resource, f"RLIMIT_{name}")
]
_TIMERS = [getattr(signal, name) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")]
_SIGNALS = [int(signum) for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}]
_bare_signal: Any = importlib.import_module("_signal")  # makes no enum of each answer, which takes twenty times as long


def _threads() -> object:
    return threading.active_count(), count_of_threads()


def _children() -> object:
    """Return whether there is a child process that runs; those that have ended are collected."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


class DescriptorCount:
    """Counts open descriptors. Linux gives their number as a folder's size since 6.2; elsewhere it lists them."""

    def __init__(self) -> None:
        self._path = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
        self._folder: int | None = None
        if sys.platform == "linux" and os.path.isdir(self._path) and os.stat(self._path).st_size > 0:
            self._folder = os.open(self._path, os.O_RDONLY)

    def now(self) -> int:
        """Return how many are open, one of which this object may hold itself."""
        return os.fstat(self._folder).st_size if self._folder is not None else len(os.listdir(self._path))


def _folder() -> object:
    return os.getcwd()


def _environment() -> object:
    return dict(os.environ._data)  # type: ignore[attr-defined]  # decoded one by one it takes ten times as long


def environment_of_children() -> Callable[[], object]:
    """Return what reads the environment that child processes inherit; it reads nothing where C hides it."""
    try:
        return CEnvironment().now
    except ValueError:  # a C library that does not show it
        return lambda: None


def _error_handlers() -> object:
    return list(map(codecs.lookup_error, ERROR_HANDLERS))


def _zone() -> object:
    return time.tzname, time.timezone, time.altzone, time.daylight


def _locale() -> object:
    return locale.setlocale(locale.LC_ALL)


def _imports() -> object:
    return list(sys.path), list(sys.meta_path), list(sys.path_hooks), list(sys.argv)


def _handlers() -> object:
    return list(map(_bare_signal.getsignal, _SIGNALS)), _bare_signal.pthread_sigmask(signal.SIG_BLOCK, ())


def _timers() -> object:
    return [signal.getitimer(timer)[0] > 0 for timer in _TIMERS]


def _limits() -> object:
    return [resource.getrlimit(limit) for limit in _LIMITS]


def _standing() -> object:
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return os.getpriority(os.PRIO_PROCESS, 0), affinity, os.geteuid(), os.getegid(), os.getpgrp(), os.getsid(0)


def _interpreter() -> object:
    return (
        _is_closed(sys.stdout), _is_closed(sys.stderr), sys.getrecursionlimit(),
        sys.getswitchinterval(), sys.gettrace(), sys.getprofile(), sys.get_int_max_str_digits(),
        gc.isenabled(), gc.get_threshold(), gc.get_debug(), list(gc.callbacks), faulthandler.is_enabled(),
    )  # fmt: skip


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
    except OSError:  # there is none, nor will there be
        pass


def _decimals() -> object:
    now = decimal.getcontext()
    traps = [trap for trap, is_set in now.traps.items() if is_set]
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp, traps


def _loops() -> Any:
    return type(asyncio.get_event_loop_policy())


LOOKS: dict[str, Callable[[], object]] = {
    "a thread": _threads,
    "a child process": _children,
    "another working directory": _folder,
    "another environment": _environment,
    "another handler of encoding errors": _error_handlers,
    "another time zone": _zone,
    "another locale": _locale,
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
