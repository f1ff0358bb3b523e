"""The data folder of `bot-scheduler up`: for its owner alone, and for one process at a time."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class CannotStart(Exception):
    """The reason, in one line."""


def make_folder(data: Path) -> None:
    """Make the folder, readable by its owner alone, if it is not there.

    Raises:
        CannotStart: nothing can be written there.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "lock").touch()
    except OSError as error:
        raise _unwritable(data, error) from None


def _unwritable(data: Path, error: OSError) -> CannotStart:
    return CannotStart(f"Data cannot be stored in {data} ({error.strerror}); set DATA_DIR to another folder")


def lock_folder(data: Path) -> IO[str]:
    """Take the folder for this process alone, so that a second start cannot touch the first one's data.

    Returns:
        The lock, which holds as long as it is open.

    Raises:
        CannotStart: another process has it.
    """
    lock = (data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(
            f"Bot Scheduler is already running with the data in {data}; stop it first, or set DATA_DIR"
        ) from None
    return lock


def own_key(data: Path) -> str:
    """Return the API key of this folder, which the first start makes and only its owner can read.

    Raises:
        CannotStart: it cannot be written.
    """
    path = data / "api_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


@contextmanager
def noted(path: Path, text: str) -> Iterator[None]:
    """Keep a text in a file that its owner alone can read, for as long as this lasts: for commands beside this one.

    Raises:
        CannotStart: it cannot be written.
    """
    write_private(path, text)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, at once as a whole. A failure leaves nothing behind.

    Raises:
        CannotStart: it cannot be written, as on a full disk.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        new.rename(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise _unwritable(path.parent, error) from None
