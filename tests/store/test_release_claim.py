"""The release of a claim whose run has not begun: the run is where it was, and somebody else takes it next."""

from __future__ import annotations

from typing import Any

from service.domain.run_records import Claim
from service.store.runs.tokens import next_token
from tests.support.dumps import dump
from tests.support.store_rig import Rig

LEASE_MS = 30_000
WORKER = "worker-1"


def claimed(rig: Rig, runs: int = 1) -> tuple[Claim, list[str]]:
    """Ask for runs of one job. Claim the first; its id and those of the others follow in order."""
    job_id = rig.make_job(options={"max_concurrent_runs": runs})
    ids = [rig.use.run_now(job_id) for _ in range(runs)]
    assert rig.client.lpop(rig.keys.rq_queue) == ids[0].encode()
    claim = rig.runs.claim(ids[0], next_token(), WORKER, LEASE_MS)
    assert claim is not None
    return claim, ids


def records(rig: Rig, run_id: str) -> dict[str, Any]:
    """All that Redis holds, but for the times since which the run is queued."""
    found = {row["key"]: row["value"] for row in dump(rig.client)}
    for at in ("created_at", "enqueued_at"):
        found[rig.keys.rq_job(run_id)].pop(at)
    found[rig.keys.queued] = sorted(member for member, _ in found[rig.keys.queued])
    return found


def test_a_released_run_is_next_and_everything_is_as_before_its_claim(rig: Rig) -> None:
    """Also if the lease was renewed, which tells RQ of the start; asking twice does no more."""
    job_id = rig.make_job(options={"max_concurrent_runs": 2})
    ids = [rig.use.run_now(job_id) for _ in range(2)]
    before = records(rig, ids[0])
    for is_renewed in (False, True):
        assert rig.client.lpop(rig.keys.rq_queue) == ids[0].encode()
        claim = rig.runs.claim(ids[0], next_token(), WORKER, LEASE_MS)
        assert claim is not None
        if is_renewed:
            assert rig.runs.renew(ids[0], claim.token, LEASE_MS) == "kept"
        assert [rig.runs.release(claim), rig.runs.release(claim)] == ["queued", "lost"]
        assert rig.queue() == ids
        assert records(rig, ids[0]) == before


def test_the_next_claim_of_a_released_run_is_the_first_that_counts(rig: Rig) -> None:
    """Its result is taken; that of the claim before is not."""
    claim, ids = claimed(rig)
    assert rig.runs.release(claim) == "queued"
    again = rig.runs.claim(ids[0], next_token(), "worker-2", LEASE_MS)
    assert again is not None
    assert rig.runs.renew(ids[0], claim.token, LEASE_MS) == "lost"
    assert rig.runs.release(claim) == "lost"
    assert rig.runs.renew(ids[0], again.token, LEASE_MS) == "kept"


def test_a_run_to_be_cancelled_stays_its_claims(rig: Rig) -> None:
    """Otherwise a run that somebody has cancelled would start all the same."""
    claim, ids = claimed(rig)
    assert rig.runs.cancel(claim.run["job_id"], ids[0], "cancelled by a person") == "told"
    assert rig.runs.release(claim) == "cancel"
    assert rig.runs.renew(ids[0], claim.token, LEASE_MS) == "cancel"
    assert rig.queue() == []


def test_a_run_of_a_deleted_job_is_not_brought_back(rig: Rig) -> None:
    """Nothing of it is left afterwards."""
    claim, ids = claimed(rig)
    rig.jobs.delete(claim.run["job_id"])
    assert rig.runs.release(claim) == "lost"
    assert rig.queue() == []
    assert not rig.client.exists(rig.keys.run(ids[0]))
