"""Wait for the end of a run, for requests with `?wait=`: it holds no thread, and asks only when the run has news."""

from __future__ import annotations

import asyncio

from service.interleaving import interleaved
from service.usecases.runs import Runs
from service.usecases.views import View
from service.web.callers.lookups import Proof
from service.web.http.hang_up import Receive, when_gone
from service.web.live.hub import NewsHub


async def wait_for_run(
    hub: NewsHub, runs: Runs, job_id: str, run_id: str, seconds: float, receive: Receive, proof: Proof | None = None
) -> View | None:
    """Wait until a run has ended.

    Args:
        hub: the waiting requests of this process.
        runs: the use cases of runs.
        job_id: the job's id.
        run_id: the run's id.
        seconds: how long to wait at most.
        receive: of the request, whose body has been read; it tells when the client hangs up.
        proof: what the client has shown. The wait ends when that is no longer accepted.

    Returns:
        The run; None if it has not ended in time, if the client is gone or may no longer ask, or
        if too many are waiting.

    Raises:
        NotFound: there is no such run.
        StoreUnavailable: Redis is away.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    with hub.waiting(run_id) as bell:
        if bell is None:
            return None
        watch = when_gone(receive, bell.ring)
        try:
            with hub.vigil.over(proof, bell.ring) as vigil:
                while True:
                    found = await interleaved(runs.run, job_id, run_id)
                    if vigil is not None and vigil.is_over:
                        return None
                    if found.data["finished_at"] is not None:
                        return found
                    if watch.done() or clock() >= end:
                        return None
                    await bell.wait(end - clock())
        finally:
            watch.cancel()
