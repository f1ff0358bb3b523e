"""One action for many jobs is the same single requests, one after the other, with an answer for each."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.access.callers import Caller, act_as_before, act_for
from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.access.scopes import ALL, Scope
from service.domain.batches.request import MOST_JOBS, SCOPES
from service.domain.run_records import Outcome, Retry
from service.errors import Conflict, Forbidden, NotFound, ServiceError, StoreUnavailable, ValidationFailed
from service.usecases.batches.batches import Batches
from service.usecases.batches.results import STATUSES
from service.usecases.runs_by_hand import MOST_REPEATED
from service.web.http import errors
from tests.support.counts import check_counts
from tests.support.store_rig import Rig

CRM = Limits({"team": frozenset({"crm"})})
SINCE = "2000-01-01T00:00:00"
MORE: dict[str, dict[str, Any]] = {"label": {"labels": {"a": "b"}}, "again": {"since": SINCE}}
"""What some actions need."""


@pytest.fixture
def batches(rig: Rig) -> Batches:
    """The use case."""
    return Batches(rig.scripts, rig.jobs, rig.use)


@contextmanager
def acting(scopes: frozenset[Scope] = ALL, limits: Limits = NO_LIMITS) -> Iterator[None]:
    """Acts for a stored key meanwhile."""
    token = act_for(Caller("key-1", "a key", scopes, limits))
    try:
        yield
    finally:
        act_as_before(token)


def failed(rig: Rig, run_id: str, retry: Retry | None = None) -> None:
    """Lets a run fail."""
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no"), retry=retry)


def audited(rig: Rig) -> list[tuple[str, Any]]:
    """What the audit log tells, oldest first: action and changed fields."""
    rows: Any = rig.client.xrange(rig.keys.audit)
    entries = [json.loads(fields[b"entry"]) for _, fields in rows]
    return [(one["action"], sorted(one.get("fields") or ())) for one in entries]


# the same as single requests


def single(rig: Rig, action: str, job_id: str, labels: dict[str, str | None]) -> tuple[str, Any]:
    """Does it by the request for one job. Returns the outcome, and the sentence of a refusal."""
    try:
        if action == "run":
            rig.use.run_now(job_id)
            return "done", None
        if action == "delete":
            rig.jobs.delete(job_id)
            return "done", None
        if action == "again":
            runs = rig.history(job_id) if rig.jobs.get(job_id) else []
            made_up = {run.get("again_of") for run in runs}
            found = [run for run in runs if run["status"] == "failed" and run["id"] not in made_up]
            for run in reversed(found):
                rig.use.again(job_id, run["id"])
            return ("done" if found else "unchanged"), None
        before = rig.jobs.get(job_id)
        if action == "label":
            laid = {**before.data["labels"], **labels}
            after = rig.jobs.update(job_id, {"labels": {name: text for name, text in laid.items() if text is not None}})
        else:
            after = rig.jobs.toggle(job_id, {"enabled": action == "enable"})
        return ("unchanged" if after.revision == before.revision else "done"), None
    except ServiceError as error:
        return "refused", str(error)


def state(rig: Rig, job_ids: list[str]) -> list[Any]:
    """All that anybody can see of these jobs, without what differs between any two jobs."""
    found: list[Any] = []
    for job_id in job_ids:
        try:
            job = rig.jobs.get(job_id).data
        except NotFound:
            found.append(None)
            continue
        shown = ("enabled", "labels", "state", "revision", "name", "bot_type", "last_run_status")
        runs = [(run["status"], run["trigger"], "again_of" in run) for run in rig.history(job_id)]
        found.append(([job[name] for name in shown], runs, rig.counts(job_id)))
    return found


one_job = st.fixed_dictionaries({
    "bot_type": st.sampled_from(["echo", "birthday"]), "enabled": st.booleans(),
    "labels": st.dictionaries(st.sampled_from(["team", "x"]), st.sampled_from(["crm", "sales"]), max_size=2),
})  # fmt: skip
steps = st.lists(
    st.tuples(
        st.sampled_from(sorted(SCOPES)),
        st.dictionaries(
            st.sampled_from(["team", "x", "y"]), st.none() | st.sampled_from(["crm", "z"]), min_size=1, max_size=2
        ),
        st.integers(0, 7),
    ),
    max_size=4,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(one_job, min_size=1, max_size=4), steps, st.booleans())
def test_a_batch_is_the_same_single_requests(
    rig: Rig, jobs: list[dict[str, Any]], steps: list[Any], limited: bool
) -> None:
    """Outcome by outcome, state by state, entry by entry of the audit log, whatever the jobs and the limits."""
    rig.client.delete(rig.keys.audit)
    batches = Batches(rig.scripts, rig.jobs, rig.use)
    mine, twins = ([rig.make_job(**job) for job in jobs] for _ in range(2))
    for job_id in (mine[0], twins[0]):
        failed(rig, rig.use.run_now(job_id))
    with acting(limits=CRM if limited else NO_LIMITS):
        for action, labels, skipped in steps:
            nobody = str(uuid.uuid4())
            chosen = [place for place in range(len(jobs)) if place != skipped]
            body = {"action": action, "ids": [*(mine[place] for place in chosen), nobody]}
            body |= {"labels": labels} if action == "label" else {"since": SINCE} if action == "again" else {}
            rig.client.delete(rig.keys.audit)
            rehearsed = batches.carry_out({**body, "dry_run": True})
            assert audited(rig) == []
            told = batches.carry_out(body)
            by_batch = audited(rig)
            rig.client.delete(rig.keys.audit)
            expected = [single(rig, action, job_id, labels) for job_id in [*(twins[place] for place in chosen), nobody]]
            got = [(one["outcome"], one.get("detail")) for one in told["results"]]
            names = dict(zip(twins, mine, strict=True))
            masked = [(word, why and _with(why, names)) for word, why in expected]
            assert got == masked
            assert by_batch == audited(rig)
            assert [one["outcome"] for one in rehearsed["results"]] == [word for word, _ in got]
    assert state(rig, mine) == state(rig, twins)
    check_counts(rig.client, rig.keys)


def _with(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


# which jobs


def test_a_filter_takes_what_a_list_takes(rig: Rig, batches: Batches) -> None:
    """By label, bot, text, state; all of them must hold."""
    rig.make_job(name="one", labels={"team": "crm"})
    rig.make_job(name="two", labels={"team": "crm"}, enabled=False)
    rig.make_job(name="three", bot_type="birthday")
    failing = rig.make_job(name="four")
    failed(rig, rig.use.run_now(failing))
    filters: list[Any] = [
        "all", {"label": {"team": "crm"}}, {"bot_type": "birthday"}, {"q": "t"}, {"enabled_only": True},
        {"state": "disabled"}, {"state": "failing"}, {"state": "scheduled"}, {"label": {"team": "crm"}, "q": "wo"},
        {"state": "ended"},
    ]  # fmt: skip
    for asked in filters:
        given_to_list = {} if asked == "all" else dict(asked)
        labels = [f"{name}:{text}" for name, text in given_to_list.pop("label", {}).items()]
        listed = rig.jobs.list(limit=100, labels=labels, **given_to_list).data
        told = batches.carry_out({"action": "run", "filter": asked, "dry_run": True})
        assert [one["name"] for one in told["results"]] == [job["name"] for job in listed], asked
    names = {
        str(asked): [
            one["name"] for one in batches.carry_out({"action": "run", "filter": asked, "dry_run": True})["results"]
        ]
        for asked in filters
    }
    assert list(names.values()) == [
        ["one", "two", "three", "four"], ["one", "two"], ["three"], ["two", "three"], ["one", "three", "four"],
        ["two"], ["four"], ["one", "three", "four"], ["two"], [],
    ]  # fmt: skip


def test_a_filter_that_takes_more_than_a_call_may_leads_on(
    rig: Rig, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every job comes once, in the order of creation, also if those before it are deleted meanwhile."""
    monkeypatch.setattr("service.usecases.batches.batches.MOST_JOBS", 3)
    made = [rig.make_job(name=f"{number}", labels={"n": str(number % 2)}) for number in range(17)]
    wanted = made[::2]
    for dry_run in (True, False):
        body: dict[str, Any] = {"action": "delete", "filter": {"label": {"n": "0"}}, "dry_run": dry_run}
        found, calls = [], 0
        while True:
            told = batches.carry_out(body)
            found += [one["id"] for one in told["results"]]
            calls += 1
            if told["next_cursor"] is None:
                break
            body["cursor"] = told["next_cursor"]
        assert found == wanted and calls == 3
    assert [job["id"] for job in rig.jobs.list(limit=100).data] == made[1::2]


