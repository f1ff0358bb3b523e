"""All live followers and waiters of one web process: their places, the feeds that they share, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from service.store.runs.run_news import Bell, RunNews
from service.usecases.run_following import Following
from service.web.callers.vigil import Vigil
from service.web.http.pools import Busy
from service.web.live.feed import Feed, Follower

MOST_FOLLOWERS = 1000
"""How many clients may follow logs in one process. Each takes less than 20 KB of memory."""
MOST_WAITING = 1000
"""How many requests may wait for runs in one process."""


class Stopping(Protocol):
    """Tells that this process stops."""

    def is_set(self) -> bool:
        """Tell whether it stops."""

    async def wait(self) -> object:
        """Wait until it stops."""


class NewsHub:
    """The one place of a web process where clients learn of runs.

    Args:
        following: reads a run's news.
        news: tells when a run has news.
        stopping: tells that this process stops. Streams end then, and their readers come back to another process.
    """

    def __init__(self, following: Following, news: RunNews, stopping: Stopping) -> None:
        self.following = following
        self.stopping = stopping
        self.vigil = Vigil()
        """Ends the answers of callers who may no longer ask."""
        self._news = news
        self._feeds: dict[str, Feed] = {}
        self._followers: set[Follower] = set()
        self._waiting = 0
        self._watch: asyncio.Task[None] | None = None

    def require_place(self) -> None:
        """Require a place for one more follower. Raises Busy."""
        if len(self._followers) >= MOST_FOLLOWERS:
            raise Busy(f"This process serves {MOST_FOLLOWERS:,} followed logs already; try again soon")

    def enter(self, follower: Follower) -> None:
        """Take a place. The follower is woken when the process stops."""
        self._followers.add(follower)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._wake_at_stop())

    def leave(self, follower: Follower) -> None:
        """Give the place back."""
        self._followers.discard(follower)

    def join(self, follower: Follower, run_id: str, line: int) -> Feed:
        """Bring a follower to the front of a run's log; it leaves by `part`.

        Args:
            follower: it has read the log up to now.
            run_id: the run.
            line: the number of the last line that it has.

        Returns:
            The run's feed, whose front may be a little before the follower's line, or behind it.
        """
        feed = self._feeds.get(run_id)
        if feed is None or feed.is_over:
            feed = self._feeds[run_id] = Feed(run_id, line, self.following, self._news)
        feed.enter(follower)
        return feed

    def part(self, follower: Follower, run_id: str, feed: Feed) -> None:
        """Take a follower away from a feed. The last one takes the feed with it."""
        if feed.leave(follower) and self._feeds.get(run_id) is feed:
            del self._feeds[run_id]

    @contextmanager
    def waiting(self, run_id: str) -> Iterator[Bell | None]:
        """Wait for a run's news; see `RunNews.listening`. None: too many are waiting."""
        if self._waiting >= MOST_WAITING:
            yield None
            return
        self._waiting += 1
        try:
            with self._news.listening(run_id) as bell:
                yield bell
        finally:
            self._waiting -= 1

    async def _wake_at_stop(self) -> None:
        await self.stopping.wait()
        for follower in list(self._followers):
            follower.wake()
