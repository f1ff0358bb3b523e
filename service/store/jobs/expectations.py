"""Facts about the jobs of which something is expected, as Redis has them, and the verdicts about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.expectations.awaited import Awaited, Away
from service.domain.expectations.paused_time import is_paused, paused_stretches
from service.domain.expectations.verdict import EndedRun, Facts, Verdict, judge
from service.domain.heartbeats.terms import grace_ms, is_watched
from service.domain.options import Options
from service.domain.pauses.pause import Pause
from service.domain.planning import why_ended
from service.domain.records import NONE_RUNS, JobRecord, UnreadableJob, read_job
from service.domain.schedules.closed.closed_days import next_open
from service.domain.schedules.definition import Interval
from service.domain.schedules.occurrences import next_occurrence
from service.errors import ScheduleError
from service.store.calendars.calendar_store import CalendarStore
from service.store.pauses.pause_store import PauseStore
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields, pairs, scored
from service.store.server.redis_clock import RedisClock

AT_ONCE = 100
"""Jobs that one step judges."""
TOO_FAR_MS = 2 * 3_600_000
"""A job that is to be judged later than this was put off while the clock was ahead."""
SILENT_MS = 15_000
"""No web process is up if none has held the watch's lease for so long: another takes it over within 13 s."""
MOST_WALKED = 1_000
"""Occurrences of one day that are looked at."""
_DAMAGED = (ValueError, TypeError, LookupError, ArithmeticError, ScheduleError, UnreadableJob)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one job.

    Args:
        job_id: the job.
        word: `judged`, `stale`, `gone`, or why it cannot be judged.
        verdict: None without one.
    """

    job_id: str
    word: str
    verdict: Verdict | None = None


class ExpectationStore:
    """The jobs of which something is expected.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys
        self._pauses = PauseStore(scripts)
        self._calendars = CalendarStore(scripts)

    def due(self) -> tuple[int, list[str], float | None]:
        """Return Redis' time, ms, the jobs that are to be judged now, and in how many seconds the next one is."""
        key = self._keys.expect_due
        now_ms = RedisClock(self._scripts.client).now_ms()
        due, far, following = ask(
            self._scripts,
            ("ZRANGE", key, "-inf", now_ms, "BYSCORE", "LIMIT", 0, AT_ONCE),
            ("ZRANGE", key, now_ms + TOO_FAR_MS, "+inf", "BYSCORE", "LIMIT", 0, AT_ONCE),
            ("ZRANGE", key, f"({now_ms}", "+inf", "BYSCORE", "LIMIT", 0, 1, "WITHSCORES"),
        )
        if not isinstance(due, list):
            return now_ms, [], None  # outside hands have made the key another type
        ids = [job_id.decode(errors="replace") for job_id in dict.fromkeys([*due, *far])]
        left = next((max(0.0, (score - now_ms) / 1000) for _, score in scored(following)), None)
        return now_ms, ids, 0.0 if len(due) == AT_ONCE else left

    def judge(self, job_ids: Sequence[str], now_ms: int) -> list[Judged]:
        """Judge jobs, each in one step, unless its facts have changed since they were read.

        Args:
            job_ids: the jobs.
            now_ms: the time.
        """
        if not job_ids:
            return []
        _, pauses = self._pauses.all()
        asked = [question for one in job_ids for question in (
            ("HGETALL", self._keys.job(one)), ("HGETALL", self._keys.expectation(one)),
        )]  # fmt: skip
        door = ("HMGET", self._keys.open_door, "seen", "shut", "since"), ("EXISTS", self._keys.lease("watch"))
        noted, is_watched_now, *answers = ask(self._scripts, *door, *asked)
        away = away_of(noted, now_ms, is_open=is_watched_now == 1)
        found = []
        for job_id, job, state in zip(job_ids, answers[::2], answers[1::2], strict=True):
            try:
                found.append(self._judge(job_id, pairs(job), pairs(state), pauses, now_ms, away))
            except _DAMAGED as error:
                found.append(Judged(job_id, f"cannot be judged: {error}"))
        return found

    def told(self, job_id: str) -> dict[str, str]:
        """Return what a job breaches: expectation -> the sentence that was told, in the order in which it was."""
        (text,) = ask(self._scripts, ("HGET", self._keys.expectation(job_id), "told"))
        try:
            return {str(name): str(one["said"]) for name, one in orjson.loads(text or b"{}").items()}
        except _DAMAGED:
            return {}

    def put_off(self, job_id: str, until_ms: int) -> None:
        """Look at a job that cannot be judged later."""
        self._scripts.read(lambda pipe: pipe.zadd(self._keys.expect_due, {job_id: until_ms}, xx=True))

    def _judge(
        self, job_id: str, job: Mapping[bytes, bytes], state: Mapping[bytes, bytes], pauses: Sequence[Pause], now: int,
        away: Away | None,
    ) -> Judged:  # fmt: skip
        stamp = state.get(b"stamp", b"")
        if not job:
            return Judged(job_id, self._scripts.run("judge_job", job_id, stamp, b"{}").decode())
        record = read_job(job_id, job)
        expect = record.definition.options.expect
        facts = self._facts(record, state, pauses, now)
        if facts.awaited is not None:
            facts = replace(facts, awaited=replace(facts.awaited, away=away))
        verdict = judge(expect, facts, now)
        nothing = expect is None and facts.awaited is None
        moved = _moved_on(record, facts.awaited, verdict.next_at)
        text = orjson.dumps(written(verdict, facts, state, nothing=nothing) | moved)
        return Judged(job_id, self._scripts.run("judge_job", job_id, stamp, text).decode(), verdict)

    def _facts(self, record: JobRecord, state: Mapping[bytes, bytes], pauses: Sequence[Pause], now: int) -> Facts:
        definition = record.definition
        paused = paused_stretches(pauses, now, record.id, definition.labels, definition.bot_type)
        expect = definition.options.expect
        is_dated = is_watched(definition.bot_type) or (expect is not None and expect.finish_by is not None)
        calendar = self._calendars.of(definition.options) if is_dated else None
        return replace(
            stored_facts(state, now),
            is_on=definition.enabled and record.plan.state != "ended",
            running=self._running(state),
            paused=paused,
            zone=ZoneInfo(getattr(definition.schedule, "timezone", "UTC")) if expect and expect.finish_by else None,
            is_expected=_expected(record, calendar, lambda at: is_paused(paused, at)),
            awaited=_awaited(record, state, calendar, now) if is_watched(definition.bot_type) else None,
        )

    def _running(self, state: Mapping[bytes, bytes]) -> dict[str, int]:
        """Return the runs that are under way still, without rehearsals, and when they started."""
        started = {
            name[4:].decode(errors="replace"): int(value) for name, value in state.items() if name.startswith(b"run:")
        }
        if not started:
            return {}
        keys = [self._keys.run(run_id) for run_id in started]
        answers = ask_packed(self._scripts, hash_fields(keys, ("status", "rehearsal")))
        return {
            run_id: at for (run_id, at), values in zip(started.items(), answers, strict=True)
            if isinstance(values, list) and values[0] == b"running" and values[1] != b"1"
        }  # fmt: skip


