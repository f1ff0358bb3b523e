"""Fixtures of all tests: a real server, and a fake one."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fakeredis
import hypothesis
import pytest
from falcon.util.sync import _active_runner
from redis import Redis

from service.store import migrations
from service.store.keys import Keys
from service.web.beside import Beside
from tests.support.processes import find_free_port
from tests.support.servers.valkey import ValkeyServer

hypothesis.settings.register_profile("suite", deadline=None)  # how long an example takes says nothing on a busy machine
hypothesis.settings.load_profile("suite")


async def _start_nothing(self: Beside, scope: Any, event: Any) -> None:
    """An app in the test's process serves a request at a time: a watch and a courier would work on in other tests."""


Beside.process_startup = Beside.process_shutdown = _start_nothing  # type: ignore[method-assign]
# Real web processes have them: tests/deaths, tests/process/test_alerts.py and test_deliveries.py.


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """Falcon's test clients share a loop: what an application does in its own time would go on in the next test."""
    yield
    loop = _active_runner().get_loop()
    if not loop.is_closed() and (tasks := asyncio.all_tasks(loop)):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


# A shell that starts the suite in the background has it ignore Ctrl-C, and all that it starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a `slow` without a reason. Run the files that have one first, so that none of them is begun last."""
    slow = set()
    for item in items:
        for mark in item.iter_markers("slow"):
            if not mark.kwargs.get("reason"):
                raise pytest.UsageError(f"{item.nodeid}: say why, as in @pytest.mark.slow(reason='...')")
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A real server for the whole session, that keeps nothing."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder), "--appendonly", "no") as server:
        yield server


@pytest.fixture
def durable_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own that keeps every write."""
    with ValkeyServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture
def light_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own that keeps nothing, so that no answer waits for a busy disk."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as server:
        yield server


@pytest.fixture
def redis_client(valkey_server: ValkeyServer) -> Iterator[Redis]:
    """A client of the real server, emptied first."""
    client = valkey_server.client()
    client.flushall()
    yield client
    client.close()


@pytest.fixture(autouse=True)
def no_older_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration in this process does not wait for those of an older release to notice it."""
    monkeypatch.setattr(migrations, "SETTLE_SECONDS", 0.0)


@pytest.fixture
def fake_client() -> Redis:
    """An in-process stand-in that runs Lua, for what it is faithful in."""
    return fakeredis.FakeRedis()


@pytest.fixture
def keys() -> Keys:
    """The default installation's key names."""
    return Keys()


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    return find_free_port()
