"""What lists are made of is read as soon as a web process serves, with or without Redis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from service.errors import StoreUnavailable
from service.web.warming import Warming


def test_reads_are_made_in_order_and_a_failure_leaves_the_rest_to_requests(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is told: the process starts with or without Redis, and its requests say so."""
    made: list[str] = []

    def read(name: str, error: Exception | None = None) -> Callable[[], None]:
        def reading() -> None:
            made.append(name)
            if error is not None:
                raise error

        return reading

    async def scenario() -> None:
        warming = Warming([read("first"), read("second", StoreUnavailable("away")), read("third")])
        await warming.process_startup({}, {})
        assert warming._task is not None
        await asyncio.wait_for(warming._task, 5)
        await warming.process_shutdown({}, {})

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert (made, caplog.messages) == (["first", "second"], [])
