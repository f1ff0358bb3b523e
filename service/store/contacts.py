"""Contacts in Redis: a hash each, and the indices that find them without a scan.

The indices are the sorted set of all ids, a set of ids for each day of the year, the sorted set of those with a profile
page by their last visit, and for each identity (`service.contacts.matching.identity`) the ids to which it leads. Each
write goes through one script, so that no index ever disagrees with a contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from redis import Redis

from service.domain.people.contact import WORDS, Contact, Visit, contact_of, pairs_of, visit_text
from service.store.audit.entries import Entry, entry_of
from service.store.contact_rows import Row, row_of, texts
from service.store.keys import Keys
from service.store.scripts import Gate, Limits, script_of
from service.store.seals import Seals
from service.store.server.asking import hash_fields
from service.store.server.exchange import exchange, packed, repeatable
from service.store.server.translation import translate_errors

BATCH = 500
"""Contacts read or written in one round trip."""

Saved = Literal["created", "updated", "unchanged", "exists", "missing", "too_many", "stale"]
Mode = Literal["merge", "create", "update"]


@dataclass(frozen=True, slots=True)
class Write:
    """One contact, to be written.

    Args:
        id: the contact's.
        fields: new values; other fields stay. None or an empty list removes a field.
        identities: those that lead to it from now on.
        former_ids: ids of the contacts merged into it; none leaves them as they are.
        seen: its identities as the caller has read them; None if there was no such contact.
        free: those identities of the entry that led to nobody, or to contacts that are gone without a trace.
        deleted: whether it was deleted when the caller read it.
    """

    id: str
    fields: Mapping[str, object]
    identities: Sequence[str] = ()
    former_ids: Sequence[str] = ()
    seen: Sequence[str] | None = None
    free: Sequence[str] = ()
    deleted: bool = False

    @property
    def state(self) -> str:
        """The state in which the caller has read the contact, in the script's words."""
        if self.seen is None:
            return "none"
        return ("-" if self.deleted else "=") + " ".join(self.seen)


