"""Quotas: how many jobs and contacts there may be, and how short an interval."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from redis import Redis

from service.contacts.intake.card_changes import Received
from service.contacts.people import ParsedCard
from service.errors import Conflict, ServiceError, StoreFull, ValidationFailed
from service.store.keys import Keys
from service.store.scripts import Limits
from service.store.server.redis_clock import RedisClock
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Definitions
from service.usecases.deleted_jobs import Deleted
from tests.support.store_rig import EchoConfig, Rig

JOB = {"name": "a job", "bot_type": "echo", "schedule_type": "interval", "schedule_config": {"minutes": 1}}


def test_jobs_beyond_the_quota_are_refused_and_all_others_go_on(redis_client: Redis) -> None:
    """The refusal names setting and number; a repeated request gets its job; a deleted job makes room."""
    rig = Rig.on(redis_client, Limits(max_jobs=2))
    first = rig.jobs.create(JOB, "key").id
    second = rig.make_job()
    with pytest.raises(Conflict, match="MAX_JOBS allows 2 jobs"):
        rig.make_job()
    assert rig.jobs.create(JOB, "key").id == first
    assert rig.jobs.update(second, {"name": "another"}).data["name"] == "another"
    rig.jobs.delete(second)
    rig.make_job()
    assert rig.job_store.counts() == (2, 2)


def test_a_deleted_job_comes_back_only_where_there_is_room(redis_client: Redis) -> None:
    """The refusal changes nothing, and the job can be restored once there is room."""
    rig = Rig.on(redis_client, Limits(max_jobs=1))
    deleted = Deleted(rig.scripts, RedisClock(redis_client), {"echo": EchoConfig})
    gone = rig.make_job()
    rig.jobs.delete(gone)
    other = rig.make_job()
    for _ in range(2):
        with pytest.raises(Conflict, match="MAX_JOBS allows 1 jobs"):
            deleted.restore(gone)
    assert rig.job_store.counts() == (1, 1) and not redis_client.exists(rig.keys.job(gone))
    rig.jobs.delete(other)
    redis_client.set(rig.keys.memory_level, "full")
    with pytest.raises(StoreFull):
        deleted.restore(gone)
    redis_client.delete(rig.keys.memory_level)
    assert deleted.restore(gone).id == gone


def test_two_processes_do_not_pass_the_quota_together(redis_client: Redis) -> None:
    """Whoever comes first."""
    rigs, made, refused = (
        [Rig.on(redis_client, Limits(max_jobs=10)) for _ in range(4)],
        list[str](),
        list[ServiceError](),
    )

    def create(rig: Rig) -> None:
        for _ in range(10):
            try:
                made.append(rig.make_job())
            except ServiceError as error:
                refused.append(error)

    threads = [threading.Thread(target=create, args=(rig,)) for rig in rigs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (10, 30) and {type(error) for error in refused} == {Conflict}


def test_a_document_with_too_many_jobs_changes_nothing(redis_client: Redis) -> None:
    """It is refused before its first job is written, also in a rehearsal."""
    rig = Rig.on(redis_client, Limits(max_jobs=2))
    rig.make_job(name="there")
    definitions = Definitions(rig.jobs, rig.job_store, RedisClock(redis_client), {"echo": EchoConfig})
    jobs: list[dict[str, Any]] = [{**JOB, "name": name} for name in ("there", "b", "c")]
    for dry_run in (True, False):
        with pytest.raises(Conflict, match="MAX_JOBS allows 2 jobs; there are 1, and this would create 2 more"):
            definitions.apply({"version": 1, "jobs": jobs}, dry_run=dry_run)
    assert rig.job_store.counts()[0] == 1
    assert len(definitions.apply({"version": 1, "jobs": jobs[:2]})["changes"]) == 1


def test_intervals_have_a_floor_for_new_and_changed_schedules(redis_client: Redis) -> None:
    """The refusal names the setting; a stored job with a shorter one goes on, and everything else of it can change."""
    stored = Rig.on(redis_client).make_job(schedule_config={"seconds": 5})
    rig = Rig.on(redis_client, Limits(min_interval=60))
    definitions = Definitions(rig.jobs, rig.job_store, RedisClock(redis_client), {"echo": EchoConfig})
    document = definitions.export()
    with pytest.raises(ValidationFailed, match=r"schedule_config must add up to at least 60 seconds \(MIN_INTERVAL_"):
        rig.make_job(schedule_config={"seconds": 59})
    with pytest.raises(ValidationFailed, match="MIN_INTERVAL_SECONDS"):
        rig.jobs.update(stored, {"schedule_config": {"seconds": 6}})
    assert rig.jobs.update(stored, {"name": "another"}).data["schedule_config"] == {"seconds": 5}
    jobs = [{**job, "name": "a third"} for job in definitions.export()]
    assert len(definitions.apply({"version": 1, "jobs": jobs})["changes"]) == 1
    with pytest.raises(ValidationFailed, match=r"jobs\[0\].schedule_config must"):
        definitions.apply({"version": 1, "jobs": [{**JOB, "schedule_config": {"seconds": 1}}]})
    assert list(document) and rig.make_job(schedule_config={"minutes": 1})
    assert rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "* * * * *"})


def test_contacts_beyond_the_quota_are_refused_and_known_ones_change(redis_client: Redis) -> None:
    """The refusal names setting and number; an import says how many it left out, and where."""
    book = ContactBook(redis_client, Keys(), limits=Limits(max_contacts=3))
    known = book.create({"name": "Ada", "emails": ["ada@example.org"]})
    file = b"Name,Email,Birthday\nAda,ada@example.org,1990-04-12\n" + b"".join(
        f"P{n},p{n}@example.org,\n".encode() for n in range(5)
    )
    report = book.import_stream(io.BytesIO(file))
    assert (report["created"], report["updated"], report["skipped_total"]) == (2, 1, 3)
    assert (report["with_birthday"], report["with_address"]) == (1, 3)
    assert {one["reason"] for one in report["skipped"]} == {"there are as many contacts as MAX_CONTACTS allows (3)"}
    assert {
        "position": None,
        "name": None,
        "reason": "MAX_CONTACTS allows 3 contacts, so entries were left out: 3",
    } in (report["warnings"])
    assert redis_client.zcard(Keys().contacts) == len(list(book.all())) == 3
    with pytest.raises(Conflict, match="MAX_CONTACTS allows 3 contacts"):
        book.create({"name": "Ben"})
    assert book.update(known["id"], {"name": "Ada Lovelace"})["birthday"] == "1990-04-12"
    book.delete(known["id"])
    assert book.create({"name": "Ben"})["name"] == "Ben"


def test_a_synced_card_that_has_no_room_comes_when_there_is_some(redis_client: Redis) -> None:
    """The next run takes it."""
    book = ContactBook(redis_client, Keys(), limits=Limits(max_contacts=1))
    synced = book.synced("https://dav.example.org/book/")
    cards = [Received(f"/{name}", "1", ParsedCard(1, name, uid=f"uid {name}")) for name in ("A", "B")]
    assert [became for _, became in synced.take(cards)] == ["created", "too_many"]
    (there,) = book.all()
    book.delete(there.id)
    assert [became for _, became in synced.take(cards[1:])] == ["created"]
    assert [contact.name for contact in book.all()] == ["B"]
