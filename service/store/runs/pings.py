"""Pings of heartbeat jobs in Redis: they make runs that no worker carries out."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Literal

from service.domain.heartbeats.pings import Ping
from service.domain.timestamps import format_timestamp
from service.store.runs.run_hashes import LOG_BYTES
from service.store.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of a ping.

    Args:
        word: `noted`; or why nothing was: `gone` (no such job), `other` (no heartbeat job), `wait` (too many pings),
            `used` (a run with that id has ended, and cannot begin), `none` (there is no run to add a log to).
        run_id: the run that it made, or changed; or of which it was said before.
        status: that run's.
        seconds: how long to wait, of too many pings.
    """

    word: Literal["noted", "gone", "other", "wait", "used", "none"]
    run_id: str = ""
    status: str = ""
    seconds: int = 0


class PingStore:
    """The pings of heartbeat jobs.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def note(self, job_id: str, ping: Ping, now_ms: int) -> Noted:
        """Note a ping of a job.

        Args:
            job_id: the job.
            ping: without secrets.
            now_ms: the time, for its line of the log.

        Raises:
            StoreUnavailable: Redis is away, or takes no writes. Then nothing is noted, unless only the answer was lost.
        """
        level = "error" if ping.word == "fail" else "info"
        line = {"at": format_timestamp(now_ms // 1000), "level": level, "message": ping.text}
        lines = [json.dumps(line)] if ping.text else []
        answer = self._scripts.run(
            "note_ping", job_id, str(uuid.uuid4()), ping.word, ping.run_id, ping.error, LOG_BYTES // 2, *lines
        )
        word = answer[0].decode()
        if word == "wait":
            return Noted("wait", seconds=int(answer[1]))
        texts = [part.decode() for part in answer[1:]]
        return Noted(word, *texts)
