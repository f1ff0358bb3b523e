"""The script that ends a run and claims the next does what the two scripts do, in one step that is safe to repeat."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from service.domain.run_records import Claim, Outcome, Retry
from service.store.end_counts import EndCounts
from service.store.runs import claimed
from service.store.runs.run_hashes import RunStore
from service.store.runs.tokens import next_token
from service.store.scripts import Limits
from tests.support.dumps import dump
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig
from tests.support.virtual_time import NOW_KEY, VirtualRedis, virtual_time

START_MS = 1_800_000_000_000
WORKER = "worker-1"
LEASE_MS = 30_000
NEXT = "the next token"

OPTIONS = st.fixed_dictionaries({
    "max_concurrent_runs": st.integers(1, 3), "disable_after_failures": st.integers(0, 2),
})  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from([
            "run", "run", "run", "claim", "rehearse", "cancel", "fail before", "succeed before", "skip before",
            "renew", "log", "switch off", "delete", "lose a run", "lose a job", "lose RQ's job", "put a stray in front",
            "retry later",
        ]),
        st.integers(0, 3),
    ),
    max_size=14,
)  # fmt: skip
RESULTS, NEWS = st.sampled_from([None, {}, {"messages_sent": 2}]), st.sampled_from([{}, {}, {"a digest": "a news"}])
STATUSES = st.sampled_from(["success", "success", "failed", "cancelled"])
OUTCOMES = st.one_of(
    st.builds(Outcome, STATUSES, st.sampled_from([None, "it broke"]), RESULTS, news=NEWS),
    st.builds(Outcome, st.just("skipped"), st.none(), RESULTS, news=NEWS, reason=st.just("nothing new")),
)
RETRIES = st.sampled_from([None, None, Retry("a-retry", 2, 0), Retry("a-retry", 2, 5_000)])
ENDS = st.sampled_from(["its own"] * 6 + ["another's", "ended", "of a deleted run", "cancelled"])


class State:
    """A random state of an installation, and one claim in it."""

    def __init__(self, client: VirtualRedis, options: dict[str, Any], steps: list[tuple[str, int]]) -> None:
        client.flushall()
        client.set(NOW_KEY, START_MS)
        self.client, self.rig = client, Rig.on(client, Limits(history=4, logs=1, waiting=5))
        self.jobs = [self.rig.make_job(options=options) for _ in range(2)]
        self.known = [self.rig.use.run_now(job_id) for job_id in self.jobs]
        self.claims: list[Claim] = []
        self._claim()
        for step, number in steps:
            client.incrby(NOW_KEY, 700)
            self._take(step, number)
        client.hset(self.rig.keys.rq_worker(WORKER), "name", WORKER)

    def _claim(self) -> None:
        run_id = self.client.lpop(self.rig.keys.rq_queue)
        if run_id is not None:
            claim = self.rig.runs.claim(run_id.decode(), f"token-{len(self.claims)}", WORKER, LEASE_MS)  # type: ignore[union-attr]
            self.claims += [claim] if claim is not None else []

    def _take(self, step: str, number: int) -> None:
        rig, keys, job_id = self.rig, self.rig.keys, self.jobs[number % 2]
        run_id, claim = self.known[number % len(self.known)], self.claims[number % len(self.claims)]
        there = self.client.exists(keys.job(job_id))
        match step:
            case "run" if there:
                if self.client.llen(keys.waiting(job_id)) < 5:
                    self.known.append(rig.use.run_now(job_id))
            case "rehearse" if there:
                if self.client.llen(keys.waiting(job_id)) < 5:
                    self.known.append(rig.use.run_now(job_id, {"bot_config": {"dry_run": True}}))
            case "claim":
                self._claim()
            case "cancel":
                rig.runs.cancel(self.client.hget(keys.run(run_id), "job_id") or b"", run_id, "cancelled")  # type: ignore[arg-type]
            case "fail before" if len(self.claims) > 1:
                last = self.claims.pop()
                rig.runs.finish(last.run_id, last.token, Outcome("failed", "broke"), rq_result=["type", "2"])
            case "succeed before" if len(self.claims) > 1:
                last = self.claims.pop()
                rig.runs.finish(last.run_id, last.token, Outcome("success", None, {}))
            case "skip before" if len(self.claims) > 1:
                last = self.claims.pop()
                rig.runs.finish(last.run_id, last.token, Outcome("skipped", None, {}, reason="nothing new"))
            case "retry later" if len(self.claims) > 1:
                last = self.claims.pop()
                retry = Retry(f"retry-{len(self.known)}", 2, 9_000)
                rig.runs.finish(last.run_id, last.token, Outcome("failed", "broke"), retry=retry)
            case "renew":
                rig.runs.renew(claim.run_id, claim.token, LEASE_MS)
            case "log":
                rig.runs.note(claim.run_id, claim.token, 1, progress=(1, 2), lines=["{}"])
            case "switch off" if there:
                rig.jobs.toggle(job_id, {"enabled": False})
            case "delete" if there and number == 3:
                rig.jobs.delete(job_id)
            case "lose a run":
                self.client.delete(keys.run(self.known[-1]))
            case "lose a job" if number == 3:
                self.client.delete(keys.job(job_id))
            case "lose RQ's job":
                self.client.delete(keys.rq_job(run_id))
            case "put a stray in front":
                self.client.lpush(keys.rq_queue, run_id)

    def twin(self) -> Rig:
        """The same state in another database of the server."""
        port = self.client.connection_pool.connection_kwargs["port"]
        other = VirtualRedis(port=port, db=1)
        for key in self.client.scan_iter():
            self.client.copy(key, key, destination_db="1")
        return Rig.on(other, self.rig.limits)


def in_two_steps(rig: Rig, claim: Claim, outcome: Outcome, retry: Retry | None, rq_result: list[str]) -> Claim | None:
    """End the run, and then pop and claim until there is a run, by the two scripts."""
    rig.runs.finish(claim.run_id, claim.token, outcome, retry=retry, rq_result=rq_result)
    while not rig.client.exists(rig.keys.rq_suspended):
        popped: Any = rig.client.lpop(rig.keys.rq_queue)
        if popped is None:
            return None
        found = rig.runs.claim(popped.decode(), NEXT, WORKER, LEASE_MS)
        if found is not None:
            return found
    return None


def held(rig: Rig) -> dict[str, Any]:
    """Everything in a database but counters, and how long it keeps it, about."""
    found = {}
    for row in dump(rig.client):
        if row["key"] != rig.keys.metrics:
            value = [fields for _, fields in row["value"]] if row["type"] == "stream" else row["value"]
            found[row["key"]] = value, row["ttl"] is None or row["ttl"] // 10_000 if row["ttl"] != 0 else 0
    return found


def counted(rig: Rig) -> Counter[str]:
    """All counters, with those that the worker has summed up; RQ's own are among them."""
    counters: Any = rig.client.hgetall(rig.keys.metrics)
    of_worker: Any = rig.client.hgetall(rig.keys.rq_worker(WORKER))
    found = Counter({name.decode(): int(n) for name, n in [*counters.items(), *of_worker.items()] if n.isdigit()})
    return found + rig.runs._counts._counters + rig.runs._counts._of_worker


