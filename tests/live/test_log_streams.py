"""The events of a followed log, without a server: silence, Redis going away, hang-ups, places, a process that stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

from service.errors import StoreUnavailable
from service.store.runs import run_news
from service.usecases.run_following import News
from service.web.http.pools import Busy
from service.web.live import feed, hub, log_stream
from service.web.live.log_stream import LogStream
from service.web.stopping import Stopping
from tests.support.fakes import lone_hub

GREETING = b"retry: 2000\n\n"
COMMENT = b": nothing new\n\n"


class Script:
    """Answers one item after the other, then the last one for ever."""

    def __init__(self, *items: Any) -> None:
        self.items = list(items)
        self.asked: list[int] = []

    def news(self, run_id: str, after: int) -> News | None:
        self.asked.append(after)
        item = self.items.pop(0) if len(self.items) > 1 else self.items[0]
        if isinstance(item, Exception):
            raise item
        if item is None:
            return None
        lines, *rest = item
        return News(list(enumerate(lines, after + 1)), *rest)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here."""
    monkeypatch.setattr(run_news, "DEAF_SECONDS", 0.001)
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0)
    for module in (feed, log_stream):
        monkeypatch.setattr(module, "AWAY_SECONDS", 0.001)
        monkeypatch.setattr(module, "COMMENT_SECONDS", 0.01)


