"""deploy/redis/users.acl is made from the code: the file is up to date, and each script belongs to a process."""

from __future__ import annotations

from importlib import resources

from service.cli.doctor.rights_check import process_of
from service.store.keys import Keys
from service.store.server.needs import PROCESSES, SCRIPTS
from tools import users_acl


def test_the_file_is_up_to_date() -> None:
    """`make users-acl` would change nothing."""
    assert users_acl.FILE.read_text() == users_acl.file(), "run `make users-acl`"


def test_every_script_belongs_to_a_process() -> None:
    """A new one is added to SCRIPTS in service/store/server/needs.py, for each process that runs it."""
    folder = resources.files("service.store") / "lua"
    scripts = {file.name.removesuffix(".lua") for file in folder.iterdir() if file.name.endswith(".lua")}
    assert scripts == {script for of_process in SCRIPTS.values() for script in of_process}


def test_the_name_of_a_user_tells_its_process() -> None:
    """As the file names them; any other user is the one of all processes."""
    keys = Keys("bots")
    assert [process_of(f"bots-{process}", keys) for process in PROCESSES] == list(PROCESSES)
    assert [process_of(name, keys) for name in ("default", "web", "bot-scheduler", "bots-dashboard")] == [None] * 4
