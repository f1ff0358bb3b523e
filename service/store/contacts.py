"""Contacts in Redis: a hash each, and the indices that find them without a scan.

The indices are the sorted set of all ids, a set of ids for each day of the year, and the sorted set of those with a
profile page by their last visit. Each write goes through one script, so that no index ever disagrees with a contact.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from redis import Redis

from service.keys import Keys
from service.store.connection import translate_errors
from service.store.scripts import Gate, script_of

TEXTS = ("name", "given_name", "family_name", "birthday", "language", "source")
LISTS = ("emails", "phones", "urls")
PERIODS = 20
"""Of a page's history of statuses that are kept."""
BATCH = 500
"""Contacts read or written in one round trip."""

Saved = Literal["created", "updated", "unchanged", "exists", "missing"]


@dataclass(frozen=True, slots=True)
class Period:
    """Neighbouring visits to a page that found the same.

    Args:
        status: the HTTP status answered; None if nothing answered.
        since, until: the first and the last of those visits, epoch seconds.
        visits: how many there were.
    """

    status: int | None
    since: int
    until: int
    visits: int


@dataclass(frozen=True, slots=True)
class Visit:
    """What the last visit to a contact's profile page found.

    Args:
        url: the page that was asked for.
        status: the HTTP status answered; None if nothing answered.
        title: the page's title, if it has one.
        content_hash: of what the page shows, to tell a change; None if it could not be read.
        changed: whether the page differs from the visit before; None if there is nothing to compare with.
        changed_at: when a visit last found it different, epoch seconds.
        answered_by: the page that answered, after redirects, to which `etag` and `last_modified` belong.
        etag, last_modified: what the server said of this version, to ask whether there is a newer one.
        history: the page's statuses, the newest first.
    """

    url: str
    status: int | None
    title: str | None
    content_hash: str | None
    changed: bool | None
    changed_at: int | None = None
    answered_by: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    history: tuple[Period, ...] = ()

    def noted(self, at: int) -> Visit:
        """Itself, with its own status at the head of the history; at most `PERIODS` of it are kept."""
        newest = self.history[0] if self.history else None
        if newest is not None and newest.status == self.status:
            head = replace(newest, until=at, visits=newest.visits + 1)
            return replace(self, history=(head, *self.history[1:]))
        return replace(self, history=(Period(self.status, at, at, 1), *self.history[: PERIODS - 1]))


@dataclass(frozen=True, slots=True)
class Contact:
    """One person of the address book.

    Args:
        id: follows from the person's identity.
        name: as it is shown; never empty.
        birthday: `YYYY-MM-DD`, or `--MM-DD` where the year is unknown.
        emails, phones, urls: the preferred one first.
        language: a language tag such as `fr` or `de-AT`.
        source: `vcard`, `csv`, `api` or `carddav`: where it first came from.
        deceased: whether the person is known to have died.
        last_messaged_at, last_visited_at: epoch seconds.
        visit: what the last visit found.
    """

    id: str
    name: str
    given_name: str | None = None
    family_name: str | None = None
    birthday: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    language: str | None = None
    source: str | None = None
    deceased: bool = False
    last_messaged_at: int | None = None
    last_visited_at: int | None = None
    visit: Visit | None = None

    @property
    def profile(self) -> str | None:
        """The page to visit: the first HTTP(S) address."""
        return profile_of(self.urls)


def profile_of(urls: Iterable[str]) -> str | None:
    """The first HTTP(S) address among `urls`."""
    return next((url for url in urls if url.lower().startswith(("http://", "https://"))), None)


