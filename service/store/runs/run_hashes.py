"""Runs in Redis, a hash each, from the request to the end. `service.store.runs.run_views` reads them for the API."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.domain.run_records import Claim, JobFields, Outcome, Retry
from service.store.end_counts import EndCounts
from service.store.jobs.job_marks import marks_of
from service.store.rq_records import timestamp
from service.store.runs.asked_runs import AskedRuns
from service.store.runs.claimed import KnownJobs, claim_of, claimed_run, job_of
from service.store.runs.stored_outcome import ending, outcome_fields
from service.store.scripts import Argument, Scripts
from service.store.server.exchange import Meanwhile

log = logging.getLogger(__name__)

LOG_BYTES = 64 * 1024
"""The longest log that a run keeps."""


def _text(fields: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    pairs = fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)
    return {name.decode(): value.decode(errors="replace") for name, value in pairs}


class RunStore(AskedRuns):
    """Runs, from the request to the end.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        super().__init__(scripts)
        self._keys = scripts.keys
        self._jobs = KnownJobs()
        self._counts = EndCounts()

    # reading

    def get(self, run_id: str) -> dict[str, str] | None:
        """Read one run's fields, or None."""
        (fields,) = self._scripts.read(lambda pipe: pipe.hgetall(self._keys.run(run_id)))
        return {"id": run_id, **_text(fields)} if fields else None

    def claim(self, run_id: str, token: str, worker: str, lease_ms: int) -> Claim | None:
        """Claim a queued run. Returns None if it is no longer free.

        Args:
            run_id: the run.
            token: the claim's, new for each try.
            worker: the worker's name.
            lease_ms: how long the claim lasts without renewal.
        """
        word, *found = self._scripts.run("claim_run", run_id, token, worker, lease_ms)
        if word != b"claimed":
            return None
        run = claimed_run(found[0], worker)
        job = self._jobs.find(run["job_id"], run["revision"])
        return claim_of(run, token, job or self._jobs.learn(run["revision"], job_of(run["job_id"], found[1])))

    def release(self, claim: Claim) -> str:
        """Release a claim whose run has not begun, so that another worker takes it next.

        Returns:
            `queued`, `cancel` (it is to be ended as cancelled instead), or `lost` (it is no longer this claim's).
        """
        worker = claim.run.get("worker", "")
        return str(self._scripts.run("release_claim", claim.run_id, claim.token, worker).decode())

    def renew(self, run_id: str, token: str, lease_ms: int) -> str:
        """Renew a claim for `lease_ms`. Returns `kept`, `cancel`, `gone` or `lost`."""
        return str(self._scripts.run("renew_lease", run_id, token, lease_ms).decode())

    def finish(
        self,
        run_id: str,
        token: str,
        outcome: Outcome,
        *,
        retry: Retry | None = None,
        rq_result: Sequence[str] = (),
        only_if_lease_ended: bool = False,
    ) -> bool:
        """End a run under way. Returns False if it is not this claim's to end.

        Args:
            run_id: the run.
            token: the claim's.
            outcome: how it ended.
            retry: the run that follows; None for none.
            rq_result: the fields of RQ's result record; none for a success.
            only_if_lease_ended: end it only if its lease has ended.
        """
        batch = self._counts.batch()
        args = ending(run_id, token, outcome, retry, rq_result, only_if_lease_ended)
        word = self._scripts.run("end_run", *args, batch.text, *outcome_fields(outcome))
        has_ended = word in (b"ended", b"was_ended")
        if has_ended:
            self._counts.counted()
        else:
            self._counts.kept()
        return has_ended

    def finish_and_claim(
        self, claim: Claim, outcome: Outcome, retry: Retry | None, rq_result: Sequence[str], token: str, worker: str,
        lease_ms: int, *, repeated: bool = False, meanwhile: Meanwhile = None,
    ) -> Claim | None:  # fmt: skip
        """End a run under way and claim the next one in RQ's queue, in one round trip.

        Args:
            claim: the claim that ends.
            outcome: how its run ended.
            retry: the run that follows it; None for none.
            rq_result: the fields of RQ's result record; none for a success.
            token: the new claim's.
            worker: the worker's name.
            lease_ms: how long the new claim lasts without renewal.
            repeated: an earlier call with these arguments was not answered; Redis may have carried it out.
            meanwhile: called each time that the request was sent, while Redis works.

        Returns:
            The new claim; None if the queue is empty, RQ's workers are suspended, or Redis refuses that part alone.

        Raises:
            StoreUnavailable: Redis is away; safe to repeat with the same arguments.
        """
        batch, fields = self._counts.batch(), outcome_fields(outcome)
        started = timestamp(claim.started_at)  # most runs end in the second in which they start
        is_usual = outcome.is_plain and "overlay" not in claim.run and "backfill_id" not in claim.run
        args: tuple[Argument, ...] = (
            *ending(claim.run_id, claim.token, outcome, retry, rq_result, is_usual), batch.text, token, worker,
            lease_ms, int(batch.is_due), int(self._jobs.wants_next),
        )  # fmt: skip
        the_end, run, job, *refusal = self._scripts.run_marked(
            "end_and_claim",
            lambda again: (*args, int(again), started, *fields),
            repeated=repeated,
            meanwhile=meanwhile,
        )
        self._note_end(claim, *the_end.split(b" "))
        if refusal and refusal[0] is not None:
            log.error("The next run is not taken: %s", refusal[0].decode(errors="replace"))
        return None if run is None else self._taken(claimed_run(run, worker), job, token, lease_ms)

    def _note_end(self, claim: Claim, word: bytes, status: bytes, at: bytes, counted: bytes) -> None:
        """Sum up the end of a run, unless Redis has counted it together with those before it."""
        if word in (b"ended", b"was_ended") and counted == b"0":
            self._counts.kept()
            self._counts.add(claim.run, status.decode(), int(at), self._label_of(claim))
        elif word == b"lost":
            self._counts.kept()
        else:
            self._counts.counted()

    def _label_of(self, claim: Claim) -> str:
        """Return the label of a run's job by which metrics count runs apart, as the job was claimed; empty for none."""
        name = self._scripts.limits.metrics_label
        marks = marks_of(b"", claim.job.get(b"labels")) if name else None
        return f"{name}={marks.labels[name]}" if marks is not None and name in marks.labels else ""

    def _taken(self, run: dict[str, str], job: Sequence[bytes] | None, token: str, lease_ms: int) -> Claim | None:
        known = self._jobs.find(run["job_id"], run["revision"])
        if known is None and job is None:
            return self.claim(run["id"], token, run["worker"], lease_ms)  # the same claim, which brings the job
        return claim_of(run, token, known or self._jobs.learn(run["revision"], job_of(run["job_id"], job or ())))

    def held_by(self, worker: str, named: Sequence[str] = ()) -> list[Claim]:
        """Return the runs that a worker has claimed and not ended.

        Args:
            worker: the worker's name.
            named: ids of runs that it is known to have been at; they come first.
        """
        (leased,) = self._scripts.read(lambda pipe: pipe.zrange(self._keys.leases, 0, -1))
        ids = list(dict.fromkeys([*named, *(run_id.decode(errors="replace") for run_id in leased)]))
        runs = [
            {"id": run_id, **_text(fields)}
            for run_id, fields in zip(ids, self._hashes(map(self._keys.run, ids)), strict=True)
        ]
        held = [run for run in runs if run.get("worker") == worker and run["status"] == "running"]
        jobs = self._hashes(self._keys.job(run["job_id"]) for run in held)
        return [claim_of(run, run["token"], JobFields(run["job_id"], job)) for run, job in zip(held, jobs, strict=True)]

    def _hashes(self, keys: Iterable[str]) -> list[dict[bytes, bytes]]:
        """Read hashes in one round trip; one that is gone is empty."""
        wanted = list(keys)

        def fill(pipe: Any) -> None:
            for key in wanted:
                pipe.hgetall(key)

        return self._scripts.read(fill)

    def note(
        self, run_id: str, token: str, number: int, *, progress: tuple[int, int] | None, lines: Sequence[str]
    ) -> bool:
        """Store a run's progress and log lines. Returns False if the run is no longer this claim's.

        Args:
            run_id: the run.
            token: the claim's.
            number: of the first line.
            progress: done and total; None to leave it as it is.
            lines: JSON each.
        """
        done, total = progress or ("", "")
        return bool(self._scripts.run("note_run", run_id, token, done, total, LOG_BYTES, number, *lines))

    # what dead workers left

    def expired(self, now_ms: int, limit: int) -> list[str]:
        """Return the ids of runs whose lease has ended, the oldest first."""
        return self._up_to(self._keys.leases, now_ms, limit)

    def shorten_leases(self, beyond_ms: int, to_ms: int, limit: int) -> None:
        """Set leases that end after `beyond_ms` to `to_ms`; a worker that is alive renews its own."""
        self._bring_forward(((self._keys.leases, beyond_ms),), to_ms, limit)

    def shorten_waits(self, retries_beyond_ms: int, queued_beyond_ms: int, to_ms: int, limit: int) -> None:
        """Set the times of retries and of queued runs that lie too far ahead to `to_ms`.

        Args:
            retries_beyond_ms: retries that are due after this.
            queued_beyond_ms: runs that are queued since after this.
            to_ms: their new time.
            limit: so many of each at the most.
        """
        ends = ((self._keys.retries, retries_beyond_ms), (self._keys.queued, queued_beyond_ms))
        self._bring_forward(ends, to_ms, limit)

    def _bring_forward(self, ends: Sequence[tuple[str, int]], to_ms: int, limit: int) -> None:
        def find(pipe: Any) -> None:
            for key, beyond_ms in ends:
                pipe.zrange(key, beyond_ms, "+inf", byscore=True, offset=0, num=limit)

        for (key, _), ids in zip(ends, self._scripts.read(find), strict=True):
            if ids:
                sooner = {run_id.decode(errors="replace"): to_ms for run_id in ids}
                self._scripts.read(lambda pipe, key=key, sooner=sooner: pipe.zadd(key, sooner, xx=True))  # type: ignore[misc]

    def delayed_until(self, now_ms: int, limit: int) -> list[str]:
        """Return the ids of retries whose delay is over, and of runs by hand whose time has come."""

        def find(pipe: Any) -> None:
            for key in (self._keys.retries, self._keys.later):
                pipe.zrange(key, "-inf", now_ms, byscore=True, offset=0, num=limit)

        return [run_id.decode(errors="replace") for ids in self._scripts.read(find) for run_id in ids]

    def _up_to(self, key: str, ms: int, limit: int) -> list[str]:
        (ids,) = self._scripts.read(lambda pipe: pipe.zrange(key, "-inf", ms, byscore=True, offset=0, num=limit))
        return [run_id.decode(errors="replace") for run_id in ids]

    def release_delayed(self, run_id: str) -> None:
        """Let a run whose instant has come into the queue."""
        self._scripts.run("release_delayed", run_id)

    def popped(self) -> list[str]:
        """Return the ids that RQ's workers have popped and not started."""
        (ids,) = self._scripts.read(lambda pipe: pipe.lrange(self._keys.rq_intermediate, 0, -1))
        return [run_id.decode(errors="replace") for run_id in ids]

    def long_queued(self, before_ms: int, limit: int) -> list[str]:
        """Return the ids of runs that RQ has had since before `before_ms` and that have not started."""
        return self._up_to(self._keys.queued, before_ms, limit)

    def requeue(self, run_id: str) -> bool:
        """Put a run that was popped and never started back in front. Returns whether that was necessary."""
        return bool(self._scripts.run("requeue_run", run_id))
