"""The work horse's one connection: its threads take turns, and it is opened again when it has broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service.settings import Settings
from service.store.server import own_connection
from service.store.server.connection import connect, open_sockets
from service.store.server.packing import packed
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def own(valkey_server: ValkeyServer) -> Iterator[Redis]:
    """A horse's client."""
    client = connect(Settings(redis_url=SecretStr(valkey_server.url)), "horse")
    yield client
    client.connection_pool.disconnect()


def horses(server: Redis) -> list[Any]:
    """The connections of horses that Redis knows."""
    return [client["id"] for client in server.client_list() if client["name"].endswith("-horse")]


def test_threads_share_one_connection(redis_client: Redis, own: Redis) -> None:
    """Each gets its own answers."""
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda number: own.echo(number), range(200))) == [b"%d" % n for n in range(200)]
    assert len(horses(redis_client)) == 1
    assert open_sockets(own) == 1


def test_it_is_opened_at_its_first_use_and_again_once_closed(own: Redis) -> None:
    """There is no descriptor in between."""
    assert open_sockets(own) == 0
    assert own.ping()
    own.connection_pool.disconnect()
    assert open_sockets(own) == 0
    assert own.ping() and open_sockets(own) == 1


def test_one_that_broke_while_it_rested_is_opened_again(
    redis_client: Redis, own: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No command fails over it; one that broke just now fails, and the next works."""
    own.ping()
    for rested, works in ((0.0, True), (60.0, False)):
        monkeypatch.setattr(own_connection, "RESTED_SECONDS", rested)
        own.ping()
        redis_client.client_kill_filter(_id=horses(redis_client)[0])
        until(lambda: horses(redis_client) == [], 30)
        if works:
            assert own.ping()
        else:
            with pytest.raises(RedisConnectionError):
                own.ping()
    assert own.ping()


def test_who_waits_too_long_for_it_is_told(own: Redis) -> None:
    """Another thread holds it."""
    pool: Any = own.connection_pool
    pool._patience = 0.01
    held = pool.get_connection()
    with pytest.raises(RedisConnectionError, match="No connection available"):
        own.ping()
    pool.release(held)
    assert own.ping()


def test_a_forked_process_opens_its_own(own: Redis) -> None:
    """Neither reads the other's answers."""
    own.ping()
    copy = os.fork()
    if copy == 0:
        status = 1
        try:
            status = 0 if own.echo("copy") == b"copy" else 1
        finally:
            os._exit(status)
    assert [own.echo(number) for number in range(100)] == [b"%d" % number for number in range(100)]
    assert os.waitpid(copy, 0)[1] == 0


def test_it_is_given_back_when_redis_cannot_be_reached(valkey_server: ValkeyServer) -> None:
    """The next command tries again, and does not wait for the one before."""
    client = connect(Settings(redis_url=SecretStr("redis://127.0.0.1:1/0")), "horse")
    for _ in range(3):
        with pytest.raises(RedisConnectionError, match="refused"):
            client.ping()


def asked(own: Redis, *parts: str | int) -> Any:
    """What `ask` answers: it goes around redis-py's layers, so this pins how redis-py sends and reads."""
    pool: Any = own.connection_pool
    return pool.ask(packed(*parts))


def test_asking_answers_as_redis_py_does(own: Redis) -> None:
    """Also with what is longer than one read, and with errors, each in its place."""
    for parts in (("ECHO", "x"), ("LRANGE", "none", 0, -1), ("GET", "none"), ("ECHO", "x" * 300_000)):
        assert asked(own, *parts) == own.execute_command(*parts)  # type: ignore[no-untyped-call]
    assert isinstance(asked(own, "EVALSHA", "0" * 40, 0), NoScriptError)
    assert isinstance(asked(own, "NONSENSE"), ResponseError)
    assert asked(own, "ECHO", "in step") == b"in step"


def test_asking_on_a_broken_connection_fails_and_the_next_works(
    redis_client: Redis, own: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is one after which a call may be repeated."""
    monkeypatch.setattr(own_connection, "RESTED_SECONDS", 60.0)
    own.ping()
    redis_client.client_kill_filter(_id=horses(redis_client)[0])
    until(lambda: horses(redis_client) == [], 30)
    with pytest.raises(RedisConnectionError):
        asked(own, "PING")
    assert open_sockets(own) == 0
    assert asked(own, "ECHO", "again") == b"again"


def test_an_answer_that_comes_too_late_is_nobody_elses(redis_client: Redis, own: Redis) -> None:
    """Redis is too slow; the error says so, and the next question gets its own answer."""
    own.ping()
    pool: Any = own.connection_pool
    pool._line._sock.settimeout(0.05)
    with pytest.raises(RedisTimeoutError):
        asked(own, "BLPOP", "none", 1)
    assert asked(own, "ECHO", "mine") == b"mine"