IDS = [str(uuid.UUID(int=number, version=4)) for number in range(1001)]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"action", "ids"}),
        ({"action": "run"}, {"ids"}),
        ({"action": "run", "ids": IDS, "filter": "all"}, {"ids"}),
        ({"action": "run", "ids": []}, {"ids"}),
        ({"action": "run", "ids": IDS}, {"ids"}),
        ({"action": "run", "ids": "x"}, {"ids"}),
        ({"action": "run", "ids": {"a": 1}}, {"ids"}),
        ({"action": "run", "ids": [1, None, [], ""]}, {"ids[0]", "ids[1]", "ids[2]", "ids[3]"}),
        ({"action": "run", "ids": ["x" * 101]}, {"ids[0]"}),
        ({"action": "run", "ids": [IDS[0], IDS[1], IDS[0]]}, {"ids[2]"}),
        ({"action": "run", "ids": IDS[:1], "cursor": "x"}, {"cursor"}),
        ({"action": "run", "filter": "all", "cursor": "x"}, {"cursor"}),
        ({"action": "run", "filter": {}}, {"filter"}),
        ({"action": "run", "filter": "some"}, {"filter"}),
        ({"action": "run", "filter": None}, {"filter"}),
        ({"action": "run", "filter": {"x": 1, "q": "", "label": {}}}, {"filter.x", "filter.q", "filter.label"}),
        ({"action": "run", "filter": {"label": {"a:b": "c", "d": 1}}}, {"filter.label.a:b", "filter.label.d"}),
        ({"action": "run", "filter": {"state": "lost", "enabled_only": 1}}, {"filter.state", "filter.enabled_only"}),
        ({"action": "burn", "ids": IDS[:1]}, {"action"}),
        ({"action": ["run"], "ids": IDS[:1]}, {"action"}),
        ({"action": "label", "ids": IDS[:1]}, {"labels"}),
        ({"action": "label", "ids": IDS[:1], "labels": {}}, {"labels"}),
        ({"action": "label", "ids": IDS[:1], "labels": {"a b": None, "c": "d e"}}, {"labels.a b", "labels.c"}),
        ({"action": "run", "ids": IDS[:1], "labels": {"a": "b"}, "since": SINCE}, {"labels", "since"}),
        ({"action": "again", "ids": IDS[:1]}, {"since"}),
        ({"action": "again", "ids": IDS[:1], "since": "yesterday"}, {"since"}),
        ({"action": "run", "ids": IDS[:1], "dry_run": "yes", "x": 1}, {"dry_run", "x"}),
    ],
)
def test_what_is_no_request_changes_nothing(rig: Rig, batches: Batches, body: dict[str, Any], fields: set[str]) -> None:
    """And each field is named."""
    rig.make_job()
    before = {key: rig.client.dump(key) for key in rig.client.keys("*")}
    with pytest.raises(ValidationFailed) as refusal:
        batches.carry_out(body, "a key")
    assert {error.field for error in refusal.value.errors} == fields
    assert {key: rig.client.dump(key) for key in rig.client.keys("*")} == before


