"""A worker's parent and its work horse: what becomes of runs when either dies, is late, or does not hear."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.suspension import suspend

from service.bots.support.secrets import Vault
from service.domain.run_records import Claim, Outcome
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.rq_records import make_scripts
from service.store.runs.run_hashes import RunStore
from service.store.scripts import Limits
from service.worker.horse import Recycling, WorkHorse
from service.worker.ipc import Began, Horse, Orders
from service.worker.leftovers.untouched import Untouched
from service.worker.process import BotWorker
from service.worker.runner import Surroundings
from service.worker.watchdog import Watch
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig


@pytest.fixture
def worker(rig: Rig, valkey_server: ValkeyServer) -> BotWorker:
    """A worker that is not started, and whose methods a test calls."""
    return BotWorker(valkey_server.client(), rig.keys, Settings(redis_url=SecretStr(valkey_server.url)), Vault({}))


class Told:
    """A horse's link whose other end is the test."""

    def __init__(self) -> None:
        self.begun: list[Began] = []

    def began(self, run: Began) -> None:
        self.begun.append(run)

    def is_watched(self) -> bool:
        return True


@pytest.fixture
def work_horse(rig: Rig, valkey_server: ValkeyServer) -> WorkHorse:
    """A horse without a process of its own, whose methods a test calls."""
    around = Surroundings({"echo": Quick}, None, lambda bot, run_id: None, lambda bot: None, Settings())  # type: ignore[arg-type, return-value, dict-item]
    runs = RunStore(make_scripts(valkey_server.client(), rig.keys, Limits()))
    return WorkHorse(Told(), runs, around, "worker-1", 30_000, Recycling(100, 10_000))  # type: ignore[arg-type]


class Quick:
    """A bot that does nothing."""

    name = "echo"
    Config = EchoConfig

    def run(self, context: Any) -> dict[str, Any]:
        return {}


class Heeding(Quick):
    """A bot that stops when it is asked to, and had got hold of a secret."""

    safe_to_rerun = True

    def run(self, context: Any) -> dict[str, Any]:
        context.stop.raised = True
        return {"stopped": context.cancelled, "text": "the work of 0123456789abcdef"}


def losing_the_first_answer(call: Callable[..., Any], asked: list[Any], then: Callable[[], object]) -> Any:
    """`call`, whose first answer is lost on the way."""

    def lossy(*args: Any) -> Any:
        asked.append(args)
        answer = call(*args)
        if len(asked) == 1:
            then()
            raise StoreUnavailable("Redis did not answer in time")
        return answer

    return lossy


def test_a_secret_that_is_a_common_word_changes_no_decision(rig: Rig, valkey_server: ValkeyServer) -> None:
    """A run that its stopping worker cut short is run again, though its error and result are rid of secrets."""
    vault = Vault({"BOT_SECRET_WORD": "stopped", "BOT_SECRET_LONG": "0123456789abcdef"})
    around = Surroundings({"echo": Heeding}, None, lambda bot, run_id: None, lambda bot: None, Settings(), vault)  # type: ignore[arg-type, return-value, dict-item]
    runs = RunStore(make_scripts(valkey_server.client(), rig.keys, Limits()))
    work_horse = WorkHorse(Told(), runs, around, "worker-1", 30_000, Recycling(100, 10_000))  # type: ignore[arg-type]
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    taken = work_horse._take(run_id)
    assert taken is not None
    work_horse._carry_out(*taken)
    again, first = rig.history(job_id)
    assert first["error"] == "worker [BOT_SECRET_WORD]"
    assert first["result"] == {"stopped": True, "text": "the work of [BOT_SECRET_LONG]"}
    assert again["id"] != run_id and again["status"] == "queued"


