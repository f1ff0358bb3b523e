"""Sequences, some items at a time. Short on purpose: Python has this from 3.12 on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    """Yield the items, `count` at a time."""
    for start in range(0, len(items), count):
        yield items[start : start + count]
