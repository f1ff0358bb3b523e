"""Pauses in the state machine, and an oracle of its own: what was decided in one has not gone through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from service.domain.timestamps import format_ms
from service.errors import Conflict
from service.scheduler.pauses import PauseEnds
from service.usecases.pauses import Pauses

FOLDED = {"coalesced", "missed", "misfire", "overlap", "waiting_limit", "clock", "closed", "edited", "disabled"}
"""Why an occurrence may be skipped, whether or not a pause covers it: none of these would have run."""


@dataclass(slots=True)
class Known:
    """A pause that was answered. Times are ms.

    Args:
        job_id: the one job that it is for; None for all.
        ended: when a person ended it.
    """

    id: str
    job_id: str | None
    since: int
    until: int | None
    ended: int | None = None

    def is_in_force(self, now: int) -> bool:
        """As long as its end is to come, wherever the clock is set, and nobody has ended it."""
        return self.ended is None and (self.until is None or now < self.until)

    def covers(self, job_id: str, due: int, now: int) -> bool:
        """Whether an occurrence that is decided now is paused."""
        if self.job_id not in (None, job_id):
            return False
        end = self.until if self.ended is None else self.ended
        return self.is_in_force(now) or (end is not None and self.since <= due < end <= now)


class Pausing(RuleBasedStateMachine):
    """The rules; `begin_pausing` comes first."""

    rig: Any
    known: dict[str, Any]
    now: int

    def begin_pausing(self) -> None:
        """No pause yet."""
        self.pauses = Pauses(self.rig.scripts, ("echo", "birthday"))
        self.paused: list[Known] = []
        self.seen: set[str] = set()
        self.on_hold: set[str] = set()

    @rule(
        on_resume=st.sampled_from(["skip", "latest", "all"]), number=st.integers(-2, 3),
        seconds=st.sampled_from([None, 1, 30, 600]),
    )  # fmt: skip
    def pause(self, on_resume: str, number: int, seconds: int | None) -> None:
        """All jobs, or one of them; for ever, or for a while. It does not cover earlier decisions."""
        self.nothing_goes_through_a_pause()
        if len([one for one in self.paused if one.is_in_force(self.now)]) > 3:
            return
        job_id = sorted(self.known)[number] if 0 <= number < len(self.known) else None
        until = None if seconds is None else (self.now // 1000 + seconds) * 1000
        body = {
            "scope": "all" if job_id is None else {"job_id": job_id}, "reason": "a rule", "on_resume": on_resume,
            "until": None if until is None else format_ms(until),
        }  # fmt: skip
        if until is not None and until <= self.now:
            return
        made = self.pauses.create(body)
        self.paused.append(Known(made["id"], job_id, self.now, until))

    @rule(number=st.integers(0, 5))
    def resume(self, number: int) -> None:
        """A person ends one, if it has not ended."""
        if number >= len(self.paused):
            return
        one = self.paused[number]
        was_in_force = one.is_in_force(self.now)
        try:
            self.pauses.end(one.id)
        except Conflict:
            assert not was_in_force or self._has_ended_by_itself(one)
            return
        assert was_in_force
        one.ended = self.now

    def _has_ended_by_itself(self, one: Known) -> bool:
        """By a clock that was ahead; it is in force again, and the leader has not noted that yet."""
        return one.until is not None and not self.rig.client.hexists(self.rig.keys.pauses, one.id)

    @rule()
    def the_leader_looks_at_the_pauses(self) -> None:
        """It ends those whose time has come, and lets in what they hold."""
        ends = PauseEnds(self.rig.scripts)
        while ends.step() == 0.0:
            pass
        self.nothing_goes_through_a_pause()

    @rule()
    def runs_are_swept(self) -> None:
        """Nothing is wrong, so nothing is mended."""
        for job_id in self.known:
            assert self.rig.scripts.run("mend_counts", job_id) == 0
        self.nothing_goes_through_a_pause()

    def nothing_goes_through_a_pause(self) -> None:
        """Called when something was decided, or let in, by the clock as it is now."""
        for job_id in self.known:
            holds = any(one.is_in_force(self.now) and one.job_id in (None, job_id) for one in self.paused)
            ids: Any = self.rig.client.lrange(self.rig.keys.history(job_id), 0, -1)
            runs = [run for run_id in ids if (run := self.rig.runs.get(run_id.decode()))]
            for run in runs:
                if run["trigger"] != "schedule":
                    continue
                if run["id"] not in self.seen:
                    self.seen.add(run["id"])
                    self._check_new(job_id, run)
                if run["id"] in self.on_hold and "held_by" not in run:
                    self.on_hold.discard(run["id"])
                    assert run["status"] in ("skipped", "cancelled") or not holds, f"let in by a pause: {run}"
                if "held_by" in run:
                    self.on_hold.add(run["id"])
                    assert run["status"] == "queued" and "slot" not in run, run

    def _check_new(self, job_id: str, run: dict[str, str]) -> None:
        # The run's own `due` is that of its start: of one that waited for a pause's end, when it was let in.
        due = int(json.loads(run["edit"])["due"] if "edit" in run else int(run["scheduled_for"]) * 1000)
        if "pause" in run:
            assert any(one.covers(job_id, due, self.now) for one in self.paused), f"no pause covers it: {run}"
        elif run["status"] != "skipped" or run["reason"] not in FOLDED:
            assert not any(one.covers(job_id, due, self.now) for one in self.paused), f"through a pause: {run}"

    def end_all_pauses(self) -> None:
        """By a person, and by the leader. Nothing of them is left then but what people may read."""
        for one in self.paused:
            try:
                self.pauses.end(one.id)
            except Conflict:
                continue
        ends = PauseEnds(self.rig.scripts)
        for _ in range(100):
            if ends.step() is None:
                break
        left: Any = self.rig.client.keys(f"{self.rig.keys.prefix}:pause:*") + self.rig.client.keys("*:hold")
        assert not left, left
        assert not self.rig.client.exists(self.rig.keys.held, self.rig.keys.resuming)
