"""Values of options in `--help`, in words for people in place of the types of Python.

Typer shows `<bool>` beside a flag, which takes no value, and `<str>` beside an argument that its name explains.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from typer.core import TyperArgument, TyperOption

_WORDS = {"bool": None, "str": "TEXT", "int": "N", "int range": "N"}
"""Type -> what an option that has no word of its own shows; None is nothing."""
_TYPE = re.compile(r"<(?:list\[)?([^\]]*)\]?>(?:\.\.\.)?")


def use_words_for_types() -> None:
    """Let the help of all commands show words; it asks each option and argument for its type."""
    for kind in (TyperArgument, TyperOption):
        kind.display_type_rich = _in_words(kind.display_type_rich, kind is TyperArgument)  # type: ignore[method-assign]


def _in_words(shown: Callable[..., str | None], is_argument: bool) -> Callable[..., str | None]:
    def words(self: Any, ctx: Any) -> str | None:
        told = shown(self, ctx)
        found = None if told is None else _TYPE.fullmatch(told)
        if found is None:
            return told
        return None if is_argument else _WORDS.get(found[1], found[1])

    return words