def away_of(noted: Any, now: int, *, is_open: bool) -> Away | None:
    """Read the last time in which no web process was up, so that nobody could take pings; None if none is known.

    Args:
        noted: as `lua/hold_lease.lua` notes it.
        now: the time, ms.
        is_open: whether a web process holds the watch's lease.
    """
    if not isinstance(noted, list) or not all(one is not None and one.isdigit() for one in noted):
        return None
    seen, shut, since = map(int, noted)
    if not is_open and now - seen > SILENT_MS:
        return Away(seen, None)
    return Away(shut, min(since, now)) if since else None


def stored_facts(state: Mapping[bytes, bytes], now: int) -> Facts:
    """Read what the scripts have noted. `now`: the time, ms. Raises ValueError and the like if it is damaged."""

    def number(name: bytes) -> int | None:
        return int(state[name]) if name in state else None

    ended = [orjson.loads(line) for line in state.get(b"ended", b"").splitlines()]
    return Facts(
        is_on=True,
        since=min(number(b"since") or now, now),  # else a clock that was ahead would put off what is expected
        success=number(b"success"),
        tardy=number(b"tardy"),
        durations=[int(one) for one in state.get(b"durations", b"").split()],
        ended=[
            EndedRun(one["run_id"], int(one["at"]), bool(one["success"]), one.get("slow"), one.get("empty"))
            for one in ended
        ],
        told=orjson.loads(state.get(b"told", b"{}")),
    )


