"""The board: memory that a worker process and its work horse share. To write on it wakes nobody.

The horse shows the run that it is at. The parent reads that at its looks, and once more when the horse is dead, which
the memory survives. The parent notes when it last looked: an unwatched horse takes no further run, because nobody would
renew its lease.

There are two slots. The horse fills the one that is not shown, then shows it by storing one number. A reader copies the
shown slot and believes it only if the number is still the same. So the last whole entry can always be read, even if the
horse was killed or stopped in the middle of writing the next one. The checksum covers processors that reorder stores,
and memory that a bot has written over.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic  # as it is now: a bot may put another in its place

UNWATCHED_SECONDS = 3.0
"""A horse whose parent has given no sign of life for this long takes no further run."""

SIZE = 4096
_CHECKSUM = struct.Struct("@I")
_HEAD = struct.Struct("@QddH")
"""The entry's number, when the claim was asked for, the run's time-out, and the length of the text that follows."""
_LOOKED_AT, _NUMBER_AT, _FIRST_SLOT = 0, 1, 64
"""The places of the parent's sign of life and of the shown entry's number, in words of 8 bytes; of a slot, in bytes."""
_SLOT = (SIZE - _FIRST_SLOT) // 2
_LONGEST = _SLOT - _CHECKSUM.size - _HEAD.size
_TRIES = 1000
"""So often is a copy made again that the horse has overtaken; the horse writes far more seldom than this reads."""


class Defaced(Exception):
    """The board cannot be read: somebody else than the horse has written on it."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that the horse is at.

    Args:
        ids: the fields of log lines about it: its own id, its job's, and others.
        token: of the claim.
        asked: when the claim was asked for, monotonic seconds (one clock for all processes); its lease counts from it.
        timeout: the run's, seconds.
    """

    ids: Mapping[str, str]
    token: str
    asked: float
    timeout: float

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.ids["run_id"]


class Board:
    """The shared memory of one horse and its parent. Make it before the fork."""

    def __init__(self) -> None:
        self._use(mmap.mmap(-1, SIZE))
        self._number = 0
        self.clear()
        self.look_after()

    # the horse's part

    def keep_from_copies(self) -> None:
        """Give each process that forks off this one a board of its own: it has no part in what this one does."""
        os.register_at_fork(after_in_child=self._part_with)

    def _part_with(self) -> None:
        self._use(bytearray(SIZE))

    def _use(self, memory: mmap.mmap | bytearray) -> None:
        self._memory = memory
        # Stored in one piece, as `struct.pack_into` does not: it writes zeros first, and the horse may die in between.
        self._numbers, self._times = memoryview(memory).cast("Q"), memoryview(memory).cast("d")

    def show(self, run: UnderWay) -> None:
        """Show the run that the horse begins, in place of the one before."""
        text = _text(run.token, run.ids)
        if len(text) > _LONGEST:
            text = _text(run.token, {name: run.ids[name] for name in ("job_id", "run_id")})
        self._write(run.asked, run.timeout, text)

    def clear(self) -> None:
        """Show that the horse is at no run."""
        self._write(0.0, 0.0, b"")

    def _write(self, asked: float, timeout: float, text: bytes) -> None:
        number = self._number = self._number + 1
        entry = _HEAD.pack(number, asked, timeout, len(text)) + text
        start = _FIRST_SLOT + _SLOT * (number & 1)
        self._memory[start : start + _CHECKSUM.size + len(entry)] = _CHECKSUM.pack(zlib.crc32(entry)) + entry
        self._numbers[_NUMBER_AT] = number

    def is_watched(self) -> bool:
        """Return whether the parent gives signs of life."""
        return monotonic() - self._times[_LOOKED_AT] < UNWATCHED_SECONDS

    # the parent's part

    def look_after(self) -> None:
        """Give the horse a sign of life; call this at least once a second while it may take runs."""
        self._times[_LOOKED_AT] = monotonic()

    def shown(self) -> UnderWay | None:
        """Return the run that the horse is at, or None; safe to call from any thread.

        Raises:
            Defaced: the memory was written over.
        """
        for _ in range(_TRIES):
            number = self._numbers[_NUMBER_AT]
            start = _FIRST_SLOT + _SLOT * (number & 1)
            slot = bytes(self._memory[start : start + _SLOT])
            if self._numbers[_NUMBER_AT] == number and _is_whole(slot, number):
                return _entry(slot)
        raise Defaced


def _text(token: str, ids: Mapping[str, str]) -> bytes:
    return "\0".join((token, *ids, *ids.values())).encode()


def _is_whole(slot: bytes, number: int) -> bool:
    (checksum,) = _CHECKSUM.unpack_from(slot)
    its_number, _, _, length = _HEAD.unpack_from(slot, _CHECKSUM.size)
    end = _CHECKSUM.size + _HEAD.size + length
    return bool(its_number == number and zlib.crc32(slot[_CHECKSUM.size : end]) == checksum)


def _entry(slot: bytes) -> UnderWay | None:
    _, asked, timeout, length = _HEAD.unpack_from(slot, _CHECKSUM.size)
    start = _CHECKSUM.size + _HEAD.size
    if not length:
        return None
    token, *fields = slot[start : start + length].decode().split("\0")
    half = len(fields) // 2
    return UnderWay(dict(zip(fields[:half], fields[half:], strict=True)), token, asked, timeout)
