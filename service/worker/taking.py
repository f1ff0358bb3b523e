"""Takes runs for a work horse: waits for the next one and claims it, or claims it in the step that ends another."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic, sleep  # as they are now: a bot may put others in their place

from redis.exceptions import ResponseError

from service.backoff import Backoff
from service.domain.run_records import Claim, Outcome, Retry
from service.errors import StoreFull, StoreUnavailable
from service.outage import outage
from service.store.runs.run_hashes import RunStore
from service.store.runs.tokens import next_token
from service.worker.endings import FIRST_PAUSE, LONGEST_PAUSE, rq_result
from service.worker.waiting import QueueWait

log = logging.getLogger(__name__)

REFUSED_PAUSE_SECONDS = 1.0
"""Seconds until a run is asked for again that Redis would not give out."""

Taken = tuple[Claim, float]
"""A claimed run, and when the claim was asked for (monotonic seconds)."""


class Taker:
    """Takes runs. Make it in the process that carries them out.

    Args:
        runs: on a connection that this process alone uses.
        wait: the wait for the next run, on the same connection.
        worker: the name of the worker whose horse this is.
        lease_ms: the length of a claim's lease.
        is_watched: whether somebody would renew the lease of a run that it takes.
    """

    def __init__(
        self, runs: RunStore, wait: QueueWait, worker: str, lease_ms: int, is_watched: Callable[[], bool]
    ) -> None:
        self._runs = runs
        self._wait = wait
        self._worker = worker
        self._lease_ms = lease_ms
        self._is_watched = is_watched
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)

    def next(self) -> Taken | None:
        """Wait for the next run and claim it; None after a while without one, or if it cannot be had."""
        try:
            popped = self._pop()
            taken = None if popped is None else self._claim(popped)
        except StoreFull as error:
            self._rest_over(error, "The next run waits", REFUSED_PAUSE_SECONDS)
        except ResponseError as error:
            log.error("The next run cannot be taken: %s", error)
            self._wait.rest(REFUSED_PAUSE_SECONDS)
        except StoreUnavailable as error:
            self._rest_over(error, "The worker waits for Redis", self._backoff.next())
        else:
            self._backoff.reset()
            return taken
        return None

    def _rest_over(self, error: StoreUnavailable, doing: str, seconds: float) -> None:
        outage.tell(log, error, doing)
        self._wait.rest(seconds)

    def _pop(self) -> str | None:
        """Wait for a run. Put it back in front if it must not be taken any more."""
        popped = self._wait.pop()
        if popped is None:
            return None
        run_id, suspended = popped
        if not suspended and not self._wait.is_over and self._is_watched():
            return run_id
        self._runs.requeue(run_id)
        return None

    def _claim(self, run_id: str) -> Taken | None:
        return self._until_answered(
            lambda token, _: self._runs.claim(run_id, token, self._worker, self._lease_ms),
            f"Run {run_id} is requested again until Redis answers",
            gives_up=lambda error: isinstance(error, StoreFull) or self._wait.is_over,
        )

    def after(
        self, claim: Claim, outcome: Outcome, retry: Retry | None, meanwhile: Callable[[], object]
    ) -> Taken | None:
        """Record a run's end, and take the next run in the same step, if there is one.

        Args:
            claim: the run's.
            outcome: how it ended.
            retry: the run that follows on it, if any.
            meanwhile: called each time that Redis was asked, while it works.
        """
        return self._until_answered(
            lambda token, repeated: self._runs.finish_and_claim(
                claim,
                outcome,
                retry,
                rq_result(claim, outcome),
                token,
                self._worker,
                self._lease_ms,
                repeated=repeated,
                meanwhile=meanwhile,
            ),
            f"Run {claim.run_id} has ended; the end will be recorded later",
            gives_up=lambda _: False,
        )

    def _until_answered(
        self, claim: Callable[[str, bool], Claim | None], doing: str, gives_up: Callable[[StoreUnavailable], bool]
    ) -> Taken | None:
        """Claim a run, again and again until there is an answer.

        Redis may have carried out a claim whose answer did not come, and nobody else would run that run. So the claim
        is repeated, with the same token.

        Args:
            claim: claims a run by a token, told whether it was asked before; None without a run.
            doing: for the log, what it does while Redis is away.
            gives_up: whether to raise an error rather than to try again.

        Raises:
            StoreUnavailable: `gives_up` said so.
        """
        token, repeated, backoff = next_token(), False, None
        while True:
            asked = monotonic()
            try:
                return self._fresh(claim(token, repeated), repeated, asked)
            except StoreUnavailable as error:
                if gives_up(error):
                    raise
                outage.tell(log, error, doing)
            repeated, backoff = True, backoff or Backoff(FIRST_PAUSE, LONGEST_PAUSE)
            sleep(backoff.next())

    def _fresh(self, claim: Claim | None, repeated: bool, asked: float) -> Taken | None:
        """Return a claim that still holds, and holds long enough: it may have been made some time ago."""
        if claim is None or (
            repeated and self._runs.renew(claim.run_id, claim.token, self._lease_ms) in ("gone", "lost")
        ):
            return None
        return claim, asked