def written(verdict: Verdict, facts: Facts, state: Mapping[bytes, bytes], *, nothing: bool) -> dict[str, Any]:
    """Write a verdict as `lua/judge_job.lua` takes it.

    Args:
        verdict: the verdict.
        facts: what it was made of.
        state: the same as it was read.
        nothing: whether nothing is expected any more.
    """
    reported = None if facts.awaited is None else facts.awaited.reported
    fields = {
        "since": str(facts.since),  # outside hands may have taken it away
        "told": orjson.dumps(verdict.told).decode() if verdict.told else None,
        "tardy": None if verdict.tardy is None else str(verdict.tardy),
        "settled": None if verdict.settled is None else str(verdict.settled),
        "reported": None if reported is None else str(reported),
        "longest": None if verdict.longest is None else str(verdict.longest),
        "ended": None,
    }  # fmt: skip
    over = [name.decode(errors="replace") for name in state if name.startswith(b"run:")]
    removed = [name for name in over if name[4:] not in facts.running]
    removed += [name for name, value in fields.items() if value is None and name.encode() in state]
    marks = {
        run_id: orjson.dumps([{"expectation": "longest_seconds", "said": said}]).decode()
        for run_id, said in verdict.marks.items()
    }
    return {
        "health": verdict.health,
        "fields": {name: value for name, value in fields.items() if value is not None},
        "removed": removed,
        "marks": marks,
        "notes": [{"kind": kind, "facts": said} for kind, said in verdict.notes],
        "next": False if nothing else verdict.look_at,
    }


def _moved_on(record: JobRecord, awaited: Awaited | None, next_at: int | None) -> dict[str, Any]:
    """Write when a heartbeat job's next ping is due, and whether it has come to its end: nobody else moves it on."""
    if awaited is None or not awaited.is_on:
        return {}
    moved = {"next_run": str(next_at or NONE_RUNS)}
    was = record.plan.state
    if was == "broken" or awaited.has_ended == (was == "ended"):
        return moved
    return {**moved, "ended": why_ended(record.definition.options) if awaited.has_ended else ""}


def _expected(record: JobRecord, calendar: WorkCalendar | None, is_paused_at: Callable[[int], bool]) -> Any:
    """Return a function that tells whether an occurrence comes in a span that is to run."""
    definition = record.definition

    def is_expected(after: int, until: int) -> bool:
        at = after
        for _ in range(MOST_WALKED):
            found = next_open(definition.schedule, definition.options, at, record.plan.anchor, calendar, until)
            if found is None or found.at > until:
                return False
            if not is_paused_at(found.at * 1000):
                return True
            at = found.at
        return False

    return is_expected


def _awaited(record: JobRecord, state: Mapping[bytes, bytes], calendar: WorkCalendar | None, now: int) -> Awaited:
    """Return what a heartbeat job's pings are judged by."""
    definition, plan = record.definition, record.plan
    schedule, options = definition.schedule, definition.options
    counts = isinstance(schedule, Interval)  # from the last report; the author of a crontab knows no anchor of ours

    def begun(base: int) -> tuple[Options, int]:
        """Return the options and the anchor of what counts from an instant: an interval has begun already."""
        if not counts:
            return options, plan.anchor
        is_over = options.starts_at_s is not None and options.starts_at_s <= base
        return (options.model_copy(update={"starts_at": None}) if is_over else options), base

    def following(after: int, base: int) -> int | None:
        its, anchor = begun(base)
        found = next_open(schedule, its, after, anchor, calendar)
        return None if found is None else found.at

    since, reported, settled = (state.get(name) for name in (b"since", b"reported", b"settled"))
    planned = record.created_at // 1000 if plan.after is None else plan.after
    begins = max(0 if since is None else min(int(since), now), planned * 1000)
    last = None if reported is None else min(int(reported), now)
    its, anchor = begun(-(-max(begins, last or 0) // 1000))
    return Awaited(
        grace_ms(definition.bot_config), begins, last, None if settled is None else min(int(settled), now), counts,
        following, definition.enabled, next_occurrence(schedule, its, now // 1000, anchor, calendar) is None,
    )  # fmt: skip