def test_a_claim_whose_answer_was_lost_is_not_lost_with_it(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is taken in Redis, so this worker asks again until it knows, with the same token and a fresh lease."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    asked: list[Any] = []
    lossy = losing_the_first_answer(
        work_horse._runs.claim, asked, lambda: rig.client.zadd(rig.keys.leases, {run_id: 1})
    )
    monkeypatch.setattr(work_horse._runs, "claim", lossy)
    taken = work_horse._take(run_id)
    assert taken is not None and asked[0] == asked[1]
    assert taken[1] <= time.monotonic()
    assert (rig.client.zscore(rig.keys.leases, run_id) or 0) > time.time() * 1000 + 20_000
    assert work_horse._take(run_id) is None, "another claim does not get it"


def test_a_claim_whose_answer_was_lost_is_kept_though_somebody_asked_to_cancel_it(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is this worker's all the same: left alone, its cancel would end as a dead worker's failure."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    asked: list[Any] = []
    cancel = losing_the_first_answer(
        work_horse._runs.claim, asked, lambda: rig.runs.cancel(job_id, run_id, "cancelled by request")
    )
    monkeypatch.setattr(work_horse._runs, "claim", cancel)
    taken = work_horse._take(run_id)
    assert taken is not None and taken[0].run_id == run_id


def test_waiting_for_work_outlasts_a_redis_that_is_away(
    rig: Rig, worker: BotWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it fails meanwhile, the same process is there when Redis is back, and says that it is idle."""
    set_state, beat = worker.set_state, worker._presence.beat_worker
    failures: list[Exception] = [RedisConnectionError("away"), StoreUnavailable("away")]

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def attempt(*args: Any) -> Any:
            if failures:
                raise failures.pop()
            return call(*args)

        return attempt

    monkeypatch.setattr(worker, "set_state", failing(set_state))
    monkeypatch.setattr(worker._presence, "beat_worker", failing(beat))
    run_id = rig.use.run_now(rig.make_job())
    found = worker.dequeue_job_and_maintain_ttl(1)
    assert found is not None and found[0].id == run_id and failures == []
    assert rig.client.hget(worker.key, "state") == b"idle"
    worker.teardown()


def test_a_next_run_whose_claim_was_not_heard_of_is_found_again(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that ends one run and begins the next is lost: asked again, it is the same next run, and only one."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    first, second, third = (rig.use.run_now(job_id) for _ in range(3))
    rig.client.lpop(rig.keys.rq_queue)
    taken = work_horse._take(first)
    assert taken is not None
    asked: list[Any] = []
    monkeypatch.setattr(
        work_horse._runs,
        "finish_and_claim",
        losing_the_first_answer(work_horse._runs.finish_and_claim, asked, lambda: None),
    )
    following = work_horse._end_and_take_next(taken[0], Outcome("success", None, {}), None)
    assert following is not None and following[0].run_id == second
    assert len(asked) == 2 and asked[0] == asked[1]
    assert {run["id"]: run["status"] for run in rig.history(job_id)} == {
        first: "success", second: "running", third: "queued",
    }  # fmt: skip
    assert rig.queue() == [third]


def test_a_horse_takes_nothing_while_rqs_workers_are_suspended(rig: Rig, work_horse: WorkHorse) -> None:
    """`rq suspend` holds for the runs that a horse takes by itself, too."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    first, second = (rig.use.run_now(job_id) for _ in range(2))
    rig.client.lpop(rig.keys.rq_queue)
    taken = work_horse._take(first)
    assert taken is not None
    suspend(rig.client)
    assert work_horse._end_and_take_next(taken[0], Outcome("success", None, {}), None) is None
    assert rig.queue() == [second]


def claimed_and_slept(rig: Rig, worker: BotWorker, seconds: float) -> tuple[str, Horse]:
    """A run that a horse claims for `worker` and carries out for so long."""
    run_id = rig.use.run_now(rig.make_job())
    claim = rig.runs.claim(run_id, "token", worker.name, 10_000)
    assert claim is not None

    def main(orders: Orders) -> None:
        orders.began(Began(claim.ids, "token", time.monotonic(), 60))
        time.sleep(seconds)
        orders.rests("leaves")

    return run_id, Horse(main)


def test_watching_a_run_never_waits_for_rqs_own_connection(rig: Rig, worker: BotWorker) -> None:
    """That one waits 20 s for an answer that does not come, longer than a lease may be left unrenewed."""
    run_id, horse = claimed_and_slept(rig, worker, 2.5)
    first_lease = rig.client.zscore(rig.keys.leases, run_id)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        worker.connection = Redis(port=deaf.getsockname()[1], socket_timeout=20)
        deaf.setblocking(False)
        worker._watcher.watch(horse, run_id)
        with pytest.raises(BlockingIOError):
            deaf.accept()
    assert (rig.client.zscore(rig.keys.leases, run_id) or 0) > (first_lease or 0)


def test_a_lease_counts_from_when_it_was_asked_for(
    rig: Rig, worker: BotWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis' clock ran while its answer was on the way."""
    heard = []

    def answer_slowly(*args: Any) -> str:
        time.sleep(0.3)
        return "kept"

    monkeypatch.setattr(worker._watcher._runs, "renew", answer_slowly)
    monkeypatch.setattr(Watch, "heard", lambda self, answer, at: heard.append(time.monotonic() - at))
    run_id, horse = claimed_and_slept(rig, worker, 1.2)
    worker._watcher.watch(horse, run_id)
    assert heard and min(heard) >= 0.3


def test_a_horse_that_dies_costs_only_the_run_that_it_carries_out(rig: Rig, worker: BotWorker) -> None:
    """What it had claimed fails, also if its parent was not told yet; what it had not claimed is put back."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    told, untold, handed_over = (rig.use.run_now(job_id) for _ in range(3))
    for run_id in (told, untold):
        assert rig.runs.claim(run_id, f"token-{run_id}", worker.name, 10_000)
    for run_id in (told, untold, handed_over):
        rig.client.lrem(rig.keys.rq_queue, 0, run_id)
    rig.client.lpush(rig.keys.rq_intermediate, handed_over)

    def main(orders: Orders) -> None:
        orders.began(Began({"job_id": job_id, "run_id": told}, f"token-{told}", time.monotonic(), 60))
        os.kill(os.getpid(), signal.SIGKILL)

    worker._watcher.watch(Horse(main), handed_over)
    outcomes = {run["id"]: (run["status"], run["error"]) for run in rig.history(job_id)}
    killed = ("failed", "the bot's process was killed by SIGKILL")
    assert outcomes == {told: killed, untold: killed, handed_over: ("queued", None)}
    assert rig.queue() == [handed_over]


def test_an_order_for_a_run_that_has_ended_meets_no_other(rig: Rig) -> None:
    """The horse has gone on to its next run when the order comes: its token is another."""

    def main(orders: Orders) -> None:
        horse = WorkHorse(orders, None, None, "worker-1", 30_000, Recycling(1, 100))  # type: ignore[arg-type]
        horse._listen()
        horse._claim = Claim("run-2", "token-2", 0, {}, {})
        horse._interruptible = True
        orders.rests("idle")
        while not horse._stop.raised:  # until its own order
            time.sleep(0.01)
        orders.rests("leaves")

    horse = Horse(main)
    assert horse.hear(10) == ["idle"]
    horse.order("interrupt", "token-1")
    assert horse.hear(0.5) == []
    assert horse.status() is None, "it was not interrupted"
    horse.order("ask", "token-2")
    assert horse.hear(10) == ["leaves"]
    assert horse.status(wait=True) == 0
    horse.close()


@pytest.mark.parametrize("leftover", ["a thread", "a child", "a folder", "a handler", "an alarm", "nothing"])
def test_a_horse_whose_bot_left_something_behind_goes_on_no_more(leftover: str) -> None:
    """Its next run would meet it; one that left nothing goes on."""

    def main(orders: Orders) -> None:
        horse = WorkHorse(orders, None, None, "worker-1", 30_000, Recycling(10, 10_000))  # type: ignore[arg-type]
        horse._listen()
        horse._untouched, horse._carried_out = Untouched(), 1
        match leftover:
            case "a thread":
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            case "a child":
                subprocess.Popen(["sleep", "60"])
            case "a folder":
                os.chdir("/")
            case "a handler":
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            case "an alarm":
                signal.alarm(60)
        horse._look_around()
        orders.rests("idle" if horse._may_go_on() else "leaves")

    horse = Horse(main)
    assert horse.hear(10) == ["idle" if leftover == "nothing" else "leaves"]
    os.killpg(horse.pid, signal.SIGKILL)
    horse.status(wait=True)
    horse.close()


def test_a_horse_that_nobody_looks_after_takes_nothing_more() -> None:
    """Nobody would renew the lease of its next run while the parent is frozen."""

    def main(orders: Orders) -> None:
        orders.rests("idle" if orders.is_watched() else "leaves")
        while orders.is_watched():
            time.sleep(0.05)
        orders.rests("leaves")

    horse = Horse(main)
    assert horse.hear(10) == ["idle"]
    assert horse.hear(10) == ["leaves"]
    horse.status(wait=True)
    horse.close()


@pytest.mark.parametrize("deaf_seconds", [0.0, 0.4])
def test_a_supervisor_between_two_starts_stops_at_once(deaf_seconds: float) -> None:
    """Also one that waits to start a failing worker again, and with a worker too young to hear the first request."""
    script = f"""
import signal, sys, time
from service.backoff import Backoff
from service.worker.supervisor import Supervisor
def main():
    print("up", flush=True)
    if not {deaf_seconds}:
        return
    time.sleep({deaf_seconds})
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(1))
    while not told:
        time.sleep(0.01)
supervisor = Supervisor(main, 1)
supervisor._backoff = Backoff(600.0, 600.0)
print("up", flush=True)
supervisor.run()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"up\n"] * 2
        if not deaf_seconds:
            until(lambda: not descendants(process.pid), 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
