"""`bot-scheduler keys` and `sessions`, over a real web process."""

from __future__ import annotations

import http.client
import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.command import Command
from tests.support.installation import ROOT, Installation

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="a whole installation starts, and each test starts commands of its own"),
]

KEY = re.compile(r"bsk_([0-9A-Za-z]{10})_[0-9A-Za-z]{49}")


def create(command: Command, name: str, *flags: str) -> dict[str, Any]:
    """Creates a key. Returns the whole answer."""
    return dict(command.works("keys", "create", name, *(flags or ("--set", "viewer")), "--json").json)


def shown(command: Command, key_id: str) -> dict[str, Any]:
    """A key's record."""
    return dict(command.works("keys", "show", key_id, "--json").json)


def sign_in(installed: Installation, key: str) -> str:
    """Signs in to the console. Returns the cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", installed.port, timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{installed.port}"}
    connection.request("POST", "/sign-in", f"key={key}", form)
    cookie = str(connection.getresponse().headers["Set-Cookie"]).partition(";")[0]
    connection.close()
    return cookie


def test_a_new_key_is_printed_once_and_alone(command: Command, installed: Installation) -> None:
    """On standard output, with a sentence beside it; it works, and nothing shows it again, nor do the logs."""
    ended = command.works("keys", "create", "Once", "--set", "viewer")
    found = KEY.fullmatch(ended.out.strip())
    assert found is not None and "shown only now" in ended.err and "Once" in ended.err and found[0] not in ended.err
    assert "Once" in command.works("keys", "me", API_KEY=found[0]).out
    assert command.works("keys", "me", "--json", API_KEY=found[0]).json["id"] == found[1]
    command.works("keys", "update", found[1], "--note", "noted")
    told = [
        command.works("keys", *more, *form).out
        for more in (["list"], ["show", found[1]])
        for form in ([], ["--json"])
    ]  # fmt: skip
    told += [command.works("audit", "--json").out, *(installed.log(name) for name in ("web", "scheduler", "worker"))]
    secret = found[0].split("_")[2]
    assert [secret in text for text in told] == [False] * len(told)
    assert [found[1] in text for text in told[:4]] == [True] * 4


def test_a_key_is_created_with_scopes_and_limits(command: Command) -> None:
    """`--scope` adds to `--set`; one label may have several values; durations count from now."""
    made = create(
        command, "Limited", "--set", "operator", "--scope", "send", "--label", "team=crm", "--label", "team=sales",
        "--label", "stage=live", "--bot", "probe", "--bot", "webhook", "--expires", "90d", "--note", "for Ana",
    )  # fmt: skip
    assert made["scopes"] == ["read", "run", "send"] and made["note"] == "for Ana" and KEY.fullmatch(made["key"])
    assert (made["labels"], made["bot_types"]) == (
        {"team": ["crm", "sales"], "stage": ["live"]}, ["probe", "webhook"],
    )  # fmt: skip
    ends = datetime.fromisoformat(made["expires_at"]).replace(tzinfo=UTC)
    assert timedelta(days=89) < ends - datetime.now(UTC) < timedelta(days=91)
    text = command.works("keys", "show", made["id"]).out
    for word in ("read, run, send", "team=crm or sales", "bot=probe or webhook", made["expires_at"], "by root"):
        assert word in text
    assert made["id"] in command.works("keys", "list").out


def test_a_key_is_changed_field_by_field(command: Command) -> None:
    """Scopes are replaced, labels laid over; each limit, the expiry and the note can be taken away."""
    key_id = create(
        command, "Changed", "--set", "editor", "--label", "team=crm", "--label", "stage=live", "--bot", "probe",
        "--expires", "2099-01-31T08:00:00", "--note", "old",
    )["id"]  # fmt: skip
    assert "Renamed" in command.works("keys", "update", key_id, "--name", "Renamed", "--scope", "read").out
    key = shown(command, key_id)
    assert (key["name"], key["scopes"], key["note"]) == ("Renamed", ["read"], "old")
    assert key["expires_at"] == "2099-01-31T08:00:00"
    command.works("keys", "update", key_id, "--label", "team=sales", "--label", "stage=", "--all-bots")
    key = shown(command, key_id)
    assert (key["labels"], key["bot_types"], key["scopes"]) == ({"team": ["sales"]}, None, ["read"])
    gone = ("--label", "team=", "--expires", "never", "--note", "", "--json")
    key = command.works("keys", "update", key_id, *gone).json
    assert (key["labels"], key["expires_at"], key["note"]) == (None, None, None)
    assert "all jobs" in command.works("keys", "show", key_id).out


def test_a_key_is_rotated(command: Command) -> None:
    """The new one is printed; the old one works on during the overlap, and without one no longer."""
    made = create(command, "Rotated")
    ended = command.works("keys", "rotate", made["id"], "--overlap", "1h")
    second = ended.out.strip()
    assert KEY.fullmatch(second) and second != made["key"] and "shown only now" in ended.err
    until = shown(command, made["id"])["previous_until"]
    assert until in ended.err and until in command.works("keys", "show", made["id"]).out
    for key in (made["key"], second):
        command.works("keys", "me", API_KEY=key)
    third = command.works("keys", "rotate", made["id"], "--json").json
    assert third["previous_until"] is None
    assert [command("keys", "me", API_KEY=key).status for key in (made["key"], second, third["key"])] == [5, 5, 0]


def test_a_key_is_revoked_and_its_sessions_end(command: Command, installed: Installation) -> None:
    """On a terminal only after a yes; a second time there is no such key."""
    made = create(command, "Revoked")
    sign_in(installed, made["key"])
    assert len(command.works("sessions", "list", "--json", API_KEY=made["key"]).json) == 1
    status, text = command.on_a_terminal(b"n\n", "keys", "revoke", made["id"])
    assert status == 1 and "Revoked" in text and "Nothing was revoked" in text
    command.works("keys", "me", API_KEY=made["key"])
    assert command.on_a_terminal(b"y\n", "keys", "revoke", made["id"])[0] == 0
    assert command("keys", "me", API_KEY=made["key"]).status == 5
    assert "Revoked" not in command.works("sessions", "list").out
    assert command("keys", "revoke", made["id"]).status == 3
    other = create(command, "Revoked, too")["id"]
    assert command.works("keys", "revoke", other, "--json").json == {"revoked": other, "name": "Revoked, too"}


def test_sessions_are_listed_and_ended(command: Command, installed: Installation) -> None:
    """A key sees its own ones; the cookie is shown nowhere, and refused where an id belongs."""
    made, other = create(command, "Signed in"), create(command, "Signed in, too")
    cookie = sign_in(installed, made["key"]).partition("=")[2]
    sign_in(installed, other["key"])
    (session,) = command.works("sessions", "list", "--json", API_KEY=made["key"]).json
    assert session["key_name"] == "Signed in"
    everybody = command.works("sessions", "list").out
    assert "Signed in, too" in everybody and session["id"] in everybody and cookie not in everybody
    assert command("sessions", "end", session["id"], API_KEY=other["key"]).status == 3
    refused = command("sessions", "end", cookie)
    assert refused.status == 2 and cookie not in refused.err
    assert session["id"] in command.works("sessions", "end", session["id"], API_KEY=made["key"]).out
    assert "no sessions" in command.works("sessions", "list", API_KEY=made["key"]).err
    assert command("sessions", "end", session["id"]).status == 3


def test_sessions_are_ended_together(command: Command, installed: Installation) -> None:
    """Named ones, all of a key, all of one's own; what is not said in one way ends nothing."""
    made = create(command, "Often signed in")

    def signed_in() -> list[str]:
        found = command.works("sessions", "list", "--json", API_KEY=made["key"]).json
        return [session["id"] for session in found]

    for _ in range(3):
        sign_in(installed, made["key"])
    for wrong in ([], ["--all", "--key", made["id"]], ["0" * 32, "--all"], ["--key", made["key"]]):
        assert command("sessions", "end", *wrong).status == 2
    assert "Ended 2 sessions" in command.works("sessions", "end", *signed_in()[:2]).out
    assert command.works("sessions", "end", "--key", made["id"], "--json").json == {"ended": 1}
    sign_in(installed, made["key"])
    assert "Ended 1 session\n" in command.works("sessions", "end", "--all", API_KEY=made["key"]).out
    assert signed_in() == []


