"""README's commands and those of the pages that continue it, in their order, as a newcomer types them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.support.processes import find_free_port, until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="the README's commands are typed one after the other"),
]

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/api.md", "docs/messages.md")
"""A newcomer's way: the first five minutes, everyday requests, a first message."""
LEFT_OUT = {".git", ".venv", "var", ".env", "tests", "__pycache__", ".hypothesis", ".mypy_cache", ".ruff_cache"}
NOT_HERE = ("heroku ", "make test")
"""Of the commands, those that need the world outside, or would run this test again."""


class Newcomer:
    """Somebody with some terminals in a fresh copy of the repository.

    Args:
        folder: the copy.
        logs: where what runs in the foreground prints to.
    """

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._port, self._mail_port = str(find_free_port()), str(find_free_port())
        settings = {name.upper() for name in Settings.model_fields}
        self._environment = {name: value for name, value in os.environ.items() if name not in settings}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the copy has no .venv
        self._environment |= {"HOME": str(logs), "PORT": self._port, "PATH": path}
        self._terminals: dict[str, subprocess.Popen[bytes]] = {}

    def type(self, block: str) -> str:
        """Types a block that ends by itself. What it exports stays. Returns what it prints."""
        script = 'set -eu -o pipefail\ncurl() { command curl --fail-with-body -sS "$@"; }\n' + self._here(block)
        names = re.findall(r" (\w+)=\$\(", block) if block.startswith("export ") else []
        script += "".join(f'\nprintf "%s\\n" "${name}"' for name in names)
        done = subprocess.run(
            ["bash", "-c", script], cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}{self.log('up')}"
        self._environment |= zip(names, done.stdout.splitlines(), strict=False)
        return done.stdout

    def up(self) -> None:
        """`make up`, without what it installs first, until it says that it is up."""
        self.leave("up", ".venv/bin/python -m service.local.up")
        running = self._terminals["up"]
        until(lambda: "Bot Scheduler is up" in self.log("up") or running.poll() is not None, 60, lambda: self.log("up"))
        assert running.poll() is None, self.log("up")

    def leave(self, terminal: str, block: str) -> None:
        """Types a block that stays in the foreground of a terminal of its own."""
        with (self._logs / f"{terminal}.log").open("wb") as log:
            self._terminals[terminal] = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(block)}"], cwd=self._folder,
                env={**self._environment, "PYTHONUNBUFFERED": "1"}, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def interrupt(self, terminal: str) -> int:
        """Ctrl-C. Returns the status with which it ends."""
        process = self._terminals.pop(terminal)
        os.killpg(process.pid, signal.SIGINT)
        return process.wait(28)

    def log(self, terminal: str) -> str:
        """What a terminal shows."""
        log = self._logs / f"{terminal}.log"
        return log.read_text() if log.exists() else ""

    def leave_everything(self) -> None:
        """Ends what still runs."""
        for terminal in list(self._terminals):
            if self._terminals[terminal].poll() is None:
                self.interrupt(terminal)

    def _here(self, block: str) -> str:
        text = block.replace("8000", self._port).replace("2525", self._mail_port)
        return text.replace(".venv/bin/python -m", f"{sys.executable} -m")


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    """A newcomer who has just got the repository."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=lambda _, names: LEFT_OUT & set(names))
    somebody = Newcomer(copy, tmp_path)
    yield somebody
    somebody.leave_everything()


def told() -> Iterator[tuple[str, Any]]:
    """The pages' shell blocks, each with the JSON that is shown after it, or None."""
    text = "\n".join((ROOT / page).read_text() for page in PAGES)
    found = re.findall(r"^```(sh|json)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for (kind, block), (next_kind, following) in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "sh" and not any(word in block for word in NOT_HERE):
            yield block.strip(), json.loads(following) if next_kind == "json" else None


@pytest.mark.skipif(shutil.which("curl") is None, reason="README's commands call curl")
def test_every_command_of_the_readme_works_as_it_says(newcomer: Newcomer) -> None:
    """From the start to a greeting that is sent once: each command succeeds, and answers what is printed below it. Key,
    contacts and job are still there after Ctrl-C and another start."""
    answers: list[tuple[str, Any]] = []
    for block, shown in told():
        *commands, last = block.splitlines()
        if last == "make up":
            if commands:
                assert newcomer.interrupt("up") == 0
                newcomer.type("\n".join(commands))
            newcomer.up()
        elif "aiosmtpd" in block:
            newcomer.leave("mail", block)
        else:
            printed = newcomer.type(block)
            answers.append((block, json.loads(printed) if printed.startswith(("{", "[")) else None))
            if shown is not None:
                assert shown == answers[-1][1] or shown in answers[-1][1]["result"]["messages"], printed

    last_block, sent = answers[-1]
    assert (sent["status"], sent["messages_sent"]) == ("success", 1), f"{sent}\n{newcomer.log('mail')}"
    again = json.loads(newcomer.type(last_block))
    assert (again["messages_sent"], again["result"]["already"]) == (0, 1)
    assert newcomer.log("mail").count("To: robin@example.org") == 1
    rehearsal = next(answer for block, answer in answers if '"dry_run": true' in block)
    assert (rehearsal["result"]["found"], rehearsal["result"]["would_send"]) == (4, 3)
    assert newcomer.interrupt("up") == 0


def test_no_text_sends_the_key_to_a_name() -> None:
    """`make up` listens on 127.0.0.1 alone; at `localhost`, which is ::1 first, another user could take the key."""
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.*")]
    texts += [*(ROOT / "service").rglob("*.py"), *(ROOT / "service").rglob("*.html"), ROOT / ".env.example"]
    assert not [
        path for path in texts if path.is_file() and re.search(r"//localhost\b", path.read_text(errors="replace"))
    ]
