"""The front of one run's log: one reader asks Redis, and all followers at the front get the same bytes.

The feed holds nothing for a single follower. Each follower knows its own last line, and takes the next piece when its
client has taken the one before. A piece stays for a moment only; who comes too late for it reads from Redis.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from service.errors import StoreUnavailable
from service.interleaving import interleaved
from service.store.runs.run_news import Bell, RunNews
from service.usecases.run_following import Following, News
from service.web.http.sse import end_events, line_events, progress_event

log = logging.getLogger(__name__)

COMMENT_SECONDS = 15.0
"""The longest silence of a stream, so that proxies keep it and a reader that has gone is noticed."""
LOOK_SECONDS = 0.05
"""The least time between two looks at a run, so that a talkative bot costs no more than 20 looks a second."""
AWAY_SECONDS = 1.0
"""The time between two looks while Redis is away."""
KEPT_SECONDS, KEPT_PIECES = 1.0, 16
"""How long a piece is kept for followers that are a little behind, and how many of them."""
AT_ONCE = 50
"""How many followers are woken before the event loop serves other requests."""


class Follower(Protocol):
    """A reader of the feed."""

    def wake(self) -> None:
        """Look at the feed now: there is something new."""


@dataclass(frozen=True, slots=True)
class _Piece:
    after: int
    last: int
    events: bytes
    read_at: float


class Feed:
    """The newest of one run's log, for the followers that have read all before it. It lives while it has any.

    Args:
        run_id: the run.
        front: the number of the last line that its first follower has.
        following: reads a run's news.
        news: tells when a run has news.
    """

    def __init__(self, run_id: str, front: int, following: Following, news: RunNews) -> None:
        self.front = front
        """The number of the newest line that it has read."""
        self.progress = b""
        """The event of the run's progress."""
        self.end = b""
        """The last events, once `is_over`; none if the run was deleted."""
        self.is_over = False
        self.looks = 0
        """How often it has read the run's news."""
        self.comments = 0
        """How often it has had nothing to tell for `COMMENT_SECONDS`."""
        self._run_id = run_id
        self._following = following
        self._news = news
        self._pieces: deque[_Piece] = deque(maxlen=KEPT_PIECES)
        self._followers: set[Follower] = set()
        self._has_newcomers = False
        self._bell: Bell | None = None
        self._loop = asyncio.get_running_loop()
        self._told_at = self._loop.time()
        self._task = self._loop.create_task(self._run())

    def enter(self, follower: Follower) -> None:
        """Wake a follower after the next look, and then whenever there is something new."""
        self._followers.add(follower)
        self._has_newcomers = True
        if self._bell is not None:
            self._bell.ring()

    def leave(self, follower: Follower) -> bool:
        """Wake a follower no more. Return whether it was the last one, and the feed has ended."""
        self._followers.discard(follower)
        if not self._followers:
            self._task.cancel()
        return not self._followers

    def events_after(self, line: int) -> tuple[int, bytes] | None:
        """Find the piece that follows a line: the number of its last line, and its events. None if it is not kept."""
        return next(((piece.last, piece.events) for piece in self._pieces if piece.after == line), None)

    async def _run(self) -> None:
        try:
            with self._news.listening(self._run_id) as self._bell:
                while True:
                    patience = await self._look()
                    if self.is_over:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
                    await self._bell.wait(min(patience, self._told_at + COMMENT_SECONDS - self._loop.time()))
        except Exception:
            log.exception("The followers of run %s were cut off", self._run_id)
            self.is_over = True
            self.looks += 1
            await self._wake_all()

    async def _look(self) -> float:
        """Look at the run once, and tell the followers. Return how long to wait for news now, seconds."""
        is_new, self._has_newcomers = self._has_newcomers, False
        try:
            news = await interleaved(self._following.news, self._run_id, self.front)
        except StoreUnavailable:  # the feed outlives that: it asks for the same lines again
            await self._tell(is_new)
            return AWAY_SECONDS
        await self._tell(self._take(news) or is_new)
        return 0.0 if news is not None and news.more else COMMENT_SECONDS

    def _take(self, news: News | None) -> bool:
        """Take in what was read; None: the run is gone. Return whether anything is new."""
        self.looks += 1
        if news is None:
            self.is_over = True
            return True
        if news.lines:
            last = news.lines[-1][0]
            self._pieces.append(_Piece(self.front, last, line_events(news.lines), self._loop.time()))
            self.front = last
        before, self.progress = self.progress, progress_event(news)
        self.is_over, self.end = news.ended, end_events(news)
        return bool(news.lines) or self.progress != before or self.is_over

    async def _tell(self, is_new: bool) -> None:
        """Wake the followers if anything is new, and else now and then."""
        now = self._loop.time()
        while self._pieces and now - self._pieces[0].read_at > KEPT_SECONDS:
            self._pieces.popleft()
        if not is_new:
            if now - self._told_at < COMMENT_SECONDS:
                return
            self.comments += 1
        self._told_at = now
        await self._wake_all()

    async def _wake_all(self) -> None:
        followers: Sequence[Follower] = list(self._followers)
        for start in range(0, len(followers), AT_ONCE):
            for follower in followers[start : start + AT_ONCE]:
                follower.wake()
            await asyncio.sleep(0)
