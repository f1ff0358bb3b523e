"""The web processes of one revision, with a Redis of their own, asked and filled through the API alone.

So a revision that stores jobs in another way can be measured by the same code.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench import ours
from bench.ours import API_KEY
from bench.revisions import Revision
from bench.rig import Place, pss, rss
from tests.support.processes import descendants

NEW = {
    "name": "a job", "bot_type": "noop", "schedule_type": "cron", "schedule_config": {"cron_expression": "0 8 1 1 *"},
}  # fmt: skip
PATIENCE = 60
"""Seconds for one request of those that prepare or check something."""


@dataclass(slots=True)
class Web:
    """Web processes that are up, and a scheduler.

    Args:
        revision: whose code they run.
        place: where they run.
        port: the API's.
        ids: of the jobs that are stored.
    """

    revision: Revision
    place: Place
    port: int
    ids: list[str]

    def asked(
        self, method: str, path: str, body: str | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Asks once, on a new connection. Returns the status, the body, and the headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            sent = {"X-API-Key": API_KEY, "Content-Type": "application/json"} if headers is None else dict(headers)
            connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.msg
        finally:
            connection.close()

    def told(self, method: str, path: str, body: Any = None) -> Any:
        """Asks once and returns the answer's JSON.

        Raises:
            RuntimeError: it was refused.
        """
        status, text, _ = self.asked(method, path, b"" if body is None else json.dumps(body))
        if status >= 300:
            raise RuntimeError(f"{method} {path} was answered {status}: {text[:500].decode(errors='replace')}")
        return json.loads(text)

    def store(self, count: int) -> list[str]:
        """Stores so many jobs that are not due. Returns their ids."""
        options = {"max_concurrent_runs": 1000}
        jobs = [{**NEW, "name": f"job {number}", "options": options} for number in range(count)]
        self.told("POST", "/scheduler/apply", {"version": 1, "jobs": jobs})
        self.ids = [job["id"] for job in self.told("GET", "/scheduler/jobs")]
        return self.ids

    def run(self, job_id: str) -> str:
        """Has a job run now. Returns the run's id."""
        return str(self.told("POST", f"/scheduler/jobs/{job_id}/run")["run_id"])

    def make_history(self, runs: int) -> str:
        """Has runs of one job carried out. Returns the job's id."""
        job_id = self.ids[0]
        for _ in range(runs):
            self.run(job_id)
        self.start_worker(2)
        path = f"/scheduler/jobs/{job_id}/history?limit={runs}"
        self.place.until(lambda: sum(run["finished_at"] is not None for run in self.told("GET", path)) >= runs, 60, 0.2)
        self.place.stop("worker")
        return job_id

    def start_worker(self, runs: int) -> None:
        """Starts a worker that carries out so many runs at a time."""
        self.place.environment["WORKER_CONCURRENCY"] = str(runs)
        self.place.start("worker", ours.WORKER)

    def session(self) -> str:
        """Signs in to the console. Returns the cookie's name and value."""
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        _, _, headers = self.asked("POST", "/sign-in", f"key={API_KEY.replace(' ', '+')}", form)
        return str(headers["Set-Cookie"]).partition(";")[0]

    def memory(self) -> dict[str, float]:
        """MiB of the largest web process, proportional (PSS) and resident (RSS), and of all with gunicorn's own."""
        master = self.place.processes["web"].pid
        workers = descendants(master)
        return {
            "pss_mib": max(map(pss, workers), default=0.0),
            "rss_mib": max(map(rss, workers), default=0.0),
            "all_pss_mib": sum(map(pss, [master, *workers])),
        }


@contextmanager
def web(revision: Revision, processes: int, jobs: int, **settings: str) -> Iterator[Web]:
    """Starts a scheduler and web processes, and stores jobs.

    Args:
        revision: whose code.
        processes: how many web processes.
        jobs: how many are stored.
        settings: of their environment.
    """
    environment = {**ours.environment(WEB_CONCURRENCY=str(processes), **settings), "PYTHONPATH": revision.path}
    with Place(environment, revision.root) as place:
        up = Web(revision, place, int(environment["PORT"]), [])
        place.start("scheduler", ours.SCHEDULER)
        place.start("web", ours.WEB)
        place.until(lambda: is_healthy(up), 30, 0.1)
        up.store(jobs)
        yield up


def is_healthy(up: Web) -> bool:
    """Whether it answers its health."""
    try:
        return up.asked("GET", "/scheduler/health")[0] == 200
    except OSError:
        return False
