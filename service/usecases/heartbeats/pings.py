"""Use case of pings: others report what their own jobs do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from service.clock import Clock
from service.domain.access.callers import caller
from service.domain.heartbeats.pings import Word, parse_ping
from service.errors import Conflict, NotFound
from service.secrecy.redaction import redacted
from service.store.runs.pings import PingStore
from service.store.scripts import Scripts
from service.usecases.access.sight import sees


@dataclass(frozen=True, slots=True)
class TooMany(Exception):
    """A job has more pings than it may have in a minute. `seconds`: how long to wait."""

    seconds: int


class Pings:
    """The pings of heartbeat jobs. The key that brings one is bound to its job.

    Args:
        scripts: the scripts of this installation.
        clock: Redis' clock.
    """

    def __init__(self, scripts: Scripts, clock: Clock) -> None:
        self._scripts = scripts
        self._store = PingStore(scripts)
        self._clock = clock

    def note(self, word: Word, run_id: str | None, body: bytes) -> dict[str, Any]:
        """Note a ping of the job to which the caller's key is bound.

        Args:
            word: what it says.
            run_id: the id that its sender gives the run; None for none.
            body: a text for the run's log.

        Returns:
            `{"job_id", "run_id", "status"}` of the run that it began, ended or added to.

        Raises:
            ValidationFailed: the id is malformed, or there is no text for a log.
            NotFound: the key is bound to no job, or that is gone, or out of the key's limits.
            Conflict: a run with this id has ended already, so it cannot begin; or the job has no run to add a log to.
            TooMany: the job has too many pings.
            StoreUnavailable: Redis is away; the ping is not noted, or may be sent again with its id.
        """
        job_id, ping = caller().job_id, parse_ping(word, run_id, body)
        if job_id is None:
            raise NotFound("The key in this address is bound to no job; make one with a job_id")
        if not sees(self._scripts, job_id):
            raise _gone()
        found = self._store.note(job_id, replace(ping, text=redacted(ping.text)), self._clock.now_ms())
        match found.word:
            case "noted":
                return {"job_id": job_id, "run_id": found.run_id, "status": found.status}
            case "wait":
                raise TooMany(found.seconds)
            case "used":
                raise Conflict(f"Run {found.run_id} had this rid, and has ended; send another rid with each run")
            case "none":
                raise Conflict("The job has no run to which this log belongs; send a ping to /start before")
        raise _gone()


def _gone() -> NotFound:
    return NotFound("The job of this address is gone")
