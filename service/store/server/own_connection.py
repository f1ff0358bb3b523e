"""The one connection of a work horse, which its threads take turns to use: small Redis plans count connections.

redis-py's own pools do more for each command than a run may cost: two locks, a queue, and a question to the kernel
whether the connection still stands, which matters only after a rest. `ask` goes around the layers of a connection, too.
"""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable
from time import monotonic  # as it is now: a bot may put another in its place
from typing import Any

import redis
from redis.exceptions import ConnectionError, TimeoutError

READ_BYTES = 64 * 1024

RESTED_SECONDS = 0.1
"""A connection that was used this lately is taken to stand; if it does not, the command fails as if it broke now."""


class OwnConnection(redis.ConnectionPool):
    """A pool of one connection, made at its first use.

    Args:
        patience: the longest wait of one thread for another, seconds.
        options: of redis-py's pool.
    """

    def __init__(self, *, patience: float = 10.0, **options: Any) -> None:
        self._patience = patience
        super().__init__(**options)

    def reset(self) -> None:
        """Begin anew, without a connection: in a new pool, or in a forked process."""
        super().reset()
        self._line: Any = None
        self._used = float("-inf")
        self._turn = threading.Lock()

    def get_connection(self, command_name: str | None = None, *keys: Any, **options: Any) -> Any:
        """Take the connection; it is ready to send. Give it back by `release`.

        Raises:
            redis.exceptions.RedisError: another thread does not give it back, or Redis is away.
        """
        if self.pid != os.getpid():
            self.reset()
        if not self._turn.acquire(timeout=self._patience):
            raise ConnectionError("No connection available.")
        try:
            if self._line is None:
                self._line = self.make_connection()
            if not self._line.is_connected:
                self._line.connect()
            elif monotonic() - self._used > RESTED_SECONDS:
                _refresh(self._line)
        except BaseException:
            self._turn.release()
            raise
        return self._line

    def release(self, connection: Any) -> None:
        """Give the connection back."""
        self._used = monotonic()
        self._turn.release()

    def ask(self, command: bytes, meanwhile: Callable[[], object] | None = None) -> Any:
        """Send one packed command and return its answer; a ResponseError if Redis refused it.

        Args:
            command: the command.
            meanwhile: called between the two, while Redis works; it must not use the connection.

        Raises:
            redis.exceptions.RedisError: Redis is away.
        """
        line = self.get_connection()
        try:
            return _asked(line, command, meanwhile)
        except BaseException:
            # An answer that is still unread must not become the answer to another question.
            line.disconnect()
            raise
        finally:
            self.release(line)

    def open_sockets(self) -> int:
        """Count the open connections, each of which has a file descriptor of this process: none, or one."""
        return int(self._line is not None and self._line.is_connected)

    def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connection; the next use opens it again."""
        if self._line is not None:
            self._line.disconnect()


def _asked(line: Any, command: bytes, meanwhile: Callable[[], object] | None) -> Any:
    """Send and read as redis-py does (`AbstractConnection`, `_HiredisParser`), without its checks between the two."""
    try:
        line._sock.sendall(command)
        if meanwhile is not None:
            meanwhile()
        data = line._sock.recv(READ_BYTES)
    except builtins.TimeoutError:
        raise TimeoutError("Timeout reading from socket") from None
    except OSError as error:
        raise ConnectionError(f"Error while asking: {error}") from None
    if not data:
        raise ConnectionError("Connection closed by server.")
    line._parser._reader.feed(data)
    return line._parser.read_response()


def _refresh(connection: Any) -> None:
    """Connect again if the other side has closed the connection, or has said what nobody waits for."""
    try:
        if connection.can_read():
            raise ConnectionError("Connection has data")
    except (ConnectionError, TimeoutError, OSError):
        connection.disconnect()
        connection.connect()