def claimed_as(claim: Claim | None) -> Any:
    """The run, and what its job's revision stands for: the rest of the job may be as it was when it was read."""
    fields = (b"revision", b"name", b"bot_type", b"bot_config", b"options", b"schedule_type", b"schedule_config")
    return claim and (claim.run, claim.token, [claim.job.get(name) for name in fields])


@settings(
    max_examples=60,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    options=OPTIONS, steps=STEPS, outcome=OUTCOMES, retry=RETRIES, end=ENDS, suspended=st.integers(0, 9),
    pick=st.integers(0, 3),
)  # fmt: skip
def test_it_does_what_the_two_scripts_do(
    valkey_server: ValkeyServer, options: dict[str, Any], steps: list[tuple[str, int]], outcome: Outcome,
    retry: Retry | None, end: str, suspended: int, pick: int,
) -> None:  # fmt: skip
    """From any state: all keys are the same afterwards, and so is the answer. Repeated, it changes nothing."""
    with VirtualRedis(port=valkey_server.port) as client, virtual_time(client):
        state = State(client, options, steps)
        rig, claim = state.rig, state.claims[pick % len(state.claims)]
        if end == "another's":
            claim = dataclasses.replace(claim, token="another")
        elif end == "ended":
            rig.runs.finish(claim.run_id, claim.token, Outcome("failed", "before"))
        elif end == "of a deleted run":
            client.delete(rig.keys.run(claim.run_id))
        elif end == "cancelled":
            rig.runs.cancel(claim.run["job_id"], claim.run_id, "cancelled by request")
        if suspended == 0:
            client.set(rig.keys.rq_suspended, 1)
        client.incrby(NOW_KEY, 1_234)
        twin = state.twin()
        rq_result = ["type", "2"] if outcome.status == "failed" else []
        expected = in_two_steps(twin, claim, outcome, retry, rq_result)
        found = rig.runs.finish_and_claim(claim, outcome, retry, rq_result, NEXT, WORKER, LEASE_MS)
        assert held(rig) == held(twin)
        assert counted(rig) == counted(twin)
        assert claimed_as(found) == claimed_as(expected)
        if found is not None:
            before, unheard = held(rig), RunStore(rig.scripts)  # a worker that has not heard the answer
            again = unheard.finish_and_claim(claim, outcome, retry, rq_result, NEXT, WORKER, LEASE_MS, repeated=True)
            assert again is not None and again.run == found.run
            assert held(rig) == before
            if end != "ended":
                assert unheard._counts._counters == rig.runs._counts._counters
        twin.client.close()


