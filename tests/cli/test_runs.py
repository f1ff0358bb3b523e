"""`bot-scheduler jobs run`, `history`, `logs` and `cancel`."""

from __future__ import annotations

import json
import signal

import pytest

from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_a_run_is_asked_for_and_not_waited_for(command: Command, installed: Installation) -> None:
    """The id of the run is told; the job's name is enough."""
    job_id = installed.make_job(name="Asked")
    answer = command.works("jobs", "run", "Asked", "--json").json
    assert answer["job_id"] == job_id
    installed.until_status(job_id, answer["run_id"], "success")


def test_waiting_ends_with_the_runs_outcome(command: Command, installed: Installation) -> None:
    """0 for a success, 1 for a failure, whose error is told; --json is the API's entry."""
    good, bad = installed.make_job(name="Good"), installed.make_job(name="Bad", bot_config={"mode": "raise"})
    entry = command.works("jobs", "run", "Good", "--wait", "--json").json
    assert entry == installed.run(good, entry["id"]) and entry["status"] == "success"
    failed = command("jobs", "run", bad, "--wait")
    assert failed.status == 1 and "the probe was told to fail" in failed.out and "failed" in failed.out


def test_a_run_can_be_rehearsed(command: Command, installed: Installation) -> None:
    """--dry-run and --set are laid over the job's bot_config for this run alone."""
    fields = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}, "bot_config": {"dry_run": False}}
    job_id = installed.make_job(name="Rehearsed", bot_type="birthday", **fields)
    command.works("contacts", "import", "-", given="Name,Birthday,E-mail\nAda,1990-04-12,ada@example.org\n")
    entry = command.works("jobs", "run", job_id, "--dry-run", "--set", "today=2025-04-12", "--wait", "--json").json
    assert entry["result"]["dry_run"] is True and entry["result"]["would_send"] == 1
    assert entry["rehearsal"] is True
    assert ["rehearsal", "yes"] in [
        said.split() for said in command.works("jobs", "run", job_id, "--dry-run", "--wait").out.splitlines()
    ]
    assert "manual, rehearsal" in command.works("history", job_id).out
    assert command.works("jobs", "show", job_id, "--json").json["last_run_status"] is None
    assert command.works("jobs", "show", job_id, "--json").json["bot_config"]["dry_run"] is False
    refused = command("jobs", "run", job_id, "--set", "today=never")
    assert refused.status == 4 and "today" in refused.err


def test_waiting_survives_a_restart_of_the_web_process(command: Command, installed: Installation) -> None:
    """The outcome is told all the same."""
    job_id = installed.make_job(name="Long", bot_config={"seconds": 4})
    waiting = command.starts("jobs", "run", "Long", "--wait", "--json")
    until(lambda: any(run["status"] == "running" for run in installed.history(job_id)), 30)
    installed.kill("web", signal.SIGTERM)
    installed.start("web").until_healthy()
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, json.loads(out)["status"]) == (0, "success"), err


def test_ctrl_c_leaves_the_run_alone(command: Command, installed: Installation) -> None:
    """Exit code 130, and the way back to the run is told."""
    job_id = installed.make_job(name="Left", bot_config={"mode": "heed", "seconds": 120})
    waiting = command.starts("jobs", "run", "Left", "--wait")
    assert waiting.stderr is not None
    told = waiting.stderr.readline()
    (run,) = installed.history(job_id)
    installed.until_status(job_id, run["id"], "running")
    waiting.send_signal(signal.SIGINT)
    waiting.wait(60)  # not communicate(): it would pass over what readline() has read ahead
    out, err = waiting.stdout.read() if waiting.stdout is not None else "", waiting.stderr.read()
    assert (waiting.returncode, out) == (130, "") and run["id"] in told and f"logs -f {job_id} {run['id']}" in err
    assert installed.run(job_id, run["id"])["status"] == "running"
    command.works("cancel", "Left")
    installed.until_status(job_id, run["id"], "cancelled")


