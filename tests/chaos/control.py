"""The control: a plain rq-scheduler and a plain RQ worker in our place, under the same proxy, kills and count.

They are known to lose and to double (rq-scheduler moves a due job by three calls), so a harness that saw nothing here
would be blind.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rq_scheduler
from redis import Redis

from tests.chaos.audit import account, texts
from tests.chaos.marks import mark
from tests.chaos.proxy import Point, Proxy, kill_and_wait
from tests.support.installation import ROOT
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

INDEX = "rq:scheduler:scheduled_jobs"
LOSES = Point(f"ZADD {INDEX}", "before")
"""Enqueued and removed, but not added for its next time."""
DOUBLES = Point(f"ZREM {INDEX}", "before")
"""Enqueued, but not removed: enqueued again by whoever comes next."""
LOCK_SECONDS = 11
"""What a killed rq-scheduler with a poll of a second leaves locked."""

SCHEDULER = "from rq_scheduler.scripts.rqscheduler import main; main()"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the count found, and where the kills were."""

    expected: int
    lost: list[object]
    doubled: list[object]
    visited: list[str]


def run(folder: Path, points: Sequence[Point], schedules: int = 10) -> Outcome:
    """Hourly schedules, each due once now: one run and one next time are expected of each.

    Args:
        folder: for Redis' files and the marks.
        points: where the scheduler is killed, one after the other.
    """
    server = ValkeyServer(folder, "--appendonly", "yes", "--appendfsync", "always")
    processes: dict[str, subprocess.Popen[bytes]] = {}
    proxy = Proxy(server.port, {}, lambda name: processes[name].pid)
    url = f"redis://127.0.0.1:{proxy.listen('scheduler')}/0"
    try:
        client = server.client()
        _schedule(client, folder / "marks", schedules)
        processes["worker"] = _start([sys.executable, "-m", "rq.cli", "worker", "--url", server.url, "default"])
        for number, point in enumerate(points):
            proxy.arm(point, skip=2 + number)
        while proxy.armed() or _due(client):
            if "scheduler" not in processes or processes["scheduler"].poll() is not None:
                processes["scheduler"] = _start([sys.executable, "-c", SCHEDULER, "-i", "1", "--url", url])
            time.sleep(0.05)
        # In the order in which a job passes through them, so that none is missed on its way.
        until(lambda: not (client.llen("rq:queue:default") or client.llen("rq:queue:default:intermediate")
                           or client.zcard("rq:wip:default")), 30)  # fmt: skip
        return _count(client, folder / "marks", schedules, [str(point) for point in proxy.visited])
    finally:
        for process in processes.values():
            kill_and_wait(process.pid)
            process.wait()
        proxy.close()
        server.stop()


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip


def _schedule(client: Redis, marks: Path, schedules: int) -> None:
    scheduler = rq_scheduler.Scheduler(queue_name="default", connection=client)
    now = datetime.now(UTC).replace(tzinfo=None)
    for number in range(schedules):
        scheduler.schedule(now, mark, args=[str(marks), number], interval=3600, id=f"schedule-{number}")


def _due(client: Redis) -> bool:
    return bool(client.zcount(INDEX, "-inf", time.time()))


def _count(client: Redis, marks: Path, schedules: int, visited: list[str]) -> Outcome:
    expected = [(f"schedule-{number}", which) for number in range(schedules) for which in ("this", "next")]
    seen = [(f"schedule-{line}", "this") for line in marks.read_text().split()]
    seen += [(name, "next") for name in texts(client.zrange(INDEX, 0, -1))]
    lost, doubled = account(expected, seen)
    return Outcome(len(expected), lost, doubled, visited)
