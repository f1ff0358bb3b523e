"""Former definitions of jobs are kept and compared; a job goes back to one, and a deleted job comes back."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from service.domain.access.callers import Caller, act_for
from service.domain.access.changes import remark_on_changes
from service.domain.access.limits import Limits as Sight
from service.domain.access.scopes import ALL
from service.errors import Conflict, NotFound, PreconditionFailed, ValidationFailed
from service.store.server.redis_clock import RedisClock
from service.usecases.access.audit import Audit
from service.usecases.deleted_jobs import Deleted
from service.usecases.revisions import Revisions
from tests.support.store_rig import EchoConfig, Rig

pytestmark = pytest.mark.usefixtures("ada")

CONFIGS: Any = {"birthday": EchoConfig, "echo": EchoConfig}


@pytest.fixture
def revisions(rig: Rig) -> Revisions:
    """The revisions of the rig's jobs."""
    return Revisions(rig.scripts, rig.jobs, CONFIGS)


@pytest.fixture
def deleted(rig: Rig) -> Deleted:
    """The deleted jobs of the rig."""
    return Deleted(rig.scripts, RedisClock(rig.client), CONFIGS)


def stored(rig: Rig, job_id: str) -> dict[bytes, bytes]:
    """A job's hash."""
    found: Any = rig.client.hgetall(rig.keys.job(job_id))
    return dict(found)


def test_a_job_that_was_never_changed_has_one_revision_by_its_maker(rig: Rig, revisions: Revisions) -> None:
    """Its present one; there is no list yet. The maker's remark is kept, too."""
    remark_on_changes("for the team")
    job_id = rig.make_job()
    assert not rig.client.exists(rig.keys.revisions(job_id))
    (one,) = revisions.page(job_id).data
    assert (one["revision"], one["by"]) == (1, {"actor": "k1", "name": "Ada's key"})
    assert (one["note"], one["restored_from"], one["changed"]) == ("for the team", None, None)


def test_a_job_of_an_older_release_has_a_first_revision_of_nobody(rig: Rig, revisions: Revisions) -> None:
    """It did not note who created a job. Once the job changes, its next revision says by whom."""
    job_id = rig.make_job()
    rig.client.hdel(rig.keys.job(job_id), "author")
    assert [one["by"] for one in revisions.page(job_id).data] == [None]
    rig.jobs.update(job_id, {"name": "Two"})
    assert [one["by"] and one["by"]["actor"] for one in revisions.page(job_id).data] == ["k1", None]


def test_each_revision_says_who_made_it_when_and_why(rig: Rig, revisions: Revisions) -> None:
    """And which fields it changed."""
    job_id = rig.make_job(name="One", description="first")
    remark_on_changes("renamed")
    rig.jobs.update(job_id, {"name": "Two"})
    act_for(Caller("root", "root", ALL))
    remark_on_changes(None)
    rig.jobs.toggle(job_id, {"enabled": False})
    shown = revisions.page(job_id).data
    assert [(one["revision"], one["by"], one["note"], one["changed"]) for one in shown] == [
        (3, {"actor": "root", "name": "root"}, None, ["enabled"]),
        (2, {"actor": "k1", "name": "Ada's key"}, "renamed", ["name"]),
        (1, {"actor": "k1", "name": "Ada's key"}, None, None),
    ]
    former = revisions.one(job_id, 1)["definition"]
    assert (former["name"], former["description"], former["enabled"]) == ("One", "first", True)
    assert former["options"] == rig.jobs.get(job_id).data["options"]


def test_two_revisions_are_compared_field_by_field(rig: Rig, revisions: Revisions) -> None:
    """In both directions."""
    job_id = rig.make_job(name="One")
    rig.jobs.update(job_id, {"name": "Two", "options": {"max_retries": 2}})
    rig.jobs.update(job_id, {"name": "Three"})
    assert revisions.difference(job_id, "1..3") == {
        "from": 1, "to": 3,
        "fields": {"name": {"from": "One", "to": "Three"}, "options.max_retries": {"from": 0, "to": 2}},
    }  # fmt: skip
    assert revisions.difference(job_id, "3..2")["fields"] == {"name": {"from": "Three", "to": "Two"}}
    with pytest.raises(ValidationFailed):
        revisions.difference(job_id, "1-3")
    with pytest.raises(NotFound):
        revisions.difference(job_id, "1..4")


def test_fifty_revisions_are_kept(rig: Rig, revisions: Revisions) -> None:
    """With the present one."""
    job_id = rig.make_job()
    for number in range(60):
        rig.jobs.update(job_id, {"name": f"job {number}"})
    assert [one["revision"] for one in revisions.page(job_id).data] == list(range(61, 11, -1))


