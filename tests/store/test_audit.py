"""Each change that people make has its entry in the audit log, and no entry is without its change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from redis import Redis

from service import logs
from service.domain.access.callers import SERVICE, Caller, act_as_before, act_for
from service.domain.access.changes import remark_on_changes
from service.domain.access.differences import Differences
from service.domain.access.scopes import ALL
from service.errors import Conflict, NotFound, PreconditionFailed, StoreUnavailable, ValidationFailed
from service.secrecy import redaction
from service.store.audit.entries import LONGEST_FIELDS, LONGEST_VALUE, entry_of, recorded
from service.store.audit.refusals import MOST, RefusedScopes
from service.store.contacts import ContactStore
from service.store.scripts import script_of
from service.usecases.access.audit import Audit
from service.usecases.contacts import ContactBook
from service.usecases.definitions import Definitions
from tests.support.processes import until
from tests.support.store_rig import Rig

ADA = Caller("k1", "Ada's key", ALL, session="s1", address="192.0.2.1")


@pytest.fixture(autouse=True)
def ada() -> Iterator[None]:
    """A person asks, unless a test says otherwise."""
    token, request = act_for(ADA), logs._request_id.set("request-1")
    yield
    logs._request_id.reset(request)
    act_as_before(token)
    remark_on_changes(None)


def entries(rig: Rig, **filters: Any) -> list[dict[str, Any]]:
    """All entries, oldest first."""
    return Audit(rig.scripts).page(limit=200, **filters).data[::-1]


def actions(rig: Rig) -> list[tuple[str, str]]:
    """What was done to what."""
    return [(entry["action"], entry["object"]) for entry in entries(rig)]


def test_an_entry_says_who_did_what_and_when(rig: Rig) -> None:
    """The key, the session, the address, the request, and the caller's remark."""
    remark_on_changes("for the summer")
    job_id = rig.make_job(name="One", description=None)
    (entry,) = entries(rig)
    assert {name: entry[name] for name in ("actor", "actor_name", "session", "address", "request_id", "note")} == {
        "actor": "k1", "actor_name": "Ada's key", "session": "s1", "address": "192.0.2.1", "request_id": "request-1",
        "note": "for the summer",
    }  # fmt: skip
    assert (entry["action"], entry["object"], entry["revision_before"], entry["revision_after"]) == (
        "job.create", job_id, None, 1,
    )  # fmt: skip
    assert entry["fields"]["name"] == {"from": None, "to": "One"}
    assert entry["fields"]["schedule_config.minutes"] == {"from": None, "to": 1}
    assert not any(path.startswith(("options.", "description")) for path in entry["fields"])


def test_a_change_tells_the_changed_fields_alone(rig: Rig) -> None:
    """Old and new, nested ones by their paths, with the revision before and after."""
    job_id = rig.make_job(name="One")
    rig.jobs.update(job_id, {"name": "Two", "options": {"max_retries": 3}})
    *_, entry = entries(rig)
    assert (entry["action"], entry["revision_before"], entry["revision_after"]) == ("job.update", 1, 2)
    assert entry["fields"] == {"name": {"from": "One", "to": "Two"}, "options.max_retries": {"from": 0, "to": 3}}


def test_each_kind_of_change_of_jobs_and_runs_has_its_word(rig: Rig) -> None:
    """Also the jobs of a document, each with an entry of its own."""
    job_id = rig.make_job()
    rig.jobs.toggle(job_id, {"enabled": False})
    rig.jobs.toggle(job_id, {"enabled": True})
    run_id = rig.use.run_now(job_id, {"bot_config": {"dry_run": True}})
    rig.use.cancel(job_id, run_id)
    rig.jobs.delete(job_id)
    assert actions(rig) == [
        ("job.create", job_id), ("job.disable", job_id), ("job.enable", job_id), ("run.request", run_id),
        ("run.cancel", run_id), ("job.delete", job_id),
    ]  # fmt: skip
    assert entries(rig)[3]["fields"] == {"bot_config.dry_run": {"from": None, "to": True}}
    assert [entry["action"] for entry in entries(rig, job_id=job_id, action="run")] == ["run.request", "run.cancel"]


