"""Erasure of a person: gone from every key and text in every spelling, still counted, still recognised."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from redis import Redis

from service.bots.registry import load_bots
from service.domain.access.changes import remark_on_changes
from service.domain.ids import is_id
from service.domain.people.contact import Contact
from service.domain.people.erasure.seal import is_sealed
from service.domain.people.erasure.traces import ERASED
from service.domain.run_records import Outcome
from service.domain.schedules.definition import Union
from service.errors import NotFound
from service.store.audit.reading import read_entry
from service.store.contacts import ContactStore
from service.store.jobs.revisions import RevisionStore
from service.store.keys import Keys
from service.store.ledger import RedisLedger
from service.store.rq_records import make_scripts
from service.store.runs.run_views import History
from service.store.scripts import Limits
from service.usecases.contacts import ContactBook
from service.usecases.erasure import Erasure
from service.usecases.fates.occurrences import Occurrences
from tests.support import dumps
from tests.support.store_rig import Rig

KEYS = Keys()
NAME, EMAIL, PHONE, URL = "Zoë Ångström-Lee", "zoe.lee+x@example.org", "+49 170 1234567", "https://example.org/~zoe/me"
PERSON: dict[str, Any] = {
    "name": NAME, "given_name": "Zoë", "family_name": "Ångström-Lee", "birthday": "1990-04-12", "emails": [EMAIL],
    "phones": [PHONE], "urls": [URL],
}  # fmt: skip
RUN, OTHER_RUN, JOB = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")
SPELLINGS = [
    NAME, NAME.upper(), NAME.lower(), "Ångström-Lee, Zoë", quote(NAME), quote_plus(NAME.upper()),
    json.dumps(NAME)[1:-1], json.dumps(json.dumps(NAME))[1:-1], quote(json.dumps(NAME)), quote(quote(NAME)),
    EMAIL, EMAIL.upper(), quote(EMAIL), f"mailtos://u:p@host?to={quote(EMAIL, safe='')}", f"<{EMAIL}>",
    json.dumps(f"\n{EMAIL}")[1:-1], PHONE, "0049170/123-4567", quote(PHONE), "(+49) 170 1234567",
    URL, quote(URL, safe=""), URL.replace("/", "\\/"), URL.upper(), "example.org/~zoe/me",
]  # fmt: skip


@pytest.fixture
def erasure(redis_client: Redis) -> Erasure:
    """Of the installation on the server."""
    return Erasure(make_scripts(redis_client, KEYS, Limits()), load_bots())


def everything(client: Redis) -> list[str]:
    """Every key and every text in Redis."""
    rows = [json.dumps(row, ensure_ascii=False) for row in dumps.dump(client)]
    return [row.lower() for row in rows]


def tells(texts: list[str]) -> Iterator[str]:
    """Those in which the person stands in some spelling."""
    marks = (
        "ngstr",
        "ngström",
        "\\u00e5ngstr",
        "%c3%a5ngstr",
        "zoe.lee",
        "1234567",
        "123-4567",
        "~zoe",
        "zoë",
        "zo\\u00eb",
    )
    return (text for text in texts if any(mark in text for mark in marks))


def fill(client: Redis, contact_id: str) -> None:
    """Writes of the person wherever texts are kept."""
    for number, spelling in enumerate(SPELLINGS):
        line = json.dumps({"message": f"line {number}: {spelling}, and Bo"}, ensure_ascii=bool(number % 2))
        client.rpush(KEYS.run_log(RUN), line)
        client.zadd(KEYS.run_log_tail(RUN), {f"{number + 100} {line}": number + 100})
        client.lpush(KEYS.alerts, json.dumps({"kind": "failed", "error": spelling}))
        client.hset(
            KEYS.idempotency(f"{number}"), mapping={"answer": json.dumps({"detail": spelling}), "fingerprint": "f"}
        )
        client.xadd(KEYS.rq_results(RUN), {"exc_string": f"ValueError: {spelling}", "type": "2"})
    about = {"contact_id": contact_id, "name": "Zoë", "to": "somewhere", "reason": "550", "days": 3}
    result = {"sent": 1, "failures": [about, {"contact_id": JOB, "name": "Bo"}], NAME: "of a bot", "note": EMAIL}
    client.hset(KEYS.run(RUN), mapping={
        "job_id": JOB, "bot_type": "birthday", "status": "failed", "finished_at": "1", "result": json.dumps(result),
        "overlay": json.dumps({"to": EMAIL}),
        "error": f"{NAME} ({EMAIL}) got nothing", "messages_sent": "1",
    })  # fmt: skip
    client.hset(KEYS.job(JOB), mapping={"name": "Greet", "bot_type": "birthday", "last_run_error": f"to {EMAIL}"})
    client.hset(
        KEYS.rq_job(RUN), mapping={"description": f"for {NAME}", "origin": KEYS.queue_name, "data": b"\xff\x00"}
    )
    client.set(KEYS.memory("visitor", f"page:{URL}"), "x")
    client.set(KEYS.ledger("birthday", f"{contact_id}:2026"), f"sent to {EMAIL}", ex=1000)
    cards: dict[Any, Any] = {"/a.vcf": f"{contact_id} etag", f"/{quote(NAME)}.vcf": f"{contact_id} e2"}
    client.hset(KEYS.cards("b" * 32), mapping=cards)
    client.hset(KEYS.cards_given("b" * 32), mapping={"/a.vcf": json.dumps({"emails": [EMAIL]}), "/other.vcf": "{}"})
    client.hset(KEYS.cards_skipped("b" * 32), "/c.vcf", f"again {NAME} has no name")
    for card in cards:
        client.zadd(KEYS.card_owners, {f"{contact_id} {'b' * 32} {card}": 0})


def test_nothing_in_redis_names_the_person_and_the_rest_stays(
    redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """Keys, texts, in every spelling; others keep all that is theirs, and the history still counts."""
    contact_id = book.create(PERSON)["id"]
    other = book.create({"name": "Bo Other", "emails": ["bo@example.org"]})
    fill(redis_client, contact_id)
    ttl = redis_client.ttl(KEYS.ledger("birthday", f"{contact_id}:2026"))
    assert len(list(tells(everything(redis_client)))) > 20
    found = erasure.erase(contact_id)
    assert list(tells(everything(redis_client))) == []
    assert not any(contact_id in text for text in everything(redis_client))
    assert found["left"] == [] and found["under_way"] == []
    assert found["found"] == {
        "address_books": 1, "alerts": len(SPELLINGS), "cards": 2, "contacts": 1, "idempotency": len(SPELLINGS),
        "ledger": 1, "ledger_entries": 1, "logs": 2 * len(SPELLINGS), "memory": 1, "results": 4,
        "rq": len(SPELLINGS) + 1,
    }  # fmt: skip
    stands = found["erased_as"]
    fields: Any = redis_client.hgetall(KEYS.run(RUN))
    run = {key.decode(): value.decode() for key, value in fields.items()}
    assert run | {"result": "", "error": ""} == {
        "job_id": JOB, "bot_type": "birthday", "status": "failed", "finished_at": "1", "messages_sent": "1",
        "result": "", "error": "", "overlay": json.dumps({"to": ERASED}, separators=(",", ":")),
    }  # fmt: skip
    assert run["error"] == f"{ERASED} ({ERASED}) got nothing"
    assert json.loads(run["result"]) == {
        "sent": 1, ERASED: "of a bot", "note": ERASED,
        "failures": [
            {"contact_id": stands, "name": ERASED, "to": ERASED, "reason": ERASED, "days": 3},
            {"contact_id": JOB, "name": "Bo"},
        ],
    }  # fmt: skip
    lines = [json.loads(line) for line in redis_client.lrange(KEYS.run_log(RUN), 0, -1)]
    assert len(lines) == len(SPELLINGS) and all(ERASED in line["message"] and "Bo" in line["message"] for line in lines)
    assert redis_client.get(KEYS.ledger("birthday", f"{stands}:2026")) == f"sent to {ERASED}".encode()
    assert 0 < redis_client.ttl(KEYS.ledger("birthday", f"{stands}:2026")) <= ttl
    assert redis_client.hget(KEYS.cards("b" * 32), "/a.vcf") == f"{stands} etag".encode()
    assert redis_client.hgetall(KEYS.cards_given("b" * 32)) == {b"/a.vcf": b"null", b"/other.vcf": b"{}"}
    assert redis_client.hget(KEYS.rq_job(RUN), "data") == b"\xff\x00"
    assert book.get(other["id"]) == other


def test_no_process_goes_on_showing_the_runs_that_it_remembers(rig: Rig, book: ContactBook, erasure: Erasure) -> None:
    """Ended runs are remembered by each process; an erasure makes all of them read the runs again."""
    contact_id = book.create(PERSON)["id"]
    job_id = rig.make_job()
    run_id = rig.use.run_now(job_id)
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success", None, {"found": [NAME]}))
    processes = [History(rig.scripts) for _ in range(2)]
    assert all(NAME in json.dumps(shown_by(each, job_id), ensure_ascii=False) for each in processes)
    erasure.erase(contact_id)
    assert [shown_by(each, job_id)[0]["result"] for each in processes] == [{"found": [ERASED]}] * 2


def shown_by(process: History, job_id: str) -> list[dict[str, Any]]:
    """A job's runs, as one process shows them."""
    found = process.of_job(job_id, 10)
    assert found is not None
    return [json.loads(run) for run in found[0]]


