"""News of runs: one subscription of a web process to the channels on which scripts tell that a run has changed.

Each run has a channel, and a process subscribes to those of the runs that its clients follow or wait for. Redis' answer
to a subscription counts as news, too. So whoever begins to listen and then looks at the run misses nothing: a change
before the subscription is seen by the look that its answer causes. The same holds after a lost connection, since each
channel is subscribed to anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio.client import PubSub
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from service.backoff import Backoff
from service.store.keys import Keys

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
"""How long a listener waits before it looks although it has heard nothing: a message may get lost."""
DEAF_SECONDS = 1.0
"""The same while there is no subscription."""
DEAF_AGAIN_SECONDS = 60.0
"""The time between two tries of a user who may not subscribe."""
IDLE_SECONDS = 30.0
"""How long the connection stays although nobody listens."""


class Bell:
    """Rings when a run has news.

    Args:
        patience: tells how long it waits at most, seconds.
    """

    __slots__ = ("_patience", "_rung")

    def __init__(self, patience: Callable[[], float]) -> None:
        self._patience = patience
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Ring: end the wait under way, or else the next one."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, for `seconds` at most, and no longer than what lost messages allow."""
        try:
            async with asyncio.timeout(min(seconds, self._patience())):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class RunNews:
    """Tells listeners on this process' event loop that a run has news. It is connected while somebody listens.

    Args:
        subscription: makes a connection for subscriptions, not connected yet.
        keys: the installation's key names.
        name: the connection's name in Redis' list of clients.
    """

    def __init__(self, subscription: Callable[[], PubSub], keys: Keys, name: str) -> None:
        self._subscription = subscription
        self._keys = keys
        self._name = name
        self._bells: dict[bytes, set[Bell]] = {}
        self._changed = asyncio.Event()
        self._is_heard = False
        self._is_told = False
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self, run_id: str) -> Iterator[Bell]:
        """Listen to a run's news. Look at the run once before the first wait."""
        channel, bell = self._keys.run_news(run_id).encode(), Bell(self._patience)
        bells = self._bells.setdefault(channel, set())
        bells.add(bell)
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._stay_connected())
        try:
            yield bell
        finally:
            bells.remove(bell)
            if not bells:
                del self._bells[channel]
                self._changed.set()

    def _patience(self) -> float:
        return PATIENCE_SECONDS if self._is_heard else DEAF_SECONDS

    async def _stay_connected(self) -> None:
        pauses = Backoff(0.05, 1.0)
        while self._bells:
            pause = 0.0
            try:
                await self._hear_all(pauses)
            except* NoPermissionError as refusals:
                self._tell_of_deafness(refusals.exceptions[0])
                pause = DEAF_AGAIN_SECONDS
            except* (RedisError, OSError) as errors:
                log.debug("The subscription to news of runs broke off: %s", errors.exceptions[0])
                pause = pauses.next()
            self._is_heard = False
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # Python 3.11 loses a cancellation that comes while a part of a task group fails.
                raise asyncio.CancelledError
            await asyncio.sleep(pause)

    async def _hear_all(self, pauses: Backoff) -> None:
        """Subscribe and ring until the connection breaks, or until nobody has listened for a while."""
        subscription = self._subscription()
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._introduce(subscription)
                pauses.reset()
                writing = tasks.create_task(self._keep_subscribed(subscription))
                await self._ring_by(subscription)
                writing.cancel()
        finally:
            await subscription.aclose()  # type: ignore[no-untyped-call]

    async def _introduce(self, subscription: PubSub) -> None:
        """Name the connection, which not every user may, and try whether this user may publish news."""
        await subscription.connect()  # type: ignore[no-untyped-call]
        connection: Any = subscription.connection
        await connection.send_command("CLIENT", "SETNAME", self._name)
        try:
            await connection.read_response()
        except ResponseError as error:
            log.debug("Redis does not take the connection's name: %s", error)
        await connection.send_command("PUBLISH", self._keys.run_news(""), "")
        await connection.read_response()

    async def _keep_subscribed(self, subscription: PubSub) -> None:
        subscribed: set[bytes] = set()
        while True:
            self._changed.clear()
            wanted = set(self._bells)
            if unwanted := subscribed - wanted:
                await subscription.unsubscribe(*unwanted)
            if new := wanted - subscribed:
                await subscription.subscribe(*new)
            subscribed = wanted
            await self._changed.wait()

    async def _ring_by(self, subscription: PubSub) -> None:
        while self._bells or self._changed.is_set():
            while (message := await subscription.get_message(timeout=IDLE_SECONDS)) is not None:
                if message["type"] in ("message", "subscribe"):
                    self._is_heard = True
                    for bell in self._bells.get(message["channel"], ()):
                        bell.ring()

    def _tell_of_deafness(self, error: BaseException) -> None:
        level = logging.DEBUG if self._is_told else logging.WARNING
        self._is_told = True
        log.log(
            level,
            "Followed logs and ?wait= hear of a run up to 1 s late, since the user in REDIS_URL may not publish and "
            "subscribe on %s; add &%s:* (docs/deploy.md): %s",
            self._keys.run_news("*"),
            self._keys.prefix,
            error,
        )
