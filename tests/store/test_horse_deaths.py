"""A work horse that is killed at each instant of its work: every run has one end, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from service.bots.support.secrets import Vault
from service.settings import Settings
from service.store.runs.run_hashes import RunStore
from service.worker.board import Board
from service.worker.process import BotWorker
from service.worker.taking import Taker
from service.worker.waiting import QueueWait
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig

SUCCESS = ("success", None)
KILLED = ("failed", "the bot's process was killed by SIGKILL")


class Quick:
    """A bot that does nothing."""

    name = "echo"
    Config = EchoConfig

    def run(self, context: Any) -> dict[str, Any]:
        return {}


class Leaver(Quick):
    """A bot that leaves its process in another folder."""

    def run(self, context: Any) -> dict[str, Any]:
        os.chdir("/" if os.getcwd() != "/" else "/tmp")
        return {}


@pytest.fixture
def worker(rig: Rig, valkey_server: ValkeyServer) -> BotWorker:
    """A worker whose horse knows one bot."""
    # The horse is forked off this process, which may be large: no run is to be its last because of that.
    settings = Settings(redis_url=SecretStr(valkey_server.url), worker_recycle_mb=100_000)
    made = BotWorker(valkey_server.client(), rig.keys, settings, Vault({}))
    made._around.bots = {"echo": Quick}  # type: ignore[dict-item]
    return made


@contextmanager
def working(worker: BotWorker, ended: Callable[[], bool]) -> Iterator[None]:
    """Have the worker watch its horses meanwhile, until it has ended what there is."""

    def stop() -> None:
        try:
            until(ended, 60)
        finally:
            worker._watcher.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    yield
    worker._watcher.watch()
    stopping.join()


def dying(call: Callable[..., Any], marker: Path, when: str) -> Callable[..., Any]:
    """`call`, before or after which the first process that comes there is killed."""

    def die() -> None:
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

    def attempt(*args: Any, **named: Any) -> Any:
        if when == "before":
            die()
        answer = call(*args, **named)
        if when == "after":
            die()
        return answer

    return attempt


@pytest.mark.parametrize(
    ("part", "name", "when", "first", "second"),
    [
        (Taker, "next", "before", SUCCESS, SUCCESS),
        (RunStore, "claim", "after", KILLED, SUCCESS),
        (Board, "show", "before", KILLED, SUCCESS),
        (Board, "show", "after", KILLED, SUCCESS),
        (RunStore, "finish_and_claim", "before", KILLED, SUCCESS),
        (RunStore, "finish_and_claim", "after", SUCCESS, KILLED),
    ],
    ids=[
        "before anything", "between claim and board", "before the board", "on the board",
        "before the end", "between an end and the next run",
    ],
)  # fmt: skip
def test_a_killed_horse_costs_no_more_than_its_run(
    rig: Rig, worker: BotWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    part: type, name: str, when: str, first: tuple[str, str | None], second: tuple[str, str | None],
) -> None:  # fmt: skip
    """Two runs wait; the next horse carries out what is left of them."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    ids = [rig.use.run_now(job_id) for _ in range(2)]
    monkeypatch.setattr(part, name, dying(getattr(part, name), tmp_path / "died", when))

    def ended() -> bool:
        return (tmp_path / "died").exists() and all(run["finished_at"] for run in rig.history(job_id))

    with working(worker, ended):
        pass
    ends = {run["id"]: (run["status"], run["error"]) for run in rig.history(job_id)}
    assert ends == dict(zip(ids, (first, second), strict=True))
    assert (rig.queue(), rig.runs.popped()) == ([], [])
    assert rig.client.zcard(rig.keys.leases) == 0


def test_what_a_killed_horse_had_popped_alone_is_put_back_by_the_reaper(
    rig: Rig, worker: BotWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes out of the intermediate list, and runs once."""
    died = tmp_path / "died"
    monkeypatch.setattr(QueueWait, "pop", dying(QueueWait.pop, died, "after"))
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)

    def ended() -> bool:
        if died.exists() and rig.runs.popped() == [run_id]:
            rig.runs.requeue(run_id)
        return all(run["finished_at"] for run in rig.history(job_id))

    with working(worker, ended):
        pass
    assert [(run["id"], run["status"]) for run in rig.history(job_id)] == [(run_id, "success")]


@pytest.mark.parametrize(
    ("when", "killed"), [(None, 0), ("before", 1), ("after", 0)], ids=["no kill", "claimed", "given back"]
)
def test_a_run_claimed_by_a_process_that_is_to_be_replaced_is_given_back(
    rig: Rig, worker: BotWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str | None, killed: int
) -> None:
    """Every run has a process of its own, they run in order, and a kill in between costs at most the claimed run."""
    worker._around.bots = {"echo": Leaver}  # type: ignore[dict-item]
    job_id = rig.make_job(options={"max_concurrent_runs": 4})
    ids = [rig.use.run_now(job_id) for _ in range(4)]
    monkeypatch.setattr(RunStore, "release", dying(RunStore.release, tmp_path / "died", when or "never"))

    with working(worker, lambda: all(run["finished_at"] for run in rig.history(job_id))):
        pass
    history = {run["id"]: run for run in rig.history(job_id)}
    assert [history[run_id]["error"] for run_id in ids] == [None, *[KILLED[1]] * killed, *[None] * (3 - killed)]
    starts = [history[run_id]["started_at"] for run_id in ids]
    assert starts == sorted(starts)
    assert (rig.queue(), rig.runs.popped()) == ([], [])
    assert rig.client.zcard(rig.keys.leases) == 0
