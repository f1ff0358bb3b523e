"""Every operation on own, foreign and unknown jobs: a caller with limits cannot tell the latter two apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.web.api.openapi.operations import OPERATIONS
from tests.limits.seeing import BEYOND, WITHIN, Answer, Client, Seen, filled, masked, unknown


@dataclass(frozen=True)
class Try:
    """One way to ask an operation; `{run_id}` may stand in the query."""

    json: Any = None
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


NO_BACKFILL = "00000000-0000-4000-8000-000000000000"
SPAN = {"since": "2025-03-01T00:00:00", "until": "2025-03-02T00:00:00"}
OUT_OF_SIGHT = Try({"labels": {}})
CONDITIONS = [Try(headers={"If-Match": tag}) for tag in ('"1"', '"7"', "*", "x")]
TRIES: dict[tuple[str, str], list[Try]] = {
    ("PUT", "/scheduler/jobs/{job_id}"): [
        Try({"name": "mine"}), Try({}), Try({"name": 1}), Try({"labels": WITHIN["labels"]}), OUT_OF_SIGHT,
        *(Try({"name": "mine"}, headers=each.headers) for each in CONDITIONS),
    ],
    ("DELETE", "/scheduler/jobs/{job_id}"): [Try(), *CONDITIONS],
    ("POST", "/scheduler/jobs/{job_id}/toggle"): [
        Try({"enabled": False}), Try({"enabled": True}), Try({}),
        *(Try({"enabled": False}, headers=each.headers) for each in CONDITIONS),
    ],
    ("POST", "/scheduler/jobs/{job_id}/run"): [
        Try(), Try({"bot_config": {"dry_run": True}}), Try({"bot_config": {"x": 1}}), Try(query="wait=0.01"),
        Try(headers={"Idempotency-Key": "once"}), Try({"bot_config": {}}, headers={"Idempotency-Key": "once more"}),
    ],
    ("POST", "/scheduler/jobs/{job_id}/backfill"): [
        Try(), Try({**SPAN, "only": "all"}), Try(SPAN), Try({**SPAN, "only": "failed", "dry_run": True}),
    ],
    ("PUT", "/scheduler/jobs/{job_id}/runs/{run_id}"): [Try(), Try({"at": "2999-01-01T00:00:00"})],
    ("PUT", "/scheduler/jobs/{job_id}/occurrences/{instant}"): [
        Try({"skip": True}), Try({"move_to": "x"}), Try({"bot_config": {"dry_run": True}}), Try({}),
        *(Try({"skip": True}, headers=each.headers) for each in CONDITIONS),
    ],
    ("GET", "/scheduler/jobs/{job_id}/history"): [
        Try(), Try(query="limit=1"), Try(query="cursor={run_id}"), Try(query="cursor=x"),
    ],
    ("GET", "/scheduler/jobs/{job_id}/runs/{run_id}/log"): [Try(), Try(headers={"Accept": "text/event-stream"})],
    ("GET", "/scheduler/jobs/{job_id}/revisions"): [Try(), Try(query="diff=1..1"), Try(query="diff=x")],
    ("GET", "/scheduler/jobs/{job_id}/occurrences"): [
        Try(), Try(query="since=2020-01-01T00:00:00&limit=1"), Try(query="cursor=x"), Try(query="fate=x"),
    ],
    ("GET", "/scheduler/jobs/{job_id}/explain"): [Try(), Try(query="at=08:00"), Try(query="at=x")],
    ("GET", "/scheduler/jobs/{job_id}/preview"): [Try(), Try(query="count=1"), Try(query="from=x")],
}  # fmt: skip
"""More than one way to ask, where there is; every other operation is asked in the plainest way."""
PAGES = (
    "/jobs/{job_id}", "/jobs/{job_id}?cursor={run_id}", "/jobs/{job_id}/edit", "/jobs/{job_id}/yaml",
    "/jobs/new?from={job_id}", "/jobs/{job_id}/runs/{run_id}", "/jobs/{job_id}/runs/{run_id}/events",
    "/jobs/{job_id}/backfills",
    "/jobs/{job_id}/occurrences", "/jobs/{job_id}/occurrences?at=08:00",
)  # fmt: skip
"""The console's pages of one job."""
OF_ONE_JOB = [key for key in OPERATIONS if "{job_id}" in key[1]]
WAYS = [(method, path, one) for method, path in OF_ONE_JOB for one in TRIES.get((method, path), [Try()])] + [
    ("GET", page, Try()) for page in PAGES
]


