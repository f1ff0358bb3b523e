"""What leads from one version of what is kept in Redis to the next, see `service.store.schema`.

Each migration works in steps that take a few seconds at most, and calls its third argument between them. Each step is
safe to repeat, since a kill can cut a migration off and another process begins it anew. Processes of the older release
notice within `LOOK_SECONDS`; what they still write until then has to be understood.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from redis import Redis

from service.domain.people.traits import Traits, first_ids, identities_of, identity_of_id
from service.store.contacts import BATCH, ContactStore, Row, Write
from service.store.keys import Keys
from service.store.ledger import LIFETIME

LOOK_SECONDS = 5.0
"""A running process looks at the version this often."""
Hold = Callable[[], None]
"""Renews a migration's lease; raises StoreUnavailable if it is another's by now."""
Migration = Callable[[Redis, Keys, Hold], None]

SETTLE_SECONDS = LOOK_SECONDS + 1.0
"""After so long no process of the older release writes any more, but for the bots that it has under way."""
SCAN = 1000
"""Names of keys that are looked at in one step."""


def identify_contacts(client: Redis, keys: Keys, hold: Hold) -> None:
    """Version 1 to 2: contacts are found by what they are known by, no more by their ids alone.

    All keep their ids, and with them their entries in the ledger and their cards. Who was deleted before is known by
    nothing but the id, which follows from the UID, the first address, or name and birthday. So the ids and entries of
    those whom the ledger knows are noted, for whoever comes with one of these ids again.
    """
    begun = time.monotonic()
    _identify(client, keys, hold)
    _note_deleted(client, keys, hold)
    while time.monotonic() < begun + SETTLE_SECONDS:
        hold()
        time.sleep(0.2)
    _identify(client, keys, hold)


def _identify(client: Redis, keys: Keys, hold: Hold) -> None:
    store = ContactStore(client, keys)
    for ids in _pages(client, keys):
        hold()
        rows = [row for row in store.rows(ids) if row is not None and row.living]
        writes = [write for row in rows if (write := _identified(row)) is not None]
        store.save_many(writes, "update")


def _pages(client: Redis, keys: Keys) -> Iterator[list[str]]:
    """All contacts' ids; one that is made meanwhile may be missing."""
    start = "-"
    while True:
        found: Any = client.zrange(keys.contacts, start, "+", bylex=True, offset=0, num=BATCH)
        if not found:
            return
        yield [one.decode() for one in found]
        start = f"({found[-1].decode()}"


def _identified(row: Row) -> Write | None:
    """What a contact is known by; None if that is written down already."""
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
    """Whether the id is one of those that the first version gave for a UID, which was not kept."""
    first = first_ids(traits)
    return contact_id not in (first.by_name, *first.by_address)


def _note_deleted(client: Redis, keys: Keys, hold: Hold) -> None:
    """Notes what the ledger knows of ids that are no contact's, for as long as the ledger does."""
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
