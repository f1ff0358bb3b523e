"""Migrations from one version of the schema in Redis to the next, see `service.store.schema`.

Each migration works in steps that take a few seconds at most, and calls its third argument between them. Each step is
safe to repeat: after a kill another process starts the migration over. Processes of the older release notice it within
`LOOK_SECONDS`; a migration has to cope with what they still write until then.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from redis import Redis

from service.domain.people.traits import Traits, first_ids, identities_of, identity_of_id
from service.store.contact_rows import Row
from service.store.contacts import BATCH, ContactStore, Write
from service.store.jobs.job_hashes import JobStore, Position
from service.store.keys import Keys
from service.store.ledger import LIFETIME
from service.store.older_jobs import OlderJobs
from service.store.rq_records import make_scripts
from service.store.scripts import Limits

LOOK_SECONDS = 5.0
"""Seconds between two looks of a running process at the version."""
Hold = Callable[[], None]
"""Renews a migration's lease; raises StoreUnavailable if another process has it by now."""
Migration = Callable[[Redis, Keys, Hold], None]

SETTLE_SECONDS = LOOK_SECONDS + 3.0
"""Seconds after which no process of the older release writes any more, except workers that have runs under way: those
end them, and may claim the next one in the same step. A scheduler looks only at its heartbeats, every 2 s."""
SCAN = 1000
"""Names of keys that one step reads."""


def identify_contacts(client: Redis, keys: Keys, hold: Hold) -> None:
    """Migrate from version 1 to 2: find contacts by identities, no longer by their ids alone.

    All contacts keep their ids, and with them their entries in the ledger and their cards. Of a contact that was
    deleted earlier, only the id is known, which follows from the UID, the first address, or name and birthday. So this
    notes the ids and entries of those whom the ledger knows, in case one of these ids comes again.
    """
    begun = time.monotonic()
    _identify(client, keys, hold)
    _note_deleted(client, keys, hold)
    _settle(begun, hold)
    _identify(client, keys, hold)


def count_runs(client: Redis, keys: Keys, hold: Hold) -> None:
    """Migrate from version 2 to 3: count a job's open runs and held slots in its hash, no longer in sets.

    What older scripts must not find has new names: the due index, RQ's queue, a job's history and its waiting runs.
    Runs that older workers have under way go on there (`service.scheduler.take_over`). See decision 0050.
    """
    _settle(time.monotonic(), hold)
    scripts = make_scripts(client, keys, Limits())
    older, jobs = OlderJobs(scripts), JobStore(scripts)
    older.rename()
    while older.take_over():
        hold()
    client.unlink(keys.old_enabled)  # one entry per job
    enabled = 0
    position: Position | None = None
    while page := jobs.ids_after(position, BATCH):
        hold()
        enabled += older.recount([job.job_id for job in page])
        position = page[-1]
    client.set(keys.enabled_jobs, enabled)


def plan_more_types(client: Redis, keys: Keys, hold: Hold) -> None:
    """Migrate from version 3 to 4, in which schedules have more types: nothing stored changes.

    An older scheduler that met such a job would call it broken; a newer version makes it wait.
    """


def know_pauses(client: Redis, keys: Keys, hold: Hold) -> None:
    """Migrate from version 4 to 5, in which jobs can be paused: nothing stored changes.

    An older scheduler would let through what a pause holds back; a newer version makes it wait.
    """


def _settle(begun: float, hold: Hold) -> None:
    """Wait until processes of the older release have noticed the migration, which began at `begun`, monotonic."""
    while time.monotonic() < begun + SETTLE_SECONDS:
        hold()
        time.sleep(0.2)


def _identify(client: Redis, keys: Keys, hold: Hold) -> None:
    store = ContactStore(client, keys)
    for ids in _pages(client, keys):
        hold()
        rows = [row for row in store.rows(ids) if row is not None and row.living]
        writes = [write for row in rows if (write := _identified(row)) is not None]
        store.save_many(writes, "update")


def _pages(client: Redis, keys: Keys) -> Iterator[list[str]]:
    """Yield all contacts' ids; one that is made meanwhile may be missing."""
    start = "-"
    while True:
        found: Any = client.zrange(keys.contacts, start, "+", bylex=True, offset=0, num=BATCH)
        if not found:
            return
        yield [one.decode() for one in found]
        start = f"({found[-1].decode()}"


def _identified(row: Row) -> Write | None:
    """Find a contact's identities; None if they are stored already."""
    traits = Traits(row.name, row.uids, row.emails, row.birthday)
    own = identity_of_id(row.id)
    if not row.identities and _came_with_uid(row.id, traits):
        found = (*identities_of(traits, bare=False), own)
    else:
        found = identities_of(traits, bare=not any(identity[0] == "u" for identity in row.identities))
    if set(found) <= set(row.identities):
        return None
    return Write(row.id, {}, tuple(dict.fromkeys((*found, *row.identities))), (), row.identities)


def _came_with_uid(contact_id: str, traits: Traits) -> bool:
    """Return whether the first version made this id of a UID, which it did not keep."""
    first = first_ids(traits)
    return contact_id not in (first.by_name, *first.by_address)


def _note_deleted(client: Redis, keys: Keys, hold: Hold) -> None:
    """Note the ledger's entries of ids that are no contact's, for as long as the ledger keeps them."""
    start = keys.ledger_start("birthday")
    entry = re.compile(re.escape(start) + r"(([0-9a-f-]{36}):.*)")
    cursor = 0
    while True:
        hold()
        found: Any = client.scan(cursor, match=start + "*", count=SCAN)
        cursor = found[0]
        entries = [match for name in found[1] if (match := entry.fullmatch(name.decode()))]
        exist = _exist(client, keys, [match[2] for match in entries])
        gone = {text for match, exists in zip(entries, exist, strict=True) if not exists for text in match.groups()}
        if gone:
            client.sadd(keys.contacts_before, *gone)
            client.expire(keys.contacts_before, LIFETIME)
        if cursor == 0:
            return


def _exist(client: Redis, keys: Keys, ids: Sequence[str]) -> list[bool]:
    with client.pipeline(transaction=False) as pipe:
        for one in ids:
            pipe.exists(keys.contact(one))
        return [bool(found) for found in pipe.execute()]