class Client:
    """The other end of a request: it may hang up."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


async def all_of(stream: LogStream) -> AsyncIterator[bytes]:
    """The events of a stream, as Falcon reads it: closed at the end."""
    try:
        async for events in stream:
            yield events
    finally:
        await stream.close()


def read(script: Script, after: int = 0) -> bytes:
    """All events of a stream, without comments."""

    async def reading() -> bytes:
        stream = LogStream(lone_hub(script), "run", after, Client().receive)
        return b"".join([events async for events in all_of(stream) if not events.startswith(b":")])

    return bytes(run(reading()))


def run(test: Coroutine[Any, Any, Any]) -> Any:
    """Runs a test on a loop, for a minute at most."""
    return asyncio.run(asyncio.wait_for(test, 60))


def test_a_silent_stream_says_that_it_is_there() -> None:
    """A comment, which readers pass over, while there is nothing to tell; again and again."""

    async def test() -> None:
        silent = LogStream(lone_hub(Script(([], {}, False))), "run", 0, Client().receive)
        assert [await anext(silent) for _ in range(3)] == [GREETING, COMMENT, COMMENT]
        await silent.close()

    run(test())


@pytest.mark.parametrize("redis", ["away from the start", "going away"])
def test_a_stream_comments_while_redis_is_away(redis: str) -> None:
    """So that no proxy gives it up."""

    async def test() -> None:
        items: list[Any] = [] if redis == "away from the start" else [([], {}, False)]
        stream = LogStream(lone_hub(Script(*items, StoreUnavailable())), "run", 0, Client().receive)
        assert [await anext(stream) for _ in range(3)] == [GREETING, COMMENT, COMMENT]
        await stream.close()

    run(test())


def test_a_stream_outlives_redis_being_away() -> None:
    """It goes on after the line that it had sent last."""
    script = Script((["1"], {}, False), StoreUnavailable(), StoreUnavailable(), (["2"], {}, True))
    assert read(script, after=4) == GREETING + b"id: 5\ndata: 1\n\nid: 6\ndata: 2\n\nevent: end\ndata: {}\n\n"
    assert script.asked == [4, 5, 5, 5]


def test_a_stream_of_a_log_that_is_gone_says_so_before_its_end() -> None:
    """An event of its own, which readers that do not know it pass over."""
    trimmed = b"event: trimmed\ndata: true\n\n"
    assert read(Script(([], {}, True, True))) == GREETING + trimmed + b"event: end\ndata: {}\n\n"
    assert trimmed not in read(Script(([], {}, True, False)))
    assert read(Script(([], {}, False), ([], {}, True, True))) == GREETING + trimmed + b"event: end\ndata: {}\n\n"


def test_progress_is_told_when_it_changes() -> None:
    """Once each, after the lines that came with it."""
    some, more = {"progress": {"done": 1}}, {"progress": {"done": 2}}
    script = Script((["1"], some, False), ([], some, False), (["2"], more, False), ([], more, False), ([], more, True))
    told = read(script)
    assert told.startswith(GREETING + b'id: 1\ndata: 1\n\nevent: progress\ndata: {"done":1}\n\nid: 2\ndata: 2\n\n')
    assert told.count(b'event: progress\ndata: {"done":2}\n\n') == 1 and told.count(b"event: progress") == 2


def test_a_long_log_is_read_in_steps_before_the_stream_joins_the_feed() -> None:
    """Each step when the reader has taken the one before."""

    async def test() -> None:
        more: Any = (["x"], {}, False, False, True)
        script = Script(more, more, (["y"], {}, False))
        stream = LogStream(lone_hub(script), "run", 0, Client().receive)
        assert await anext(stream) == GREETING
        for number in (1, 2):
            assert await anext(stream) == b"id: %d\ndata: x\n\n" % number
            assert script.asked == list(range(number))
        assert await anext(stream) == b"id: 3\ndata: y\n\n"
        await stream.close()

    run(test())


def test_followers_at_the_front_share_one_look() -> None:
    """A hundred of them ask once for each line, and all get the same bytes."""

    async def test() -> None:
        script = Script(*[([], {}, False)] * 101, (["1"], {}, True))
        one = lone_hub(script)
        streams = [LogStream(one, "run", 0, Client().receive) for _ in range(100)]

        async def rest(stream: LogStream) -> list[bytes]:
            return [events async for events in all_of(stream) if not events.startswith(b":")]

        found = await asyncio.gather(*map(rest, streams))
        assert all(b"".join(events) == GREETING + b"id: 1\ndata: 1\n\nevent: end\ndata: {}\n\n" for events in found)
        assert len(script.asked) <= 110

    run(test())


def test_a_follower_that_falls_behind_reads_by_itself_and_gets_every_line_once() -> None:
    """The feed keeps pieces for a moment only."""

    async def test() -> None:
        class Log:
            """A log that grows by a line with each look, up to 100."""

            written = 0

            def news(self, run_id: str, after: int) -> News:
                self.written = min(self.written + 1, 100)
                lines = [(number, "x") for number in range(after + 1, min(self.written, after + 200) + 1)]
                return News(lines, {}, self.written == 100)

        growing: Any = Log()
        one = lone_hub(growing)
        quick, slow = (LogStream(one, "run", 0, Client().receive) for _ in range(2))
        slowly = [await anext(slow), await anext(slow)]
        quickly = [events async for events in all_of(quick)]
        slowly += [events async for events in all_of(slow)]
        for told in (b"".join(quickly), b"".join(slowly)):
            assert told.startswith(GREETING)
            assert [part.split(b"\n")[0] for part in told.split(b"id: ")[1:]] == [b"%d" % n for n in range(1, 101)]
            assert told.endswith(b"event: end\ndata: {}\n\n")

    run(test())


def test_a_stream_ends_and_frees_its_place_when_its_reader_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, without waiting for the next event; the place is given back once."""
    monkeypatch.setattr(hub, "MOST_FOLLOWERS", 1)
    monkeypatch.setattr(feed, "COMMENT_SECONDS", 1000)

    async def test() -> None:
        one, client = lone_hub(Script(([], {}, False))), Client()
        stream = LogStream(one, "run", 0, client.receive)
        one.require_place()
        assert await anext(stream) == GREETING
        with pytest.raises(Busy):
            one.require_place()
        waiting = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        client.hung_up.set()
        assert await waiting is None
        one.require_place()
        await stream.close()
        await stream.close()
        one.require_place()

    run(test())


def test_a_stream_says_when_its_process_stops() -> None:
    """With an event that is not the run's end, and a time to come back that is not the same for all."""

    async def test() -> list[bytes]:
        stopping = Stopping()
        one = lone_hub(Script((["1"], {}, False), ([], {}, False)), stopping)
        streams = [LogStream(one, "run", 0, Client().receive) for _ in range(20)]
        for stream in streams:
            assert await anext(stream) == GREETING
        rest = [asyncio.ensure_future(last(stream)) for stream in streams]
        await asyncio.sleep(0.02)
        stopping.begin()
        return await asyncio.gather(*rest)

    async def last(stream: LogStream) -> bytes:
        return [events async for events in all_of(stream)][-1]

    ends = run(test())
    assert len({end.split(b"\n")[0] for end in ends}) > 5
    for end in ends:
        retry, name, data, *_ = end.decode().split("\n")
        assert 500 <= int(retry.removeprefix("retry: ")) <= 3000
        assert name == "event: restart" and data.startswith('data: {"detail":')


def test_a_run_that_is_gone_ends_the_stream_without_a_word() -> None:
    """Before it joined the feed, and after."""
    assert read(Script(None)) == GREETING
    assert read(Script(([], {}, False), None)) == GREETING
