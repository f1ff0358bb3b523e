"""A thousand followers of one web process: no line is lost or doubled, whatever restarts or hangs up meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.domain.run_records import Outcome
from tests.support.crowd import Reader, follow_all
from tests.support.installation import API_KEY, Installation
from tests.support.live_run import LiveRun
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

pytestmark = [pytest.mark.processes, pytest.mark.slow(reason="a thousand readers of a real process")]

NOTES = 30


@pytest.fixture(autouse=True, scope="module")
def files() -> Iterator[None]:
    """Enough open files for a thousand connections, here and in the process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"only {hard} open files are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def web(tmp_path: Path, durable_server: ValkeyServer) -> Iterator[Installation]:
    """One web process; the tests are the workers."""
    with Installation(tmp_path, durable_server) as installation:
        start(installation)
        yield installation


def start(web: Installation) -> None:
    """Starts the web process, and waits until it answers."""
    web.start("web")
    web.until_web_answers()


class Bot(LiveRun):
    """One run under way."""

    def say(self, number: int) -> None:
        """Logs one line; again if Redis went away."""
        self.note(number, [number])


@contextmanager
def crowd(web: Installation, bots: Sequence[Bot], count: int) -> Iterator[list[Reader]]:
    """So many readers of these runs, in a thread; the block ends when all have read to the end."""
    readers = [Reader(bots[number % len(bots)].path) for number in range(count)]
    failures: list[BaseException] = []

    def read() -> None:
        try:
            asyncio.run(follow_all(readers, web.port, 120))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        until(lambda: all(reader.connections for reader in readers), 60)
        yield readers
    finally:
        thread.join(150)
    assert not failures and not thread.is_alive()


def until_read(readers: Sequence[Reader], line: int) -> None:
    """Waits until every reader has a line."""
    until(lambda: all(reader.lines and reader.lines[-1] >= line for reader in readers), 60)


def restart(web: Installation, end: Callable[[Installation], None]) -> None:
    """Ends the web process, and starts another one on its port."""
    end(web)
    start(web)


def stopped(web: Installation) -> None:
    """Stops the web process as a platform does."""
    web.kill("web", signal.SIGTERM)


def killed(web: Installation) -> None:
    """Kills it as a crash of the machine would."""
    os.killpg(web.processes["web"].pid, signal.SIGKILL)
    web.kill("web")


@pytest.mark.parametrize("runs", [1, 100])
@pytest.mark.parametrize("end", [stopped, killed])
def test_over_a_restart_of_the_web_no_line_is_lost_or_doubled(
    web: Installation, runs: int, end: Callable[[Installation], None]
) -> None:
    """Of a thousand followers of one run, and of a hundred runs. Lines are written before, meanwhile and after."""
    bots = [Bot(web) for _ in range(runs)]
    with crowd(web, bots, 1000) as readers:
        for number in range(1, NOTES + 1):
            for bot in bots:
                bot.say(number)
            if number == NOTES // 3:
                until_read(readers, 1)
                restarting = threading.Thread(target=restart, args=(web, end))
                restarting.start()
            time.sleep(0.05)
        restarting.join()
        for bot in bots:
            bot.end()
    wrong = [reader for reader in readers if reader.lines != list(range(1, NOTES + 1))]
    assert not wrong
    # Who comes back too early meets the process that stops once more.
    assert all(reader.others[-1] == "end" for reader in readers)
    assert {event for reader in readers for event in reader.others[:-1]} == ({"restart"} if end is stopped else set())
    assert all("restart" in reader.others for reader in readers) or end is killed
    assert min(reader.connections for reader in readers) >= 2


def test_while_redis_is_killed_and_started_again_no_line_is_lost_or_doubled(web: Installation) -> None:
    """The streams stay, and go on."""
    bot = Bot(web)
    with crowd(web, [bot], 100) as readers:
        for number in range(1, 11):
            bot.say(number)
        until_read(readers, 10)
        web.server.kill()
        time.sleep(2.5)
        web.server.start()
        for number in range(11, NOTES + 1):
            bot.say(number)
        until_read(readers, NOTES)
        bot.end()
    assert all(reader.lines == list(range(1, NOTES + 1)) for reader in readers)
    assert {tuple(reader.others) for reader in readers} == {("end",)}
    assert {reader.connections for reader in readers} == {1}


def test_one_more_than_a_thousand_is_told_to_come_back(web: Installation) -> None:
    """503 with Retry-After; a place is free as soon as somebody hangs up."""
    bot = Bot(web)
    streams = [opened(web, bot) for _ in range(1000)]
    try:
        until(lambda: all(head_of(stream).startswith(b"HTTP/1.1 200") for stream in streams), 30)
        with opened(web, bot) as refused:
            head = head_of(refused)
            assert head.startswith(b"HTTP/1.1 503") and b"retry-after:" in head.lower()
        streams.pop().close()

        def is_free() -> bool:
            with opened(web, bot) as another:
                return head_of(another).startswith(b"HTTP/1.1 200")

        until(is_free, 5)
    finally:
        for stream in streams:
            stream.close()


def opened(web: Installation, bot: Bot) -> socket.socket:
    """A connection on which a log was asked for."""
    connection = socket.create_connection(("127.0.0.1", web.port), timeout=20)
    connection.sendall(
        f"GET {bot.path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {API_KEY}\r\n"
        f"Accept: text/event-stream\r\n\r\n".encode()
    )
    return connection


def head_of(connection: socket.socket) -> bytes:
    """The start of its answer."""
    return connection.recv(4096, socket.MSG_PEEK)


def test_readers_that_never_read_hold_nobody_up(web: Installation) -> None:
    """Neither the run nor the others, though more is written than all buffers take."""
    bot = Bot(web)
    deaf = [opened(web, bot) for _ in range(20)]
    try:
        with crowd(web, [bot], 50) as readers:
            for number in range(1, 201):
                lines = [json.dumps({"at": "", "level": "info", "message": "x" * 1000}) for _ in range(20)]
                assert bot.runs.note(bot.run_id, bot.token, number, progress=None, lines=lines)
                until_read(readers, number * 20)
            bot.end()
        assert all(reader.lines == list(range(1, 4001)) for reader in readers)
    finally:
        for connection in deaf:
            connection.close()


def test_five_hundred_waits_at_once_are_answered_when_their_runs_end(web: Installation) -> None:
    """In one process, and meanwhile it serves others."""
    jobs = [web.make_job(bot_type="visitor", options={"max_concurrent_runs": 5}) for _ in range(100)]
    rig = Rig.on(web.client)

    async def ask(job_id: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        writer.write(
            f"POST /scheduler/jobs/{job_id}/run?wait=25 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {API_KEY}\r\n"
            f"Connection: close\r\n\r\n".encode()
        )
        try:
            return await reader.read()
        finally:
            writer.close()

    def work() -> None:
        until(lambda: len(rig.queue()) == 500, 20)
        assert web.call("GET", f"/jobs/{jobs[0]}", timeout=2)[0] == 200
        for run_id in rig.queue():
            token = rig.start(run_id)
            rig.runs.finish(run_id, token, Outcome("success", None, {}))

    async def test() -> list[bytes]:
        working = asyncio.ensure_future(asyncio.to_thread(work))
        answers = await asyncio.gather(*(ask(job_id) for job_id in jobs * 5))
        await working
        return answers

    answers = asyncio.run(asyncio.wait_for(test(), 60))
    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 200 OK"] * 500
    assert len({json.loads(answer.split(b"\r\n\r\n")[1])["id"] for answer in answers}) == 500