def test_ids_of_nothing_are_answered_one_by_one(rig: Rig, batches: Batches) -> None:
    """The others are treated, and the texts come back as they were sent."""
    job_id = rig.make_job(name="here")
    sent = ["nothing", IDS[5], job_id, "ü\u202e", job_id.upper()]
    told = batches.carry_out({"action": "run", "ids": sent})
    assert [(one["id"], one["name"], one["status"]) for one in told["results"]] == [
        ("nothing", None, 404), (IDS[5], None, 404), (job_id, "here", 202), ("ü\u202e", None, 404),
        (job_id.upper(), None, 404),
    ]  # fmt: skip
    assert told["counts"] == {"done": 1, "unchanged": 0, "refused": 4}


# who may


@pytest.mark.parametrize("action", sorted(SCOPES))
@pytest.mark.parametrize("scopes", [frozenset(some) for n in range(4) for some in itertools.combinations(
    (Scope.READ, Scope.RUN, Scope.WRITE), n)])  # fmt: skip
def test_the_key_needs_what_the_action_needs_for_one_job(
    rig: Rig, batches: Batches, action: str, scopes: frozenset[Scope]
) -> None:
    """And `read` for a filter, and to see names."""
    job_id = rig.make_job(name="a name", enabled=action != "enable")
    more = MORE.get(action, {})
    before = rig.jobs.get(job_id).data
    for which, needed in (({"filter": "all"}, {SCOPES[action], Scope.READ}), ({"ids": [job_id]}, {SCOPES[action]})):
        for dry_run in (True, False):
            with acting(scopes):
                body: dict[str, Any] = {"action": action, **which, **more, "dry_run": dry_run}
                if needed <= scopes:
                    (one,) = batches.carry_out(body)["results"] or [{"outcome": "gone", "name": None}]
                    assert one["outcome"] != "refused" or one["status"] == 404
                    assert one["name"] in (None, "a name") and (one["name"] is None or Scope.READ in scopes)
                else:
                    with pytest.raises(Forbidden):
                        batches.carry_out(body)
                    assert SCOPES[action] in scopes or rig.jobs.get(job_id).data == before


