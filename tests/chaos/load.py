"""Jobs of many kinds, and people who ask for runs, change, switch and delete while everything dies around them."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.pausing import LABEL
from tests.chaos.stage import Stage

SECOND: dict[str, Any] = {"schedule_type": "interval", "schedule_config": {"seconds": 1}}
TWO_SECONDS: dict[str, Any] = {"schedule_type": "interval", "schedule_config": {"seconds": 2}}
MINUTE: dict[str, Any] = {"schedule_type": "cron", "schedule_config": {"cron_expression": "* * * * *"}}
CALENDAR = "chaos"
COINCIDING: dict[str, Any] = {"schedule_type": "any", "schedule_config": {"schedules": [
    {"name": "each", **MINUTE},
    {"name": "second", "schedule_type": "rrule",
     "schedule_config": {"rrule": "FREQ=MINUTELY;INTERVAL=2", "dtstart": "2026-01-01T00:00"}},
]}}  # fmt: skip
"""An occurrence each minute; at every other one two schedules coincide."""
DAILY: dict[str, Any] = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
FILLED: dict[str, Any] = {
    "since": "2025-03-01T00:00:00", "until": "2025-03-31T00:00:00", "only": "all", "max_parallel": 2,
}  # fmt: skip
"""A backfill of thirty instants."""
HOUR: dict[str, Any] = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
LONG_SECONDS = 13.0
"""A run that outlasts the lease of 10 s."""
CROWD = 200
"""So many jobs are due at the start of each minute."""
ONCE, ONCE_SECONDS = 20, 15
"""So many jobs that are due once, each second from so many seconds on, while processes die: all before the short form
of the suite ends."""
BURST = 40
"""So many runs that do nothing are asked for at once: most end before their lease is first renewed."""


@dataclass(slots=True)
class Known:
    """What was answered about a job.

    Args:
        steps: the seconds that its occurrences were ever apart.
        limit: the highest `max_concurrent_runs` that it ever had.
        name: the last one acknowledged; None while that is uncertain.
        excused: spans of epoch seconds in which it may have been off, or planned anew.
        runs: the runs by hand that were acknowledged.
        deleted: whether its deletion was acknowledged, or may have happened.
        uncertain: how many more runs by hand there may be: asked for, and never answered.
        options: those that it has, unless an answer was lost.
        edits: the changes of occurrences that were acknowledged and not touched since: instant -> what was wanted.
        unclear: instants of changes that were never answered.
    """

    steps: set[int]
    limit: int
    name: str | None
    kind: str
    excused: list[tuple[float, float]] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    deleted: str = "no"
    uncertain: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    edits: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)


class Load:
    """The callers.

    Args:
        stage: what they call.
        chance: where they draw from.
        trace: the file in which the bots leave their marks.
    """

    def __init__(self, stage: Stage, chance: random.Random, trace: str) -> None:
        self.stage = stage
        self.known: dict[str, Known] = {}
        self.answers = 0
        self.failures = 0
        self.unexpected: list[str] = []
        self.pauses: list[str] = []
        self.ended_pauses: list[str] = []
        self.backfills: dict[str, int] = {}
        """The backfills that were acknowledged, and how many instants each has."""
        self._chance = chance
        self._trace = trace
        self._number = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    # jobs

    def populate(self) -> None:
        """One job of each kind."""
        for catch_up in ("latest", "all", "none"):
            for overlap in ("skip", "queue"):
                self.make(f"each second, {catch_up}, {overlap}", SECOND if overlap == "skip" else TWO_SECONDS, 0.0,
                          catch_up=catch_up, overlap=overlap)  # fmt: skip
        self.make("three at a time", SECOND, 1.5, max_concurrent_runs=3)
        self.make("two at a time, queued", TWO_SECONDS, 0.2, max_concurrent_runs=2, overlap="queue")
        self.make("newest waits", SECOND, 1.5, overlap="latest")
        self.make("replaced", TWO_SECONDS, 3.0, overlap="replace")
        for number in range(2):
            self.make(f"filled {number}", DAILY, 0.1, max_concurrent_runs=1 + 2 * number, max_retries=1,
                      retry_delay_seconds=1)  # fmt: skip
        self.make("short grace", SECOND, 0.0, misfire_grace_seconds=2)
        self.make("each minute", MINUTE, 0.1, catch_up="all", overlap="queue")
        self.make("retried", TWO_SECONDS, 0.0, mode="raise", max_retries=2, retry_delay_seconds=1)
        self.make("fails", TWO_SECONDS, 0.0, mode="raise")
        for catch_up in ("latest", "all"):
            self.make(f"skips, {catch_up}", SECOND, 0.0, mode="skip", catch_up=catch_up)
        self.make("outlasts a lease", HOUR, LONG_SECONDS, max_retries=1, retry_delay_seconds=1)
        for limit in (1, 2, 3):
            self.make(f"by hand {limit}", HOUR, 0.1, max_concurrent_runs=limit)
        for number in range(2):
            self.make(f"switched {number}", SECOND, 0.0)
        self.make("planned anew", SECOND, 0.0)
        self._insist_on_calendar("POST", "/calendars", {"name": CALENDAR})
        for catch_up in ("latest", "all", "none"):
            self.make(f"by calendar, {catch_up}", SECOND, 0.0, catch_up=catch_up, calendar=CALENDAR)
        self.make("crowd by calendar", MINUTE, 0.0, catch_up="all", overlap="queue", calendar=CALENDAR)
        self.make("moved", MINUTE, 0.0, calendar=CALENDAR, on_closed="previous_open")
        self.make("coinciding", COINCIDING, 0.0, catch_up="all", overlap="queue")
        for catch_up in ("latest", "all"):
            for overlap in ("skip", "queue"):
                self.make(f"paused, {catch_up}, {overlap}", SECOND if overlap == "skip" else TWO_SECONDS, 0.0,
                          labels=LABEL, catch_up=catch_up, overlap=overlap)  # fmt: skip
            self.make(f"changed, {catch_up}", TWO_SECONDS, 0.0, catch_up=catch_up, overlap="queue")
        self.make("changed, by calendar", SECOND, 0.0, calendar=CALENDAR, overlap="queue")
        self.make("changed, each minute", MINUTE, 0.0, overlap="queue")
        soon = datetime.fromtimestamp(time.time() + ONCE_SECONDS, UTC)
        for number in range(ONCE):
            at = f"{soon + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S}"
            self.make(f"once {number}", {"schedule_type": "once", "schedule_config": {"at": at}}, 0.0)
        for limit in (1, 4):
            self.make(f"burst {limit}", HOUR, 0.0, max_concurrent_runs=limit)
        for number in range(CROWD):  # of four kinds, by their time-out; the intervals beside them share no plan
            timeout = 600 + number % 4
            self.make(f"crowd {number}", MINUTE, 0.0, catch_up="all", overlap="queue", timeout_seconds=timeout)

    def make(
        self, kind: str, schedule: dict[str, Any], seconds: float, mode: str = "plain",
        labels: dict[str, str] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """Creates a job, and asks again with the same Idempotency-Key until it is acknowledged."""
        body = {
            "name": kind, "bot_type": "probe", **schedule, "options": options, "labels": labels or {},
            "bot_config": {"seconds": seconds, "mode": mode, "trace": self._trace},
        }  # fmt: skip
        key = self._key()
        while True:
            status, job = self.call("POST", "/jobs", body, key)
            if status == 201:
                config = schedule["schedule_config"]
                step = config.get("seconds") or 3600 * config.get("hours", 0) or 60
                limit = options.get("max_concurrent_runs", 1)
                self.known[job["id"]] = Known({step}, limit, kind, kind, options=options)
                return
            time.sleep(0.2)

    # calling

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """One request, with an Idempotency-Key if one is given. The status is 0 where no answer came."""
        headers = {} if key is None else {"Idempotency-Key": key}
        try:
            status, answer = self.stage.call(method, path, body, timeout=8, headers=headers)
        except (OSError, http.client.HTTPException, ValueError):
            self.failures += 1
            return 0, None
        self.answers += 1
        if status >= 500 and status != 503:
            self.unexpected.append(f"{method} {path}: {status} {answer}")
        return status, answer

    def start(self) -> None:
        """Callers at once: of runs one by one and in bursts, of switches, changes, limits, definitions and pauses."""
        for work in (self._ask, self._burst, self._switch, self._change, self._set_limit, self._redefine,
                     self._close, self._pause, self._backfill, self._edit):  # fmt: skip
            thread = threading.Thread(target=self._repeat, args=(work,), name=work.__name__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Lets each caller finish what it began."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(self._chance.uniform(0.1, 0.6)):
            work()

    def _of(self, *kinds: str) -> str:
        return self._chance.choice(
            [job_id for job_id, job in list(self.known.items()) if job.kind.startswith(kinds) and job.deleted == "no"]
        )

    def _ask(self) -> None:
        job_id = self._of("by hand", "by hand", "three", "retried", "outlasts", "passing")
        if not self.known[job_id].kind.startswith("outlasts") or self._chance.random() < 0.1:
            self._ask_for_run(job_id)

    def _burst(self) -> None:
        """Asks for many short runs, unless nobody answers."""
        job_id = self._of("burst")
        for _ in range(self._chance.randrange(BURST)):
            if self._stop.is_set() or not self._ask_for_run(job_id):
                return

    def _ask_for_run(self, job_id: str) -> bool:
        """Asks for one run, now or later, or an ended one again, until that is answered. Returns whether it was."""
        key, known = self._key(), self.known[job_id]
        path, body = f"/jobs/{job_id}/run", None
        if known.kind.startswith("by hand") and known.runs and self._chance.random() < 0.3:
            path = f"/jobs/{job_id}/runs/{self._chance.choice(known.runs)}/again"
        elif known.kind.startswith("by hand") and self._chance.random() < 0.3:
            at = datetime.fromtimestamp(time.time() + self._chance.randint(16, 30), UTC)
            body = {"at": f"{at:%Y-%m-%dT%H:%M:%S}"}
        known.uncertain += 1
        end = time.monotonic() + 15
        while time.monotonic() < end:
            status, answer = self.call("POST", path, body, key)
            if status == 202:
                known.runs.append(answer["run_id"])
                self._cancel_some(job_id, known, answer["run_id"])
            if 200 <= status < 500:
                known.uncertain -= 1
                return True
            time.sleep(0.2)
        return False

    def _cancel_some(self, job_id: str, known: Known, run_id: str) -> None:
        """Cancels one of ten runs by hand, once or twice, whatever is answered."""
        if known.kind.startswith("by hand") and self._chance.random() < 0.1:
            for _ in range(self._chance.randint(1, 2)):
                self.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")

    def _backfill(self) -> None:
        """Asks for a backfill until that is answered; refused while one is under way. Cancels some."""
        self._stop.wait(self._chance.uniform(0.5, 3.0))
        job_id, key, end = self._of("filled"), self._key(), time.monotonic() + 15
        while time.monotonic() < end:
            status, answer = self.call("POST", f"/jobs/{job_id}/backfill", FILLED, key)
            if status == 202:
                self.backfills[answer["backfill_id"]] = answer["total"]
                if self._chance.random() < 0.2:
                    self.call("DELETE", f"/jobs/{job_id}/backfills/{answer['backfill_id']}")
            if 200 <= status < 500:
                return
            time.sleep(0.2)

    def _key(self) -> str:
        return f"{self._chance.getrandbits(64):x}"

    def _switch(self) -> None:
        """Switches a job off and on again, or puts it on another schedule; insists until it is so."""
        self._stop.wait(self._chance.uniform(0.5, 2.0))
        began = time.time() - 1
        if self._chance.random() < 0.7:
            job_id = self._of("switched")
            self._insist("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
            self._stop.wait(self._chance.uniform(0.0, 2.0))
            self._insist("POST", f"/jobs/{job_id}/toggle", {"enabled": True})
        else:
            job_id = self._of("planned anew")
            step = self._chance.choice([1, 2])
            self.known[job_id].steps.add(step)
            self._insist("PUT", f"/jobs/{job_id}", {"schedule_config": {"seconds": step}})
        self.known[job_id].excused.append((began, time.time() + 3))

    def _close(self) -> None:
        """Closes the days around now, or opens them again.

        Closed occurrences are decided as all others are. Those that move to an open day before have passed there.
        """
        self._stop.wait(self._chance.uniform(0.5, 4.0))
        began, today = time.time() - 1, datetime.now(UTC).date()
        first, last = (today + timedelta(days=days) for days in (-1, self._chance.choice([1, 9])))
        span = {"from": first.isoformat(), "to": last.isoformat(), "why": "chaos"}
        self._insist_on_calendar("PUT", f"/calendars/{CALENDAR}", {"ranges": [span]})
        self._stop.wait(self._chance.uniform(0.5, 3.0))
        self._insist_on_calendar("PUT", f"/calendars/{CALENDAR}", {"ranges": []})
        for job in self.known.values():
            if job.kind == "moved":
                job.excused.append((began, time.time() + 10))

    def _pause(self) -> None:
        """Makes one or two pauses, of all jobs with the label or of one of them, and ends them, or lets them end."""
        made = [one for _ in range(self._chance.randint(1, 2)) if (one := self._make_pause()) is not None]
        self._stop.wait(self._chance.uniform(0.2, 5.0))
        for pause_id in made:
            self._end_pause(pause_id)

    def _make_pause(self) -> str | None:
        scope = {"label": LABEL} if self._chance.random() < 0.6 else {"job_id": self._of("paused")}
        until = datetime.fromtimestamp(time.time() + self._chance.randint(2, 6), UTC)
        body: dict[str, Any] = {
            "scope": scope, "reason": "chaos", "on_resume": self._chance.choice(["skip", "latest", "all"]),
            "until": f"{until:%Y-%m-%dT%H:%M:%S}",
        }  # fmt: skip
        if self._chance.random() < 0.1:
            body["cancel_running"] = True
        status, answer = self.call("POST", "/pauses", body)
        if status != 201:
            return None
        self.pauses.append(answer["id"])
        return str(answer["id"])

    def _end_pause(self, pause_id: str) -> None:
        """Ends it, unless it is left to end by itself, which each pause does: an answer to its making may be lost."""
        if self._chance.random() < 0.7 and self.call("DELETE", f"/pauses/{pause_id}")[0] == 200:
            self.ended_pauses.append(pause_id)

    def _edit(self) -> None:
        """Skips, moves, sets and takes back occurrences that are about to come, in the very moment, too."""
        job_id = self._of("changed")
        known = self.known[job_id]
        status, answer = self.call("GET", f"/jobs/{job_id}/preview?count=6")
        soon = f"{datetime.now(UTC) + timedelta(seconds=40):%Y-%m-%dT%H:%M:%S}"
        near = [one["scheduled_for"] for one in (answer["details"] if status == 200 else []) if one["at"] < soon]
        if not near:
            return
        instant = self._chance.choice(near)
        path = f"/jobs/{job_id}/occurrences/{instant}"
        if self._chance.random() < 0.25:
            known.edits.pop(instant, None)  # whether it was taken back, or decided before
            self._note_unclear(known, instant, self.call("DELETE", path)[0])
            return
        to = datetime.fromtimestamp(time.time() + self._chance.uniform(1, 8), UTC)
        wish = self._chance.choice(["skip", "move", "move", "set"])
        body = {"skip": {"skip": True, "reason": "chaos"}, "move": {"move_to": f"{to:%Y-%m-%dT%H:%M:%SZ}"},
                "set": {"bot_config": {"seconds": 0.01}}}[wish]  # fmt: skip
        known.edits.pop(instant, None)
        answered = self.call("PUT", path, body)[0]
        self._note_unclear(known, instant, answered)
        if answered == 200 and instant not in known.unclear:
            known.edits[instant] = wish

    @staticmethod
    def _note_unclear(known: Known, instant: str, status: int) -> None:
        """A request without an answer may be carried out, by a process that stood still, after those that follow."""
        if status in (0, 503):
            known.unclear.add(instant)

    def _insist_on_calendar(self, method: str, path: str, body: Any) -> None:
        end = time.monotonic() + 60
        while self.call(method, path, body)[0] not in (200, 201, 409):
            if time.monotonic() > end:
                self.unexpected.append(f"{method} {path}: not within a minute")
                return
            time.sleep(0.2)

    def _set_limit(self) -> None:
        """Raises or lowers a limit while runs are waiting and under way."""
        job_id = self._of("burst", "by hand", "three")
        known = self.known[job_id]
        limit = self._chance.randint(1, 4)
        known.limit = max(known.limit, limit)
        known.options = {**known.options, "max_concurrent_runs": limit}
        self._insist("PUT", f"/jobs/{job_id}", {"options": known.options})

    def _redefine(self) -> None:
        """Changes jobs in the very second in which they are due, most of them so that their plans stay as they are."""
        now = time.time()
        minute, second = -(-now // 60) * 60, -(-now // 1)
        kind, due = ("crowd", minute) if minute - now < 3 else ("each second", second)
        self._stop.wait(max(0.0, due - now + self._chance.uniform(-0.05, 0.2)))
        for _ in range(5):
            job_id = self._of(kind)
            known = self.known[job_id]
            if kind == "crowd" and self._chance.random() < 0.2:
                self._plan_anew(job_id, known)
                continue
            # The time-out is a part of the job's kind, and not of its plan.
            known.options = {**known.options, "timeout_seconds": self._chance.randint(600, 604)}
            self.call("PUT", f"/jobs/{job_id}", {"options": known.options})

    def _plan_anew(self, job_id: str, known: Known) -> None:
        """Another spelling of the same schedule, or off and on again."""
        began = time.time() - 1
        if self._chance.random() < 0.5:
            spelled = self._chance.choice(["* * * * *", "*/1 * * * *", "0-59 * * * *"])
            self._insist("PUT", f"/jobs/{job_id}", {"schedule_config": {"cron_expression": spelled}})
        else:
            for enabled in (False, True):
                self._insist("POST", f"/jobs/{job_id}/toggle", {"enabled": enabled})
        known.excused.append((began, time.time() + 3))

    def _insist(self, method: str, path: str, body: Any) -> None:
        end = time.monotonic() + 60
        while self.call(method, path, body)[0] != 200:
            if time.monotonic() > end:
                self.unexpected.append(f"{method} {path}: not within a minute")
                return
            time.sleep(0.2)

    def _change(self) -> None:
        chosen = self._chance.random()
        if chosen < 0.2:
            self._number += 1
            self.make(f"passing {self._number}", SECOND, 0.0)
        elif chosen < 0.35 and self._passing():
            self._delete(self._of("passing"))
        elif chosen < 0.9:
            self._rename(self._of("each second", "three", "retried", "by hand"))
        else:
            self.call("GET", "/jobs?limit=5")

    def _passing(self) -> bool:
        return any(job.kind.startswith("passing") and job.deleted == "no" for job in self.known.values())

    def _rename(self, job_id: str) -> None:
        """Changes what leaves the plan as it was."""
        job = self.known[job_id]
        self._number += 1
        name = f"{job.kind} {self._number}"
        job.name = None
        status, answer = self.call("PUT", f"/jobs/{job_id}", {"name": name})
        if status == 200:
            job.name = name
            if answer["name"] != name:
                self.unexpected.append(f"PUT {job_id} answered {answer['name']!r}, not {name!r}")

    def _delete(self, job_id: str) -> None:
        job = self.known[job_id]
        job.deleted = "perhaps"
        status, _ = self.call("DELETE", f"/jobs/{job_id}")
        if status in (204, 404):
            job.deleted = "yes"

    # the end

    def switch_off(self) -> float:
        """Switches every job off, those too of which no answer told. Returns since when, epoch seconds."""
        began = time.time()
        for job_id in self.living():
            self._insist("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
        return began

    def living(self) -> list[str]:
        """The ids of all jobs that there are."""
        end = time.monotonic() + 60
        while True:
            status, jobs = self.call("GET", "/jobs")
            if status == 200:
                return [job["id"] for job in jobs]
            if time.monotonic() > end:
                raise AssertionError(f"jobs cannot be listed: {status} {jobs}")
            time.sleep(0.2)
