"""Several runs of the visitor at once: a host sees one visitor, that takes its time."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from redis import Redis

from service.bots.support.locks import Locks, Stopped
from service.store.keys import Keys
from service.store.memory import RedisMemory
from service.usecases.contacts import ContactBook
from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.sites import web_site
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="hosts are left in peace for a second"),
]


def test_two_runs_in_two_workers_ask_a_host_one_at_a_time(
    valkey_server: ValkeyServer, redis_client: Redis, tmp_path: Path
) -> None:
    """Its server never sees two requests at once, nor two with less than a second between them."""
    seen: list[tuple[float, float]] = []

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        began = time.monotonic()
        time.sleep(0.3)
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        seen.append((began, time.monotonic()))
        handler.wfile.write(b"hi")

    with web_site() as site, Installation(tmp_path, valkey_server) as installation:
        book = ContactBook(redis_client, Keys())
        for number in range(3):
            book.create({"name": f"P{number}", "urls": [f"{site.address}/{number}"]})
            site.answers[f"/{number}"] = slowly
        site.answers["/robots.txt"] = slowly
        installation.start("web", "scheduler", "worker").until_healthy()
        until(lambda: installation.call("GET", "/health")[1]["workers"] == 2, 30)
        jobs = [installation.make_job(bot_type="visitor") for _ in range(2)]
        run_ids = [installation.run_now(job) for job in jobs]
        runs = [
            installation.until_status(job, run_id, "success", seconds=60)
            for job, run_id in zip(jobs, run_ids, strict=True)
        ]
        assert [run["profiles_visited"] for run in runs] == [3, 3], [run["result"] for run in runs]
        assert max(run["started_at"] for run in runs) < min(run["finished_at"] for run in runs), "they were not at once"
    assert len(seen) in (7, 8), "three pages each, and robots.txt by one of them or by both"
    seen.sort()
    gaps = [after[0] - before[1] for before, after in zip(seen, seen[1:], strict=False)]
    assert min(gaps) >= 0.99, gaps


def test_a_turn_is_one_runs_until_it_ends(redis_client: Redis) -> None:
    """Another hears how long at most; the gap counts from the end; bots have turns of their own."""
    mine, other = (RedisMemory(redis_client, Keys(), "visitor") for _ in range(2))
    assert mine.take_turn("host", 60) == mine.take_turn("host", 60) == 0
    assert 59 < other.take_turn("host", 60) <= 60
    assert other.take_turn("elsewhere", 60) == RedisMemory(redis_client, Keys(), "b").take_turn("host", 60) == 0
    other.end_turn("host")
    assert other.take_turn("host", 60) > 0, "nobody ends another's turn"
    mine.end_turn("host")
    assert 29 < other.take_turn("host", 60, gap=30) <= 30
    assert other.take_turn("host", 60) == 0


def test_the_turn_of_a_run_that_died_lapses(redis_client: Redis) -> None:
    """Nobody waits for it longer than it lasts."""
    RedisMemory(redis_client, Keys(), "visitor").take_turn("host", 0.3)
    other = Locks(RedisMemory(redis_client, Keys(), "visitor"), lambda: False, 60)
    start = time.monotonic()
    other.acquire("host")
    assert time.monotonic() - start >= 0.25


def test_a_clock_that_was_set_back_holds_nobody_up(redis_client: Redis) -> None:
    """A turn that ended in the future ended now, for all that anybody knows."""
    redis_client.hset(Keys().turn("visitor", "host"), "ended", int(time.time() + 86_400) * 1000)
    assert RedisMemory(redis_client, Keys(), "visitor").take_turn("host", 60, gap=30) == 0
    redis_client.hset(Keys().turn("visitor", "host"), "lapses", int(time.time() + 86_400) * 1000)
    assert RedisMemory(redis_client, Keys(), "visitor").take_turn("host", 60, gap=30) == 0


def test_a_run_that_is_asked_to_stop_waits_for_no_turn(redis_client: Redis) -> None:
    """However long the other's takes."""
    RedisMemory(redis_client, Keys(), "visitor").take_turn("host", 60)
    with pytest.raises(Stopped):
        Locks(RedisMemory(redis_client, Keys(), "visitor"), lambda: True, 60).acquire("host")
