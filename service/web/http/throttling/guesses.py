"""Wrong keys: counted by sender in Redis, told in the log once a sender and minute, answered slowly.

A valid key never comes here: it is served, whoever else sends wrong ones from the same address. A process reports to
Redis at most once a second, however many wrong keys there are. While Redis is away, each process counts by itself.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Callable
from typing import Any

import falcon
from falcon.asgi import Request

from service.errors import ServiceError
from service.interleaving import interleaved
from service.store.guesses import Counted, Report
from service.store.server.connection import ClientError
from service.web.http.throttling.senders import TrustedProxies
from service.web.http.throttling.tally import Sheet, Tally
from service.web.http.throttling.telling import Telling

FREE = 100
"""Wrong keys of one sender in a minute that are answered at once."""
LONGEST_DELAY = 1.0
"""Seconds by which an answer is delayed at most; from twice as many wrong keys as are free on."""
MOST_DELAYED = 256
"""Answers of one process that are delayed at the same time; others are sent at once. Each keeps a connection open."""
REPORT_SECONDS = 1.0
"""Seconds between two reports of one process to Redis."""


class Guesses:
    """The wrong keys that one process refuses; also Falcon middleware, which reports the last ones.

    Args:
        count: adds a report to the counts in Redis, given the time as well; None for no counts there.
        proxies: whose word on the sender's address is believed.
        limit: from how many wrong keys of one sender in a minute on the answer is 429; None for never.
        most_delayed: answers that are delayed at the same time.
        clock: seconds since 1970.
    """

    def __init__(
        self, count: Callable[[Report, float], Counted] | None = None, proxies: TrustedProxies | None = None,
        limit: int | None = None, most_delayed: int = MOST_DELAYED, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._count = count
        self._proxies = proxies or TrustedProxies()
        self._limit = limit
        self._most_delayed = most_delayed
        self._clock = clock
        self._ahead = 0.0
        self._tally = Tally()
        self._telling = Telling()
        self._unsent: Report | None = None
        self._number = 0
        self._name = ""
        self._delayed = 0
        self._reporting: asyncio.Task[None] | None = None

    def address(self, req: Request) -> str:
        """Return the address from which a request came, as far as trusted proxies tell."""
        return self._proxies.address(req.remote_addr, req.get_header("X-Forwarded-For"))

    def sender(self, req: Request) -> str:
        """Name who sent a request: an address, or an IPv6 network."""
        return self._proxies.sender(req.remote_addr, req.get_header("X-Forwarded-For"))

    async def refuse(self, req: Request) -> None:
        """Count the wrong key of a request whose answer is a refusal. Hold the answer back if the sender guesses.

        Raises:
            falcon.HTTPTooManyRequests: the sender has sent more than `GUESS_LIMIT` in this minute.
        """
        sender = self.sender(req)
        number = self._tally.add(sender, self._now())
        if number == 1:
            self._telling.note(sender)
        if self._reporting is None or self._reporting.done():
            self._reporting = asyncio.create_task(self._report_all())
        await self._slow_down(number)
        if self._limit is not None and number > self._limit:
            left = math.ceil(60 - self._now() % 60)
            raise falcon.HTTPTooManyRequests(
                description=f"More than {self._limit} wrong API keys came from your address in this minute; "
                f"wait {left} s",
                retry_after=left,
            )

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """Report the last ones; Falcon calls this when the process ends."""
        if self._reporting is not None:
            self._reporting.cancel()
        await self.report()

    async def report(self) -> None:
        """Report what is not reported yet, or what Redis has not taken, and tell of new senders in the log."""
        if self._unsent is None and self._tally.is_unreported:
            self._unsent = self._to_send(self._tally.take())
        counted = None if self._unsent is None else await self._sent(self._unsent)
        if counted is not None:
            self._unsent = None
            self._ahead = counted.now_ms / 1000 - self._clock()
            self._tally.learn(counted.counts, self._now())
        self._telling.tell(counted, self._now())

    def _now(self) -> float:
        """Estimate Redis' time, so that all processes have the same minute."""
        return self._clock() + self._ahead

    def _to_send(self, sheet: Sheet) -> Report:
        # The name is made now: the processes are forked from one in which this object was made.
        self._name = self._name or secrets.token_hex(6)
        self._number += 1
        return Report(self._name, self._number, sheet.counts, sheet.unnamed, sheet.since)

    async def _sent(self, report: Report) -> Counted | None:
        """Send a report. Returns the answer; None if Redis is away, so that the same report must be sent again."""
        if self._count is None:
            return Counted(int(self._now() * 1000))
        try:
            return await interleaved(self._count, report, self._now())
        except (ServiceError, ClientError):
            return None

    async def _report_all(self) -> None:
        """Report once a second until all is reported."""
        while self._unsent is not None or self._tally.is_unreported:
            await self.report()
            await asyncio.sleep(REPORT_SECONDS)

    async def _slow_down(self, number: int) -> None:
        seconds = delay_of(number)
        if not seconds or self._delayed >= self._most_delayed:
            return
        self._delayed += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._delayed -= 1


def delay_of(number: int) -> float:
    """Return by how many seconds the answer to a sender's wrong key is delayed.

    Args:
        number: how many it has sent in this minute, with this one.
    """
    return min(LONGEST_DELAY, max(0, number - FREE) / FREE)
