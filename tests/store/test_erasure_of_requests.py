"""Erasure of a person from what people ask for: pauses, backfills, runs for later, and the names of their keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from service.bots.registry import load_bots
from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.scopes import ALL
from service.domain.people.erasure.traces import ERASED
from service.domain.run_records import Outcome
from service.scheduler.backfill_feed import BackfillFeed
from service.store.keys import Keys
from service.store.pauses.pause_store import PauseStore
from service.store.presence import Presence
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.usecases.access.audit import Audit
from service.usecases.backfilling.backfills import Backfills
from service.usecases.contacts import ContactBook
from service.usecases.erasure import Erasure
from service.usecases.fates.occurrences import Occurrences
from service.usecases.pauses import Pauses
from tests.support import dumps
from tests.support.store_rig import EchoConfig, Rig

KEYS = Keys()
NAME, EMAIL = "Zoë Ångström-Lee", "zoe.lee+x@example.org"
MARKS = ("ngstr", "zoe.lee", "zo\\u00eb", "zoë")
WHY = f"{NAME} <{EMAIL}> asked for quiet"
QUIET = f"{ERASED} <{ERASED}> asked for quiet"


@pytest.fixture(autouse=True)
def named_after_the_person() -> Any:
    """Whoever asks has a key that is named after the person."""
    token = act_for(Caller("k1", f"{NAME}'s key", ALL))
    yield
    act_as_before(token)


@pytest.fixture
def erasure(redis_client: Redis) -> Erasure:
    """Of the installation on the server."""
    return Erasure(make_scripts(redis_client, KEYS, Limits()), load_bots())


def telling(client: Redis, *marks: str) -> list[str]:
    """The keys that name the person in some spelling, or by some marks."""
    rows = {row["key"]: json.dumps(row, ensure_ascii=False).lower() for row in dumps.dump(client)}
    return [
        name.removeprefix(f"{KEYS.prefix}:")
        for name, text in rows.items()
        if any(mark in text for mark in marks or MARKS)
    ]


def by_another(erasure: Erasure, contact_id: str) -> dict[str, Any]:
    """An erasure by somebody whose key has another name, which the log keeps."""
    token = act_for(Caller("k2", "another key", ALL))
    try:
        return erasure.erase(contact_id)
    finally:
        act_as_before(token)


def pauses(rig: Rig) -> Pauses:
    """The use cases."""
    return Pauses(rig.scripts, ("echo",))


def paused(rig: Rig, on_resume: str) -> tuple[str, str, str]:
    """A job, the run that a pause has skipped or held, and the pause."""
    job_id = rig.make_job()
    made = pauses(rig).create({"scope": {"job_id": job_id}, "reason": WHY, "on_resume": on_resume})
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    return job_id, str(rig.history(job_id)[0]["id"]), str(made["id"])


def test_pauses_and_the_runs_that_they_skip_or_hold(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """In force, over, of a skipped and of a held run; what a pause does stays, and so do its ends."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    skipped_of, skipped, over = paused(rig, "skip")
    pauses(rig).end(over)
    held_of, held, lasting = paused(rig, "all")
    before = {name: pauses(rig).get(name) for name in (over, lasting)}
    assert {"pauses", "pauses:ended", f"run:{skipped}", f"run:{held}"} <= set(telling(rig.client))
    found = by_another(erasure, contact_id)
    assert telling(rig.client) == [] and found["left"] == [] and found["found"]["pauses"] >= 4
    for name in (over, lasting):
        after = pauses(rig).get(name)
        assert after["reason"] == QUIET and after["by"] == {"actor": "k1", "name": f"{ERASED}'s key"}
        assert {**after, "reason": "", "by": "", "ended_by": ""} == {
            **before[name], "reason": "", "by": "", "ended_by": "",
        }  # fmt: skip
    (run,) = rig.history(skipped_of)
    assert (run["status"], run["reason"], run["pause"]["reason"]) == ("skipped", "paused", QUIET)
    pauses(rig).end(lasting)
    rig.scripts.run("resume_jobs", 100, 86_400_000)
    assert rig.queue() == [held]
    rig.pretend_due(held_of, 1)
    assert rig.start(held)


