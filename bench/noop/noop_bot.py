"""The bots of the measurements: one does nothing, and where asked, says when it began to; one only logs."""

from __future__ import annotations

import os
import time
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class NoopConfig(BaseModel):
    """With `due`, epoch seconds, a run appends it and its own time to the file that BENCH_TRACE names."""

    model_config = ConfigDict(extra="forbid", strict=True)

    due: float | None = None


class NoopBot:
    """Does nothing."""

    name: ClassVar[str] = "noop"
    description: ClassVar[str] = "Does nothing."
    Config: ClassVar[type[BaseModel]] = NoopConfig
    safe_to_rerun: ClassVar[bool] = True

    def run(self, context: Any) -> dict[str, Any]:
        """The same as every peer's `work.noop`."""
        now = time.time()
        if context.config.due is not None:
            trace = os.open(os.environ["BENCH_TRACE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(trace, f"{context.config.due} {now}\n".encode())
            os.close(trace)
        return {}


class LoggingConfig(BaseModel):
    """Seconds between two lines, and how long a run goes on."""

    model_config = ConfigDict(extra="forbid")

    pause: float = 0.05
    seconds: float = 60.0


class LoggingBot:
    """Logs lines that tell when they were written."""

    name: ClassVar[str] = "logging"
    description: ClassVar[str] = "Logs lines."
    Config: ClassVar[type[BaseModel]] = LoggingConfig

    def run(self, context: Any) -> dict[str, Any]:
        """Lines at a steady pace."""
        begun, number = time.monotonic(), 0
        while time.monotonic() < begun + context.config.seconds:
            context.log.info("line at %.6f", time.time())
            number += 1
            time.sleep(max(0.0, begun + number * context.config.pause - time.monotonic()))
        return {"lines": number}
