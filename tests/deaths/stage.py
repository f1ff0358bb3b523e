"""Stage: an installation with two web processes, whose alerts and heartbeats are heard."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.deaths.ears import Ears
from tests.support.installation import Installation
from tests.support.processes import descendants, until
from tests.support.servers.valkey import ValkeyServer


class Stage(Installation):
    """An installation on which something dies.

    Args:
        folder: for logs.
        server: its Redis.
        ears: hear its alerts and its heartbeats.
        settings: more of the environment.
    """

    def __init__(self, folder: Path, server: ValkeyServer, ears: Ears, **settings: str) -> None:
        self.ears = ears
        self.stuck_when = folder / "stuck"
        self.died = 0.0
        given = {
            "ALERT_URL": f"{ears.http_url} {ears.mail_url}", "HEARTBEAT_URL": ears.beat_url, "WEB_CONCURRENCY": "2",
            "STUCK_WHEN": str(self.stuck_when), **settings,
        }  # fmt: skip
        super().__init__(folder, server, **given)

    def command(self, kind: str) -> list[str]:
        """A `stuck` one is a scheduler that may get stuck."""
        return [sys.executable, "-m", "tests.deaths.stuck_scheduler"] if kind == "stuck" else super().command(kind)

    def tree(self, name: str) -> list[int]:
        """All processes of one name, the outermost first."""
        root = self.processes[name].pid
        return [root, *descendants(root)]

    def signal_tree(self, name: str, signum: int) -> None:
        """Sends a signal to all of them, as if their machine died, froze or woke."""
        for pid in self.tree(name):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def kill_tree(self, *names: str) -> None:
        """SIGKILL to all processes of these names; waits for them."""
        for name in names:
            self.signal_tree(name, signal.SIGKILL)
            self.processes.pop(name).wait(30)

    def holder(self, task: str) -> int:
        """The process that holds the lease of a task; 0 if none does."""
        found: Any = self.client.get(self.keys.lease(task))
        return int(found.decode().rsplit("-", 2)[1]) if found else 0

    def watched_for(self, seconds: float) -> None:
        """Waits until the watch looks, and was in touch for a while, so that no wait is cut by its begin."""
        until(lambda: self.holder("watch") > 0, 30, lambda: self.log("web"))
        end = time.monotonic() + seconds
        until(lambda: time.monotonic() > end, seconds + 5)

    def dies(self) -> None:
        """From now on it is counted."""
        self.died = time.monotonic()

    def heard(self, by: str, text: str, within: float) -> float:
        """Waits until an ear has heard something since the death. Returns after how many seconds."""
        until(lambda: bool(self.ears.found(by, text, self.died)), within, self._explain)
        return round(self.ears.found(by, text, self.died)[0].at - self.died, 1)

    def _explain(self) -> str:
        return f"{self.ears.heard}\n" + "".join(self.log(name) for name in self.processes)
