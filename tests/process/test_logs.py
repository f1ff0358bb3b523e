"""What real processes log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import API_KEY, Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


def lines(installation: Installation, name: str) -> list[dict[str, Any]]:
    """What a process has logged so far: JSON, each line of it."""
    return [json.loads(line) for line in installation.log(name).splitlines()]


def test_lines_are_json_with_ids_and_without_secrets(tmp_path: Path, light_server: ValkeyServer) -> None:
    """A run that was asked for is found by its own id, its job's and the request's at web and worker.
    Neither the key nor a password of MESSAGE_URL is anywhere, though the channel is away and the whole is at DEBUG."""
    message_url = f"mailto://me:sesame-open@127.0.0.1:{find_free_port()}?from=me@example.org&to={{email}}"
    settings = {"MESSAGE_URL": message_url, "LOG_LEVEL": "DEBUG"}
    with Installation(tmp_path, light_server, **settings) as installation:
        installation.start("web", "scheduler", "worker").until_healthy()
        contact = {"name": "Ada", "birthday": "--04-12", "emails": ["ada@example.org"]}
        assert installation.call("POST", "/contacts", contact)[0] == 201
        job_id = installation.make_job(bot_type="birthday", bot_config={"process_late": True, "max_days_late": 365})
        status, answer = installation.call("POST", f"/jobs/{job_id}/run", headers={"X-Request-Id": "the-request"})
        assert status == 202
        ended = installation.until_status(job_id, answer["run_id"], "failed", "success")
        assert "sesame-open" not in json.dumps(ended)
        until(lambda: "has ended after" in installation.log("worker"), 10)
        for name in ("web", "worker"):
            of_the_run = [line for line in lines(installation, name) if line.get("run_id") == answer["run_id"]]
            assert of_the_run
            assert {(line["request_id"], line["job_id"]) for line in of_the_run} == {("the-request", job_id)}
        assert "Traceback" not in installation.log("worker"), "a channel that is away was foreseen"
        for name in ("web", "scheduler", "worker"):
            found = lines(installation, name)
            assert found and all(line["process"] == name for line in found)
            assert API_KEY not in installation.log(name) and "sesame-open" not in installation.log(name)
