"""`bot-scheduler channels`, `rules` and `alerts`, over a real web process."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    flags = ("--url", "env:BOT_SECRET_CLI", "--quiet", "22:00-07:00@Europe/Vienna", "--digest", "60")
    made = command.works("channels", "create", "cli", *flags, "--per-hour", "5", "--json").json
    assert made["quiet_hours"] == {"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}
    assert (made["digest_seconds"], made["max_per_hour"], made["url"]) == (60, 5, "env:BOT_SECRET_CLI")
    assert command.works("channels", "update", "cli", "--quiet", "none", "--json").json["quiet_hours"] is None
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


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("channels", "create", "x"), 4, "url"),
        (("channels", "create", "x", "--url", "json://host"), 4, "not the URL itself"),
        (("channels", "create", "x", "--url", "env:BOT_SECRET_X", "--quiet", "late"), 2, "22:00-07:00@Europe/Vienna"),
        (("channels", "update", "x"), 2, "Nothing to change"),
        (("channels", "test", "nobody"), 3, "not found"),
        (("rules", "create", "nobody", "--on", "failed"), 4, "channel"),
        (("alerts", "--kind", "nonsense"), 4, "kind"),
    ],
)
def test_what_is_refused_says_why(
    command: Command, installed: Installation, arguments: tuple[str, ...], status: int, told: str
) -> None:
    answer = command(*arguments)
    assert (answer.status, told in answer.err) == (status, True), answer.err
