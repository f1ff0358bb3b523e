"""The channel on which changes to the due index are announced, so that a sleeping scheduler wakes at once."""

from __future__ import annotations

import logging
import threading
import time

from redis import Redis
from redis.client import PubSub
from redis.exceptions import NoPermissionError

from service.shutdown import NOTICE_SECONDS
from service.store.server.connection import wait_readable
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)


class WakeChannel:
    """Waits for announcements, or for time to pass where the Redis user may not subscribe.

    Args:
        client: the scheduler's connection.
        channel: the channel's name.
        stop: ends every wait when it is set.
    """

    def __init__(self, client: Redis, channel: str, stop: threading.Event) -> None:
        self._client = client
        self._channel = channel
        self._stop = stop
        self._pubsub: PubSub | None = None
        self.is_audible = True

    def wait_until(self, end: float) -> bytes | None:
        """Wait for an announcement. Just after subscribing return at once, since earlier ones were missed.

        Args:
            end: monotonic seconds; a moment that is over does not wait.

        Returns:
            The announcement, or None.

        Raises:
            StoreUnavailable: Redis is away.
        """
        if not self.is_audible:
            self._stop.wait(max(0.0, end - time.monotonic()))
            return None
        with translate_errors():
            try:
                return self._listen(end)
            except NoPermissionError as error:
                log.warning("Runs may start up to 5 s late: Redis does not allow the wake channel (%s)", error)
                self.is_audible = False
                self.close()
        return None

    def close(self) -> None:
        """Give the subscription up; the next wait subscribes again."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None

    def _listen(self, end: float) -> bytes | None:
        if self._pubsub is None:
            self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
            self._pubsub.subscribe(self._channel)
            return None
        while not self._stop.is_set() and (left := end - time.monotonic()) > 0:
            seconds = min(left, NOTICE_SECONDS)
            if not wait_readable(self._pubsub.connection, seconds):
                continue
            message = self._pubsub.get_message(timeout=seconds)
            if message is not None:
                return message["data"] if isinstance(message["data"], bytes) else b""
        return None
