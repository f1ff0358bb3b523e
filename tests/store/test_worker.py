"""A worker's parent and its work horse: what becomes of runs when either dies, is late, or does not hear."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.suspension import suspend

from service.bots.support.secrets import Vault
from service.domain.run_records import Claim, JobFields, Outcome
from service.errors import StoreFull, StoreUnavailable
from service.settings import Settings
from service.store.keys import Keys
from service.worker import waiting
from service.worker.board import Board, UnderWay
from service.worker.horse import Recycling, WorkHorse
from service.worker.ipc import Horse, Orders
from service.worker.leftovers.untouched import Untouched
from service.worker.process import BotWorker
from service.worker.watchdog import Watch
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.work_horse import carry_out, horse_with, tame_horse

GOES_ON, LEAVES = 3, 4
"""Exit statuses by which a horse tells a test."""


@pytest.fixture
def worker(rig: Rig, valkey_server: ValkeyServer) -> BotWorker:
    """A worker that is not started, and whose methods a test calls."""
    return BotWorker(valkey_server.client(), rig.keys, Settings(redis_url=SecretStr(valkey_server.url)), Vault({}))


@pytest.fixture
def work_horse(rig: Rig, valkey_server: ValkeyServer) -> WorkHorse:
    """A horse with a bot that does nothing."""
    return tame_horse(valkey_server.client(), rig.keys, Quick)


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

    def lossy(*args: Any, **named: Any) -> Any:
        asked.append(args)
        answer = call(*args, **named)
        if len(asked) == 1:
            then()
            raise StoreUnavailable("Redis did not answer in time")
        return answer

    return lossy


def test_a_secret_that_is_a_common_word_changes_no_decision(rig: Rig, valkey_server: ValkeyServer) -> None:
    """A run that its stopping worker cut short is run again, though its error and result are rid of secrets."""
    vault = Vault({"BOT_SECRET_WORD": "stopped", "BOT_SECRET_LONG": "0123456789abcdef"})
    work_horse = tame_horse(valkey_server.client(), rig.keys, Heeding, vault)
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    carry_out(work_horse, run_id)
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
    taken = work_horse._taker._claim(run_id)
    assert taken is not None and asked[0] == asked[1]
    assert taken[1] <= time.monotonic()
    assert (rig.client.zscore(rig.keys.leases, run_id) or 0) > time.time() * 1000 + 20_000
    assert work_horse._taker._claim(run_id) is None, "another claim does not get it"


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
    taken = work_horse._taker._claim(run_id)
    assert taken is not None and taken[0].run_id == run_id


def failing_first(call: Callable[..., Any], *failures: Exception) -> Callable[..., Any]:
    """`call`, which fails in these ways before it works."""
    left = list(failures)

    def attempt(*args: Any, **named: Any) -> Any:
        if left:
            raise left.pop(0)
        return call(*args, **named)

    return attempt


def test_waiting_for_work_outlasts_a_redis_that_is_away(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it fails meanwhile, the same process is there when Redis is back."""
    taker, wait = work_horse._taker, work_horse._wait
    away, full = StoreUnavailable("away"), StoreFull("full")
    monkeypatch.setattr(wait, "pop", failing_first(wait.pop, away))
    monkeypatch.setattr(taker._runs, "claim", failing_first(taker._runs.claim, full, away))
    run_id = rig.use.run_now(rig.make_job())
    assert taker.next() is None and rig.queue() == [run_id], "Redis is away"
    assert taker.next() is None and rig.runs.popped() == [run_id], "Redis is full: the reaper puts it back"
    rig.runs.requeue(run_id)
    taken = taker.next()
    assert taken is not None and taken[0].run_id == run_id, "the claim was repeated"


