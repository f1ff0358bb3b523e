"""What people are told, and what n failures in a row do."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from service.alerts import Alerts, words
from service.store.outbox import Outbox, facts
from service.store.runs import Outcome, Retry
from tests.store.rig import Rig


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """An installation on an empty real server."""
    return Rig.on(redis_client)


def end(rig: Rig, job_id: str, status: str, retry: Retry | None = None) -> str:
    """Runs the job once by hand, to this end."""
    run_id = rig.jobs.run_now(job_id)
    error = None if status == "success" else "the mail server is away"
    rig.runs.finish(run_id, rig.start(run_id), Outcome(status, error, {}), retry=retry)
    return run_id


def told(rig: Rig) -> list[dict[str, Any]]:
    """Takes everything out of the outbox."""
    outbox, found = Outbox(rig.scripts), []
    while (taken := outbox.take_up()) is not None:
        found.append(facts(taken))
        outbox.done(taken)
    return found


def test_a_streak_of_failures_is_told_once_and_its_end_once(rig: Rig) -> None:
    """Failed, failed, cancelled, success, success: one alert of the failure, one of the recovery."""
    job_id = rig.make_job()
    first = end(rig, job_id, "failed")
    for status in ("failed", "cancelled", "success", "success"):
        last = end(rig, job_id, status)
    alerts = told(rig)
    assert [(alert["kind"], alert["job_id"]) for alert in alerts] == [("failed", job_id), ("recovered", job_id)]
    assert alerts[0]["run_id"] == first != last
    subject, body = words("Greet", alerts[0])
    assert subject == "Greet failed" and first in body and "the mail server is away" in body


def test_a_failure_that_is_tried_again_is_not_told(rig: Rig) -> None:
    """Only a failure for good counts."""
    job_id = rig.make_job()
    end(rig, job_id, "failed", Retry("0b7f7a1e-0000-4000-8000-000000000001", 2, 60_000))
    assert told(rig) == []


def test_n_failures_in_a_row_switch_the_job_off_and_say_why(rig: Rig) -> None:
    """It is disabled, plans nothing, and its revision moves; switching it on starts the count anew."""
    job_id = rig.make_job(options={"disable_after_failures": 2})
    end(rig, job_id, "failed")
    end(rig, job_id, "success")
    end(rig, job_id, "failed")
    assert rig.jobs.get(job_id)["enabled"]
    end(rig, job_id, "failed")
    job = rig.jobs.get(job_id)
    assert (job["enabled"], job["state"], job["next_run_at"], job["revision"]) == (False, "disabled", None, 2)
    assert job["state_reason"] == "switched off after 2 failures in a row"
    assert rig.jobs.health()["enabled_jobs"] == 0
    assert [alert["kind"] for alert in told(rig)] == ["failed", "recovered", "failed", "switched_off"]

    on = rig.jobs.toggle(job_id, {"enabled": True})
    assert (on["state"], on["state_reason"]) == ("scheduled", None)
    end(rig, job_id, "failed")
    assert rig.jobs.get(job_id)["enabled"]


def test_missed_occurrences_are_told_at_most_once_an_hour(rig: Rig) -> None:
    """Occurrences found later than their grace are skipped as misfires, and one alert counts the first of them."""
    job_id = rig.make_job(options={"misfire_grace_seconds": 60})
    for _ in range(2):
        rig.pretend_due(job_id, 600)
        rig.client.hdel(rig.keys.job(job_id), "last_decided")
        rig.scheduler().enqueue_jobs()
    assert [alert["kind"] for alert in told(rig)] == ["missed"]


def test_an_alert_that_a_dead_sender_left_is_sent_by_the_next(rig: Rig) -> None:
    """What was taken up and not done comes first again."""
    job_id = rig.make_job()
    end(rig, job_id, "failed")
    taken = Outbox(rig.scripts).take_up()
    assert taken is not None
    assert Outbox(rig.scripts).take_up() == taken


def test_an_alert_of_a_deleted_job_is_dropped(rig: Rig) -> None:
    """There is nobody to tell, and nothing stays behind."""
    job_id = rig.make_job()
    end(rig, job_id, "failed")
    rig.jobs.delete(job_id)
    assert Alerts(Outbox(rig.scripts), rig.job_store, None, lambda: True).send_next()
    assert not rig.client.exists(rig.keys.alerts, rig.keys.alerts_sending)
