"""What a bot says of its failure decides whether, and when, its run is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot_scheduler import RunFailed
from service.errors import ServiceError
from service.store.server.redis_clock import RedisClock
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, tame_horse

NO_DELAY = {"max_retries": 2, "retry_delay_seconds": 0}


class Bare(RunFailed):
    """Of a bot's own making, which sets nothing."""

    def __init__(self) -> None:
        Exception.__init__(self, "bare")


class Moody(RunFailed):
    """Whose attributes cannot be read."""

    def __init__(self) -> None:
        Exception.__init__(self, "moody")

    @property
    def final(self) -> bool:  # type: ignore[override]
        raise RuntimeError("no")


class Foreign(Exception):
    """Of a library's, which has attributes of the same names by chance."""

    final = True
    retry_after = 1000.0


class Fails:
    """A bot that fails in the way of the test."""

    name = "echo"
    Config = EchoConfig
    error: Exception

    def run(self, context: Any) -> dict[str, Any]:
        raise self.error


@pytest.fixture
def fail(rig: Rig, valkey_server: ValkeyServer) -> Callable[[str, Exception], str]:
    """Has a run of a job fail with an exception, by a horse without a process of its own. Answers the run's id."""
    horse = tame_horse(valkey_server.client(), rig.keys, Fails)

    def failed(job_id: str, error: Exception) -> str:
        Fails.error = error
        run_id = rig.use.run_now(job_id)
        carry_out(horse, run_id)
        return run_id

    return failed


def delay(rig: Rig) -> float | None:
    """Seconds that the one retry waits yet; None without a retry."""
    waiting: Any = rig.client.zrange(rig.keys.retries, 0, -1, withscores=True)
    return None if not waiting else (waiting[0][1] - RedisClock(rig.client).now_ms()) / 1000


def told(rig: Rig) -> list[str]:
    """The kinds of the alerts; takes them out of the outbox."""
    return [str(alert["kind"]) for alert in rig.told()]


def test_a_failure_that_is_final_is_one_for_good(rig: Rig, fail: Callable[[str, Exception], str]) -> None:
    """No retry whatever the options say; it is told, and it counts towards switching the job off."""
    job_id = rig.make_job(options=NO_DELAY | {"disable_after_failures": 2})
    run_id = fail(job_id, RunFailed("nobody is there", {"asked": 1}, final=True, retry_after=5.0))
    entry = rig.use.run(job_id, run_id).data
    assert (entry["status"], entry["error"], entry["result"]) == ("failed", "nobody is there", {"asked": 1})
    assert [line["message"] for line in rig.log(run_id)] == ["nobody is there"]
    assert (delay(rig), len(rig.history(job_id)), told(rig)) == (None, 1, ["failed"])
    fail(job_id, RunFailed("nobody is there", final=True))
    assert (rig.jobs.get(job_id).data["state"], told(rig)) == ("disabled", ["switched_off"])


@pytest.mark.parametrize(
    ("seconds", "least", "most"),
    [(7, 6, 7), (7.5, 6.5, 7.5), (0, -1, 0.01), (3600, 3599, 3600), (86_400, 3599, 3600), (float("inf"), 3599, 3600),
     (10**400, 3599, 3600)],
)  # fmt: skip
def test_a_retry_waits_for_as_long_as_the_failure_says(
    rig: Rig, fail: Callable[[str, Exception], str], seconds: float, least: float, most: float
) -> None:
    """An hour at most; the delay of the options comes on top of it, and is 0 here."""
    fail(rig.make_job(options=NO_DELAY), RunFailed("busy", retry_after=seconds))
    waits = delay(rig)
    assert waits is not None and least < waits <= most
    assert told(rig) == []


def test_a_failure_that_waits_uses_its_attempts_up(rig: Rig, fail: Callable[[str, Exception], str]) -> None:
    """Without a retry left there is nothing to wait for, and it is one for good."""
    fail(rig.make_job(), RunFailed("busy", retry_after=7.0))
    assert (delay(rig), told(rig)) == (None, ["failed"])


@pytest.mark.parametrize(
    "error",
    [
        RunFailed("plain"),
        Bare(),
        Moody(),
        Foreign("foreign"),
        ServiceError("foreseen"),
        RunFailed("odd", final="yes", retry_after="soon"),  # type: ignore[arg-type]
        RunFailed("odd", retry_after=float("nan")),
        RunFailed("odd", retry_after=-5),
        RunFailed("odd", retry_after=True),
        RunFailed("odd", final=None, retry_after=None),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_what_a_failure_does_not_say_leaves_its_retry_as_it_was(
    rig: Rig, fail: Callable[[str, Exception], str], error: Exception
) -> None:
    """Nor does an exception of another kind that has attributes of these names, nor what is no number."""
    job_id = rig.make_job(options=NO_DELAY)
    run_id = fail(job_id, error)
    waits = delay(rig)
    assert waits is not None and waits <= 0.01
    assert str(error) in rig.use.run(job_id, run_id).data["error"]
