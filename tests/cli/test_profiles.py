"""`login`, `logout`, `profiles` and `--profile`: which service is asked, and with which key."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.canned import CannedService
from tests.support.cli_in_process import command_line
from tests.support.command import Ended

WORK, HOME = "https://work.example.org", "http://127.0.0.1:8123"


class Person:
    """Somebody with a home folder. `BOT_SCHEDULER_URL` and `API_KEY` are unset unless a call names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service = CannedService()

    def __call__(self, *arguments: str, given: str = "", **environment: str) -> Ended:
        unset = {"BOT_SCHEDULER_URL": "", "API_KEY": "", "XDG_CONFIG_HOME": "", "DATA_DIR": str(self.folder / "data")}
        self.service = CannedService(self.service.refused)
        variables: Any = {"HOME": str(self.folder), **unset, **environment}
        return command_line(self.service, *arguments, given=given, **variables)

    def asked(self, *arguments: str, **environment: str) -> tuple[str, str]:
        """Whom a command asks, and with which key."""
        assert self("keys", "me", *arguments, **environment).status == 0
        request = self.service.asked[0]
        return str(request.url).removesuffix("/scheduler/keys/me"), request.headers.get("X-API-Key", "")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def kept(person: Person) -> Any:
    return json.loads((person.folder / ".config" / "bot-scheduler" / "profiles.json").read_text())


def test_who_has_signed_in_needs_nothing_more(person: Person) -> None:
    """The key is checked, kept for its owner alone, and never printed."""
    ended = person("login", WORK + "/scheduler/", given="bsk_work_1\n")
    assert ended.status == 0 and "bsk_work" not in ended.out + ended.err
    file = person.folder / ".config" / "bot-scheduler" / "profiles.json"
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert person.asked() == (WORK, "bsk_work_1")
    assert kept(person)["current"] == "work.example.org"


def test_the_address_is_checked_before_the_key_is_asked_for(person: Person) -> None:
    """By a request without a key. Where no Bot Scheduler answers, nobody has to look for the key."""
    person.service.refused = {("GET", "/scheduler/health"): (404, [])}
    ended = person("login", WORK, given="bsk_work_1\n")
    assert ended.status == 3 and [one.url.path for one in person.service.asked] == ["/scheduler/health"]
    assert "X-API-Key" not in person.service.asked[0].headers


def test_a_key_that_is_refused_is_not_kept(person: Person) -> None:
    """Nor is an empty one, nor one for an invalid address."""
    person.service.refused = {("GET", "/scheduler/keys/me"): (401, [])}
    assert person("login", WORK, given="wrong\n").status == 5
    person.service.refused = {}
    assert person("login", WORK, given="\n").status == person("login", "nowhere", given="k\n").status == 2
    assert not (person.folder / ".config").exists()


def test_one_profile_is_the_current_one_and_another_can_be_named(person: Person) -> None:
    """By `--profile`, by the environment, or for good; an unknown one is refused and nobody is asked."""
    person("login", WORK, "--profile", "work", given="bsk_work_1\n")
    person("login", HOME, "--profile", "home", given="bsk_home_1\n")
    assert person.asked() == (HOME, "bsk_home_1")
    assert person.asked(BOT_SCHEDULER_PROFILE="work") == (WORK, "bsk_work_1")
    assert person("--profile", "work", "keys", "me").status == 0
    assert str(person.service.asked[0].url).startswith(WORK)
    assert person("profiles", "use", "work").status == 0 and person.asked() == (WORK, "bsk_work_1")
    unknown = person("--profile", "play", "keys", "me")
    assert (
        (unknown.status, person.service.asked) == (2, [])
        and "“play”" in unknown.err
        and "only “work”, “home”." in unknown.err
    )
    assert person("profiles", "list", "-q").out == "work\nhome\n"


def test_the_environments_key_is_never_sent_to_a_profiles_service(person: Person) -> None:
    """Nor a profile's key to the environment's: an address has the key that was given for it."""
    person("login", WORK, "--profile", "work", given="bsk_work_1\n")
    assert person.asked(API_KEY="another") == (WORK, "bsk_work_1")
    assert person.asked(BOT_SCHEDULER_URL=HOME, API_KEY="another") == (HOME, "another")
    elsewhere = "https://elsewhere.example.org"
    assert person.asked(BOT_SCHEDULER_URL=elsewhere) == (elsewhere, "")
    assert person.asked(BOT_SCHEDULER_URL=HOME, API_KEY="another", BOT_SCHEDULER_PROFILE="work") == (WORK, "bsk_work_1")


def test_a_forgotten_profile_is_gone(person: Person) -> None:
    """With its key; the service of this machine is used again."""
    person("login", WORK, "--profile", "work", given="bsk_work_1\n")
    assert person("logout").status == 0 and "bsk_work_1" not in json.dumps(kept(person))
    assert person("profiles", "list", "--json").out == "[]\n"
    assert person("logout").status == 2


def test_this_machines_service_is_found_where_it_is(person: Person) -> None:
    """By the note of a running `up`, on any port, with its own key, unless another profile is the current one."""
    data = person.folder / "data"
    data.mkdir()
    (data / "url").write_text("http://127.0.0.1:8765")
    (data / "api_key").write_text("own\n")
    assert person.asked() == ("http://127.0.0.1:8765", "own")
    assert person.asked(PORT="8766") == ("http://127.0.0.1:8766", "own")
    person("login", WORK, "--profile", "work", given="bsk_work_1\n")
    assert person.asked() == (WORK, "bsk_work_1")
    assert person.asked(BOT_SCHEDULER_PROFILE="here") == ("http://127.0.0.1:8765", "own")
    assert person("profiles", "use", "here").status == 0 and person.asked() == ("http://127.0.0.1:8765", "own")


def test_a_damaged_file_is_named(person: Person) -> None:
    """With what to do; who names another service does not need it."""
    file = person.folder / ".config" / "bot-scheduler" / "profiles.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    damaged = person("keys", "me")
    assert damaged.status == 2 and "is damaged" in damaged.err and "bot-scheduler login" in damaged.err
    assert person.asked(BOT_SCHEDULER_URL=HOME, API_KEY="k") == (HOME, "k")


def test_a_file_that_others_can_read_is_told_of(person: Person) -> None:
    """With the command that mends it. The command goes on."""
    assert person("login", WORK, given="bsk_work_1\n").status == 0
    file = person.folder / ".config" / "bot-scheduler" / "profiles.json"
    file.chmod(0o644)
    ended = person("keys", "me")
    assert ended.status == 0 and "chmod 600 ~/.config/bot-scheduler/profiles.json" in ended.err
    file.chmod(0o600)
    assert "chmod" not in person("keys", "me").err
