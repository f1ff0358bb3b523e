"""A bot for Bot Scheduler: writes each chore of the day to a file, once a day."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from bot_scheduler import Context


class ChoresConfig(BaseModel):
    """The job's `bot_config`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    chores: list[str] = Field(min_length=1, max_length=100, description="The chores of each day.")
    file: str = Field(description="The file to write them to, one line for each chore.")
    dry_run: bool = Field(default=False, description="Write nothing; show the lines.")


class ChoresBot:
    """Writes the chores of the day."""

    name: ClassVar[str] = "chores"
    description: ClassVar[str] = "Writes each chore of the day to a file, once a day."
    Config: ClassVar[type[BaseModel]] = ChoresConfig
    uses_settings: ClassVar[tuple[str, ...]] = ()
    safe_to_rerun: ClassVar[bool] = True

    def run(self, context: Context) -> dict[str, Any]:
        """Write the chores that the ledger does not have for today."""
        config: ChoresConfig = context.config
        today = context.now.date().isoformat()
        lines = [f"{today} {chore}" for chore in config.chores]
        if config.dry_run:
            return {"dry_run": True, "lines": lines}
        written = 0
        for done, line in enumerate(lines):
            if context.cancelled:
                break
            context.progress(done, len(lines))
            written += self._write_once(context, line)
        return {"written": written}

    def _write_once(self, context: Context, line: str) -> bool:
        """Claim the line, write it, settle the claim. Return whether this run wrote it."""
        state = context.ledger.claim(line)
        if state != "claimed":
            context.log.info("%s: already %s", line, state)
            return False
        try:
            with Path(context.config.file).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError:
            context.ledger.settle(line, "released")  # nothing was written, so the next run may try again
            raise
        context.ledger.settle(line, "written")
        context.log.info("%s: written", line)
        return True
