"""What happens to an installation, drawn from a seed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from tests.chaos.proxy import Point
from tests.chaos.stage import Stage

SCHEDULER_VERBS = ("decide", "hold_lead", "release_retry", "requeue_run")
WORKER_VERBS = ("claim_run", "renew_lease", "end_run", "BLMOVE", "EXEC")
WEB_VERBS = ("save_job", "request_run", "delete_job")
WHENS = ("before", "after")
NAMED = {Point(verb, when) for verb in (*SCHEDULER_VERBS, *WORKER_VERBS, *WEB_VERBS) for when in WHENS}
"""Every point that a run of the suite visits."""

SCHEDULERS = ("scheduler-1", "scheduler-2")
WORKERS = ("worker-1", "worker-2", "worker-3")
LEAD_SECONDS = 6.0
LEASE_SECONDS = 10.0
REARM_SECONDS = 5.0
"""A point that was met so long ago, and at which nothing died, is armed again."""


class NamedKills:
    """Arms the named points, one at a time for each kind of process, until all were visited, and then at random.

    Args:
        stage: where.
        chance: where it draws from.
        pause: seconds between two kills of one kind, from and to.
    """

    def __init__(self, stage: Stage, chance: random.Random, pause: tuple[float, float]) -> None:
        self._proxy = stage.proxy
        self._chance = chance
        self._pause = pause
        self._stop = threading.Event()
        self._threads = []
        for verbs in (SCHEDULER_VERBS, WORKER_VERBS, WEB_VERBS):
            points = [Point(verb, when) for verb in verbs for when in WHENS]
            chance.shuffle(points)
            points.sort(key=lambda point: point.verb == "requeue_run")  # once something was popped and not started
            thread = threading.Thread(target=self._visit, args=(points, random.Random(chance.random())), daemon=True)
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
            point = queue.pop(0) if queue else chance.choice(points)
            before = self._proxy.visited[point]
            self._proxy.arm(point, skip=chance.choice([0, 0, 1, 2]))
            provoke, again = time.monotonic() + 3, time.monotonic() + REARM_SECONDS
            while self._proxy.visited[point] == before and not self._stop.wait(0.05):
                if time.monotonic() > again and point not in self._proxy.armed():
                    # It was met, and another fault ended that connection before the reply came.
                    again = time.monotonic() + REARM_SECONDS
                    self._proxy.arm(point)
                if point.verb == "requeue_run" and time.monotonic() > provoke:
                    provoke = time.monotonic() + 8
                    self._proxy.arm(Point("BLMOVE", "after"))


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
            (3, self._terminate),
            (2, self._freeze_leader),
            (3, self._freeze_worker),
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
        """All of it, or the parent alone, whose horse then runs on."""
        if time.monotonic() < self._frozen_until:
            return
        names = sorted(self._chance.sample(WORKERS, 3), key=lambda name: -len(self._stage.members(name)))
        members = self._stage.members(names[0])
        seconds = LEASE_SECONDS + self._chance.uniform(1.0, 4.0)
        if members:
            self._frozen_until = time.monotonic() + seconds
            alone = self._chance.random() < 0.4
            self._stage.freeze(members[1:2] if alone else members, seconds, "freeze worker")

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
