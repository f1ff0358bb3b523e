"""The same state machine, with changes between a plan and its commit, old commits, and answers that get lost."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, multiple, precondition, rule

from service.domain.run_records import Claim, Outcome
from service.errors import StoreUnavailable
from service.store.scripts import VERBS
from tests.chaos.recount import read_state, recount
from tests.machine.interference import Interference
from tests.machine.test_machine import CALENDAR, CLOSED, LEASE_MS, STEPS, Engine, Model, try_many_orders
from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.slow(reason="a state machine takes hundreds of steps on a real server")

SKIPS = st.integers(0, 1)
"""A scheduler may ask what is due by one call, and commit by the next."""
MINUTELY = ("* * * * *", "*/1 * * * *")
OLDEST = 20
"""So many commits back is the oldest that still arrives."""


class InterferedEngine(Engine):
    """Jobs, runs and claims, and scripts that come late or are sent twice."""

    @initialize()
    def begin(self) -> None:
        """An empty installation, whose scripts go through an interference."""
        super().begin()
        self.interference = Interference({str(self.rig.scripts._scripts[verb].sha): verb for verb in VERBS})
        self.force = self.interference.in_force()
        self.force.__enter__()

    def teardown(self) -> None:
        """As the other's, with nothing in between any more."""
        if not hasattr(self, "force"):
            return
        try:
            self.interference.forget()
            super().teardown()
        finally:
            self.force.__exit__(None, None, None)

    # jobs that share a kind, and so their plans

    def create_each_minute(self) -> str:
        """A cron job; all others have intervals, which are planned one by one."""
        options = {"max_concurrent_runs": 2, "overlap": "queue", "catch_up": "all", "calendar": CALENDAR}
        cron = {"cron_expression": MINUTELY[0]}
        job_id = str(self.rig.make_job(schedule_type="cron", schedule_config=cron, options=options))
        self.known[job_id] = Model("cron", 60, 2, None, allowed=2)
        self._plan_anew(job_id)
        return job_id

    def spell_the_schedule_anew(self, job_id: str) -> None:
        """The same instants by another expression: another kind."""
        self.rig.jobs.update(job_id, {"schedule_config": {"cron_expression": MINUTELY[1]}})
        self._plan_anew(job_id)

    # between a plan and its commit

    @rule(job_id=Engine.jobs, step=STEPS, skip=SKIPS)
    def a_schedule_changes_between_plan_and_commit(self, job_id: str, step: int, skip: int) -> None:
        """The commit is of the schedule that was."""
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: self.change_the_schedule(job_id, step))

    @rule(job_id=Engine.jobs, limit=st.integers(1, 3), skip=SKIPS)
    def a_limit_changes_between_plan_and_commit(self, job_id: str, limit: int, skip: int) -> None:
        """The plan stays, and what it was made of does not."""
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: self.change_the_limit(job_id, limit))

    @rule(job_id=Engine.jobs, skip=SKIPS)
    def a_job_is_switched_between_plan_and_commit(self, job_id: str, skip: int) -> None:
        """Off or on."""
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: self.toggle(job_id))

    @rule(job_id=Engine.jobs, skip=SKIPS)
    def a_job_is_restarted_between_plan_and_commit(self, job_id: str, skip: int) -> None:
        """Its definition is the same again, and its plan is another."""
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: self.restart(job_id))

    @rule(job_id=Engine.jobs, change=st.sampled_from(CLOSED), skip=SKIPS)
    def the_calendar_changes_between_plan_and_commit(self, job_id: str, change: dict[str, Any], skip: int) -> None:
        """And the jobs are planned by it: the commit is of the calendar that was."""

        def act() -> None:
            self.the_calendar_changes(change)
            self.jobs_are_planned_by_the_calendar(True)

        self._while_a_commit_is_on_its_way(job_id, skip, act)

    @rule(job_id=Engine.jobs, ahead=st.integers(0, 3), what=st.sampled_from(["skip", "set", "move"]), skip=SKIPS)
    def an_occurrence_is_changed_between_plan_and_commit(self, job_id: str, ahead: int, what: str, skip: int) -> None:
        """One that the commit decides, or a later one."""
        self._while_a_commit_is_on_its_way(
            job_id, skip, lambda: self.change_an_occurrence(job_id, ahead, what, 30)
        )  # fmt: skip

    @rule(job_id=Engine.jobs, number=st.integers(0, 3), skip=SKIPS)
    def a_change_is_taken_back_between_plan_and_commit(self, job_id: str, number: int, skip: int) -> None:
        """The commit passes over it, or decides it."""
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: self.take_a_change_back(job_id, number))

    @rule(job_id=Engine.jobs, skip=SKIPS)
    def another_scheduler_decides_between_plan_and_commit(self, job_id: str, skip: int) -> None:
        """Two leaders, each of which takes itself for the only one."""
        other = self.rig.scheduler()
        self._while_a_commit_is_on_its_way(job_id, skip, lambda: other.enqueue_jobs())

    @rule(job_id=Engine.jobs, skip=SKIPS)
    def catching_up_ends_between_plan_and_commit(self, job_id: str, skip: int) -> None:
        """The plan has all that was missed run; by the time of its commit nothing that was missed is to run."""
        if job_id not in self.known:
            return
        self._change_options(job_id, catch_up="all", misfire_grace_seconds=86_400)
        before: set[str] = set()

        def end() -> None:
            before.update(self._ran(job_id))
            self._change_options(job_id, catch_up="none")

        if self._while_a_commit_is_on_its_way(job_id, skip, end):
            assert len(self._ran(job_id) - before) <= 1, "a plan was carried out that is no longer the job's"

    def _change_options(self, job_id: str, **changed: Any) -> None:
        options = self.rig.jobs.get(job_id).data["options"]
        self.rig.jobs.update(job_id, {"options": {**options, **changed}})

    def _ran(self, job_id: str) -> set[str]:
        """The runs of its occurrences that were not skipped."""
        runs = next(runs for its, _, runs in self._histories() if its == job_id)
        return {
            run["id"]
            for run in runs
            if run["trigger"] == "schedule" and run["status"] != "skipped" and "edit" not in run
        }

    def _while_a_commit_is_on_its_way(self, job_id: str, skip: int, act: Callable[[], object]) -> bool:
        """Returns whether it came to that."""
        if job_id not in self.known:
            return False
        happened = []

        def meanwhile() -> None:
            self._take_in_what_is_decided()
            act()
            self._take_in_what_is_decided()
            happened.append(True)

        self._set(self.now + 61_000)  # so that there is something to commit
        self.interference.before_commit(meanwhile, skip)
        self.scheduler.enqueue_jobs()
        self.interference.forget()
        self.tick()  # what came too late is planned anew
        return bool(happened)

    # commits that come late

    @rule()
    def a_scheduler_plans_and_stands_still(self) -> None:
        """Its commit arrives later, or never."""
        self.interference.lost = 2  # a broken connection is tried once more
        try:
            self.rig.scheduler().enqueue_jobs()
        except StoreUnavailable:
            pass
        self.interference.forget()
        self._take_in_what_is_decided()

    @rule(back=st.integers(0, OLDEST - 1))
    @precondition(lambda self: self.interference.commits)
    def an_old_commit_arrives(self, back: int) -> None:
        """Once more, or for the first time; what it decides by then is due."""
        commits = self.interference.commits[-OLDEST:]
        self.interference.deliver(self.client, commits[-1 - back % len(commits)])
        self._take_in_what_is_decided()

    @rule(lost=st.booleans())
    def answers_are_lost(self, lost: bool) -> None:
        """From now on, or no longer; what was not answered is sent again, and then it is."""
        self.interference.loses_answers = lost

    @rule(target=Engine.claims, claim=Engine.claims, status=st.sampled_from(["success", "failed"]))
    def end_one_and_claim_the_next(self, claim: Claim, status: str) -> Any:
        """By one call, whether the claim is still good or not."""
        outcome = Outcome(status, None if status == "success" else "no", {})
        token = f"token-{next(self.tokens)}"
        following = self.rig.runs.finish_and_claim(claim, outcome, None, (), token, "w", LEASE_MS)
        if following is None:
            return multiple()
        assert following.run_id not in self.claimed, "claimed twice"
        self.claimed.add(following.run_id)
        return following

    def _take_in_what_is_decided(self) -> None:
        """Nobody but the script knows which jobs a commit has moved on; that it was right shows in the histories."""
        for job_id, model in self.known.items():
            fields: Any = self.client.hmget(self.keys.job(job_id), "next_occurrence", "state")
            stored, state = fields
            moved_to = int(stored) if stored is not None else math.inf if state == b"ended" else 0
            while model.upcoming is not None and model.upcoming < moved_to:
                assert model.upcoming * 1000 <= self.now, "decided before it was due"
                self._pass_one(model)
            edits = self.rig.job_store.get(job_id).edits
            to_come = {edit.instant for edit in edits.pending}
            self._take_in_edits(model, [instant for instant in model.pending if instant not in to_come])

    # what holds

    @invariant()
    def counters_are_as_the_records_say(self) -> None:
        """Recounted by the audit's own rules, from the state of every run."""
        if hasattr(self, "known"):
            assert recount(read_state(self.client, self.keys)) == []

    def check(self) -> None:
        """All that holds, for who takes steps without hypothesis."""
        self.each_occurrence_is_decided_once()
        self.each_changed_occurrence_is_decided_once_by_itself()
        self.each_enabled_job_has_its_next_occurrence_in_the_index()
        self.each_run_is_in_exactly_one_place()
        self.counters_are_as_the_records_say()


