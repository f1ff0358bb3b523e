"""Schedules that an older release took and this one refuses: they go on as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.errors import ValidationFailed
from service.store.server.redis_clock import RedisClock
from service.usecases.definitions import Definitions
from tests.support.store_rig import EchoConfig, Rig

CONFIGS = {"birthday": EchoConfig, "echo": EchoConfig}


@pytest.fixture(params=["*/90 * * * *", "5-20/30 * * * *", "0 */48 * * *", "0 8 */40 * *", "0 8 1 */13 *"])
def stored(rig: Rig, request: pytest.FixtureRequest) -> str:
    """A job that is stored with a step that never comes round, as the release before stored it."""
    job_id = rig.make_job(schedule_type="cron", schedule_config={"cron_expression": "0 * * * *"})
    config = json.dumps({"cron_expression": request.param})
    rig.client.hset(rig.keys.job(job_id), "schedule_config", config)
    return job_id


def expression(job: dict[str, Any]) -> str:
    """A job's cron expression."""
    return str(job["schedule_config"]["cron_expression"])


def test_it_is_due_and_runs(rig: Rig, stored: str) -> None:
    """Its occurrence is decided, the next one planned, and the job is as well as before."""
    occurrence = rig.pretend_due(stored, 2)
    assert rig.scheduler().enqueue_jobs() == 1
    assert len(rig.queue()) == 1
    job = rig.jobs.get(stored).data
    assert (job["state"], job["state_reason"]) == ("scheduled", None)
    assert int(rig.client.hget(rig.keys.job(stored), "next_occurrence") or 0) > occurrence
    assert rig.jobs.preview_job(stored, from_=None, count=3)["description"]


def test_it_can_be_put_back_and_changed_elsewhere(rig: Rig, stored: str) -> None:
    """What GET answered, another name, off and on, another zone: its expression does not change."""
    before = rig.jobs.get(stored).data
    assert rig.jobs.update(stored, before).data == before
    assert rig.jobs.update(stored, {**before, "name": "renamed"}).data["name"] == "renamed"
    for enabled in (False, True):
        assert rig.jobs.toggle(stored, {"enabled": enabled}).data["enabled"] is enabled
    moved = rig.jobs.update(
        stored, {"schedule_config": {"cron_expression": expression(before), "timezone": "Europe/Vienna"}}
    ).data
    assert (moved["state"], expression(moved)) == ("scheduled", expression(before))


def test_it_is_exported_and_applied(rig: Rig, stored: str) -> None:
    """As it is, which changes nothing, and under another name."""
    transfer = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), CONFIGS)
    jobs = list(transfer.export())
    assert transfer.apply({"version": 1, "jobs": jobs}, prune=True)["changes"] == []
    changes = transfer.apply({"version": 1, "jobs": [{**jobs[0], "name": "renamed"}]})["changes"]
    assert [change["action"] for change in changes] == ["update"]
    assert expression(rig.jobs.get(stored).data) == expression(jobs[0])


def test_another_of_its_kind_is_refused(rig: Rig, stored: str) -> None:
    """A new job, a preview, a change of the expression, a document: 400, saying why, and nothing is changed."""
    before = rig.jobs.get(stored).data
    schedule = {"schedule_type": "cron", "schedule_config": {"cron_expression": "*/95 * * * *"}}
    document = {"version": 1, "jobs": [{"id": stored, "name": "x", "bot_type": "echo", **schedule}]}
    transfer = Definitions(rig.jobs, rig.job_store, RedisClock(rig.client), CONFIGS)
    for change, field in (
        (lambda: rig.make_job(**schedule), "schedule_config.cron_expression"),
        (lambda: rig.jobs.preview(schedule), "schedule_config.cron_expression"),
        (lambda: rig.jobs.update(stored, schedule), "schedule_config.cron_expression"),
        (lambda: transfer.apply(document), "jobs[0].schedule_config.cron_expression"),
    ):
        with pytest.raises(ValidationFailed, match="must have steps that come round") as refusal:
            change()
        assert [error.field for error in refusal.value.errors] == [field]
    assert rig.jobs.get(stored).data == before
