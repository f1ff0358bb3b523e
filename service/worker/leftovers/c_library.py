"""State of this process that the C library holds, read from its own variables and functions.

Python shows a copy of some of it, which does not show the changes of `os.putenv` or of libraries, and tells that there
is no child process by an exception, which takes twice as long.
"""

from __future__ import annotations

import ctypes
import fcntl
import locale
import os
import sys
from collections.abc import Callable
from typing import Any

_WIDTH = ctypes.sizeof(ctypes.c_void_p)
_library: Any = ctypes.PyDLL(None)  # which keeps Python's lock: no function here waits
_setlocale = _library.setlocale
_setlocale.restype = ctypes.c_char_p
_all_categories = ctypes.c_int(locale.LC_ALL)
_F_DUPFD_QUERY = 1027
_any, _no_hang = ctypes.c_int(-1), ctypes.c_int(os.WNOHANG)


def has_children() -> bool:
    """Return whether there is a child process that runs; those that have ended are collected."""
    while (ended := _library.waitpid(_any, None, _no_hang)) > 0:
        pass
    return bool(ended == 0)


def locale_now() -> object:
    """Return the name of the locale, all its categories."""
    return _setlocale(_all_categories, None)


def same_file(first: int, second: int) -> int | None:
    """Return 1 if two descriptors are of one open file, 0 if not; None where nobody says (Linux before 6.10)."""
    try:
        return fcntl.fcntl(first, _F_DUPFD_QUERY, second) if sys.platform == "linux" else None
    except OSError:
        return None


class CEnvironment:
    """Compares the environment as C programs see it, which child processes inherit, at the cost of one comparison.

    Raises:
        ValueError: the C library does not show it.
    """

    def __init__(self) -> None:
        self._environ = ctypes.c_void_p.in_dll(_library, "environ")
        self._before = self._read()
        self._remember()

    def is_as_before(self) -> bool:
        """Return whether its entries, `NAME=value`, are those at the beginning, in the same order."""
        if self._environ.value == self._at and self._array.raw == self._pointers:
            return self._is_same
        self._remember()
        return self._is_same

    def _remember(self) -> None:
        now = self._read()
        self._is_same = now == self._before
        self._at = self._environ.value
        self._array: Any = (ctypes.c_char * (_WIDTH * (len(now) + 1) if self._at else 0)).from_address(self._at or 1)
        self._pointers: bytes = self._array.raw

    def _read(self) -> list[bytes]:
        at = self._environ.value
        found: list[bytes] = []
        while at is not None and (text := ctypes.c_void_p.from_address(at + len(found) * _WIDTH).value) is not None:
            found.append(ctypes.string_at(text))
        return found


def zone_of_c() -> Callable[[], object]:
    """Return what reads the time zone that C uses (POSIX, `tzset`); it reads nothing where C hides it."""
    try:
        west = ctypes.c_long.in_dll(_library, "timezone")
        summer = ctypes.c_int.in_dll(_library, "daylight")
    except ValueError:
        return lambda: None
    return lambda: (west.value, summer.value)