def test_a_key_for_pings_is_made_in_one_step(command: Command, installed: Installation) -> None:
    """Its address stands alone on standard output, and works; the line for a script is beside it."""
    job_id = installed.make_job(
        name="Backup elsewhere", bot_type="heartbeat", bot_config={}, schedule_type="interval",
        schedule_config={"hours": 1},
    )  # fmt: skip
    made = command.works("keys", "create", "its crontab", "--ping", "Backup elsewhere")
    address = made.out.strip()
    call = "curl -fsS -m 10 --retry 5 --retry-connrefused -o /dev/null"
    assert KEY.search(address) and f'{call} "$PING/start"' in made.err
    assert KEY.search(made.err) is None
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert json.load(answer) == {
            "job_id": job_id, "run_id": installed.call("GET", f"/jobs/{job_id}/history")[1][0]["id"],
            "status": "success",
        }  # fmt: skip
    assert command("keys", "create", "odd", "--ping", job_id, "--scope", "read").status == 2
    assert "heartbeat job" in command("jobs", "run", job_id).err


def test_a_key_for_badges_is_printed_as_its_addresses(command: Command, installed: Installation) -> None:
    """Those of a picture and of a page, which work; bound to a job by its name."""
    job_id = installed.make_job(name="Shown elsewhere")
    made = command.works("keys", "create", "a badge", "--badge", "Shown elsewhere")
    picture, page = made.out.split()
    assert KEY.search(made.err) is None
    for address, start in ((picture, b"<svg"), (page, b"<!doctype html>")):
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read().startswith(start)
    key_id = KEY.findall(picture)[0]
    assert json.loads(command.works("keys", "show", key_id, "--json").out)["job_id"] == job_id
    assert "/badge/" in command.works("keys", "rotate", key_id).out
    assert "/status/" in command.works("keys", "create", "of all", "--scope", "badge").out
    assert command("keys", "create", "odd", "--ping", job_id, "--badge", job_id).status == 2


