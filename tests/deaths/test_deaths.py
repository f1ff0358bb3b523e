"""Who is told when a part dies: a few deaths, short ones; `python -m tests.deaths` measures all of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deaths.deaths import NO_SCHEDULER, NO_WORKER, REFUSES, die_while_sending
from tests.deaths.ears import Ears, listening
from tests.deaths.stage import Stage
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation dies, and half a minute of silence is a trouble"),
]
WITHIN = 60.0


@pytest.fixture
def ears() -> Iterator[Ears]:
    """They hear alerts and heartbeats."""
    with listening() as opened:
        yield opened


def test_a_frozen_scheduler_and_dead_workers_are_told_of_once_to_everybody(
    tmp_path: Path, light_server: ValkeyServer, ears: Ears
) -> None:
    """By the web process, by HTTP and by mail; the monitor outside hears why; health and metrics show it."""
    with Stage(tmp_path, light_server, ears, WORKERS_WANTED_SECONDS="5") as stage:
        stage.start("web", "scheduler", "worker").until_healthy()
        stage.make_job(name="Tick", schedule_config={"seconds": 2}, options={"overlap": "queue"})
        until(lambda: bool(ears.found("beat", "")), 30, lambda: stage.log("web"))
        stage.dies()
        stage.kill_tree("worker")
        until(lambda: stage.client.zcard(stage.keys.queued) > 0, 30)
        stage.signal_tree("scheduler", signal.SIGSTOP)
        stage.heard("http", NO_WORKER, WITHIN)
        stage.heard("fail", "No worker is up", WITHIN)
        stage.start("worker-2")
        stage.heard("http", NO_SCHEDULER, WITHIN)
        stage.heard("mail", NO_SCHEDULER, WITHIN)
        assert "no_scheduler" in [one["kind"] for one in stage.call("GET", "/health")[1]["troubles"]]
        stage.heard("http", "Runs are taken up again", WITHIN)
        stage.heard("mail", "Runs are taken up again", WITHIN)
        stage.signal_tree("scheduler", signal.SIGCONT)
        for subject in (NO_WORKER, NO_SCHEDULER, "Runs are taken up again"):
            assert len(ears.found("http", subject)) == len(ears.found("mail", subject)) == 1


def test_a_read_only_redis_is_told_of_by_one_web_process_and_so_is_its_end(
    tmp_path: Path, light_server: ValkeyServer, ears: Ears
) -> None:
    """Of two, from memory: nothing can be noted."""
    with Stage(tmp_path, light_server, ears) as stage:
        stage.start("web", "scheduler", "worker").until_healthy()
        until(lambda: bool(ears.found("beat", "")), 30, lambda: stage.log("web"))
        stage.dies()
        stage.client.replicaof("127.0.0.1", 1)
        stage.heard("http", REFUSES, WITHIN)
        stage.heard("mail", REFUSES, WITHIN)
        stage.heard("fail", "replica", WITHIN)
        stage.client.replicaof("NO", "ONE")
        stage.heard("mail", "Redis can be used again", WITHIN)
        stage.heard("http", "Redis can be used again", WITHIN)
        stage.heard("beat", "", WITHIN)
        assert len(ears.found("http", REFUSES)) == len(ears.found("http", "Redis can be used again")) == 1


def test_an_alert_that_dying_web_processes_were_sending_is_sent_by_a_scheduler(
    tmp_path: Path, light_server: ValkeyServer, ears: Ears
) -> None:
    """To each address that has not answered, once more."""
    with Stage(tmp_path, light_server, ears) as stage:
        die_while_sending(stage)
        stage.heard("http", "Doomed failed", WITHIN)
        stage.heard("mail", "Doomed failed", WITHIN)
        assert [len(ears.found(by, "Doomed failed")) for by in ("http", "mail")] == [2, 2]
