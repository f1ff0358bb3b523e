"""The deaths: each kills something, waits until people hear of it, mends it, and waits until they hear of that."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.deaths.ears import listening
from tests.deaths.stage import Stage
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

NO_SCHEDULER, NO_WORKER, AWAY, REFUSES = (
    "No scheduler is up", "No worker is up, and runs wait", "Redis is away", "Redis takes no writes",
)  # fmt: skip
PATIENCE = 150.0
LONG_AGO = 65.0
"""Seconds that the watch was up before a death, so that it counts waits in full."""


@dataclass(slots=True)
class Outcome:
    """Who heard what of a death.

    Args:
        death: its name.
        alert: the subject.
        http, mail: seconds until the receiver had it.
        fail: seconds until the monitor outside heard; None where all that it asks for was well.
        over: seconds from the mending until the end was told.
        times: how often the receiver got the alert.
        note: what else is worth a word.
    """

    death: str
    alert: str
    http: float | None = None
    mail: float | None = None
    fail: float | None = None
    over: float | None = None
    times: int = 0
    note: str = field(default="")

    def row(self) -> str:
        """Its row of the table."""
        cells = [_seconds(value) for value in (self.http, self.mail, self.fail, self.over)]
        return f"| {self.death} | “{self.alert}” | {' | '.join(cells)} | {self.times} | {self.note} |"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} s"


@contextmanager
def a_stage(
    folder: Path, *names: str, keeps: tuple[str, ...] = ("--appendonly", "no"), **settings: str
) -> Iterator[Stage]:
    """An installation whose watch has been up for a while; a job is due every five seconds."""
    with ExitStack() as closing:
        ears = closing.enter_context(listening())
        server = closing.enter_context(ValkeyServer(folder, *keeps))
        stage = closing.enter_context(Stage(folder, server, ears, **settings))
        stage.start("web", *names).until_web_answers(200)
        stage.make_job(name="Tick", schedule_config={"seconds": 5}, options={"overlap": "queue"})
        stage.watched_for(LONG_AGO)
        yield stage


def told(stage: Stage, outcome: Outcome, *, fails: str | None) -> None:
    """Waits until all have heard of the death. `fails` is a part of the reason that the monitor hears."""
    outcome.http = stage.heard("http", outcome.alert, PATIENCE)
    outcome.mail = stage.heard("mail", outcome.alert, PATIENCE)
    outcome.fail = None if fails is None else stage.heard("fail", fails, PATIENCE)


def mended(stage: Stage, outcome: Outcome, subject: str) -> None:
    """Waits until the end is told, and counts how often each was told."""
    outcome.times = len(stage.ears.found("http", outcome.alert, stage.died))
    stage.dies()
    outcome.over = stage.heard("http", subject, PATIENCE)


def killed_scheduler(folder: Path) -> Outcome:
    """SIGKILL."""
    outcome = Outcome("the scheduler is SIGKILLed", NO_SCHEDULER)
    with a_stage(folder, "scheduler", "worker") as stage:
        stage.dies()
        stage.kill("scheduler")
        told(stage, outcome, fails="Due jobs are not started")
        stage.start("scheduler-2")
        mended(stage, outcome, "A scheduler is up again")
    return outcome


def frozen_scheduler(folder: Path) -> Outcome:
    """SIGSTOP."""
    outcome = Outcome("it is SIGSTOPped", NO_SCHEDULER)
    with a_stage(folder, "scheduler", "worker") as stage:
        stage.dies()
        stage.signal_tree("scheduler", signal.SIGSTOP)
        told(stage, outcome, fails="Due jobs are not started")
        stage.signal_tree("scheduler", signal.SIGCONT)
        mended(stage, outcome, "A scheduler is up again")
    return outcome


def stuck_scheduler(folder: Path) -> Outcome:
    """Its loop hangs in an import; its other threads go on."""
    outcome = Outcome("its loop is stuck in a bot's import", NO_SCHEDULER)
    with a_stage(folder, "stuck", "worker") as stage:
        stage.dies()
        stage.stuck_when.touch()
        told(stage, outcome, fails="Due jobs are not started")
        stage.kill("stuck")
        stage.start("scheduler-2")
        mended(stage, outcome, "A scheduler is up again")
    return outcome


def killed_schedulers(folder: Path) -> Outcome:
    """Of two, both."""
    outcome = Outcome("two schedulers, both SIGKILLed", NO_SCHEDULER)
    with a_stage(folder, "scheduler-1", "scheduler-2", "worker") as stage:
        stage.dies()
        stage.kill("scheduler-1")
        stage.kill("scheduler-2")
        told(stage, outcome, fails="Due jobs are not started")
        stage.start("scheduler-3")
        mended(stage, outcome, "A scheduler is up again")
    return outcome


def killed_workers(folder: Path) -> Outcome:
    """All of their processes."""
    outcome = Outcome("all workers are SIGKILLed, and runs wait", NO_WORKER)
    with a_stage(folder, "scheduler", "worker") as stage:
        stage.dies()
        stage.kill_tree("worker")
        told(stage, outcome, fails="No worker is up")
        stage.start("worker-2")
        mended(stage, outcome, "Runs are taken up again")
    return outcome


def frozen_workers(folder: Path) -> Outcome:
    """All of their processes."""
    outcome = Outcome("all workers are SIGSTOPped, and runs wait", NO_WORKER)
    with a_stage(folder, "scheduler", "worker") as stage:
        stage.dies()
        stage.signal_tree("worker", signal.SIGSTOP)
        told(stage, outcome, fails="No worker is up")
        stage.signal_tree("worker", signal.SIGCONT)
        mended(stage, outcome, "Runs are taken up again")
    return outcome


def redis_away(folder: Path) -> Outcome:
    """SIGKILL, and a start on what it has kept."""
    outcome = Outcome("Redis is SIGKILLed", AWAY)
    with a_stage(folder, "scheduler", "worker", keeps=("--appendonly", "yes")) as stage:
        stage.dies()
        stage.server.kill()
        told(stage, outcome, fails="Redis cannot be reached")
        stage.server.start()
        mended(stage, outcome, "Redis can be used again")
    return outcome


def redis_read_only(folder: Path) -> Outcome:
    """It becomes a replica of a primary that is gone."""
    outcome = Outcome("Redis becomes a replica (read-only)", REFUSES)
    with a_stage(folder, "scheduler", "worker") as stage:
        stage.dies()
        stage.client.replicaof("127.0.0.1", 1)
        told(stage, outcome, fails="REDIS_URL leads to a replica")
        stage.client.replicaof("NO", "ONE")
        mended(stage, outcome, "Redis can be used again")
    return outcome


def full_disk(folder: Path) -> Outcome:
    """Its writes to the disk fail, so it refuses ours (MISCONF)."""
    outcome = Outcome("Redis' disk is full", REFUSES)
    with a_stage(folder, "scheduler", "worker", keeps=("--appendonly", "yes")) as stage:
        stage.dies()
        stage.server.fill_disk()
        told(stage, outcome, fails="MISCONF")
        stage.server.free_disk()
        mended(stage, outcome, "Redis can be used again")
    return outcome


def killed_web(folder: Path) -> Outcome:
    """The web process that sends is SIGKILLed, with all others, while no receiver has answered yet."""
    outcome = Outcome("the web processes are SIGKILLed while they send", "Doomed failed")
    with ExitStack() as closing:
        ears = closing.enter_context(listening())
        server = closing.enter_context(ValkeyServer(folder, "--appendonly", "no"))
        stage = closing.enter_context(Stage(folder, server, ears))
        die_while_sending(stage)
        outcome.http = stage.heard("http", outcome.alert, PATIENCE)
        outcome.mail = stage.heard("mail", outcome.alert, PATIENCE)
        outcome.times = len(ears.found("http", outcome.alert))
        outcome.note = "a scheduler sends it again; the receivers had got it before the kill, too"
    return outcome


def die_while_sending(stage: Stage) -> None:
    """Has a web process be the courier, and dies when both receivers have an alert that they have not answered."""
    stage.start("web").until_web_answers()
    until(lambda: stage.holder("courier") in stage.tree("web"), 30, lambda: stage.log("web"))
    stage.start("scheduler", "worker").until_healthy()
    stage.ears.open.clear()
    doomed = stage.make_job(name="Doomed", bot_config={"mode": "raise"})
    stage.run_now(doomed)
    for by in ("http", "mail"):
        stage.heard(by, "Doomed failed", 30)
    assert stage.holder("courier") in stage.tree("web")
    stage.dies()
    stage.kill_tree("web")
    stage.ears.open.set()


def mail_away(folder: Path, seconds: float = 600.0) -> Outcome:
    """The mail server refuses connections for a while, and a run fails meanwhile."""
    outcome = Outcome(f"the mail server is away for {seconds / 60:.0f} min", "Doomed failed")
    with ExitStack() as closing:
        ears = closing.enter_context(listening())
        server = closing.enter_context(ValkeyServer(folder, "--appendonly", "no"))
        stage = closing.enter_context(Stage(folder, server, ears))
        stage.start("web", "scheduler", "worker").until_healthy()
        ears.close_mail()
        doomed = stage.make_job(name="Doomed", bot_config={"mode": "raise"})
        stage.dies()
        stage.run_now(doomed)
        outcome.http = stage.heard("http", outcome.alert, PATIENCE)
        unsent = stage.heard("http", "An alert could not be sent", PATIENCE)
        back = stage.died + seconds
        until(lambda: time.monotonic() > back, seconds + 5)
        ears.open_mail()
        outcome.mail = stage.heard("mail", outcome.alert, seconds + 2 * PATIENCE)
        outcome.times = len(ears.found("http", outcome.alert))
        outcome.note = (
            f"the other address hears of it after {unsent:.0f} s; "
            f"mail comes {outcome.mail - seconds:.0f} s after the server is back"
        )
    return outcome


DEATHS: dict[str, Callable[[Path], Outcome]] = {
    one.__name__: one
    for one in (
        killed_scheduler, frozen_scheduler, stuck_scheduler, killed_schedulers, killed_workers, frozen_workers,
        redis_away, redis_read_only, full_disk, killed_web, mail_away,
    )
}  # fmt: skip
