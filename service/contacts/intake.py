"""Takes people in: finds whose contact each card is, and writes it.

It reads, decides by `service.contacts.matching`, and writes what it has decided only where nobody has changed meanwhile
what the decision stands on; else it looks again. Two who import the same file at once therefore make one book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, count
from typing import Any

from service.contacts.matching import LASTING, Known, Match, match, merged, with_traits
from service.contacts.parts import as_text, from_text, part_of, parts_of, united, with_card
from service.contacts.people import is_id
from service.errors import StoreUnavailable
from service.models.names import name_key
from service.models.traits import (
    FirstIds,
    Traits,
    first_ids,
    id_of_uid,
    identities_of,
    name_identity,
    new_id,
    normal_uid,
    uid_identity,
)
from service.store.contacts import ContactStore, Mode, Row, Saved, Write

MOST_TRIES = 100
"""Times that another may have been quicker before it is told as a trouble."""

HoldBack = Callable[[Match, Sequence[Known]], bool]
"""Whether a card is to wait, by whom it matches, and by who has its name and neither UID nor address."""
Guess = Callable[[Sequence[Known]], Known | None]

AboutTo = Callable[[Sequence[tuple[int, str]]], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody is about to be.

    Args:
        traits: by what it can be told who it is.
        fields: what is written.
        hint: the contact that it is where nothing speaks for another one, by id.
    """

    traits: Traits
    fields: dict[str, object]
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody as they are now.

    Args:
        contact: by what it is known from now on.
        became: `created`, `updated`, `unchanged`; or `exists`: there was one, and it is left as it was.
        by_address: for `exists`: they have an address and the name in common.
    """

    contact: Known
    became: Saved
    by_address: bool = False


@dataclass(slots=True)
class Found:
    """The part of the address book that matters to some cards, as it was read and as it will be."""

    held: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, Known | None] = field(default_factory=dict)
    seen: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    looked_for: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)

    def holders(self, identity: str) -> list[Known]:
        """Everybody with that identity; see `View`."""
        return [one for contact_id in self.held.get(identity, ()) if (one := self.known.get(contact_id)) is not None]

    def own(self, traits: Traits) -> Known | None:
        """The contact whose own id, or that of a part of which, is the UID: an export gives it to those without one."""
        for uid in own_ids(traits):
            if not self.holders(uid_identity(uid)):
                known = self.known.get(uid)
                holders = [known] if known is not None else self.holders("i" + uid)
                return next((one for one in holders if one.living), None)
        return None

    def read(self, store: ContactStore, ids: list[str]) -> None:
        """Reads by what each of these is known."""
        if ids:
            for one, row in zip(ids, store.rows(ids), strict=True):
                self.known[one] = known_of(row) if row else None
                self.seen[one] = row.identities if row and row.living else None

    def put(self, known: Known) -> None:
        """From now on it is as it will be once it is written."""
        old = self.known.get(known.id)
        for identity in old.identities if old else ():
            if identity not in known.identities and known.id in self.held.get(identity, ()):
                self.held[identity].remove(known.id)
        for identity in known.identities:
            if known.id not in (held := self.held.setdefault(identity, [])):
                held.append(known.id)
        self.known[known.id] = known


class Intake:
    """Takes cards in, several hundred at a time.

    Args:
        store: where contacts are kept.
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
    ) -> list[Taken | None]:
        """Makes or changes the contact of each.

        Args:
            hold_back: says which of them are to wait.
            guess: for each, who is meant where nothing certain leads to somebody; of those who have the name, and
                neither UID nor address.
            mode: `create` leaves those who are there as they are.
            about_to: called before anything is written, with the number of each entry and whose it is; where another
                was quicker, once more.

        Returns:
            What became of each; None for those held back.
        """
        taken: dict[int, Taken | None] = {}
        guesses = list(guess) or [None] * len(entries)
        left = list(range(len(entries)))
        for _ in range(MOST_TRIES + len(entries)):
            if not left:
                return [taken[number] for number in range(len(entries))]
            round_of = _Round(self._store, self.look([entries[number] for number in left]), hold_back, mode)
            for number in left:
                round_of.plan(number, entries[number], guesses[number])
            if about_to is not None:
                about_to(round_of.planned())
            taken |= round_of.write()
            left = [number for number in left if number not in taken]
            if round_of.to_absorb is not None:
                self._absorb(*round_of.to_absorb)
        raise too_busy()

    def identify(self, entries: Sequence[Entry]) -> list[str]:
        """Whose contact each would be, by its id, without a change."""
        rehearsal = _Round(self._store, self.look(entries), None, "merge")
        return [rehearsal.rehearse(entry) for entry in entries]

    def known(self, contact_id: str) -> Known | None:
        """By what a contact is known, also one that was deleted; None if it is not."""
        (row,) = self._store.rows([contact_id])
        return known_of(row) if row else None

    def change(self, contact_id: str, fields: dict[str, object]) -> Saved:
        """Changes a contact's fields; what it was known by leads to it as before. `missing` if there is none."""
        for _ in range(MOST_TRIES):
            known = self.known(contact_id)
            if known is None or not known.living:
                return "missing"
            after = with_traits(known, traits_of(asdict(known.traits) | fields))
            write = Write(contact_id, fields, after.identities, (), known.identities)
            (became,) = self._store.save_many([write], "update")
            if became != "stale":
                return became
        raise too_busy()

    def look(self, entries: Sequence[Entry]) -> Found:
        """Reads what matters to these entries."""
        found = Found()
        wanted = {identity: None for entry in entries for identity in _asked(entry.traits)}
        found.held = dict(zip(wanted, self._store.holders(list(wanted)), strict=True))
        ids = dict.fromkeys(one for held in found.held.values() for one in held)
        ids |= dict.fromkeys(entry.hint for entry in entries if entry.hint)
        ids |= dict.fromkeys(uid for entry in entries for uid in own_ids(entry.traits))
        found.read(self._store, list(ids))
        self._look_for_new(found, [entry for entry in entries if match(entry.traits, found).contact is None])
        return found

    def _look_for_new(self, found: Found, entries: Sequence[Entry]) -> None:
        """Whether the ids that they would get, or had in the first version, are somebody's."""
        if not entries:
            return
        first = [first_ids(entry.traits) for entry in entries if not entry.traits.uids]
        own = [new_id(entry.traits) for entry in entries]
        asked = list(dict.fromkeys((*own, *(one for ids in first for one in (ids.by_name, *ids.by_address)))))
        exist = zip(asked, self._store.exist(asked), strict=True)
        found.read(self._store, [one for one, is_there in exist if is_there and one not in found.known])
        bare = [new_id(entry.traits) for entry in entries if not entry.traits.uids and not entry.traits.emails]
        found.read(self._store, [one for one in dict.fromkeys(bare) if one not in found.known])
        found.looked_for = set(asked)
        found.before = {one for one, was in zip(asked, self._store.were_before(asked), strict=True) if was}

    def _absorb(self, into: Known, other: Known) -> None:
        """Makes one of two, if they are as they were; fields that both have are the first's."""
        contacts = self._store.get_many([into.id, other.id])
        if [contact.identities for contact in contacts] != [into.identities, other.identities]:
            return  # another was quicker
        fields = united([part_of(contact) for contact in contacts])
        whole = with_traits(merged(into, other), traits_of(fields))
        if into.parts or other.parts:
            fields["parts"] = as_text(parts_of(contacts))
        write = Write(into.id, fields, whole.identities, whole.former_ids, into.identities)
        self._store.absorb(write, [(other.id, other.identities)])


