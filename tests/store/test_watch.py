"""The watch, its leases and its notes, on the real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.alerting.touch import FORGIVEN_MS, Touch
from service.domain.run_records import Outcome
from service.domain.status import MEMORY_HIGH
from service.domain.watching.rules import AWAY_MS
from service.domain.watching.troubles import Trouble
from service.errors import StoreFull, StoreUnavailable
from service.store.counters import read
from service.store.server.redis_clock import RedisClock
from service.store.watching.eyes import DROPPED_MS, look
from service.store.watching.leases import LEASE_MS, Leases
from service.store.watching.trouble_store import note_troubles
from service.usecases.health import Health
from service.watch.outcry import Alone, Outcry
from service.watch.outside import Outside
from service.watch.watch import LOOK_MS, Watch
from tests.support.store_rig import Rig

SILENCE = Trouble("no_scheduler", 1_800_000_000_000, "the last heartbeat came long ago")
LATE = Trouble("undecided", 1_800_000_000_001, "what was due has not been decided")


class Ticks:
    """A steady clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def told(rig: Rig) -> list[tuple[str, str]]:
    """The kinds of the notes about troubles in the outbox, oldest first; empties it."""
    notes: Any = rig.client.lrange(rig.keys.alerts_service, 0, -1)
    rig.client.delete(rig.keys.alerts_service)
    return [(note["kind"], note["trouble"]) for note in map(json.loads, reversed(notes)) if "trouble" in note]


def move_gone(rig: Rig, kind: str, by_ms: int) -> None:
    """Have a trouble not been seen for longer."""
    found = json.loads(rig.client.hget(rig.keys.troubles, kind) or "{}")
    rig.client.hset(rig.keys.troubles, kind, json.dumps({**found, "gone": found["gone"] - by_ms}))


def test_a_task_has_one_owner_who_loses_it_when_he_is_silent_and_can_give_it_back(rig: Rig) -> None:
    """By Redis' clock for others, by his own steady clock for himself."""
    ticks = Ticks()
    one, other = (Leases(rig.scripts, name, ("courier", "watch"), ticks) for name in ("one", "other"))
    one.renew()
    other.renew()
    assert one.holds("courier") and one.holds("watch") and not other.holds("watch")
    ticks.now += LEASE_MS
    assert not one.holds("watch"), "it was frozen, and the lease may be another's by now"
    assert 0 < rig.client.pttl(rig.keys.lease("watch")) <= LEASE_MS
    one.renew()
    assert one.holds("watch")
    other.give_back()
    assert rig.client.get(rig.keys.lease("watch")) == b"one", "only the owner gives it back"
    one.give_back()
    other.renew()
    assert other.holds("courier") and not one.holds("courier")


def test_a_lease_that_was_taken_while_the_clock_was_ahead_does_not_last(rig: Rig) -> None:
    """It would bind everybody until the clock gets there again."""
    rig.client.set(rig.keys.lease("watch"), "frozen", px=LEASE_MS * 1000)
    Leases(rig.scripts, "other", ("watch",)).renew()
    assert 0 < rig.client.pttl(rig.keys.lease("watch")) <= LEASE_MS


def test_a_trouble_is_told_once_when_it_begins_and_once_when_it_is_over(rig: Rig) -> None:
    """However many processes look; one that is gone for a moment only has not ended."""
    for _ in range(3):
        note_troubles(rig.scripts, [SILENCE, LATE])
    assert told(rig) == [("trouble", "no_scheduler"), ("trouble", "undecided")]
    note_troubles(rig.scripts, [LATE])
    move_gone(rig, "no_scheduler", AWAY_MS - 2000)
    note_troubles(rig.scripts, [LATE])
    note_troubles(rig.scripts, [SILENCE, LATE])
    note_troubles(rig.scripts, [LATE])
    note_troubles(rig.scripts, [LATE])
    assert told(rig) == []
    move_gone(rig, "no_scheduler", AWAY_MS)
    assert note_troubles(rig.scripts, [LATE]) == 1 and note_troubles(rig.scripts, [LATE]) == 0
    assert told(rig) == [("trouble_over", "no_scheduler")]
    assert [trouble.kind for trouble in Health(rig.scripts).troubles()] == ["undecided"]