def test_a_job_goes_back_to_a_revision_as_a_new_one(rig: Rig, revisions: Revisions) -> None:
    """Checked and planned as any change, with its own word in the audit log."""
    job_id = rig.make_job(name="One", schedule_config={"minutes": 5})
    rig.jobs.update(job_id, {"name": "Two", "schedule_config": {"minutes": 7}, "enabled": False})
    with pytest.raises(PreconditionFailed):
        revisions.restore(job_id, 1, (1,))
    with pytest.raises(NotFound):
        revisions.restore(job_id, 9)
    restored = revisions.restore(job_id, 1, (2,))
    assert restored.revision == 3
    assert (restored.data["name"], restored.data["schedule_config"], restored.data["state"]) == (
        "One", {"minutes": 5}, "scheduled",
    )  # fmt: skip
    newest = revisions.page(job_id).data[0]
    assert (newest["revision"], newest["note"], newest["by"]["actor"]) == (3, None, "k1")
    entry = Audit(rig.scripts).page(limit=1).data[0]
    assert (entry["action"], entry["revision_before"], entry["revision_after"]) == ("job.restore", 2, 3)
    assert entry["note"] == "back to revision 1"
    remark_on_changes("it was better")
    revisions.restore(job_id, 2)
    newest, entry = revisions.page(job_id).data[0], Audit(rig.scripts).page(limit=1).data[0]
    assert newest["note"] == entry["note"] == "it was better"
    rig.jobs.update(job_id, {"name": "Five"})
    assert [one["restored_from"] for one in revisions.page(job_id).data] == [None, 2, 1, None, None]


def test_a_revision_that_is_not_valid_any_more_is_refused(rig: Rig, revisions: Revisions) -> None:
    """As an update would be."""
    job_id = rig.make_job(bot_config={"dry_run": True})
    rig.jobs.update(job_id, {"bot_config": {}})
    kept: Any = rig.client.lindex(rig.keys.revisions(job_id), 0)
    rig.client.lset(rig.keys.revisions(job_id), 0, kept.replace(b'"dry_run":true', b'"dry_run":7'))
    with pytest.raises(ValidationFailed):
        revisions.restore(job_id, 1)


def test_damaged_revisions_are_left_out(rig: Rig, revisions: Revisions) -> None:
    """So is text that is not a list."""
    job_id = rig.make_job()
    rig.jobs.update(job_id, {"name": "Two"})
    rig.client.lpush(rig.keys.revisions(job_id), "no JSON")
    assert [one["revision"] for one in revisions.page(job_id).data] == [2, 1]
    rig.client.set(rig.keys.revisions(job_id), "no list")
    assert [one["revision"] for one in revisions.page(job_id).data] == [2]


def test_a_switch_off_by_failures_is_nobodys_revision(rig: Rig, revisions: Revisions) -> None:
    """Its number is not that of the last author."""
    job_id = rig.make_job()
    rig.jobs.update(job_id, {"name": "Two"})
    rig.client.hincrby(rig.keys.job(job_id), "revision", 1)
    found = revisions.page(job_id).data
    assert [(one["revision"], one["by"] and one["by"]["actor"]) for one in found] == [(3, None), (1, "k1")]


# deleted jobs


def test_a_deleted_job_comes_back_as_it_was(rig: Rig, deleted: Deleted, revisions: Revisions) -> None:
    """Under its id, in its place, planned anew, with its revisions, without its runs."""
    job_id = rig.make_job(name="One", description="words", options={"max_retries": 2})
    other = rig.make_job(name="other")
    rig.jobs.update(job_id, {"name": "Two"})
    rig.use.run_now(job_id)
    before = rig.jobs.get(job_id).data
    rig.jobs.delete(job_id)
    (gone,) = deleted.page(10).data
    assert (gone["id"], gone["definition"]["name"], gone["deleted_by"]) == (
        job_id, "Two", {"actor": "k1", "name": "Ada's key"},
    )  # fmt: skip
    assert gone["kept_until"] > gone["deleted_at"]
    assert 0 < rig.client.ttl(rig.keys.deleted_job(job_id)) <= 30 * 86_400
    restored = deleted.restore(job_id).data
    changed = {name for name in before if restored[name] != before[name]}
    assert changed <= {"revision", "updated_at", "next_run_at"}
    assert restored == rig.jobs.get(job_id).data
    assert restored["revision"] == before["revision"] + 1
    assert rig.history(job_id) == []
    assert rig.counts(job_id) == (0, 0)
    assert rig.client.zscore(rig.keys.due, job_id) is not None
    assert [job["id"] for job in rig.jobs.list(limit=10).data] == [job_id, other]
    found = revisions.page(job_id).data
    assert [(one["revision"], one["restored_from"]) for one in found] == [(3, 2), (2, None), (1, None)]
    assert rig.client.ttl(rig.keys.job(job_id)) == rig.client.ttl(rig.keys.revisions(job_id)) == -1
    assert deleted.page(10).data == []
    assert not list(rig.client.scan_iter(f"{rig.keys.prefix}:deleted*"))
    assert [entry["action"] for entry in Audit(rig.scripts).page(limit=2, job_id=job_id).data] == [
        "job.undelete", "job.delete",
    ]  # fmt: skip
    assert rig.job_store.counts() == (2, 2)


