"""Pings of heartbeat jobs in the state machine, with their own oracle: a run for each, once, and late when due."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from service.errors import Conflict
from service.scheduler.expectations import Expectations
from tests.store.pinging import know_heartbeats, ping, watched

SAME_START_MS = 10_000


@dataclass(slots=True)
class Watched:
    """What a heartbeat job should be.

    Args:
        step: its interval, seconds.
        grace: seconds.
        begins: since when it owes pings, ms.
        reported: when a ping has ended a run last, ms.
        runs: every run, the oldest first -> its state.
        open: the id of its pings, '' for none -> the run under way, and when it began.
        ended: the id of its pings -> the run that they have ended.
        is_plain: whether its oracle knows when it is late: no clock was set back, and no pause was there.
    """

    step: int
    grace: int
    begins: int
    reported: int = 0
    is_on: bool = True
    runs: dict[str, str] = field(default_factory=dict)
    open: dict[str, tuple[str, int]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    is_plain: bool = True

    def end(self, rid: str, status: str) -> str:
        """Ends the run under way."""
        run_id, _ = self.open.pop(rid)
        self.runs[run_id] = status
        return run_id


class Pinging(RuleBasedStateMachine):
    """The rules; `begin_pinging` comes first."""

    rig: Any
    now: int
    went_back: bool
    paused: list[Any]
    deleted: dict[str, set[str]]

    def begin_pinging(self) -> None:
        """No such job yet."""
        know_heartbeats(self.rig)
        self.watched: dict[str, Watched] = {}

    @rule(
        number=st.integers(0, 1), word=st.sampled_from(["start", "start", "success", "success", "fail", "log"]),
        rid=st.sampled_from([None, None, "a", "b"]), seconds=st.integers(0, 40),
    )  # fmt: skip
    def others_ping(self, number: int, word: Any, rid: str | None, seconds: int) -> None:
        """A moment later."""
        job_id = self._of(number)
        self._set(self.now + seconds * 1000)
        job = self.watched[job_id]
        expected = self._expected(job, word, rid or "")
        try:
            answer = ping(self.rig, job_id, word, rid, "text")
        except Conflict:
            assert expected is None
        else:
            assert expected is not None
            self._take_in(job, word, rid or "", answer)
        self.each_ping_is_in_the_history_once()

    def _of(self, number: int) -> str:
        if len(self.watched) <= number:
            job_id = watched(self.rig, schedule_config={"seconds": 60}, bot_config={"grace_seconds": 30})
            self.watched[job_id] = Watched(60, 30, self.now)
        return list(self.watched)[min(number, len(self.watched) - 1)]

    @staticmethod
    def _expected(job: Watched, word: str, rid: str) -> str | None:
        """What a ping does: `new`, `known` (the run under way, or that it has ended), or None: it is refused."""
        if rid in job.open:
            return "known"
        if rid in job.ended:
            return None if word == "start" else "known"
        return None if word == "log" and not job.runs else "new"

    def _take_in(self, job: Watched, word: str, rid: str, answer: dict[str, Any]) -> None:
        run_id, status = answer["run_id"], answer["status"]
        if word == "log":
            assert job.runs[run_id] == status
        elif word == "start":
            if rid in job.open:
                known, began = job.open[rid]
                if rid or abs(self.now - began) <= SAME_START_MS:
                    assert run_id == known
                    return
                job.end(rid, "failed")
            self._begin(job, rid, run_id, status)
        elif rid not in job.open and rid in job.ended:
            assert (run_id, status) == (job.ended[rid], job.runs[run_id])
        else:
            if rid not in job.open:
                self._begin(job, rid, run_id, "running")
            assert status == ("failed" if word == "fail" else "success") and run_id == job.end(rid, status)
            job.reported = self.now
            if rid:
                job.ended[rid] = run_id

    def _begin(self, job: Watched, rid: str, run_id: str, status: str) -> None:
        assert status == "running" and run_id not in job.runs
        job.runs[run_id] = status
        job.open[rid] = run_id, self.now

    @rule(number=st.integers(0, 1), what=st.sampled_from(["switch", "cancel", "delete", "look", "look", "sweep"]))
    def a_watched_job_is_seen_to(self, number: int, what: str) -> None:
        """By a person, or by a scheduler."""
        if number >= len(self.watched):
            return
        job_id = list(self.watched)[number]
        job = self.watched[job_id]
        if what == "switch":
            job.is_on = not job.is_on
            self.rig.jobs.toggle(job_id, {"enabled": job.is_on})
            job.begins = self.now if job.is_on else job.begins
        elif what == "cancel" and job.open:
            rid = min(job.open)
            self.rig.use.cancel(job_id, job.open[rid][0])
            job.end(rid, "cancelled")
        elif what == "delete":
            self.rig.jobs.delete(job_id)
            self.deleted[job_id] = set(self.watched.pop(job_id).runs)
        elif what == "look":
            Expectations(self.rig.scripts).step()
            self._look(job_id, job)
        elif what == "sweep":
            assert self.rig.scripts.run("mend_counts", job_id) == 0
            assert self.rig.scripts.run("restore_due", job_id) == 0
        self.each_ping_is_in_the_history_once()

    def _look(self, job_id: str, job: Watched) -> None:
        """What is missing was told once, and so was its end; it is missing when interval and grace are over."""
        rows: Any = self.rig.client.lrange(self.rig.keys.alerts, 0, -1)
        notes = [one for one in map(json.loads, reversed(rows)) if one.get("job_id") == job_id]
        kinds = [one["kind"] for one in notes if one.get("expectation") == "ping"]
        assert kinds == ["breach", "breach_over"] * (len(kinds) // 2) + ["breach"] * (len(kinds) % 2), kinds
        is_late = len(kinds) % 2 == 1
        assert not is_late or job.is_on
        job.is_plain = job.is_plain and not self.went_back and not self.paused
        if job.is_plain and job.is_on:
            base = -(-max(job.begins, job.reported) // 1000)
            assert is_late == (self.now >= (base + job.step + job.grace) * 1000), (job, self.now)

    def each_ping_is_in_the_history_once(self) -> None:
        """In its state; the counts are those of the runs, and they are where runs under way are remembered."""
        for job_id, job in self.watched.items():
            ids: Any = self.rig.client.lrange(self.rig.keys.history(job_id), 0, -1)
            runs = {one.decode(): self.rig.runs.get(one.decode())["status"] for one in reversed(ids)}
            assert len(ids) == len(runs) and list(runs.items()) == list(job.runs.items()), job_id
            assert self.rig.counts(job_id) == (len(job.open), len(job.open))
            remembered: Any = self.rig.client.hgetall(self.rig.keys.pings(job_id))
            assert {rid.decode()[1:]: run.decode() for rid, run in remembered.items()} == {
                rid: run for rid, (run, _) in job.open.items()
            }  # fmt: skip

    def _set(self, now: int) -> None:
        raise NotImplementedError
