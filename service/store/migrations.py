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
from service.store.contacts import BATCH, ContactStore, Row, Write
from service.store.keys import Keys
from service.store.ledger import LIFETIME

LOOK_SECONDS = 5.0
"""Seconds between two looks of a running process at the version."""
Hold = Callable[[], None]
"""Renews a migration's lease; raises StoreUnavailable if another process has it by now."""
Migration = Callable[[Redis, Keys, Hold], None]

SETTLE_SECONDS = LOOK_SECONDS + 1.0
"""Seconds after which no process of the older release writes any more, except bots that it has under way."""
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
