"""The connection that all interleaved calls of a process share, on a real server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import hiredis
import pytest
import redis.asyncio
from redis.exceptions import ConnectionError, RedisError, ResponseError, TimeoutError

from service.errors import StoreUnavailable
from service.interleaving import interleaved, wait_for
from service.settings import Settings
from service.store.server.connection import WebRedis, connect
from service.store.server.exchange import exchange, execute, repeatable
from service.store.server.packing import packed
from service.store.server.translation import translate_errors
from tests.support.processes import find_free_port
from tests.support.servers.tls import TlsProxy
from tests.support.servers.valkey import ValkeyServer

Ask = Callable[[WebRedis], Awaitable[Any]]


def web(url: str, **options: object) -> WebRedis:
    """A web process' client."""
    client = connect(Settings.model_validate({"redis_url": url, "redis_prefix": "p", **options}), "web")
    assert isinstance(client, WebRedis)
    return client


def asked(url: str, ask: Ask, **options: object) -> Any:
    """What `ask` finds out on an event loop of its own."""

    async def run() -> Any:
        client = web(url, **options)
        try:
            return await ask(client)
        finally:
            client.shared.close()

    return asyncio.run(run())


async def answer(client: WebRedis, *parts: str | bytes | int) -> Any:
    """The answer to one command of an interleaved call."""
    return await interleaved(execute, client, *parts)


async def echoed(client: WebRedis, number: int) -> bool:
    """Whether some commands of one asker get the answers to themselves."""
    names = [f"{number}:{place}" for place in range(1 + number % 3)]
    found = await interleaved(exchange, client, [packed("ECHO", name) for name in names])
    return bool(found == [name.encode() for name in names])


def commands(server: ValkeyServer) -> int:
    """How many commands the server has carried out."""
    return int(server.client().info("stats")["total_commands_processed"])


def connections(server: ValkeyServer) -> int:
    """How many connections of web processes the server has."""
    return sum(1 for found in server.client().client_list() if found["name"] == "p-web")


def test_a_thousand_askers_at_once_share_one_connection_and_get_their_own_answers(valkey_server: ValkeyServer) -> None:
    """Refused commands among them, each of which is an answer in its place."""

    async def ask(client: WebRedis) -> None:
        refused = interleaved(exchange, client, [packed("ECHO", "a"), packed("NOSUCHCOMMAND"), packed("ECHO", "b")])
        mixed, *right = await asyncio.gather(refused, *(echoed(client, number) for number in range(1_000)))
        assert all(right)
        assert isinstance(mixed, list)
        assert (mixed[0], type(mixed[1]), mixed[2]) == (b"a", ResponseError, b"b")
        assert connections(valkey_server) == 1

    asked(valkey_server.url, ask)


def test_ten_thousand_calls_take_turns_on_one_connection_in_order(valkey_server: ValkeyServer) -> None:
    """Each writes three times; the server takes the first writes of all before the second write of any."""
    valkey_server.client().flushall()

    def write(client: WebRedis, number: int) -> None:
        for turn in range(3):
            execute(client, "RPUSH", f"turn {turn}", number)

    async def ask(client: WebRedis) -> None:
        await answer(client, "PING")
        await asyncio.gather(*(interleaved(write, client, number) for number in range(10_000)))

    asked(valkey_server.url, ask)
    order = [b"%d" % number for number in range(10_000)]
    assert [valkey_server.client().lrange(f"turn {turn}", 0, -1) for turn in range(3)] == [order] * 3


def test_questions_of_one_turn_go_out_together(light_server: ValkeyServer) -> None:
    """A hundred askers cost the server one read, not a hundred."""

    def reads() -> int:
        return int(light_server.client().info("stats")["total_reads_processed"])

    async def ask(client: WebRedis) -> int:
        await answer(client, "PING")
        before = reads()
        assert all(await asyncio.gather(*(echoed(client, number) for number in range(100))))
        return reads() - before

    assert asked(light_server.url, ask) < 50


