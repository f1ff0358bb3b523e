"""A run under way whose bot is the test: it writes log lines and ends the run, as a worker does."""

from __future__ import annotations

import json
from collections.abc import Iterable

from service.domain.run_records import Outcome
from service.store.runs.run_hashes import RunStore
from tests.support.installation import Installation
from tests.support.store_rig import Rig


class LiveRun:
    """One run under way, of a job of its own."""

    def __init__(self, web: Installation) -> None:
        rig = Rig.on(web.client)
        self.job_id = web.make_job(bot_type="visitor")
        self.run_id = web.run_now(self.job_id)
        self.token = rig.start(self.run_id, 600_000)
        self.runs: RunStore = rig.runs
        self.path = f"/scheduler/jobs/{self.job_id}/runs/{self.run_id}/log"

    def note(self, number: int, messages: Iterable[int], progress: tuple[int, int] | None = None) -> None:
        """Writes a note with its number, which counts once however often it is written; each message is a line."""
        lines = [json.dumps({"at": "", "level": "info", "message": str(message)}) for message in messages]
        assert self.runs.note(self.run_id, self.token, number, progress=progress, lines=lines)

    def end(self) -> None:
        """Ends the run."""
        assert self.runs.finish(self.run_id, self.token, Outcome("success", None, {}))
