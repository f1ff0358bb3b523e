"""Erasure of a person: the contact goes, and everything else in Redis that names them is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.bots.protocol import Bot
from service.contacts.intake.intake import MOST_TRIES, too_busy
from service.contacts.matching.parts import from_text
from service.domain.ids import is_id
from service.domain.people.contact import Contact
from service.domain.people.erasure.seal import Seal
from service.domain.people.erasure.traces import Traces, traces_of
from service.errors import Conflict, NotFound
from service.store.audit.actions import ActionLog
from service.store.audit.entries import entry_of
from service.store.contact_rows import Row
from service.store.contacts import ContactStore
from service.store.erasure import ContactEraser, Found, TextEraser
from service.store.scripts import Scripts
from service.store.seals import Seals


@dataclass(frozen=True, slots=True)
class _Person:
    """The person as they were read."""

    row: Row
    traces: Traces


class Erasure:
    """Erases persons of one installation.

    Args:
        scripts: the scripts of this installation.
        bots: bot type -> bot class; tells which bots handle persons.
    """

    def __init__(self, scripts: Scripts, bots: Mapping[str, type[Bot]]) -> None:
        client, keys, gate = scripts.client, scripts.keys, scripts.gate
        self._bots = bots
        self._store = ContactStore(client, keys, gate)
        self._seals = Seals(client, keys)
        self._texts = TextEraser(client, keys, gate)
        self._contacts = ContactEraser(client, keys, gate, scripts.limits)
        self._actions = ActionLog(client, keys, gate, scripts.limits)

    def erase(self, contact_id: str) -> dict[str, Any]:
        """Erase a person; a contact that was deleted before, too.

        The texts are cut first and the contact goes last. So an erasure that breaks off can be repeated; the audit log
        keeps an entry that says that it has not finished.

        Returns:
            `{"contact_id", "erased_as", "found": {place: count}, "left": [key], "under_way": [{"run_id", "job_id",
            "bot_type"}]}`.

        Raises:
            NotFound: there is no such contact, and no deleted one is remembered.
            Conflict: another request has erased it meanwhile.
            StoreUnavailable: Redis is away, or others keep changing the contact.
        """
        if not is_id(contact_id) or self._row(contact_id) is None:
            raise NotFound(f"Contact {contact_id} not found")
        seal = self._seals.made()
        person = self._read(contact_id, seal)
        begun = self._actions.note(entry_of("contact.erase", contact_id, {"finished": (None, False)}))
        found = self._texts.erase(person.traces)
        self._erase_contact(contact_id, person, seal, found, begun)
        return {
            "contact_id": contact_id,
            "erased_as": seal.contact_id(contact_id),
            "found": dict(sorted((+found.counts).items())),
            "left": found.left,
            "under_way": self._under_way(),
        }

    def _row(self, contact_id: str) -> Row | None:
        (row,) = self._store.rows([contact_id])
        return row

    def _read(self, contact_id: str, seal: Seal) -> _Person:
        row = self._row(contact_id) or Row(contact_id, living=False)
        contact = self._store.get(contact_id)
        known = [contact, *_parts(contact)] if contact else []
        ids = dict.fromkeys((contact_id, *row.former_ids, *(part.id for part in known if part.id)))
        return _Person(row, traces_of(known, {one: seal.contact_id(one) for one in ids}))

    def _erase_contact(self, contact_id: str, person: _Person, seal: Seal, found: Found, begun: str) -> None:
        """Erase the contact, then the entries of the ledger that a run has made meanwhile."""
        entry = entry_of("contact.erase", seal.contact_id(contact_id))
        entries = found.entries
        for _ in range(MOST_TRIES):
            row, traces = person.row, person.traces
            self._texts.rename_in_audit(traces, begun)
            erased = self._contacts.erase(
                contact_id, row.identities, row.former_ids, seal, traces, sorted(entries), entry.text, begun
            )
            if erased.outcome == "stale":
                person = self._read(contact_id, seal)
                continue
            contacts = int(erased.outcome == "erased")
            if contacts:
                entry.log()
                begun = ""
            elif begun:
                raise _erased_by_another(contact_id)
            found.counts.update(contacts=contacts, cards=erased.cards, ledger_entries=len(entries))
            entries = self._texts.entries_of(list(traces.ids or ()))
            if not entries:
                return
        raise too_busy()

    def _under_way(self) -> list[dict[str, str]]:
        """List the runs that may write the person again: they began before, by bots that handle persons."""
        return [
            run for run in self._texts.runs_under_way()
            if getattr(self._bots.get(run["bot_type"]), "handles_persons", True)
        ]  # fmt: skip


def _erased_by_another(contact_id: str) -> Conflict:
    return Conflict(
        f"Another request has erased contact {contact_id} in the meantime; its answer says where the person was found"
    )


def _parts(contact: Contact) -> list[Contact]:
    """Return the contacts that were merged into one, as far as they are known."""
    fields = ("name", "given_name", "family_name", "emails", "phones", "urls")
    return [
        Contact(part.id, **{"name": "", **{name: _value(part.fields[name]) for name in fields if name in part.fields}})
        for part in from_text(contact.parts)
    ]


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