@pytest.mark.parametrize("action", sorted(SCOPES))
@pytest.mark.parametrize("dry_run", [False, True])
def test_jobs_beyond_a_keys_limits_do_not_exist(rig: Rig, batches: Batches, action: str, dry_run: bool) -> None:
    """By id they are answered as unknown ones are, and no filter takes them; nothing of them changes."""
    own = rig.make_job(name="own", labels={"team": "crm"}, enabled=action != "enable")
    others = [
        rig.make_job(name="theirs", labels={"team": "sales"}, enabled=action != "enable"),
        rig.make_job(name="no"),
    ]
    for job_id in (own, *others):
        failed(rig, rig.use.run_now(job_id))
    before = [rig.client.dump(key) for job_id in others for key in (rig.keys.job(job_id), rig.keys.history(job_id))]
    more = MORE.get(action, {})
    nobody = str(uuid.uuid4())
    with acting(limits=CRM):
        told = batches.carry_out({"action": action, "ids": [*others, nobody], **more, "dry_run": dry_run})
        masked = [{**one, "id": "", "detail": one["detail"].replace(one["id"], "")} for one in told["results"]]
        assert masked[0] == masked[1] == masked[2] and masked[0]["status"] == 404 and masked[0]["name"] is None
        by_filter = batches.carry_out({"action": action, "filter": "all", **more, "dry_run": dry_run})
        assert [one["name"] for one in by_filter["results"]] == ["own"]
        assert by_filter["counts"]["done"] == 1
    after = [rig.client.dump(key) for job_id in others for key in (rig.keys.job(job_id), rig.keys.history(job_id))]
    assert after == before


def test_no_job_is_labelled_out_of_a_keys_limits(rig: Rig, batches: Batches) -> None:
    """The refusal names the label, as for one job; the others are labelled."""
    own = rig.make_job(labels={"team": "crm"})
    with acting(limits=CRM):
        for labels in ({"team": None}, {"team": "sales"}):
            (one,) = batches.carry_out({"action": "label", "ids": [own], "labels": labels})["results"]
            assert (one["outcome"], one["status"]) == ("refused", 400)
            assert one["errors"] == [{"field": "labels.team", "message": 'must be "crm", to which this key is limited'}]
    assert rig.jobs.get(own).data["labels"] == {"team": "crm"}


# labels


def test_labels_are_laid_over(rig: Rig, batches: Batches) -> None:
    """Others stay; null takes one away; what a job may not have is refused for it alone."""
    full = {f"l{number}": "x" for number in range(20)}
    jobs = [rig.make_job(labels=labels) for labels in ({"a": "1", "b": "2"}, {}, {"c": "3"}, full)]
    told = batches.carry_out({"action": "label", "ids": jobs, "labels": {"a": None, "c": "3"}})
    assert [one["outcome"] for one in told["results"]] == ["done", "done", "unchanged", "refused"]
    assert told["results"][3]["errors"][0]["field"] == "labels"
    found = [rig.jobs.get(job_id).data["labels"] for job_id in jobs]
    assert found == [{"b": "2", "c": "3"}, {"c": "3"}, {"c": "3"}, full]


# again


