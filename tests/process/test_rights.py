"""A Redis user that may do less: what docs/deploy.md lists is enough, and advice that cannot be had stops nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.conftest import ValkeyServer
from tests.process.installation import API_KEY, ROOT, Installation, until

PASSWORD = "a-password-of-its-own"
ADVICE = {
    "info": ("info",),
    "names": ("client|setname", "client|setinfo"),
    "addresses": ("client|info", "client|list"),
    "tracking": ("client|tracking",),
    "hello": ("hello",),
    "all of it": (
        "info", "client|setname", "client|setinfo", "client|info", "client|list", "client|tracking", "hello", "config",
        "role", "cluster", "latency", "client|no-evict", "command",
    ),
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server with the user of the document."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = ValkeyServer(folder, "--appendonly", "no")
    (command,) = re.findall(r"^ACL SETUSER .*$", (ROOT / "docs" / "deploy.md").read_text(), re.MULTILINE)
    with server.client() as admin:
        admin.execute_command(*command.replace("PASSWORD", PASSWORD).split())
    yield server
    server.stop()


def url(server: ValkeyServer) -> str:
    """Its REDIS_URL, for that user."""
    return f"redis://bot-scheduler:{PASSWORD}@127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("missing", [None, *ADVICE])
def test_a_user_with_few_rights_is_enough(tmp_path: Path, server: ValkeyServer, missing: str | None) -> None:
    """Jobs are made, come due, run and are listed; no process ends or complains of a right that it needs."""
    with server.client() as admin:
        for command in ADVICE.get(missing or "", ()):
            admin.execute_command("ACL", "SETUSER", "bot-scheduler", f"-{command}")
    with Installation(tmp_path, server, REDIS_URL=url(server)) as installed:
        installed.start("web", "scheduler", "worker").until_healthy()
        job = installed.make_job(schedule_config={"seconds": 1}, bot_config={"mode": "talk"})
        until(lambda: [run["status"] for run in installed.history(job)].count("success") >= 2, 30)
        installed.call("POST", f"/jobs/{job}/toggle", {"enabled": False})
        assert installed.call("POST", "/contacts", {"name": "A", "birthday": "--04-12"})[0] == 201
        for path in ("/jobs", "/jobs?limit=5&q=a", "/runs", "/contacts", f"/jobs/{job}/history"):
            assert installed.call("GET", path)[0] == 200
        for name in ("web", "scheduler", "worker"):
            log = installed.log(name)
            assert "Traceback" not in log and "does not let the user" not in log and "ended (wait status" not in log
        unseen = [line for line in installed.log("scheduler").splitlines() if "could not be looked at" in line]
        assert len(unseen) == ("info" in ADVICE.get(missing or "", ()))
        findings = Command(tmp_path, {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{installed.port}", "API_KEY": API_KEY})(
            "doctor", "--json", REDIS_URL=url(server)
        ).json["findings"]
        states = {finding["check"]: finding["state"] for finding in findings}
        assert "problem" not in states.values(), findings
        assert states.get("redis_info") == ("unknown" if unseen else None)


@pytest.mark.parametrize("needed", ["evalsha", "blmove", "time", "subscribe"])
def test_a_right_that_is_needed_is_named(tmp_path: Path, server: ValkeyServer, needed: str) -> None:
    """Every process waits; the one that misses it says which, and where the list is."""
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bot-scheduler", f"-{needed}")
    with Installation(tmp_path, server, REDIS_URL=url(server)) as installed:
        installed.start("scheduler", "worker", "web")
        until(
            lambda: any("does not let the user" in installed.log(name) for name in installed.processes), 30,
            lambda: "".join(installed.log(name) for name in installed.processes),
        )  # fmt: skip
        told = [
            line for name in installed.processes for line in installed.log(name).splitlines() if "does not let" in line
        ]
        assert all("docs/deploy.md" in line for line in told)
        assert any(needed.upper() in line for line in told), told
        for name, process in installed.processes.items():
            assert process.poll() is None and "Traceback" not in installed.log(name)
