"""The channel on which scripts tell that a run has news: each change that a follower or a waiter sees is told there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis
from redis.client import PubSub

from service.domain.run_records import Outcome, Retry
from tests.support.store_rig import Rig

FAILED = Outcome("failed", "no", {})


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """An installation."""
    return Rig.on(redis_client)


@pytest.fixture
def channel(rig: Rig) -> Iterator[PubSub]:
    """A subscription to the channels of all runs."""
    with rig.client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.psubscribe(rig.keys.run_news("*"))
        assert subscription.get_message(timeout=5)["type"] == "psubscribe"
        yield subscription


def told(rig: Rig, channel: PubSub) -> list[str]:
    """The runs of which the channel has told since the last call, up to a message of this test's own."""
    rig.client.publish(rig.keys.run_news(""), "no more")
    found: list[str] = []
    while name := channel.get_message(timeout=5)["channel"].decode().removeprefix(rig.keys.run_news("")):
        found.append(name)
    return found


def test_a_run_tells_of_its_start_each_note_and_its_end(rig: Rig, channel: PubSub) -> None:
    """Once each; a claim or a note that is repeated, and a renewed lease, are no news."""
    run_id = rig.use.run_now(rig.make_job())
    told(rig, channel)
    token = rig.start(run_id)
    assert told(rig, channel) == [run_id]
    rig.start(run_id)
    assert rig.runs.renew(run_id, token, 30_000) == "kept"
    assert told(rig, channel) == []
    for note in (1, 1, 2):
        assert rig.runs.note(run_id, token, note, progress=(note, 2), lines=["{}"] * note)
    assert told(rig, channel) == [run_id] * 2
    assert rig.runs.finish(run_id, token, Outcome("success", None, {}))
    assert told(rig, channel) == [run_id]
    rig.runs.finish(run_id, token, Outcome("success", None, {}))
    assert told(rig, channel) == []


def test_a_run_that_is_cancelled_before_it_starts_tells_so(rig: Rig, channel: PubSub) -> None:
    """The one in the queue and the one that waits for its slot; not one under way, whose end is still to come."""
    job_id = rig.make_job()
    under_way, *others = [rig.use.run_now(job_id) for _ in range(3)]
    rig.start(under_way)
    told(rig, channel)
    for run_id in others:
        rig.use.cancel(job_id, run_id)
    assert told(rig, channel) == others
    rig.use.cancel(job_id, under_way)
    assert told(rig, channel) == []


def test_a_job_that_goes_tells_of_its_open_runs(rig: Rig, channel: PubSub) -> None:
    """Those that have ended have told that before."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    ended, *others = [rig.use.run_now(job_id) for _ in range(4)]
    rig.runs.finish(ended, rig.start(ended), FAILED)
    rig.start(others[0])
    told(rig, channel)
    rig.jobs.delete(job_id)
    assert sorted(told(rig, channel)) == sorted(others)


def test_a_delayed_retry_tells_when_its_job_is_switched_off(rig: Rig, channel: PubSub) -> None:
    """It ends then, though nobody cancels it by its id."""
    job_id = rig.make_job(options={"max_retries": 1, "retry_delay_seconds": 60})
    run_id = rig.run_due(job_id)
    rig.runs.finish(run_id, rig.start(run_id), FAILED, retry=Retry("11111111-1111-4111-8111-111111111111", 2, 60_000))
    retry = rig.history(job_id)[0]["id"]
    told(rig, channel)
    rig.jobs.toggle(job_id, {"enabled": False})
    assert told(rig, channel) == [retry]


@pytest.mark.parametrize("follows", [(), ("end",), ("start",), ("end", "start")])
def test_one_step_that_ends_a_run_and_starts_the_next_tells_whoever_follows_them(
    rig: Rig, follows: tuple[str, ...]
) -> None:
    """Each run's own followers, once."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    runs = {event: rig.use.run_now(job_id) for event in ("end", "start")}
    claim = rig.runs.claim(runs["end"], "one", "worker-1", 30_000)
    assert claim is not None
    rig.client.lpop(rig.keys.rq_queue)
    with rig.client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(rig.keys.run_news(""), *(rig.keys.run_news(runs[event]) for event in follows))
        for _ in range(1 + len(follows)):
            subscription.get_message(timeout=5)
        ended = Outcome("success", None, {})
        following = rig.runs.finish_and_claim(claim, ended, None, (), "two", "worker-1", 30_000)
        assert following is not None and following.run_id == runs["start"]
        assert told(rig, subscription) == [runs[event] for event in follows]
