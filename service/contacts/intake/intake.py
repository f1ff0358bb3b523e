"""Intake of cards: finds the contact of each card, and writes it.

The intake reads, decides (`service.contacts.matching.decisions`), and writes a decision only if nobody has changed
meanwhile what it rests on; else it reads again. Two clients that import the same file at once therefore make one book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from service.contacts.matching.decisions import Found, Guess, HoldBack, Round, known_of, own_ids
from service.contacts.matching.entries import Entry, Taken
from service.contacts.matching.identity import Known, match, merged, with_traits
from service.contacts.matching.parts import as_text, part_of, parts_of, united
from service.domain.people.traits import Traits, first_ids, identities_of, name_identity, new_id
from service.errors import StoreUnavailable
from service.store.contacts import ContactStore, Mode, Saved, Write

MOST_TRIES = 100
"""Attempts against changes of others before the intake gives up."""

AboutTo = Callable[[Sequence[tuple[int, str]]], None]
"""Receives the number of each entry, and the id of its contact."""


class Intake:
    """Writer of cards, several hundred at a time.

    Args:
        store: the contacts in Redis.
    """

    def __init__(self, store: ContactStore) -> None:
        self._store = store

    def take(
        self,
        entries: Sequence[Entry],
        hold_back: HoldBack | None = None,
        guess: Sequence[Guess | None] = (),
        mode: Mode = "merge",
        about_to: AboutTo | None = None,
        merged: Callable[[], None] = lambda: None,
    ) -> list[Taken | None]:
        """Make or change the contact of each entry.

        Args:
            entries: the people.
            hold_back: tells which entries wait.
            guess: for each entry, a choice among the contacts with its name and neither UID nor address, used when
                nothing certain leads to a contact.
            mode: `create` leaves existing contacts as they are.
            about_to: called before each write with the number of each entry and its contact's id; called again after
                somebody else's change.
            merged: called when two contacts turned out to be one person.

        Returns:
            The outcome of each entry; None for those held back.
        """
        taken: dict[int, Taken | None] = {}
        guesses = list(guess) or [None] * len(entries)
        left = list(range(len(entries)))
        for _ in range(MOST_TRIES + len(entries)):
            if not left:
                return [taken[number] for number in range(len(entries))]
            round_of = Round(self._store, self.look([entries[number] for number in left]), hold_back, mode)
            for number in left:
                round_of.plan(number, entries[number], guesses[number])
            if about_to is not None:
                about_to(round_of.planned())
            taken |= round_of.write()
            left = [number for number in left if number not in taken]
            if round_of.to_absorb is not None:
                self._absorb(*round_of.to_absorb)
                merged()
        raise too_busy()

    def identify(self, entries: Sequence[Entry]) -> list[str]:
        """Return the id of the contact that each entry would get, without writing."""
        rehearsal = Round(self._store, self.look(entries), None, "merge")
        return [rehearsal.rehearse(entry) for entry in entries]

    def known(self, contact_id: str) -> Known | None:
        """Return a contact's traits and identities, also of a deleted one; None if there never was one."""
        (row,) = self._store.rows([contact_id])
        return known_of(row) if row else None

    def change(self, contact_id: str, fields: dict[str, object]) -> Saved:
        """Change a contact's fields; its earlier identities still lead to it. Returns `missing` for an unknown id."""
        for _ in range(MOST_TRIES):
            known = self.known(contact_id)
            if known is None or not known.living:
                return "missing"
            after = with_traits(known, traits_of(asdict(known.traits) | fields))
            write = Write(contact_id, {**fields, "had": " ".join(after.had)}, after.identities, (), known.identities)
            (became,) = self._store.save_many([write], "update")
            if became != "stale":
                return became
        raise too_busy()

    def look(self, entries: Sequence[Entry]) -> Found:
        """Read the part of the address book that matters to these entries."""
        found = Found()
        wanted = {identity: None for entry in entries for identity in _asked(entry.traits)}
        wanted |= {
            identity: None
            for entry in entries
            for traits in entry.mistaken
            for identity in identities_of(traits, bare=False)
        }
        found.held = dict(zip(wanted, self._store.holders(list(wanted)), strict=True))
        ids = dict.fromkeys(one for held in found.held.values() for one in held)
        ids |= dict.fromkeys(entry.hint for entry in entries if entry.hint)
        ids |= dict.fromkeys(uid for entry in entries for uid in own_ids(entry.traits))
        found.read(self._store, list(ids))
        self._look_for_new(found, [entry for entry in entries if match(entry.traits, found).contact is None])
        return found

    def _look_for_new(self, found: Found, entries: Sequence[Entry]) -> None:
        """Read which of the ids that new contacts would get, or had in the first version, are taken."""
        if not entries:
            return
        first = [first_ids(entry.traits) for entry in entries]
        own = [new_id(entry.traits) for entry in entries]
        asked = list(dict.fromkeys((*own, *(one for ids in first for one in (ids.by_name, *ids.by_address)))))
        exist = zip(asked, self._store.exist(asked), strict=True)
        found.read(self._store, [one for one, is_there in exist if is_there and one not in found.known])
        bare = [new_id(entry.traits) for entry in entries if not entry.traits.uids and not entry.traits.emails]
        found.read(self._store, [one for one in dict.fromkeys(bare) if one not in found.known])
        found.looked_for = set(asked)
        found.before = {one for one, was in zip(asked, self._store.were_before(asked), strict=True) if was}

    def _absorb(self, into: Known, other: Known) -> None:
        """Merge two contacts if nobody has changed them; the first one's fields win."""
        contacts = self._store.get_many([into.id, other.id])
        if [contact.identities for contact in contacts] != [into.identities, other.identities]:
            return  # somebody else has changed one of them
        fields = united([part_of(contact) for contact in contacts])
        whole = with_traits(merged(into, other), traits_of(fields))
        if into.parts or other.parts:
            fields["parts"] = as_text(parts_of(contacts))
        fields["had"] = " ".join(replace(whole, parts=str(fields.get("parts", ""))).had)
        write = Write(into.id, fields, whole.identities, whole.former_ids, into.identities)
        self._store.absorb(write, [(other.id, other.identities)])


def _asked(traits: Traits) -> Iterable[str]:
    if not traits.uids:
        return (*identities_of(traits), name_identity(traits))
    return (*identities_of(traits), *("i" + uid for uid in own_ids(traits)))


def too_busy() -> StoreUnavailable:
    """Return the error for changes that others always overtake."""
    return StoreUnavailable("Others keep changing the address book; try again")


def traits_of(fields: Mapping[str, Any]) -> Traits:
    """Return the traits that tell a contact with these fields from others."""
    return Traits(fields["name"], tuple(fields["uids"] or ()), tuple(fields["emails"] or ()), fields["birthday"])