class ContactStore:
    """The commands on contacts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: passed before each use of Redis; None where the process sees to that itself.
    """

    def __init__(self, client: Redis, keys: Keys, gate: Gate | None = None) -> None:
        self._client = client
        self._keys = keys
        self._gate = gate
        self._save = script_of(client, "save_contact")
        self._delete = script_of(client, "delete_contact")
        self._note = script_of(client, "note_contact")

    @contextmanager
    def _reached(self, *, to_write: bool = False) -> Iterator[None]:
        if self._gate is not None:
            (self._gate.write if to_write else self._gate.reach)()
        with translate_errors():
            yield

    def save(self, contact_id: str, fields: Mapping[str, object], mode: Literal["merge", "create", "update"]) -> Saved:
        """Writes the fields that are named; the others stay. None or an empty list takes a field away."""
        return self.save_many([(contact_id, fields)], mode)[0]

    def save_many(
        self, contacts: Sequence[tuple[str, Mapping[str, object]]], mode: Literal["merge", "create", "update"] = "merge"
    ) -> list[Saved]:
        """Like `save`, for several hundred in one round trip; each contact is written whole or not at all."""
        calls = [
            (
                [self._keys.contact(contact_id), self._keys.contacts, self._keys.visits],
                [contact_id, mode, self._keys.birthdays_start, *_pairs(fields)],
            )
            for contact_id, fields in contacts
        ]
        with self._reached(to_write=True):
            return [answer.decode() for answer in self._save.many(calls)]

    def delete(self, contact_id: str) -> bool:
        """Whether there was such a contact."""
        keys = [self._keys.contact(contact_id), self._keys.contacts, self._keys.visits]
        with self._reached(to_write=True):
            return bool(self._delete(keys=keys, args=[contact_id, self._keys.birthdays_start]))

    def get(self, contact_id: str) -> Contact | None:
        return next(iter(self.get_many([contact_id])), None)

    def get_many(self, ids: Iterable[str]) -> list[Contact]:
        """Those of `ids` that exist, in their order, read in batches."""
        found: list[Contact] = []
        for batch in _batches(list(ids)):
            with self._reached(), self._client.pipeline(transaction=False) as pipe:
                for contact_id in batch:
                    pipe.hgetall(self._keys.contact(contact_id))
                rows = pipe.execute()
            found += [_contact(contact_id, row) for contact_id, row in zip(batch, rows, strict=True) if row]
        return found

    def page(self, after: str | None, limit: int) -> list[Contact]:
        """At most `limit` contacts whose ids follow `after`, in the order of their ids."""
        start = b"-" if after is None else b"(" + after.encode()
        with self._reached():
            ids = self._client.zrange(self._keys.contacts, start, b"+", bylex=True, offset=0, num=limit)
        return self.get_many(_decoded(ids))

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Everybody born on one of the days, (month, day) each; costs what is found, not what is stored."""
        with self._reached():
            ids = self._client.sunion([self._keys.birthdays(month, day) for month, day in days])
        return self.get_many(sorted(_decoded(ids)))

    def least_recently_visited(self, limit: int) -> list[Contact]:
        """Those with a profile page, never visited ones first, then the longest ago."""
        with self._reached():
            ids = self._client.zrange(self._keys.visits, 0, limit - 1)
        return self.get_many(_decoded(ids))

    def note_message(self, contact_id: str, at: int) -> None:
        """Notes that a message went out at `at`, epoch seconds."""
        self._note_fields(contact_id, "", {"last_messaged_at": str(at)})

    def note_visit(self, contact_id: str, at: int, visit: Visit | None) -> None:
        """Notes that the profile page was tried at `at`, epoch seconds; it counts as visited if it answered.

        Args:
            visit: what was found; None if the page was not asked for, which puts its next turn off alone.
        """
        if visit is None:
            self._note_fields(contact_id, str(at * 1000), {})
            return
        fields = {"visit": json.dumps(asdict(visit), ensure_ascii=False)}
        if visit.status is not None:
            fields["last_visited_at"] = str(at)
        self._note_fields(contact_id, str(at * 1000), fields)

    def _note_fields(self, contact_id: str, visited_ms: str, fields: Mapping[str, str]) -> None:
        pairs = [part for pair in fields.items() for part in pair]
        with self._reached(to_write=True):
            keys = [self._keys.contact(contact_id), self._keys.visits]
            self._note(keys=keys, args=[contact_id, visited_ms, *pairs])


def _pairs(fields: Mapping[str, object]) -> list[str]:
    """The script's arguments for `fields`; lists are kept as JSON."""
    pairs: list[str] = []
    for field, value in fields.items():
        if field in LISTS:
            pairs += [field, json.dumps(list(value), ensure_ascii=False) if value else ""]  # type: ignore[call-overload]
        elif isinstance(value, bool):
            pairs += [field, "1" if value else ""]
        else:
            pairs += [field, str(value) if value is not None else ""]
    if "urls" in fields:
        pairs += ["profile", profile_of(fields["urls"] or ()) or ""]  # type: ignore[arg-type]
    return pairs


def _contact(contact_id: str, row: Mapping[bytes, bytes]) -> Contact:
    values: dict[str, Any] = {key.decode(): value.decode() for key, value in row.items()}
    for field in LISTS:
        values[field] = tuple(json.loads(values[field])) if field in values else ()
    for field in ("last_messaged_at", "last_visited_at"):
        values[field] = int(values[field]) if field in values else None
    values["visit"] = _visit(json.loads(values["visit"])) if "visit" in values else None
    values["deceased"] = "deceased" in values
    known = (*TEXTS, *LISTS, "deceased", "last_messaged_at", "last_visited_at", "visit")
    return Contact(id=contact_id, **{field: values[field] for field in known if field in values})


def _visit(values: dict[str, Any]) -> Visit:
    history = tuple(Period(**period) for period in values.pop("history", ()))
    return Visit(**values, history=history)


def _decoded(ids: Iterable[Any]) -> list[str]:
    return [contact_id.decode() for contact_id in ids]


def _batches(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
