"""Clients that are slow, silent, or too many: each is given up in time and holds nobody up."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import pytest

from service.web.server.patience import BYTES_PER_SECOND, PATIENCE_SECONDS, Patience
from service.web.server.refusals import LATE_HEAD
from tests.server.conftest import serve
from tests.support.readable import readable
from tests.support.talking import Talk, said, statuses, told
from tests.support.web_process import Web

pytestmark = [pytest.mark.processes, pytest.mark.slow(reason="the server's deadlines are waited for")]

NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
DRIPPERS = 300
MIB = 40
"""An answer that no buffer of the kernel's takes whole."""


def test_a_head_that_does_not_end_is_told(hasty: Web) -> None:
    """The first one counts from the connection's beginning, others from their first byte; blank lines are no excuse."""
    for begun in (b"G", b"GET / HTTP/1.1\r\nX: y\r\n", b"\r\n", NEXT + b"\r\nGET", NEXT + NEXT[:-2]):
        with Talk(hasty.port) as talk:
            talk.say(begun)
            answers = talk.rest()
        assert statuses(answers)[-1] == 408
        assert told(answers[answers.index(b"HTTP/1.1 408") :]) == {"detail": LATE_HEAD.sentence}


def test_who_says_nothing_is_let_go_without_a_word(hasty: Web) -> None:
    """At the beginning and after an answer."""
    with Talk(hasty.port) as silent, Talk(hasty.port) as answered:
        answered.say(NEXT)
        assert silent.rest() == b""
        assert statuses(answered.rest()) == [200]


def test_an_answer_takes_the_time_that_it_takes(hasty: Web) -> None:
    """The deadlines are the client's, not the application's; a request that has begun behind it has its own time."""
    with Talk(hasty.port) as talk:
        talk.say(b"GET /slow?2.5 HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT[:10])
        talk.until(b'"slow"')
        talk.say(NEXT[10:])
        assert statuses(talk.rest()) == [200, 200]


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nX-Drip: ", b"GET /", b""])
def test_dripping_heads_hold_nobody_up(hasty: Web, begun: bytes) -> None:
    """Each gets its 408 in time although something comes all the time; others are answered all the while."""
    with contextlib.ExitStack() as stack:
        drippers = [stack.enter_context(Talk(hasty.port)) for _ in range(DRIPPERS)]
        for dripper in drippers:
            dripper.say(begun)
        waiting = {dripper.socket.fileno(): dripper for dripper in drippers}
        answers = []
        while waiting:
            assert statuses(said(hasty.port, NEXT)) == [200]
            for dripper in waiting.values():
                dripper.say(b"\r" if not begun else b"x")
            for number in readable(waiting, 0.1):
                with contextlib.suppress(ConnectionResetError):
                    answers.append(waiting.pop(number).rest())
    assert {tuple(statuses(answer)) for answer in answers} == {(408,)}
    assert len(answers) == DRIPPERS


def test_more_connections_than_the_limit_are_told_to_come_back(tmp_path: Path) -> None:
    """503 with Retry-After, in JSON; who is connected is served, and who comes later, too."""
    with serve(tmp_path, LIMIT_CONNECTIONS="16") as web, contextlib.ExitStack() as stack:
        connected = [stack.enter_context(Talk(web.port)) for _ in range(16)]
        for talk in connected:
            talk.say(NEXT)
            talk.until(b"next")
        for _ in range(3):
            answer = said(web.port, NEXT)
            assert statuses(answer) == [503]
            assert re.search(rb"\r\nRetry-After: \d+\r\n", answer)
            assert "LIMIT_CONNECTIONS" not in told(answer)["detail"]
        connected[0].say(NEXT)
        connected[0].rest()
        assert statuses(connected[0].came) == [200, 200]
        connected[0].socket.close()
        assert statuses(said(web.port, NEXT)) == [200]


def test_who_does_not_read_is_given_up(small: Web) -> None:
    """The connection breaks off, also when all has been written; who reads on and on has the same answer whole."""
    ask = b"GET /long?%d HTTP/1.0\r\n\r\n"
    with Talk(small.port) as deaf, Talk(small.port) as steady, Talk(small.port) as ahead:
        deaf.say(ask % MIB)
        ahead.say(b"GET /long?1 HTTP/1.1\r\nHost: x\r\n\r\n" * MIB)
        steady.say(ask % MIB)
        taken, until = 0, time.monotonic() + PATIENCE_SECONDS + 3
        while piece := steady.socket.recv(256 * 1024):
            taken += len(piece)
            time.sleep(max(0.0, until - time.monotonic()) / 64)  # the pace is what is tried
        assert taken > MIB * 1024 * 1024
        for given_up in (deaf, ahead):
            with pytest.raises(ConnectionResetError):
                given_up.rest()


def test_patience_ends_when_nothing_is_taken() -> None:
    """After 15 s, whatever was taken before; when all was taken it begins anew."""
    patience = Patience()
    assert not patience.is_over(0.0, 100_000, 0)
    assert not patience.is_over(1000.0, 100_000, 50_000)
    assert not patience.is_over(1000.0 + PATIENCE_SECONDS - 0.1, 100_000, 50_000)
    assert patience.is_over(1000.0 + PATIENCE_SECONDS, 100_000, 50_000)
    assert not patience.is_over(2000.0, 200_000, 0)
    assert not patience.is_over(3000.0, 300_000, 100_000)


@pytest.mark.parametrize("seconds", [0.5, 2.0])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_steady_reader_is_not_given_up(seconds: float, share: float) -> None:
    """At 16 KiB/s it may go on for ever; at half of that it is given up within twice the patience."""
    patience, taken, now = Patience(), 0, 0.0
    while now < 1000 and not patience.is_over(now, 10**9, 10**9 - taken):
        now += seconds
        taken += int(BYTES_PER_SECOND * seconds * share)
    assert now >= 1000 if share == 1.0 else now <= 2 * PATIENCE_SECONDS + 2 * seconds