def test_a_pause_that_ends_while_the_person_is_searched_for(
    rig: Rig, book: ContactBook, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words go from one key into another one, and into a run; these are searched after those they come from."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    job_id, _, lasting = paused(rig, "skip")
    looked: list[list[str]] = []
    search = erasure._texts._search

    def and_meanwhile(names: Any, *more: Any) -> None:
        looked.append(list(names))
        if len(looked) == 1:
            pauses(rig).end(lasting)
            other = rig.make_job()
            pauses(rig).create({"scope": {"job_id": other}, "reason": "neutral"})
        search(names, *more)
        if len(looked) == 2:
            rig.pretend_due(job_id, 1)
            rig.scheduler().enqueue_jobs()

    monkeypatch.setattr(erasure._texts, "_search", and_meanwhile)
    by_another(erasure, contact_id)
    assert looked[:2] == [[KEYS.pauses], [KEYS.ended_pauses]]
    assert [name for name in telling(rig.client) if name != "pauses"] == []
    assert pauses(rig).get(lasting)["reason"] == QUIET


def test_a_scope_that_names_the_person_is_told_and_goes_on(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """To cut it would pause other jobs; a job's label likewise."""
    contact_id = book.create({"name": "Zoe", "emails": [EMAIL]})["id"]
    job_id = rig.make_job(labels={"for": "Zoe"})
    pause = pauses(rig).create({"scope": {"label": {"for": "Zoe"}}, "reason": "quiet"})
    left = by_another(erasure, contact_id)["left"]
    assert sorted(left) == [f"job:{job_id}", "pauses"]
    assert pauses(rig).get(pause["id"])["scope"] == {"label": {"for": "Zoe"}}


def test_a_backfill_and_its_runs(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """Told while it goes on, since its runs need what was asked for; cut once it is over."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    job_id = rig.make_job(schedule_type="daily", schedule_config={"hour": 8, "minute": 0})
    Presence(rig.scripts).beat_worker("worker-1")
    use = Backfills(rig.scripts, Occurrences(rig.scripts), {"echo": EchoConfig})
    span = {"since": "2025-03-01T00:00:00", "until": "2025-03-02T00:00:00", "only": "all"}
    asked = use.start(job_id, {**span, "bot_config": {"dry_run": True}})["backfill_id"]
    backfill = KEYS.backfill(asked)
    rig.client.hset(backfill, "overlay", json.dumps({"to": EMAIL}))  # as a bot would have it that takes an address
    BackfillFeed(rig.scripts).step()
    (run_id,) = rig.queue()
    assert sorted(by_another(erasure, contact_id)["left"]) == [f"backfill:{asked}", f"run:{run_id}"]
    assert rig.client.hget(backfill, "overlay") == json.dumps({"to": EMAIL}).encode()
    assert f"backfill:{asked}" not in telling(rig.client, "ngstr")  # who asked is history at once
    rig.client.hdel(KEYS.run(run_id), "overlay")
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome("success", None, {}))
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    assert use.get(job_id, asked)["state"] == "done"
    assert by_another(erasure, contact_id)["left"] == [] and telling(rig.client) == []


def test_a_run_for_later_keeps_its_own_words_until_it_has_ended(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """What it lays over `bot_config` is told; who asked for it is cut at once, as is the name of a closed day."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id, {"at": f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%S}"})
    run = KEYS.run(run_id)
    rig.client.hset(run, mapping={"overlay": json.dumps({"to": EMAIL}), "closed": f"{NAME}'s birthday"})
    assert NAME in json.dumps(rig.history(job_id)[0]["requested_by"], ensure_ascii=False)
    found = by_another(erasure, contact_id)
    assert found["left"] == [f"run:{run_id}"]
    assert rig.client.hmget(run, "overlay", "closed") == [
        json.dumps({"to": EMAIL}).encode(), f"{ERASED}'s birthday".encode(),
    ]  # fmt: skip
    assert rig.history(job_id)[0]["requested_by"] == {"actor": "k1", "name": f"{ERASED}'s key"}


def test_the_reason_of_a_cancel_is_cut_from_runs_under_way(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """A pause that cancels says why to each of them."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    token = rig.start(run_id)
    made = pauses(rig).create({"scope": {"job_id": job_id}, "reason": WHY, "cancel_running": True})
    rig.pass_ms(2)
    assert PauseStore(rig.scripts).cancel_runs(made["id"]) == 1
    by_another(erasure, contact_id)
    assert telling(rig.client) == []
    assert rig.client.hget(KEYS.run(run_id), "cancel") == f"cancelled by a pause: {QUIET}".encode()
    assert rig.runs.finish(run_id, token, Outcome("cancelled", None))


def test_the_audit_log_names_the_person_by_what_stands_for_them(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """An id can be guessed from a name: in all entries, those of merged contacts too, another one takes its place."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    part = book.create({"name": "Zoe Before"})["id"]
    book.merge(contact_id, {"from": [part]})
    book.update(contact_id, {"phones": ["+49 30 123456"]})
    stands = by_another(erasure, contact_id)["erased_as"]
    texts = json.dumps(list(dumps.dump(rig.client)))
    assert contact_id not in texts and part not in texts
    page = Audit(rig.scripts).page(limit=50)
    told = [(entry["action"], entry["object"]) for entry in page.data[::-1] if entry["object"] == stands]
    assert [action for action, _ in told] == ["contact.create", "contact.merge", "contact.update", "contact.erase"]


def test_changed_occurrences_to_come_and_the_runs_of_decided_ones(
    rig: Rig, book: ContactBook, erasure: Erasure
) -> None:
    """What was decided of the occurrence stays decided."""
    contact_id = book.create({"name": NAME, "emails": [EMAIL]})["id"]
    job_id = rig.make_job(schedule_type="interval", schedule_config={"seconds": 3600})
    first = str(rig.jobs.get(job_id).data["next_run_at"])
    second = str(rig.edits.change(job_id, first, {"skip": True, "reason": WHY})["scheduled_for"])
    assert second == first
    later = str(rig.jobs.get(job_id).data["next_run_at"])
    rig.edits.change(job_id, later, {"skip": True, "reason": WHY})
    assert f"job:{job_id}:edits" in telling(rig.client)
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    found = by_another(erasure, contact_id)
    assert telling(rig.client) == [] and found["left"] == [] and found["found"]["edits"] >= 2
    record = rig.job_store.get(job_id)
    assert record is not None
    assert [edit.reason for edit in record.edits.pending] == [QUIET] * len(record.edits.pending)
