"""A real Prometheus scrapes a live installation: every alert fires, and every query of the dashboards has an answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.installation import API_KEY, Installation, running
from tests.support.processes import descendants, find_free_port, until
from tools.grafana import FOLDER, dashboards

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"
REQUIRED = "PROMETHEUS_REQUIRED"
VARIABLES = {"$__rate_interval": "1m", "$bot": ".*", "$job": ".*"}
pytestmark = pytest.mark.slow(reason="Prometheus, a whole installation, and a minute in which its parts die")


@pytest.fixture(scope="module")
def promtool() -> str:
    """`promtool`; whoever has it has `prometheus`, too."""
    path = shutil.which("promtool")
    if path is None or shutil.which("prometheus") is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail("There is no Prometheus: see .ci/run")
        pytest.skip("There is no Prometheus")
    return path


class Prometheus:
    """One that scrapes each second, by the files in `deploy/prometheus`, with each `for` as short as can be.

    Args:
        folder: for its data and log.
        target: `host:port` of the web process.
    """

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._url = f"http://127.0.0.1:{find_free_port()}"
        text = (PROMETHEUS / "prometheus.yml").read_text()
        text = text.replace("127.0.0.1:8000", target).replace("interval: 15s", "interval: 1s")
        (folder / "prometheus.yml").write_text(text)
        rules, count = re.subn(r"for: \d+[sm]$", "for: 1s", (PROMETHEUS / "alerts.yml").read_text(), flags=re.MULTILINE)
        assert target in text and "1s" in text and count
        (folder / "alerts.yml").write_text(rules)
        (folder / "bot-scheduler.key").write_text(API_KEY)
        self.fired: set[str] = set()

    def __enter__(self) -> Prometheus:
        command = [
            "prometheus", f"--config.file={self._folder}/prometheus.yml", f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]  # fmt: skip
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._is_ready, 30, (self._folder / "prometheus.log").read_text)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str, **query: str) -> Any:
        """Asks its API."""
        try:
            with urllib.request.urlopen(
                f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=10
            ) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from None

    def value(self, query: str) -> list[Any]:
        """What a query yields now."""
        return list(self.ask("query", query=query)["result"])

    def look(self) -> set[str]:
        """Which alerts have fired by now."""
        alerts = self.ask("alerts")["alerts"]
        self.fired |= {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
        return self.fired

    def until_fired(self, *names: str, seconds: float = 60) -> None:
        """Waits until alerts have fired."""
        until(lambda: set(names) <= self.look(), seconds, lambda: f"{set(names) - self.fired} have not fired")


@pytest.fixture(scope="module")
def live(promtool: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with the metrics of single jobs."""
    settings = {"METRICS_PER_JOB": "true", "GUESS_LIMIT": "100000", "WORKERS_WANTED_SECONDS": "10"}
    with running(tmp_path_factory.mktemp("live"), **settings) as started:
        yield started


def run(live: Installation, job_id: str) -> None:
    """Runs a job by hand, to its end."""
    status, started = live.call("POST", f"/jobs/{job_id}/run")
    assert status in (200, 202), started
    live.until_status(job_id, started["run_id"], "success", "failed")


def test_the_dashboards_are_those_that_the_tool_writes() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == dashboards()


def test_promtool_has_nothing_against_the_files(promtool: str, tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "files")
    (tmp_path / "files" / "bot-scheduler.key").write_text("a key")
    for kind, name in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        done = subprocess.run([promtool, "check", kind, name], cwd=tmp_path / "files", capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_fire_after_their_time_and_not_while_all_is_well(promtool: str) -> None:
    """By the thresholds and times in the file itself, which the live test below shortens."""
    folder = Path(__file__).parent
    done = subprocess.run([promtool, "test", "rules", "alerts_test.yml"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_has_nothing_against_the_metrics(promtool: str, live: Installation) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{live.port}/metrics", headers={"X-API-Key": API_KEY})
    with urllib.request.urlopen(request, timeout=10) as answer:
        done = subprocess.run([promtool, "check", "metrics"], input=answer.read(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_query_has_an_answer_and_every_alert_fires(live: Installation, tmp_path: Path) -> None:
    """First with all well, then with one part after the other dead."""
    fine, fails = live.make_job(name="fine"), live.make_job(name="fails", bot_config={"mode": "raise"})
    empty = live.make_job(name="empty", options={"expect": {"result": {"messages_sent": {"min": 2}}}})
    for job in (fine, fails, empty):
        run(live, job)
    with Prometheus(tmp_path, f"127.0.0.1:{live.port}") as prometheus:
        until(lambda: prometheus.value("bot_scheduler_runs_total") != [], 30)
        for _ in range(4):
            run(live, fails)
        run(live, fine)
        prometheus.until_fired("BotSchedulerRunsFail", "BotSchedulerJobFails", "BotSchedulerJobUnhealthy")
        for text in dashboards().values():
            for panel in json.loads(text)["panels"]:
                for target in panel["targets"]:
                    query = target["expr"]
                    for name, value in VARIABLES.items():
                        query = query.replace(name, value)
                    assert "$" not in query and prometheus.value(query) != [], query
        guess_keys_and_hold_up(live)
        prometheus.until_fired("BotSchedulerKeysGuessed", "BotSchedulerLoopHeldUp")
        lose_the_worker(live, fine)
        prometheus.until_fired("BotSchedulerRunsWait", "BotSchedulerNoWorker", "BotSchedulerTrouble")
        live.start("worker")
        prometheus.until_fired("BotSchedulerRunsLate")
        lose_the_scheduler(live, fine)
        prometheus.until_fired("BotSchedulerNoScheduler", "BotSchedulerUndecided")
        for number in range(500):
            live.make_job(name=f"job {number}")
        prometheus.until_fired("BotSchedulerJobsLeftOut")
        live.client.config_set("maxmemory", "1mb")
        prometheus.until_fired("BotSchedulerRedisRefusesWrites")
        live.kill("web")
        prometheus.until_fired("BotSchedulerAbsent")
        rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
        assert prometheus.fired == {rule["alert"] for group in rules for rule in group["rules"]}


def guess_keys_and_hold_up(live: Installation) -> None:
    """Sends 150 wrong keys, and stops the web process' own loop for a moment, over and over."""

    def guess(number: int) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{live.port}/scheduler/jobs", headers={"X-API-Key": f"wrong {number}"}
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=60)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(guess, range(150)))
    children = descendants(live.processes["web"].pid)
    for _ in range(60):
        for signum, seconds in ((signal.SIGSTOP, 0.3), (signal.SIGCONT, 0.05)):
            for pid in children:
                os.kill(pid, signum)
            time.sleep(seconds)


def lose_the_worker(live: Installation, job_id: str) -> None:
    """Kills the worker, and lets a run have waited for two minutes already."""
    live.kill("worker", signal.SIGTERM)
    run_id = live.call("POST", f"/jobs/{job_id}/run")[1]["run_id"]
    long_ago = int(time.time() * 1000) - 120_000
    live.client.zadd(live.keys.queued, {run_id: long_ago})
    live.client.hset(live.keys.run(run_id), "due", long_ago)


def lose_the_scheduler(live: Installation, job_id: str) -> None:
    """Kills the scheduler, and lets a job be due since a minute ago."""
    live.kill("scheduler")
    live.client.zadd(live.keys.due, {job_id: int(time.time() * 1000) - 60_000})