def too_busy() -> StoreUnavailable:
    """That others are quicker all the time."""
    return StoreUnavailable("The address book is being changed by others all the time; try again")


def traits_of(fields: Mapping[str, Any]) -> Traits:
    """By what a contact with these fields can be told from others."""
    return Traits(fields["name"], tuple(fields["uids"] or ()), tuple(fields["emails"] or ()), fields["birthday"])


class _Round:
    """One try: what was found, what is to be written by it, and in which order."""

    def __init__(self, store: ContactStore, found: Found, hold_back: HoldBack | None, mode: Mode) -> None:
        self._store = store
        self._found = found
        self._hold_back = hold_back
        self._mode = mode
        self._writes: list[tuple[int, Write, Known]] = []
        self._done: dict[int, Taken | None] = {}
        self._stops = False
        self.to_absorb: tuple[Known, Known] | None = None
        """Two that are one, to be made so before the rest is looked at again."""

    def plan(self, number: int, entry: Entry, guess: Guess | None) -> None:
        """Decides about one entry, unless it has to wait for another round."""
        if self._stops:
            return
        if (own := self._found.own(entry.traits)) is not None:
            self._add(number, entry, own)
            return
        matched = match(entry.traits, self._found)
        namesakes = [
            one for one in self._found.holders(name_identity(entry.traits)) if not (one.has_uid or one.has_email)
        ]  # fmt: skip
        if self._hold_back is not None and self._hold_back(matched, namesakes):
            self._done[number] = None
        elif matched.same and self._mode != "create":
            self._stops, self.to_absorb = True, self._pair(matched)
        else:
            known = matched.contact or self._hinted(entry) or (guess and guess(namesakes)) or self._new(entry.traits)
            if self._mode == "create" and known.living:
                self._done[number] = Taken(known, "exists", _share_address(entry.traits, known))
            else:
                self._add(number, entry, known)

    def rehearse(self, entry: Entry) -> str:
        """Whose contact an entry would be."""
        known = (
            self._found.own(entry.traits)
            or match(entry.traits, self._found).contact
            or self._hinted(entry)
            or self._new(entry.traits)
        )
        self._add(0, entry, known)
        return known.id

    def planned(self) -> list[tuple[int, str]]:
        """The number of each entry that is about to be written, and its contact's id."""
        return [(number, known.id) for number, _, known in self._writes]

    def _pair(self, matched: Match) -> tuple[Known, Known] | None:
        """Only living ones, as they were read, can be made one."""
        contact, other = matched.contact, matched.same[0]
        both_read = all(one is not None and self._is_as_read(one) for one in (contact, other))
        return (contact, other) if contact is not None and both_read else None

    def _is_as_read(self, known: Known) -> bool:
        return known.living and self._found.seen.get(known.id) == known.identities

    def _hinted(self, entry: Entry) -> Known | None:
        """The contact that a card without UID was before, if anything but its place says that it is."""
        known = self._found.known.get(entry.hint or "")
        if known is None or not known.living or entry.traits.uids:
            return None
        old, new = known.traits, entry.traits
        shared = {email.casefold() for email in old.emails} & {email.casefold() for email in new.emails}
        born_alike = bool(new.month_day) and old.month_day == new.month_day
        return known if shared or born_alike or name_key(old.name) == name_key(new.name) else None

    def _new(self, traits: Traits) -> Known:
        """Who has had the id of the first version, else somebody new."""
        found = self._found
        first = FirstIds("", ()) if traits.uids else first_ids(traits)
        for one in (*map(id_of_uid, traits.uids), first.by_name, *first.by_address):
            known = found.known.get(one)
            if known is not None and known.living and _was(known, traits):
                return known
        before = [first.by_name] if first.by_name in found.before else [
            one for one in first.by_address if one in found.before
        ]  # fmt: skip
        ids = chain(before, (new_id(traits, number) for number in count(1)))
        free = next(one for one in ids if self._is_free(one))
        return Known(free, Traits(""), (), tuple(one for one in before if one != free), living=False)

    def _is_free(self, contact_id: str) -> bool:
        """Nobody has this id, also nobody who was deleted."""
        if contact_id not in self._found.known and contact_id in self._found.looked_for:
            return True
        if contact_id not in self._found.known:
            self._found.read(self._store, [contact_id])
        return self._found.known[contact_id] is None

    def _add(self, number: int, entry: Entry, known: Known) -> None:
        found = self._found
        after, fields = _with_entry(known, entry)
        free = [
            one for one in identities_of(_lasting(entry.traits, known)) if one[0] in "um" and not found.held.get(one)
        ]
        seen = known.identities if known.living else None
        former = after.former_ids if not known.living else ()
        write = Write(known.id, fields, after.identities, former, seen, free)
        found.put(after)
        self._writes.append((number, write, after))

    def write(self) -> dict[int, Taken | None]:
        """Writes what was decided; what is missing in the answer has to be decided anew."""
        saved = self._store.save_many([write for _, write, _ in self._writes], self._mode) if self._writes else []
        for (number, _, known), became in zip(self._writes, saved, strict=True):
            if became not in ("stale", "exists"):
                self._done[number] = Taken(known, became)
        return self._done


