"""Use cases of runs by hand: ask for one, now or later, do one again, and start or move one that awaits an instant."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from service import logs
from service.domain.ids import is_id
from service.domain.job_fields import validate_bot_config
from service.domain.job_requests import parse_move, parse_run_request
from service.domain.run_records import LATEST_DAYS, MOST_LATER
from service.domain.runs.failed_runs import Attempt
from service.errors import Conflict, ServiceError, ValidationFailed
from service.store.idempotency import Recalled
from service.store.jobs.job_hashes import JobStore
from service.store.runs.repeats import Pairs, Repeats, pairs_in
from service.store.runs.run_hashes import RunStore
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs
from service.tracing.trace_context import read
from service.usecases.access.side_doors import require_bound_run, require_overlay
from service.usecases.access.sight import sees
from service.usecases.ids import no_job, no_run, once, same_body, stored

MOST_REPEATED = 100
"""The most failed runs of one job that are done again together."""
_ENDED = ("success", "failed", "cancelled")


class RunsByHand:
    """The use cases of runs by hand; a part of `service.usecases.runs.Runs`.

    Args:
        scripts: the installation's, see `service.store.rq_records.make_scripts`.
        configs: each bot's `Config`, by `bot_type`.
    """

    traced = False
    """Whether runs are traced, and so continue the trace of the request for them."""

    def __init__(self, scripts: Scripts, configs: Mapping[str, type[BaseModel]]) -> None:
        self._scripts = scripts
        self._jobs = JobStore(scripts)
        self._runs = RunStore(scripts)
        self._configs = configs
        self._repeats = Repeats(scripts)

    def run_now(
        self, job_id: str, body: object | None = None, key: str | None = None, traceparent: str | None = None
    ) -> str:
        """Ask for a run outside of the schedule. The run keeps the id of the request that asked for it.

        Args:
            job_id: the job's id.
            body: None, or an object with `bot_config`, to lay over the job's own for this run, and `at`, a time before
                which it does not start.
            key: the request's Idempotency-Key. For a day, the same key and body return the same run.
            traceparent: the request's, which the run continues if runs are traced; ignored if it is invalid.

        Returns:
            The run's id.

        Raises:
            NotFound: there is no such job.
            Forbidden: the overlay is more than a rehearsal, and the caller may not change jobs, or is limited and the
                run would use a secret that may go anywhere.
            ValidationFailed: the overlay would make an invalid `bot_config`, or `at` is over or too far ahead.
            Conflict: too many runs of the job wait or await their time, or the key was used with another body.
        """
        asked = parse_run_request(body)
        bound = self._checked(job_id, asked.overlay)
        idempotency = once(f"run {job_id}", key, body)
        run_id = str(uuid.uuid4())
        answer = self._runs.request(
            job_id, run_id, asked.overlay, idempotency, logs.request_id(), bound=bound, not_before=asked.at,
            traceparent=self._continued(traceparent),
        )  # fmt: skip
        return self._accepted(answer, job_id, run_id)

    def _continued(self, traceparent: str | None) -> str | None:
        found = read(traceparent) if self.traced else None
        return None if found is None else found.header

    def again(self, job_id: str, run_id: str, key: str | None = None, traceparent: str | None = None) -> str:
        """Ask for a run that does an ended one again: with its overlay, for its occurrence.

        Args:
            job_id: the job's id.
            run_id: the ended run's.
            key: the request's Idempotency-Key.
            traceparent: as in `run_now`.

        Returns:
            The new run's id.

        Raises:
            NotFound: there is no such run.
            Forbidden: as `run_now`, about the run's overlay.
            ValidationFailed: the run's overlay no longer makes a valid `bot_config`.
            Conflict: the run has not ended, or was skipped; or as `run_now`.
        """
        run = self._run_of(job_id, run_id)
        if run["status"] not in _ENDED:
            raise _not_ended(run_id, run["status"])
        overlay = _overlay_in(run.get("overlay"))
        bound = self._checked(job_id, overlay) or run.get("bound") == "1"
        new_id = str(uuid.uuid4())
        answer = self._runs.request(
            job_id, new_id, overlay, once(f"again {job_id} {run_id}", key, None), logs.request_id(), bound=bound,
            again_of=run_id, traceparent=self._continued(traceparent),
        )  # fmt: skip
        if answer == "no_run":
            raise no_run(job_id, run_id)
        return self._accepted(answer, job_id, new_id)

    def failed_since(self, job_id: str, since: int) -> list[tuple[Attempt, bool]]:
        """Find the failed runs of a job that nothing has made up for, the oldest first.

        Args:
            job_id: the job's id.
            since: only runs that were queued from then on, epoch seconds.

        Returns:
            Each run, and whether it is to be checked once more when it is done again.

        Raises:
            NotFound: there is no such job.
            Forbidden, ValidationFailed: as `again`, about the runs' overlays.
            Conflict: there are more than `MOST_REPEATED`.
        """
        self.require_job(job_id)
        found = self._repeats.failed(job_id, since * 1000)
        if len(found) > MOST_REPEATED:
            raise Conflict(
                f"Job {job_id} has {len(found):,} runs that failed since then, and at most {MOST_REPEATED} are done "
                "again together; ask for a later time, or for a backfill"
            )
        return [(run, self._checked(job_id, _overlay_in(run.overlay)) or run.bound) for run in found]

    def again_failed(self, job_id: str, since: int, key: str | None = None) -> Pairs:
        """Do the runs again that `failed_since` finds, as `again` does each; all of them, or none.

        Args:
            job_id: the job's id.
            since: as in `failed_since`.
            key: the request's Idempotency-Key.

        Returns:
            Of each run: the new one's id, and the failed one's.

        Raises:
            ServiceError: as `failed_since` and `again` do.
        """
        found, idempotency = self.failed_since(job_id, since), once(f"again failed {job_id}", key, since)
        if not found and idempotency is None:
            return []
        match self._repeats.repeat(job_id, found, idempotency, logs.request_id()):
            case Recalled() as recalled:
                return pairs_in(same_body(recalled))
            case ("queued", made):
                return made
            case (word, _):
                raise _refusal(word, job_id)

    def move(self, job_id: str, run_id: str, body: object) -> None:
        """Move a run that awaits its time to another time.

        Args:
            job_id: the job's id.
            run_id: the run's.
            body: `{"at": time}`.

        Raises:
            NotFound: there is no such run.
            ValidationFailed: the time is over, or too far ahead.
            Conflict: the run does not await a time.
        """
        to = parse_move(body)
        self._run_of(job_id, run_id)
        match self._runs.move(job_id, run_id, to):
            case "moved":
                return
            case "gone":
                raise no_run(job_id, run_id)
            case "past" | "far" as word:
                raise _bad_time(word)
            case status:
                raise Conflict(f"Run {run_id} does not await a time that was asked for ({status}); it cannot be moved")

    def start(self, job_id: str, run_id: str) -> None:
        """Start a run now that awaits its delay, as a retry, or its time.

        Raises:
            NotFound: there is no such run.
            Conflict: the run awaits neither.
        """
        self._run_of(job_id, run_id)
        match self._runs.start(job_id, run_id):
            case "started":
                return
            case "gone":
                raise no_run(job_id, run_id)
            case status:
                raise Conflict(f"Run {run_id} awaits neither a delay nor a time ({status}); there is nothing to start")

    def _checked(self, job_id: str, overlay: Mapping[str, Any] | None) -> bool:
        """Check that the caller may run a job with an overlay. Return whether the run is to be checked again."""
        require_overlay(overlay)
        if overlay is None:
            if not self._has(job_id):
                raise no_job(job_id)
            return False
        definition = stored(self._jobs, job_id).definition
        bound = require_bound_run(definition.bot_config, overlay)
        validate_bot_config(definition.bot_type, {**definition.bot_config, **overlay}, self._configs)
        return bound

    def _accepted(self, answer: str | Recalled, job_id: str, run_id: str) -> str:
        match answer:
            case Recalled() as recalled:
                return same_body(recalled)
            case "queued":
                return run_id
            case word:
                raise _refusal(word, job_id)

    def _run_of(self, job_id: str, run_id: str) -> dict[str, str]:
        """Read a run of a job that exists for the caller."""
        if not is_id(run_id) or not self._has(job_id):
            raise no_run(job_id, run_id)
        (found,) = ask(self._scripts, ("HGETALL", self._scripts.keys.run(run_id)))
        run = {name.decode(): value.decode(errors="replace") for name, value in pairs(found).items()}
        if run.get("job_id") != job_id:
            raise no_run(job_id, run_id)
        return run

    def require_job(self, job_id: str) -> None:
        """Refuse a job that there is not, to this caller. Raises NotFound."""
        if not self._has(job_id) or not ask(self._scripts, ("EXISTS", self._scripts.keys.job(job_id)))[0]:
            raise no_job(job_id)

    def _has(self, job_id: str) -> bool:
        """Tell whether the caller may ask about a job; without limits, it may ask about any."""
        return is_id(job_id) and sees(self._scripts, job_id)


def _overlay_in(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))


def _refusal(word: str, job_id: str) -> ServiceError:
    match word:
        case "full":
            return Conflict(f"Job {job_id} has 1,000 runs waiting already; wait for some to end, or cancel them")
        case "many":
            return Conflict(
                f"Job {job_id} has {MOST_LATER} runs that await their time already; cancel some, or wait for them"
            )
        case "past" | "far":
            return _bad_time(word)
        case "not_ended":
            return Conflict("The run has not ended; only a run that has ended can be done again")
    return no_job(job_id)


def _bad_time(word: str) -> ValidationFailed:
    ahead = "must be in the future" if word == "past" else f"must be at most {LATEST_DAYS} days ahead"
    return ValidationFailed.of("at", ahead)


def _not_ended(run_id: str, status: str) -> Conflict:
    if status == "skipped":
        return Conflict(f"Run {run_id} was skipped, so there is none to do again; a backfill runs what was skipped")
    return Conflict(f"Run {run_id} has not ended ({status}); only a run that has ended can be done again")
