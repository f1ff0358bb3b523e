"""Looks of badges: made once for all who ask for the same, kept for a while, and fair to other keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.web.api.badges.shared_looks import KEPT_SECONDS, MOST_AT_ONCE, MOST_KEPT, MOST_OF_AN_OWNER, SharedLooks
from service.web.http.pools import Busy


class Counted:
    """Looks that wait at a gate and are counted."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.gate = asyncio.Event()

    def at(self, name: str) -> Callable[[], Awaitable[str]]:
        async def look() -> str:
            self.made.append(name)
            await self.gate.wait()
            return f"{name} {len(self.made)}"

        return look


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_many_who_ask_for_the_same_share_one_look() -> None:
    """Also after the first of them has hung up; other keys are served meanwhile."""

    async def ask() -> None:
        looks, counted = SharedLooks(), Counted()
        asking = [asyncio.create_task(looks.look("a", "all", counted.at("a"))) for _ in range(40)]
        await _settle()
        asking[0].cancel()
        other = asyncio.create_task(looks.look("b", "all", counted.at("b")))
        await _settle()
        counted.gate.set()
        assert set(await asyncio.gather(*asking[1:])) == {"a 2"} and await other == "b 2"
        assert counted.made == ["a", "b"]

    asyncio.run(ask())


def test_one_key_cannot_take_all_places() -> None:
    """By as many labels as it likes; its own further ones are refused, and all have places again later."""

    async def ask() -> None:
        looks, counted = SharedLooks(), Counted()
        asking = [asyncio.create_task(looks.look("a", number, counted.at("a"))) for number in range(40)]
        asking += [asyncio.create_task(looks.look("b", "all", counted.at("b")))]
        await _settle()
        counted.gate.set()
        found: list[Any] = await asyncio.gather(*asking, return_exceptions=True)
        assert sum(isinstance(one, Busy) for one in found) == 40 - MOST_OF_AN_OWNER
        assert found[-1] == f"b {MOST_OF_AN_OWNER + 1}" and MOST_OF_AN_OWNER < MOST_AT_ONCE
        assert await looks.look("a", "once more", counted.at("a"))

    asyncio.run(ask())


def test_an_answer_is_kept_for_seconds_and_a_failure_never() -> None:
    """Only so many are kept: the oldest goes first."""

    async def ask() -> None:
        now = 100.0
        looks, counted = SharedLooks(lambda: now), Counted()
        counted.gate.set()

        async def fail() -> str:
            raise Busy("now")

        with pytest.raises(Busy):
            await looks.look("a", "all", fail)
        assert await looks.look("a", "all", counted.at("a")) == await looks.look("a", "all", fail) == "a 1"
        now += KEPT_SECONDS
        assert await looks.look("a", "all", counted.at("a")) == "a 2"
        for number in range(MOST_KEPT):
            await looks.look("b", number, counted.at("b"))
        with pytest.raises(Busy):
            await looks.look("a", "all", fail)
        assert await looks.look("b", 0, fail) == "b 3"

    asyncio.run(ask())