def test_troubles_are_shown_by_health_and_metrics_and_only_while_they_last(rig: Rig) -> None:
    """The healthy answer is what it was."""
    health = Health(rig.scripts)
    assert "troubles" not in health.now() and read(rig.scripts).troubles == ()
    note_troubles(rig.scripts, [SILENCE])
    assert health.now()["troubles"] == [
        {"kind": "no_scheduler", "since": "2027-01-15T08:00:00", "detail": "No scheduler is up"}
    ]
    assert read(rig.scripts).troubles == (SILENCE,)


def test_outside_hands_in_the_notes_stop_nobody(rig: Rig) -> None:
    """Rubbish is not shown, and goes."""
    for kind, text in (("no_scheduler", "rubbish"), ("of tomorrow", '{"since": 1, "said": "x"}'), ("unsaved", "[]")):
        rig.client.hset(rig.keys.troubles, kind, text)
    assert Health(rig.scripts).troubles() == ()
    note_troubles(rig.scripts, [])
    for kind in ("no_scheduler", "of tomorrow", "unsaved"):
        move_gone(rig, kind, AWAY_MS)
    note_troubles(rig.scripts, [])
    assert not rig.client.exists(rig.keys.troubles)


def test_the_eyes_see_what_waits_and_who_is_silent(rig: Rig) -> None:
    """A run in the queue, an occurrence that is due, heartbeats, and an address that took no alert."""
    job_id = rig.make_job()
    waiting = rig.make_job()
    rig.pretend_due(waiting, 5)
    run_id = rig.run_due(waiting)
    rig.scripts.run("note_delivery", "URL 1 of ALERT_URL", "it is down")
    rig.scripts.run("note_delivery", "URL 2 of ALERT_URL", "it is down")
    rig.scripts.run("note_delivery", "URL 2 of ALERT_URL", "")
    rig.client.hset(rig.keys.alerts_unsent, "of long ago", json.dumps({"since": 1, "last": 1, "why": "x"}))
    rig.client.hset(rig.keys.alerts_unsent, "rubbish", "[]")
    seen = look(rig.scripts)
    assert len(seen.schedulers) == 1 and seen.workers == {}
    assert seen.oldest_due == min(int(rig.client.zscore(rig.keys.due, one) or 0) for one in (job_id, waiting))
    assert seen.oldest_queued is not None and seen.oldest_queued[0] == run_id
    assert {name: why for name, (_, why) in seen.unsent.items()} == {"URL 1 of ALERT_URL": "it is down"}


def watch_of(rig: Rig, ticks: Ticks) -> tuple[Watch, Touch]:
    """A watch that was in touch for a minute, and its touch."""
    touch = Touch(rig.scripts, ("courier", "watch"), clock=ticks)
    touch.begin()
    touch.renew()
    for _ in range(20):
        ticks.now += 3000
        touch.renew()
    outcry = Outcry({}, lambda *_: None, Alone(), ticks)
    return Watch(rig.scripts, touch, 60, outcry, Outside(None), ticks), touch


def test_the_watch_tells_of_a_scheduler_that_is_silent_and_a_second_watch_tells_nothing(rig: Rig) -> None:
    """Only who holds the lease looks, and no more often than every ten seconds."""
    ticks = Ticks()
    watch, _ = watch_of(rig, ticks)
    other, other_touch = watch_of(rig, Ticks())
    assert not other_touch.holds("watch")
    other.turn()
    assert told(rig) == []
    watch.turn()
    watch.turn()
    assert told(rig) == [("trouble", "no_scheduler")]
    rig.scheduler().heartbeat()
    watch.turn()
    assert "gone" not in json.loads(rig.client.hget(rig.keys.troubles, "no_scheduler") or "")
    ticks.now += LOOK_MS - 1
    watch.turn()
    assert "gone" not in json.loads(rig.client.hget(rig.keys.troubles, "no_scheduler") or "")


