"""Commands sent to Redis with the least overhead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redis import Redis
from redis.exceptions import BusyLoadingError, ConnectionError, MaxConnectionsError, ResponseError, TimeoutError

from service.interleaving import blocking, is_interleaved, wait_for
from service.store.server.own_connection import OwnConnection
from service.store.server.packing import packed as packed
from service.store.server.patience import PatientRedis
from service.store.server.shared_connection import SharedConnection

Answer = TypeVar("Answer")
Meanwhile = Callable[[], object] | None
"""Work for this process while it waits for Redis."""


class SharingRedis(Redis):
    """A client whose interleaved callers share one connection; all others take one from its pool."""

    shared: SharedConnection


def send(client: Redis, commands: Sequence[bytes]) -> Callable[[], list[Any]]:
    """Send packed commands without waiting for their answers.

    redis-py's own commands and pipelines cost two to three times the CPU of what they send and read.

    Returns:
        A function that reads the answers; call it exactly once. A ResponseError stands in the place of a command that
        Redis refused. It raises the same errors as `send`.

    Raises:
        redis.exceptions.RedisError: Redis is away.
    """
    pool = client.connection_pool
    connection: Any = pool.get_connection()

    def give_up() -> None:
        # An answer that is still unread must not become the answer to somebody else's question.
        connection.disconnect()
        pool.release(connection)

    try:
        connection.send_packed_command([b"".join(commands)])
    except BaseException:
        give_up()
        raise

    def receive() -> list[Any]:
        try:
            answers = [_answer(connection) for _ in commands]
        except BaseException:
            give_up()
            raise
        pool.release(connection)
        return answers

    return receive


def exchange_one(client: Redis, command: bytes, meanwhile: Meanwhile = None) -> Any:
    """Send one packed command and read its answer, in the form that `send` describes.

    Args:
        client: the connection.
        command: the command.
        meanwhile: called once the command was sent; only a client with a connection of its own does so.
    """
    pool = client.connection_pool
    return pool.ask(command, meanwhile) if isinstance(pool, OwnConnection) else exchange(client, [command])[0]


def exchange(client: Redis, commands: Sequence[bytes]) -> list[Any]:
    """Send packed commands and read their answers, in one round trip, in the form that `send` describes."""
    if not commands:
        return []
    if not is_interleaved():
        return send(client, commands)()
    if isinstance(client, SharingRedis):
        return wait_for(client.shared.exchange(commands))
    return blocking(lambda: send(client, commands)())


def execute(client: Redis, *parts: str | bytes | int | float) -> Any:
    """Send one command and return its answer.

    Raises:
        redis.exceptions.RedisError: Redis is away, or refused the command.
    """
    (answer,) = exchange(client, [packed(*parts)])
    if isinstance(answer, ResponseError):
        raise answer
    return answer


def write_together(client: Redis, commands: Sequence[bytes]) -> None:
    """Send packed commands that are safe to repeat, in one round trip; a patient client waits while writes are refused.

    Raises:
        redis.exceptions.RedisError: Redis is away, or refused one of them.
    """
    found = exchange(client, commands)
    while isinstance(client, PatientRedis) and client.has_waited_for(*found):
        found = exchange(client, commands)
    for answer in found:
        if isinstance(answer, ResponseError):
            raise answer


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def repeatable(call: Callable[[], Answer]) -> Answer:
    """Make a call that is safe to repeat, and once more if its connection broke.

    A pooled connection may have been closed since its last use; the second try opens a new one. There is no second
    try after a time-out: Redis is slow then, and a second try would double its work.
    """
    try:
        return call()
    except (TimeoutError, MaxConnectionsError, BusyLoadingError):
        raise
    except ConnectionError as error:
        if "No connection available" in str(error):
            raise
        return call()
