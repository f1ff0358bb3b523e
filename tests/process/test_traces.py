"""Traces of runs, by real processes to a real OTLP receiver."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.collector import collector, facts
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]
THEIRS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OWN = ("run", "decide", "claim", "bot", "end")


def test_a_run_is_one_trace_from_its_decision_to_its_end(tmp_path: Path, durable_server: ValkeyServer) -> None:
    """Of an occurrence, and of a run by hand that continues its caller's trace. Times agree with the history."""
    with collector() as found:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": found.address, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=very%20secret%20header",
            "OTEL_SERVICE_NAME": "night-shift", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "BOT_SECRET_HOOK": f"{found.address}/token-a1b2c3d4e5?k=hidden",
        }  # fmt: skip
        with Installation(tmp_path, durable_server, LOG_LEVEL="DEBUG", **settings) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            job_id = installation.make_job(
                bot_type="webhook", bot_config={"url": f"{found.address}/hook?token=hidden", "body": "{}"},
                schedule_type="interval", schedule_config={"seconds": 2},
            )  # fmt: skip
            until(lambda: bool(found.calls), 20, lambda: installation.log("worker"))
            first = next(run for run in reversed(installation.history(job_id)) if run["status"] != "queued")
            until(lambda: "end" in found.of_run(first["id"]), 20, lambda: installation.log("worker"))

            spans = found.of_run(first["id"])
            assert set(spans) == {*OWN, "POST"}
            whole, bot, sent = spans["run"], spans["bot"], spans["POST"]
            assert whole.parent_span_id == b"" and sent.parent_span_id == bot.span_id
            assert {spans[name].parent_span_id for name in OWN[1:]} == {whole.span_id}
            assert len({span.span_id for span in spans.values()}) == 6
            for name, outer in (("decide", whole), ("claim", whole), ("bot", whole), ("end", whole), ("POST", bot)):
                assert outer.start_time_unix_nano <= spans[name].start_time_unix_nano, name
                assert spans[name].start_time_unix_nano <= spans[name].end_time_unix_nano, name
                assert spans[name].end_time_unix_nano <= outer.end_time_unix_nano, name
            record = installation.client.hgetall(installation.keys.run(first["id"]))
            started, finished = (int(record[name]) * 1_000_000 for name in (b"started_at", b"finished_at"))
            assert bot.start_time_unix_nano == started == spans["claim"].end_time_unix_nano
            assert whole.end_time_unix_nano == finished
            told = facts(sent)
            assert told["url.full"] == f"{found.address}/hook" and told["http.response.status_code"] == 200
            assert sent.kind == 3 and whole.status.code == 0
            assert found.calls[0]["traceparent"] == f"00-{whole.trace_id.hex()}-{sent.span_id.hex()}-01"
            assert facts(whole)["bot_scheduler.trigger"] == "schedule"
            assert found.resources[0]["service.name"] == "night-shift"
            assert found.resources[0]["deployment.environment.name"] == "test"
            assert found.headers[0]["x-key"] == "very secret header"

            installation.call("DELETE", f"/jobs/{job_id}")
            secret = installation.make_job(bot_type="webhook", bot_config={"url": "env:BOT_SECRET_HOOK"})
            status, answer = installation.call("POST", f"/jobs/{secret}/run", None, headers={"traceparent": THEIRS})
            assert status == 202
            until(lambda: "end" in found.of_run(answer["run_id"]), 20, lambda: installation.log("worker"))
            continued = found.of_run(answer["run_id"])
            assert continued["run"].trace_id.hex() == THEIRS[3:35]
            assert continued["run"].parent_span_id.hex() == THEIRS[36:52]
            assert found.calls[-1]["traceparent"].startswith(f"00-{THEIRS[3:35]}-")
            assert not any(name.startswith(("url", "server")) for name in facts(continued["POST"]))
            sent_on = "".join(map(str, found.spans))
            assert "hidden" not in sent_on and "token-a1b2" not in sent_on
            assert "secret header" not in sent_on + installation.log("worker") + installation.log("scheduler")


def test_a_killed_run_has_a_trace_that_says_so(tmp_path: Path, durable_server: ValkeyServer) -> None:
    """Its horse was killed alone, which its parent tells, or with all of its worker, which the reaper tells."""
    with collector() as found, Installation(
        tmp_path, durable_server, OTEL_EXPORTER_OTLP_ENDPOINT=found.address, WORKER_CONCURRENCY="1"
    ) as installation:  # fmt: skip
        installation.start("web", "scheduler", "worker").until_healthy()
        died = installation.make_job(bot_config={"mode": "die"})
        alone = installation.run_now(died)
        until(lambda: "bot" in found.of_run(alone), 20, lambda: installation.log("worker"))
        spans = found.of_run(alone)
        assert set(spans) == {"run", "decide", "claim", "bot"}
        assert spans["bot"].status.code == 2 and "killed by SIGKILL" in spans["run"].status.message
        job_id = installation.make_job(bot_config={"mode": "heed", "seconds": 60})
        run_id = installation.run_now(job_id)
        installation.until_status(job_id, run_id, "running")
        os.killpg(installation.processes["worker"].pid, signal.SIGKILL)
        until(lambda: "bot" in found.of_run(run_id), 40, lambda: installation.log("scheduler"))
        spans = found.of_run(run_id)
        assert set(spans) == {"run", "decide", "claim", "bot"}
        assert spans["run"].status.code == 2 and "worker died" in spans["run"].status.message


@pytest.mark.parametrize("kind", ["away", "refusing"])
def test_runs_go_on_without_a_collector(kind: str, tmp_path: Path, durable_server: ValkeyServer) -> None:
    with collector(status=400) as found:
        address = found.address if kind == "refusing" else f"http://127.0.0.1:{find_free_port()}"
        with Installation(tmp_path, durable_server, OTEL_EXPORTER_OTLP_ENDPOINT=address) as installation:
            installation.start("web", "scheduler", "worker").until_healthy()
            job_id = installation.make_job(bot_config={"mode": "plain"})
            for _ in range(5):
                installation.until_status(job_id, installation.run_now(job_id), "success")
            until(
                lambda: "collector of traces did not take" in installation.log("worker"), 30,
                lambda: installation.log("worker"),
            )  # fmt: skip
            assert installation.log("worker").count("collector of traces did not take") <= 2, "one a minute and process"
