"""One installation and one command for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command, command_of
from tests.support.installation import Installation
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """All processes, on a server of their own."""
    folder: Path = tmp_path_factory.mktemp("installation")
    with ValkeyServer(folder, "--appendonly", "yes") as server, Installation(folder, server) as installation:
        yield installation.start("web", "scheduler", "worker").until_healthy()


@pytest.fixture(scope="module")
def command(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The command, for that installation."""
    return command_of(tmp_path_factory.mktemp("elsewhere"), installed.port)
