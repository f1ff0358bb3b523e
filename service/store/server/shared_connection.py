"""One connection to Redis that all interleaved calls of a process share.

Their commands go out together, and Redis answers in their order. So thousands of requests a second need one connection,
and none waits for another's round trip. redis-py makes the connection: address, TLS, sign-in, protocol. Then this
module takes its transport over, because redis-py's own connections serve one caller at a time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from threading import get_ident
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

from service.store.server.packing import packed

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""Seconds between two looks for overdue answers."""

Push = Callable[[list[Any]], None]
"""Takes a message that Redis sends unasked, such as the invalidation of a key."""


class _Turn:
    """The commands of one turn of the loop, which go out together at its end."""

    __slots__ = ("commands", "sent_at")

    def __init__(self) -> None:
        self.commands: list[bytes] = []
        self.sent_at = math.inf
        """When they were sent, by the loop's clock."""


class _Question:
    """Commands of one asker.

    Args:
        count: how many answers they have.
        turn: the turn in which they go out.
        done: takes the answers.
    """

    __slots__ = ("answers", "count", "done", "refusal", "turn")

    def __init__(self, count: int, turn: _Turn, done: asyncio.Future[list[Any]]) -> None:
        self.count = count
        self.turn = turn
        self.done = done
        self.answers: list[Any] = []
        self.refusal: ConnectionError | None = None
        """Why Redis serves nobody on this connection now, such as while it loads its data. No asker expects that among
        the answers."""

    def settle(self) -> None:
        """Hand out the answers, unless the asker has gone."""
        if self.done.done():
            return
        if self.refusal is not None:
            self.done.set_exception(self.refusal)
        else:
            self.done.set_result(self.answers)


class _Line(asyncio.Protocol):
    """One connection that stands: it sends questions and hands out their answers.

    Args:
        connection: redis-py's, which has signed in.
        seconds: how long Redis may take to answer.
        push: takes messages that are no answers.
    """

    def __init__(self, connection: Any, seconds: float, push: Push | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.thread = get_ident()  # to ask asyncio for the loop costs a system call, see below
        self.is_open = True
        self._seconds = seconds
        self._push = push
        self._asked: deque[_Question] = deque()
        self._turn = _Turn()
        self._look: asyncio.TimerHandle | None = None
        self._reader = hiredis.Reader(replyError=connection._parser.parse_error)
        self._connection = connection  # its stream closes the transport when it is collected
        self._transport = connection._writer.transport
        self._transport.set_protocol(self)

    def ask(self, commands: Sequence[bytes]) -> asyncio.Future[list[Any]]:
        """Send packed commands. Everything that is sent within one turn of the loop goes out together.

        Raises:
            redis.exceptions.ConnectionError: the connection broke meanwhile; nobody would answer.
        """
        if not self.is_open:
            raise ConnectionError("Redis closed the connection")
        turn = self._turn
        question = _Question(len(commands), turn, self.loop.create_future())
        self._asked.append(question)
        if not turn.commands:
            self.loop.call_soon(self._send)
        turn.commands.extend(commands)
        if self._look is None:
            self._look = self.loop.call_later(LOOK_SECONDS, self._give_up_overdue)
        return question.done

    def _send(self) -> None:
        turn, self._turn = self._turn, _Turn()
        turn.sent_at = self.loop.time()  # not when they were asked: a turn may be long, and Redis is not to blame
        if self.is_open:
            self._transport.write(b"".join(turn.commands))
        turn.commands.clear()

    def data_received(self, data: bytes) -> None:
        """Take answers and messages; asyncio calls this."""
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                self._take(answer)
        except hiredis.ProtocolError as error:
            self.close(ConnectionError(f"Redis sent an answer that cannot be read: {error}"))

    def _take(self, answer: Any) -> None:
        if isinstance(answer, hiredis.PushNotification):
            if self._push is not None:
                self._push(answer)
            return
        question = self._asked[0]
        question.answers.append(answer)
        if isinstance(answer, ConnectionError):
            question.refusal = answer
        if len(question.answers) == question.count:
            self._asked.popleft()
            question.settle()

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is unanswered; asyncio calls this."""
        self.close(ConnectionError("Redis closed the connection"))

    def close(self, error: Exception) -> None:
        """Close the connection. Whoever waits for an answer gets the error."""
        self.is_open = False
        self._transport.abort()
        if self._look is not None:
            self._look.cancel()
        asked, self._asked = self._asked, deque()
        for question in asked:
            if not question.done.done():
                question.done.set_exception(error)

    def _give_up_overdue(self, is_second_look: bool = False) -> None:
        self._look = None
        if not self._asked or not self.is_open:
            return
        overdue = self.loop.time() - self._asked[0].turn.sent_at > self._seconds
        if overdue and is_second_look:
            # The order of answers ties all questions together, so the connection cannot go on without this one.
            self.close(TimeoutError("Redis did not answer in time"))
            return
        # This process itself may have stood still: answers that have come are read before the second look.
        self._look = self.loop.call_later(LOOK_SECONDS, self._give_up_overdue, overdue)


class SharedConnection:
    """The connection, made when it is first used, and made again after it broke.

    Args:
        make: makes a connection of redis-py's, not connected yet.
        seconds: how long Redis may take to answer.
        name: the connection's name in Redis' list of clients.
        greeting: packed commands to send first on each new connection.
        greeted: takes the greeting's answers, before anybody asks on the new connection.
        push: takes messages that are no answers.
    """

    def __init__(
        self, make: Callable[[], AbstractConnection], seconds: float, name: str, *,
        greeting: Sequence[bytes] = (), greeted: Callable[[list[Any]], None] | None = None, push: Push | None = None,
    ) -> None:  # fmt: skip
        self._make = make
        self._seconds = seconds
        self._greeting = [packed("CLIENT", "SETNAME", name), *greeting]
        self._greeted = greeted
        self._push = push
        self._line: _Line | None = None
        self._connecting: asyncio.Task[_Line] | None = None

    def exchange(self, commands: Sequence[bytes]) -> Awaitable[list[Any]]:
        """Send packed commands and return their answers, with a ResponseError in the place of a refused command.

        Raises:
            redis.exceptions.RedisError, OSError: Redis is away. Whether it carried the commands out is unknown.
        """
        line = self._line
        if line is not None and line.is_open and line.thread == get_ident():
            return line.ask(commands)
        return self._connect_and_ask(commands)

    async def _connect_and_ask(self, commands: Sequence[bytes]) -> list[Any]:
        loop = asyncio.get_running_loop()
        connecting = self._connecting
        if connecting is None or connecting.done() or connecting.get_loop() is not loop:
            connecting = self._connecting = loop.create_task(self._connect())
        line = await asyncio.shield(connecting)
        return await line.ask(commands)

    async def _connect(self) -> _Line:
        connection = self._make()
        await connection.connect()  # type: ignore[no-untyped-call]
        line = _Line(connection, self._seconds, self._push)
        named, *answers = await line.ask(self._greeting)
        if isinstance(named, ResponseError):
            log.debug("Redis does not take the connection's name: %s", named)
        if self._greeted is not None:
            self._greeted(answers)
        self._line = line
        return line

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        if self._line is not None:
            self._line.close(ConnectionError("The connection was closed"))
