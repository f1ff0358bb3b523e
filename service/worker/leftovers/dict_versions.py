"""Looks that are repeated only if a dict has been written to since: CPython numbers the states of its dicts (PEP 509).

The number is private to CPython, and Python 3.14 has none. So it is tried out first, and where it does not do as it
should, a look is simply repeated each time.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_OFFSET = 3 * ctypes.sizeof(ctypes.c_void_p)
"""`ma_version_tag` stands behind the count of references, the type, and the count of items."""

Look = Callable[[], object]


def repeated_after_writes(look: Look, namespaces: Sequence[Mapping[str, Any]]) -> Look:
    """Return a look that is made anew only after one of the dicts that it depends on was written to.

    Args:
        look: depends on nothing but the contents of `namespaces`.
        namespaces: what `vars` returns, of modules and classes, or dicts.
    """
    return _Remembered(look, namespaces) if _ARE_NUMBERED else look


class _Remembered:
    """A look, its last answer, and the numbers of the dicts at that time."""

    def __init__(self, look: Look, namespaces: Sequence[Mapping[str, Any]]) -> None:
        self._look = look
        self._dicts = [_dict_of(namespace) for namespace in namespaces]  # held, so that their addresses stay theirs
        self._numbers = [_number_of(one) for one in self._dicts]
        self._at: list[int] = []
        self._answer: object = None

    def __call__(self) -> object:
        at = [number.value for number in self._numbers]
        if at != self._at:
            self._at, self._answer = at, self._look()
        return self._answer


def _dict_of(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dict itself, of which classes only show a read-only view."""
    found: dict[str, Any] = namespace if isinstance(namespace, dict) else gc.get_referents(namespace)[0]
    return found


def _number_of(one: dict[str, Any]) -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(id(one) + _OFFSET)


def _are_numbered() -> bool:
    """Return whether every kind of write gives a dict another number, and reading does not."""
    tried: dict[str, Any] = {"a": 1}
    number = _number_of(tried)
    writes: tuple[Callable[[], object], ...] = (
        lambda: tried.update(a=2),
        lambda: tried.update(b=1),
        lambda: tried.pop("b"),
        lambda: tried.__setitem__("a", object()),
        lambda: tried.setdefault("c", 1),
        lambda: tried.clear(),
    )
    seen = [number.value]
    for write in writes:
        write()
        seen.append(number.value)
    dict(tried)
    return len(set(seen)) == len(seen) and number.value == seen[-1]


_ARE_NUMBERED = _are_numbered()
