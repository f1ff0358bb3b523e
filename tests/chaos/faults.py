"""What happens to an installation, drawn from a seed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from service.store.scripts import VERBS
from tests.chaos.proxy import Point
from tests.chaos.stage import Stage


def points(*verbs: str, whens: tuple[str, ...] = ("before", "after")) -> list[Point]:
    """Each of these verbs at each of these instants."""
    return [Point(verb, when) for verb in verbs for when in whens]


CLAIMS = [verb for verb in ("claim_run", "end_and_claim") if verb in VERBS]
SCHEDULER_POINTS = points("decide", "decide_edit", "hold_lead", "release_delayed", "requeue_run")
# A horse dies between its pop and its claim (BLMOVE:after), between its claim and the first renewal of the lease, when
# RQ has no record of the execution yet (since), and between one run's end and the next one's claim (end_and_claim).
WORKER_POINTS = [
    *points(*CLAIMS, "renew_lease", "end_run", "BLMOVE", "EXEC"), *points(*CLAIMS, whens=("since",)),
]  # fmt: skip
WEB_POINTS = points("save_job", "request_run", "delete_job", "note_ping")
NAMED = {*SCHEDULER_POINTS, *WORKER_POINTS, *WEB_POINTS}
"""Every point that a run of the suite visits."""
SELDOM = {"requeue_run", "end_run"}
"""Commands that only a death brings about: between a pop and its claim, or of a horse at a run."""

SCHEDULERS = ("scheduler-1", "scheduler-2")
WORKERS = ("worker-1", "worker-2", "worker-3")
LEAD_SECONDS = 6.0
LEASE_SECONDS = 10.0
REARM_SECONDS = 5.0
"""A point that was met so long ago, and at which nothing died, is armed again."""
PROVOKE_SECONDS = 3.0
"""How long a seldom command is waited for before something dies for it, and then again."""
PATIENCE_SECONDS = 10.0
"""How long a point is waited for before the next one has its turn; it stays armed."""


class NamedKills:
    """Arms the named points, one at a time for each kind of process, until all were visited, and then at random.

    Args:
        stage: where.
        chance: where it draws from.
        pause: seconds between two kills of one kind, from and to.
    """

    def __init__(self, stage: Stage, chance: random.Random, pause: tuple[float, float]) -> None:
        self._stage = stage
        self._proxy = stage.proxy
        self._chance = chance
        self._pause = pause
        self._stop = threading.Event()
        self._threads = []
        for group in (SCHEDULER_POINTS, WORKER_POINTS, WEB_POINTS):
            ordered = chance.sample(group, len(group))
            ordered.sort(key=lambda point: point.verb == "requeue_run")  # once something was popped and not started
            thread = threading.Thread(target=self._visit, args=(ordered, random.Random(chance.random())), daemon=True)
            self._threads.append(thread)

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends; what is armed is armed no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        self._proxy.disarm()

    def unvisited(self) -> set[Point]:
        """The points that are still to be visited."""
        return NAMED - set(self._proxy.visited)

    def _visit(self, points: list[Point], chance: random.Random) -> None:
        queue = list(points)
        while not self._stop.wait(chance.uniform(*self._pause)):
            first = bool(queue)
            point = queue.pop(0) if first else chance.choice(points)
            if first and self._proxy.visited[point]:
                continue  # it was armed at an earlier turn, and met since
            if not self._meet(point, chance.choice([0, 0, 1, 2])) and first:
                queue.append(point)

    def _meet(self, point: Point, skip: int) -> bool:
        """Arm a point, and wait until something has died there. Returns False if it was not met in time."""
        before, began = self._proxy.visited[point], time.monotonic()
        if point not in self._proxy.armed():
            self._proxy.arm(point, skip)
        provoke, again = began + PROVOKE_SECONDS, began + REARM_SECONDS
        while self._proxy.visited[point] == before:
            now = time.monotonic()
            if self._stop.wait(0.05) or now > began + PATIENCE_SECONDS:
                return False
            if now > again and point not in self._proxy.armed():
                # It was met, and another fault ended that connection before the reply came.
                again = now + REARM_SECONDS
                self._proxy.arm(point)
            if point.verb in SELDOM and now > provoke:
                provoke = now + PROVOKE_SECONDS
                self._provoke(point.verb)
        return True

    def _provoke(self, verb: str) -> None:
        """Have something die, so that a seldom command follows."""
        if verb == "requeue_run":
            self._proxy.arm(Point("BLMOVE", "after"))
            return
        for name in WORKERS:  # of three horses, one at least is at a run that lasts
            members = self._stage.members(name)
            if len(members) > 2:
                self._stage.strike(members[2], "kill worker horse")


class Faults:
    """Everything else, one after the other.

    Args:
        stage: where.
        chance: where they are drawn from.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self._frozen_until = 0.0
        self._kinds: list[tuple[int, Callable[[], None]]] = [
            (6, self._kill_a_root),
            (6, self._kill_a_child),
            (5, self._kill_a_horse),
            (4, self._kill_a_parent),
            (3, self._terminate),
            (2, self._freeze_leader),
            (2, self._freeze_worker),
            (2, self._freeze_parent),
            (2, self._stall),
            (2, self._restart_redis),
            (2, self._pause_redis),
            (2, self._cut_connections),
            (1, self._lose_the_index),
        ]
        self._first = [kind for _, kind in self._kinds]
        chance.shuffle(self._first)

    def strike(self) -> None:
        """The next fault: each kind once, then by their weights."""
        if self._first:
            kind = self._first.pop()
        else:
            kind = self._chance.choices([kind for _, kind in self._kinds], [weight for weight, _ in self._kinds])[0]
        try:
            kind()
        except RedisError as error:
            self._stage.say(f"{kind.__name__}: {error}")

    def _kill_a_root(self) -> None:
        name = self._chance.choice([*SCHEDULERS, *WORKERS, "web"])
        root = self._stage.root_of(name)
        if root is not None:
            self._stage.strike(root, f"kill {name.split('-')[0]}")

    def _kill_a_child(self) -> None:
        self._kill_below(self._chance.choice([*WORKERS, *WORKERS, "web"]), 1, "child")

    def _kill_a_horse(self) -> None:
        """Of the workers that run something, one's horse."""
        for name in self._chance.sample(WORKERS, 3):
            if len(self._stage.members(name)) > 2:
                self._kill_below(name, 2, "horse")
                return

    def _kill_a_parent(self) -> None:
        """The process that looks after a horse, alone: the horse is at work and finds out for itself."""
        for name in self._chance.sample(WORKERS, 3):
            if len(self._stage.members(name)) > 2:
                self._kill_below(name, 1, "parent")
                return

    def _kill_below(self, name: str, depth: int, what: str) -> None:
        members = self._stage.members(name)
        if len(members) > depth:
            self._stage.strike(members[depth], f"kill {name.split('-')[0]} {what}")

    def _terminate(self) -> None:
        name = self._chance.choice([*SCHEDULERS, *WORKERS])
        for pid in self._stage.members(name):
            self._stage.strike(pid, f"terminate {name.split('-')[0]}", signal.SIGTERM)

    def _freeze_leader(self) -> None:
        root = self._stage.root_of(self._stage.leader() or self._chance.choice(SCHEDULERS))
        if root is not None:
            self._stage.freeze([root], LEAD_SECONDS + self._chance.uniform(0.5, 3.0), "freeze leader")

    def _freeze_worker(self) -> None:
        """All of it."""
        self._freeze("freeze worker", slice(None))

    def _freeze_parent(self) -> None:
        """The parent alone, whose horse then runs on while nobody renews its lease."""
        self._freeze("freeze parent", slice(1, 2))

    def _freeze(self, what: str, which: slice) -> None:
        """Some of the processes of the worker that has the most of them, for longer than a lease."""
        if time.monotonic() < self._frozen_until:
            return
        names = sorted(self._chance.sample(WORKERS, 3), key=lambda name: -len(self._stage.members(name)))
        members = self._stage.members(names[0])
        seconds = LEASE_SECONDS + self._chance.uniform(1.0, 4.0)
        if members:
            self._frozen_until = time.monotonic() + seconds
            self._stage.freeze(members[which], seconds, what)

    def _stall(self) -> None:
        """The network of one process is gone for a while, longer than any lease or hardly at all."""
        name = self._chance.choice([*SCHEDULERS, *WORKERS, *WORKERS])
        seconds = self._chance.choice([0.5, 3.0, LEASE_SECONDS + 3])
        self._stage.say(f"{name}: no network for {seconds:.1f} s")
        self._stage.kills["stall"] += 1
        self._stage.proxy.stall(name)
        threading.Timer(seconds, self._stage.proxy.resume, [name]).start()

    def _restart_redis(self) -> None:
        away = self._chance.choice([0.0, 0.0, 1.0, 3.0])
        self._stage.say(f"Redis: SIGKILL, back after {away} s")
        self._stage.kills["kill redis"] += 1
        self._stage.server.kill()
        time.sleep(away)
        self._stage.server.start()

    def _pause_redis(self) -> None:
        ms = int(self._chance.choice([300, 1500, 4000, 7000]))
        kind = self._chance.choice(["ALL", "WRITE"])
        self._stage.say(f"Redis: CLIENT PAUSE {ms} {kind}")
        self._stage.kills["pause redis"] += 1
        self._stage.client.client_pause(ms, all=kind == "ALL")

    def _cut_connections(self) -> None:
        self._stage.say("Redis: CLIENT KILL TYPE normal")
        self._stage.kills["cut connections"] += 1
        self._stage.client.client_kill_filter(_type="normal", skipme=True)

    def _lose_the_index(self) -> None:
        self._stage.say("the due index is deleted by hand")
        self._stage.kills["lose the due index"] += 1
        self._stage.client.delete(self._stage.keys.due)