def _with_entry(known: Known, entry: Entry) -> tuple[Known, dict[str, object]]:
    """A contact once an entry was taken in, and the fields of it that are to be written."""
    traits = _lasting(entry.traits, known)
    before = known.traits if known.living else Traits("")
    if not known.parts:
        after = with_traits(known, before.with_card(traits))
        return after, entry.fields | ({"uids": after.traits.uids} if traits.uids else {})
    parts, changes = with_card(from_text(known.parts), entry.traits, entry.fields)
    now = replace(before, **{name: changes[name] for name in ("name", "uids", "emails", "birthday") if name in changes})
    # What leads to a part leads to the contact, though its own name and addresses are others.
    led = dict.fromkeys((*known.identities, *(one for one in identities_of(traits) if one[0] in LASTING)))
    after = with_traits(replace(known, identities=tuple(led), parts=as_text(parts)), now)
    return after, {"source": entry.fields.get("source"), **changes, "parts": after.parts}


def _lasting(traits: Traits, known: Known) -> Traits:
    """The traits without UIDs that are the contact's own ids, which say nothing of it."""
    own = {known.id, *known.former_ids}
    return replace(traits, uids=tuple(uid for uid in traits.uids if normal_uid(uid) not in own))


def known_of(row: Row) -> Known:
    """By what a contact is known, as it is kept."""
    traits = Traits(row.name, row.uids, row.emails, row.birthday)
    return Known(row.id, traits, row.identities, row.former_ids, row.living, row.parts)


def _was(known: Known, traits: Traits) -> bool:
    """Whether a contact that has the id of the first version is the one: by its UID, or by its name."""
    if traits.uids:
        return not known.has_uid
    return name_key(known.traits.name) == name_key(traits.name)


def _asked(traits: Traits) -> Iterable[str]:
    if not traits.uids:
        return (*identities_of(traits), name_identity(traits))
    return (*identities_of(traits), *("i" + uid for uid in own_ids(traits)))


def own_ids(traits: Traits) -> list[str]:
    """The UIDs that may be contacts' own ids."""
    return [normal_uid(uid) for uid in traits.uids if is_id(normal_uid(uid))]


def _share_address(traits: Traits, known: Known) -> bool:
    return any(identity[0] == "m" and identity in known.identities for identity in identities_of(traits))
