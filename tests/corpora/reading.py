"""What reading one file, or many, has come to."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from service.contacts.people import Skipped, TooMuch
from service.contacts.reading.files import read_people
from service.errors import ValidationFailed

ENDINGS = (".vcf", ".vcard", ".csv")
SECONDS = 60
"""The longest that a file may take."""
_QUOTED = re.compile(r"“[^”]*”")


@dataclass
class Reading:
    """What reading has come to.

    Args:
        files: how many were read to their end, or refused.
        taken: people.
        with_birthday, with_address: of them.
        skipped, warnings, refused: how often, by the reason without what it quotes.
        ignored: headings that were not understood -> in how many files.
        failed: exceptions and files that took too long, a sentence each.
        seconds: how long it took.
    """

    files: int = 0
    taken: int = 0
    with_birthday: int = 0
    with_address: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __iadd__(self, other: Reading) -> Reading:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


class _TooSlow(BaseException):
    """A file takes too long; no reader's `except Exception` keeps it in."""


def address_books(folder: Path) -> list[Path]:
    """The files of a folder and its folders that may be address books, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())


def read(path: Path, seconds: float = SECONDS) -> Reading:
    """Reads a file as an import does.

    Args:
        seconds: how long it may take.
    """
    reading = Reading()
    begun = time.monotonic()
    try:
        with _at_most(seconds):
            _count(path, reading)
    except _TooSlow:
        reading.failed.append(f"{path}: took longer than {seconds:g} s")
    except (ValidationFailed, TooMuch) as refusal:
        reading.files = 1
        reading.refused[_kind(str(refusal))] += 1
    except Exception as error:
        reading.failed.append(f"{path}: {type(error).__name__}: {error}")
    reading.seconds = time.monotonic() - begun
    return reading


def _count(path: Path, reading: Reading) -> None:
    with path.open("rb") as stream:
        file = read_people(stream)
        for one in file:
            if isinstance(one, Skipped):
                reading.skipped[_kind(one.reason)] += 1
                continue
            reading.taken += 1
            reading.with_birthday += one.birthday is not None
            reading.with_address += bool(one.emails or one.phones)
            reading.warnings.update(map(_kind, one.warnings))
        reading.warnings.update(map(_kind, file.warnings))
        reading.ignored.update(set(file.ignored_columns))
    reading.files = 1


def _kind(reason: str) -> str:
    return _QUOTED.sub("“…”", reason)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