def test_a_disabled_job_comes_back_disabled(rig: Rig, deleted: Deleted) -> None:
    """Switched on later, it runs."""
    job_id = rig.make_job(enabled=False)
    rig.jobs.delete(job_id)
    assert deleted.restore(job_id).data["state"] == "disabled"
    assert rig.client.zscore(rig.keys.due, job_id) is None
    assert rig.job_store.counts() == (1, 0)
    rig.jobs.toggle(job_id, {"enabled": True})
    rig.pretend_due(job_id, 1)
    rig.scheduler().enqueue_jobs()
    assert len(rig.history(job_id)) == 1


def test_a_restored_job_decides_no_occurrence_twice(rig: Rig, deleted: Deleted) -> None:
    """What it had decided before it was deleted stands."""
    job_id = rig.make_job()
    rig.run_due(job_id)
    decided = stored(rig, job_id)[b"last_decided"]
    rig.jobs.delete(job_id)
    deleted.restore(job_id)
    assert stored(rig, job_id)[b"last_decided"] == decided


def test_only_what_was_deleted_can_be_restored(rig: Rig, deleted: Deleted) -> None:
    """Once, and not in the place of another job."""
    job_id = rig.make_job()
    with pytest.raises(NotFound):
        deleted.restore(job_id)
    with pytest.raises(NotFound):
        deleted.restore("nothing")
    rig.jobs.delete(job_id)
    record = deleted._store.get(job_id)
    assert record is not None
    deleted.restore(job_id)
    with pytest.raises(NotFound):
        deleted.restore(job_id)
    assert deleted._store.restore(record, record.record) == "exists"
    rig.jobs.delete(job_id)
    rig.client.hincrby(rig.keys.deleted_job(job_id), "revision", 1)
    assert deleted._store.restore(record, record.record) == "gone"


def test_a_job_out_of_sight_cannot_be_restored(rig: Rig, deleted: Deleted) -> None:
    """A key with limits neither sees it nor brings it back."""
    seen, job_id = rig.make_job(bot_type="birthday", bot_config={}), rig.make_job()
    for each in (seen, job_id):
        rig.jobs.delete(each)
        rig.pass_ms(1)
    act_for(Caller("k2", "limited", ALL, Sight(bot_types=frozenset({"birthday"}))))
    assert [job["id"] for job in deleted.page(10).data] == [seen]
    assert deleted.page(10, job_id).data == deleted.page(10, str(uuid.uuid4())).data == []
    with pytest.raises(NotFound):
        deleted.restore(job_id)


def test_the_id_of_a_deleted_job_may_be_taken_meanwhile(rig: Rig, deleted: Deleted) -> None:
    """Then it cannot come back."""
    job_id = rig.make_job()
    record = rig.job_store.get(job_id)
    assert record is not None
    rig.jobs.delete(job_id)
    assert rig.job_store.add(record)
    with pytest.raises(Conflict):
        deleted.restore(job_id)


def test_deleted_jobs_are_paged(rig: Rig, deleted: Deleted) -> None:
    """Last deleted first; what is expired is left out."""
    ids = [rig.make_job() for _ in range(5)]
    for job_id in ids:
        rig.jobs.delete(job_id)
        rig.pass_ms(1)
    rig.client.delete(rig.keys.deleted_job(ids[4]))
    first = deleted.page(2)
    second = deleted.page(2, first.next_cursor)
    assert [[job["id"] for job in page.data] for page in (first, second)] == [[ids[3], ids[2]], [ids[1], ids[0]]]
    assert second.next_cursor is None
    with pytest.raises(ValidationFailed):
        deleted.page(2, "next")


def test_a_damaged_job_is_deleted_for_good(rig: Rig, deleted: Deleted) -> None:
    """Another type in its place cannot be kept."""
    job_id = rig.make_job()
    rig.client.delete(rig.keys.job(job_id))
    rig.client.set(rig.keys.job(job_id), "no hash")
    rig.jobs.delete(job_id)
    assert deleted.page(10).data == []
    assert not rig.client.exists(rig.keys.deleted_job(job_id))
