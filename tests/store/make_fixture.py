"""Writes down what an installation of the older release keeps in Redis: `python -m tests.store.make_fixture FILE`.

Each line of the file is one key as JSON, so that people can read it: its name, type, the ms until it goes (null: never)
and its value. A migration is tested on each file in `tests/store/fixtures`:

- `version_1.jsonl` was made by the first release, by an earlier form of this module, and cannot be made again.
- `version_2.jsonl` is made by the release before schema 3, whose code `tests.support.older_release` checks out.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.support.dumps import dump
from tests.support.installation import Installation
from tests.support.older_release import OlderInstallation, older_code
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer


def live(installed: Installation) -> None:
    """Let an installation do a little of everything, and end with runs in every state."""
    installed.start("web", "scheduler", "worker").until_healthy()
    daily = {"hour": 8, "minute": 30, "timezone": "Europe/Berlin"}
    installed.make_job(name="Daily", schedule_type="daily", schedule_config=daily)
    installed.make_job(
        name="Weekly", schedule_type="weekly", schedule_config={"day_of_week": "mon,thu", "hour": 9, "minute": 0}
    )
    cron = {"cron_expression": "15 */6 * * *"}
    installed.make_job(name="Jittered", schedule_type="cron", schedule_config=cron, options={"jitter_seconds": 60})
    installed.make_job(name="Off", schedule_type="cron", schedule_config=cron, enabled=False)
    ticking = installed.make_job(name="Ticks", schedule_config={"seconds": 1})
    skipping = installed.make_job(name="Skips", schedule_config={"seconds": 1}, bot_config={"seconds": 60.0})
    until(lambda: len(installed.history(ticking)) >= 3 and len(installed.history(skipping)) >= 2, 30)
    for job_id in (ticking, skipping):
        installed.call("POST", f"/jobs/{job_id}/toggle", {"enabled": False})
    talk = installed.make_job(name="Talks", bot_config={"mode": "talk"})
    cancelled = next(run["id"] for run in installed.history(skipping) if run["status"] == "running")
    installed.call("POST", f"/jobs/{skipping}/runs/{cancelled}/cancel")
    installed.until_status(skipping, cancelled, "cancelled")
    installed.until_status(talk, installed.run_now(talk), "success")
    later = {"max_retries": 3, "retry_delay_seconds": 3600}
    failing = installed.make_job(name="Fails", bot_config={"mode": "raise"}, options=later)
    installed.until_status(failing, installed.run_now(failing), "failed")  # its retry awaits its delay
    busy = installed.make_job(
        name="Busy", bot_config={"seconds": 600.0}, options={"max_concurrent_runs": 3, "overlap": "queue"}
    )
    for run_id in [installed.run_now(busy) for _ in range(5)][:2]:  # two under way, one queued, two that wait
        installed.until_status(busy, run_id, "running")
    for name in list(installed.processes):
        if name != "web":
            installed.kill(name)
    for _ in range(2):  # one that holds the slot, and one that waits for it
        installed.run_now(talk)


def main(target: Path) -> None:
    """Make the file."""
    with (
        older_code() as code,
        tempfile.TemporaryDirectory() as name,
        ValkeyServer(Path(name), "--appendonly", "no") as server,
    ):
        with OlderInstallation(code, Path(name), server) as installed:
            live(installed)
        rows = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in dump(server.client())]
    target.write_text("\n".join(rows).replace(str(code), "/app") + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
