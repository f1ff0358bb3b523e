"""A bot that behaves as a test wants it to; found through the entry point beside this file."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from bot_scheduler import Skip, Window


class ProbeConfig(BaseModel):
    """How it behaves.

    `seconds`: how long a run takes; `trace`: a file that gets a line at each start and end; `tells`: a file whose lines
    it logs as they come, until one is `end`; `says`: what it logs, and gives as its result or its error.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds: float = 0.0
    mode: Literal["plain", "raise", "heed", "swallow", "die", "talk", "skip"] = "plain"
    trace: str | None = None
    tells: str | None = None
    says: str | None = None


class ProbeBot:
    """Sleeps, fails, heeds, ignores, or dies."""

    name: ClassVar[str] = "probe"
    description: ClassVar[str] = "Behaves as a test wants it to."
    Config: ClassVar[type[BaseModel]] = ProbeConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = True

    def run(self, context: Any) -> dict[str, Any]:
        config = context.config
        self._trace(context, "start")
        if config.says:
            context.log.info("%s", config.says)
            context.progress(1, 2)
        if config.mode == "raise":
            raise ValueError(config.says or "the probe was told to fail")
        if config.mode == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if config.mode == "talk":
            for number in range(3):
                context.log.info("line %d", number)
                context.progress(number + 1, 3)
        if config.tells:
            self._tell(context, Path(config.tells))
        end = time.monotonic() + config.seconds
        while time.monotonic() < end:
            if config.mode == "heed" and context.cancelled:
                return {"heeded": True}
            try:
                time.sleep(min(0.05, max(0.0, end - time.monotonic())))
            except BaseException:
                if config.mode != "swallow":
                    raise
        self._trace(context, "end")
        if config.mode == "skip":
            raise Skip(self._window(context.run.window))
        return {"said": config.says} if config.says else {"messages_sent": 1}

    def _window(self, window: Window) -> str:
        """Say which window the run has, in epoch seconds, for the audit to look at."""
        start = "unknown" if not window.is_known else "none" if window.start is None else int(window.start.timestamp())
        return f"window {start} {int(window.end.timestamp())}"

    def _tell(self, context: Any, told: Path) -> None:
        said = 0
        while not context.cancelled:
            for line in told.read_text().split("\n")[said:-1]:
                if line == "end":
                    return
                said += 1
                context.log.info("%s", line)
                context.progress(said, 10)
            time.sleep(0.05)

    def _trace(self, context: Any, what: str) -> None:
        if context.config.trace:
            run_id = context.log.name.rpartition(".")[2]
            with Path(context.config.trace).open("a") as file:
                file.write(f"{what} {os.getpid()} {time.monotonic():.3f} {run_id}\n")
