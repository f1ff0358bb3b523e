"""A Redis that answers and cannot be used: its disk is full, it changes its role, it is of another kind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.histories import audit, unaccounted
from tests.support.installation import Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]

LEASE_SECONDS = 10
SAVING = {
    "snapshot": ("--appendonly", "no"),
    "append-only file": ("--appendonly", "yes", "--appendfsync", "everysec"),
}
CLUSTER = ("--appendonly", "no", "--cluster-enabled", "yes")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., ValkeyServer]]:
    """Starts servers, and stops them afterwards."""
    servers: list[ValkeyServer] = []

    def start(*arguments: str) -> ValkeyServer:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(ValkeyServer(folder, *arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def lines_about(installed: Installation, name: str, word: str) -> list[str]:
    """What a process has logged with this word in it."""
    return [line for line in installed.log(name).splitlines() if word in line]


@pytest.mark.parametrize("saved", SAVING)
def test_a_full_disk_fails_nothing_and_fills_no_log(
    tmp_path: Path, serve: Callable[..., ValkeyServer], saved: str
) -> None:
    """For longer than a lease: the API says why, runs go on, their ends get through afterwards, nothing is lost."""
    server = serve(*SAVING[saved])
    with Installation(tmp_path, server, LEASE_SECONDS=str(LEASE_SECONDS), WORKER_CONCURRENCY="4") as installed:
        installed.start("web", "scheduler", "worker").until_healthy()
        told = tmp_path / "told"
        told.write_text("begun\n")
        ticking = installed.make_job(schedule_config={"seconds": 1}, options={"catch_up": "all", "overlap": "queue"})
        long, short = (
            installed.make_job(bot_config={"tells": str(told)}),
            installed.make_job(bot_config={"seconds": 3.0}),
        )
        trace = tmp_path / "trace"
        doomed = installed.make_job(bot_config={"seconds": 300.0, "trace": str(trace)})
        runs = {job_id: installed.run_now(job_id) for job_id in (long, short)}
        killed = installed.run_now(doomed)
        for job_id, run_id in [*runs.items(), (doomed, killed)]:
            installed.until_status(job_id, run_id, "running")
        until(trace.exists, 30)
        server.fill_disk()
        os.kill(int(trace.read_text().split()[1]), signal.SIGKILL)

        status, answer = installed.call("POST", f"/jobs/{long}/run")
        assert status == 503 and "disk" in answer["detail"] and saved in answer["detail"]
        assert installed.call("GET", f"/jobs/{long}")[0] == 200
        assert installed.call("GET", "/runs")[0] == 200

        def leases_ended() -> bool:
            seconds, micros = installed.client.time()
            ends = installed.client.zmscore(installed.keys.leases, list(runs.values()))
            return all(end is not None and end < (seconds - 3) * 1000 + micros / 1000 for end in ends)

        until(leases_ended, 60)
        assert installed.call("POST", f"/jobs/{long}/run")[0] == 503
        for name in ("web", "scheduler", "worker"):
            processes = 9 if name == "worker" else 1  # four, their work horses, and who supervises them
            assert 1 <= len(lines_about(installed, name, "MISCONF")) <= 2 * processes
            assert lines_about(installed, name, "answers again") == []  # it refuses still
        server.free_disk()

        told.write_text("begun\nend\n")
        for job_id, run_id in runs.items():
            ended = installed.until_status(job_id, run_id, "success", "failed", seconds=60)
            assert (ended["status"], ended["error"]) == ("success", None)
        ended = installed.until_status(doomed, killed, "success", "failed", seconds=60)
        assert "SIGKILL" in ended["error"]  # as its own worker saw it
        for name in ("scheduler", "worker"):
            until(lambda name=name: bool(lines_about(installed, name, "answers again")), 60)  # type: ignore[misc]
        before = len(installed.history(ticking))
        until(lambda: len(installed.history(ticking)) > before + 3, 60)
        installed.call("POST", f"/jobs/{ticking}/toggle", {"enabled": False})
        history = installed.history(ticking)
        assert audit(history) == [] and unaccounted(history, 1) == []
        assert {run["status"] for run in history} <= {"success", "queued", "running"}
        for name in ("web", "scheduler", "worker"):
            assert "Traceback" not in installed.log(name)


def test_a_fail_over_is_waited_for(tmp_path: Path, serve: Callable[..., ValkeyServer]) -> None:
    """The primary becomes a replica while workers wait for work there, and a primary again: no process ends over it."""
    server, other = serve(*SAVING["snapshot"]), serve(*SAVING["snapshot"])
    with Installation(tmp_path, server) as installed:
        installed.start("web", "scheduler", "worker").until_healthy()
        job = installed.make_job()
        installed.until_status(job, installed.run_now(job), "success")
        until(lambda: b"blmove" in installed.client.execute_command("CLIENT", "LIST"), 20)  # type: ignore[no-untyped-call]
        with other.client() as second:
            second.replicaof("127.0.0.1", server.port)
            until(lambda: second.exists(installed.keys.schema_version) == 1, 30)
            second.replicaof("NO", "ONE")
            installed.client.replicaof("127.0.0.1", other.port)
            until(
                lambda: bool(lines_about(installed, "worker", "replica") or lines_about(installed, "worker", "role")),
                30,
            )
            until(lambda: bool(lines_about(installed, "scheduler", "replica")), 30)
            status, answer = installed.call("POST", f"/jobs/{job}/run")
            assert status == 503 and "primary" in answer["detail"]
            installed.client.replicaof("NO", "ONE")
        until(lambda: installed.call("GET", "/health")[0] == 200, 30)
        installed.until_status(job, installed.run_now(job), "success", seconds=60)
        for name in ("web", "scheduler", "worker"):
            assert "Traceback" not in installed.log(name) and "ended (wait status" not in installed.log(name)


@pytest.mark.parametrize("kind", ["cluster", "cluster without slots", "replica"])
def test_every_process_says_that_redis_is_of_another_kind(
    tmp_path: Path, serve: Callable[..., ValkeyServer], kind: str
) -> None:
    """None ends, none works, health says so; each tells why once."""
    word = kind.split()[0]
    if word == "cluster":
        server = serve(*CLUSTER, "--cluster-port", str(find_free_port()))
        if kind == "cluster":
            server.client().execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")  # type: ignore[no-untyped-call]
    else:
        server = serve(*SAVING["snapshot"])
        server.client().replicaof("127.0.0.1", serve(*SAVING["snapshot"]).port)
    with Installation(tmp_path, server) as installed:
        installed.start("web", "scheduler", "worker")
        until(lambda: len(lines_about(installed, "worker", word)) >= 2, 30, lambda: installed.log("worker"))
        until(lambda: len(lines_about(installed, "scheduler", word)) >= 1, 30)
        installed.until_web_answers(503)
        for method, path, body in (("GET", "/jobs", None), ("POST", "/jobs", {})):
            status, answer = installed.call(method, path, body)
            assert (status, method) == (400, "POST") or (status == 503 and word in answer["detail"])
        assert len(lines_about(installed, "worker", word)) == 2
        assert len(lines_about(installed, "scheduler", word)) <= 2  # its alerts wait, too
        for name, process in installed.processes.items():
            assert process.poll() is None and "Traceback" not in installed.log(name)
        assert not list(server.client().scan_iter())
