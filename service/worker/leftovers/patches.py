"""Modules and classes that bots patch, as they are now: whether an attribute of theirs is another later."""

from __future__ import annotations

import base64
import builtins
import codecs
import datetime
import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import ModuleType

from service.worker.leftovers.dict_versions import repeated_after_writes

WHOLE: tuple[ModuleType | type, ...] = (
    time, datetime, ipaddress.IPv4Address, ipaddress.IPv6Address, json.JSONEncoder, json.JSONDecoder,
)  # fmt: skip
"""Modules and classes of which every attribute is compared: those that are patched most, as to set another day."""
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
"""Attributes of others that bots and their libraries set or patch when they take the quick way."""


class Patches:
    """Compares all of these with what they were when this was made."""

    def __init__(self) -> None:
        self._modules = {found.__name__: found for found in (*WHOLE, *PARTS) if isinstance(found, ModuleType)}
        self._whole = [(owner.__name__, vars(owner), dict(vars(owner))) for owner in WHOLE]
        self._parts = [_Attributes(vars(owner), names) for owner, names in PARTS.items()]
        self.now = repeated_after_writes(self._now, [sys.modules, *map(vars, (*WHOLE, *PARTS))])
        """Returns the modules and attributes that are others now."""

    def _now(self) -> object:
        loaded = sys.modules
        found: list[str] = [name for name, module in self._modules.items() if loaded.get(name) is not module]
        found += [name for name, now, before in self._whole if now != before]
        found += [part.names for part in self._parts if part.have_changed()]
        return found


class _Attributes:
    """Some attributes of a module or class, as they were when this was made."""

    def __init__(self, namespace: Mapping[str, object], names: Sequence[str]) -> None:
        self.names = ", ".join(names)
        self._namespace = namespace
        self._absent = [name for name in names if name not in namespace]
        self._present = itemgetter(*(name for name in names if name in namespace))
        self._before = self._present(namespace)

    def have_changed(self) -> bool:
        """Return whether one was replaced, removed or added."""
        try:
            same = self._present(self._namespace) == self._before
        except KeyError:
            return True
        return not same or any(name in self._namespace for name in self._absent)