def test_an_applied_document_notes_each_of_its_jobs(rig: Rig) -> None:
    """Made, changed and pruned; a dry run notes nothing."""
    kept, pruned = rig.make_job(name="kept"), rig.make_job(name="pruned")
    definitions = Definitions(rig.jobs, rig.job_store, rig.jobs._clock, rig.jobs._configs)
    new = {"name": "new", "bot_type": "echo", "schedule_type": "interval", "schedule_config": {"minutes": 2}}
    document = {"version": 1, "jobs": [{**new, "name": "kept", "id": kept}, new]}
    definitions.apply(document, prune=True, dry_run=True)
    assert len(actions(rig)) == 2
    changes = definitions.apply(document, prune=True)["changes"]
    made = next(change["id"] for change in changes if change["action"] == "create")
    assert sorted(actions(rig)[2:]) == sorted([("job.update", kept), ("job.create", made), ("job.delete", pruned)])


def test_what_changes_nothing_writes_nothing(rig: Rig) -> None:
    """Refused, stale, repeated and idle calls."""
    job_id = rig.make_job(name="One")
    run_id = rig.use.run_now(job_id, None, "key")
    rig.use.cancel(job_id, run_id)
    before = actions(rig)
    rig.jobs.update(job_id, {"name": "One"})
    rig.jobs.toggle(job_id, {"enabled": True})
    assert rig.use.run_now(job_id, None, "key") == run_id
    with pytest.raises(PreconditionFailed):
        rig.jobs.update(job_id, {"name": "Two"}, [7])
    with pytest.raises(PreconditionFailed):
        rig.jobs.delete(job_id, [7])
    with pytest.raises(ValidationFailed):
        rig.jobs.update(job_id, {"name": ""})
    with pytest.raises(Conflict):
        rig.use.cancel(job_id, run_id)
    with pytest.raises(NotFound):
        rig.jobs.delete("00000000-0000-4000-8000-000000000000")
    record = rig.job_store.get(job_id)
    assert record is not None
    rig.jobs.update(job_id, {"name": "Three"})
    assert not rig.job_store.replace(record, record)
    assert actions(rig)[len(before) :] == [("job.update", job_id)]


def test_a_cancel_of_a_run_under_way_is_noted_once(rig: Rig) -> None:
    """Who asks again changes nothing."""
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.start(run_id)
    assert rig.use.cancel(job_id, run_id)[0] is False
    assert rig.use.cancel(job_id, run_id)[0] is False
    assert [action for action, _ in actions(rig)] == ["job.create", "run.request", "run.cancel"]


def test_runs_by_hand_and_cancels_say_who_asked(rig: Rig) -> None:
    """In the history; what the schedule makes has nobody."""
    job_id = rig.make_job(options={"max_concurrent_runs": 3})
    rig.run_due(job_id)
    run_id = rig.use.run_now(job_id)
    ada = {"actor": "k1", "name": "Ada's key"}
    assert [(run["trigger"], run["requested_by"]) for run in rig.history(job_id)] == [
        ("manual", ada), ("schedule", None),
    ]  # fmt: skip
    act_for(Caller("root", "root", ALL))
    rig.use.cancel(job_id, run_id)
    assert rig.history(job_id)[0]["requested_by"] == {"actor": "root", "name": "root"}


def test_the_services_own_doing_is_no_entry(rig: Rig) -> None:
    """It is history."""
    act_for(SERVICE)
    job_id = rig.make_job()
    rig.use.cancel(job_id, rig.use.run_now(job_id))
    rig.jobs.delete(job_id)
    assert actions(rig) == []


