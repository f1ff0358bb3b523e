"""What a worker makes of RQ's commands, without a worker."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from service.worker.board import UnderWay
from service.worker.commands import Allowed, Commands
from tests.process.test_rq_commands import HOSTILE

RUN = UnderWay({"job_id": "job", "run_id": "run"}, "token", 0.0, 60)
COMMANDS: dict[str, dict[str, str]] = {
    "stop-job": {"job_id": "run"},
    "stop-execution": {"job_id": "run", "execution_id": "token"},
    "kill-horse": {},
    "shutdown": {},
}


def heard(allowed: Allowed, *messages: Any, run: UnderWay | None = RUN) -> str:
    """What is to be done after these messages."""
    shut_down: list[str] = []
    ours = Commands(allowed, lambda: run, lambda: shut_down.append("shutdown"))
    for message in messages:
        ours.heard({"type": "message", "data": message})
    done = ["stop"] * ours.is_stopped("token", "run") + ["kill"] * ours.is_killed("token") + shut_down
    assert not ours.is_stopped("another", "other run") and not ours.is_killed("another")
    return " ".join(done)


def sent(name: str) -> bytes:
    """A command as RQ sends it."""
    return json.dumps({"command": name, **COMMANDS[name]}).encode()


@pytest.mark.parametrize(
    ("allowed", "done"),
    [
        ("stop-job", ["stop", "", "", ""]),
        ("all", ["stop", "stop", "kill", "shutdown"]),
        ("none", ["", "", "", ""]),
    ],
)
def test_each_setting_lets_its_commands_through(allowed: Allowed, done: list[str]) -> None:
    """And no other."""
    assert [heard(allowed, sent(name)) for name in COMMANDS] == done


@pytest.mark.parametrize("allowed", ["stop-job", "all", "none"])
def test_no_rubbish_does_anything(allowed: Allowed) -> None:
    """Nor what is no text at all, nor a command while no run is under way (but a shutdown, where that is allowed)."""
    for message in (*HOSTILE, None, 1, "text", ["stop-job"], {"command": "shutdown"}):
        assert heard(allowed, message) == ""
    for name in ("stop-execution", "kill-horse"):
        assert heard(allowed, sent(name), run=None) == ""


@pytest.mark.parametrize(("allowed", "done"), [("stop-job", "stop"), ("all", "stop"), ("none", "")])
def test_a_stop_that_comes_before_the_horse_says_what_it_has_claimed_counts(allowed: Allowed, done: str) -> None:
    """A run is running for everybody from its claim on; its own worker hears of it a moment later."""
    assert heard(allowed, sent("stop-job"), run=None) == done
    before = UnderWay({"job_id": "job", "run_id": "run before"}, "token before", 0.0, 60)
    assert heard(allowed, sent("stop-job"), run=before) == done


def test_a_flood_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """With how many more there were; what was sent is shown cut, and so that no line of it passes for another."""
    now = [100.0]
    with caplog.at_level(logging.WARNING):
        ours = Commands("stop-job", lambda: RUN, lambda: None, lambda: now[0])
        flood = json.dumps({"command": "x\n" * 200}).encode()
        for _ in range(1000):
            ours.heard({"data": flood})
        assert len(caplog.messages) == 1
        now[0] += 61
        ours.heard({"data": flood})
    assert len(caplog.messages) == 2 and "999 more" in caplog.messages[1]
    assert all("\n" not in message and len(message) < 200 for message in caplog.messages)
