"""A real shell on a terminal, with a stand-in for `bot-scheduler` whose completion is ours."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shlex
import shutil
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from service.cli.completion import BREAKS, LINE, answer

STAND_IN = r"""#!/bin/bash
if [[ -v _BOT_SCHEDULER_WORDS ]]; then
    printf '%s\0' "$_BOT_SCHEDULER_WORDS" "$_BOT_SCHEDULER_LINE" "$_BOT_SCHEDULER_BREAKS" "$@" >"$HOME/question.new"
    mv "$HOME/question.new" "$HOME/question"
    exec cat "$HOME/answer"
fi
printf '%s\0' "$@" >"$HOME/args.new"
mv "$HOME/args.new" "$HOME/args"
"""
"""It lets the test answer what is to be completed, and keeps the arguments that it gets."""
MOST_SECONDS = 60
STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set enable-bracketed-paste off'; source completion"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -D; source ./completion"),
    "fish": (["fish", "--no-config", "-i"], "source completion"),
}
"""Shell -> its start, and the line that makes it complete."""


def completion_script(shell: str) -> str:
    """The script that `--show-completion` prints for a shell."""
    from typer._completion_shared import get_completion_script

    import service.cli.app  # noqa: F401 - which puts the scripts in place

    return get_completion_script(prog_name="bot-scheduler", complete_var="_BOT_SCHEDULER_COMPLETE", shell=shell)


class Shell:
    """A shell that a person types to.

    Args:
        kind: bash, zsh or fish; the test is skipped where there is none.
        folder: its home.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        if shutil.which(kind) is None:
            pytest.skip(f"there is no {kind}")
        self.folder = folder
        self.said = bytearray()
        os.mkfifo(folder / "answer")
        command = folder / "bot-scheduler"
        command.write_text(STAND_IN)
        command.chmod(0o755)
        (folder / "completion").write_text(completion_script(kind))
        words, first = STARTS[kind]
        self._leader, terminal = pty.openpty()
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8",
            "PS1": "$ ",
        }  # fmt: skip
        self._process = subprocess.Popen(
            words,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
            cwd=folder,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY),
        )
        os.close(terminal)
        self.enter(f"{first}; bot-scheduler ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._leader)

    def enter(self, line: str, *names: str) -> list[str]:
        """Type a line, with its tabs, and then Enter.

        Args:
            line: the line.
            names: what the command completes.

        Returns:
            The arguments that the command gets.
        """
        args, question = self.folder / "args", self.folder / "question"
        args.unlink(missing_ok=True)
        os.write(self._leader, f"{line}\r".encode())

        end = time.monotonic() + MOST_SECONDS
        while not args.exists():
            assert time.monotonic() < end, f"{line!r}: {self.said.decode(errors='replace')[-2000:]}"
            if select.select([self._leader], [], [], 0.005)[0]:
                self.said.extend(os.read(self._leader, 4096))
            if question.exists():
                asked = question.read_text().split("\0")[:-1]
                question.unlink()
                (self.folder / "answer").write_text(_answer(asked, names))
        return args.read_text().split("\0")[:-1]


def _answer(asked: list[str], names: Sequence[str]) -> str:
    """Answer the script of a shell: its kind, its line, what breaks words, and the words that were typed."""
    shell, line, breaks, *typed = asked
    environment = {LINE: line, BREAKS: breaks}

    def offer() -> None:
        last = shlex.split(environment["_TYPER_COMPLETE_ARGS"])[-1]
        print(*(name for name in names if name.startswith(last.removeprefix("--label="))), sep="\n")

    return answer(shell, environment, typed, offer)