def test_a_worker_starts_no_horse_while_redis_is_away_and_shows_itself_when_it_is_back(
    rig: Rig, worker: BotWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that it is idle as soon as it can say anything."""
    away = RedisConnectionError("away")
    monkeypatch.setattr(worker, "heartbeat", failing_first(worker.heartbeat, away))
    monkeypatch.setattr(worker._presence, "beat_worker", failing_first(worker._presence.beat_worker, away, away))
    started = []
    for _ in range(4):
        with suppress(RedisConnectionError):  # our own presence translates it
            worker._watcher._look(None)
        started.append(worker._watcher._may_start)
    assert started == [False, False, False, True]
    assert rig.client.hget(worker.key, "state") == b"idle"


def test_a_next_run_whose_claim_was_not_heard_of_is_found_again(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer that ends one run and begins the next is lost: asked again, it is the same next run, and only one."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    first, second, third = (rig.use.run_now(job_id) for _ in range(3))
    rig.client.lpop(rig.keys.rq_queue)
    taken = work_horse._taker._claim(first)
    assert taken is not None
    asked: list[Any] = []
    monkeypatch.setattr(
        work_horse._runs,
        "finish_and_claim",
        losing_the_first_answer(work_horse._runs.finish_and_claim, asked, lambda: None),
    )
    following = work_horse._taker.after(taken[0], Outcome("success", None, {}), None, lambda: None)
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
    taken = work_horse._taker._claim(first)
    assert taken is not None
    suspend(rig.client)
    assert work_horse._taker.after(taken[0], Outcome("success", None, {}), None, lambda: None) is None
    assert rig.queue() == [second]


def test_a_run_that_is_popped_while_rqs_workers_are_suspended_goes_back_in_front(
    rig: Rig, work_horse: WorkHorse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody suspends them between the horse's look and the pop."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    first, second = (rig.use.run_now(job_id) for _ in range(2))
    monkeypatch.setattr(waiting, "execute", lambda *command: 0)
    suspend(rig.client)
    assert work_horse._taker._pop() is None
    assert (rig.queue(), rig.runs.popped()) == ([first, second], [])


def test_a_run_that_is_popped_by_a_horse_that_nobody_watches_goes_back(rig: Rig, work_horse: WorkHorse) -> None:
    """Its lease would not be renewed."""
    run_id = rig.use.run_now(rig.make_job())
    work_horse._taker._is_watched = lambda: False
    assert work_horse._taker._pop() is None
    assert (rig.queue(), rig.runs.popped()) == ([run_id], [])


def test_a_request_to_stop_ends_the_wait_and_nothing_more_is_popped(rig: Rig, work_horse: WorkHorse) -> None:
    """The connection on which Redis would answer is closed at once; each further wait ends before it begins."""
    wait = work_horse._wait
    before = signal.signal(signal.SIGALRM, lambda *_: wait.wake())
    try:
        asks = threading.Thread(target=alarm_once_somebody_waits, args=(rig,))
        asks.start()
        assert wait.pop() is None
        asks.join()
    finally:
        signal.signal(signal.SIGALRM, before)
    until(lambda: blocked(rig) == 0, 30)
    run_id = rig.use.run_now(rig.make_job())
    assert (rig.queue(), rig.runs.popped()) == ([run_id], [])
    wait.rest(3600)


def blocked(rig: Rig) -> int:
    """How many clients wait in Redis."""
    return int(rig.client.info("clients")["blocked_clients"])


def alarm_once_somebody_waits(rig: Rig) -> None:
    """Sends this process a SIGALRM."""
    until(lambda: blocked(rig) > 0, 30)
    os.kill(os.getpid(), signal.SIGALRM)


def claimed_and_slept(rig: Rig, worker: BotWorker, seconds: float) -> Horse:
    """A horse with a run that is claimed for `worker` and takes so long."""
    run_id = rig.use.run_now(rig.make_job())
    claim = rig.runs.claim(run_id, "token", worker.name, 10_000)
    assert claim is not None

    def main(orders: Orders, board: Board) -> None:
        board.show(UnderWay(claim.ids, "token", time.monotonic(), 60))
        time.sleep(seconds)
        board.clear()

    return Horse(main)


def watch(worker: BotWorker, horse: Horse) -> None:
    """Watch this horse until it is gone, as a worker that is stopping does."""
    worker._keeper.horse = horse
    worker._watcher.stop()
    worker._watcher.watch()


def test_watching_a_run_never_waits_for_rqs_own_connection(rig: Rig, worker: BotWorker) -> None:
    """That one waits 20 s for an answer that does not come, longer than a lease may be left unrenewed."""
    horse = claimed_and_slept(rig, worker, 2.5)
    leases: Any = rig.client.zrange(rig.keys.leases, 0, -1, withscores=True)
    ((run_id, first_lease),) = leases
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        worker.connection = Redis(port=deaf.getsockname()[1], socket_timeout=20)
        deaf.setblocking(False)
        watch(worker, horse)
        with pytest.raises(BlockingIOError):
            deaf.accept()
    assert (rig.client.zscore(rig.keys.leases, run_id) or 0) > first_lease


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
    horse = claimed_and_slept(rig, worker, 1.2)
    watch(worker, horse)
    assert heard and min(heard) >= 0.3


def test_a_horse_that_dies_costs_only_the_run_that_it_carries_out(rig: Rig, worker: BotWorker) -> None:
    """What it had claimed fails, also if the board does not show it; what it had only popped is the reaper's."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    shown, not_shown, popped = (rig.use.run_now(job_id) for _ in range(3))
    for run_id in (shown, not_shown):
        assert rig.runs.claim(run_id, f"token-{run_id}", worker.name, 10_000)
    for run_id in (shown, not_shown, popped):
        rig.client.lrem(rig.keys.rq_queue, 0, run_id)
    rig.client.lpush(rig.keys.rq_intermediate, popped)

    def main(orders: Orders, board: Board) -> None:
        board.show(UnderWay({"job_id": job_id, "run_id": shown}, f"token-{shown}", time.monotonic(), 60))
        os.kill(os.getpid(), signal.SIGKILL)

    watch(worker, Horse(main))
    outcomes = {run["id"]: (run["status"], run["error"]) for run in rig.history(job_id)}
    killed = ("failed", "the bot's process was killed by SIGKILL")
    assert outcomes == {shown: killed, not_shown: killed, popped: ("queued", None)}
    assert rig.runs.popped() == [popped]


def test_a_horse_whose_bot_writes_over_the_board_is_killed(rig: Rig, worker: BotWorker) -> None:
    """Its worker could not renew the lease of a run that it does not know of."""
    run_id = rig.use.run_now(job_id := rig.make_job())
    assert rig.runs.claim(run_id, "token", worker.name, 10_000)

    def main(orders: Orders, board: Board) -> None:
        board._memory[:] = b"\xff" * len(board._memory)
        time.sleep(600)

    watch(worker, Horse(main))
    (run,) = rig.history(job_id)
    assert run["status"] == "failed" and "memory that it shares with its worker" in run["error"]


def test_an_order_for_a_run_that_has_ended_meets_no_other(rig: Rig) -> None:
    """The horse has gone on to its next run when the order comes: its token is another."""

    def main(orders: Orders, board: Board) -> None:
        horse = bare_horse(orders, board)
        horse._listen()
        horse._claim = Claim("run-2", "token-2", 0, {}, JobFields())
        horse._interruptible = True
        board.show(UnderWay({"run_id": "run-2"}, "listens", 0.0, 0.0))
        while not horse._stop.raised:  # until its own order
            time.sleep(0.01)

    horse = Horse(main)
    until(lambda: horse.board.shown() is not None, 30)
    horse.order("interrupt", "token-1")
    assert not horse.wait(0.5), "it was not interrupted"
    horse.order("ask", "token-2")
    assert horse.wait(30) and horse.status() == 0
    horse.close()


def bare_horse(orders: Orders, board: Board) -> WorkHorse:
    """A horse in its process, without anything that it would need for a run."""
    horse = horse_with(None, Redis(), Keys(), orders, board)
    horse._recycling = Recycling(10, 10_000)
    return horse


@pytest.mark.parametrize("leftover", ["a thread", "a child", "a folder", "a handler", "an alarm", "nothing"])
def test_a_horse_whose_bot_left_something_behind_goes_on_no_more(leftover: str) -> None:
    """Its next run would meet it; one that left nothing goes on."""

    def main(orders: Orders, board: Board) -> None:
        horse = bare_horse(orders, board)
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
        os._exit(GOES_ON if horse._may_go_on() else LEAVES)

    horse = Horse(main)
    assert horse.wait(30)
    assert os.waitstatus_to_exitcode(horse.status() or 0) == (GOES_ON if leftover == "nothing" else LEAVES)
    with suppress(ProcessLookupError):
        os.killpg(horse.pid, signal.SIGKILL)
    horse.close()


def test_what_the_parent_has_thrown_away_is_nothing_that_a_bot_left(tmp_path: Path) -> None:
    """An open file in the parent's garbage stays as it is when a bot has Python collect its own."""

    def main(orders: Orders, board: Board) -> None:
        horse = bare_horse(orders, board)
        horse._untouched, horse._carried_out = Untouched(), 1
        gc.collect()
        horse._look_around()
        os._exit(GOES_ON if horse._may_go_on() else LEAVES)

    gc.disable()  # until the horse has its copy
    try:
        cycle: list[object] = [(tmp_path / "open").open("w")]
        cycle.append(cycle)
        del cycle
        horse = Horse(main)
    finally:
        gc.enable()
    assert horse.wait(30) and os.waitstatus_to_exitcode(horse.status() or 0) == GOES_ON
    horse.close()
    with suppress(ResourceWarning):
        gc.collect()


def test_a_horse_that_nobody_looks_after_notices_it() -> None:
    """Nobody would renew the lease of its next run while the parent is frozen."""

    def main(orders: Orders, board: Board) -> None:
        assert board.is_watched()
        while board.is_watched():
            time.sleep(0.05)

    horse = Horse(main)
    assert horse.wait(30) and horse.status() == 0
    horse.close()


def test_an_order_that_comes_before_the_horse_listens_is_obeyed() -> None:
    """It reads what is in the pipe once it can be signalled; the signal alone would have ended it."""

    def main(orders: Orders, board: Board) -> None:
        until(lambda: bool(select.select([orders._control], [], [], 0)[0]), 30)
        horse = bare_horse(orders, board)
        horse._listen()
        os._exit(GOES_ON if horse._may_go_on() else LEAVES)

    horse = Horse(main)
    horse.order("drain")
    assert horse.wait(30) and os.waitstatus_to_exitcode(horse.status() or 0) == LEAVES
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
