"""Pings of a script with a real curl: its runs, a missing one, and an outage of Redis."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and a ping has to be missing for seconds"),
]

SCRIPT = """
call="curl -sS -f -m 10 --retry 40 --retry-all-errors --retry-delay 1 -o /dev/null"
$call "$PING/start?rid=$$" || exit 9
if log=$(eval "$WORK" 2>&1); then end=""; else end="/fail"; fi
printf '%s' "$log" | $call --data-binary @- "$PING$end?rid=$$"
"""
GRACE = 2


def script(address: str, work: str) -> subprocess.Popen[str]:
    """Starts the script of somebody's crontab."""
    return subprocess.Popen(
        ["sh", "-c", SCRIPT], env={"PING": address, "WORK": work, "PATH": "/usr/bin:/bin"}, text=True
    )


def history(installation: Installation, job_id: str) -> list[dict[str, Any]]:
    return list(installation.call("GET", f"/jobs/{job_id}/history")[1])


def test_a_crontab_elsewhere_is_watched(tmp_path: Path, durable_server: ValkeyServer) -> None:
    """Its runs, and the missing one within the grace and 5 s; what was answered 2xx outlives the death of Redis."""
    with Installation(tmp_path, durable_server) as installation:
        installation.start("web", "scheduler").until_healthy()
        job_id = installation.make_job(
            name="a crontab", bot_type="heartbeat", bot_config={"grace_seconds": GRACE}, schedule_type="interval",
            schedule_config={"seconds": 3},
        )  # fmt: skip
        terms = {"name": "its script", "scopes": ["ping"], "job_id": job_id}
        address = installation.call("POST", "/keys", terms)[1]["ping"]

        assert [script(address, work).wait(30) for work in ("sleep 0.2; echo well", "echo no space; false")] == [0, 0]
        failed, done = history(installation, job_id)
        assert (done["status"], failed["status"], failed["error"]) == ("success", "failed", "reported failed: no space")
        assert done["duration_ms"] >= 200
        last = datetime.fromisoformat(failed["finished_at"]).replace(tzinfo=UTC).timestamp()

        def late() -> bool:
            return bool(installation.call("GET", f"/jobs/{job_id}")[1]["health"] == "late")

        until(late, 20, lambda: installation.log("scheduler"))
        seen = installation.server.client().time()[0]
        assert 3 + GRACE - 1 <= seen - last <= 3 + GRACE + 5 + 1

        durable_server.kill()
        sent = script(address, "echo after the outage")
        durable_server.start()
        assert sent.wait(60) == 0
        durable_server.kill()
        durable_server.start()
        installation.until_web_answers(200, 503)
        until(lambda: not late(), 20, lambda: installation.log("scheduler"))
        assert [run["status"] for run in history(installation, job_id)] == ["success", "failed", "success"]
        assert all("bsk_" not in installation.log(name) for name in ("web", "scheduler"))
