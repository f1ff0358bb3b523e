"""Scripts that Redis forgets: after a restart, a fail-over, or SCRIPT FLUSH, however often."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from service.store.contacts import ContactStore, Write
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.store.scripts import lone_script, scripts
from service.store.server import exchange
from service.store.server.needs import PROCESSES, commands
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

ROOT = Path(__file__).parents[2]

KEYS = Keys()
CONTACTS = [Write(f"contact {number}", {"name": f"Somebody {number}"}) for number in range(50)]


@pytest.fixture
def forgetful(redis_client: Redis, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A server whose scripts are flushed by somebody before everything that this service sends."""
    send = exchange.exchange

    def flushed_before(client: Redis, commands: list[bytes]) -> list[object]:
        redis_client.script_flush()
        return send(client, commands)

    for module in (lone_script, scripts):
        monkeypatch.setattr(module, "exchange", flushed_before)
    return redis_client


def test_a_script_that_is_forgotten_again_and_again_runs_all_the_same(forgetful: Redis) -> None:
    """One, and many in one round trip; each runs once."""
    rig = Rig.on(forgetful)
    job = rig.make_job(options={"max_concurrent_runs": 5})
    runs = [rig.use.run_now(job) for _ in range(3)]
    assert len(set(runs)) == 3 and len(rig.queue()) == 3
    assert rig.scripts.run_many("requeue_run", [[run_id] for run_id in runs]) == [0, 0, 0]
    contacts = ContactStore(forgetful, KEYS)
    assert {*contacts.save_many(CONTACTS)} == {"created"} and {*contacts.save_many(CONTACTS)} == {"unchanged"}
    assert RedisLedger(forgetful, KEYS, "bot", "run").claim("key", retake=True) == "claimed"
    assert RedisMemory(forgetful, KEYS, "bot").take_turn("key", 1) == 0


@pytest.fixture
def flushing(valkey_server: ValkeyServer) -> Iterator[None]:
    """Somebody flushes the scripts all the time."""
    stop = threading.Event()

    def flush() -> None:
        with valkey_server.client() as client:
            while not stop.is_set():
                client.script_flush()

    thread = threading.Thread(target=flush)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_jobs_are_made_while_scripts_are_flushed_all_the_time(redis_client: Redis, flushing: None) -> None:
    """None of two hundred requests fails of it."""
    rig = Rig.on(redis_client)
    ids = [rig.make_job() for _ in range(100)]
    for job_id in ids:
        rig.use.run_now(job_id)
    assert len(rig.queue()) == 100


def test_the_rights_of_every_command_of_every_script_are_checked() -> None:
    """A part in another folder is a part of the scripts, too: a refusal in the middle would leave half a change."""
    texts = [file.read_text() for file in (ROOT / "service" / "store" / "lua").rglob("*.lua")]
    needed = {command for text in texts for command in re.findall(r"\bcall\('([A-Z]+)'", text)}
    assert needed <= {command for process in PROCESSES for command in commands(process)}
