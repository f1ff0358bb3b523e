"""A bot that leaves something behind in its process, and tells what it found there before."""

from __future__ import annotations

import _thread
import asyncio
import base64
import builtins
import codecs
import contextvars
import ctypes
import datetime
import decimal
import gc
import hashlib
import hmac
import http.client
import io
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
import tracemalloc
import types
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

WORD: contextvars.ContextVar[str] = contextvars.ContextVar("WORD", default="none")
_kept: list[Any] = []


def _lower(limit: int, to: int) -> None:
    resource.setrlimit(limit, (to, resource.getrlimit(limit)[1]))


def _time_zone_alone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    del os.environ["TZ"]


def _time_zone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()


def _time_zone_of_c() -> None:
    library = ctypes.CDLL(None)
    os.putenv("TZ", "XYZ5")
    library.tzset()
    os.unsetenv("TZ")


def _bare_thread() -> None:
    before = _thread._count()
    _thread.start_new_thread(time.sleep, (300,))
    while _thread._count() == before:  # it counts once it has begun
        time.sleep(0.001)


def _files() -> None:
    _kept.extend(open("/dev/zero") for _ in range(20))  # noqa: SIM115


def _disable_loggers() -> None:
    logging.getLogger("service.worker.horse").disabled = True


def _descriptors() -> int:
    """Of the files that are opened here: how many others there are is the worker's business."""
    named = [
        os.readlink(f"/proc/self/fd/{number}") for number in range(256) if os.path.islink(f"/proc/self/fd/{number}")
    ]
    return sum(1 for name in named if name in ("/dev/zero",))


def _sleeper() -> None:
    subprocess.Popen(["sleep", "300"])


def _orphan() -> None:
    subprocess.run(["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 &"], check=True)


def _listen() -> None:
    _kept.append(socket.create_server(("127.0.0.1", 0)))


def _listening() -> int:
    numbers = {
        os.readlink(f"/proc/self/fd/{number}")[8:-1]
        for number in range(256)
        if os.path.islink(f"/proc/self/fd/{number}")
    }
    with open("/proc/net/tcp") as listed:
        rows = [row.split() for row in listed]
    return sum(1 for row in rows if row[3] == "0A" and row[9] in numbers)


def _children() -> str:
    with open(f"/proc/self/task/{os.getpid()}/children") as listed:
        return listed.read()


def _opener(header: tuple[str, str]) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener()
    opener.addheaders = [header]
    return opener


def _open_with_urllib() -> None:
    with urllib.request.urlopen("data:,nothing") as opened:
        opened.read()


def _environment_for_now() -> None:
    path = os.environ["PATH"]
    os.environ.update(LEFT="behind", PATH="/nowhere")
    del os.environ["LEFT"]
    os.environ["PATH"] = path


def _frozen() -> float:
    return 1_000_000_000.0