def test_secrets_leave_their_names_alone(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the service knows to be secret."""
    monkeypatch.setattr(redaction, "_present", redaction.Redaction.of({"BOT_SECRET_HOOK": "correct-horse-battery"}))
    rig.make_job(name="Call correct-horse-battery")
    stored = rig.client.xrange(rig.keys.audit)
    assert b"correct-horse" not in repr(stored).encode()
    assert entries(rig)[0]["fields"]["name"]["to"] == "Call [BOT_SECRET_HOOK]"


def test_what_outgrows_an_entry_is_cut_visibly(rig: Rig) -> None:
    """A long value ends with its length; beyond a size, names alone are left."""
    many: Differences = {f"bot_config.field{number}": (None, "y" * 1000) for number in range(20)}
    shown = recorded(many)
    assert list(shown) == list(many)
    assert shown["bot_config.field0"] == (None, "y" * LONGEST_VALUE + "… (1,000 characters)")
    assert list(shown.values())[-1] is None
    assert len(str(shown)) < LONGEST_FIELDS + 1000


def test_the_log_is_paged_and_filtered(rig: Rig) -> None:
    """By key, action, job and time, newest first."""
    ids = [rig.make_job() for _ in range(5)]
    audit = Audit(rig.scripts)
    first = audit.page(limit=2)
    second = audit.page(limit=2, cursor=first.next_cursor)
    third = audit.page(limit=2, cursor=second.next_cursor)
    assert [entry["object"] for page in (first, second, third) for entry in page.data] == ids[::-1]
    assert third.next_cursor is None
    assert entries(rig, actor="nobody") == []
    assert len(entries(rig, actor="k1", action="job.create")) == 5
    assert len(entries(rig, action="job")) == 5 and entries(rig, action="run") == []
    assert [entry["object"] for entry in entries(rig, job_id=ids[3])] == [ids[3]]
    assert entries(rig, since="2100-01-01T00:00:00") == []
    assert len(entries(rig, until="2100-01-01T00:00:00")) == 5
    for cursor in ("next", "0-0", "00-0"):
        with pytest.raises(ValidationFailed, match="must be the cursor of an earlier page"):
            audit.page(limit=2, cursor=cursor)
    assert audit.page(limit=2, cursor="0-1").data == []
    with pytest.raises(ValidationFailed):
        audit.page(limit=2, since="yesterday")


@pytest.mark.parametrize(
    "filters",
    [{"action": "job.crea"}, {"action": ""}, {"actor": ""}, {"job_id": ""}, {"job_id": "mine"}, {"since": ""}],
    ids=str,
)
def test_a_filter_that_nothing_can_pass_is_refused(rig: Rig, filters: dict[str, str]) -> None:
    """By its name, since an empty page would say that nobody has changed anything."""
    with pytest.raises(ValidationFailed) as refused:
        Audit(rig.scripts).page(limit=2, **filters)
    assert [error.field for error in refused.value.errors] == list(filters)


def test_a_search_far_back_begins_there(rig: Rig) -> None:
    """Not at thousands of newer entries, which would be many empty pages; nor does it go on past its beginning."""
    with rig.client.pipeline() as many:
        for number in range(20_000):
            entry = {"at": 1_000_000 + number * 1000, "entry": json.dumps({"actor": "k1", "action": "job.update"})}
            many.xadd(rig.keys.audit, entry, id=f"{1_000_000 + number * 1000}-0")  # type: ignore[arg-type]
        many.execute()
    page = Audit(rig.scripts).page(limit=3, actor="k1", since="1970-01-01T00:16:40", until="1970-01-01T00:16:42")
    assert [entry["at"] for entry in page.data] == ["1970-01-01T00:16:41", "1970-01-01T00:16:40"]
    assert page.next_cursor is None


def test_a_damaged_log_stops_nothing(rig: Rig, redis_client: Redis) -> None:
    """What outside hands have put in its place gives way; entries that they have made are left out."""
    redis_client.set(rig.keys.audit, "not a stream")
    assert entries(rig) == []
    job_id = rig.make_job()
    redis_client.xadd(rig.keys.audit, {"at": "soon"})
    assert actions(rig) == [("job.create", job_id)]


def test_contacts_leave_their_ids_and_the_names_of_fields(rig: Rig, book: ContactBook) -> None:
    """No value of a person, whatever is done to it."""
    ada = book.create({"name": "Ada Lovelace", "birthday": "1815-12-10", "emails": ["ada@example.org"]})["id"]
    book.update(ada, {"phones": ["+441234"]})
    book.update(ada, {"phones": ["+441234"]})
    other = book.create({"name": "Augusta King", "birthday": "1815-12-10"})["id"]
    with pytest.raises(Conflict):
        book.create({"name": "Augusta King", "birthday": "1815-12-10"})
    book.merge(ada, {"from": [other]})
    book.delete(ada)
    with pytest.raises(NotFound):
        book.delete(ada)
    assert actions(rig) == [
        ("contact.create", ada), ("contact.update", ada), ("contact.create", other), ("contact.merge", ada),
        ("contact.delete", ada),
    ]  # fmt: skip
    made, changed, _, merged, _ = entries(rig)
    assert {"name", "birthday", "emails"} <= set(made["fields"]) and set(made["fields"].values()) == {None}
    assert changed["fields"] == {"phones": None}
    assert merged["fields"] == {"merged": {"from": None, "to": [other]}}
    stored = repr(rig.client.xrange(rig.keys.audit))
    assert not any(value in stored for value in ("Lovelace", "Augusta", "1815", "ada@", "441234"))


CARDS = b"name,email\nAda,ada@example.org\nBen,ben@example.org\n"


def test_an_import_is_one_entry_with_its_counts(rig: Rig, book: ContactBook) -> None:
    """One that changes nothing, or is refused, leaves none."""
    book.import_stream(BytesIO(CARDS))
    book.import_stream(BytesIO(CARDS))
    with pytest.raises(ValidationFailed):
        book.import_stream(BytesIO(b""))
    (entry,) = entries(rig)
    assert entry["action"] == "contacts.import"
    assert {name: values["to"] for name, values in entry["fields"].items()} == {"created": 2, "updated": 0, "merged": 0}


def test_an_import_that_breaks_off_says_so(rig: Rig, book: ContactBook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry is there before its first contact."""
    monkeypatch.setattr(ContactStore, "save_many", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        book.import_stream(BytesIO(CARDS))
    assert entries(rig)[0]["fields"] == {"finished": {"from": None, "to": False}}


def test_the_script_of_actions_is_safe_to_repeat(rig: Rig) -> None:
    """An answer that was lost makes no second entry, neither in the beginning nor in the end."""
    note = script_of(rig.client, "note_action", rig.keys)
    begun, ended = entry_of("contacts.import", ""), entry_of("contacts.import", "", {"created": (None, 1)})
    first = note((), [begun.text, "m1", ""])
    assert note((), [begun.text, "m1", ""]) == first
    assert note((), [ended.text, "m2", first]) != b""
    assert note((), [ended.text, "m2", first]) == b""
    assert [entry["fields"] for entry in entries(rig)] == [{"created": {"from": None, "to": 1}}]


def test_an_acknowledgement_is_noted_if_there_is_something_to_acknowledge(rig: Rig) -> None:
    """The second time there is not."""
    rig.health.acknowledge()
    rig.client.hset(rig.keys.data, mapping={"went_back_at": 1, "went_back": "older", "went_back_beats": 3})
    rig.health.acknowledge()
    rig.health.acknowledge()
    assert actions(rig) == [("notices.acknowledge", "")]


def test_refusals_of_a_minute_are_one_entry_with_their_number(rig: Rig) -> None:
    """In a stream of their own, whichever process noted them; another route is another entry."""
    first, second = RefusedScopes(rig.scripts), RefusedScopes(rig.scripts)
    until(lambda: int(rig.client.time()[0]) % 60 < 55, 30)
    for refused in (first, second, first):
        for _ in range(10):
            refused.note(ADA, "POST", "/scheduler/jobs")
        refused.note(ADA, "DELETE", "/scheduler/jobs/{job_id}")
        refused.settle()
    assert not first.is_unsettled
    assert actions(rig) == []
    found = entries(rig, action="refused")
    assert sorted((entry["object"], entry["count"], entry["actor"], entry["address"]) for entry in found) == [
        ("DELETE /scheduler/jobs/{job_id}", 3, "k1", "192.0.2.1"), ("POST /scheduler/jobs", 30, "k1", "192.0.2.1"),
    ]  # fmt: skip


def test_refusals_are_bounded_and_wait_for_redis(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Redis does not take is written later; beyond a number, the kinds are counted together."""
    refused = RefusedScopes(rig.scripts)
    for number in range(MOST + 50):
        refused.note(ADA, "GET", f"/{number}")

    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(type(rig.scripts), "run", away)
        refused.settle()
    assert refused.is_unsettled
    refused.settle()
    found = entries(rig, action="refused")
    assert len(found) == MOST + 1
    assert sum(entry["count"] for entry in found) == MOST + 50
    assert {entry["actor"]: entry["count"] for entry in found}["others"] == 50


def test_the_script_of_refusals_is_safe_to_repeat(rig: Rig) -> None:
    """It counts none twice."""
    entry = json.dumps({"actor": "k1", "object": "GET /x", "action": "refused", "count": 3})
    assert rig.scripts.run("note_refusals", "m1", entry) == 1
    assert rig.scripts.run("note_refusals", "m1", entry) == 0
    assert [entry["count"] for entry in entries(rig, action="refused")] == [3]
