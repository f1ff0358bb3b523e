"""Who is measured: ours and the peers, each with its processes, its ways to count, and what it does not do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import ours
from bench.rig import AREA, PEERS, ROOT, Place, peer_command, peer_python

Commands = Sequence[Sequence[str]]
BEFORE = "ours, before "
"""The start of the name of another revision of ours."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those that are measured.

    Args:
        name: as the tables show it.
        lacks: what it does not do that ours does; empty for ours.
        fill: stores `queue N`, `due N AT` or `spread FIRST N` in a place's Redis.
        workers: the commands of so many worker processes.
        scheduler: the command of what moves due jobs into the queue; None where the worker does.
        queued: counts the runs that have been enqueued, of `count` due ones.
        ended: counts the runs that have ended.
        pace: runs that one worker process ends in a second, roughly, to choose how many to give it.
        settings: of its environment.
        check: raises unless the histories tell of so many successful runs; None where there are no histories.
        root: the folder that its processes run in.
        path: their PYTHONPATH, where it is not the usual one.
    """

    name: str
    lacks: str
    fill: Callable[..., None]
    workers: Callable[[int], Commands]
    scheduler: Sequence[str] | None = None
    queued: Callable[[Any, int], int] | None = None
    ended: Callable[[Any], int] | None = None
    pace: int = 1000
    settings: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Place, int], None] | None = None
    root: Path = ROOT
    path: str = ""

    def place(self) -> Place:
        """A place with this contender's environment."""
        peers = {"PYTHONPATH": str(PEERS), "BENCH_NODE": str(AREA / "node")}
        if not self.is_ours:
            return Place({**peers, **self.settings})
        path = {"PYTHONPATH": self.path} if self.path else {}
        return Place({**ours.environment(**self.settings), **path}, self.root)

    @property
    def is_ours(self) -> bool:
        """Whether it is ours."""
        return self.name.startswith("ours")

    def start_workers(self, place: Place, count: int) -> list[str]:
        """Starts so many worker processes. Returns the names under which the place knows them."""
        names = []
        if self.is_ours:
            place.environment["WORKER_CONCURRENCY"] = str(count)
        for number, command in enumerate(self.workers(count)):
            names.append(f"worker-{number}")
            place.start(names[-1], command)
        return names


def peer(script: str) -> Callable[..., None]:
    """The `fill` of a peer whose script is `peers/<script>`."""

    def fill(place: Place, verb: str, *numbers: float) -> None:
        place.run([*runner(script), verb, *(f"{number:.0f}" for number in numbers)])

    return fill


def runner(script: str) -> list[str]:
    """The command of a peer's script."""
    return ["node" if script.endswith(".mjs") else peer_python(), str(PEERS / script)]


def each(*command: str) -> Callable[[int], Commands]:
    """As many processes of one command as there are workers."""
    return lambda count: [list(command) for _ in range(count)]


def _celery_ended(client: Any) -> int:
    """Each result is a key; beside them there are few."""
    with client.pipeline(transaction=False) as pipe:
        pipe.dbsize()
        pipe.exists("celery", "unacked", "unacked_index", "unacked_mutex", "_kombu.binding.celery",
                    "_kombu.binding.celeryev", "_kombu.binding.celery.pidbox")  # fmt: skip
        keys, others = pipe.execute()
    return int(keys) - int(others)


def _ours(isolation: str) -> Contender:
    settings = {"WORKER_ISOLATION": isolation} if len(ours.isolations()) > 1 else {}
    return Contender(
        name=f"ours ({isolation})", lacks="", fill=ours.fill, workers=lambda count: [ours.WORKER],
        scheduler=ours.SCHEDULER,
        queued=lambda client, count: int(client.llen(ours.KEYS.rq_queue)),
        ended=lambda client: int(client.zcard(ours.KEYS.rq_finished)),
        pace=2000 if isolation == "warm" else 40, settings=settings, check=ours.check_all_succeeded,
    )  # fmt: skip


OURS = [_ours(isolation) for isolation in ours.isolations()]
ALIKE = replace(OURS[0], name="ours, jobs that are all alike", fill=ours.fill_alike)


