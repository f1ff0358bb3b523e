"""The whole service on a Redis that is reached by TLS with a certificate that nobody signed, as on Heroku."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.tls import TlsProxy
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


def test_the_whole_service_works_by_tls_without_verification(durable_server: ValkeyServer, tmp_path: Path) -> None:
    """Web, scheduler and worker connect with REDIS_TLS_VERIFY=none; runs by hand and by schedule succeed."""
    with (
        TlsProxy(tmp_path, durable_server.port) as proxy,
        Installation(tmp_path, durable_server, REDIS_URL=proxy.url, REDIS_TLS_VERIFY="none") as installation,
    ):
        installation.start("web", "scheduler", "worker").until_healthy()
        by_hand = installation.make_job(bot_config={"mode": "talk"})
        installation.until_status(by_hand, installation.run_now(by_hand), "success")
        scheduled = installation.make_job(schedule_config={"seconds": 1})
        until(lambda: any(run["status"] == "success" for run in installation.history(scheduled)), 20)


def test_a_certificate_that_is_not_trusted_is_told_by_every_process(
    durable_server: ValkeyServer, tmp_path: Path
) -> None:
    """With the default, `full`, no process talks to such a server; each says which setting decides that, and waits."""
    with (
        TlsProxy(tmp_path, durable_server.port) as proxy,
        Installation(tmp_path, durable_server, REDIS_URL=proxy.url, REDIS_TLS_VERIFY="full") as installation,
    ):
        installation.start("web", "scheduler", "worker")

        def told() -> bool:
            try:
                status, answer = installation.call("GET", "/jobs", timeout=5)
            except OSError:
                return False
            return status == 503 and "REDIS_TLS_VERIFY" in answer["detail"]

        until(told, 20, lambda: installation.log("web"))
        for name in ("scheduler", "worker"):
            until(
                lambda name=name: "REDIS_TLS_VERIFY" in installation.log(name), 20,  # type: ignore[misc]
                lambda name=name: installation.log(name),  # type: ignore[misc]
            )  # fmt: skip
            assert "Traceback" not in installation.log(name)
        assert [name for name, process in installation.processes.items() if process.poll() is not None] == []