def test_the_invariants_hold_though_commits_come_late_and_answers_get_lost(valkey_server: ValkeyServer) -> None:
    """Definitions change between a plan and its commit, and old plans arrive at any time."""
    try_many_orders(InterferedEngine, valkey_server)


def respell(engine: InterferedEngine, job_id: str, skip: int) -> None:
    engine._while_a_commit_is_on_its_way(job_id, skip, lambda: engine.spell_the_schedule_anew(job_id))


def take_back_between(engine: InterferedEngine, job_id: str, skip: int) -> None:
    engine.change_an_occurrence(job_id, 1, "skip", 0)
    engine.a_change_is_taken_back_between_plan_and_commit(job_id, 0, skip)


INTERFERENCES: dict[str, Callable[[InterferedEngine, str, int], object]] = {
    "schedule": lambda engine, job, skip: engine.a_schedule_changes_between_plan_and_commit(job, 20, skip),
    "limit": lambda engine, job, skip: engine.a_limit_changes_between_plan_and_commit(job, 3, skip),
    "switch": lambda engine, job, skip: engine.a_job_is_switched_between_plan_and_commit(job, skip),
    "restart": lambda engine, job, skip: engine.a_job_is_restarted_between_plan_and_commit(job, skip),
    "rival": lambda engine, job, skip: engine.another_scheduler_decides_between_plan_and_commit(job, skip),
    "catching up": lambda engine, job, skip: engine.catching_up_ends_between_plan_and_commit(job, skip),
    "edit": lambda engine, job, skip: engine.an_occurrence_is_changed_between_plan_and_commit(job, 0, "skip", skip),
    "later edit": lambda engine, job, skip: engine.an_occurrence_is_changed_between_plan_and_commit(
        job, 2, "move", skip
    ),
    "taken back": take_back_between,
    "calendar": lambda engine, job, skip: engine.the_calendar_changes_between_plan_and_commit(job, CLOSED[3], skip),
    "late": lambda engine, job, skip: engine.a_scheduler_plans_and_stands_still(),
}


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("what", INTERFERENCES)
def test_each_interference_alone_leaves_the_invariants(
    what: str, skip: int, lost: bool, valkey_server: ValkeyServer
) -> None:
    """Certainly, where the machine may or may not come by; then every commit that there was arrives again."""
    interfere(
        valkey_server,
        lambda engine: str(engine.create(5, 2, "queue", "all", 0, 86_400, False, CALENDAR)),
        what,
        skip,
        lost,
    )


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("what", [*sorted(INTERFERENCES.keys() - {"schedule"}), "spelling"])
def test_each_interference_alone_leaves_jobs_that_share_their_plans_right(
    what: str, skip: int, lost: bool, valkey_server: ValkeyServer
) -> None:
    """Three jobs of one kind, of which one changes; another spelling of the same schedule is another kind."""

    def create(engine: InterferedEngine) -> str:
        engine.create_each_minute()
        engine.create_each_minute()
        return engine.create_each_minute()

    interfere(valkey_server, create, what, skip, lost)


