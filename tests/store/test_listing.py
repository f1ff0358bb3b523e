"""Jobs as they are shown: put together from what is stored, and the same as the record says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL, Scope
from service.domain.job import ANSWER_FIELDS
from service.domain.records import read_job
from service.domain.run_records import Outcome
from service.errors import Conflict, NotFound
from service.usecases.paging import position
from tests.support.store_rig import Rig


def record_says(rig: Rig, job_id: str) -> dict[str, Any]:
    """The same job by way of its whole record."""
    return read_job(job_id, rig.client.hgetall(rig.keys.job(job_id))).answer()  # type: ignore[arg-type]


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip)
BODIES = st.fixed_dictionaries(
    {
        "name": TEXTS.map(lambda text: f"A{text[:199]}"),  # a character that people can see
        "description": st.none() | TEXTS.map(lambda text: text[:500]),
        "enabled": st.booleans(),
        "schedule_config": st.sampled_from([{"minutes": 1}, {"hours": 2, "seconds": 5}]),
        "options": st.sampled_from([{}, {"max_retries": 3}, {"ends_at": "2031-01-01T00:00:00"}]),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BODIES, st.sampled_from([None, "success", "failed", "off"]))
def test_what_is_shown_is_what_the_record_says(rig: Rig, body: dict[str, Any], end: str | None) -> None:
    """Whatever the texts, before a run, after one, and when failures switched the job off."""
    if end == "off":
        body = {**body, "options": {"disable_after_failures": 1}}
    job_id = rig.make_job(**body)
    if end is not None:
        token = rig.start(run_id := rig.use.run_now(job_id))
        status = "success" if end == "success" else "failed"
        rig.runs.finish(run_id, token, Outcome(status, None if end == "success" else 'no "way"\n\x7fö'))
    shown = rig.jobs.get(job_id).data
    assert shown == record_says(rig, job_id)
    assert json.loads(rig.jobs.get(job_id).json) == shown
    assert tuple(shown) == tuple(record_says(rig, job_id)) == ANSWER_FIELDS
    assert rig.jobs.get(job_id).revision == shown["revision"]
    assert (shown["last_run_status"] is None) == (end is None)


DAMAGES: dict[str, Any] = {
    "name": b"\xff", "schedule_config": b"{", "bot_config": b"[]", "options": b'{"max_retries": -1}',
    "labels": b"[]", "created_at": b"then", "revision": b"", "bot_type": None,
}  # fmt: skip


@pytest.mark.parametrize("field", [*DAMAGES, "the key"])
def test_a_damaged_job_is_a_conflict_and_spoils_no_list(rig: Rig, field: str) -> None:
    """One hash of another's making is told of, and left out of lists and pages; its neighbours stay."""
    before, damaged, after = (rig.make_job() for _ in range(3))
    key = rig.keys.job(damaged)
    if field == "the key":
        rig.client.set(key, "text")
    elif DAMAGES[field] is None:
        rig.client.hdel(key, field)
    else:
        rig.client.hset(key, field, DAMAGES[field])
    with pytest.raises(Conflict, match="broken"):
        rig.jobs.get(damaged)
    assert [job["id"] for job in rig.jobs.list(limit=10).data] == [before, after]
    assert [json.loads(job)["id"] for jobs in rig.jobs.all() for job in jobs] == [before, after]


def test_what_an_older_release_stored_without_an_option_is_shown_with_its_default(rig: Rig) -> None:
    """Options are answered whole."""
    job_id = rig.make_job(options={"max_retries": 2})
    rig.client.hset(rig.keys.job(job_id), "options", '{"max_retries": 2}')
    shown = rig.jobs.get(job_id).data
    assert shown == record_says(rig, job_id)
    assert (shown["options"]["max_retries"], shown["options"]["timeout_seconds"]) == (2, 3600)


def test_an_unknown_job_is_not_found(rig: Rig) -> None:
    """Also one whose id is invalid."""
    for job_id in ("6e3d9a02-6c4f-4a3a-9d8e-000000000000", "x", ""):
        with pytest.raises(NotFound):
            rig.jobs.get(job_id)


def test_pages_lead_through_all_jobs_however_they_were_created(rig: Rig) -> None:
    """Also through those of one microsecond; none twice, none left out, and the last page says that it is the last."""
    ids = [rig.make_job(name=f"job {number}", enabled=number % 2 == 0) for number in range(7)]
    rig.client.zadd(rig.keys.jobs, dict.fromkeys(ids[2:6], 1700000000000000))
    everyone = [json.loads(job)["id"] for jobs in rig.jobs.all() for job in jobs]
    assert sorted(everyone) == sorted(ids)
    for limit in (1, 2, 3, 7, 8):
        seen, cursor = [], None
        while True:
            page = rig.jobs.list(limit=limit, cursor=cursor)
            seen += [job["id"] for job in page.data]
            if (cursor := page.next_cursor) is None:
                break
            assert len(page.data) == limit
        assert seen == everyone
    assert {job["id"] for job in rig.jobs.list(limit=7, enabled_only=True).data} == set(ids[::2])
    assert [job["name"] for job in rig.jobs.list(limit=7, q="JOB 3").data] == ["job 3"]
    assert rig.jobs.list(limit=7, bot_type="other").data == []


@pytest.mark.parametrize("limits", [None, Limits({"team": frozenset({"crm"})})])
def test_pages_of_a_filter_lead_through_all_that_it_takes(rig: Rig, limits: Limits | None) -> None:
    """However many others stand between them: each page but the last is full, and no cursor names another job."""
    ids = [
        rig.make_job(name=f"job {number}", labels={"team": "crm" if number % 4 == 3 else "x"}) for number in range(17)
    ]
    rig.client.zadd(rig.keys.jobs, dict.fromkeys(ids[2:9], 1700000000000000))
    everyone = [job["id"] for job in rig.jobs.list(limit=20).data if job["labels"] == {"team": "crm"}]
    caller = Caller("k", "a key", ALL if limits is None else frozenset({Scope.READ}), limits or Limits())
    token = act_for(caller)
    try:
        for limit in (1, 2, 3, 4, 5):
            seen, cursor = list[str](), None
            while True:
                page = rig.jobs.list(limit=limit, cursor=cursor, labels=[] if limits else ["team:crm"])
                seen += [job["id"] for job in page.data]
                if (cursor := page.next_cursor) is None:
                    break
                assert len(page.data) == limit and position(cursor).job_id == seen[-1]
            assert seen == everyone
    finally:
        act_as_before(token)
