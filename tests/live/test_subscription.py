"""The subscription of a web process to news of runs, on a real Redis: what rings, what is missed, who may listen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from service.domain.run_records import Outcome
from service.interleaving import interleaved
from service.settings import Settings
from service.store.keys import Keys
from service.store.runs import run_news
from service.store.runs.run_news import Bell, RunNews
from service.store.server.connection import connect
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

KEYS = Keys()
DONE = Outcome("success", None, {})


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rings, rings because it was heard: nobody looks without that."""
    monkeypatch.setattr(run_news, "PATIENCE_SECONDS", 1000.0)
    monkeypatch.setattr(run_news, "DEAF_SECONDS", 1000.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own."""
    with ValkeyServer(tmp_path, "--appendonly", "no") as one:
        yield one


def news_from(url: str) -> RunNews:
    """The subscription of a web process with this REDIS_URL."""
    settings = Settings(redis_url=SecretStr(url), api_key=SecretStr("of the test"))
    return RunNews(connect(settings, "web").subscription, KEYS, "bot-scheduler-web")


def run(test: Coroutine[Any, Any, None]) -> None:
    """Runs a test on a loop, for a minute at most."""
    asyncio.run(asyncio.wait_for(test, 60))


async def heard(bell: Bell) -> None:
    """Waits until it rings."""
    await bell.wait(1000)


async def is_silent(bell: Bell, seconds: float = 0.2) -> bool:
    """Whether it does not ring for a while."""
    before = asyncio.get_running_loop().time()
    await bell.wait(seconds)
    return asyncio.get_running_loop().time() - before >= seconds


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition."""
    while not condition():
        await asyncio.sleep(0.01)


def subscribers(client: Redis, run_id: str) -> int:
    """How many listen to a run's channel."""
    return int(client.pubsub_numsub(KEYS.run_news(run_id))[0][1])


def connections(client: Redis) -> int:
    """How many connections of web processes there are."""
    return [each["name"] for each in client.client_list()].count("bot-scheduler-web")


def test_a_bell_rings_when_redis_has_subscribed_it_and_with_each_message(server: ValkeyServer) -> None:
    """So that who listens and then looks misses nothing. Two listeners share one subscription; each bell is a run's."""

    async def test() -> None:
        client, news = server.client(), news_from(server.url)
        with news.listening("one") as first, news.listening("one") as second, news.listening("two") as other:
            for bell in (first, second, other):
                await heard(bell)
            assert (subscribers(client, "one"), connections(client)) == (1, 1)
            client.publish(KEYS.run_news("one"), "news")
            await heard(first)
            await heard(second)
            assert await is_silent(other)

    run(test())


def test_a_message_during_the_look_is_not_lost(server: ValkeyServer) -> None:
    """The bell rings at the next wait; many messages ring it once."""

    async def test() -> None:
        client, news = server.client(), news_from(server.url)
        with news.listening("run") as bell:
            await heard(bell)
            for _ in range(5):
                client.publish(KEYS.run_news("run"), "news")
            await asyncio.sleep(0.1)
            await heard(bell)
            assert await is_silent(bell)

    run(test())


def test_who_stops_listening_is_unsubscribed_and_the_connection_goes_after_a_while(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And comes back with the next listener."""
    monkeypatch.setattr(run_news, "IDLE_SECONDS", 0.3)

    async def test() -> None:
        client, news = server.client(), news_from(server.url)
        for run_id in ("one", "two"):
            with news.listening(run_id) as bell:
                await heard(bell)
            await until(lambda: subscribers(client, run_id) == 0)
            await until(lambda: connections(client) == 0)

    run(test())


def test_after_a_lost_connection_every_run_counts_as_having_news(server: ValkeyServer) -> None:
    """Redis is killed and started again: what was told meanwhile was not heard."""

    async def test() -> None:
        news = news_from(server.url)
        with news.listening("one") as one, news.listening("two") as two:
            await heard(one)
            await heard(two)
            server.kill()
            assert await is_silent(one)
            server.start()
            await heard(one)
            await heard(two)
            await until(lambda: subscribers(server.client(), "two") == 1)
            server.client().publish(KEYS.run_news("two"), "news")
            await heard(two)

    run(test())


@pytest.mark.parametrize("missing", ["-subscribe", "-publish", "resetchannels"])
def test_a_user_who_may_not_listen_looks_every_second_and_is_told_once(
    server: ValkeyServer, missing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without one of the rights no message would come. With the rights again, it listens again."""
    monkeypatch.setattr(run_news, "DEAF_SECONDS", 0.01)
    monkeypatch.setattr(run_news, "DEAF_AGAIN_SECONDS", 0.05)
    admin: Any = server.client()
    admin.execute_command("ACL", "SETUSER", "limited", "on", ">password", "~*", "&bot-scheduler:*", "+@all", missing)

    async def test() -> None:
        news = news_from(f"redis://limited:password@127.0.0.1:{server.port}/0")
        with news.listening("run") as bell:
            for _ in range(30):
                await heard(bell)
            assert subscribers(admin, "run") == 0
            admin.execute_command("ACL", "SETUSER", "limited", "+@all", "&bot-scheduler:*")
            await until(lambda: subscribers(admin, "run") == 1)

    with caplog.at_level(logging.WARNING):
        run(test())
    (told,) = [record.getMessage() for record in caplog.records if "hear of a run up to 1 s late" in record.message]
    assert "bot-scheduler:news:*" in told and "&bot-scheduler:*" in told and "password" not in told


def test_who_may_not_name_connections_listens_all_the_same(server: ValkeyServer) -> None:
    """A connection's name is for people."""
    admin: Any = server.client()
    admin.execute_command("ACL", "SETUSER", "limited", "on", ">password", "~*", "&bot-scheduler:*", "+@all", "-client")

    async def test() -> None:
        with news_from(f"redis://limited:password@127.0.0.1:{server.port}/0").listening("run") as bell:
            await heard(bell)

    run(test())


def test_a_run_that_ends_between_subscribing_and_looking_is_seen(server: ValkeyServer) -> None:
    """Whenever it ends, and whoever else has listened before: each look is after a ring."""
    rig = Rig.on(server.client())

    async def wait(news: RunNews, job_id: str, run_id: str) -> None:
        with news.listening(run_id) as bell:
            while (await interleaved(rig.use.run, job_id, run_id)).data["finished_at"] is None:
                await heard(bell)

    async def test() -> None:
        news = news_from(server.url)
        for turns in range(30):
            job_id = rig.make_job()
            run_id = rig.use.run_now(job_id)
            token = rig.start(run_id)
            waiting = asyncio.ensure_future(wait(news, job_id, run_id))
            for _ in range(turns):
                await asyncio.sleep(0)
            rig.runs.finish(run_id, token, DONE)
            await waiting

    run(test())
