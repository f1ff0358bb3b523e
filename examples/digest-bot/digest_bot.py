"""A bot for Bot Scheduler: gathers what was written to a log since the occurrence before.

Each occurrence has a window of time, and the windows follow on each other. So a line of the log is in one digest,
however late a run is, and a retry makes the same digest again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from bot_scheduler import Context, RunFailed, Skip


class DigestConfig(BaseModel):
    """The job's `bot_config`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    log: str = Field(description="The log: lines such as 2025-04-12T07:30:00+00:00 the door opened.")
    folder: str = Field(description="The folder for the digests, one file for each.")
    dry_run: bool = Field(default=False, description="Write nothing; show the digest.")


class DigestBot:
    """Writes a digest of the log's new lines."""

    name: ClassVar[str] = "digest"
    description: ClassVar[str] = "Gathers what was written to a log since the occurrence before."
    Config: ClassVar[type[BaseModel]] = DigestConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = True

    def run(self, context: Context) -> dict[str, Any]:
        """Write the digest of this run's window.

        Raises:
            Skip: nothing was written to the log in it.
            RunFailed: it is not known any more where the window begins.
        """
        config: DigestConfig = context.config
        window = context.run.window
        if not window.is_known:
            raise RunFailed("the history no longer tells what the digest before had", final=True)
        lines = [text for at, text in _entries(Path(config.log)) if at in window]
        if not lines:
            raise Skip("nothing new")
        if config.dry_run:
            return {"dry_run": True, "lines": lines}
        name = f"{window.end.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.txt"
        _write_whole(Path(config.folder) / name, lines)
        context.log.info("%s: %d lines", name, len(lines))
        return {"file": name, "lines": len(lines)}


def _entries(log: Path) -> Iterator[tuple[datetime, str]]:
    """Yield the log's lines with their times; those that name no instant are left out."""
    for line in log.read_text(encoding="utf-8").splitlines():
        time, _, text = line.partition(" ")
        try:
            at = datetime.fromisoformat(time)
        except ValueError:
            continue
        if at.tzinfo is not None:
            yield at, text


def _write_whole(file: Path, lines: list[str]) -> None:
    """Write a file in one step, so that nobody finds half of it."""
    draft = file.with_suffix(".draft")
    draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.replace(draft, file)
