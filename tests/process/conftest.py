"""Fixtures for tests with real processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.servers.alerts import AlertReceiver, receiving_alerts
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def installation(tmp_path: Path, durable_server: ValkeyServer) -> Iterator[Installation]:
    """An installation with nothing started."""
    with Installation(tmp_path, durable_server) as installed:
        yield installed


@pytest.fixture
def receiver() -> Iterator[AlertReceiver]:
    """A server that alerts are sent to."""
    with receiving_alerts() as server:
        yield server
