"""`bot-scheduler channels`, `rules` and `alerts`, over a real web process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.store.server.redis_clock import RedisClock
from tests.support.command import Command
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_a_channel_and_its_rule_from_their_flags_to_their_end(
    command: Command, installed: Installation, tmp_path: Path
) -> None:
    job = installed.make_job(name="told job", labels={"team": "crm"})
    flags = ("--url", "env:BOT_SECRET_CLI", "--quiet", "22:00-07:00@Europe/Vienna", "--digest", "1m")
    made = command.works("channels", "create", "cli", *flags, "--per-hour", "5", "--json").json
    assert made["quiet_hours"] == {"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}
    assert (made["digest_seconds"], made["max_per_hour"], made["url"]) == (60, 5, "env:BOT_SECRET_CLI")
    assert command.works("channels", "update", "cli", "--quiet", "none", "--json").json["quiet_hours"] is None
    unset = command.works("channels", "update", "cli", "--digest", "59").err
    assert "Nothing can be sent to it yet: BOT_SECRET_CLI is not set" in unset
    assert command.works("alerts", "--kind", "service", "--json").json is not None
    listed = command.works("channels", "list").out
    assert "cli" in listed and "env:BOT_SECRET_CLI" in listed
    template = tmp_path / "template.txt"
    template.write_text("{{ job }}: {{ error }}")
    rule = command.works(
        "rules", "create", "cli", "--on", "failed", "--on", "recovered", "--job", "told job", "--after", "3",
        "--template", str(template), "--json",
    ).json  # fmt: skip
    assert (rule["on"], rule["job_id"], rule["after"]) == (["failed", "recovered"], job, 3)
    changed = command.works("rules", "update", rule["id"], "--on", "success", "--after", "1", "--json").json
    assert changed["on"] == ["success"] and changed["template"] == "{{ job }}: {{ error }}"
    assert rule["id"] in command.works("rules", "list", "--channel", "cli").out
    refused = command("channels", "delete", "cli", "--yes")
    assert refused.status != 0 and rule["id"] in refused.err
    assert "No alert is like that" in command.works("alerts", "--channel", "cli").err
    assert "Deleted the rule" in command.works("rules", "delete", rule["id"], "--yes").err
    assert "Deleted the channel" in command.works("channels", "delete", "cli", "--yes").err
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204


def test_a_snooze_is_listed_and_ended_and_a_plan_tells_of_channels_and_rules(
    command: Command, installed: Installation
) -> None:
    job = installed.make_job(name="snoozed job")
    now = RedisClock(installed.client).now_ms()
    snooze = {"id": job, "job_id": job, "to": "channel:cli", "since": now, "until": now + 3_600_000}
    installed.client.hset(installed.keys.snoozes, f"{job}/channel:cli", json.dumps(snooze))
    listed = command.works("snoozes", "list").out
    assert "snoozed job" in listed and "channel cli" in listed
    assert "Ended the snooze" in command.works("snoozes", "end", job).err
    assert "Nothing is snoozed" in command.works("snoozes", "list").err
    document = {
        "version": 1, "channels": [{"name": "plan", "url": "env:BOT_SECRET_CLI"}],
        "rules": [{"channel": "plan", "on": ["failed"]}],
    }  # fmt: skip
    plan = command.works("apply", "-f", "-", "--dry-run", given=json.dumps(document)).out
    assert "+ channel plan" in plan and "+ rule plan: failed" in plan and "2 to create" in plan
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("channels", "create", "x"), 4, "url"),
        (("channels", "create", "x", "--url", "json://host"), 4, "not the URL itself"),
        (("channels", "create", "x", "--url", "env:BOT_SECRET_X", "--quiet", "late"), 2, "22:00-07:00@Europe/Vienna"),
        (("channels", "create", "x", "--url", "env:BOT_SECRET_X", "--digest", "soon"), 2, "a time such as 2m"),
        (("channels", "update", "x"), 2, "Nothing to change"),
        (("rules", "create", "x", "--on", "failed", "--template", "{{ job }}"), 2, "takes a file with the template"),
        (("channels", "test", "nobody"), 3, "not found"),
        (("rules", "create", "nobody", "--on", "failed"), 4, "CHANNEL"),
        (("alerts", "--kind", "nonsense"), 4, "kind"),
    ],
)
def test_what_is_refused_says_why(
    command: Command, installed: Installation, arguments: tuple[str, ...], status: int, told: str
) -> None:
    answer = command(*arguments)
    assert (answer.status, told in answer.err) == (status, True), answer.err