def started(rig: Rig, count: int = 4, **options: Any) -> tuple[str, Claim]:
    """A job with so many runs, the first of which is claimed."""
    job_id = rig.make_job(options={"max_concurrent_runs": count, **options})
    for _ in range(count):
        rig.use.run_now(job_id)
    run_id: Any = rig.client.lpop(rig.keys.rq_queue)
    claim = rig.runs.claim(run_id.decode(), next_token(), WORKER, LEASE_MS)
    assert claim is not None
    return job_id, claim


def ended(runs: RunStore, claim: Claim, token: str = NEXT, *, repeated: bool = False) -> Claim | None:
    """A success, and the next claim."""
    return runs.finish_and_claim(
        claim, Outcome("success", None, {}), None, (), token, WORKER, LEASE_MS, repeated=repeated
    )


def test_a_full_redis_takes_the_end_and_refuses_the_claim(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Whole: the run in the queue stays there as it is, and is claimed once there is room."""
    job_id, claim = started(rig)
    queue = rig.queue()
    waits = rig.client.hgetall(rig.keys.run(queue[0]))
    rig.client.config_set("maxmemory", "1")
    try:
        assert ended(rig.runs, claim) is None
    finally:
        rig.client.config_set("maxmemory", "0")
    assert "The next run is not taken" in caplog.text
    assert (rig.queue(), rig.client.hgetall(rig.keys.run(queue[0]))) == (queue, waits)
    assert [run["status"] for run in rig.history(job_id)].count("success") == 1
    following = ended(rig.runs, claim, repeated=True)
    assert following is not None and following.run_id == queue[0]


def test_a_claim_that_cannot_be_made_does_not_undo_the_end(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Outside hands have damaged the queue: the run has ended, and the horse goes on."""
    job_id, claim = started(rig)
    rig.client.set(rig.keys.rq_queue, "nonsense")
    assert ended(rig.runs, claim) is None
    assert "WRONGTYPE" in caplog.text
    assert [run["status"] for run in rig.history(job_id)].count("success") == 1


@pytest.mark.parametrize("answered", [True, False])
def test_a_redis_that_is_killed_ends_it_once_and_claims_one(tmp_path: Path, answered: bool) -> None:
    """Before the script or after it, whose answer is lost with it; the same call, repeated, finds what there is."""
    with ValkeyServer(tmp_path, "--appendonly", "yes", "--appendfsync", "always") as server:
        rig = Rig.on(server.client())
        job_id, claim = started(rig)
        queue = rig.queue()
        if answered:
            ended(RunStore(rig.scripts), claim)  # in place of a call whose answer is lost
        server.kill()
        server.start()
        following = ended(rig.runs, claim, repeated=True)
        assert following is not None and following.run_id == queue[0]
        assert rig.queue() == queue[1:]
        states = Counter(run["status"] for run in rig.history(job_id))
        assert states == {"success": 1, "running": 1, "queued": 2}
        assert rig.runs._counts._counters["runs:echo:success:manual"] == 1


def test_a_connection_that_breaks_before_the_answer_is_no_second_claim(rig: Rig) -> None:
    """The second try says that it is one."""
    _, claim = started(rig)
    queue = rig.queue()
    rig.client.client_kill_filter(skipme=True, _type="normal")
    rig.client.connection_pool.disconnect()
    following = ended(rig.runs, claim)
    assert following is not None and (following.run_id, rig.queue()) == (queue[0], queue[1:])


def test_ends_are_counted_once_a_second_and_when_nothing_is_left(rig: Rig) -> None:
    """Until then the worker sums them up; all in all they are what they would be if Redis had counted each."""
    now = [100.0]
    rig.runs._counts = EndCounts(lambda: now[0])

    def in_redis() -> int:
        return int(rig.client.hget(rig.keys.metrics, "runs:echo:success:manual") or 0)

    rig.client.hset(rig.keys.rq_worker(WORKER), "name", WORKER)
    _, claim = started(rig, 6)
    for seconds, counts in ((0, 0), (0.5, 0), (0.6, 3), (0, 3), (0, 3)):
        now[0] += seconds
        following = ended(rig.runs, claim, next_token())
        assert following is not None
        claim = following
        assert in_redis() == counts
    assert ended(rig.runs, claim, next_token()) is None
    assert in_redis() == 6
    assert rig.client.hget(rig.keys.metrics, "duration:echo:100") == b"6"
    assert rig.client.hget(rig.keys.rq_worker(WORKER), "successful_job_count") == b"6"
    assert rig.runs._counts.batch().text == ""


def test_a_horse_that_leaves_sends_what_it_has_summed_up_with_its_last_end(rig: Rig) -> None:
    _, claim = started(rig)
    following = ended(rig.runs, claim)
    assert following is not None
    assert rig.runs.finish(following.run_id, following.token, Outcome("failed", "no"))
    counters: Any = rig.client.hgetall(rig.keys.metrics)
    assert (counters[b"runs:echo:success:manual"], counters[b"runs:echo:failed:manual"]) == (b"1", b"1")


def test_a_batch_whose_answer_was_lost_is_counted_once(rig: Rig) -> None:
    """Redis counted it, or it did not: the repeated call knows, though it is due by now."""
    now = [100.0]
    rig.runs._counts = counts = EndCounts(lambda: now[0])
    _, claim = started(rig)
    second = ended(rig.runs, claim, "one")
    assert second is not None
    batch = counts.batch()
    lost = RunStore(rig.scripts)
    lost._counts._sent = batch
    third = ended(lost, second, "two")
    now[0] += 5
    again = ended(rig.runs, second, "two", repeated=True)
    assert again is not None and third is not None and again.run_id == third.run_id
    assert counts._counters["runs:echo:success:manual"] == 2
    fourth = ended(rig.runs, again, "three")
    assert fourth is not None
    assert rig.client.hget(rig.keys.metrics, "runs:echo:success:manual") == b"3"


def test_a_run_that_was_reaped_is_not_counted_by_its_worker_as_well(rig: Rig) -> None:
    """The reaper takes the claim's token away, so that the worker's own end finds another's."""
    _, claim = started(rig)
    rig.client.zadd(rig.keys.leases, {claim.run_id: 1})
    assert rig.runs.finish(claim.run_id, claim.token, Outcome("failed", "reaped"), only_if_lease_ended=True)
    assert ended(rig.runs, claim, repeated=True) is not None
    assert rig.client.hget(rig.keys.metrics, "runs:echo:failed:manual") == b"1"
    assert rig.runs._counts._counters == {}


def test_a_job_is_sent_once_for_each_revision(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claims share what was made of it; a change of the job is seen by the next claim."""
    job_id, claim = started(rig, 5)
    second = ended(rig.runs, claim, "2")
    assert second is not None and second.job is claim.job and second.record is claim.record
    rig.jobs.update(job_id, {"name": "another name"})
    third = ended(rig.runs, second, "3")
    assert third is not None and third.record.definition.name == "another name"
    assert rig.client.hget(rig.keys.run(third.run_id), "revision") == str(third.record.revision).encode()
    monkeypatch.setattr(claimed, "MOST_JOBS", 0)
    for token in "45":
        following = ended(rig.runs, third, token)
        assert following is not None and following.job == third.job
        third = following


def test_a_short_run_leaves_rqs_record_of_its_whole_life(rig: Rig) -> None:
    """RQ never hears of an execution, and knows afterwards by whom and when the run was carried out."""
    _, claim = started(rig)
    assert not list(rig.client.scan_iter("rq:execution*")) and not rig.client.exists(rig.keys.rq_started)
    ended(rig.runs, claim)
    found: Any = rig.client.hgetall(rig.keys.rq_job(claim.run_id))
    assert (found[b"status"], found[b"worker_name"]) == (b"finished", WORKER.encode())
    assert found[b"created_at"] <= found[b"started_at"] <= found[b"ended_at"]
    assert rig.client.zscore(rig.keys.rq_finished, claim.run_id) is not None


def test_what_a_dead_worker_held_is_found_by_the_leases(rig: Rig) -> None:
    """Also a run of which its parent never heard; those that it names come first."""
    job_id = rig.make_job(options={"max_concurrent_runs": 4})
    ids = [rig.use.run_now(job_id) for _ in range(4)]
    for run_id, worker in zip(ids, (WORKER, "another", WORKER, WORKER), strict=True):
        assert rig.runs.claim(run_id, f"token-{run_id}", worker, LEASE_MS)
    rig.runs.finish(ids[3], f"token-{ids[3]}", Outcome("success"))
    assert {claim.run_id for claim in rig.runs.held_by(WORKER)} == {ids[0], ids[2]}
    named = rig.runs.held_by(WORKER, [ids[2], ids[3], "unknown"])
    assert [(claim.run_id, claim.token) for claim in named] == [(each, f"token-{each}") for each in (ids[2], ids[0])]
    assert named[0].record.id == job_id


def test_no_process_uses_anothers_tokens() -> None:
    """Nor does a copy of a process that a bot has forked."""
    next_token()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, json.dumps([next_token() for _ in range(3)]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = json.loads(os.read(read, 1000))
    ours = [next_token() for _ in range(3)]
    assert len({*theirs, *ours}) == 6 and all(":" not in token for token in ours)
    os.close(read)
    os.close(write)