def ask(client: Client, method: str, path: str, one: Try, **ids: str) -> Answer:
    """Asks one way."""
    address, _, query = filled(
        path, revision="1", backfill_id=NO_BACKFILL, instant="2030-01-01T08:00:00", **ids
    ).partition("?")
    query = query or filled(one.query, **ids)
    return client.simulate_request(method, address, query_string=query, json=one.json, headers=one.headers)


def foreign(seen: Seen, **fields: Any) -> Iterator[tuple[str, str]]:
    """A job with a waiting run, and with one that has ended: job and run."""
    job_id = seen.make_job("another's", **fields)
    yield job_id, seen.run_ended(job_id)
    yield job_id, seen.rig.use.run_now(job_id)


@pytest.mark.parametrize("beyond", BEYOND)
def test_another_callers_job_is_answered_as_one_that_is_not_there(seen: Seen, beyond: str) -> None:
    """Byte for byte but for the ids, headers included, whatever is asked; and nothing of it changes."""
    own_run = seen.run_ended(seen.make_job("own", **WITHIN))
    jobs = list(foreign(seen, **BEYOND[beyond]))
    before = seen.stored()
    wrong = []
    for method, path, one in WAYS:
        nothing = {"job_id": unknown(), "run_id": unknown()}
        expected = masked(ask(seen.limited, method, path, one, **nothing), *nothing.values())
        for job_id, run_id in [*jobs, (jobs[0][0], unknown()), (jobs[0][0], own_run), (unknown(), own_run)]:
            got = masked(ask(seen.limited, method, path, one, job_id=job_id, run_id=run_id), job_id, run_id)
            if got != expected or got[0] not in (400, 404):
                wrong.append((method, path, one, got, expected))
    assert wrong == []
    assert seen.stored() == before


def test_ones_own_job_is_answered_as_to_everybody(seen: Seen) -> None:
    """Each operation, asked with limits and without, of two jobs alike; each succeeds in some way."""
    successes = set()
    for method, path, one in WAYS:
        ids = []
        for _ in range(2):
            job_id = seen.make_job("own", **WITHIN)
            ids.append((job_id, seen.run_ended(job_id)))
            seen.rig.use.run_now(job_id)
        limited, root = (
            ask(client, method, path, one, job_id=job_id, run_id=run_id)
            for client, (job_id, run_id) in zip((seen.limited, seen.root), ids, strict=True)
        )
        assert limited.status_code == (400 if one is OUT_OF_SIGHT else root.status_code), (method, path, one)
        if limited.status_code < 400:
            successes.add((method, path))
    not_now = {
        ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/cancel"),  # the run has ended
        ("PUT", "/scheduler/jobs/{job_id}/runs/{run_id}"),  # it awaits no time
        ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/now"),
        ("GET", "/scheduler/jobs/{job_id}/backfills/{backfill_id}"),  # it has no backfill
        ("DELETE", "/scheduler/jobs/{job_id}/backfills/{backfill_id}"),
        ("POST", "/scheduler/deleted/{job_id}/restore"),  # the job is there
        ("DELETE", "/scheduler/jobs/{job_id}/occurrences/{instant}"),  # nobody has changed it
    }
    assert successes == {(method, path) for method, path, _ in WAYS} - not_now


def test_a_run_of_another_job_is_in_no_job_of_ones_own(seen: Seen) -> None:
    """One's own job with another's run is answered as with no run."""
    own = seen.make_job("own", **WITHIN)
    ((_, ended), (_, waiting)) = foreign(seen, **BEYOND["another team's"])
    before = seen.stored()
    for method, path, one in WAYS:
        if "{run_id}" not in path and "{run_id}" not in one.query:
            continue
        none = unknown()
        expected = masked(ask(seen.limited, method, path, one, job_id=own, run_id=none), none)
        for run_id in (ended, waiting):
            assert masked(ask(seen.limited, method, path, one, job_id=own, run_id=run_id), run_id) == expected
    assert seen.stored() == before


def test_a_damaged_job_does_not_exist_for_a_caller_with_limits(seen: Seen) -> None:
    """Nobody can tell whose it is."""
    job_id = seen.make_job("own", **WITHIN)
    seen.rig.client.hset(seen.rig.keys.job(job_id), "revision", "x")
    assert seen.root.simulate_get(f"/scheduler/jobs/{job_id}").status_code == 409
    for method in ("GET", "PUT", "DELETE"):
        answer = seen.limited.simulate_request(method, f"/scheduler/jobs/{job_id}", json={})
        assert answer.status_code == 404
