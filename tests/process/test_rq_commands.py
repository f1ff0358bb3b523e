"""RQ's commands, which any client of the server may publish, whatever its database: what a worker makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Worker
from rq.command import send_kill_horse_command, send_shutdown_command, send_stop_execution_command

from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]

HOSTILE = (
    b"", b"\0", b"\xff\xfe", b"stop-job", b"null", b"[]", b"[[[" * 300, b'"stop-job"', b"{}", b'{"command": null}',
    b'{"command": ["stop-job"]}', b'{"command": {}}', b'{"command": "format-disk"}', b'{"command": "stop-job"}',
    b'{"command": "stop-job", "job_id": null}', b'{"command": "stop-job", "job_id": ["x"]}',
    b'{"command": "stop-job", "job_id": "00000000-0000-4000-8000-000000000000"}', b'{"command": "none"}',
    b'{"command": "stop-execution"}', b'{"command": "all"}', b"x" * 5_000_000,
    b'{"command": "' + b"y" * 900 + b'"}', b'{"command": 1e400}', b"[" * 1000,
)  # fmt: skip
"""What RQ's own handler would raise at, and so end its thread, or what names nothing here."""


@pytest.fixture
def stranger(valkey_server: ValkeyServer) -> Iterator[Redis]:
    """A client of another database of the server."""
    valkey_server.client().flushall()
    client = Redis(port=valkey_server.port, db=7)
    yield client
    client.close()


class Under:
    """A run under way of the one worker of an installation, which has its setting RQ_COMMANDS."""

    def __init__(self, service: Installation, seconds: float = 300.0, mode: str = "heed") -> None:
        self.service = service
        self.job_id = service.make_job(bot_config={"seconds": seconds, "mode": mode})
        self.run_id = service.run_now(self.job_id)
        service.until_status(self.job_id, self.run_id, "running")
        until(lambda: Worker.all(service.client)[0].get_state() == "busy", 10)
        until(lambda: service.client.hexists(service.keys.rq_job(self.run_id), "worker_name"), 10)
        self.worker = str(Worker.all(service.client)[0].name)
        self.channel = f"rq:pubsub:{self.worker}"
        self.processes = set(descendants(service.processes["worker"].pid))

    def stop(self, client: Redis) -> None:
        """RQ's command to stop this run."""
        client.publish(self.channel, json.dumps({"command": "stop-job", "job_id": self.run_id}))

    def until_ended(self) -> tuple[str, str | None]:
        """How it ended."""
        run = self.service.until_status(self.job_id, self.run_id, "success", "failed", "cancelled")
        return run["status"], run["error"]


def installed(tmp_path: Path, server: ValkeyServer, **settings: str) -> Installation:
    """One worker."""
    service = Installation(tmp_path, server, WORKER_CONCURRENCY="1", **settings)
    return service.start("web", "scheduler", "worker").until_healthy()


def test_nothing_but_a_stop_of_the_run_under_way_is_obeyed(
    valkey_server: ValkeyServer, stranger: Redis, tmp_path: Path
) -> None:
    """Neither RQ's other commands nor any rubbish; then a stop still is, as a cancel, by the same processes."""
    with installed(tmp_path, valkey_server) as service:
        run = Under(service)
        send_shutdown_command(stranger, run.worker)
        send_kill_horse_command(stranger, run.worker)
        send_stop_execution_command(service.client, run.run_id, _token(run))
        for command in HOSTILE:
            assert stranger.publish(run.channel, command) == 1
        run.stop(stranger)
        assert run.until_ended() == ("cancelled", "stopped by RQ's stop command")
        assert run.processes & set(descendants(service.processes["worker"].pid)), "the worker process is the same"
        told = [line for line in service.log("worker").splitlines() if "Ignored on RQ's channel" in line]
        assert len(told) == 1 and "shutdown" in told[0]
        other = Under(service)
        run.stop(stranger)
        other.stop(stranger)
        assert other.until_ended()[0] == "cancelled"


def _token(run: Under) -> str:
    return str(run.service.client.hget(run.service.keys.run(run.run_id), "token").decode())  # type: ignore[union-attr]


def test_a_stop_is_obeyed_after_the_connection_broke(
    valkey_server: ValkeyServer, stranger: Redis, tmp_path: Path
) -> None:
    """The thread that listens outlives it."""
    with installed(tmp_path, valkey_server) as service:
        run = Under(service)
        service.client.client_kill_filter(_type="pubsub")
        until(lambda: stranger.pubsub_numsub(run.channel)[0][1] == 1, 20)
        run.stop(stranger)
        assert run.until_ended()[0] == "cancelled"


def test_a_bot_that_does_not_heed_a_stop_is_killed_as_for_any_cancel(
    valkey_server: ValkeyServer, stranger: Redis, tmp_path: Path
) -> None:
    """By our own path: its run is cancelled."""
    with installed(tmp_path, valkey_server) as service:
        run = Under(service, mode="plain")
        run.stop(stranger)
        assert run.until_ended() == ("cancelled", "stopped by RQ's stop command")


def test_all_of_rqs_commands_are_obeyed_where_the_setting_says_so(
    valkey_server: ValkeyServer, stranger: Redis, tmp_path: Path
) -> None:
    """`RQ_COMMANDS=all`: a killed horse fails its run, an execution is cancelled, a shutdown lets the run end first."""
    with installed(tmp_path, valkey_server, RQ_COMMANDS="all") as service:
        run = Under(service)
        send_kill_horse_command(stranger, run.worker)
        assert run.until_ended() == ("failed", "the bot's process was killed by SIGKILL")
        run = Under(service)
        stranger.publish(
            run.channel, json.dumps({"command": "stop-execution", "job_id": run.run_id, "execution_id": "x"})
        )
        send_stop_execution_command(service.client, run.run_id, _token(run))
        assert run.until_ended() == ("cancelled", "stopped by RQ's stop command")
        for command in HOSTILE:
            stranger.publish(run.channel, command)
        run = Under(service, seconds=2.0)
        send_shutdown_command(stranger, run.worker)
        assert run.until_ended() == ("success", None)
        until(lambda: not run.processes & set(descendants(service.processes["worker"].pid)), 20)
        again = Under(service, seconds=2.0)
        assert again.until_ended()[0] == "success" and again.worker != run.worker


def test_no_command_is_obeyed_where_the_setting_says_so(
    valkey_server: ValkeyServer, stranger: Redis, tmp_path: Path
) -> None:
    """`RQ_COMMANDS=none`: not even a stop."""
    with installed(tmp_path, valkey_server, RQ_COMMANDS="none") as service:
        run = Under(service, seconds=3.0)
        run.stop(stranger)
        assert run.until_ended() == ("success", None)
        assert "RQ_COMMANDS is none" in service.log("worker")
