"""Labels of jobs as they are stored, changed, shown and asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.run_records import Outcome
from service.errors import ValidationFailed
from service.store.runs import run_views
from service.store.schema import newest
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from tests.support.store_rig import EchoConfig, Rig

few = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)
DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}


def stored(rig: Rig, job_id: str, *but: str) -> dict[bytes, bytes]:
    """A job's hash, without some of its fields."""
    fields: Any = rig.client.hgetall(rig.keys.job(job_id))
    return {name: value for name, value in fields.items() if name.decode() not in but}


def test_a_job_without_labels_costs_no_byte(rig: Rig) -> None:
    """Nor does one whose labels were taken away; its answer has an empty object."""
    plain, empty, labelled = rig.make_job(), rig.make_job(labels={}), rig.make_job(labels={"team": "crm"})
    for job_id in (plain, empty):
        assert b"labels" not in stored(rig, job_id)
        assert rig.jobs.get(job_id).data["labels"] == {}
    assert stored(rig, labelled)[b"labels"] == b'{"team":"crm"}'
    rig.jobs.update(labelled, {"labels": {}})
    assert b"labels" not in stored(rig, labelled)


def test_labels_are_replaced_whole_and_change_nothing_else(rig: Rig) -> None:
    """A new revision, and the plan as it was; the same labels again change nothing."""
    job_id = rig.make_job(**DAILY, labels={"team": "crm", "stage": "live"})
    changing = ("labels", "revision", "writer", "updated_at", "author")
    before, hashed = rig.jobs.get(job_id).data, stored(rig, job_id, *changing)
    rig.pass_ms(1000)
    changed = rig.jobs.update(job_id, {"labels": {"team": "sales"}}).data
    same = before | {"labels": {"team": "sales"}, "revision": 2, "updated_at": changed["updated_at"]}
    assert changed == same == rig.jobs.get(job_id).data
    assert stored(rig, job_id, *changing) == hashed
    assert rig.jobs.update(job_id, {"labels": {"team": "sales"}}).data == changed
    assert rig.jobs.update(job_id, {"name": "another"}).data["labels"] == {"team": "sales"}
    with pytest.raises(ValidationFailed, match=r"^labels must be an object"):
        rig.jobs.update(job_id, {"labels": None})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(few, min_size=1, max_size=5), st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz")))
def test_jobs_and_runs_are_found_by_all_of_their_labels(
    rig: Rig, labelled: list[dict[str, str]], asked: dict[str, str]
) -> None:
    """Lists, pages and the runs of all jobs agree with what each job shows."""
    rig.client.flushdb()
    rig.client.set(rig.keys.schema_version, newest())
    jobs = [rig.make_job(name=str(number), labels=labels) for number, labels in enumerate(labelled)]
    runs = [rig.use.run_now(job_id) for job_id in jobs]
    filters = [f"{label}:{value}" for label, value in asked.items()]
    right = [number for number, labels in enumerate(labelled) if asked.items() <= labels.items()]
    page = rig.jobs.list(labels=filters, limit=100).data
    assert [job["id"] for job in page] == [jobs[number] for number in right]
    assert [json.loads(job) for some in rig.jobs.all(labels=filters) for job in some] == page
    found = rig.use.all_runs(labels=filters, limit=100)
    assert {run["id"] for run in found.data} == {runs[number] for number in right}
    assert found.next_cursor is None


def test_runs_are_found_by_the_labels_that_their_job_has_now(rig: Rig) -> None:
    """With the other filters, and page by page; those of a job that is gone are not."""
    crm, other = rig.make_job(labels={"team": "crm"}), rig.make_job()
    ended = rig.use.run_now(crm)
    rig.runs.finish(ended, rig.start(ended), Outcome("success", None))
    for _ in range(3):
        rig.use.run_now(other)
        rig.use.run_now(crm)
    assert [run["id"] for run in rig.use.all_runs(labels=["team:crm"], status="success", limit=5).data] == [ended]
    seen: list[str] = []
    cursor = None
    while True:
        page = rig.use.all_runs(labels=["team:crm"], limit=2, cursor=cursor)
        seen += [run["id"] for run in page.data]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [run["id"] for run in rig.history(crm)]
    rig.jobs.update(crm, {"labels": {}})
    rig.jobs.update(other, {"labels": {"team": "crm"}})
    assert {run["job_id"] for run in rig.use.all_runs(labels=["team:crm"], limit=50).data} == {other}


def test_the_search_for_runs_is_bounded_and_says_where_to_go_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every filter."""
    monkeypatch.setattr(run_views, "SCAN_PAGE", 2)
    monkeypatch.setattr(run_views, "SCAN_PAGES", 2)
    crm, other = rig.make_job(labels={"team": "crm"}), rig.make_job()
    oldest = rig.use.run_now(crm)
    for _ in range(5):
        rig.use.run_now(other)
    first = rig.use.all_runs(labels=["team:crm"], limit=5)
    assert (first.data, first.next_cursor is not None) == ([], True)
    rest = rig.use.all_runs(labels=["team:crm"], limit=5, cursor=first.next_cursor)
    assert [run["id"] for run in rest.data] == [oldest]


def test_an_export_has_the_labels_and_applying_it_changes_nothing(rig: Rig) -> None:
    """A change of a label is one field of a plan."""
    definitions = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), {"echo": EchoConfig})
    job_id = rig.make_job(labels={"team": "crm"})
    rig.make_job(name="plain")
    document: dict[str, Any] = {"version": 1, "jobs": list(definitions.export())}
    assert [job["labels"] for job in document["jobs"]] == [{"team": "crm"}, {}]
    assert definitions.apply(document)["changes"] == []
    document["jobs"][0]["labels"] = {"team": "sales", "stage": "live"}
    (change,) = definitions.apply(document)["changes"]
    assert change["fields"] == {
        "labels.team": {"from": "crm", "to": "sales"},
        "labels.stage": {"from": None, "to": "live"},
    }
    assert rig.jobs.get(job_id).data["labels"] == {"team": "sales", "stage": "live"}
    with pytest.raises(ValidationFailed, match=r"^jobs\[0\]\.labels\.a b must have a name"):
        definitions.apply({"version": 1, "jobs": [document["jobs"][0] | {"labels": {"a b": "c"}}]})
