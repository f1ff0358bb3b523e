"""The lag of the event loop is noticed, told and counted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import pytest

from service.errors import StoreUnavailable
from service.web.loop_lag import KEPT, LATE_SECONDS, LoopLag


def test_who_holds_the_loop_up_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    """The lag is at least what the loop was held up for, less the rest until it would have looked."""
    counted: list[int] = []

    async def scenario() -> None:
        lag = LoopLag(counted.extend)
        await lag.process_startup({}, {})
        while not counted:
            time.sleep(0.4)
            await asyncio.sleep(0.01)
        await lag.process_shutdown({}, {})

    asyncio.run(scenario())
    assert counted[0] >= 100
    assert caplog.messages[0].startswith("The event loop was held up for ")
    assert caplog.records[0].levelno == logging.WARNING


def test_small_lags_are_none() -> None:
    """Every loop has some."""
    counted: list[int] = []
    lag = LoopLag(counted.extend)
    lag.note(LATE_SECONDS)
    asyncio.run(lag.count())
    assert counted == []


def test_lags_are_kept_while_redis_is_away() -> None:
    """Up to a limit, and counted once."""
    counted: list[int] = []
    is_away = True

    def add(lags: Sequence[int]) -> None:
        if is_away:
            raise StoreUnavailable("away")
        counted.extend(lags)

    lag = LoopLag(add)
    for _ in range(KEPT + 10):
        lag.note(0.1)
    asyncio.run(lag.count())
    assert counted == []
    is_away = False
    asyncio.run(lag.count())
    asyncio.run(lag.count())
    assert counted == [100] * KEPT
