"""Synchronous calls on an event loop: they take turns, and each behaves as if it were alone."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial

import pytest

from service.interleaving import (
    OneAtATime,
    blocking,
    has_loop,
    in_thread,
    interleaved,
    is_interleaved,
    on_loop,
    wait_for,
)

NUMBER: ContextVar[int] = ContextVar("number", default=0)


async def echo(value: object) -> object:
    """Returns the value after others have had a turn."""
    await asyncio.sleep(0)
    return value


async def fail(error: Exception) -> None:
    """Raises the error after others have had a turn."""
    await asyncio.sleep(0)
    raise error


def thread() -> str:
    """The name of the thread that asks."""
    return threading.current_thread().name


def test_a_call_returns_its_result_whether_it_waits_or_not() -> None:
    """Arguments and named arguments go in as they are."""

    def sum_up(first: int, *, second: int, waits: int) -> int:
        return first + second + sum(int(str(wait_for(echo(1)))) for _ in range(waits))

    for waits in (0, 1, 100):
        assert asyncio.run(interleaved(sum_up, 1, second=2, waits=waits)) == 3 + waits


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_raises_its_exception(waits: bool) -> None:
    """With the frames in which it happened, whether it has waited before or not."""

    def raise_it() -> None:
        if waits:
            wait_for(echo(None))
        raise LookupError("of the call")

    with pytest.raises(LookupError, match="of the call") as raised:
        asyncio.run(interleaved(raise_it))
    assert raised.traceback[-1].name == "raise_it"


def test_an_exception_of_what_a_call_waits_for_is_raised_in_the_call() -> None:
    """There it can be caught, and the call can go on waiting."""

    def survive() -> object:
        try:
            wait_for(fail(KeyError("awaited")))
        except KeyError as error:
            return wait_for(echo(error.args))
        return None

    assert asyncio.run(interleaved(survive)) == ("awaited",)


def test_calls_take_turns_where_they_wait_and_nowhere_else() -> None:
    """All begin before the first ends; between two waits nobody else runs."""
    steps: list[tuple[int, int]] = []

    def step(number: int) -> None:
        for turn in range(3):
            steps.append((turn, number))
            steps.append((turn, number))
            wait_for(echo(None))

    async def all_of_them() -> None:
        await asyncio.gather(*(interleaved(step, number) for number in range(5)))

    asyncio.run(all_of_them())
    assert steps == [(turn, number) for turn in range(3) for number in range(5) for _ in range(2)]


def test_a_cancellation_is_thrown_into_the_call() -> None:
    """Its `finally` blocks run, may wait themselves, and the task is cancelled."""
    steps: list[object] = []

    def clean_up() -> None:
        try:
            wait_for(asyncio.Future())
        except asyncio.CancelledError:
            steps.append("cancelled")
            raise
        finally:
            steps.append(wait_for(echo("cleaned up")))

    async def cancel() -> None:
        task = asyncio.create_task(interleaved(clean_up))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(cancel())
    assert steps == ["cancelled", "cleaned up"]


def test_a_deadline_ends_a_call() -> None:
    """`asyncio.timeout` works around it as around any awaitable."""

    async def wait() -> None:
        async with asyncio.timeout(0):
            await interleaved(lambda: wait_for(asyncio.Future()))

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


def test_a_call_that_is_dropped_runs_its_finally_blocks() -> None:
    """As any coroutine that is closed."""
    steps: list[str] = []

    def clean_up() -> None:
        try:
            wait_for(echo(None))
        finally:
            steps.append("cleaned up")

    coroutine = interleaved(clean_up)
    coroutine.send(None)
    coroutine.close()
    assert steps == ["cleaned up"]


def test_context_variables_are_the_tasks() -> None:
    """A call sees those of its own task, and what it sets there stays; other tasks do not see it."""

    def count(number: int) -> tuple[int, int]:
        before = NUMBER.get()
        NUMBER.set(number)
        wait_for(echo(None))
        return before, NUMBER.get()

    async def task(number: int) -> tuple[tuple[int, int], int]:
        NUMBER.set(-number)
        return await interleaved(count, number), NUMBER.get()

    async def all_of_them() -> list[tuple[tuple[int, int], int]]:
        return await asyncio.gather(*(task(number) for number in range(1, 5)))

    assert asyncio.run(all_of_them()) == [((-number, number), number) for number in range(1, 5)]


def test_code_knows_whether_it_is_interleaved() -> None:
    """Only within an interleaved call: not beside one, not in a thread."""

    def look() -> tuple[bool, bool, bool]:
        return is_interleaved(), blocking(is_interleaved), is_interleaved()

    async def beside() -> tuple[bool, bool]:
        await interleaved(look)
        return is_interleaved(), has_loop()

    assert asyncio.run(interleaved(look)) == (True, False, True)
    assert asyncio.run(beside()) == (False, False)
    assert (is_interleaved(), has_loop()) == (False, False)


def test_a_blocking_call_leaves_the_loop_to_others() -> None:
    """It waits for something that another task does meanwhile; its result and its exception come back."""
    released = threading.Event()

    def refuse() -> None:
        raise OSError("of the thread")

    async def both() -> tuple[bool, None]:
        return await asyncio.gather(
            interleaved(blocking, released.wait, timeout=20), interleaved(released.set)
        )  # fmt: skip

    assert asyncio.run(both())[0] is True
    with pytest.raises(OSError, match="of the thread"):
        asyncio.run(interleaved(blocking, refuse))


def test_a_blocking_call_of_other_code_is_made_directly() -> None:
    """In its own thread."""
    assert blocking(thread) == thread()


def test_a_thread_comes_back_to_the_loop_and_the_loop_goes_to_threads() -> None:
    """To any depth; each time in the right thread, and with the context variables of the task."""
    with ThreadPoolExecutor(4, thread_name_prefix="pool") as pool:

        def nest(depth: int) -> list[str]:
            wait_for(echo(None))
            here = f"{thread()} {NUMBER.get()}"
            return [here, *wait_for(in_thread(pool, partial(come_back, depth)))]

        def come_back(depth: int) -> list[str]:
            assert has_loop() and not is_interleaved()
            here = f"{thread().partition('_')[0]} {NUMBER.get()}"
            return [here, *(on_loop(nest, depth - 1) if depth else [])]

        async def ask() -> list[str]:
            NUMBER.set(7)
            return await interleaved(nest, 2)

        assert asyncio.run(ask()) == [f"{thread()} 7", "pool 7"] * 3


def test_an_exception_on_the_loop_reaches_the_thread() -> None:
    """Where it can be caught."""

    def ask() -> str:
        try:
            on_loop(wait_for, fail(KeyError("on the loop")))
        except KeyError as error:
            return str(error.args[0])
        return ""

    assert asyncio.run(interleaved(blocking, ask)) == "on the loop"


class Counted:
    """A call that waits until it is let go, and counts how often it was made."""

    def __init__(self) -> None:
        self.times = 0
        self.error: Exception | None = None
        self.go_on = threading.Event()

    def __call__(self) -> None:
        self.times += 1
        assert self.go_on.wait(20)
        if self.error is not None:
            raise self.error


async def ask_at_once(call: OneAtATime, counted: Counted, askers: int) -> list[object]:
    """Asks several times, and lets the call go once all have asked."""
    tasks = [asyncio.create_task(interleaved(call)) for _ in range(askers)]
    await asyncio.sleep(0)
    counted.go_on.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_one_call_serves_all_who_ask_meanwhile() -> None:
    """Who asks afterwards has it made again."""
    counted = Counted()
    call = OneAtATime(counted)

    async def ask() -> None:
        assert await ask_at_once(call, counted, 100) == [None] * 100
        assert counted.times == 1
        await interleaved(call)
        assert counted.times == 2

    asyncio.run(ask())


def test_the_error_of_one_call_goes_to_all_who_ask_meanwhile() -> None:
    """And is not kept for those who ask afterwards."""
    counted = Counted()
    counted.error = LookupError("one for all")
    call = OneAtATime(counted)

    async def ask() -> None:
        assert await ask_at_once(call, counted, 100) == [counted.error] * 100
        counted.error = None
        await interleaved(call)
        assert counted.times == 2

    asyncio.run(ask())


def test_who_is_cancelled_does_not_end_the_call_for_others() -> None:
    """Even if it was the first one."""
    counted = Counted()
    call = OneAtATime(counted)

    async def ask() -> None:
        first, second = (asyncio.create_task(interleaved(call)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled() and not second.done()
        counted.go_on.set()
        await second
        assert counted.times == 1

    asyncio.run(ask())


def test_code_that_is_not_interleaved_makes_the_one_call_itself() -> None:
    """There is nobody to share it with."""
    counted = Counted()
    counted.go_on.set()
    OneAtATime(counted)()
    counted.error = LookupError("direct")
    with pytest.raises(LookupError, match="direct"):
        OneAtATime(counted)()
    assert counted.times == 2
