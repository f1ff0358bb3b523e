"""Whatever is done in whatever order, the invariants hold after each step.

The clock is the test's, so that hours pass in no time, and it can step back, or ahead and back again. Workers are
played by the machine: it pops, claims, renews, ends, and dies between any two of these.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.fates.account import GRACE_MS
from service.domain.fates.counting import totals
from service.domain.retries import retry_of
from service.domain.run_records import Claim, Outcome, Retry
from service.domain.timestamps import format_timestamp, parse_timestamp
from service.domain.voiding import TRUSTED_SECONDS
from service.errors import Conflict, NotFound, ValidationFailed
from service.scheduler.backfill_feed import BackfillFeed
from service.scheduler.clock_repair import STEADY_MS
from service.scheduler.reaper import Reaper
from service.store.jobs.epochs import note_planning
from service.store.presence import Presence
from service.store.scripts import Limits
from service.usecases.backfilling.backfills import Backfills
from service.usecases.fates.occurrences import Occurrences
from tests.chaos.audit import Findings, histories
from tests.chaos.changes import check_changes
from tests.machine.pausing import Pausing
from tests.machine.pinging import Pinging
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import EchoConfig, Rig
from tests.support.virtual_time import MONOTONIC_KEY, NOW_KEY, VirtualRedis, virtual_time

pytestmark = pytest.mark.slow(reason="a state machine takes hundreds of steps on a real server")

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "20"))
"""How often it begins anew: `make machine` does so more often."""

START_MS = 1_800_000_000_000
LEASE_MS = 30_000
STEPS = st.sampled_from([5, 20, 60])
DATES = 4
CALENDAR = "machine"
CLOSED: list[dict[str, Any]] = [
    {"open_hours": None, "ranges": []},
    {"open_hours": {"from": "08:02", "to": "08:10"}},
    {"open_hours": {"from": "09:00", "to": "18:00"}},
    {"ranges": [{"from": "2027-01-15", "to": "2027-01-15", "why": "closed"}]},
]
"""Changes of the calendar; the machine starts on that day at 08:00."""
ENDED = {"success", "failed", "cancelled", "skipped"}


@dataclass(slots=True)
class Model:
    """What a job should be.

    Args:
        kind: of its schedule: `interval`, `any`, `once`, or `cron` of each minute.
        upcoming: its first undecided occurrence, epoch seconds; None while it is off, or has ended.
        decided: those that were due while it was on, in order.
        allowed: how many slots may be taken: the limit, or what was taken when it was lowered.
        ended: runs that were seen to have ended, with their state: it is never another again.
        void: runs of occurrences that were decided while the clock was ahead, and are decided anew.
        stands: up to when decisions stood when that was found, epoch seconds.
        is_on: whether it is enabled; it may have ended.
        dates: those of a job of dates, epoch seconds.
        pending: changed occurrences that are to come, and when each is due, ms.
        marks: those that were decided ahead of their own time.
        edited: those that were decided, in order.
        passes: those that the job's own plan has passed over.
    """

    kind: str
    step: int
    limit: int
    upcoming: int | None
    decided: list[int] = field(default_factory=list)
    allowed: int = 0
    ended: dict[str, str] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)
    void: set[str] = field(default_factory=set)
    stands: int = 0
    is_on: bool = True
    dates: list[int] = field(default_factory=list)
    pending: dict[int, int] = field(default_factory=dict)
    marks: set[int] = field(default_factory=set)
    edited: list[int] = field(default_factory=list)
    passes: list[int] = field(default_factory=list)

    @property
    def passed(self) -> int:
        """Up to where occurrences have passed, as far as the machine knows."""
        return max([self.stands, *self.decided[-1:], *self.passes[-1:]])

    def own(self) -> set[int]:
        """The occurrences that the job's own plan passes over."""
        return set(self.pending) | self.marks

    def following(self, after: int, anchor: int) -> int | None:
        """The first occurrence strictly after an instant; an interval counts from the anchor."""
        if self.kind == "cron":
            return (after // 60 + 1) * 60
        if self.kind == "once":
            return next((one for one in self.dates if one > after), None)
        return anchor + max(1, (after - anchor) // self.step + 1) * self.step

    def schedule(self, now: int) -> dict[str, Any]:
        """Sets and words its schedule; dates are a few to come, and what was cron is an interval from now on."""
        if self.kind == "cron":
            self.kind = "interval"
        if self.kind != "once":
            return _schedule(self.step, self.kind == "any")
        self.dates = [now + number * self.step for number in range(1, DATES + 1)]
        dates = [datetime.fromtimestamp(one, UTC).replace(tzinfo=None).isoformat() for one in self.dates]
        return {"schedule_type": "once", "schedule_config": {"dates": dates}}


def _schedule(step: int, is_union: bool) -> dict[str, Any]:
    """An interval; or a union with another one, each of whose occurrences coincides with one of the first."""
    plain = {"schedule_type": "interval", "schedule_config": {"seconds": step}}
    slower = {"schedule_type": "interval", "schedule_config": {"seconds": 3 * step}, "name": "third"}
    return {"schedule_type": "any", "schedule_config": {"schedules": [plain, slower]}} if is_union else plain


class Engine(Pausing, Pinging):
    """Jobs, runs and claims."""

    server: ValkeyServer
    jobs = Bundle("jobs")
    runs = Bundle("runs")
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        """An empty installation."""
        self.client = VirtualRedis(port=self.server.port)
        self.client.flushall()
        self.client.set(NOW_KEY, START_MS)
        self.person = act_for(Caller("root", "root", ALL))
        self.now, self.passed, self.went_back = START_MS, 0, False
        self.time = virtual_time(self.client)
        self.time.__enter__()
        self.rig = Rig.on(self.client, Limits(history=100_000))
        self.keys = self.rig.keys
        note_planning(self.rig.scripts)
        self.accounts = Occurrences(self.rig.scripts)
        self.scheduler = self.rig.scheduler()
        self.reaper = Reaper(self.rig.runs, self.rig.job_store, self.keys, self.client)
        self.rig.calendars.create({"name": CALENDAR})
        self.known: dict[str, Model] = {}
        self.deleted: dict[str, set[str]] = {}
        self.tokens = itertools.count()
        self.claimed: set[str] = set()
        self.begin_pausing()
        self.begin_pinging()
        self.backfills = Backfills(self.rig.scripts, self.accounts, {"echo": EchoConfig})
        self.begun: dict[str, tuple[str, int]] = {}

    def teardown(self) -> None:
        """Left alone, with workers that work, everything that was accepted ends."""
        if not hasattr(self, "time"):
            return
        try:
            self._come_to_rest()
        finally:
            act_as_before(self.person)
            self.time.__exit__(None, None, None)
            self.client.close()

    # time

    def _set(self, now: int) -> None:
        self.went_back = self.went_back or now < self.now
        self.passed += max(0, now - self.now)
        self.now = now
        self.client.mset({NOW_KEY: now, MONOTONIC_KEY: self.passed})

    @rule(ms=st.integers(0, 90_000))
    def time_passes(self, ms: int) -> None:
        """Up to a minute and a half, without a scheduler."""
        self._set(self.now + ms)

    @rule(ms=st.integers(1_000, 90_000))
    def time_passes_and_is_looked_at(self, ms: int) -> None:
        """With one."""
        self._set(self.now + ms)
        self.tick()

    @rule(seconds=st.sampled_from([1, 61, 3600]))
    def the_clock_steps_back(self, seconds: int) -> None:
        """By up to an hour."""
        self._set(self.now - seconds * 1000)

    @rule(
        seconds=st.sampled_from([61, 600, 3600, 3 * 3600]), stay=st.integers(0, 90), works=st.booleans(),
        watched=st.booleans(),
    )  # fmt: skip
    def the_clock_goes_ahead_and_back(self, seconds: int, stay: int, works: bool, watched: bool) -> None:
        """For up to a minute and a half; what was decided then about instants to come is void."""
        self._forget_the_clocks_steps()
        self._take_the_lead()
        self.tick()
        self.sound = {job_id: self._stands(job_id) for job_id in self.known}
        self.first = {job_id: model.upcoming for job_id, model in self.known.items()}
        # A job may stand up to just before an occurrence that is to come: nothing was decided there.
        self.last = {job_id: max(model.decided, default=0) for job_id, model in self.known.items()}
        self._jump(seconds)
        if not watched:
            self._is_killed_and_replaced()
        self.tick()
        if works:
            self.work_one_off("success")
            self.work_one_off("failed")
        self._set(self.now + stay * 1000)
        self.tick()
        self._jump(-seconds)
        if watched:
            self._put_right(trusted=0, undone=seconds > stay)
            return
        self._is_killed_and_replaced()
        self._put_right_after_a_minute()

    def _is_killed_and_replaced(self) -> None:
        self.a_stand_by_takes_over()
        self._take_the_lead()

    def _put_right_after_a_minute(self) -> None:
        self.landed = self.now // 1000
        self._set(self.now + STEADY_MS)
        self._put_right(trusted=TRUSTED_SECONDS, undone=False)

    @rule()
    def the_clock_has_gone_on_for_a_while(self) -> None:
        """What lies over two hours ahead, and nobody saw the clock go there, is void."""
        self._forget_the_clocks_steps()
        self._take_the_lead()
        self.last = {}
        self._put_right_after_a_minute()

    def _forget_the_clocks_steps(self) -> None:
        """Each story of steps is told by itself. What jobs hold and how far was acted stays."""
        self.client.hdel(self.keys.clock, "steps", "void", "void_sound", "void_steps", "void_landed")
        self.a_stand_by_takes_over()

    def _take_the_lead(self) -> None:
        self.client.delete(self.keys.leader)
        self.scheduler.heartbeat()
        self.wanted = int(self.client.hget(self.keys.clock, "void_landed") or 0) // 1000

    def _jump(self, seconds: int) -> None:
        self.went_back = True
        self.now += seconds * 1000
        self.client.set(NOW_KEY, self.now)

    def _put_right(self, trusted: int, undone: bool) -> None:
        before = {job_id: (self._stands(job_id), self._anchor(job_id)) for job_id in self.known}
        self._take_the_lead()
        while self.scheduler._heartbeat.repair():
            pass
        now = self.now // 1000
        for job_id, model, runs in list(self._histories()):
            stands, anchor = self._stands(job_id), self._anchor(job_id)
            stood, anchored = before[job_id]
            if undone:
                latest = max(now, self.sound[job_id], (self.first[job_id] or 1) - 1)
                assert stands <= latest, "what was decided about instants to come is not void"
            assert anchor == anchored or anchored > now + trusted, "what was planned for now is planned anew"
            if (stands, anchor) != (stood, anchored):
                ahead = stood > now + trusted or anchored > now + trusted
                assert ahead, "what was decided about an instant that is over is void"
                # Where nobody watched, decisions are only known to be sound up to when the walk was first wanted.
                last = self.last.get(job_id, 0)
                assert stands >= (min(last, self.wanted) if trusted else last), "what was decided before is void"
                ran = {run["id"]: int(run["scheduled_for"]) for run in runs if run["trigger"] == "schedule"
                       and "edit" not in run and (run["status"] != "skipped" or "started_at" in run)
                       and int(run["scheduled_for"]) <= now}  # fmt: skip
                counts = [occurrence for run_id, occurrence in ran.items() if run_id not in model.void]
                assert stands >= max(counts, default=0), "what is over and ran is void"
                if trusted and anchored <= now + trusted:
                    latest = max([self.landed, min(anchor, now), *ran.values()])
                    assert stands <= latest, "what came due since is forgotten"
                self._forget_after(stands, anchor, model, runs)
            self._forget_edits(job_id, model, runs, trusted)

    def _stands(self, job_id: str) -> int:
        return int(self.client.hget(self.keys.job(job_id), "last_decided") or 0)

    def _anchor(self, job_id: str) -> int:
        return int(self.client.hget(self.keys.job(job_id), "anchor") or 0)

    def _forget_edits(self, job_id: str, model: Model, runs: list[dict[str, str]], trusted: int) -> None:
        """Those that were due ahead come again; what the machine knows of them is what is stored from now on.

        What was due within `trusted` seconds stands, unless something else about its job was void.
        """
        edits = self.rig.job_store.get(job_id).edits
        model.pending = {edit.instant: edit.due for edit in edits.pending}
        model.marks = {*edits.instants} - set(model.pending) | {at for at in model.marks if at <= self._stands(job_id)}
        for run in runs:
            if "edit" not in run or run["trigger"] != "schedule" or run["id"] in model.void:
                continue
            due = json.loads(run["edit"])["due"]  # a run that a pause has held is due anew when it is let go
            is_void = run.get("reason") == "clock" or int(run["scheduled_for"]) in model.pending
            if due > self.now + (0 if is_void else trusted * 1000) and (is_void or run["status"] != "skipped"):
                assert run["status"] != "queued", run
                model.void.add(run["id"])
                model.edited.remove(int(run["scheduled_for"]))

    def _forget_after(self, stands: int, anchor: int, model: Model, runs: list[dict[str, str]]) -> None:
        model.passes = [one for one in model.passes if one <= stands]
        for run in runs:
            if run["trigger"] != "schedule" or run["id"] in model.void or "edit" in run:
                continue
            first = int(run["scheduled_for"])
            last = int(run.get("last_scheduled_for", first))
            if last > stands:
                assert run["status"] != "queued", run
                assert run["status"] != "skipped" or run["reason"] == "clock" or "started_at" in run, run
                assert "started_at" in run or run["status"] in ("skipped", "cancelled"), run
                model.void.add(run["id"])
                model.decided = [one for one in model.decided if not first <= one <= last]
        assert all(one <= stands for one in model.decided)
        model.stands = stands
        if model.is_on:
            model.upcoming = model.following(stands, anchor)

    # jobs

    @rule(
        target=jobs, step=STEPS, limit=st.integers(1, 3),
        overlap=st.sampled_from(["skip", "queue", "latest", "replace"]),
        catch_up=st.sampled_from(["latest", "all", "none"]), max_retries=st.integers(0, 2),
        grace=st.sampled_from([10, 86_400]), kind=st.sampled_from(["interval", "any", "once"]),
        calendar=st.sampled_from([None, CALENDAR]),
    )  # fmt: skip
    @precondition(lambda self: len(self.known) < 4)
    def create(
        self, step: int, limit: int, overlap: str, catch_up: str, max_retries: int, grace: int, kind: str,
        calendar: str | None,
    ) -> str:  # fmt: skip
        """A job of an interval, of two that coincide, or of dates; perhaps with the calendar, which moves none."""
        limit = 1 if overlap == "replace" else limit
        options = {
            "max_concurrent_runs": limit, "overlap": overlap, "catch_up": catch_up, "max_retries": max_retries,
            "retry_delay_seconds": 10, "misfire_grace_seconds": grace,
            "calendar": calendar,
        }  # fmt: skip
        model = Model(kind, step, limit, None, allowed=limit)
        job_id = str(self.rig.make_job(**model.schedule(self.now // 1000), options=options))
        self.known[job_id] = model
        self._plan_anew(job_id)
        return job_id

    def _plan_anew(self, job_id: str) -> None:
        model = self.known[job_id]
        anchor = -(-self.now // 1000)
        after = max([self.now // 1000, model.passed])
        model.upcoming = model.following(after, anchor)
        self._drop_pending(model, lambda instant: model.following(instant - 1, anchor) == instant)

    def _drop_pending(self, model: Model, comes: Callable[[int], bool]) -> None:
        """Changed occurrences that the job does not have any more are dropped, unless they only await their runs."""
        for instant, due in list(model.pending.items()):
            is_over = instant <= model.passed or (due != instant * 1000 and instant * 1000 <= self.now)
            if not is_over and not comes(instant):
                del model.pending[instant]

    @rule(job_id=jobs, limit=st.integers(1, 3))
    def change_the_limit(self, job_id: str, limit: int) -> None:
        """More or fewer at a time."""
        if (model := self.known.get(job_id)) is not None:
            options = self.rig.jobs.get(job_id).data["options"]
            if options["overlap"] == "replace":
                return
            model.limit = limit
            self.rig.jobs.update(job_id, {"options": {**options, "max_concurrent_runs": limit}})

    @rule(job_id=jobs, step=STEPS)
    def change_the_schedule(self, job_id: str, step: int) -> None:
        """Planned anew, if it is another one and the job is on."""
        model = self.known.get(job_id)
        if model is not None and step != model.step:
            model.step = step
            self.rig.jobs.update(job_id, model.schedule(self.now // 1000))
            if model.is_on:
                self._plan_anew(job_id)

    @rule(job_id=jobs)
    def toggle(self, job_id: str) -> None:
        """On to off, or off to on."""
        if (model := self.known.get(job_id)) is not None:
            self._switch(job_id, not model.is_on)

    @rule(job_id=jobs)
    def restart(self, job_id: str) -> None:
        """Off and on again at once."""
        if job_id in self.known:
            self._switch(job_id, False)
            self._switch(job_id, True)

    @rule(job_id=jobs, seconds=st.integers(1, 100))
    def restart_after_the_clock_stepped_back(self, job_id: str, seconds: int) -> None:
        """What was decided in what is the future now stays decided."""
        self.tick()
        self._set(self.now - seconds * 1000)
        self.restart(job_id)

    def _switch(self, job_id: str, enabled: bool) -> None:
        model = self.known[job_id]
        self.rig.jobs.toggle(job_id, {"enabled": enabled})
        was_on, model.is_on = model.is_on, enabled
        if not enabled:
            model.upcoming = None
        elif not was_on:
            self._plan_anew(job_id)

    @rule(job_id=consumes(jobs))
    def delete(self, job_id: str) -> None:
        """It and its runs are gone."""
        self.rig.jobs.delete(job_id)
        self.deleted[job_id] = self.known.pop(job_id).runs
        with pytest.raises(NotFound):
            self.rig.jobs.get(job_id)

    @rule(change=st.sampled_from(CLOSED))
    def the_calendar_changes(self, change: dict[str, Any]) -> None:
        """Its jobs go on by the former one until they are planned anew."""
        self.rig.calendars.update(CALENDAR, change)

    @rule(whole=st.booleans())
    def jobs_are_planned_by_the_calendar(self, whole: bool) -> None:
        """By a scheduler that has just taken the lead; it may die before it has noted that all are."""
        changes = self.rig.scheduler()._due_jobs.changes
        if not whole:
            changes.plan_anew(list(self.known)[:1])
            return
        while changes.step() is not None:
            changes._next_step = 0.0

    # the scheduler

    @rule()
    def tick(self) -> None:
        """Everything that is due is decided."""
        while self.scheduler.enqueue_jobs():
            pass
        for model in self.known.values():
            self._pass(model)
        self.nothing_goes_through_a_pause()

    def _pass(self, model: Model) -> None:
        """What has come due is decided, changed occurrences by themselves."""
        while model.upcoming is not None and model.upcoming * 1000 <= self.now:
            self._pass_one(model)
        self._take_in_edits(model, [instant for instant, due in model.pending.items() if due <= self.now])

    def _pass_one(self, model: Model) -> None:
        assert model.upcoming is not None
        (model.passes if model.upcoming in model.own() else model.decided).append(model.upcoming)
        model.upcoming = model.following(model.upcoming, model.upcoming)

    def _take_in_edits(self, model: Model, instants: list[int]) -> None:
        """Those that have come due are decided; if their job is off, dropped, unless its plan has passed over them."""
        for instant in instants:
            assert model.pending.pop(instant) <= self.now, "decided before it was due"
            if model.is_on or instant <= model.passed:
                model.edited.append(instant)
                model.marks.add(instant)

    @rule(job_id=jobs, ahead=st.integers(0, 5), what=st.sampled_from(["skip", "set", "move"]), by=st.integers(-90, 200))
    def change_an_occurrence(self, job_id: str, ahead: int, what: str, by: int) -> None:
        """Skip it, run it with other settings, or move it, earlier or later, also onto or past others."""
        model = self.known.get(job_id)
        if model is None:
            return
        instant = model.upcoming
        for _ in range(ahead):
            instant = None if instant is None else model.following(instant, instant)
        if instant is None:
            return
        to = max(instant + by, self.now // 1000 + 1)
        to += to == instant
        bodies: dict[str, dict[str, Any]] = {
            "skip": {"skip": True}, "set": {"bot_config": {"dry_run": True}}, "move": {"move_to": _stamp(to)},
        }  # fmt: skip
        try:
            self.rig.edits.change(job_id, _stamp(instant), bodies[what])
        except ValidationFailed as refusal:
            closed = what == "set" and "is closed" in str(refusal)
            assert closed or instant in model.marks, refusal
        else:
            assert instant not in model.marks
            model.pending[instant] = (to if what == "move" else instant) * 1000

    @rule(job_id=jobs, number=st.integers(0, 3))
    def take_a_change_back(self, job_id: str, number: int) -> None:
        """Unless the occurrence's own time is over."""
        model = self.known.get(job_id)
        if model is None or not model.pending:
            return
        instant = sorted(model.pending)[number % len(model.pending)]
        try:
            self.rig.edits.take_back(job_id, _stamp(instant))
        except Conflict:
            assert instant <= self._stands(job_id)
        else:
            assert instant > self._stands(job_id)
            del model.pending[instant]

    @rule()
    def reap(self) -> None:
        """Passes over what dead workers left and over retries, far enough apart that what is stuck is seen to be."""
        for _ in range(3):
            self.reaper.pass_over(self.now)
            self._set(self.now + 5_000)

    @rule()
    def a_stand_by_takes_over(self) -> None:
        """Another scheduler, which knows nothing."""
        self.scheduler = self.rig.scheduler()
        self.reaper = Reaper(self.rig.runs, self.rig.job_store, self.keys, self.client)

    @rule()
    def the_index_is_lost(self) -> None:
        """And read back from the jobs."""
        self.client.delete(self.keys.due)
        index = self.rig.scheduler()._due
        while index.mend():
            pass

    # runs

    @rule(target=runs, job_id=jobs, count=st.integers(1, 4))
    def run_now(self, job_id: str, count: int) -> Any:
        """Runs by hand."""
        if (model := self.known.get(job_id)) is None:
            return multiple()
        asked = [self.rig.use.run_now(job_id) for _ in range(count)]
        model.runs.update(asked)
        return multiple(*((job_id, run_id) for run_id in asked))

    @rule(target=runs, job_id=jobs, seconds=st.integers(1, 3600))
    def run_later(self, job_id: str, seconds: int) -> Any:
        """A run by hand that awaits its time."""
        if (model := self.known.get(job_id)) is None:
            return multiple()
        run_id = self.rig.use.run_now(job_id, {"at": format_timestamp(self.now // 1000 + seconds)})
        model.runs.add(run_id)
        return job_id, run_id

    @rule(run=runs, seconds=st.integers(1, 3600))
    def move(self, run: tuple[str, str], seconds: int) -> None:
        """Whatever state it is in."""
        try:
            self.rig.use.move(*run, {"at": format_timestamp(self.now // 1000 + seconds)})
        except (NotFound, Conflict):
            pass

    @rule(run=runs)
    def start(self, run: tuple[str, str]) -> None:
        """Whatever it awaits."""
        try:
            self.rig.use.start(*run)
        except (NotFound, Conflict):
            pass

    @rule(job_id=jobs, parallel=st.integers(1, 3), only=st.sampled_from(["missing", "failed"]))
    def backfill(self, job_id: str, parallel: int, only: str) -> None:
        """Of instants that are missing or failed; without any, nothing starts."""
        model = self.known.get(job_id)
        since = 0 if model is None or only == "failed" else self.accounts.read(job_id).account.complete_since
        if model is None or since >= self.now // 1000:
            return
        span = {"since": format_timestamp(since), "until": format_timestamp(self.now // 1000)}
        found = self.backfills.start(job_id, {**span, "only": only, "dry_run": True})
        if only == "missing":
            self._check_missing(job_id, model, since, {parse_timestamp(at, "") for at in found["instants"]})
        try:
            asked = self.backfills.start(job_id, {**span, "only": only, "max_parallel": parallel})
        except Conflict:
            return
        assert asked["total"] == found["total"]
        if asked["backfill_id"] is not None:
            self.begun[asked["backfill_id"]] = job_id, asked["total"]

    def _check_missing(self, job_id: str, model: Model, since: int, found: set[int]) -> None:
        """Those that were decided without a run, or never; not those that ran, or that the calendar closed."""
        runs = next(runs for known, _, runs in self._histories() if known == job_id)
        began = {int(run["scheduled_for"]) for run in runs if "scheduled_for" in run
                 and (run["status"] not in ("skipped", "cancelled") or "started_at" in run)}  # fmt: skip
        left, lacking = iter(model.decided), set[int]()
        for run in runs:
            if run["trigger"] == "schedule" and run["id"] not in model.void:
                instants = list(itertools.islice(left, int(run.get("occurrences", 1))))
                meant = run.get("reason") == "closed" or (run["status"] == "cancelled" and "requested_by" in run)
                if not meant:
                    lacking.update(instants)
        assert not found & began, "it ran"
        decided = {one for one in lacking - began if since <= one < self.now // 1000}
        if not self.went_back:  # else a later schedule may count where an earlier one has decided
            assert decided <= found, (job_id, sorted(decided - found))
            assert not (found - decided) & set(model.decided), "somebody meant that"

    @rule(workers=st.integers(1, 4))
    def feed(self, workers: int) -> None:
        """So many workers beat, and a scheduler looks for room."""
        self.client.delete(self.keys.workers)
        for number in range(workers):
            Presence(self.rig.scripts).beat_worker(f"w{number}")
        BackfillFeed(self.rig.scripts).step()

    @rule(job_id=jobs)
    def cancel_backfill(self, job_id: str) -> None:
        """If there is one."""
        if job_id not in self.known:
            return
        for shown in self.backfills.list(job_id):
            try:
                self.backfills.cancel(job_id, shown["backfill_id"])
            except Conflict:
                assert shown["state"] == "done"

    @rule(target=runs, job_id=jobs, newest=st.booleans())
    def again(self, job_id: str, newest: bool) -> Any:
        """One of its runs, of an occurrence or by hand, if it has ended."""
        history: Any = self.client.lrange(self.keys.history(job_id), 0, -1)
        if job_id not in self.known or not history:
            return multiple()
        try:
            run_id = self.rig.use.again(job_id, history[0 if newest else -1].decode())
        except Conflict:
            return multiple()
        self.known[job_id].runs.add(run_id)
        return job_id, run_id

    @rule(run=runs)
    def cancel(self, run: tuple[str, str]) -> None:
        """Whatever state it is in."""
        try:
            self.rig.use.cancel(*run)
        except (NotFound, Conflict):
            pass

    # workers

    def _claim(self, run_id: str | None) -> Claim | None:
        if run_id is None:
            return None
        return self._note(self.rig.runs.claim(run_id, f"token-{next(self.tokens)}", "w", LEASE_MS))

    def _note(self, claim: Claim | None) -> Claim | None:
        if claim is not None:
            assert claim.run_id not in self.claimed, "claimed twice"
            not_before = int(self.client.hget(self.keys.run(claim.run_id), "not_before") or 0)
            assert not_before <= self.now or self.went_back, "it has started before its time"
            self.claimed.add(claim.run_id)
        return claim

    def _pop(self) -> str | None:
        popped: Any = self.client.lmove(self.keys.rq_queue, self.keys.rq_intermediate)
        return None if popped is None else str(popped.decode())

    @rule(target=claims)
    def work(self) -> Any:
        """A worker pops and claims."""
        claim = self._claim(self._pop())
        return multiple() if claim is None else claim

    @rule(status=st.sampled_from(["success", "failed", "skipped"]))
    def work_one_off(self, status: str) -> None:
        """A worker pops, claims and ends."""
        claim = self._claim(self._pop())
        if claim is not None:
            self._end(claim, status)

    @rule()
    def pop_and_die(self) -> None:
        """A worker dies before it claims."""
        self._pop()

    @rule(target=claims, run=runs)
    def claim_out_of_turn(self, run: tuple[str, str]) -> Any:
        """A duplicate in the queue, or a worker that was slow to start what was put back."""
        claim = self._claim(run[1])
        return multiple() if claim is None else claim

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        """A sign of life, or of a life after death."""
        self.rig.runs.renew(claim.run_id, claim.token, LEASE_MS)

    @rule(claim=claims, status=st.sampled_from(["success", "failed", "cancelled", "skipped"]))
    def finish(self, claim: Claim, status: str) -> None:
        """By its worker: alive, woken after the reaper came by, or repeating itself."""
        self._end(claim, status)

    @rule(target=claims, claim=claims, status=st.sampled_from(["success", "success", "failed", "cancelled", "skipped"]))
    def finish_and_take_the_next(self, claim: Claim, status: str) -> Any:
        """In one step, as a horse does; the run may have ended, or be another's by now."""
        outcome, retry = self._ending(claim, status)
        token = f"token-{next(self.tokens)}"
        found = self.rig.runs.finish_and_claim(claim, outcome, retry, (), token, "w", LEASE_MS)
        following = self._note(found)
        return multiple() if following is None else following

    def _end(self, claim: Claim, status: str) -> None:
        outcome, retry = self._ending(claim, status)
        self.rig.runs.finish(claim.run_id, claim.token, outcome, retry=retry)

    def _ending(self, claim: Claim, status: str) -> tuple[Outcome, Retry | None]:
        has_error = status in ("failed", "cancelled")
        # The reason is one of the scheduler's own, so that a skip could be folded into this run.
        outcome = Outcome(status, "no" if has_error else None, {}, reason="overlap" if status == "skipped" else None)
        retry = None
        if status == "failed":
            options = claim.record.definition.options
            retry = retry_of(claim.run_id, int(claim.run.get("attempt", 1)), options, random.Random(0).random)
        return outcome, retry

    # what holds after each step

    def _histories(self) -> Iterator[tuple[str, Model, list[dict[str, str]]]]:
        for job_id, model in self.known.items():
            ids: list[bytes] = list(self.rig.client.lrange(self.rig.keys.history(job_id), 0, -1))
            runs = [run for run_id in reversed(ids) if (run := self.rig.runs.get(run_id.decode()))]
            model.runs |= {run["id"] for run in runs}
            yield job_id, model, runs

    @invariant()
    def each_occurrence_is_decided_once(self) -> None:
        """The history holds every occurrence that was due while its job was on, in order, and no other."""
        if not hasattr(self, "known"):
            return
        for job_id, model, runs in self._histories():
            left = iter(model.decided)
            for run in runs:
                if run["trigger"] == "schedule" and run["id"] not in model.void and "edit" not in run:
                    held = list(itertools.islice(left, int(run.get("occurrences", 1))))
                    last = run.get("last_scheduled_for", run["scheduled_for"])
                    assert held, f"never due: {run}"
                    assert (held[0], held[-1]) == (int(run["scheduled_for"]), int(last)), (job_id, run)
            assert list(left) == []

    @invariant()
    def every_instant_is_accounted_for(self) -> None:
        """What the epochs named and what the history has add up; of what a clock ahead began, runs may be twice."""
        if not hasattr(self, "known"):
            return
        for job_id, model, runs in self._histories():
            account = self.accounts.read(job_id).account
            first, last = account.complete_since - 1, self.now // 1000
            count = totals(account, first, last)
            until = (self.now - GRACE_MS) // 1000
            overdue = sum(1 for fate in account.fates(first, until) if fate.word == "overdue")
            twice = sum(1 for run in runs if run["id"] in model.void and run["status"] != "skipped")
            assert count.unaccounted == overdue, (job_id, count)
            assert count.doubled + count.strays <= twice, (job_id, count)

    @invariant()
    def each_changed_occurrence_is_decided_once_by_itself(self) -> None:
        """And none that was taken back, or dropped; those to come are in the index, and no others."""
        if not hasattr(self, "known"):
            return
        wanted: dict[str, int] = {}
        for job_id, model, runs in self._histories():
            own = [
                run for run in runs if run["trigger"] == "schedule" and "edit" in run and run["id"] not in model.void
            ]
            assert sorted(int(run["scheduled_for"]) for run in own) == sorted(model.edited), job_id
            assert len(set(model.edited)) == len(model.edited) and not set(model.edited) & set(model.decided)
            wanted |= {f"{job_id}/{instant}": due for instant, due in model.pending.items()}
        index: Any = self.client.zrange(self.keys.edits_due, 0, -1, withscores=True)
        assert {member.decode(): int(score) for member, score in index} == wanted

    @invariant()
    def each_enabled_job_has_its_next_occurrence_in_the_index(self) -> None:
        """And no other job is in it; one that is on and has none has ended."""
        if not hasattr(self, "known"):
            return
        index: Any = self.client.zrange(self.keys.due, 0, -1, withscores=True)
        due = {j: model.upcoming * 1000 for j, model in self.known.items() if model.upcoming is not None}
        assert {member.decode(): int(score) for member, score in index} == due
        enabled = [model.is_on for model in self.known.values()] + [job.is_on for job in self.watched.values()]
        assert int(self.client.get(self.keys.enabled_jobs) or 0) == sum(enabled)
        for job_id, model in self.known.items():
            comes = model.upcoming is not None or model.pending
            state = "disabled" if not model.is_on else "scheduled" if comes else "ended"
            assert self.rig.jobs.get(job_id).data["state"] == state

    @invariant()
    def each_run_is_in_exactly_one_place(self) -> None:
        """Queued with a slot, waiting, awaiting its delay, leased, or over; what is over stays as it ended."""
        if not hasattr(self, "known"):
            return
        names = ("queued", "leases", "retries", "later", "held")
        places = {name: self._members(getattr(self.keys, name)) for name in names}
        handed_over = self._members(self.keys.rq_queue) + self._members(self.keys.rq_intermediate)
        everywhere: set[str] = set()
        for job_id, model, runs in self._histories():
            slots = [run["id"] for run in runs if run["status"] in ("queued", "running") and "slot" in run]
            waiting = self._members(self.keys.waiting(job_id))
            on_hold = self._members(self.keys.on_hold(job_id))
            held = {**places, "slots": slots, "waiting": waiting, "on hold": on_hold}
            assert len(waiting) == len(set(waiting)) and len(on_hold) == len(set(on_hold))
            of_job = {run["id"] for run in runs}
            assert set(self._members(self.keys.job_later(job_id))) == of_job & set(places["later"])
            for run in runs:
                run_id = run["id"]
                where = {name for name, members in held.items() if run_id in members}
                assert where in _right_places(run["status"]), (run, where)
                if where == {"queued", "slots"}:
                    assert run_id in handed_over
                by_hand = "scheduled_for" not in run or "again_of" in run or "backfill_id" in run
                is_delayed = where in ({"retries"}, {"held", "on hold"})
                assert not is_delayed or by_hand or model.is_on, "a run is delayed, its job is off"
                if run["status"] in ENDED:
                    assert model.ended.setdefault(run_id, run["status"]) == run["status"]
            is_open = {run["id"] for run in runs if run["status"] not in ENDED}
            assert self.rig.counts(job_id) == (len(is_open), len(slots))
            everywhere |= is_open
            model.allowed = max(model.limit, min(model.allowed, len(slots)))
            assert len(slots) <= model.allowed
            assert len(slots) >= model.limit or not waiting, "a slot is free, and somebody waits"
        of_the_deleted = set().union(*self.deleted.values())
        assert set(places["queued"] + places["retries"] + places["later"] + places["held"]) <= everywhere
        assert set(places["leases"]) <= everywhere | of_the_deleted

    def _members(self, key: str) -> list[str]:
        kind: Any = self.client.type(key)
        read: Any = {
            b"set": lambda: self.client.smembers(key),
            b"zset": lambda: self.client.zrange(key, 0, -1),
            b"list": lambda: self.client.lrange(key, 0, -1),
        }.get(kind, list)
        return [member.decode() for member in read()]

    @invariant()
    def each_instant_of_a_backfill_has_one_run(self) -> None:
        """Its counts are those of the runs' fates, and what has no run yet is left."""
        if not hasattr(self, "known"):
            return
        for job_id, _, runs in self._histories():
            for shown in self.backfills.list(job_id):
                newest: dict[str, str] = {}
                for run in runs:  # oldest first: a retry comes after the run that it repeats
                    if run.get("backfill_id") == shown["backfill_id"]:
                        assert run["trigger"] == "retry" or run["scheduled_for"] not in newest, "two runs"
                        newest[run["scheduled_for"]] = run["status"]
                fates = list(newest.values())
                for fate in ("success", "failed", "cancelled", "skipped"):
                    assert shown[fate] == fates.count(fate), (fate, shown)
                assert shown["open"] == fates.count("queued") + fates.count("running"), shown
                assert self.begun[shown["backfill_id"]] == (job_id, shown["total"])
                assert shown["total"] == shown["left"] + shown["dropped"] + len(fates), shown
                is_over = shown["left"] + shown["open"] == 0
                assert shown["state"] == "cancelled" or (shown["state"] == "done") == is_over, shown

    @invariant()
    def what_is_deleted_stays_deleted(self) -> None:
        """No key of ours names a deleted job, or one of its runs, nor does the queue."""
        if not hasattr(self, "deleted") or not self.deleted:
            return
        every: Any = self.client.keys(f"{self.keys.prefix}:*")
        gone = set(self.deleted) | set().union(*self.deleted.values())
        kept = {key for job in self.deleted for key in (
            self.keys.deleted_job(job), self.keys.deleted_revisions(job), self.keys.deleted_edits(job))}  # fmt: skip
        left = {key.decode() for key in every} - kept
        pinged = f"{self.keys.prefix}:ping:"  # what is remembered of pings goes by itself
        assert not [key for key in left if any(part in gone for part in key.split(":")) and not key.startswith(pinged)]
        # A duplicate of what was claimed may stand in the queue; the claim's door is closed to it.
        assert not (gone - self.claimed) & set(self._members(self.keys.rq_queue))

    # the end

    def _come_to_rest(self) -> None:
        self.end_all_pauses()
        for job_id in self.known:
            self._switch(job_id, False)
        for _ in range(500):
            while (run_id := self._pop()) is not None:
                claim = self._claim(run_id)
                if claim is not None:
                    self.rig.runs.finish(run_id, claim.token, Outcome("success", None, {}))
            self._set(self.now + LEASE_MS + 1)
            self.feed(2)  # first, as a backfill's retry goes on only while workers have been heard of
            self.reap()
            # A lease from before the clock stepped back ends that much later.
            if not self._members(self.keys.leases) and all(self.rig.counts(job)[0] == 0 for job in self.known):
                if not self.client.exists(self.keys.active_backfills):
                    break
        self.each_occurrence_is_decided_once()
        self.each_run_is_in_exactly_one_place()
        for _, _, runs in self._histories():
            assert all(run["status"] in ENDED and "finished_at" in run for run in runs)
        left = [key for key in ("leases", "queued", "retries", "later", "rq_queue", "rq_intermediate", "rq_started")
                if self.client.exists(getattr(self.keys, key))]  # fmt: skip
        assert left == []
        self.each_instant_of_a_backfill_has_one_run()
        self.each_ping_is_in_the_history_once()
        assert not self.client.keys("rq:execution*")
        changes = Findings()
        check_changes(changes, self.client, self.keys, histories(self.client, self.keys), repaired=True)
        assert changes.wrong == []


def _stamp(instant: int) -> str:
    return f"{format_timestamp(instant)}Z"


def _right_places(status: str) -> tuple[set[str], ...]:
    if status == "queued":
        return {"queued", "slots"}, {"waiting"}, {"retries"}, {"later"}, {"held", "on hold"}
    return ({"leases", "slots"},) if status == "running" else (set(),)


def try_many_orders(engine: type[Engine], server: ValkeyServer) -> None:
    """Take `EXAMPLES` times fifty steps of a state machine, whose invariants must hold after each."""
    engine.server = server
    run_state_machine_as_test(
        engine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=50, deadline=None, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_the_invariants_hold_whatever_is_done_in_whatever_order(valkey_server: ValkeyServer) -> None:
    """Create, change, switch, delete, tick, work, die, reap, cancel, and clocks that step back."""
    try_many_orders(Engine, valkey_server)