def test_again_does_what_failed_and_what_nothing_has_made_up_for(rig: Rig, batches: Batches) -> None:
    """Each occurrence and each run by hand by its newest run; not a rehearsal, and not what has been done again."""
    job_id = rig.make_job(options={"max_concurrent_runs": 10})
    by_hand, occurrence = rig.use.run_now(job_id), rig.run_due(job_id)
    rehearsal = rig.use.run_now(job_id, {"bot_config": {"dry_run": True}})
    overlaid = rig.use.run_now(job_id, {"bot_config": {"dry_run": False}})
    retried, repeated = rig.use.run_now(job_id), rig.use.run_now(job_id)
    for run_id in (by_hand, occurrence, rehearsal, overlaid, repeated):
        failed(rig, run_id)
    retry = "0b7f7a1e-0000-4000-8000-000000000001"
    failed(rig, retried, Retry(retry, 2, 0))
    rig.use.again(job_id, repeated)
    body = {"action": "again", "ids": [job_id], "since": SINCE}
    (rehearsed,) = batches.carry_out({**body, "dry_run": True})["results"]
    (told,) = batches.carry_out(body)["results"]
    assert told["again_of"] == rehearsed["again_of"] == [by_hand, occurrence, overlaid]
    runs = [rig.use.run(job_id, run_id).data for run_id in told["run_ids"]]
    assert [run["again_of"] for run in runs] == told["again_of"]
    assert runs[1]["scheduled_for"] == rig.use.run(job_id, occurrence).data["scheduled_for"]
    assert rig.client.hget(rig.keys.run(runs[2]["id"]), "overlay") == rig.client.hget(rig.keys.run(overlaid), "overlay")
    check_counts(rig.client, rig.keys)
    (once_more,) = batches.carry_out(body)["results"]
    assert (once_more["outcome"], once_more["status"], once_more["run_ids"]) == ("unchanged", 200, [])
    failed(rig, retry)
    assert batches.carry_out(body)["results"][0]["again_of"] == [retry]


def test_again_looks_at_runs_since_then(rig: Rig, batches: Batches) -> None:
    """By when they were queued, to the second; also where one that awaited its time came forward."""
    job_id = rig.make_job(options={"max_concurrent_runs": 10})
    runs = [rig.use.run_now(job_id) for _ in range(30)]
    for place, run_id in enumerate(runs):
        failed(rig, run_id)
        rig.client.hset(rig.keys.run(run_id), "queued_at", 1_000_000 + place * 1000)
    early = rig.use.run_now(job_id)
    failed(rig, early)
    rig.client.hset(rig.keys.run(early), mapping={"queued_at": 1000, "not_before": 2_000_000})
    told = batches.carry_out({"action": "again", "ids": [job_id], "since": "1970-01-01T00:16:45", "dry_run": True})
    assert told["results"][0]["again_of"] == runs[5:]


def test_a_jobs_failed_runs_are_done_again_together_or_not_at_all(rig: Rig, batches: Batches) -> None:
    """Too many failed, or too many wait: no run is made, and the sentence says what to do."""
    job_id = rig.make_job(options={"max_concurrent_runs": MOST_REPEATED + 1})
    runs = [rig.use.run_now(job_id) for _ in range(MOST_REPEATED + 1)]
    for run_id in runs:
        failed(rig, run_id)
    body = {"action": "again", "ids": [job_id], "since": SINCE}
    (one,) = batches.carry_out(body)["results"]
    assert (one["status"], "101 runs" in one["detail"]) == (409, True)
    assert rig.counts(job_id) == (0, 0)
    failed(rig, rig.use.again(job_id, runs[0]))
    rig.client.hset(rig.keys.run(runs[1]), "status", "success")
    rig.jobs.update(job_id, {"options": {"max_concurrent_runs": 1}})
    for _ in range(rig.limits.waiting - 50):
        rig.use.run_now(job_id)
    before = rig.counts(job_id)
    (one,) = batches.carry_out(body)["results"]
    assert (one["status"], "waiting" in one["detail"]) == (409, True)
    assert rig.counts(job_id) == before
    check_counts(rig.client, rig.keys)


def test_another_key_cannot_do_more_by_a_batch_than_run_by_run(rig: Rig, batches: Batches) -> None:
    """An overlay that is no rehearsal needs `write` again; of such a job none is done."""
    plain, overlaid = rig.make_job(), rig.make_job(options={"max_concurrent_runs": 5})
    for job_id, body in ((plain, None), (overlaid, None), (overlaid, {"bot_config": {"dry_run": False}})):
        failed(rig, rig.use.run_now(job_id, body))
    for dry_run in (True, False):
        with acting(frozenset({Scope.RUN})):
            told = batches.carry_out({"action": "again", "ids": [plain, overlaid], "since": SINCE, "dry_run": dry_run})
        assert [one["status"] for one in told["results"]] == [202, 403]
    assert rig.counts(overlaid) == (0, 0)


# once, and when Redis goes away


