"""The environment as C programs of this process see it, which child processes inherit.

`os.environ` is Python's copy, which does not show the changes of `os.putenv` or of libraries.
"""

from __future__ import annotations

import ctypes

_WIDTH = ctypes.sizeof(ctypes.c_void_p)


class CEnvironment:
    """Reads `environ` (POSIX), at the cost of one comparison where nothing has changed.

    Raises:
        ValueError: the C library does not show it.
    """

    def __init__(self) -> None:
        self._environ = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "environ")
        self._strings = self._read()
        self._pointers = self._array(len(self._strings) + 1)

    def now(self) -> list[bytes]:
        """Return its entries, `NAME=value`, in order."""
        if self._array(len(self._pointers) // _WIDTH) != self._pointers:
            self._strings = self._read()
            self._pointers = self._array(len(self._strings) + 1)
        return self._strings

    def _array(self, count: int) -> bytes:
        at = self._environ.value
        return b"" if at is None else ctypes.string_at(at, count * _WIDTH)

    def _read(self) -> list[bytes]:
        at = self._environ.value
        found: list[bytes] = []
        while at is not None and (text := ctypes.c_void_p.from_address(at + len(found) * _WIDTH).value) is not None:
            found.append(ctypes.string_at(text))
        return found
