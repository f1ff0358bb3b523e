"""The command as people and scripts start it: a process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from service.settings import Settings
from tests.support.installation import API_KEY, ROOT
from tests.support.prefork import Process, fork, too_late

COMMAND = str(ROOT / "bot-scheduler")
ITS_PYTHON = ["-P", "-m", "service.cli"]
"""How that starts Python."""
OURS = {name.upper() for name in Settings.model_fields} | {"BOT_SCHEDULER_URL"}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which is JSON and nothing else."""
        return json.loads(self.out)


@dataclass
class Command:
    """`bot-scheduler`, with an environment.

    Args:
        folder: where it is started, somewhere else than in the checkout.
        settings: of the environment; no other settings are in it.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """Its environment."""
        return {name: value for name, value in os.environ.items() if name not in OURS} | self.settings | more

    def __call__(self, *arguments: str, given: str | bytes | None = None, **more: str) -> Ended:
        """Runs it to its end, without a terminal.

        Args:
            given: its standard input.
            more: of the environment.
        """
        environment = self.environment(**more)
        with TemporaryFile() as typed, TemporaryFile() as out, TemporaryFile() as err:
            typed.write(given.encode() if isinstance(given, str) else given or b"")
            typed.seek(0)
            if too_late(environment):
                process: Process = subprocess.Popen(
                    [COMMAND, *arguments], cwd=self.folder, env=environment, stdin=typed, stdout=out, stderr=err
                )
            else:
                process = fork([*ITS_PYTHON, *arguments], self.folder, environment, (typed, out, err))
            try:
                status = process.wait(60)
            finally:
                process.kill()
            out.seek(0)
            err.seek(0)
            return Ended(status, out.read().decode(), err.read().decode())

    def starts(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Starts it and lets it run."""
        return subprocess.Popen(
            [COMMAND, *arguments], cwd=self.folder, env=self.environment(**more), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def on_a_terminal(self, answer: bytes, *arguments: str, **more: str) -> tuple[int, str]:
        """Runs it on a terminal where somebody answers its question. Returns its status and what the terminal showed.

        Args:
            answer: what they type; empty if it asks nothing.
            more: of the environment.
        """
        leader, terminal = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, *arguments], cwd=self.folder, env=self.environment(TERM="xterm", COLUMNS="100", **more),
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        shown = b""
        try:
            while piece := os.read(leader, 4096):
                shown += piece
                if b"[y/N]" in shown and answer:
                    os.write(leader, answer)
                    answer = b""
        except OSError:  # how Linux says that the other end has closed
            pass
        os.close(leader)
        return process.wait(30), shown.decode()

    def works(self, *arguments: str, given: str | bytes | None = None, **more: str) -> Ended:
        """Runs it, and it must succeed."""
        ended = self(*arguments, given=given, **more)
        assert ended.status == 0, f"{arguments}: {ended}"
        return ended


def command_of(folder: Path, port: int, **more: str) -> Command:
    """The command for the API at this port, with the right key."""
    return Command(folder, {"BOT_SCHEDULER_URL": f"http://127.0.0.1:{port}", "API_KEY": API_KEY, **more})