def test_alerts_that_fall_out_of_a_full_outbox_are_counted_logged_and_told(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Those that fit are kept; it is over a minute after the last one."""
    ticks = Ticks()
    watch, touch = watch_of(rig, ticks)
    rig.scheduler().heartbeat()
    rig.client.rpush(rig.keys.alerts, *["{}"] * 19_999)
    job_id = rig.make_job()
    for number in range(3):
        assert rig.client.llen(rig.keys.alerts) == min(19_999 + number, 20_000)
        run_id = rig.use.run_now(job_id)
        assert rig.runs.finish(run_id, rig.start(run_id), Outcome("success" if number == 1 else "failed", None, {}))
    assert int(rig.client.hget(rig.keys.alerts_dropped, "count") or 0) == 2
    for _ in range(2):
        watch.turn()
        ticks.now += LOOK_MS
        touch.renew()
    assert told(rig) == [("trouble", "alerts_dropped")]
    assert caplog.text.count("Alerts were dropped, because too many came at once: 2 so far") == 1
    rig.client.hincrby(rig.keys.alerts_dropped, "at", -DROPPED_MS)
    assert look(rig.scripts).dropped == 0


def test_a_step_of_the_clock_is_seen_while_no_scheduler_is_up(rig: Rig) -> None:
    """It is recorded once, whoever sees it first."""
    ticks = Ticks()
    watch, touch = watch_of(rig, ticks)
    watch.turn()
    ticks.now += 7_200_000  # while Redis' clock stands still: it was set back
    touch.renew()
    watch.turn()
    steps = json.loads(rig.client.hget(rig.keys.clock, "steps") or "[]")
    assert len(steps) == 1 and abs(steps[0]["by"] + 7_200_000) < 10_000
    kinds = [json.loads(note)["kind"] for note in rig.client.lrange(rig.keys.alerts_service, 0, -1)]
    assert kinds.count("clock_stepped") == 1


def test_touch_is_counted_anew_after_a_gap_and_not_after_a_hiccup(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an outage or a sleeping machine has made late is nobody's fault."""
    ticks = Ticks()
    _, touch = watch_of(rig, ticks)
    assert touch.lasted_ms() == 60_000

    def refuse(*_: object) -> None:
        raise StoreUnavailable("Redis cannot be reached")

    with monkeypatch.context() as away:
        away.setattr(Leases, "renew", refuse)
        touch.renew()
        gap = touch.gap()
        assert gap is not None and (gap.reason, gap.refused) == ("Redis cannot be reached", False)
        ticks.now += FORGIVEN_MS
        touch.renew()
        assert (touch.gap() or gap).began_ms == gap.began_ms
    touch.renew()
    assert touch.gap() is None and touch.lasted_ms() == 60_000 + FORGIVEN_MS
    ticks.now += FORGIVEN_MS + 1
    touch.renew()
    assert touch.lasted_ms() == 0


def test_a_full_redis_is_watched_and_told_of_once_whoever_sees_it_first(rig: Rig) -> None:
    """Scheduler and watch use one mark; leases are kept all the same."""
    ticks = Ticks()
    watch, touch = watch_of(rig, ticks)
    used = int(rig.client.info("memory")["used_memory"])
    try:
        rig.client.config_set("maxmemory", int(used / (MEMORY_HIGH + 0.02)))
        watch.turn()
        rig.scheduler().heartbeat()
        rig.client.config_set("maxmemory", used // 2)
        ticks.now += LOOK_MS
        touch.renew()
        with pytest.raises(StoreFull):  # it cannot look at the clock, and has done all else
            watch.turn()
        assert touch.gap() is None and touch.holds("watch")
        notes = [json.loads(note)["kind"] for note in rig.client.lrange(rig.keys.alerts_service, 0, -1)]
        assert notes.count("memory_high") == 1
        assert "memory" in [trouble.kind for trouble in Health(rig.scripts).troubles()]
    finally:
        rig.client.config_set("maxmemory", 0)
    assert RedisClock(rig.client).now_ms() > 0
