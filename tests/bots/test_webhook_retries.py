"""A webhook that is tried again, with real processes and a real receiver."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from tests.bots.receivers import listening
from tests.conftest import ValkeyServer
from tests.process.installation import Installation, until


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