@pytest.mark.parametrize("action", sorted(SCOPES))
def test_the_same_key_gets_the_same_answer_and_does_nothing_twice(rig: Rig, batches: Batches, action: str) -> None:
    """Also where the filter would take other jobs by now. Another body is refused; another caller's key is its own."""
    jobs = [rig.make_job(enabled=action != "enable", name=f"n{number}") for number in range(3)]
    for job_id in jobs:
        failed(rig, rig.use.run_now(job_id))
    more = MORE.get(action, {})
    which = {"enable": {"state": "disabled"}, "disable": {"enabled_only": True}}.get(action, {"q": "n"})
    body = {"action": action, "filter": which, **more}
    first = batches.carry_out(body, "once")
    rig.make_job(name="n4", enabled=action != "enable")
    before = {key: rig.client.dump(key) for key in rig.client.keys("*")}
    assert batches.carry_out(body, "once") == first
    assert {key: rig.client.dump(key) for key in rig.client.keys("*")} == before
    assert first["counts"]["done"] == 3
    with pytest.raises(Conflict):
        batches.carry_out({**body, "filter": "all"}, "once")
    with acting():
        assert batches.carry_out(body, "once") != first
    assert 0 < min(rig.client.ttl(key) for key in rig.client.keys("*idempotency*")) <= 86_400


class Away(Exception):
    """Not foreseen."""


def test_a_batch_that_broke_off_goes_on_with_the_same_jobs(
    rig: Rig, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that it had not come to say so; with its key, no run is asked for twice, and a new job is left out."""
    jobs = [rig.make_job(name=f"n{number}") for number in range(4)]
    body = {"action": "run", "filter": "all"}
    run_now, calls = rig.use.run_now, itertools.count()

    def breaking(job_id: str, asked: object | None = None, key: str | None = None) -> str:
        if next(calls) == 2:
            raise StoreUnavailable("Redis is away")
        return run_now(job_id, asked, key)

    monkeypatch.setattr(rig.use, "run_now", breaking)
    first = batches.carry_out(body, "once")
    assert [one["status"] for one in first["results"]] == [202, 202, 503, 503]
    assert "Nothing was tried" in first["results"][3]["detail"]
    rig.make_job(name="n4")
    second = batches.carry_out(body, "once")
    assert [one["id"] for one in second["results"]] == jobs
    assert [one["status"] for one in second["results"]] == [202] * 4
    assert second["results"][:2] == first["results"][:2]
    assert [rig.counts(job_id)[0] for job_id in jobs] == [1] * 4
    assert batches.carry_out(body, "once") == second


def test_redis_away_at_the_first_job_is_no_answer(rig: Rig, batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the error of the whole request."""
    job_id = rig.make_job()

    def away(*_: object) -> str:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(rig.use, "run_now", away)
    with pytest.raises(StoreUnavailable):
        batches.carry_out({"action": "run", "ids": [job_id]})


def test_an_error_that_nobody_foresaw_is_one_jobs(
    rig: Rig, batches: Batches, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are treated; the log tells of it, and the answer does not."""
    jobs = [rig.make_job() for _ in range(3)]
    run_now = rig.use.run_now

    def failing(job_id: str, *more: Any) -> str:
        if job_id == jobs[1]:
            raise Away("with a secret")
        return run_now(job_id, *more)

    monkeypatch.setattr(rig.use, "run_now", failing)
    told = batches.carry_out({"action": "run", "ids": jobs})
    assert [one["status"] for one in told["results"]] == [202, 500, 202]
    assert told["results"][1]["detail"] == "Internal server error"
    assert "with a secret" in caplog.text


def test_a_damaged_job_can_be_deleted_among_others(rig: Rig, batches: Batches) -> None:
    """And is refused by itself for all that needs its definition."""
    fine, damaged = rig.make_job(), rig.make_job()
    rig.client.hset(rig.keys.job(damaged), "revision", "x")
    told = batches.carry_out({"action": "disable", "ids": [damaged, fine]})
    assert [one["status"] for one in told["results"]] == [409, 200]
    told = batches.carry_out({"action": "delete", "ids": [damaged, fine]})
    assert [one["status"] for one in told["results"]] == [204, 204]


def test_statuses_are_those_of_single_requests() -> None:
    """The web process has its own list; the two agree."""
    theirs = dict(errors._STATUSES)
    assert all(theirs[kind] == status for kind, status in STATUSES)
    assert MOST_JOBS == 1000
