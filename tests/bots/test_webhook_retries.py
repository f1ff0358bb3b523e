"""A webhook that is tried again, with real processes and a real receiver."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.receivers import listening
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="delays of retries are waited for"),
]


def test_every_attempt_carries_the_id_of_the_first(
    valkey_server: ValkeyServer, redis_client: Redis, tmp_path: Path
) -> None:
    """A receiver that acted and then failed to say so can drop the retries, though the history keeps one run alone."""
    with listening() as receiver, Installation(tmp_path, valkey_server, HISTORY_LIMIT="1") as installation:
        receiver.status = 500
        installation.start("web", "scheduler", "worker").until_healthy()
        options = {"max_retries": 3, "retry_delay_seconds": 1}
        job = installation.make_job(bot_type="webhook", bot_config={"url": receiver.address}, options=options)
        run_ids = [installation.run_now(job)]
        until(lambda: len(receiver.got) == 4, 60, lambda: installation.log("worker"))
        run_ids.append(installation.history(job)[0]["id"])
        assert run_ids[0] != run_ids[1]
        assert {headers["webhook-id"] for _, _, headers, _ in receiver.got} == {run_ids[0]}


def test_a_receiver_is_asked_again_when_it_says_so_and_not_where_that_would_not_help(
    valkey_server: ValkeyServer, redis_client: Redis, tmp_path: Path
) -> None:
    """503 with Retry-After, 404, 404 that the job wants to be tried again, and that of a job that is switched off."""
    options = {"max_retries": 1, "retry_delay_seconds": 0}
    asked: list[float] = []
    with listening() as receiver, Installation(tmp_path, valkey_server) as installation:
        receiver.before = lambda: asked.append(time.monotonic())
        installation.start("web", "scheduler", "worker").until_healthy()

        def attempts(enabled: bool = True, **config: object) -> list[str]:
            asked.clear()
            job = installation.make_job(
                bot_type="webhook", bot_config={"url": receiver.address, **config}, options=options, enabled=enabled
            )
            installation.run_now(job)
            until(lambda: _is_over(installation, job), 60, lambda: installation.log("worker"))
            return [str(run["error"]) for run in reversed(installation.history(job))]

        receiver.status, receiver.headers = 503, {"Retry-After": "2"}
        first, second = attempts()
        assert "the receiver asks to wait at least 2 s before another try" in first
        assert asked[1] - asked[0] >= 2
        receiver.status = 404
        assert attempts() == [
            "the answer was 404, which is not expected; a request with such an answer is not sent again"
        ]
        assert len(attempts(retry_status=[404])) == 2
        assert len(attempts(retry_status=[404], enabled=False)) == 2


def _is_over(installation: Installation, job: str) -> bool:
    """Whether no run of a job is under way or to come."""
    runs = installation.history(job)
    return bool(runs) and all(run["status"] in ("success", "failed") for run in runs)
