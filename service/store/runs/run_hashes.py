"""Runs in Redis, a hash each, from the request to the end. `service.store.runs.run_views` reads them for the API."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError, ResponseError

from service.domain.run_records import Claim, Outcome, Retry
from service.errors import StoreFull
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.runs.stored_outcome import ending
from service.store.scripts import Scripts
from service.store.server.translation import translate_errors

log = logging.getLogger(__name__)

LOG_BYTES = 64 * 1024
"""The longest log that a run keeps."""


def _text(fields: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    pairs = fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)
    return {name.decode(): value.decode(errors="replace") for name, value in pairs}


def _claim(answer: Any, token: str) -> Claim | None:
    if answer[0] != b"claimed":
        return None
    run = _text(answer[2])
    return Claim(run["id"], token, int(answer[1]), run, dict(zip(answer[3][::2], answer[3][1::2], strict=True)))


class RunStore:
    """Runs, from the request to the end.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    # reading

    def get(self, run_id: str) -> dict[str, str] | None:
        """Read one run's fields, or None."""
        (fields,) = self._scripts.read(lambda pipe: pipe.hgetall(self._keys.run(run_id)))
        return _text(fields) if fields else None

    # asking for runs

    def request(
        self, job_id: str, run_id: str, overlay: dict[str, Any] | None, idempotency: Idempotency | None = None,
        request_id: str | None = None,
    ) -> str | Recalled:  # fmt: skip
        """Make a run by hand.

        Args:
            job_id: the job's.
            run_id: the new run's.
            overlay: laid over the job's `bot_config`; None for nothing.
            idempotency: the request's key and body; None without a key.
            request_id: the request's; log lines about the run carry it.

        Returns:
            `queued`, `gone` or `full`; or the earlier answer to the Idempotency-Key, the id of that run.
        """
        laid_over = "" if overlay is None else json.dumps(overlay)
        key = (idempotency or NO_KEY).arguments()
        answer = self._scripts.run("request_run", job_id, run_id, laid_over, *key, request_id or "")
        return recalled(answer) or str(answer[0].decode())

    def cancel(self, job_id: str, run_id: str, reason: str) -> str:
        """Cancel a run. Returns `cancelled` (at once), `told` (it is under way), `ended` or `gone`."""
        return str(self._scripts.run("cancel_run", job_id, run_id, reason).decode())

    # carrying them out

    def claim(self, run_id: str, token: str, worker: str, lease_ms: int) -> Claim | None:
        """Claim a queued run. Returns None if it is no longer free.

        Args:
            run_id: the run.
            token: the claim's, new for each try.
            worker: the worker's name.
            lease_ms: how long the claim lasts without renewal.
        """
        return _claim(self._scripts.run("claim_run", run_id, token, worker, lease_ms), token)

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
        flag = "1" if only_if_lease_ended else "0"
        answer = self._scripts.run("end_run", *ending(run_id, token, outcome, retry, rq_result, flag))
        return bool(answer == b"ended")

    def finish_and_claim(
        self, claim: Claim, outcome: Outcome, retry: Retry | None, rq_result: Sequence[str], token: str, worker: str,
        lease_ms: int,
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

        Returns:
            The new claim; None if the queue is empty, RQ's workers are suspended, or Redis refuses that part alone.

        Raises:
            StoreUnavailable: Redis is away; safe to repeat with the same arguments.
        """
        ended, claimed = self._scripts.run_in_one(
            ("end_run", *ending(claim.run_id, claim.token, outcome, retry, rq_result)),
            ("claim_run", "", token, worker, lease_ms),
        )
        if isinstance(ended, RedisError):
            with translate_errors():
                raise ended
        try:
            if isinstance(claimed, RedisError):
                with translate_errors():
                    raise claimed
        except (StoreFull, ResponseError) as error:
            log.error("The next run is not taken: %s", error)
            return None
        return _claim(claimed, token)

    def held_by(self, worker: str) -> list[Claim]:
        """Return the runs that a worker has claimed and not ended."""
        (members,) = self._scripts.read(lambda pipe: pipe.smembers(self._keys.rq_worker_executions(worker)))
        found = []
        for member in members:
            run_id, _, token = member.decode().partition(":")
            run = self.get(run_id)
            if run is not None and run.get("token") == token and run["status"] == "running":
                found.append(Claim(run_id, token, int(run["started_at"]), run, self._job_of(run)))
        return found

    def _job_of(self, run: Mapping[str, str]) -> Mapping[bytes, bytes]:
        (fields,) = self._scripts.read(lambda pipe: pipe.hgetall(self._keys.job(run["job_id"])))
        return dict(fields)

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
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.leases, "-inf", now_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

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
                sooner = {run_id.decode(): to_ms for run_id in ids}
                self._scripts.read(lambda pipe, key=key, sooner=sooner: pipe.zadd(key, sooner, xx=True))  # type: ignore[misc]

    def retries_due(self, now_ms: int, limit: int) -> list[str]:
        """Return the ids of retries whose delay is over."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.retries, "-inf", now_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

    def release_retry(self, run_id: str) -> None:
        """Let a retry whose delay is over into the queue."""
        self._scripts.run("release_retry", run_id)

    def popped(self) -> list[str]:
        """Return the ids that RQ's workers have popped and not started."""
        (ids,) = self._scripts.read(lambda pipe: pipe.lrange(self._keys.rq_intermediate, 0, -1))
        return [run_id.decode() for run_id in ids]

    def long_queued(self, before_ms: int, limit: int) -> list[str]:
        """Return the ids of runs that RQ has had since before `before_ms` and that have not started."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.queued, "-inf", before_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

    def requeue(self, run_id: str) -> bool:
        """Put a run that was popped and never started back in front. Returns whether that was necessary."""
        return bool(self._scripts.run("requeue_run", run_id))