def interfere(
    server: ValkeyServer, create: Callable[[InterferedEngine], str], what: str, skip: int, lost: bool
) -> None:  # fmt: skip
    """Lets one thing happen between a plan and its commit, and then all commits arrive again."""
    InterferedEngine.server = server
    engine = InterferedEngine()
    engine.begin()
    try:
        job_id = create(engine)
        engine.time_passes_and_is_looked_at(20_000)
        engine.time_passes(600_000)
        engine.work_one_off("success")
        engine.answers_are_lost(lost)
        {**INTERFERENCES, "spelling": respell}[what](engine, job_id, skip)
        engine.answers_are_lost(False)
        engine.check()
        for back in range(len(engine.interference.commits)):
            engine.an_old_commit_arrives(back)
            engine.check()
        engine.time_passes_and_is_looked_at(90_000)
        engine.check()
    finally:
        engine.teardown()


def test_a_void_decision_covers_no_occurrence_that_waits_for_another(valkey_server: ValkeyServer) -> None:
    """A clock ahead decided it, somebody then skipped it, and no scheduler came: it is unaccounted for."""
    InterferedEngine.server = valkey_server
    engine = InterferedEngine()
    engine.begin()
    job_id = engine.create(
        calendar=None, catch_up="latest", grace=10, kind="interval", limit=1, max_retries=0, overlap="skip", step=5
    )
    engine.the_clock_goes_ahead_and_back(seconds=61, stay=0, watched=True, works=False)
    engine.change_an_occurrence(ahead=0, by=0, job_id=job_id, what="skip")
    engine.the_clock_has_gone_on_for_a_while()
    engine.every_instant_is_accounted_for()
    engine.teardown()
