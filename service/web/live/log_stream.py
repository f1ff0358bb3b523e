"""Live log of a run for one client: it reads up to the front of the log by itself, and then shares the run's feed.

A slow client reads late, in bounded steps, and neither the run nor another client waits for it.
"""

from __future__ import annotations

import asyncio

from falcon.asgi import Request, Response

from service.errors import StoreUnavailable
from service.interleaving import interleaved
from service.web.callers.lookups import Proof
from service.web.callers.vigil import Watch, proof_for
from service.web.http.hang_up import Receive, receive_of, when_gone
from service.web.http.sse import (
    COMMENT,
    EVENT_STREAM,
    GREETING,
    end_events,
    line_events,
    progress_event,
    restart_event,
)
from service.web.live.feed import AWAY_SECONDS, COMMENT_SECONDS, Feed
from service.web.live.hub import NewsHub


def follow(req: Request, resp: Response, hub: NewsHub, job_id: str, run_id: str, after: int) -> None:
    """Answer with the events of a run's log.

    Args:
        req: the request.
        resp: its answer.
        hub: the followers of this process.
        job_id: the id of the run's job.
        run_id: the id of an existing run.
        after: the number of the last line that the reader has.

    Raises:
        Busy: too many clients follow logs.
    """
    hub.require_place()
    resp.stream = LogStream(hub, run_id, after, receive_of(req), proof_for(req, job_id, hub.following.is_within))
    resp.content_type = EVENT_STREAM
    resp.set_header("X-Accel-Buffering", "no")


class LogStream:
    """The events of one run's log; the last one is `end`, or `restart` when the process stops.

    It takes its place when the answer begins, and gives it back when the client hangs up or the server closes it.

    Args:
        hub: the followers of this process.
        run_id: the id of an existing run.
        after: the number of the last line that the reader has.
        receive: tells when the client hangs up.
        proof: what the client has shown. The stream ends when that is no longer accepted.
    """

    __slots__ = (
        "_comments", "_failures", "_feed", "_hub", "_is_gone", "_is_over", "_is_woken", "_line", "_looks", "_progress",
        "_proof", "_receive", "_resting", "_run_id", "_vigil", "_watch",
    )  # fmt: skip

    def __init__(self, hub: NewsHub, run_id: str, after: int, receive: Receive, proof: Proof | None = None) -> None:
        self._hub = hub
        self._run_id = run_id
        self._line = after
        self._receive = receive
        self._proof = proof
        self._vigil: Watch | None = None
        self._watch: asyncio.Task[None] | None = None
        self._feed: Feed | None = None
        self._progress = b""
        self._looks = self._comments = self._failures = 0
        self._resting: asyncio.Future[None] | None = None
        self._is_woken = self._is_gone = self._is_over = False

    def __aiter__(self) -> LogStream:
        return self

    async def __anext__(self) -> bytes:
        if self._watch is None:
            self._hub.enter(self)
            self._watch = when_gone(self._receive, self._hang_up)
            self._vigil = self._hub.vigil.begin(self._proof, self._refuse)
            return GREETING
        while not self._is_over:
            if events := await self._next_events():
                return events
            if not self._is_over:
                await self._rest()
        raise StopAsyncIteration

    async def close(self) -> None:
        """Give the place back; Falcon calls this at the end."""
        self._hub.leave(self)
        self._hub.vigil.stop(self._vigil)
        if self._watch is not None:
            self._watch.cancel()
        if self._feed is not None:
            self._hub.part(self, self._run_id, self._feed)
            self._feed = None

    def wake(self) -> None:
        """Look for something new: the feed or the hub calls this."""
        self._is_woken = True
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    def _hang_up(self) -> None:
        self._is_gone = True
        self._hub.leave(self)
        self.wake()

    def _refuse(self) -> None:
        self._is_over = True
        self.wake()

    async def _rest(self) -> None:
        """Wait to be woken; not for long if there is something that could not be read."""
        if not self._is_woken:
            loop = asyncio.get_running_loop()
            self._resting = loop.create_future()
            is_at_front = self._feed is not None and self._line >= self._feed.front
            alarm = None if is_at_front else loop.call_later(AWAY_SECONDS, self.wake)
            try:
                await self._resting
            finally:
                self._resting = None
                if alarm is not None:
                    alarm.cancel()
        self._is_woken = False

    async def _next_events(self) -> bytes:
        if self._is_gone:
            self._is_over = True
            return b""
        if self._hub.stopping.is_set():
            self._is_over = True
            return restart_event()
        try:
            return await self._news()
        except StoreUnavailable:  # the stream outlives that: it asks for the same lines again
            self._failures += 1
            return COMMENT if self._failures % int(COMMENT_SECONDS / AWAY_SECONDS) == 0 else b""

    async def _news(self) -> bytes:
        feed, events = self._feed, b""
        if feed is None:
            return await self._catch_up()
        if self._line < feed.front:
            piece = feed.events_after(self._line)
            if piece is None:
                return await self._catch_up()
            self._line, events = piece
            if self._line < feed.front:
                return events
        return events + self._state_at(feed) or self._sign_of_life(feed)

    async def _catch_up(self) -> bytes:
        """Read the next lines, and join the feed after the last one."""
        news = await interleaved(self._hub.following.news, self._run_id, self._line)
        if news is None:
            self._is_over = True
            return b""
        if news.lines:
            self._line = news.lines[-1][0]
        self._is_over = news.ended
        if self._feed is None and not news.more and not news.ended:
            self._join()
        return line_events(news.lines) + self._new_progress(progress_event(news)) + end_events(news)

    def _join(self) -> None:
        self._feed = feed = self._hub.join(self, self._run_id, self._line)
        self._looks, self._comments = feed.looks, feed.comments

    def _state_at(self, feed: Feed) -> bytes:
        """Tell what has changed beside the lines. What the feed saw before this follower joined may be too old."""
        if feed.looks == self._looks:
            return b""
        self._is_over = feed.is_over
        return self._new_progress(feed.progress) + feed.end

    def _new_progress(self, event: bytes) -> bytes:
        if event in (b"", self._progress):
            return b""
        self._progress = event
        return event

    def _sign_of_life(self, feed: Feed) -> bytes:
        if self._is_over or feed.comments == self._comments:
            return b""
        self._comments = feed.comments
        return COMMENT
