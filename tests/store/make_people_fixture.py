"""Writes down an address book of the first version: `python -m tests.store.make_people_fixture FILE`.

`tests/store/fixtures/version_1_people.jsonl` was made by the last release of that version; the migration of contacts is
tested on it. It is never made again. The files that went into it are imported again by the tests.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.bots.birthday.bot import BirthdayBot, BirthdayConfig
from service.contacts.intake.card_changes import Received
from service.contacts.people import ParsedCard
from service.contacts.reading import vcard
from service.store.keys import Keys
from service.usecases.contacts import ContactBook
from tests.support.bot_runs import Run, configured
from tests.support.dumps import dump
from tests.support.servers.mail import post_office
from tests.support.servers.valkey import ValkeyServer

NOW = datetime(2025, 4, 12, 8, tzinfo=UTC)
ADDRESS = "https://dav.example.org/people/"
ROWS = (
    "Amelia Lake,1990-04-12,lake@example.org",
    "Dr. John Doe,1980-04-12,john@example.org",
    "Kim Rivers,1991-04-12,kim@example.org",
    "Mum Brook,1960-04-12,family@example.org",
    "Dad Brook,1961-04-11,family@example.org",
    "Ann Hill,1970-04-10,ann@example.org",
    "Old Neighbour,1950-04-12,",
    "Zoe Later,1990-05-01,zoe@example.org",
)
HEADINGS = "name,birthday,email"
DELETED = ("Kim Rivers", "Mum Brook", "Dad Brook", "Ulf Card", "Posted Gone")
GREETED = (
    *("lake@example.org", "john@example.org", "kim@example.org", "family@example.org", "family@example.org"),
    *("ann@example.org", "uma@example.org", "ulf@example.org", "s1@example.org", "posted@example.org"),
    *("gone@example.org", "peter.old@example.org"),
)


def card(uid: str, name: str, birthday: str, email: str) -> str:
    """A card with a UID."""
    lines = (
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:{uid}",
        f"FN:{name}",
        f"BDAY:{birthday}",
        f"EMAIL:{email}",
        "END:VCARD",
    )
    return "\r\n".join((*lines, ""))


CARDS = (
    card("u1", "Uma Card", "1985-04-12", "uma@example.org"),
    card("u2", "Ulf Card", "1985-04-12", "ulf@example.org"),
    card("u3", "Una Later", "1985-05-02", "una@example.org"),
)
SYNCED = {
    "/people/s1.vcf": card("s1", "Synced One", "1985-04-12", "s1@example.org"),
    "/people/s2.vcf": card("s2", "Synced Two", "1985-05-03", "s2@example.org"),
}


def received(cards: dict[str, str]) -> list[Received]:
    """Cards as an address book gives them."""
    found = []
    for href, text in cards.items():
        person = next(vcard.read(io.BytesIO(text.encode())))
        assert isinstance(person, ParsedCard)
        found.append(Received(href, f"etag of {href}", person))
    return found


def live(client: Any, message_url: str) -> None:
    """Fills an address book, greets, and deletes some of those who were greeted."""
    book = ContactBook(client, Keys())
    book.import_stream(io.BytesIO("\n".join((HEADINGS, *ROWS)).encode()))
    book.import_stream(io.BytesIO("".join(CARDS).encode()))
    book.synced(ADDRESS).take(received(SYNCED))
    for name, email in (("Posted", "posted"), ("Posted Gone", "gone"), ("Peter Pond", "peter.old")):
        book.create({"name": name, "birthday": "--04-12", "emails": [f"{email}@example.org"]})
    context = Run(
        client, configured(BirthdayConfig, process_late=True, max_messages_per_run=100), message_url=message_url
    )
    context.now = NOW
    assert BirthdayBot().run(context)["messages_sent"] == len(GREETED)
    for contact in list(book.all()):
        if contact.name in DELETED:
            book.delete(contact.id)
        elif contact.name == "Peter Pond":
            book.update(contact.id, {"emails": ["peter.new@example.org"]})
    client.set(Keys().schema_version, 1)


def main(target: Path) -> None:
    """Makes the file."""
    with tempfile.TemporaryDirectory() as name, ValkeyServer(Path(name), "--appendonly", "no") as server:
        with post_office() as (post, message_url):
            live(server.client(), message_url)
            assert sorted(post.recipients) == sorted(GREETED), post.recipients
        rows = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in dump(server.client())]
    target.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