class ContactStore:
    """The commands on contacts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: checks before each use of Redis; None where the process makes them itself.
        limits: the installation's: how many contacts there may be, and for the audit log.
    """

    def __init__(self, client: Redis, keys: Keys, gate: Gate | None = None, limits: Limits | None = None) -> None:
        self._client = client
        self._keys = keys
        self._gate = gate
        self.most = 0 if limits is None else limits.max_contacts
        self._save = script_of(client, "save_contact", keys, limits)
        self._absorb = script_of(client, "absorb_contact", keys, limits)
        self._delete = script_of(client, "delete_contact", keys, limits)
        self._note = script_of(client, "note_contact")
        self._seals = Seals(client, keys)

    @contextmanager
    def _reached(self, *, to_write: bool = False) -> Iterator[None]:
        if self._gate is not None:
            (self._gate.write if to_write else self._gate.reach)()
        with translate_errors():
            yield

    def save_many(self, writes: Sequence[Write], mode: Mode = "merge") -> list[Saved]:
        """Write several hundred contacts in one round trip, each of them whole or not at all.

        Args:
            writes: the contacts.
            mode: `create` (only make), `update` (only update), or `merge` (both). The audit log notes each of the
                first two; an import or a sync merges, and is noted as a whole.

        Returns:
            The outcome of each. Nothing was written if it is `stale` (its identities have changed) or `too_many`.
        """
        entries = [None if mode == "merge" else entry_of(f"contact.{mode}", write.id) for write in writes]
        calls = [
            (
                (),
                [
                    write.id, mode, write.state, " ".join(write.identities), " ".join(write.free),
                    " ".join(write.former_ids), "" if entry is None else entry.text, str(self.most),
                    *pairs_of(write.fields),
                ],
            )
            for write, entry in zip(writes, entries, strict=True)
        ]  # fmt: skip
        with self._reached(to_write=True):
            saved: list[Saved] = [answer.decode() for answer in self._save.many(calls)]
        for entry, became in zip(entries, saved, strict=True):
            if entry is not None and became in ("created", "updated"):
                entry.log()
        return saved

    def absorb(
        self, into: Write, others: Sequence[tuple[str, Sequence[str]]], source: str = "", visit: Visit | None = None,
        entry: Entry | None = None,
    ) -> bool:  # fmt: skip
        """Merge other contacts into the one that `into` writes.

        Args:
            into: with the identities of all of them, and the ids of all contacts merged into it.
            others: the id of each, and its identities as the caller has read them.
            source: the contact's source from now on.
            visit: a visit to its page, kept if it has none yet.
            entry: of the audit log; None for a part of an import or a sync, which is noted as a whole.

        Returns:
            False if one of them is gone or has other identities since, so that nothing was written.
        """
        args = [
            into.id, " ".join(into.seen or ()), " ".join(into.identities), " ".join(into.former_ids),
            source, visit_text(visit) if visit else "", str(len(others)), "" if entry is None else entry.text,
            *(text for other, identities in others for text in (other, " ".join(identities))), *pairs_of(into.fields),
        ]  # fmt: skip
        with self._reached(to_write=True):
            absorbed = bool(self._absorb(keys=(), args=args) == b"absorbed")
        if absorbed and entry is not None:
            entry.log()
        return absorbed

    def delete(self, contact_id: str) -> bool:
        """Delete a contact. Returns whether there was one."""
        entry = entry_of("contact.delete", contact_id)
        with self._reached(to_write=True):
            deleted = bool(self._delete(keys=(), args=[contact_id, entry.text]))
        if deleted:
            entry.log()
        return deleted

    def holders(self, identities: Sequence[str]) -> list[list[str]]:
        """Return the ids to which each identity leads, those of deleted and of erased contacts included."""
        if not identities:
            return []
        with self._reached():
            forms = self._seals.forms(identities)
        held = iter(self._ask([packed("MGET", *(self._keys.identity(one) for each in forms for one in each))])[0])
        return [
            list(dict.fromkeys(one for _ in each for one in (next(held) or b"").decode().split())) for each in forms
        ]

    def rows(self, ids: Sequence[str]) -> list[Row | None]:
        """Return the traits of each contact; None for an id of nobody."""
        fields = ("name", "emails", "birthday", "uids", *WORDS, "parts")
        living = self._ask(hash_fields([self._keys.contact(one) for one in ids], fields))
        away = [one for one, row in zip(ids, living, strict=True) if row[0] is None]
        graves = hash_fields([self._keys.contact_gone(one) for one in away], (*WORDS, "parts"))
        buried = dict(zip(away, self._ask(graves), strict=True))
        return [row_of(one, row, buried.get(one)) for one, row in zip(ids, living, strict=True)]

    def exist(self, ids: Sequence[str]) -> list[bool]:
        """Return for each id whether it is a contact's, in one round trip."""
        if not ids:
            return []
        return [score is not None for score in self._ask([packed("ZMSCORE", self._keys.contacts, *ids)])[0]]

    def were_before(self, ids: Sequence[str]) -> list[bool]:
        """Return for each id whether the ledger knows it, and it was deleted before there were identities."""
        if not ids:
            return []
        return [bool(found) for found in self._ask([packed("SMISMEMBER", self._keys.contacts_before, *ids)])[0]]

    def _ask(self, commands: Sequence[bytes]) -> list[Any]:
        with self._reached():
            answers = repeatable(lambda: exchange(self._client, commands))
        for answer in answers:
            if isinstance(answer, Exception):
                with translate_errors():
                    raise answer
        return answers

    def get(self, contact_id: str) -> Contact | None:
        """Read one contact, or None."""
        return next(iter(self.get_many([contact_id])), None)

    def get_many(self, ids: Iterable[str]) -> list[Contact]:
        """Read those of `ids` that exist, in their order, in batches."""
        found: list[Contact] = []
        for batch in _batches(list(ids)):
            with self._reached(), self._client.pipeline(transaction=False) as pipe:
                for contact_id in batch:
                    pipe.hgetall(self._keys.contact(contact_id))
                rows = pipe.execute()
            found += [contact_of(contact_id, row) for contact_id, row in zip(batch, rows, strict=True) if row]
        return found

    def page(self, after: str | None, limit: int) -> list[Contact]:
        """Read at most `limit` contacts whose ids follow `after`, in the order of their ids."""
        return self.get_many(_decoded(self._ids_after(after.encode() if after else None, limit)))

    def glances(self) -> Iterator[Contact]:
        """Yield all contacts in the order of their ids, with name, birthday and addresses alone."""
        after: bytes | None = None
        while ids := self._ids_after(after, BATCH):
            fields = ("name", "birthday", "emails", "phones")
            rows = self._ask(hash_fields([self._keys.contact(one.decode()) for one in ids], fields))
            for one, (name, birthday, emails, phones) in zip(ids, rows, strict=True):
                if name is not None:
                    yield Contact(
                        one.decode(), name.decode(), birthday=birthday.decode() if birthday else None,
                        emails=texts(emails), phones=texts(phones),
                    )  # fmt: skip
            after = ids[-1]

    def _ids_after(self, after: bytes | None, limit: int) -> list[bytes]:
        start = b"-" if after is None else b"(" + after
        with self._reached():
            ids: Any = self._client.zrange(self._keys.contacts, start, b"+", bylex=True, offset=0, num=limit)
        return list(ids)

    def born_on(self, days: Iterable[tuple[int, int]]) -> list[Contact]:
        """Read everybody born on one of the days, (month, day) each, without reading anybody else."""
        with self._reached():
            ids = self._client.sunion([self._keys.birthdays(month, day) for month, day in days])
        return self.get_many(sorted(_decoded(ids)))

    def least_recently_visited(self, limit: int) -> list[Contact]:
        """Read contacts with a profile page: never visited ones first, then by their last visit."""
        with self._reached():
            ids = self._client.zrange(self._keys.visits, 0, limit - 1)
        return self.get_many(_decoded(ids))

    def note_message(self, contact_id: str, at: int) -> None:
        """Note that a message went out at `at`, epoch seconds."""
        self._note_fields(contact_id, "", {"last_messaged_at": str(at)})

    def note_visit(self, contact_id: str, at: int, visit: Visit | None) -> None:
        """Note a try to visit the profile page; it counts as a visit if the page answered.

        Args:
            contact_id: whose page.
            at: when, epoch seconds.
            visit: the findings; None if there was no request, which only postpones the next one.
        """
        if visit is None:
            self._note_fields(contact_id, str(at * 1000), {})
            return
        fields = {"visit": visit_text(visit)}
        if visit.status is not None:
            fields["last_visited_at"] = str(at)
        self._note_fields(contact_id, str(at * 1000), fields)

    def _note_fields(self, contact_id: str, visited_ms: str, fields: Mapping[str, str]) -> None:
        pairs = [part for pair in fields.items() for part in pair]
        with self._reached(to_write=True):
            keys = [self._keys.contact(contact_id), self._keys.visits]
            self._note(keys=keys, args=[contact_id, visited_ms, *pairs])


def _decoded(ids: Iterable[Any]) -> list[str]:
    return [contact_id.decode() for contact_id in ids]


def _batches(ids: list[str]) -> Iterator[list[str]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
