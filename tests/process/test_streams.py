"""Logs followed live, through a real web process on a real server."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import API_KEY, Installation
from tests.support.live_run import LiveRun
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.processes


class Stream:
    """A reader of one run's log."""

    def __init__(self, port: int, job_id: str, run_id: str, last: int | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {"X-API-Key": API_KEY, "Accept": "text/event-stream"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._connection.request("GET", f"/scheduler/jobs/{job_id}/runs/{run_id}/log", headers=headers)
        self.answer = self._connection.getresponse()

    def events(self) -> Iterator[dict[str, str]]:
        """Its events as they come; comments and the greeting are left out."""
        event: dict[str, str] = {}
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name in ("id", "event", "data"):
                event[name] = value
            elif not name and event:
                yield event
                event = {}

    def close(self) -> None:
        """Hangs up."""
        self.answer.close()
        self._connection.close()


@pytest.fixture
def web(tmp_path: Path, valkey_server: ValkeyServer) -> Iterator[Installation]:
    """A web process on an empty server; the tests are the workers."""
    client = valkey_server.client()
    client.flushall()
    client.close()
    with Installation(tmp_path, valkey_server) as installation:
        installation.start("web")
        installation.until_web_answers()
        yield installation


class Bot(LiveRun):
    """What a worker does with one run."""

    def __init__(self, web: Installation) -> None:
        super().__init__(web)
        self._notes = 0
        self._lines = 0

    def say(self, count: int = 1, progress: tuple[int, int] | None = None) -> None:
        """Logs lines, numbered from 1."""
        first, self._lines = self._lines + 1, self._lines + count
        self._notes += 1
        self.note(self._notes, range(first, first + count), progress)


@contextmanager
def following(web: Installation, bot: Bot, last: int | None = None) -> Iterator[Stream]:
    """A reader that hangs up afterwards."""
    stream = Stream(web.port, bot.job_id, bot.run_id, last)
    try:
        yield stream
    finally:
        stream.close()


def subscribers(web: Installation, bot: Bot) -> int:
    """How many processes listen to news of a bot's run."""
    return int(web.client.pubsub_numsub(web.keys.run_news(bot.run_id))[0][1])


def messages(events: list[dict[str, str]]) -> list[tuple[int, str]]:
    """The lines among events: their ids and what they say."""
    return [(int(event["id"]), json.loads(event["data"])["message"]) for event in events if "id" in event]


def test_lines_come_as_they_are_written_and_the_end_comes_last(web: Installation) -> None:
    """What was there before, each new line while the run goes on, progress, and the run itself when it has ended."""
    bot = Bot(web)
    bot.say(2)
    with following(web, bot) as stream:
        assert stream.answer.getheader("Content-Type", "").startswith("text/event-stream")
        events = stream.events()
        assert messages([next(events), next(events)]) == [(1, "1"), (2, "2")]
        bot.say(1, progress=(1, 3))
        assert messages([next(events)]) == [(3, "3")]
        progress = next(events)
        assert (progress["event"], json.loads(progress["data"])) == ("progress", {"done": 1, "total": 3})
        bot.say()
        bot.end()
        *rest, last = events
        assert messages(rest) == [(4, "4")]
        assert last["event"] == "end"
        assert json.loads(last["data"])["status"] == "success"


def test_a_reader_that_comes_back_misses_no_line_and_gets_none_twice(web: Installation) -> None:
    """It tells the last id that it has; also after the run has ended, and when it has all."""
    bot = Bot(web)
    bot.say(3)
    with following(web, bot) as stream:
        events = stream.events()
        assert messages([next(events), next(events)]) == [(1, "1"), (2, "2")]
    bot.say(500)
    bot.end()
    with following(web, bot, last=2) as stream:
        *rest, last = stream.events()
        assert [number for number, _ in messages(rest)] == list(range(3, 504))
        assert last["event"] == "end"
    with following(web, bot, last=503) as stream:
        assert [event["event"] for event in stream.events()] == ["end"]


def test_a_reader_of_a_long_log_sees_its_head_its_tail_and_the_cut_and_goes_on_after_it(web: Installation) -> None:
    """As does the log itself, whose `last_line` is where a stream goes on."""
    bot = Bot(web)
    bot.say(3000)
    with following(web, bot) as stream:
        events = stream.events()
        said = messages([next(events)])
        while said[-1][0] < 3000:
            said += messages([next(events)])
        ((cut, words),) = [(number, text) for number, text in said if text != str(number)]
        assert words.startswith(f"{cut - said.index((cut, words)):,} lines are left out here")
        assert [number for number, _ in said if number > cut] == list(range(cut + 1, 3001))
    _, log = web.call("GET", f"/jobs/{bot.job_id}/runs/{bot.run_id}/log")
    assert [line["message"] for line in log["lines"]] == [text for _, text in said]
    assert (log["last_line"], log["trimmed"]) == (3000, False)
    bot.say(1)
    bot.end()
    with following(web, bot, last=log["last_line"]) as stream:
        line, last = stream.events()
        assert (messages([line]), last["event"]) == ([(3001, "3001")], "end")


def test_a_stream_of_a_log_that_is_not_kept_any_more_says_so(web: Installation) -> None:
    """An event before the end; the log itself says `trimmed`."""
    bot = Bot(web)
    bot.say(3)
    bot.end()
    web.client.delete(web.keys.run_log(bot.run_id))
    with following(web, bot) as stream:
        assert [event["event"] for event in stream.events()] == ["trimmed", "end"]
    _, log = web.call("GET", f"/jobs/{bot.job_id}/runs/{bot.run_id}/log")
    assert log == {"lines": [], "last_line": 0, "trimmed": True}


def test_streams_hold_no_thread_and_a_hang_up_ends_them(web: Installation) -> None:
    """Many of them leave the API as it was; no connection of theirs is left afterwards, and no subscription."""
    bot = Bot(web)
    streams = [Stream(web.port, bot.job_id, bot.run_id) for _ in range(50)]
    assert [stream.answer.status for stream in streams] == [200] * 50
    (worker,) = descendants(web.processes["web"].pid)
    files = Path(f"/proc/{worker}/fd")
    open_then = len(list(files.iterdir()))
    status, run = web.call("POST", f"/jobs/{bot.job_id}/run?wait=1", timeout=4)
    assert (status, run["status"]) == (202, "queued")
    assert web.call("GET", f"/jobs/{bot.job_id}")[0] == 200
    for stream in streams:
        stream.close()
    begun_meanwhile = 2  # connections of the watch and the courier
    until(lambda: len(list(files.iterdir())) <= open_then - 50 + begun_meanwhile, 5)
    until(lambda: subscribers(web, bot) == 0, 5)


def test_a_reader_that_does_not_read_holds_nothing_up(web: Installation) -> None:
    """The run writes on, another reader has every line at once, and the run ends."""
    bot = Bot(web)
    with following(web, bot), following(web, bot) as quick:
        events = quick.events()
        for _ in range(10):
            bot.say(50)
        bot.end()
        assert len(messages(list(events))) == 500


def test_streams_end_when_the_process_is_told_to(web: Installation) -> None:
    """A stop does not wait for readers: an event tells them, and they come back to another process."""
    bot = Bot(web)
    with following(web, bot) as stream:
        web.processes["web"].send_signal(signal.SIGTERM)
        (last,) = stream.events()
        assert last["event"] == "restart" and json.loads(last["data"])["detail"]
        assert web.processes["web"].wait(60) == 0


def test_a_stream_outlives_a_deleted_run_and_refuses_what_is_none(web: Installation) -> None:
    """It ends with the run; an unknown run is 404 and a malformed Last-Event-ID 400, as JSON."""
    bot = Bot(web)
    with following(web, bot) as stream:
        events = stream.events()
        bot.say()
        assert messages([next(events)]) == [(1, "1")]
        assert web.call("DELETE", f"/jobs/{bot.job_id}")[0] == 204
        assert list(events) == []
    with following(web, bot) as stream:
        assert stream.answer.status == 404
    other: Any = Bot(web)
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    path = f"/scheduler/jobs/{other.job_id}/runs/{other.run_id}/log"
    headers = {"X-API-Key": API_KEY, "Accept": "text/event-stream"}
    connection.request("GET", path, headers={**headers, "Last-Event-ID": "x"})
    assert connection.getresponse().status == 400
    connection.close()
