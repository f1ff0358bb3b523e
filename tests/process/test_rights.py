"""A Redis user that may do less: what docs/deploy.md lists is enough, and advice that cannot be had stops nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.installation import API_KEY, ROOT, Installation
from tests.support.processes import find_free_port, until
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="an installation starts for each set of rights"),
]

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
            assert "Traceback" not in log and "lacks rights" not in log and "ended (wait status" not in log
        unseen = [line for line in installed.log("scheduler").splitlines() if "were not checked" in line]
        assert len(unseen) == ("info" in ADVICE.get(missing or "", ()))
        findings = Command(tmp_path, {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{installed.port}", "API_KEY": API_KEY})(
            "doctor", "--json", REDIS_URL=url(server)
        ).json["findings"]
        states = {finding["check"]: finding["state"] for finding in findings}
        assert "problem" not in states.values(), findings
        assert states.get("redis_info") == ("unknown" if unseen else None)


LATE = "up to 5 s late"


@pytest.mark.parametrize(
    "missing", [("resetchannels", "&rq:pubsub:*"), ("-publish",), ("-subscribe",), ("resetchannels", "-publish")]
)
def test_without_the_wake_channel_all_is_done_whole_and_a_little_late(
    tmp_path: Path, server: ValkeyServer, missing: tuple[str, ...]
) -> None:
    """A job is made once, a failing run ends and its retry comes once; scheduler and doctor say what is missing."""
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bot-scheduler", *missing)
    with Installation(tmp_path, server, REDIS_URL=url(server)) as installed:
        installed.start("web", "scheduler", "worker").until_healthy()
        body = {
            "name": "Fails", "bot_type": "probe", "schedule_type": "interval", "schedule_config": {"hours": 1},
            "bot_config": {"mode": "raise"}, "options": {"max_retries": 1, "retry_delay_seconds": 1},
        }  # fmt: skip
        key = {"Idempotency-Key": "of-the-test"}
        answers = [installed.call("POST", "/jobs", body, headers=key) for _ in range(2)]
        assert [status for status, _ in answers] == [201, 201] and answers[0] == answers[1]
        job = answers[0][1]["id"]
        assert [each["id"] for each in installed.call("GET", "/jobs")[1]] == [job]
        installed.run_now(job)

        def ended() -> bool:
            history = installed.history(job)
            return len(history) >= 2 and all(run["status"] == "failed" for run in history)

        until(ended, 60)
        ticking = installed.make_job(schedule_config={"seconds": 1})
        until(lambda: [run["status"] for run in installed.history(ticking)].count("success") >= 2, 30)
        assert sorted(run["trigger"] for run in installed.history(job)) == ["manual", "retry"]
        assert len([line for line in installed.log("scheduler").splitlines() if LATE in line]) == 1
        findings = Command(tmp_path, {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{installed.port}", "API_KEY": API_KEY})(
            "doctor", "--json", REDIS_URL=url(server)
        ).json["findings"]
        (told,) = [finding for finding in findings if LATE in finding["found"]]
        lines = {"resetchannels": "&bot-scheduler:wake", "-publish": "+publish", "-subscribe": "+subscribe"}
        assert told["state"] == "warning"
        assert {lines[one] for one in missing if one in lines} <= set(told["advice"].split())
        for name in ("web", "scheduler"):
            assert "Traceback" not in installed.log(name)


@pytest.mark.parametrize("right", ["-lpush", "-hincrby", "resetkeys", "-zrange"])
def test_a_user_who_would_leave_scripts_half_done_is_refused_before_anything_is_written(
    tmp_path: Path, server: ValkeyServer, right: str
) -> None:
    """The API answers 503 naming the command and writes nothing, and so does the doctor."""
    rights = ("resetkeys", "~bot-scheduler:*") if right == "resetkeys" else (right,)
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bot-scheduler", *rights)
        with Installation(tmp_path, server, REDIS_URL=url(server)) as installed:
            installed.start("web")
            body = {"name": "A", "bot_type": "probe", "schedule_type": "interval", "schedule_config": {"hours": 1}}
            until(lambda: _answers(installed), 30)
            status, answer = installed.call("POST", "/jobs", body)
            assert status == 503 and "it may not use" in answer["detail"] and "docs/deploy.md" in answer["detail"]
            assert admin.dbsize() == 0
            environment = {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{installed.port}", "API_KEY": API_KEY}
            findings = Command(tmp_path, environment)("doctor", "--json", REDIS_URL=url(server)).json["findings"]
    named = "RQ" if right == "resetkeys" else right.removeprefix("-").upper()
    assert any(finding["state"] == "problem" and named in finding["found"].upper() for finding in findings)


@pytest.mark.parametrize("right", ["-eval", "-evalsha", "-@scripting"])
def test_the_doctor_names_the_right_to_run_scripts(tmp_path: Path, server: ValkeyServer, right: str) -> None:
    """It is a problem of Redis, not of the scheduler's."""
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bot-scheduler", right)
    environment = {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{find_free_port()}", "API_KEY": API_KEY}
    findings = Command(tmp_path, environment)("doctor", "--json", REDIS_URL=url(server)).json["findings"]
    (told,) = [finding for finding in findings if finding["check"] == "rights"]
    assert told["state"] == "problem" and "EVAL" in told["found"] and "docs/deploy.md" in told["advice"]


def _answers(installed: Installation) -> bool:
    try:
        return installed.call("GET", "/health")[0] in (200, 503)
    except OSError:
        return False


@pytest.mark.parametrize("needed", ["evalsha", "blmove", "time"])
def test_a_right_that_is_needed_is_named(tmp_path: Path, server: ValkeyServer, needed: str) -> None:
    """Every process waits; the one that misses it says which, and where the list is."""
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "bot-scheduler", f"-{needed}")
    with Installation(tmp_path, server, REDIS_URL=url(server)) as installed:
        installed.start("scheduler", "worker", "web")
        until(
            lambda: any("lacks rights" in installed.log(name) for name in installed.processes), 30,
            lambda: "".join(installed.log(name) for name in installed.processes),
        )  # fmt: skip
        told = [
            line for name in installed.processes for line in installed.log(name).splitlines() if "lacks rights" in line
        ]
        assert all("docs/deploy.md" in line for line in told)
        assert any(needed.upper() in line for line in told), told
        for name, process in installed.processes.items():
            assert process.poll() is None and "Traceback" not in installed.log(name)
