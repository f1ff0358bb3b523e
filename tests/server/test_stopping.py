"""The end of a web process: what is under way is finished, streams are told, and nothing is waited for twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.shutdown import GONE_SECONDS
from service.web.stopping import Stopping
from tests.server.conftest import serve
from tests.support.processes import until
from tests.support.talking import Talk, statuses
from tests.support.web_process import Web, serving

pytestmark = [pytest.mark.processes, pytest.mark.slow(reason="web processes start and end")]

NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


def pids(web: Web) -> list[int]:
    """The worker processes."""
    found = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
    return [int(pid) for pid in found]


def output_of(web: Web) -> str:
    """What the process has logged, once it has ended."""
    out, _ = web.process.communicate(timeout=GONE_SECONDS)
    return out


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_ends_when_all_is_answered_however_often_it_is_asked(tmp_path: Path) -> None:
    """SIGTERM twice, to all processes: streams are told at once, requests finish, idle connections end."""
    with serve(tmp_path, WEB_CONCURRENCY="2") as web:
        with Talk(web.port) as idle, Talk(web.port) as silent, Talk(web.port) as slow, Talk(web.port) as stream:
            idle.say(NEXT)
            idle.until(b"next")
            stream.say(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            stream.until(b"begun")
            slow.say(b"GET /slow?2 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT)
            slow.say(NEXT[:-2])
            until(lambda: len(pids(web)) == 2, 10, lambda: str(pids(web)))
            for _ in range(2):
                for pid in (web.process.pid, *pids(web)):
                    os.kill(pid, signal.SIGTERM)
            assert stream.rest().endswith(b"stopped\n\r\n0\r\n\r\n")
            assert statuses(idle.rest()) == [200]
            assert silent.rest() == b""
            slow.until(b'"slow"')
            slow.say(NEXT[-2:])
            answers = slow.rest()
            assert statuses(answers) == [200, 200, 200]
            assert answers.count(b"connection: close") == 1
        log = output_of(web)
        assert web.process.returncode == 0
        assert "Traceback" not in log
        assert "ERROR" not in log and '"error"' not in log


def test_a_request_on_its_way_is_answered_and_is_the_last(tmp_path: Path) -> None:
    """A head that has begun when the stop comes is waited for as ever."""
    with serve(tmp_path) as web, Talk(web.port) as talk, Talk(web.port) as stream:
        stream.say(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        stream.until(b"begun")
        talk.say(NEXT[:-2])
        talk.say(b"")
        web.process.send_signal(signal.SIGTERM)
        stream.rest()  # the stop has begun
        talk.say(NEXT[-2:])
        answer = talk.rest()
        assert statuses(answer) == [200]
        assert b"\r\nconnection: close\r\n" in answer
        output_of(web)
        assert web.process.returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_ends_when_the_arbiter_was_killed(tmp_path: Path) -> None:
    """It would hold the port and its connections for ever; streams are told, as at every stop."""
    with serve(tmp_path) as web, Talk(web.port) as stream:
        stream.say(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        stream.until(b"begun")
        (worker,) = pids(web)
        web.process.kill()
        assert stream.rest().endswith(b"stopped\n\r\n0\r\n\r\n")
        until(lambda: not Path(f"/proc/{worker}").exists(), 30)


def test_sigint_waits_for_nobody(tmp_path: Path) -> None:
    """Ctrl-C: a request under way breaks off."""
    with serve(tmp_path) as web, Talk(web.port) as slow:
        slow.say(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.until(b"begun")
        slow.say(b"GET /slow?60 HTTP/1.1\r\nHost: x\r\n\r\n")
        web.process.send_signal(signal.SIGINT)
        try:
            output_of(web)
        except subprocess.TimeoutExpired:
            pytest.fail("it waits")


def test_a_busy_loop_is_no_hanging_process(tmp_path: Path) -> None:
    """A loop that is held up for less than the time-out is left alone; a longer one is a process to replace."""
    with serve(tmp_path, "timeout = 4\n") as web, Talk(web.port) as talk:
        talk.say(b"GET /block?2.5 HTTP/1.1\r\nHost: x\r\n\r\n")
        talk.until(b"{}")
        talk.say(b"GET /block?30 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert talk.socket.recv(65536) == b""


def test_who_waits_for_the_stop_is_told_once() -> None:
    """Also when it comes twice, or has come before; who has left is told nothing."""

    async def scenario() -> list[str]:
        stopping, heard = Stopping(), []
        waiting = asyncio.ensure_future(stopping.wait())
        with stopping.told_to(lambda: heard.append("left")):
            pass
        with stopping.told_to(lambda: heard.append("told")):
            await asyncio.sleep(0)
            assert not stopping.is_set() and not waiting.done()
            stopping.begin()
            stopping.begin()
            await waiting
        await stopping.wait()
        with stopping.told_to(lambda: heard.append("late")):
            await asyncio.sleep(0)
        assert stopping.is_set()
        return heard

    assert asyncio.run(scenario()) == ["told", "late"]


def test_a_worker_that_is_told_to_end_before_it_can_heed_it_ends(tmp_path: Path) -> None:
    """Between its fork and its first handler it has the arbiter's, which would lose the signal."""
    late = tmp_path / "late.py"
    late.write_text(
        "import os, signal, time\n"
        "from service.gunicorn_config import *\n"
        "def post_fork(server, worker):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(0.2)\n"
        "    print('Forked', flush=True)\n"
    )
    command = [sys.executable, "-m", "gunicorn", "-c", str(late)]
    with serving(command, WEB_CONCURRENCY="1") as web:
        assert web.process.stdout is not None
        patience = threading.Timer(20, web.process.kill)  # ends the output, if the worker lives on
        patience.start()
        seen = [line for line, _ in zip(web.process.stdout, range(40), strict=False) if "Forked" in line]
        patience.cancel()
        assert len(seen) > 1, "the worker has ended, and the arbiter has forked another"
