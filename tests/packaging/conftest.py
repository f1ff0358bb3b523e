"""The wheel and environments that have it, for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.installing import Installed, build, install

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `make wheel` builds it; no registry is asked."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "wheel")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install bot-scheduler` gives."""
    return install(wheel, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install bot-scheduler[local,traces]` gives."""
    return install(wheel, tmp_path_factory.mktemp("whole"), "local", "traces")
