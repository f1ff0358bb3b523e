"""Alerts that really go out, to a real HTTP server, and jobs that switch themselves off."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.alerts import AlertReceiver
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


def test_a_failure_and_its_recovery_are_told_and_no_secret_shows(
    tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """To the service's address and the job's own, once each; neither address is in a log, an answer, or Redis."""
    base = f"json://127.0.0.1:{receiver.server_port}"
    settings = {"ALERT_URL": f"{base}/service-wide-secret", "BOT_SECRET_OWN": f"{base}/secret-of-the-job"}
    with Installation(tmp_path, durable_server, LOG_LEVEL="DEBUG", **settings) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        job_id = installation.make_job(
            name="Greet",
            bot_config={"mode": "raise"},
            options={"alert_urls": ["env:BOT_SECRET_OWN", "env:BOT_SECRET_UNSET"]},
        )
        for _ in range(2):
            installation.until_status(job_id, installation.run_now(job_id), "failed")
        well = {"bot_config": {"mode": "plain"}}
        installation.until_status(job_id, installation.run_now(job_id, well), "success")
        until(lambda: len(receiver.received) >= 4, 20, lambda: installation.log("scheduler"))
        assert receiver.told == [
            ("/secret-of-the-job", "Greet failed"),
            ("/secret-of-the-job", "Greet has recovered"),
            ("/service-wide-secret", "Greet failed"),
            ("/service-wide-secret", "Greet has recovered"),
        ]
        until(lambda: not installation.client.exists(installation.keys.alerts_sending), 5)
        logs = everything = "".join(installation.log(name) for name in installation.processes)
        assert "BOT_SECRET_UNSET" in logs
        everything += json.dumps(installation.call("GET", f"/jobs/{job_id}")) + json.dumps(installation.history(job_id))
        everything += "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
        assert "secret-of-the-job" not in everything and "service-wide-secret" not in everything


def test_occurrences_missed_beyond_their_grace_are_told_once(
    tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """A job that no scheduler looked at for an hour is told of when one is up again."""
    url = f"json://127.0.0.1:{receiver.server_port}/alerts"
    with Installation(tmp_path, durable_server, ALERT_URL=url) as installation:
        installation.start("web", "scheduler").until_healthy()
        installation.kill("scheduler", signal.SIGTERM)
        job_id = installation.make_job(
            name="Greet", schedule_config={"minutes": 10}, options={"misfire_grace_seconds": 1}
        )
        an_hour_ago = int(time.time()) - 3605
        plan: dict[Any, Any] = {
            "next_occurrence": an_hour_ago,
            "next_due": an_hour_ago * 1000,
            "anchor": an_hour_ago - 600,
        }
        installation.client.hset(installation.keys.job(job_id), mapping=plan)
        installation.client.zadd(installation.keys.due, {job_id: an_hour_ago * 1000})
        installation.start("scheduler-2")
        until(lambda: bool(receiver.received), 20, lambda: installation.log("scheduler-2"))
        ((_, alert),) = receiver.received
        assert alert["title"] == "Greet missed occurrences"
        assert f"misfire_grace_seconds: {installation.history(job_id)[-1]['occurrences']}, from" in alert["message"]


def test_a_job_that_keeps_failing_is_switched_off_by_its_own_runs(
    tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """Failing each second, it stops after three, says why, plans no more, and can be switched on again."""
    url = f"json://127.0.0.1:{receiver.server_port}/alerts"
    with Installation(tmp_path, durable_server, ALERT_URL=url) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        job_id = installation.make_job(
            name="Greet",
            schedule_config={"seconds": 1},
            bot_config={"mode": "raise"},
            options={"disable_after_failures": 3, "overlap": "queue"},
        )

        def job() -> dict[str, Any]:
            return dict(installation.call("GET", f"/jobs/{job_id}")[1])

        until(lambda: not job()["enabled"], 30, lambda: str(installation.history(job_id)))
        off = job()
        assert (off["state"], off["state_reason"]) == ("disabled", "switched off after 3 failures in a row")
        assert off["next_run_at"] is None and off["revision"] == 2
        until(lambda: len(receiver.received) >= 2, 20, lambda: installation.log("scheduler"))
        assert receiver.told == [("/alerts", "Greet failed"), ("/alerts", "Greet was switched off")]
        assert 3 <= len([run for run in installation.history(job_id) if run["status"] == "failed"]) <= 4

        status, on = installation.call("POST", f"/jobs/{job_id}/toggle", {"enabled": True})
        assert status == 200 and on["state"] == "scheduled" and on["state_reason"] is None
        until(lambda: not job()["enabled"], 30, lambda: str(installation.history(job_id)))


def successes(installation: Installation, job_id: str) -> list[dict[str, Any]]:
    """The job's runs that succeeded."""
    return [run for run in installation.history(job_id) if run["status"] == "success"]


def test_a_receiver_that_hangs_holds_up_no_run_and_no_stop_and_gets_the_alert_again(
    tmp_path: Path, light_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """While it hangs, occurrences go on; SIGTERM ends the courier without waiting for it; the next one sends anew."""
    receiver.open.clear()
    url = f"json://127.0.0.1:{receiver.server_port}/alerts"
    with Installation(tmp_path, light_server, ALERT_URL=url) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        failing = installation.make_job(name="Greet", bot_config={"mode": "raise"})
        installation.until_status(failing, installation.run_now(failing), "failed")
        until(lambda: bool(receiver.received), 20, lambda: installation.log("scheduler"))

        punctual = installation.make_job(schedule_config={"seconds": 1})
        until(lambda: len(successes(installation, punctual)) >= 3, 20, lambda: str(installation.history(punctual)))
        assert len(receiver.received) == 1, "the occurrences ran after the alert, not beside it"

        for name in ("scheduler", "web"):  # one of them is the courier
            installation.kill(name, signal.SIGTERM)
            assert "An alert was not taken" not in installation.log(name), "it waited until its sender gave up"
        installation.start("scheduler-2")
        receiver.open.set()
        until(lambda: len(receiver.received) >= 2, 20, lambda: installation.log("scheduler-2"))
        assert receiver.told == [("/alerts", "Greet failed")] * 2
