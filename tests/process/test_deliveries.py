"""Channels that really are told, by a real mail server and a real HTTP server, whichever process dies."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import until
from tests.support.servers.alerts import AlertReceiver
from tests.support.servers.mail import Post, post_office
from tests.support.servers.valkey import ValkeyServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts for each test"),
]


def settings(post_url: str, receiver: AlertReceiver) -> dict[str, str]:
    """The secrets of two channels: mail, and a hook that tells the test when it answers."""
    return {
        "BOT_SECRET_OPS": post_url.replace("{email}", "ops@example.org"),
        "BOT_SECRET_HOOK": f"json://127.0.0.1:{receiver.server_port}/secret-path",
    }


def make_channels(installation: Installation) -> None:
    """Both, each told of failures and successes."""
    for name, secret in (("ops", "BOT_SECRET_OPS"), ("hook", "BOT_SECRET_HOOK")):
        status, made = installation.call("POST", "/channels", {"name": name, "url": f"env:{secret}"})
        assert status == 201, made
        assert installation.call("POST", "/rules", {"channel": name, "on": ["failed", "success"]})[0] == 201


def told(installation: Installation) -> dict[str, dict[str, Any]]:
    """The deliveries of the newest alert, by their channels."""
    alerts = installation.call("GET", "/alerts")[1]
    return {one["channel"]: one for one in alerts[0]["deliveries"]} if alerts else {}


def subjects(post: Post) -> list[str]:
    """Of what the mail server has taken."""
    return [str(message["Subject"]) for message in post.messages]


def test_a_channel_that_hangs_holds_up_no_other_and_no_secret_shows(
    tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """The mail is there while the hook hangs; the hook gets its own when it is back. The record tells of both."""
    receiver.open.clear()
    with (
        post_office() as (post, url),
        Installation(tmp_path, durable_server, LOG_LEVEL="DEBUG", **settings(url, receiver)) as installation,
    ):
        installation.start("web", "scheduler", "worker").until_healthy()
        make_channels(installation)
        job_id = installation.make_job(name="Greet", bot_config={"mode": "raise"})
        for count in (1, 2):
            installation.until_status(job_id, installation.run_now(job_id), "failed")
            well = {"bot_config": {"mode": "plain"}}
            installation.until_status(job_id, installation.run_now(job_id, well), "success")
            until(lambda: len(post.messages) >= 2 * count, 30, lambda: installation.log("scheduler"))
        assert subjects(post) == ["Greet failed", "Greet has succeeded"] * 2
        body = post.messages[0].get_content()
        assert "What to do:" in body and f"Job: Greet ({job_id})" in body
        assert len(receiver.received) == 1, "the hook has its one try under way"
        assert told(installation)["ops"]["state"] == "sent" and told(installation)["hook"]["state"] == "waiting"
        receiver.open.set()
        until(lambda: told(installation)["hook"]["state"] == "sent", 60, lambda: installation.log("scheduler"))
        everything = "".join(installation.log(name) for name in installation.processes)
        everything += json.dumps(installation.call("GET", "/alerts")) + json.dumps(
            installation.call("GET", "/channels")
        )
        everything += "".join(file.read_text(errors="replace") for file in tmp_path.rglob("*") if file.is_file())
        assert "secret-path" not in everything


def test_processes_that_are_killed_while_one_channel_hangs_tell_the_other_no_second_time(
    tmp_path: Path, durable_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """What was on its way is sent again, to that address alone."""
    receiver.open.clear()
    with (
        post_office() as (post, url),
        Installation(tmp_path, durable_server, **settings(url, receiver)) as installation,
    ):
        installation.start("web", "scheduler", "worker").until_healthy()
        make_channels(installation)
        job_id = installation.make_job(name="Greet", bot_config={"mode": "raise"})
        installation.until_status(job_id, installation.run_now(job_id), "failed")
        until(lambda: told(installation).get("ops", {}).get("state") == "sent" and bool(receiver.received), 30)
        for name in ("scheduler", "web"):
            os.killpg(installation.processes[name].pid, signal.SIGKILL)  # of a web process, its children too
            installation.kill(name)
        receiver.open.set()
        installation.start("web-2", "scheduler-2").until_healthy()
        until(lambda: told(installation)["hook"]["state"] == "sent", 60, lambda: installation.log("scheduler-2"))
        assert subjects(post) == ["Greet failed"]
        assert receiver.told == [("/secret-path", "Greet failed")] * 2


def test_a_test_message_goes_through_the_channel_or_says_why_not(
    tmp_path: Path, light_server: ValkeyServer, receiver: AlertReceiver
) -> None:
    """200 when it is taken, 502 with the reason, 409 where the setting is missing, 404 for no channel."""
    with post_office() as (post, url):
        secrets = {**settings(url, receiver), "BOT_SECRET_BAD": url.replace("{email}", "bad@example.org")}
        secrets["BOT_SECRET_HOOK_HOSTS"] = "hooks.example.org"
        with Installation(tmp_path, light_server, **secrets) as installation:
            installation.start("web", "scheduler").until_healthy()
            names = ("ops", "hook", "bad", "unset")
            for name in names:
                installation.call("POST", "/channels", {"name": name, "url": f"env:BOT_SECRET_{name.upper()}"})
            found = {
                name: installation.call("POST", f"/channels/{name}/test") for name in ("ops", "hook", "bad", "unset")
            }
            assert {name: status for name, (status, _) in found.items()} == {
                "ops": 200, "hook": 409, "bad": 502, "unset": 409,
            }  # fmt: skip
            assert subjects(post) == ["A test message from Bot Scheduler"] and receiver.received == []
            assert "BOT_SECRET_HOOK_HOSTS" in found["hook"][1]["detail"] and found["bad"][1]["detail"]
            assert "BOT_SECRET_UNSET is not set" in found["unset"][1]["detail"]
            assert installation.call("POST", "/channels/nobody/test")[0] == 404
            actions = [entry["action"] for entry in installation.call("GET", "/audit?action=channel.test")[1]]
            assert actions == ["channel.test"] * 2