def test_history_of_one_job_and_of_all(command: Command, installed: Installation) -> None:
    """Text names the job; --json is the API's answer; filters are the API's."""
    job_id = installed.make_job(name="Historic", bot_config={"mode": "raise"})
    run_id = installed.run_now(job_id)
    installed.until_status(job_id, run_id, "failed")
    assert command.works("history", "Historic", "--json").json == installed.history(job_id)
    everything = command.works("history").out
    (line,) = [line for line in everything.splitlines() if run_id in line]
    assert "Historic" in line and "failed" in line and "told to fail" in line
    assert [run["id"] for run in command.works("history", "Historic", "--status", "failed", "--json").json] == [run_id]
    assert command.works("history", "Historic", "--status", "cancelled", "--json").json == []
    assert len(command.works("history", "--limit", "1", "--json").json) == 1
    assert command("history", "--status", "sad").status == 4


def test_the_newest_runs_log(command: Command, installed: Installation) -> None:
    """Line by line, or as the API says it; a job that has not run has none."""
    job_id = installed.make_job(name="Talker", bot_config={"mode": "talk"})
    assert command("logs", "Talker").status == 3
    run_id = installed.run_now(job_id)
    installed.until_status(job_id, run_id, "success")
    assert [line.split()[-2:] for line in command.works("logs", "Talker").out.splitlines()] == [
        ["line", "0"], ["line", "1"], ["line", "2"],
    ]  # fmt: skip
    assert command.works("logs", job_id, run_id, "--json").json == installed.call(
        "GET", f"/jobs/{job_id}/runs/{run_id}/log"
    )[1]  # fmt: skip
    for alone in (run_id, run_id[:8]):  # as they stand in the history
        assert command.works("logs", alone).out == command.works("logs", "Talker").out


def test_a_run_without_a_log_says_so(command: Command, installed: Installation) -> None:
    """On standard error, so that nothing takes it for a line."""
    job_id = installed.make_job(name="Silent")
    installed.until_status(job_id, installed.run_now(job_id), "success")
    ended = command.works("logs", "Silent")
    assert (ended.out, ended.err) == ("", "The run logged nothing.\n")


def test_a_log_that_is_not_kept_any_more_says_so(command: Command, installed: Installation) -> None:
    """Read or followed; not so a log that is there."""
    job_id = installed.make_job(name="Trimmed", bot_config={"mode": "talk"})
    run_id = installed.run_now(job_id)
    installed.until_status(job_id, run_id, "success")
    assert "no longer kept" not in command.works("logs", "Trimmed").err
    installed.client.delete(installed.keys.run_log(run_id))
    assert "no longer kept" in command.works("logs", "Trimmed").err
    assert "no longer kept" in command.works("logs", "-f", "Trimmed").err
    assert command.works("logs", "Trimmed", "--json").json["trimmed"] is True


def test_a_log_is_followed_to_the_runs_end_across_a_restart(command: Command, installed: Installation) -> None:
    """Each line once, though the web process is replaced in the middle; how the run ended is told beside it."""
    job_id = installed.make_job(name="Followed", bot_config={"mode": "talk", "seconds": 4})
    run_id = installed.run_now(job_id)
    installed.until_status(job_id, run_id, "running", "success")
    following = command.starts("logs", "-f", "Followed", "--json")
    assert following.stdout is not None
    first = json.loads(following.stdout.readline())
    installed.kill("web", signal.SIGTERM)
    installed.start("web")
    # Not communicate(): it would pass over what readline() has read ahead.
    lines = [first, *map(json.loads, following.stdout)]
    err = following.stderr.read() if following.stderr is not None else ""
    following.wait(60)
    assert [line["message"] for line in lines] == ["line 0", "line 1", "line 2"]
    assert following.returncode == 0 and "The run has ended: success" in err


def test_a_run_is_cancelled(command: Command, installed: Installation) -> None:
    """One that has ended is refused: exit code 4."""
    job_id = installed.make_job(name="Cancelled", bot_config={"mode": "heed", "seconds": 60})
    run_id = installed.run_now(job_id)
    installed.until_status(job_id, run_id, "running")
    assert command.works("cancel", "Cancelled", "--json").json["id"] == run_id
    installed.until_status(job_id, run_id, "cancelled")
    ended = command("cancel", "Cancelled", run_id)
    assert ended.status == 4 and "has already ended" in ended.err
