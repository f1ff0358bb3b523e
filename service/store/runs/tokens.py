"""Tokens of claims: no two are ever the same, in any process.

A stem is drawn once in each process, and a number follows it: to draw a new token for each claim takes longer than to
pack the claim.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator


def _tokens() -> Iterator[str]:
    stem = os.urandom(12).hex()
    return (f"{stem}-{number:x}" for number in itertools.count(1))


_of_this_process = _tokens()


def next_token() -> str:
    """Return a token that no other claim has."""
    return next(_of_this_process)


def _draw_again() -> None:
    global _of_this_process  # a forked process must not go on where its parent was
    _of_this_process = _tokens()


os.register_at_fork(after_in_child=_draw_again)
