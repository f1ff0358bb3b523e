"""Fixtures for tests with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def durable_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own that keeps every write."""
    server = ValkeyServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def light_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own that keeps nothing, so that no answer waits for a busy disk."""
    server = ValkeyServer(tmp_path, "--appendonly", "no")
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def installation(tmp_path: Path, durable_server: ValkeyServer) -> Iterator[Installation]:
    """An installation with nothing started."""
    with Installation(tmp_path, durable_server) as installed:
        yield installed