def _rq(name: str, poll: float, pace: int, *how: str) -> Contender:
    return Contender(
        name=name, fill=peer("peer_rq.py"), pace=pace,
        lacks="due jobs are moved by three separate calls, so that a kill loses or doubles them; results are kept for "
        "500 s, no history, no slots",
        workers=each(peer_command("rq"), "worker", "--quiet", *how),
        scheduler=[peer_command("rqscheduler"), "--quiet", "--interval", str(poll)],
        queued=lambda client, count: int(client.llen("rq:queue:default")),
        ended=lambda client: int(client.zcard("rq:finished:default")),
    )  # fmt: skip


RQ = _rq("rq-scheduler (1 s poll) + RQ", 1.03, 50)  # not to keep step with jobs that are due on whole seconds
RQ_DEFAULT = _rq("rq-scheduler (its default poll, 60 s) + RQ", 60, 50)
RQ_SIMPLE = _rq("rq-scheduler + RQ SimpleWorker", 1.03, 180, "--worker-class", "rq.worker.SimpleWorker")


def _celery(name: str, verb: str, lacks: str) -> Contender:
    fill = peer("peer_celery.py")
    app = [peer_command("celery"), "--app", "peer_celery"]
    return Contender(
        name=name, fill=lambda place, asked, *numbers: fill(place, verb if asked == "spread" else asked, *numbers),
        lacks=lacks, pace=600,
        workers=lambda count: [[*app, "worker", "--concurrency", str(count), "--loglevel", "WARNING"]],
        scheduler=None if verb == "spread-eta" else
        [*app, "beat", "--scheduler", "redbeat.RedBeatScheduler", "--loglevel", "WARNING"],
        queued=lambda client, count: int(client.llen("celery")), ended=_celery_ended,
    )  # fmt: skip


REDBEAT = _celery(
    "Celery + RedBeat", "spread",
    "messages are acknowledged before they are run, so that a kill loses them; results are kept for a day, no history, "
    "no slots",
)  # fmt: skip
CELERY_ETA = _celery(
    "Celery, ETA", "spread-eta",
    "no schedules: each task is sent ahead and waits in the worker's memory until it is due; acknowledged before it is "
    "run",
)  # fmt: skip
HUEY = Contender(
    name="Huey", fill=peer("peer_huey.py"), pace=1700,
    lacks="a task is gone from Redis while it runs, so that a kill loses it; what is due is popped before it is "
    "enqueued; cron tasks live in code alone; a result, no history, no slots",
    workers=lambda count: [[peer_command("huey_consumer"), "peer_huey.huey", "--quiet", "--worker-type", "process",
                            "--workers", str(count)]],
    scheduler=[*runner("peer_huey.py"), "scheduler"],
    queued=lambda client, count: int(client.llen("huey.redis.noop")),
    ended=lambda client: int(client.hlen("huey.results.noop")),
)  # fmt: skip
APSCHEDULER = Contender(
    name="APScheduler", fill=peer("peer_apscheduler.py"),
    lacks="no queue and no workers: it runs the job in a thread of its own; no record of a run at all",
    workers=each(*runner("peer_apscheduler.py"), "run"),
)  # fmt: skip
BULLMQ = Contender(
    name="BullMQ (node)", fill=peer("peer_bullmq.mjs"), pace=1900,
    lacks="no compare-and-set against a changed schedule; a record of each job until it is removed, no history of a "
    "schedule, no slots",
    workers=each(*runner("peer_bullmq.mjs"), "work"),
    queued=lambda client, count: count - int(client.zcard("bull:noop:delayed")),
    ended=lambda client: int(client.zcard("bull:noop:completed")),
)  # fmt: skip


def installed(contenders: Sequence[Contender]) -> list[Contender]:
    """Those whose programs are there."""
    python, node = (AREA / "venv" / "bin" / "python").exists(), (AREA / "node" / "node_modules").exists()
    return [one for one in contenders if one.is_ours or (node if one is BULLMQ else python)]
