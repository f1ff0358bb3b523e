"""Bots that make processes: no copy of one serves, and nothing that it has started outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation, running
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="runs that fork are ended in every way there is"),
]

OUTLIVING = ("daemon", "group", "linger", "pool")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One worker, for tests that leave it standing."""
    with running(tmp_path_factory.mktemp("forks"), WORKER_CONCURRENCY="1") as installed:
        yield installed


def is_alive(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(told: Path) -> list[int]:
    """The numbers of the processes that a bot has made."""
    return [int(pid) for pid in told.read_text().split()] if told.exists() else []


def until_gone(service: Installation, told: Path) -> None:
    """Waits until all of them are gone; there have to have been some."""
    assert pids_in(told)
    until(
        lambda: not [pid for pid in pids_in(told) if is_alive(pid)], 20,
        lambda: f"left behind: {[pid for pid in pids_in(told) if is_alive(pid)]}\n{service.log('worker')}",
    )  # fmt: skip


def make_job(service: Installation, told: Path, how: str, then: str = "return", **options: Any) -> str:
    """A job whose bot makes processes."""
    return service.make_job(
        bot_type="forker", bot_config={"how": how, "pids": str(told), "then": then}, options=options
    )


@pytest.mark.parametrize("how", ["return", "raise", "exit", "thread"])
def test_a_copy_of_a_bot_that_comes_back_serves_no_run(service: Installation, tmp_path: Path, how: str) -> None:
    """Ten runs wait while it forks: each is carried out once, by a process that the worker knows, and none is lost."""
    told = tmp_path / "pids"
    forking = make_job(service, told, how)
    plain = service.make_job(bot_config={"trace": str(tmp_path / "trace")}, options={"max_concurrent_runs": 20})
    busy = service.make_job(bot_config={"seconds": 1.0})
    service.until_status(busy, service.run_now(busy), "running")
    asked = [(forking, service.run_now(forking))] + [(plain, service.run_now(plain)) for _ in range(10)]
    for job_id, run_id in asked:
        service.until_status(job_id, run_id, "success")
    assert len(pids_in(told)) == 1
    until_gone(service, told)
    started = [line.split() for line in (tmp_path / "trace").read_text().splitlines() if line.startswith("start")]
    assert sorted(line[3] for line in started) == sorted(run_id for _, run_id in asked[1:])
    assert str(pids_in(told)[0]) not in {line[1] for line in started}
    assert service.client.zcard(service.keys.leases) == 0
    _, log = service.call("GET", f"/jobs/{forking}/runs/{asked[0][1]}/log")
    assert log["lines"] == [], "nor does a copy write into the run's log"


@pytest.mark.parametrize("then", ["return", "raise", "die"])
@pytest.mark.parametrize("how", OUTLIVING)
def test_what_a_bot_has_started_ends_with_its_run(service: Installation, tmp_path: Path, how: str, then: str) -> None:
    """In a session of its own or not, however the run ends; the next run is carried out as ever."""
    told = tmp_path / "pids"
    job_id = make_job(service, told, how, then)
    service.until_status(job_id, service.run_now(job_id), "success" if then == "return" else "failed")
    until_gone(service, told)
    plain = service.make_job()
    service.until_status(plain, service.run_now(plain), "success")


@pytest.mark.parametrize("then", ["sleep", "heed"])
@pytest.mark.parametrize("how", ["daemon", "linger"])
def test_what_a_bot_has_started_ends_when_its_run_is_cancelled(
    service: Installation, tmp_path: Path, how: str, then: str
) -> None:
    """Heeded by the bot, or killed; the horse's death is noticed though the copy holds all that it had open."""
    told = tmp_path / "pids"
    job_id = make_job(service, told, how, then)
    run_id = service.run_now(job_id)
    until(lambda: bool(pids_in(told)), 20)
    service.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")
    service.until_status(job_id, run_id, "cancelled")
    until_gone(service, told)


def test_what_a_bot_has_started_ends_when_its_time_is_up(service: Installation, tmp_path: Path) -> None:
    """The run is interrupted."""
    told = tmp_path / "pids"
    job_id = make_job(service, told, "daemon", "sleep", timeout_seconds=1)
    service.until_status(job_id, service.run_now(job_id), "failed")
    until_gone(service, told)


def test_what_a_bot_has_started_ends_when_its_worker_is_killed(service: Installation, tmp_path: Path) -> None:
    """One worker process alone: the supervisor gets what was below it, ends that, and leaves its other workers be."""
    told = tmp_path / "pids"
    job_id = make_job(service, told, "daemon", "sleep")
    run_id = service.run_now(job_id)
    until(lambda: bool(pids_in(told)), 20)
    (worker,) = [pid for pid in descendants(service.processes["worker"].pid) if _parent(pid) == _supervisor(service)]
    os.kill(worker, signal.SIGKILL)
    until_gone(service, told)
    service.until_status(job_id, run_id, "failed", seconds=60)
    plain = service.make_job()
    service.until_status(plain, service.run_now(plain), "success")


def _supervisor(service: Installation) -> int:
    return service.processes["worker"].pid


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_what_a_bot_has_started_ends_when_the_worker_is_stopped(
    light_server: ValkeyServer, tmp_path: Path, signum: signal.Signals
) -> None:
    """All worker processes are told; the run under way heeds that."""
    told = tmp_path / "pids"
    with Installation(tmp_path, light_server) as service:
        service.start("web", "scheduler", "worker").until_healthy()
        job_id = make_job(service, told, "daemon", "heed")
        service.run_now(job_id)
        until(lambda: bool(pids_in(told)), 20)
        service.kill("worker", signum)
        until_gone(service, told)


def test_the_processes_of_another_worker_are_left_alone(light_server: ValkeyServer, tmp_path: Path) -> None:
    """Two worker processes: what one bot has started lives as long as its own run, whatever ends beside it."""
    told, other = tmp_path / "pids", tmp_path / "other"
    with Installation(tmp_path, light_server, WORKER_CONCURRENCY="2") as service:
        service.start("web", "scheduler", "worker").until_healthy()
        long = make_job(service, told, "daemon", "heed")
        run_id = service.run_now(long)
        until(lambda: bool(pids_in(told)), 20)
        short = make_job(service, other, "daemon")
        for _ in range(3):
            service.until_status(short, service.run_now(short), "success")
        until_gone(service, other)
        assert [pid for pid in pids_in(told) if is_alive(pid)] == pids_in(told)
        service.call("POST", f"/jobs/{long}/runs/{run_id}/cancel")
        until_gone(service, told)


SIGNALLED = """
import os, signal, time
from types import SimpleNamespace
from service.worker.horse import WorkHorse

os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))  # before what the horse does there
heed = lambda *_: None
board = SimpleNamespace(keep_from_copies=heed)
WorkHorse._listen(SimpleNamespace(_drain=heed, _ordered=heed, _obey=heed, _board=board))
if (pid := os.fork()) == 0:
    time.sleep(10)
    os._exit(3)
print(os.waitpid(pid, 0)[1], signal.pthread_sigmask(signal.SIG_BLOCK, ()), signal.getsignal(signal.SIGTERM) is heed)
"""


def test_a_copy_that_is_told_to_end_at_its_birth_ends() -> None:
    """As `multiprocessing.Pool` tells it: the run would wait for it for ever, once in thousands of pools."""
    ended = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [str(int(signal.SIGTERM)), "set()", "True"]