TABLE: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    # what is left: how it is left, and how the next run would find it
    "nothing": (lambda: None, lambda: None),
    "a thread": (lambda: threading.Thread(target=time.sleep, args=(300,), daemon=True).start(), threading.active_count),
    "a bare thread": (_bare_thread, _thread._count),
    "a child": (_sleeper, _children),
    "an orphan": (_orphan, _children),
    "a folder": (lambda: os.chdir("/"), os.getcwd),
    "a handler": (lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN), lambda: signal.getsignal(signal.SIGUSR2)),
    "a blocked signal": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]),
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []),
    ),
    "an alarm": (lambda: signal.alarm(300), lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0),
    "a profiling timer": (
        lambda: signal.setitimer(signal.ITIMER_PROF, 300),
        lambda: signal.getitimer(signal.ITIMER_PROF)[0] > 0,
    ),
    "files": (_files, _descriptors),
    "a bare descriptor": (lambda: os.open("/dev/zero", os.O_RDONLY), _descriptors),
    "a connection": (_listen, _listening),
    "another standard input": (lambda: _other_input(), lambda: os.fstat(0).st_ino),
    "a umask": (lambda: os.umask(0o777), lambda: _umask()),
    "an environment variable": (lambda: os.environ.update(LEFT="behind"), lambda: os.environ.get("LEFT")),
    "a time zone": (_time_zone, lambda: time.tzname),
    "a time zone without its variable": (_time_zone_alone, lambda: time.tzname),
    "a locale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), lambda: locale.setlocale(locale.LC_ALL)),
    "a path": (lambda: sys.path.insert(0, "/nowhere"), lambda: list(sys.path)),
    "another module": (
        lambda: sys.modules.update(json=types.ModuleType("json")),
        lambda: sys.modules["json"].__dict__.get("dumps"),
    ),
    "a patched time": (lambda: setattr(time, "time", _frozen), lambda: time.time.__name__),
    "a patched clock": (lambda: setattr(time, "monotonic", _frozen), lambda: time.monotonic.__name__),
    "a patched sleep": (lambda: setattr(time, "sleep", lambda _: None), lambda: time.sleep.__name__),
    "a patched date": (
        lambda: setattr(datetime, "datetime", type("datetime", (datetime.datetime,), {"fake": True})),
        lambda: hasattr(datetime.datetime, "fake"),
    ),
    "a patched socket": (
        lambda: setattr(socket, "socket", type("socket", (socket.socket,), {"fake": True})),
        lambda: hasattr(socket.socket, "fake"),
    ),
    "certificates unchecked": (
        lambda: setattr(ssl, "_create_default_https_context", ssl._create_unverified_context),
        lambda: ssl._create_default_https_context.__name__,
    ),
    "a patched open": (lambda: setattr(builtins, "open", io.FileIO), lambda: builtins.open.__name__),
    "a patched chance": (lambda: setattr(random, "random", lambda: 0.5), lambda: random.random.__name__),
    "a limit of files": (
        lambda: _lower(resource.RLIMIT_NOFILE, 64),
        lambda: resource.getrlimit(resource.RLIMIT_NOFILE),
    ),
    "a limit of memory": (lambda: _lower(resource.RLIMIT_AS, 2**36), lambda: resource.getrlimit(resource.RLIMIT_AS)),
    "a recursion limit": (lambda: sys.setrecursionlimit(500), sys.getrecursionlimit),
    "no collection": (gc.disable, gc.isenabled),
    "an output": (lambda: setattr(sys, "stdout", io.StringIO()), lambda: type(sys.stdout).__name__),
    "a closed output": (lambda: sys.stdout.close(), lambda: sys.stdout.closed),
    "an exception hook": (
        lambda: setattr(sys, "excepthook", lambda *_: None),
        lambda: sys.excepthook.__qualname__,
    ),
    "a trace": (lambda: sys.settrace(lambda *_: None), lambda: sys.gettrace() is None),
    "a warnings filter": (lambda: warnings.simplefilter("error"), lambda: warnings.filters[0]),
    "a log handler": (lambda: logging.root.addHandler(logging.NullHandler()), lambda: len(logging.root.handlers)),
    "a log level": (lambda: logging.root.setLevel("CRITICAL"), lambda: logging.root.level),
    "logging off": (lambda: logging.disable(logging.CRITICAL), lambda: logging.root.manager.disable),
    "our logger off": (_disable_loggers, lambda: logging.getLogger("service.worker.horse").disabled),
    "a socket time-out": (lambda: socket.setdefaulttimeout(0.001), socket.getdefaulttimeout),
    "a temporary folder": (lambda: setattr(tempfile, "tempdir", "/nowhere"), lambda: tempfile.tempdir),
    "a decimal precision": (lambda: setattr(decimal.getcontext(), "prec", 2), lambda: decimal.getcontext().prec),
    "an event loop policy": (
        lambda: asyncio.set_event_loop_policy(type("Policy", (asyncio.DefaultEventLoopPolicy,), {})()),
        lambda: type(asyncio.get_event_loop_policy()).__name__,
    ),
    "an opener": (
        lambda: urllib.request.install_opener(_opener(("Authorization", "Bearer mine"))),
        lambda: getattr(urllib.request._opener, "addheaders", None),  # type: ignore[attr-defined]
    ),
    "a proxy of urllib": (
        lambda: urllib.request.install_opener(
            urllib.request.build_opener(urllib.request.ProxyHandler({"http": "http://127.0.0.1:9"}))
        ),
        lambda: type(urllib.request._opener).__name__,  # type: ignore[attr-defined]
    ),
    "a variable of child processes": (
        lambda: os.putenv("LEFT", "behind"),
        lambda: subprocess.run(["sh", "-c", "echo $LEFT"], capture_output=True, check=True, env=None).stdout,
    ),
    "another value for child processes": (
        lambda: ctypes.CDLL(None).setenv(b"PATH", b"/nowhere:/usr/bin:/bin", 1),
        lambda: os.popen("echo $PATH").read(),
    ),
    "a variable that child processes lack": (
        lambda: ctypes.CDLL(None).unsetenv(b"PATH"),
        lambda: subprocess.run(["/bin/sh", "-c", "/usr/bin/env | /bin/grep -c ^PATH="], capture_output=True).stdout,
    ),
    "patched addresses": (
        lambda: setattr(ipaddress.IPv4Address, "is_global", True),
        lambda: ipaddress.IPv4Address("127.0.0.1").is_global,
    ),
    "a patched reader of addresses": (
        lambda: setattr(ipaddress, "ip_address", lambda _: ipaddress.IPv4Address("8.8.8.8")),
        lambda: str(ipaddress.ip_address("127.0.0.1")),
    ),
    "a patched signature": (lambda: setattr(hmac, "new", lambda *_: b""), lambda: hmac.new.__name__),
    "a patched base64": (lambda: setattr(base64, "b64encode", bytes), lambda: base64.b64encode.__name__),
    "a patched hash": (lambda: setattr(hashlib, "sha256", hashlib.md5), lambda: hashlib.sha256.__name__),
    "a patched encoder": (
        lambda: setattr(json.JSONEncoder, "default", lambda self, given: None),
        lambda: json.JSONEncoder.default.__name__,
    ),
    "a handler of encoding errors": (
        lambda: codecs.register_error("strict", codecs.replace_errors),
        lambda: codecs.lookup_error("strict").__name__,
    ),
    "requests that are printed": (
        lambda: setattr(http.client.HTTPConnection, "debuglevel", 1),
        lambda: http.client.HTTPConnection.debuglevel,
    ),
    "flags for loading libraries": (lambda: sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL), sys.getdlopenflags),
    "memory that is traced": (tracemalloc.start, tracemalloc.is_tracing),
    "a hook of asynchronous generators": (
        lambda: sys.set_asyncgen_hooks(firstiter=lambda _: None),
        lambda: sys.get_asyncgen_hooks().firstiter is None,
    ),
    "a time zone of C": (_time_zone_of_c, lambda: ctypes.c_long.in_dll(ctypes.CDLL(None), "timezone").value),
    "a niceness": (lambda: os.nice(1), lambda: os.nice(0)),
}

