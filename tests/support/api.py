"""The API of a running service, for tests that use it as its clients do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any


class Api:
    """The API at a port of 127.0.0.1.

    Args:
        port: the web process's.
        key: its API key.
    """

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.key = key

    def call(
        self, method: str, path: str, body: Any = None, timeout: float = 30, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request under `/scheduler`. Returns its status and its JSON."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/scheduler{path}",
            method=method,
            data=None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"X-API-Key": self.key, "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def is_healthy(self, worker: bool = True) -> bool:
        """Whether health says so, and a worker is up unless none is wanted."""
        try:
            status, health = self.call("GET", "/health", timeout=5)
        except OSError:
            return False
        return status == 200 and (health["workers"] > 0 or not worker)

    def make_job(self, **fields: Any) -> str:
        """Creates a job that only runs by hand, unless `fields` say otherwise. Returns its id."""
        return str(self.create_job(**fields)["id"])

    def create_job(self, **fields: Any) -> dict[str, Any]:
        """The same. Returns the answer."""
        body = {
            "name": "a job", "bot_type": "probe", "schedule_type": "interval", "schedule_config": {"hours": 1}, **fields
        }  # fmt: skip
        status, job = self.call("POST", "/jobs", body)
        assert status == 201, job
        return dict(job)

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """A job's newest 200 runs."""
        status, runs = self.call("GET", f"/jobs/{job_id}/history?limit=200")
        assert status == 200, runs
        return list(runs)

    def run(self, job_id: str, run_id: str) -> dict[str, Any]:
        """One run's entry."""
        status, run = self.call("GET", f"/jobs/{job_id}/runs/{run_id}")
        assert status == 200, run
        return dict(run)

    def run_now(self, job_id: str, body: Any = None) -> str:
        """Asks for a run. Returns its id."""
        status, answer = self.call("POST", f"/jobs/{job_id}/run", body)
        assert status == 202, answer
        return str(answer["run_id"])
