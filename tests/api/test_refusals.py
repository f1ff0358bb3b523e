"""Wrong keys, counted."""

from __future__ import annotations

import pytest

from service.errors import StoreUnavailable
from service.web.http.refusals import SETTLE_SECONDS, Refusals


def test_strangers_cost_redis_nothing_and_others_a_write_a_second() -> None:
    """However many wrong keys there are; each is counted once."""
    clock, added = [0.0], list[int]()
    refusals = Refusals(added.append, lambda: clock[0])
    refusals.settle()
    for _ in range(1000):
        refusals.note("192.0.2.1")
    assert added == []
    refusals.settle()
    refusals.note("192.0.2.1")
    refusals.settle()
    assert added == [1000]
    clock[0] += SETTLE_SECONDS
    refusals.settle()
    refusals.settle()
    assert added == [1000, 1]


def test_what_redis_does_not_take_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """Until it does; the request that tried does not notice, and the line is written without it."""
    clock, added, away = [0.0], list[int](), [True]

    def add(count: int) -> None:
        if away[0]:
            raise StoreUnavailable("Redis cannot be reached")
        added.append(count)

    refusals = Refusals(add, lambda: clock[0])
    for away[0] in (True, True, False):
        refusals.note("192.0.2.1")
        refusals.settle()
        clock[0] += SETTLE_SECONDS
    assert added == [3]
    assert caplog.messages == ["A wrong API key from 192.0.2.1 was refused"]