HARMLESS: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    # what the process keeps for nobody, or what every program does
    "a context variable": (lambda: WORD.set("mine"), WORD.get),
    "a decimal context": (lambda: decimal.setcontext(decimal.Context(prec=2)), lambda: decimal.getcontext().prec),
    "an event loop that is over": (lambda: asyncio.run(asyncio.sleep(0)), lambda: None),
    "files that were closed": (lambda: open(os.devnull).close(), lambda: None),
    "a child that was waited for": (lambda: subprocess.run(["true"], check=True), lambda: None),
    "a thread that was waited for": (lambda: _joined(), lambda: None),
    "urllib's own opener": (_open_with_urllib, lambda: None),
    "a variable for the time being": (_environment_for_now, lambda: os.environ.get("LEFT")),
    "sums": (lambda: decimal.Decimal(1) / 3, lambda: None),
}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _other_input() -> None:
    opened = os.open(os.devnull, os.O_RDWR)
    reader, writer = os.pipe()
    os.dup2(reader, 0)
    for descriptor in (opened, reader, writer):
        os.close(descriptor)


def _joined() -> None:
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()


class LeaverConfig(BaseModel):
    """`leaves`: one of the table's; `fails`: whether it raises then."""

    model_config = ConfigDict(extra="forbid", strict=True)

    leaves: str
    fails: bool = False


class LeaverBot:
    """Leaves something behind."""

    name: ClassVar[str] = "leaver"
    description: ClassVar[str] = "Leaves something behind in its process."
    Config: ClassVar[type[BaseModel]] = LeaverConfig

    def run(self, context: Any) -> dict[str, Any]:
        leave, look = (TABLE | HARMLESS)[context.config.leaves]
        found = repr(look())
        leave()
        context.log.info("left")
        result = {"process": os.getpid(), "found": found, "left": repr(look())}
        if context.config.fails:
            error = ValueError("it fails, and leaves that behind")
            error.result = result  # type: ignore[attr-defined]
            raise error
        return result
