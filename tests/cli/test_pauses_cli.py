"""`bot-scheduler pauses`, `pause` and `resume`, over a real web process and a scheduler that lets in what was held."""

from __future__ import annotations

import pytest

from tests.support.command import Command
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]


def test_a_pause_from_its_flags_to_its_end(command: Command, installed: Installation) -> None:
    job = installed.make_job(name="paused job", schedule_config={"seconds": 1}, labels={"team": "crm"})
    made = command.works(
        "pause", "--label", "team=crm", "--until", "+2h", "--reason", "CRM maintenance", "--on-resume", "latest",
        "--json",
    ).json  # fmt: skip
    assert made["scope"] == {"label": {"team": "crm"}} and made["until"] and made["on_resume"] == "latest"

    def history() -> list[dict[str, object]]:
        return list(installed.call("GET", f"/jobs/{job}/history")[1])

    until(lambda: any("held_by" in run for run in history()), 30)
    assert "scheduled, paused" in command.works("jobs", "list").out
    shown = command.works("jobs", "show", "paused job").out
    assert "scheduled, paused" in shown and made["id"] in shown
    listed = command.works("pauses", "--job", "paused job").out
    assert "team:crm" in listed and "CRM maintenance" in listed and made["id"] in listed
    assert "1 pause is in force" in command("doctor").out
    assert "Ended the pause" in command.works("resume", made["id"]).err
    until(lambda: not any("held_by" in run for run in history()), 30)
    assert "Nothing is paused" in command.works("pauses").err
    assert made["id"] in command.works("pauses", "--ended").out
    assert "scheduled, paused" not in command.works("jobs", "list").out
    assert installed.call("DELETE", f"/jobs/{job}")[0] == 204


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("--reason", "r"), 2, "Say what to pause by one of"),
        (("--all", "--bot", "visitor", "--reason", "r"), 2, "not --all and --bot"),
        (("--all",), 2, "--reason"),
        (("--all", "--reason", "r", "--until", "+soon"), 2, "a span such as 2h"),
        (("--all", "--reason", "r", "--until", "2020-01-01T00:00:00"), 4, "must lie in the future"),
        (("--all", "--reason", "r", "--on-resume", "run"), 4, "--on-resume must"),
        (("--bot", "nobody", "--reason", "r"), 4, "scope.bot_type"),
    ],
)
def test_a_mistake_pauses_nothing(
    command: Command, installed: Installation, arguments: tuple[str, ...], status: int, told: str
) -> None:
    refused = command("pause", *arguments)
    assert refused.status == status and told in refused.err
    assert installed.call("GET", "/pauses?state=active")[1] == []


def test_an_unknown_pause_is_not_found(command: Command) -> None:
    assert command("resume", "00000000-0000-4000-8000-000000000000").status == 3
    refused = command("resume", "all")
    assert refused.status == 2 and "is not the id of a pause" in refused.err