def test_what_stands_for_the_person_cannot_be_guessed(redis_client: Redis, book: ContactBook, erasure: Erasure) -> None:
    """No id and no identity that follows from a name or an address is left; in two installations they differ."""
    made = []
    for _ in range(2):
        redis_client.flushall()
        contact_id = book.create(PERSON)["id"]
        identities = identities_at(redis_client, KEYS.contact(contact_id))
        assert len(identities) >= 2
        made.append(erasure.erase(contact_id)["erased_as"])
        texts = "\n".join(everything(redis_client))
        assert not [one for one in identities if one.lower() in texts]
        gone = identities_at(redis_client, KEYS.contact_gone(made[-1]))
        assert len(gone) == len(identities) and all(map(is_sealed, gone)) and is_id(made[-1])
    assert made[0] != made[1]


@pytest.mark.parametrize("again", ["as before", "another address", "from a file"])
def test_who_comes_back_is_greeted_once(redis_client: Redis, book: ContactBook, erasure: Erasure, again: str) -> None:
    """The ledger knows them, though nobody can read who they are; so does a second erasure."""
    contact = book.create(PERSON)
    ledger = RedisLedger(redis_client, KEYS, "birthday", "run")
    assert ledger.claim(f"{contact['id']}:2026", person=person(redis_client, contact["id"])) == "claimed"
    ledger.settle(f"{contact['id']}:2026", "sent")
    stands = erasure.erase(contact["id"])["erased_as"]
    for _ in range(2):
        if again == "from a file":
            book.import_stream(io.BytesIO(f"name,email,birthday\n{NAME},{EMAIL},1990-04-12\n".encode()))
        else:
            book.create(PERSON | ({"emails": []} if again == "another address" else {}))
        (back,) = book.all()
        found = RedisLedger(redis_client, KEYS, "birthday", "other").claim(
            f"{back.id}:2026", person=person(redis_client, back.id)
        )
        assert (back.id, found) == (stands, "sent")
        looked = ledger.outcomes([f"{back.id}:2026"], [person(redis_client, back.id)])
        assert looked == ["sent"]
        stands = erasure.erase(back.id)["erased_as"]


