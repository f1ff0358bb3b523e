"""A scheduler whose loop gets stuck in the import of a bot, as soon as the file that `STUCK_WHEN` names exists."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

from service.scheduler.batch import DueJobs
from service.scheduler.main import main

if __name__ == "__main__":
    decide = DueJobs.decide

    def decide_or_hang(self: DueJobs) -> Any:
        """Decide as usual, unless the import hangs."""
        if Path(os.environ["STUCK_WHEN"]).exists():
            importlib.import_module("tests.deaths.bot_that_hangs")
        return decide(self)

    DueJobs.decide = decide_or_hang  # type: ignore[method-assign]
    main()
