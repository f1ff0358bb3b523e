"""Linker of Lua scripts: puts the shared functions that a text uses before it, and nothing else.

Redis runs a script from its first line each time, so every table and function that stands there costs each call. The
files of `service/store/lua/shared` are written as tables of functions, `runs.trim(job_id)`; the linked text has a local
function `runs_trim` for each that is used, and the local helpers of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

COMMON = frozenset({"call", "int", "now_ms"})
"""What `shared/now` and `shared/base` define, for all."""
SHARED = (
    "idempotency", "iso", "rq", "metrics", "alerts", "rules", "timewatch", "dataset", "wake", "tally", "followers",
    "audit", "access", "quota", "revisions", "epochs", "edits", "deleted", "calendars", "runs", "delays", "pauses",
    "overlap", "by_hand", "backfills", "claims", "older", "guessing", "missed", "runids", "expectations", "links",
    "logs", "pings",
)  # fmt: skip
"""The other parts of `service/store/lua/shared`, in the order in which their functions stand in a script."""

_FUNCTION = re.compile(rf"(?<![\w.])({'|'.join(SHARED)})\.(\w+)")
_BEGINNING = re.compile(r"^(?=function |local )", re.MULTILINE)
_LOCALS = re.compile(r"local (?:function )?(\w+(?:, \w+)*)")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One function of a part, or a local of it: its names, its text, and the names that it uses."""

    names: frozenset[str]
    text: str
    uses: frozenset[str]


def linked(text: str, source: Callable[[str], str]) -> str:
    """Put the shared functions that a text uses before it, each as a local function.

    Args:
        text: of a script or a step.
        source: reads a Lua file of the store by its name.
    """
    pieces = [piece for part in ("now", "base", *SHARED) for piece in _pieces(part, source(f"shared/{part}"))]
    uses = {name: piece.uses for piece in pieces for name in piece.names}
    used: set[str] = set()
    new = [*_uses(text)]
    while new:
        name = new.pop()
        if name not in used:
            used.add(name)
            new += uses[name]
    chosen = [piece for piece in pieces if not used.isdisjoint(piece.names)]
    functions = [name for piece in chosen if piece.text.startswith("function ") for name in piece.names]
    # Declared before the first of them, because they call each other in any order.
    declared = f"local {', '.join(functions)}\n" if functions else ""
    return declared + "".join(piece.text for piece in chosen) + _renamed(text)


@cache
def _pieces(part: str, text: str) -> tuple[_Piece, ...]:
    """Cut a part up. Its own locals are named after it here, as two parts may have a local of the same name."""
    texts = [found for found in _BEGINNING.split(text) if found.strip() and found.split() != ["local", part, "=", "{}"]]
    own = {name for found in texts for name in _locals(found)} - COMMON

    def piece(found: str) -> _Piece:
        declared = {name if name in COMMON else f"{part}:{name}" for name in _locals(found)}
        names = declared or {f"{part}_{_FUNCTION.findall(found)[0][1]}"}
        uses = _uses(found) | {f"{part}:{name}" for name in own & _words(found)}
        return _Piece(frozenset(names), _renamed(found), frozenset(uses))

    return tuple(map(piece, texts))


def _locals(text: str) -> list[str]:
    """Return the names that a `local` statement declares; none for a function of the part's table."""
    found = _LOCALS.match(text)
    return found[1].split(", ") if found else []


def _uses(text: str) -> set[str]:
    return {f"{part}_{name}" for part, name in _FUNCTION.findall(text)} | (COMMON & _words(text))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def _renamed(text: str) -> str:
    return _FUNCTION.sub(r"\1_\2", text)
