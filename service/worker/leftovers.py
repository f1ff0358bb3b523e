"""What a bot may leave behind in its process that the next run would find: all that is cheap to look at.

The work horse takes it down before its first run and compares after each. It looks at what a process has one of: its
descriptors, limits and settings, and what others of it rely on, such as `time.time`. Global variables of a bot's own
modules are the bot's business; and no process can see what C code, or an audit hook, keeps to itself.
"""

from __future__ import annotations

import asyncio
import base64
import builtins
import codecs
import datetime
import decimal
import faulthandler
import gc
import hashlib
import hmac
import http.client
import importlib
import ipaddress
import json
import locale
import logging
import os
import random
import resource
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import warnings
from _thread import _count as count_of_threads
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import ModuleType
from typing import Any

from redis import Redis

from service.store.server.connection import open_sockets
from service.worker.c_environment import CEnvironment
from service.worker.openers import UsualOpener

WHOLE: tuple[ModuleType | type, ...] = (
    time, datetime, ipaddress.IPv4Address, ipaddress.IPv6Address, json.JSONEncoder, json.JSONDecoder,
)  # fmt: skip
"""Modules and classes whose every attribute is looked at: what is patched most, so that a run finds another day."""
PARTS: Mapping[ModuleType | type, tuple[str, ...]] = {
    builtins: ("open", "print", "input", "__import__", "__build_class__", "isinstance", "len", "id", "hash", "_"),
    os: (
        "environ", "environb", "open", "fork", "getpid", "kill", "killpg", "getcwd", "chdir", "listdir", "stat", "path",
        "remove", "replace", "urandom", "system", "popen", "read", "write", "close", "pipe", "_exit", "waitpid",
    ),
    socket: ("socket", "create_connection", "getaddrinfo", "gethostbyname", "gethostname", "socketpair", "fromfd"),
    ssl: ("SSLContext", "SSLSocket", "create_default_context", "_create_default_https_context", "CERT_REQUIRED"),
    random: ("random", "randint", "choice", "shuffle", "uniform", "seed", "Random", "SystemRandom"),
    json: ("dumps", "loads", "dump", "load", "JSONEncoder", "JSONDecoder", "_default_encoder", "_default_decoder"),
    ipaddress: ("ip_address", "ip_network", "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network"),
    hmac: ("new", "digest", "compare_digest", "HMAC"),
    base64: (
        "b64encode", "b64decode", "urlsafe_b64encode", "urlsafe_b64decode", "standard_b64encode", "encodebytes",
        "decodebytes", "binascii",
    ),
    hashlib: ("new", "md5", "sha1", "sha256", "sha512", "blake2b", "pbkdf2_hmac", "scrypt"),
    urllib.request: ("urlopen", "build_opener", "install_opener", "OpenerDirector", "getproxies"),
    http.client.HTTPConnection: ("debuglevel", "connect", "request", "send", "getresponse", "putheader"),
    http.client.HTTPSConnection: ("debuglevel", "connect"),
    codecs: ("lookup", "encode", "decode", "open", "register_error", "lookup_error"),
    subprocess: ("Popen", "run", "check_output", "call"),
    threading: ("Thread", "Lock", "RLock", "Event", "Timer", "excepthook", "_trace_hook", "_profile_hook"),
    signal: ("signal", "alarm", "setitimer"),
    logging: ("root", "lastResort", "raiseExceptions", "Logger", "getLogger", "_loggerClass", "_logRecordFactory"),
    sys: (
        "stdin", "stdout", "stderr", "excepthook", "unraisablehook", "displayhook", "breakpointhook", "modules",
        "exit", "dont_write_bytecode", "executable", "prefix",
    ),
    warnings: ("warn", "showwarning", "formatwarning"),
}  # fmt: skip
"""Of others those attributes that are set or patched where a bot, or what it uses, goes about it the quick way."""
ERROR_HANDLERS = ("strict", "ignore", "replace", "backslashreplace", "surrogateescape")
"""Python's own for what cannot be encoded or decoded, which `codecs.register_error` replaces."""
LOGGERS = ("service", "service.run", "service.worker.horse")
"""Our own loggers, which a `dictConfig` switches off."""

_LIMITS = [
    getattr(resource, f"RLIMIT_{name}")
    for name in ("NOFILE", "NPROC", "AS", "DATA", "STACK", "FSIZE", "CPU", "CORE")
    if hasattr(resource, f"RLIMIT_{name}")
]
_TIMERS = [getattr(signal, name) for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")]
_SIGNALS = [int(signum) for signum in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}]
_bare_signal: Any = importlib.import_module("_signal")  # makes no enum of each answer, which takes twenty times as long