def test_an_asker_that_is_cancelled_does_not_shift_the_answers_of_others(valkey_server: ValkeyServer) -> None:
    """Whether it is cancelled before or after its commands are sent."""

    async def ask(client: WebRedis) -> None:
        await answer(client, "PING")
        tasks = [asyncio.create_task(echoed(client, number)) for number in range(300)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()  # sent at the end of this turn
        later = [asyncio.create_task(echoed(client, number)) for number in range(300)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in later[::3]:
            task.cancel()  # sent already
        outcomes = await asyncio.gather(*tasks, *later, return_exceptions=True)
        assert {outcome is True for place, outcome in enumerate(outcomes) if place % 3} == {True}
        assert all(await asyncio.gather(*(echoed(client, number) for number in range(100))))
        assert connections(valkey_server) == 1

    asked(valkey_server.url, ask)


def test_who_is_cancelled_while_the_connection_is_made_does_not_stop_others(valkey_server: ValkeyServer) -> None:
    """Even the first asker, for whom it is made."""

    async def ask(client: WebRedis) -> None:
        first, second = (asyncio.create_task(echoed(client, number)) for number in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert first.cancelled()

    asked(valkey_server.url, ask)


def test_a_server_that_is_killed_fails_all_in_flight_and_is_found_again(light_server: ValkeyServer) -> None:
    """Nobody waits for ever, and the next asker after the restart gets an answer."""

    async def ask(client: WebRedis) -> None:
        await answer(client, "PING")
        os.kill(light_server.pid, signal.SIGSTOP)
        tasks = [asyncio.create_task(echoed(client, number)) for number in range(100)]
        await asyncio.sleep(0)
        light_server.kill()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ConnectionError}
        with pytest.raises((RedisError, OSError)):
            await answer(client, "PING")
        light_server.start()
        assert all(await asyncio.gather(*(echoed(client, number) for number in range(100))))

    asked(light_server.url, ask)


def test_a_connection_that_the_server_closes_is_made_again(light_server: ValkeyServer) -> None:
    """A repeatable call does not even notice; there is one connection as before."""

    async def ask(client: WebRedis) -> None:
        for _ in range(5):
            assert await answer(client, "PING") in (b"PONG", "PONG")
            assert light_server.client().client_kill_filter(_type="normal", skipme=True) >= 1
            assert await interleaved(repeatable, partial(execute, client, "ECHO", "a")) == b"a"
        assert connections(light_server) == 1

    asked(light_server.url, ask)


def test_a_server_that_stops_answering_is_given_up_and_asked_anew(light_server: ValkeyServer) -> None:
    """All in flight get a time-out; afterwards there is a new connection, and no late answer goes astray."""

    async def ask(client: WebRedis) -> None:
        mine = await answer(client, "CLIENT", "ID")
        os.kill(light_server.pid, signal.SIGSTOP)
        try:
            outcomes = await asyncio.gather(*(echoed(client, number) for number in range(100)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {TimeoutError}
            with pytest.raises(TimeoutError):
                await answer(client, "PING")
        finally:
            os.kill(light_server.pid, signal.SIGCONT)
        assert all(await asyncio.gather(*(echoed(client, number) for number in range(100))))
        assert await answer(client, "CLIENT", "ID") != mine

    asked(light_server.url, ask)


@pytest.mark.parametrize(
    ("turns", "command"), [(1, ("BLPOP", "nothing here", "0.1")), (2, ("ECHO", "a"))]
)  # fmt: skip
def test_a_loop_that_stood_still_does_not_blame_redis(
    light_server: ValkeyServer, turns: int, command: tuple[str, ...]
) -> None:
    """A long turn before the commands go out (1), or before their answers are read (2)."""

    async def ask(client: WebRedis) -> None:
        mine = await answer(client, "CLIENT", "ID")
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(answer(client, *command))
        for _ in range(turns):
            await asyncio.sleep(0)
        now = loop.time
        loop.time = lambda: now() + 100  # type: ignore[method-assign]
        assert await task in (None, b"a")
        assert await answer(client, "CLIENT", "ID") == mine

    asked(light_server.url, ask)


def acl(server: ValkeyServer, *rules: str) -> None:
    """Makes a user `ada`."""
    execute(server.client(), "ACL", "SETUSER", "ada", "on", ">secret", "~*", *rules)


def test_a_user_signs_in(light_server: ValkeyServer) -> None:
    """By name and password; and by a password alone."""
    acl(light_server, "+@all")
    url = f"redis://ada:secret@127.0.0.1:{light_server.port}/0"
    assert asked(url, lambda client: answer(client, "ACL", "WHOAMI")) == b"ada"
    light_server.client().config_set("requirepass", "alone")
    url = f"redis://:alone@127.0.0.1:{light_server.port}/0"
    assert asked(url, lambda client: answer(client, "ACL", "WHOAMI")) == b"default"


def test_a_user_that_may_not_name_its_connection_works_all_the_same(light_server: ValkeyServer) -> None:
    """The name is a convenience."""
    acl(light_server, "+@all", "-client|setname")
    url = f"redis://ada:secret@127.0.0.1:{light_server.port}/0"
    assert asked(url, lambda client: echoed(client, 1))
    acl(light_server, "+@all", "-client")
    assert asked(url, lambda client: echoed(client, 1))


@pytest.mark.parametrize("credentials", ["", "ada:wrong@", ":wrong@", "nobody:secret@"])
def test_a_wrong_password_is_told_by_the_same_sentence_as_in_threads(
    light_server: ValkeyServer, credentials: str
) -> None:
    """And without the password."""
    acl(light_server, "+@all")
    light_server.client().config_set("requirepass", "needed")
    url = f"redis://{credentials}127.0.0.1:{light_server.port}/0"
    told = {str(failure(url, threads)) for threads in (False, True)}
    assert len(told) == 1
    (sentence,) = told
    assert "user or the password in REDIS_URL" in sentence
    assert "wrong" not in sentence and "secret" not in sentence


def failure(url: str, threads: bool = False, **options: object) -> StoreUnavailable:
    """The service's error when a connection is made, on the event loop or in a thread."""

    def ask(client: WebRedis) -> Any:
        with translate_errors():
            return execute(client, "GET", "x")

    with pytest.raises(StoreUnavailable) as raised:
        if threads:
            ask(web(url, **options))
        else:
            asked(url, lambda client: interleaved(ask, client), **options)
    return raised.value


def test_an_address_where_nobody_listens_is_told_as_in_threads() -> None:
    """By the same sentence."""
    url = f"redis://127.0.0.1:{find_free_port()}/0"
    assert str(failure(url)) == str(failure(url, threads=True)) != ""


def test_a_database_that_is_missing_is_told_as_in_threads(light_server: ValkeyServer) -> None:
    """By the same sentence."""
    url = f"redis://127.0.0.1:{light_server.port}/99"
    assert str(failure(url)) == str(failure(url, threads=True)) != ""


def test_a_server_without_a_connection_to_spare_is_told_as_in_threads(light_server: ValkeyServer) -> None:
    """By the same sentence."""
    with light_server.client() as client:
        client.config_set("maxclients", 1)
        try:
            told = {str(failure(light_server.url, threads)) for threads in (False, True)}
        finally:
            client.config_set("maxclients", 1000)
    assert len(told) == 1 and "connection" in told.pop()


def test_the_database_of_the_address_is_used(light_server: ValkeyServer) -> None:
    """All on the shared connection, and the same as in threads."""
    url = f"redis://127.0.0.1:{light_server.port}/3"
    asked(url, lambda client: answer(client, "SET", "here", "yes"))
    assert light_server.client().get("here") is None
    assert execute(web(url), "GET", "here") == b"yes"


def test_tls_is_spoken_and_verified(light_server: ValkeyServer, tmp_path: Path) -> None:
    """An unknown authority is refused by the sentence that names the setting; its file, or `none`, lets it in."""
    with TlsProxy(tmp_path, light_server.port) as proxy:
        for verify in (str(proxy.ca), "none"):
            assert asked(proxy.url, lambda client: echoed(client, 2), redis_tls_verify=verify)
        told = {str(failure(proxy.url, threads, redis_tls_verify="full")) for threads in (False, True)}
    assert len(told) == 1 and "REDIS_TLS_VERIFY" in str(told)


def test_a_server_that_does_not_speak_tls_is_told_as_in_threads(light_server: ValkeyServer) -> None:
    """By the same sentence."""
    url = f"rediss://127.0.0.1:{light_server.port}/0"
    assert str(failure(url)) == str(failure(url, threads=True))


def test_a_unix_socket_works(tmp_path: Path) -> None:
    """With a user, and a database too."""
    path = tmp_path / "s"
    with ValkeyServer(tmp_path, "--appendonly", "no", "--unixsocket", str(path)) as server:
        acl(server, "+@all")
        asked(f"unix://ada:secret@{path}?db=2", lambda client: answer(client, "SET", "here", "yes"))
        assert execute(web(f"redis://127.0.0.1:{server.port}/2"), "GET", "here") == b"yes"


def test_messages_between_answers_reach_the_push_and_shift_nothing(light_server: ValkeyServer) -> None:
    """A thousand answers, and between them as many messages that keys have changed."""
    pushed: list[list[Any]] = []
    greeted: list[list[Any]] = []

    async def ask(client: WebRedis) -> None:
        greeting = [packed("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "key")]
        lists = client.beside(greeting, greeted.append, pushed.append)
        assert await echoed(lists, 1)
        for turn in range(10):
            with light_server.client() as writer:
                writer.mset({f"key {number}": turn for number in range(100)})
            assert all(await asyncio.gather(*(echoed(lists, number) for number in range(100))))
        lists.shared.close()

    asked(light_server.url, ask)
    assert greeted == [[b"OK"]]
    changed = {key for message in pushed for key in message[1]}
    assert changed == {b"key %d" % number for number in range(100)}
    assert {message[0] for message in pushed} == {b"invalidate"}


def test_the_greeting_is_answered_before_anybody_asks_and_on_each_new_connection(light_server: ValkeyServer) -> None:
    """What depends on it finds it done."""
    order: list[str] = []

    async def ask(client: WebRedis) -> None:
        lists = client.beside([packed("ECHO", "hello")], lambda answers: order.append(f"greeted {answers}"))
        for _ in range(2):
            await asyncio.gather(*(echoed(lists, number) for number in range(3)))
            order.append("asked")
            lists.shared.close()

    asked(light_server.url, ask)
    assert order == ["greeted [b'hello']", "asked"] * 2


def test_a_connection_that_is_closed_fails_all_in_flight_and_is_made_again(valkey_server: ValkeyServer) -> None:
    """At once."""

    async def ask(client: WebRedis) -> None:
        await answer(client, "PING")
        task = asyncio.create_task(answer(client, "BLPOP", "nothing here", 0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        client.shared.close()
        with pytest.raises(ConnectionError):
            await task
        assert await echoed(client, 1)

    asked(valkey_server.url, ask)


def test_an_answer_that_cannot_be_read_ends_the_connection() -> None:
    """Whoever waits gets an error, not somebody else's answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(65536):
            if b"HELLO" in command:
                writer.write(b"%1\r\n+proto\r\n:3\r\n")
            else:
                writer.write(b"?nonsense\r\n" if b"ECHO" in command else b"+OK\r\n" * command.count(b"*"))

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = web(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
            assert await answer(client, "PING") in (b"OK", "OK")
            with pytest.raises(ConnectionError, match="cannot be read"):
                await answer(client, "ECHO", "a")

    asyncio.run(run())


def test_a_server_that_loads_its_data_is_told_as_in_threads(tmp_path: Path) -> None:
    """It answers every command with an error that is nobody's answer, and the connection stands."""
    slowly = ["--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024"]
    with ValkeyServer(tmp_path, "--appendonly", "no", *slowly) as server:
        server.client().mset({f"key {number}": "long " * 400 for number in range(200)})

        async def ask(client: WebRedis) -> None:
            await answer(client, "CONFIG", "SET", "key-load-delay", "20000")
            loading = asyncio.create_task(asyncio.to_thread(server.client().execute_command, "DEBUG", "RELOAD"))
            threads, loop = [], []
            while not loading.done():
                threads.append(await asyncio.to_thread(_told, client))
                loop.append(await interleaved(_told, client))
            await loading
            assert "Redis is loading its data" in threads
            assert "Redis is loading its data" in loop

        asked(server.url, ask)


def _told(client: WebRedis) -> str:
    """The trouble that a read has, in the service's words."""
    try:
        with translate_errors():
            exchange(client, [packed("GET", "key 1"), packed("GET", "key 2")])
    except StoreUnavailable as error:
        return str(error)
    return "none"


def test_a_connection_that_breaks_as_soon_as_it_is_made_leaves_nobody_waiting() -> None:
    """Who waited for the connection asks in a later turn of the loop than the one in which it broke."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await reader.read(65536):
            writer.write(b"%1\r\n+proto\r\n:3\r\n" if b"HELLO" in command else b"+OK\r\n" * command.count(b"*"))
            if b"SETNAME" in command:
                writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            client = web(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")
            for _ in range(20):
                with pytest.raises(ConnectionError):
                    await asyncio.wait_for(answer(client, "PING"), 20)

    asyncio.run(run())


def test_the_private_parts_of_redis_py_are_where_they_are_looked_for(valkey_server: ValkeyServer) -> None:
    """A release that moves them must not be found out in production."""

    async def look() -> None:
        connection = redis.asyncio.Connection(port=valkey_server.port)
        await connection.connect()  # type: ignore[no-untyped-call]
        transport = connection._writer.transport  # type: ignore[union-attr]
        assert isinstance(transport, asyncio.Transport)
        parse_error: Callable[[str], Any] = connection._parser.parse_error
        reader = hiredis.Reader(replyError=parse_error)
        reader.feed(b"-NOAUTH Authentication required.\r\n-WRONGTYPE of the key\r\n-OOM too much\r\n")
        found: Sequence[Any] = [reader.gets() for _ in range(3)]
        assert [type(error).__name__ for error in found] == ["AuthenticationError", "ResponseError", "OutOfMemoryError"]
        assert [str(error) for error in found][1:] == ["WRONGTYPE of the key", "too much"]
        await connection.disconnect()

    asyncio.run(look())


def test_a_client_that_is_not_shared_blocks_in_a_thread(valkey_server: ValkeyServer) -> None:
    """The loop stays free meanwhile, and the answer is the same."""
    plain = valkey_server.client()

    def ask() -> Any:
        wait_for(asyncio.sleep(0))
        return exchange(plain, [packed("ECHO", "a"), packed("NOSUCHCOMMAND")])

    found = asyncio.run(interleaved(ask))
    assert found[0] == b"a" and isinstance(found[1], ResponseError)
