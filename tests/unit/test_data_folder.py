"""The data folder of `bot-scheduler up` on a disk that takes no more bytes."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.local.data import CannotStart, make_folder, own_key


@pytest.fixture
def full_disk() -> Iterator[None]:
    """A limit under which files can be made but not filled, as on a full disk (EFBIG in place of ENOSPC)."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("full_disk")
def test_a_key_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    """Nothing stays behind that a later start would take for the key."""
    data = tmp_path / "data"
    make_folder(data)
    with pytest.raises(
        CannotStart, match=r"^Data cannot be stored in .*/data \(File too large\); set DATA_DIR"
    ) as told:
        own_key(data)
    assert "\n" not in str(told.value)
    assert [path.name for path in data.iterdir()] == ["lock"]