class Untouched:
    """The process as it is now, to be compared later. To be made and asked by its only thread.

    Args:
        client: our own connection to Redis, whose descriptors are no bot's.
    """

    def __init__(self, client: Redis | None = None) -> None:
        _make_what_is_made_on_first_use()
        self._client = client
        self._umask: int | None = None
        self._open = _DescriptorCount()
        self._modules = {found.__name__: found for found in (*WHOLE, *PARTS) if isinstance(found, ModuleType)}
        self._whole = [(vars(module), dict(vars(module))) for module in WHOLE]
        self._parts = [_Attributes(vars(owner), names) for owner, names in PARTS.items()]
        self._loggers = [logging.root, *map(logging.getLogger, LOGGERS)]
        self._looks: dict[str, Callable[[], object]] = {
            "a thread": _threads,
            "a child process": _children,
            "open files or connections": self._descriptors,
            "another working directory": _folder,
            "another umask": self._mask,
            "another environment": _environment,
            "another environment of its child processes": _environment_of_children(),
            "another handler of encoding errors": _error_handlers,
            "another opener of urllib": UsualOpener().now,
            "a patched module": self._patches,
            "another time zone": _zone,
            "another locale": _locale,
            "another sys.path": _imports,
            "a signal handler": _handlers,
            "a timer": _timers,
            "other resource limits": _limits,
            "another niceness, user or process group": _standing,
            "other settings of the interpreter": _interpreter,
            "other settings of logging": self._logging,
            "warnings that are errors": _warnings,
            "another default of sockets or of temporary files": _defaults,
            "another decimal context": _decimals,
            "another event loop policy": _loops,
        }
        self._before = self._now()

    def leftovers(self) -> list[str]:
        """What has changed since, for people; empty if nothing has."""
        now = self._now()
        if now == self._before:
            return []
        return [name for name, before, after in zip(self._looks, self._before, now, strict=True) if before != after]

    def _now(self) -> list[object]:
        return [_seen(look) for look in self._looks.values()]

    def _mask(self) -> object:
        """Read by setting it, which nobody can notice while this is the only thread."""
        if threading.active_count() == 1:
            self._umask = os.umask(0o077)
            os.umask(self._umask)
        return self._umask

    def _descriptors(self) -> object:
        """How many there are beside our own connection's, and which the three standard ones are."""
        ours = 0 if self._client is None else open_sockets(self._client)
        standard = [(found.st_dev, found.st_ino) for found in map(os.fstat, (0, 1, 2))]
        return self._open.now() - ours, standard

    def _patches(self) -> object:
        """Which of the modules or attributes are others now."""
        loaded = sys.modules
        found: list[str] = [name for name, module in self._modules.items() if loaded.get(name) is not module]
        found += [str(now.get("__name__")) for now, before in self._whole if now != before]
        found += [part.names for part in self._parts if part.have_changed()]
        return found

    def _logging(self) -> object:
        loggers = [
            (logger.level, logger.disabled, logger.propagate, list(logger.handlers), list(logger.filters))
            for logger in self._loggers
        ]
        return loggers, logging.root.manager.disable


def peak_megabytes() -> float:
    """The most memory that this process has ever held, MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _seen(look: Callable[[], object]) -> object:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - a look that fails now and did not before is a change, too
        return type(error), str(error)


def _threads() -> object:
    return threading.active_count(), count_of_threads()


def _children() -> object:
    """Whether there are any, but those that have ended, which are collected."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


class _Attributes:
    """Some attributes of a module or class, as they are now."""

    def __init__(self, namespace: Mapping[str, object], names: Sequence[str]) -> None:
        self.names = ", ".join(names)
        self._namespace = namespace
        self._absent = [name for name in names if name not in namespace]
        self._present = itemgetter(*(name for name in names if name in namespace))
        self._before = self._present(namespace)

    def have_changed(self) -> bool:
        """Whether one of them is another, is gone, or is there that was not."""
        try:
            same = self._present(self._namespace) == self._before
        except KeyError:
            return True
        return not same or any(name in self._namespace for name in self._absent)


class _DescriptorCount:
    """How many descriptors are open. Linux tells it as a folder's size since 6.2; elsewhere they are counted."""

    def __init__(self) -> None:
        self._path = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
        self._folder: int | None = None
        if sys.platform == "linux" and os.path.isdir(self._path) and os.stat(self._path).st_size > 0:
            self._folder = os.open(self._path, os.O_RDONLY)

    def now(self) -> int:
        return os.fstat(self._folder).st_size if self._folder is not None else len(os.listdir(self._path))


def _folder() -> object:
    return os.getcwd()


def _environment() -> object:
    return dict(os.environ._data)  # type: ignore[attr-defined]  # decoded one by one it takes ten times as long


def _environment_of_children() -> Callable[[], object]:
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
    """Those that make errors of warnings; libraries add others when they are first imported, and they fail nobody."""
    return [found for found in warnings.filters if found[0] == "error"]


def _defaults() -> object:
    return socket.getdefaulttimeout(), tempfile.tempdir


def _make_what_is_made_on_first_use() -> None:
    """Else that would look like a change."""
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
