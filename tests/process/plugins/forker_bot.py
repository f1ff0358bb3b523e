"""A bot that makes processes: copies of its own that return, and programs that go on by themselves."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open(sys.argv[1], "a") as told:
    told.write(f"{os.getpid()}\\n")
time.sleep(600)
"""


class ForkerConfig(BaseModel):
    """`how` it forks; `pids`: a file for the numbers of what it has made; `then`: what it does after that."""

    model_config = ConfigDict(extra="forbid", strict=True)

    how: Literal["return", "raise", "exit", "thread", "pool", "linger", "daemon", "group", "none"]
    pids: str
    then: Literal["return", "raise", "sleep", "heed", "die"] = "return"


class ForkerBot:
    """Forks."""

    name: ClassVar[str] = "forker"
    description: ClassVar[str] = "Makes processes as a test wants it to."
    Config: ClassVar[type[BaseModel]] = ForkerConfig

    def run(self, context: Any) -> dict[str, Any]:
        config = context.config
        getattr(self, f"_{config.how}")(config.pids, context)
        if config.then == "raise":
            raise ValueError("the forker was told to fail")
        if config.then == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        end = time.monotonic() + (600 if config.then in ("sleep", "heed") else 0)
        while time.monotonic() < end and not (config.then == "heed" and context.cancelled):
            time.sleep(0.05)
        return {"process": os.getpid()}

    def _none(self, pids: str, context: Any) -> None:
        """Makes none."""

    def _return(self, pids: str, context: Any) -> None:
        """Both go on and return."""
        if os.fork() == 0:
            _tell(pids)
            context.log.info("the copy says so")

    def _raise(self, pids: str, context: Any) -> None:
        """The copy raises."""
        if os.fork() == 0:
            _tell(pids)
            raise ValueError("the copy fails")

    def _exit(self, pids: str, context: Any) -> None:
        """The copy exits as a program does."""
        if os.fork() == 0:
            _tell(pids)
            sys.exit(3)

    def _thread(self, pids: str, context: Any) -> None:
        """A thread forks, and its function returns in both."""

        def fork() -> None:
            if os.fork() == 0:
                _tell(pids)

        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()

    def _pool(self, pids: str, context: Any) -> None:
        """A pool of processes that is left to itself."""
        self._kept = multiprocessing.get_context("fork").Pool(2)
        self._kept.map(_tell, [pids, pids])

    def _linger(self, pids: str, context: Any) -> None:
        """A copy that stays, in a session of its own, with all that was open."""
        if os.fork() == 0:
            os.setsid()
            _tell(pids)
            while True:
                time.sleep(60)
        while not Path(pids).exists() or not Path(pids).read_text():
            time.sleep(0.01)

    def _daemon(self, pids: str, context: Any) -> None:
        """A program that makes itself a daemon: forks twice, with a session of its own."""
        subprocess.run([sys.executable, "-c", DAEMON, pids], check=True)
        while not Path(pids).exists() or not Path(pids).read_text():
            time.sleep(0.01)

    def _group(self, pids: str, context: Any) -> None:
        """A child in a group of its own, and a child of that."""
        script = f"echo $$ >> {pids}; sleep 600 & echo $! >> {pids}; wait"
        subprocess.Popen(["sh", "-c", script], start_new_session=True)
        while not Path(pids).exists() or len(Path(pids).read_text().split()) < 2:
            time.sleep(0.01)


def _tell(pids: str) -> None:
    with open(pids, "a") as told:
        told.write(f"{os.getpid()}\n")