def test_keys_are_found_by_words_scope_and_state(command: Command) -> None:
    """As the API finds them; that no key is like that is said."""
    made = create(command, "Needle in the list")
    for flags in (["--search", "needle"], ["--search", "needle", "--scope", "read", "--state", "valid"]):
        assert [key["id"] for key in command.works("keys", "list", "--json", *flags).json] == [made["id"]]
    assert "No key is like that" in command.works("keys", "list", "--search", "needle", "--state", "expired").err
    assert command("keys", "list", "--state", "odd").status != 0


def test_a_whole_key_in_place_of_its_id_is_neither_sent_nor_repeated(command: Command, installed: Installation) -> None:
    """Each command that takes an id refuses it as wrong usage."""
    made = create(command, "Pasted")
    ended = [command("keys", verb, made["key"]) for verb in ("show", "rotate", "revoke")]
    ended.append(command("keys", "update", made["key"], "--note", "x"))
    assert [one.status for one in ended] == [2] * 4
    assert [made["key"] in one.err + one.out for one in ended] == [False] * 4
    assert made["key"] not in installed.log("web")
    assert shown(command, made["id"])["revision"] == 1


@pytest.mark.parametrize(
    ("flags", "status", "told"),
    [
        ((), 2, "--scope"),
        (("--scope", "everything"), 2, "“everything”"),
        (("--set", "owner"), 2, "viewer"),
        (("--set", "viewer", "--label", "team"), 2, "KEY=VALUE"),
        (("--set", "viewer", "--label", "team="), 2, "no value"),
        (("--set", "viewer", "--bot", "nope"), 4, "--bot"),
        (("--set", "viewer", "--expires", "soon"), 2, "90d"),
        (("--set", "viewer", "--expires", "0d"), 2, "90d"),
        (("--set", "viewer", "--expires", "2027-01-31"), 4, "--expires"),
    ],
)
def test_a_wrong_flag_creates_no_key(command: Command, flags: tuple[str, ...], status: int, told: str) -> None:
    """It is named, with what belongs there."""
    ended = command("keys", "create", "Wrong", *flags)
    assert (ended.status, ended.out) == (status, "") and told in ended.err
    assert "Wrong" not in command.works("keys", "list").out


def test_a_wrong_change_changes_nothing(command: Command) -> None:
    """No flags, two that exclude each other, an overlap that is invalid or too long."""
    key_id = create(command, "Unchanged")["id"]

    def ends(*arguments: str) -> int:
        return command("keys", *arguments).status

    assert ends("update", key_id) == 2
    assert ends("update", key_id, "--bot", "probe", "--all-bots") == 2
    assert ends("rotate", key_id, "--overlap", "long") == 2
    assert ends("rotate", key_id, "--overlap", "8d") == 4
    assert shown(command, key_id)["revision"] == 1


def test_a_key_may_do_no_more_than_its_scopes(command: Command) -> None:
    """Exit code 5, with the API's sentence; every key may see itself."""
    viewer = create(command, "Viewer")["key"]
    ended = command("keys", "list", API_KEY=viewer)
    assert ended.status == 5 and "admin" in ended.err
    assert "read" in command.works("keys", "me", API_KEY=viewer).out
    admin = create(command, "Admin of some jobs", "--set", "admin", "--label", "team=crm")["key"]
    assert command("keys", "create", "More", "--set", "viewer", API_KEY=admin).status == 5
    create(Command(command.folder, command.settings | {"API_KEY": admin}), "Less", "--set", "viewer", "--label",
           "team=crm")  # fmt: skip
    assert "root" in command.works("keys", "me").out


def test_the_shell_completes_ids_scopes_and_sets(command: Command, installed: Installation) -> None:
    """Ids of keys and of sessions come from the service."""
    made = create(command, "Completed")
    sign_in(installed, made["key"])
    (session,) = command.works("sessions", "list", "--json", API_KEY=made["key"]).json

    def completed(words: str) -> list[str]:
        shell = {"_BOT_SCHEDULER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        return command(**shell).out.split()

    assert made["id"] in completed(f"bot-scheduler keys revoke {made['id'][:4]}")
    assert session["id"] in completed(f"bot-scheduler sessions end {session['id'][:4]}")
    assert completed("bot-scheduler keys create X --scope wr") == ["write"]
    assert completed("bot-scheduler keys create X --set ope") == ["operator"]


def test_the_docs_name_every_command(command: Command) -> None:
    """As `--help` lists them."""
    told = (ROOT / "docs" / "cli.md").read_text()
    listed = {
        group: re.findall(r"^│ ([a-z]+) ", command.works(group, "--help").out.partition("Commands")[2], re.MULTILINE)
        for group in ("keys", "sessions")
    }
    assert [len(commands) for commands in listed.values()] == [7, 2]
    assert [f"{group} {one}" for group, ones in listed.items() for one in ones if f"{group} {one}" not in told] == []
