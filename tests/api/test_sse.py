"""The events of a log, without a server: silence, Redis going away, slots."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from service.errors import StoreUnavailable
from service.usecases.run_following import News
from service.web.http import sse as streams
from service.web.http.request_slots import RequestSlots
from service.web.http.sse import LogStream, hung_up


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
    monkeypatch.setattr(streams, "POLL_SECONDS", 0)
    monkeypatch.setattr(streams, "COMMENT_SECONDS", 0.01)


def stream(
    script: Script, slots: RequestSlots | None = None, after: int = 0, is_gone: Any = lambda: False
) -> LogStream:
    """A stream of what the script says."""
    following: Any = script
    return LogStream(following, "run", after, slots or RequestSlots(1), is_gone)


def test_a_silent_stream_says_that_it_is_there() -> None:
    """A comment, which readers pass over, while there is nothing to tell."""
    silent = stream(Script(([], {}, False)))
    assert next(silent) == b"retry: 2000\n\n"
    assert next(silent) == b": nothing new\n\n"


def test_a_stream_outlives_redis_being_away() -> None:
    """It goes on after the line that it had sent last."""
    script = Script((["1"], {}, False), StoreUnavailable(), StoreUnavailable(), (["2"], {}, True))
    events = b"".join(event for event in stream(script, after=4) if not event.startswith(b":"))
    assert events == b"retry: 2000\n\nid: 5\ndata: 1\n\nid: 6\ndata: 2\n\nevent: end\ndata: {}\n\n"
    assert script.asked == [4, 5, 5, 5]


def test_a_stream_of_a_log_that_is_gone_says_so_before_its_end() -> None:
    """An event of its own, which readers that do not know it pass over."""
    events = b"".join(stream(Script(([], {}, True, True))))
    assert events == b"retry: 2000\n\nevent: trimmed\ndata: true\n\nevent: end\ndata: {}\n\n"
    assert b"trimmed" not in b"".join(stream(Script(([], {}, True, False))))


def test_a_place_is_given_back_once() -> None:
    """When the server closes the answer, read or not, also if it does so twice."""
    slots = RequestSlots(1)
    slots.require()
    unread = stream(Script(None), slots)
    unread.close()
    unread.close()
    assert slots.take()
    assert not slots.take()


def test_a_stream_ends_when_its_reader_is_gone() -> None:
    """Without waiting for the next comment."""
    answers = [False, True]
    events = list(stream(Script(([], {}, False)), is_gone=lambda: answers.pop(0)))
    assert events[0] == b"retry: 2000\n\n"
    assert answers == []


def test_a_closed_connection_is_noticed() -> None:
    """An open one is not, neither silent nor with something sent; without a socket nothing is known."""
    ours, theirs = socket.socketpair()
    with ours:
        assert not hung_up(ours)
        theirs.send(b"x")
        assert not hung_up(ours)
        ours.recv(1)
        theirs.close()
        assert hung_up(ours)
    assert hung_up(ours)
    assert not hung_up(None)
