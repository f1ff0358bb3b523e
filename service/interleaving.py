"""Synchronous code on an event loop: while one call waits for Redis, the loop serves others.

Use cases and the store are plain functions, since the scheduler, the workers and the command line need them so. The web
process runs the same functions on its event loop, each in a greenlet. Where such a call has to wait, it hands an
awaitable to the loop and is resumed with the outcome; between two waits nobody else runs. SQLAlchemy's asyncio works
the same way. So there is one code path, and no copy of it in `async def`.

An interleaved call must not hold a lock while it waits: the next call that wants the lock would stop the whole loop.
Nor may it compute for long. One that comes to such work says so (`leave_loop_if`), and is made again in a thread.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from greenlet import getcurrent, greenlet

P = ParamSpec("P")
T = TypeVar("T")


LOOP_SECONDS = 30.0
"""How long a thread waits for the loop, which may have ended meanwhile."""

_loop: ContextVar[asyncio.AbstractEventLoop | None] = ContextVar("loop", default=None)
"""The event loop that a thread's work comes from."""


class _Call(greenlet):
    """One interleaved call. It shares the context variables of the task that made it, such as the request's id."""

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__(call)
        self.gr_context = getcurrent().gr_context


async def interleaved(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Make a call on the event loop that lets others run whenever it waits.

    Args:
        call: a synchronous function. It waits only by `wait_for`, as the store's connections do.
        args: its arguments.
        options: its named arguments.

    Returns:
        The call's result. It raises what the call raises.
    """
    running = _Call(call)
    outcome: Any = running.switch(*args, **options)
    while not running.dead:
        try:
            value = await outcome
        except BaseException:  # noqa: BLE001 — the call gets it, also a cancellation
            outcome = running.throw(*sys.exc_info())
        else:
            outcome = running.switch(value)
    return outcome  # type: ignore[no-any-return]


def is_interleaved() -> bool:
    """Tell whether this code runs within an interleaved call."""
    return isinstance(getcurrent(), _Call)


class NeedsThread(Exception):
    """What follows takes too long for the event loop. Nothing is changed yet; the call is to be made in a thread."""


def leave_loop_if(long: bool) -> None:
    """Leave the event loop before work that may take long there; elsewhere, go on. Raises NeedsThread."""
    if long and is_interleaved():
        raise NeedsThread


def wait_for(awaitable: Awaitable[T]) -> T:
    """Wait for an awaitable, within an interleaved call. Return its result, or raise its exception."""
    loop = getcurrent().parent
    assert loop is not None
    return loop.switch(awaitable)  # type: ignore[no-any-return]


def blocking(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Make a call that blocks: in a thread if this code is interleaved, else directly."""
    if not is_interleaved():
        return call(*args, **options)
    return wait_for(in_thread(None, partial(call, *args, **options)))


def in_thread(executor: Executor | None, call: Callable[[], T]) -> asyncio.Future[T]:
    """Make a call in a thread that shares the caller's context variables and may come back by `on_loop`.

    Args:
        executor: the threads; None for the loop's own.
        call: the call.
    """
    loop, context = asyncio.get_running_loop(), copy_context()
    context.run(_loop.set, loop)
    return loop.run_in_executor(executor, context.run, call)


def has_loop() -> bool:
    """Tell whether `on_loop` can be used: this code is interleaved, or in a thread that `in_thread` has started."""
    return is_interleaved() or _loop.get() is not None


def on_loop(call: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Make an interleaved call on the event loop, from a thread that `in_thread` has started, and wait for it."""
    loop = _loop.get()
    assert loop is not None
    return asyncio.run_coroutine_threadsafe(interleaved(call, *args, **options), loop).result(LOOP_SECONDS)


class OneAtATime:
    """A blocking call that is never made twice at once: whoever asks meanwhile gets the outcome of the one under way.

    Args:
        call: the call. Code that is not interleaved makes it directly.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._under_way: asyncio.Future[Any] | None = None

    def __call__(self) -> None:
        """Make the call, or wait for the one under way. Raise what it raises."""
        if is_interleaved():
            wait_for(self._shared())
        else:
            self._call()

    async def _shared(self) -> None:
        loop = asyncio.get_running_loop()
        if self._under_way is None or self._under_way.done() or self._under_way.get_loop() is not loop:
            self._under_way = in_thread(None, self._call)
        await asyncio.shield(self._under_way)