def test_a_run_that_read_the_person_before_does_not_greet_again(
    redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """It claims under the old id, with the old identities."""
    contact_id = book.create(PERSON)["id"]
    read = person(redis_client, contact_id)
    ledger = RedisLedger(redis_client, KEYS, "birthday", "run")
    ledger.claim(f"{contact_id}:2026", person=read)
    ledger.settle(f"{contact_id}:2026", "sent")
    erasure.erase(contact_id)
    assert RedisLedger(redis_client, KEYS, "birthday", "other").claim(f"{contact_id}:2026", person=read) == "sent"


def identities_at(client: Redis, key: str) -> list[str]:
    """Those that a hash names."""
    text: Any = client.hget(key, "identities")
    return list(text.decode().split())


def person(client: Redis, contact_id: str) -> Contact:
    """A contact as bots see it."""
    found = ContactStore(client, KEYS).get(contact_id)
    assert found is not None
    return found


def test_merged_contacts_go_with_the_one_that_they_are_part_of(
    redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """Their names, and their entries in the ledger."""
    one, two = book.create({"name": "Old Name", "emails": ["old@example.org"]}), book.create(PERSON)
    redis_client.set(KEYS.ledger("birthday", f"{one['id']}:2025"), "sent", ex=1000)
    book.merge(two["id"], {"from": [one["id"]]})
    redis_client.rpush(KEYS.run_log(RUN), json.dumps({"message": "Old Name, old@example.org"}))
    erasure.erase(two["id"])
    texts = "\n".join(everything(redis_client))
    assert not any(mark in texts for mark in ("old name", "old@example.org", one["id"]))
    book.create({"name": "Old Name", "emails": ["old@example.org"]})
    (back,) = book.all()
    known = RedisLedger(redis_client, KEYS, "birthday").claim(f"{back.id}:2025", person=person(redis_client, back.id))
    assert known == "sent"


def test_what_the_service_works_with_is_told_and_stays(
    redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """A job's definition, and what a later release keeps; runs under way by bots that handle persons are told."""
    contact_id = book.create(PERSON)["id"]
    redis_client.hset(KEYS.job(JOB), mapping={"name": f"Greet {NAME}", "bot_config": json.dumps({"to": EMAIL})})
    redis_client.hset(f"{KEYS.prefix}:later:thing", "x", f"by {EMAIL}")
    for run, bot in ((RUN, "birthday"), (OTHER_RUN, "visitor")):
        redis_client.hset(
            KEYS.run(run),
            mapping={"job_id": JOB, "bot_type": bot, "status": "running", "overlay": json.dumps({"to": EMAIL})},
        )
        redis_client.zadd(KEYS.leases, {run: 10**14})
    found = erasure.erase(contact_id)
    assert sorted(found["left"]) == [f"job:{JOB}", "later:thing", f"run:{RUN}", f"run:{OTHER_RUN}"]
    assert [run["run_id"] for run in found["under_way"]] == [RUN, OTHER_RUN]
    assert redis_client.hget(KEYS.job(JOB), "name") == f"Greet {NAME}".encode()


def test_what_people_wrote_is_cut_from_revisions_deleted_jobs_and_the_audit_log(
    ada: None, redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """Former definitions, notes and changed fields; what was done, to what and by whom stays readable."""
    rig = Rig.on(redis_client)
    contact_id = book.create(PERSON)["id"]
    remark_on_changes(f"{NAME} asked")
    kept, gone = (rig.make_job(name=f"for {NAME}", description=EMAIL) for _ in range(2))
    for job_id in (kept, gone):
        rig.jobs.update(job_id, {"name": "neutral", "description": None})
    rig.jobs.update(gone, {"name": f"again {NAME}"})
    rig.jobs.delete(gone)
    remark_on_changes(None)
    before: Any = redis_client.xrange(KEYS.audit)
    found = erasure.erase(contact_id)
    after: Any = redis_client.xrange(KEYS.audit)
    assert not list(tells(everything(redis_client))) and found["left"] == []
    assert {"audit", "deleted_jobs", "revisions"} <= found["found"].keys()
    assert [row for row, _ in after[: len(before)]] == [row for row, _ in before]
    for (_, old), (_, new) in zip(before, after, strict=False):
        was, now = read_entry(old), read_entry(new)
        assert [now.get(name) for name in ("action", "at", "after")] == [
            was.get(name) for name in ("action", "at", "after")
        ]
        assert now["object"] == (found["erased_as"] if was["object"] == contact_id else was["object"])
    (former,) = RevisionStore(rig.scripts).newest(kept)[1:]
    assert (former.definition.name, former.definition.description) == (f"for {ERASED}", ERASED)


def test_what_people_wrote_is_cut_from_planning_epochs(
    ada: None, redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """The names of a union's schedules; the epoch is readable afterwards."""
    rig = Rig.on(redis_client)
    contact_id = book.create(PERSON)["id"]
    part = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}, "name": f"for {NAME}"}
    job_id = rig.make_job(schedule_type="any", schedule_config={"schedules": [part]})
    daily = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
    rig.jobs.update(job_id, daily)
    erasure.erase(contact_id)
    assert not list(tells(everything(redis_client)))
    former = Occurrences(rig.scripts).read(job_id).account.epochs[1]
    assert isinstance(former.schedule, Union) and former.schedule.members[0].name == f"for {ERASED}"


def test_other_installations_keep_their_records(redis_client: Redis, book: ContactBook, erasure: Erasure) -> None:
    """RQ's keys are shared: a record of another queue is not ours."""
    contact_id = book.create(PERSON)["id"]
    redis_client.hset(KEYS.rq_job(RUN), mapping={"description": f"for {NAME}", "origin": "another"})
    redis_client.set("other:thing", NAME)
    erasure.erase(contact_id)
    assert redis_client.hget(KEYS.rq_job(RUN), "description") == f"for {NAME}".encode()
    assert redis_client.get("other:thing") == NAME.encode()


def test_an_erasure_is_noted_once_and_a_deleted_contact_can_be_erased(
    ada: None, redis_client: Redis, book: ContactBook, erasure: Erasure
) -> None:
    """One entry in the audit log, in the script that removes the contact; a repetition finds nobody."""
    contact_id = book.create(PERSON)["id"]
    redis_client.rpush(KEYS.run_log(RUN), json.dumps({"message": "about", "contact_id": contact_id}))
    book.delete(contact_id)
    found = erasure.erase(contact_id)
    assert found["found"]["contacts"] == 1
    assert not any(contact_id in text for text in everything(redis_client))
    with pytest.raises(NotFound):
        erasure.erase(contact_id)
    rows: Any = redis_client.xrange(KEYS.audit)
    entries = [read_entry(fields) for _, fields in rows]
    assert [(one["action"], one["object"]) for one in entries] == [
        (action, found["erased_as"]) for action in ("contact.create", "contact.delete", "contact.erase")
    ]
