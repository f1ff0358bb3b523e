"""The one place that makes Redis clients: TLS, busy pools, full servers, and the words for all that can go wrong."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from service.errors import ServiceError, StoreFull, StoreUnavailable
from service.settings import Settings
from service.store.server.connection import SOCKET_SECONDS, Role, connect, open_sockets
from service.store.server.exchange import repeatable
from service.store.server.translation import translate_errors
from tests.support.processes import find_free_port
from tests.support.servers.tls import TlsProxy
from tests.support.servers.valkey import ValkeyServer

PASSWORD = "s3cret-pass-word"


def settings(url: str, **more: Any) -> Settings:
    """Settings that lead to `url`."""
    return Settings.model_validate({"redis_url": url, **more})


def asked(client: Redis, call: Callable[[Redis], object] = Redis.ping) -> object:
    """What a call answers, with this service's errors."""
    with translate_errors():
        return call(client)


def refusal(url: str, call: Callable[[Redis], object] = Redis.ping, **more: Any) -> ServiceError:
    """The error with which a call ends."""
    client = connect(settings(url, **more), "web")
    try:
        with pytest.raises(ServiceError) as refused:
            asked(client, call)
        return refused.value
    finally:
        client.close()


# TLS


def test_a_certificate_that_nobody_signed_is_refused_and_the_setting_is_named(
    valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """`full` does not talk to a self-signed server; the error says which setting decides that."""
    with TlsProxy(tmp_path, valkey_server.port) as proxy:
        error = refusal(proxy.url, redis_tls_verify="full")
        assert isinstance(error, StoreUnavailable)
        assert "REDIS_TLS_VERIFY" in str(error)


def test_a_ca_file_or_none_lets_a_self_signed_server_in(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """With its authority's certificate, or without verification, it is used."""
    with TlsProxy(tmp_path, valkey_server.port) as proxy:
        for verify in (str(proxy.ca), "none"):
            for role in ("web", "scheduler", "worker", "horse"):
                with connect(settings(proxy.url, redis_tls_verify=verify), role) as client:
                    assert asked(client) is True


def test_a_certificate_made_out_for_another_host_is_refused(valkey_server: ValkeyServer, tmp_path: Path) -> None:
    """A known authority is not enough: the name must be right, too."""
    with TlsProxy(tmp_path, valkey_server.port, name="redis.example.org") as proxy:
        assert "REDIS_TLS_VERIFY" in str(refusal(proxy.url, redis_tls_verify=str(proxy.ca)))
        with connect(settings(proxy.url, redis_tls_verify="none"), "web") as client:
            assert asked(client) is True


def test_tls_to_a_server_that_does_not_speak_it_is_not_blamed_on_the_certificate(durable_server: ValkeyServer) -> None:
    """`rediss://` to a plain server: the error points at the URL, not at the verification."""
    error = refusal(durable_server.url.replace("redis://", "rediss://"))
    assert isinstance(error, StoreUnavailable)
    assert "REDIS_TLS_VERIFY" not in str(error)


# What a server can answer instead of an answer


def test_a_full_server_is_told_apart(durable_server: ValkeyServer) -> None:
    """Out of memory: `StoreFull`, for a plain write and for a script; reads still work."""
    with connect(settings(durable_server.url), "web") as client:
        client.config_set("maxmemory", 1)
        for write in (lambda r: r.set("key", "value"), lambda r: r.eval("return redis.call('SET', 'key', 1)", 0)):
            with pytest.raises(StoreFull, match="memory"):
                asked(client, write)
        assert asked(client, lambda r: r.get("key")) is None


def test_a_server_without_a_connection_to_spare_counts_as_away(durable_server: ValkeyServer) -> None:
    """`max number of clients` is `StoreUnavailable`, and over as soon as there is room."""
    with durable_server.client() as other, connect(settings(durable_server.url), "web") as client:
        other.config_set("maxclients", 1)
        with pytest.raises(StoreUnavailable):
            asked(client)
        other.config_set("maxclients", 100)
        assert asked(client) is True


def test_a_busy_pool_gives_up_after_a_second_and_names_its_setting(valkey_server: ValkeyServer) -> None:
    """With the one connection taken, waiting ends after about a second, and the connection serves again afterwards."""
    with connect(settings(valkey_server.url, redis_pool_size=1), "web") as client:
        taken = client.connection_pool.get_connection()
        started = time.monotonic()
        with pytest.raises(StoreUnavailable, match="REDIS_POOL_SIZE"):
            asked(client)
        assert time.monotonic() - started > 0.8
        client.connection_pool.release(taken)
        assert asked(client) is True


def test_a_slow_server_is_given_up_within_the_time_of_a_503(valkey_server: ValkeyServer) -> None:
    """A web process waits a second and a half for an answer, not for ever."""
    error = refusal(valkey_server.url, lambda r: r.blpop(["nothing"], 600))
    assert (type(error), "in time" in str(error)) == (StoreUnavailable, True)
    with connect(settings(valkey_server.url), "web") as client:
        assert client.connection_pool.connection_kwargs["socket_timeout"] == 1.5
        assert client.connection_pool.connection_kwargs["retry"].get_retries() == 0


def test_a_missing_database_is_told(valkey_server: ValkeyServer) -> None:
    """A database number beyond the server's is the URL's fault, and counts as away."""
    error = refusal(f"redis://127.0.0.1:{valkey_server.port}/9999")
    assert (type(error), "REDIS_URL" in str(error)) == (StoreUnavailable, True)


def test_a_command_that_the_user_may_not_give_is_told(durable_server: ValkeyServer) -> None:
    """A user without the rights counts as away, named by the setting, instead of as an error of ours."""
    with durable_server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "guest", "on", f">{PASSWORD}", "+ping", "+client", "~*")
    error = refusal(f"redis://guest:{PASSWORD}@127.0.0.1:{durable_server.port}/0", lambda r: r.set("a", 1))
    assert (type(error), "REDIS_URL" in str(error)) == (StoreUnavailable, True)


def test_an_error_of_ours_is_not_dressed_up_as_redis_being_away(valkey_server: ValkeyServer) -> None:
    """What a script of ours does wrong stays what it is."""
    with connect(settings(valkey_server.url), "web") as client, pytest.raises(ResponseError), translate_errors():
        client.eval("return redis.call('NONSENSE')", 0)


def test_a_standby_that_refuses_writes_counts_as_away(durable_server: ValkeyServer) -> None:
    """In a failover writes are refused for a while: an outage to wait for, not an error of ours."""
    with connect(settings(durable_server.url), "web") as client:
        client.replicaof("127.0.0.1", find_free_port())
        with pytest.raises(StoreUnavailable):
            asked(client, lambda r: r.set("key", "value"))
        client.replicaof("NO", "ONE")
        assert asked(client, lambda r: r.set("key", "value")) is True


def test_a_pool_never_outgrows_its_setting(valkey_server: ValkeyServer) -> None:
    """However many threads ask at once, the server sees REDIS_POOL_SIZE connections at most, and all are answered."""
    answers: list[object] = []
    ours_alone = settings(valkey_server.url, redis_pool_size=2, redis_prefix="pool-limit")
    with valkey_server.client() as other, connect(ours_alone, "web") as client:
        start = threading.Barrier(6)

        def ask() -> None:
            start.wait(10)
            answers.append(asked(client, lambda r: r.blpop(["nothing"], 0.05)))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ours = [entry for entry in other.client_list() if entry["name"] == "pool-limit-web"]
    assert (len(ours), answers) == (2, [None] * 6)


@pytest.mark.parametrize("role", SOCKET_SECONDS)
def test_a_write_whose_answer_is_lost_is_not_sent_again(
    redis_client: Redis, valkey_server: ValkeyServer, role: Role
) -> None:
    """No client repeats a command by itself: Redis has carried it out, and would do so twice."""

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            with peer, socket.create_connection(("127.0.0.1", valkey_server.port)) as upstream:
                while request := peer.recv(65536):
                    upstream.sendall(request)
                    answer = upstream.recv(65536)
                    if b"RPUSH" in request:
                        break
                    peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        relay = threading.Thread(target=serve, args=(listening,), daemon=True)
        relay.start()
        url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        with connect(settings(url), role) as client, pytest.raises(StoreUnavailable):
            asked(client, lambda r: r.rpush("list", "once"))
        listening.shutdown(socket.SHUT_RDWR)
        relay.join(5)
    assert redis_client.lrange("list", 0, -1) == [b"once"]


# Secrets


@pytest.mark.parametrize(
    "broken",
    ["wrong password", "password missing", "nobody listens", "unknown host", "no socket", "no such database", "no TLS"],
)
def test_no_error_tells_the_password(durable_server: ValkeyServer, broken: str) -> None:
    """However the connection fails, what people read has neither password nor user nor host."""
    with durable_server.client() as admin:
        admin.config_set("requirepass", "another" if broken == "wrong password" else PASSWORD)
        here = f"127.0.0.1:{durable_server.port}"
        url = {
            "wrong password": f"redis://:{PASSWORD}@{here}/0",
            "password missing": f"redis://{here}/0",
            "nobody listens": f"redis://bob:{PASSWORD}@127.0.0.1:{find_free_port()}/0",
            "unknown host": f"redis://bob:{PASSWORD}@redis.invalid:6379/0",
            "no socket": f"unix://bob:{PASSWORD}@/nowhere/redis.sock",
            "no such database": f"redis://:{PASSWORD}@{here}/9999",
            "no TLS": f"rediss://:{PASSWORD}@{here}/0",
        }[broken]
        error = refusal(url)
        admin.config_set("requirepass", "")
    assert isinstance(error, StoreUnavailable)
    for secret in (PASSWORD, "bob", "127.0.0.1", "redis.invalid", "nowhere"):
        assert secret not in str(error)
    if "password" in broken:
        assert "REDIS_URL" in str(error)


# Calls that are safe to repeat


class Calls:
    """A call that fails in the given ways, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_a_broken_connection_is_repeated_once() -> None:
    """Once, and not twice."""
    once = Calls(ConnectionError("Connection closed by server."))
    assert (repeatable(once), once.made) == ("answer", 2)
    twice = Calls(ConnectionError("closed"), ConnectionError("closed"))
    with pytest.raises(ConnectionError):
        repeatable(twice)
    assert twice.made == 2


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("No connection available.")])
def test_what_would_only_add_to_the_trouble_is_not_repeated(error: Exception) -> None:
    """A slow server is not asked twice as much, and a busy pool is not waited for twice as long."""
    calls = Calls(error)
    with pytest.raises(type(error)):
        repeatable(calls)
    assert calls.made == 1


def test_a_restart_of_the_server_costs_no_repeatable_call_an_error(durable_server: ValkeyServer) -> None:
    """A connection that breaks in the middle of a call is made anew, and the call answers."""
    with connect(settings(durable_server.url), "horse") as client:
        client.set("key", "value")
        restarts: list[bool] = []

        def read_while_it_restarts() -> object:
            connection = client.connection_pool.get_connection()
            try:
                if not restarts:
                    restarts.append(True)
                    durable_server.kill()
                    durable_server.start()
                connection.send_command("GET", "key")
                return connection.read_response()
            finally:
                client.connection_pool.release(connection)

        assert repeatable(read_while_it_restarts) == b"value"
        assert asked(client, lambda r: repeatable(lambda: r.get("key"))) == b"value"


def test_the_open_connections_of_a_horse_are_counted(durable_server: ValkeyServer) -> None:
    """None before its first use, one then, none once it broke; by what redis-py keeps of them."""
    client = connect(settings(durable_server.url), "horse")
    assert open_sockets(client) == 0
    client.ping()
    assert open_sockets(client) == 1
    client.connection_pool.disconnect()
    assert open_sockets(client) == 0
    client.ping()
    assert open_sockets(client) == 1
    client.close()
