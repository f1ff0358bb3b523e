"""Decisions about cards: which contact each one makes or changes, on a part of the address book as it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

from service.contacts.matching.entries import Entry, Taken
from service.contacts.matching.identity import LASTING, Known, Match, match, with_traits
from service.contacts.matching.mistaken_names import is_stand_in
from service.contacts.matching.parts import as_text, from_text, with_card
from service.domain.ids import is_id
from service.domain.people.names import name_key
from service.domain.people.traits import (
    Traits,
    as_sent,
    first_ids,
    id_of_uid,
    identities_of,
    name_identity,
    new_id,
    normal_uid,
    says_less,
    uid_identity,
)
from service.store.contact_rows import Row
from service.store.contacts import ContactStore, Mode, Write

HoldBack = Callable[[Match, Sequence[Known]], bool]
"""Tells whether a card waits: by its match, and by the contacts with its name and neither UID nor address."""
Guess = Callable[[Sequence[Known]], Known | None]
"""Chooses one of several contacts, or none."""


@dataclass(slots=True)
class Found:
    """Part of the address book that matters to some cards, as it was read and as it will be."""

    held: dict[str, list[str]] = field(default_factory=dict)
    known: dict[str, Known | None] = field(default_factory=dict)
    seen: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    looked_for: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)

    def holders(self, identity: str) -> list[Known]:
        """Return every contact with that identity; see `View`."""
        return [one for contact_id in self.held.get(identity, ()) if (one := self.known.get(contact_id)) is not None]

    def own(self, traits: Traits) -> Known | None:
        """Return the contact whose own id, or a part's id, is the UID: an export uses it for contacts without a UID.

        A deleted contact comes back.
        """
        for uid in own_ids(traits):
            if not self.holders(uid_identity(uid)):
                known = self.known.get(uid)
                holders = [known] if known is not None else self.holders("i" + uid)
                if holders:
                    return next((one for one in holders if one.living), holders[0])
        return None

    def read(self, store: ContactStore, ids: list[str]) -> None:
        """Read the identities of these contacts."""
        if ids:
            for one, row in zip(ids, store.rows(ids), strict=True):
                self.known[one] = known_of(row) if row else None
                self.seen[one] = row.identities if row and row.living else None

    def put(self, known: Known) -> None:
        """Put a contact here as it will be once it is written."""
        old = self.known.get(known.id)
        for identity in old.identities if old else ():
            if identity not in known.identities and known.id in self.held.get(identity, ()):
                self.held[identity].remove(known.id)
        for identity in known.identities:
            if known.id not in (held := self.held.setdefault(identity, [])):
                held.append(known.id)
        self.known[known.id] = known


class Round:
    """One attempt: the part of the book that was read, and the writes that follow, in order."""

    def __init__(self, store: ContactStore, found: Found, hold_back: HoldBack | None, mode: Mode) -> None:
        self._store = store
        self._found = found
        self._hold_back = hold_back
        self._mode = mode
        self._writes: list[tuple[int, Write, Known]] = []
        self._done: dict[int, Taken | None] = {}
        self._stops = False
        self.to_absorb: tuple[Known, Known] | None = None
        """Two contacts that are one person, to be merged before the rest is read again."""

    def plan(self, number: int, entry: Entry, guess: Guess | None) -> None:
        """Decide about one entry, unless it has to wait for another round."""
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
            known = (
                matched.contact
                or self._mistaken(entry)
                or self._hinted(entry)
                or (guess and guess(namesakes))
                or self._new(entry.traits)
            )
            if self._mode == "create" and known.living:
                self._done[number] = Taken(known, "exists", _share_address(entry.traits, known))
            else:
                self._add(number, entry, known)

    def rehearse(self, entry: Entry) -> str:
        """Return the id of the contact that an entry would get."""
        known = (
            self._found.own(entry.traits)
            or match(entry.traits, self._found).contact
            or self._hinted(entry)
            or self._new(entry.traits)
        )
        self._add(0, entry, known)
        return known.id

    def planned(self) -> list[tuple[int, str]]:
        """Return the number of each entry that is about to be written, with its contact's id."""
        return [(number, known.id) for number, _, known in self._writes]

    def _pair(self, matched: Match) -> tuple[Known, Known] | None:
        """Return the two contacts to merge, if both live and are as they were read."""
        contact, other = matched.contact, matched.same[0]
        both_read = all(one is not None and self._is_as_read(one) for one in (contact, other))
        return (contact, other) if contact is not None and both_read else None

    def _is_as_read(self, known: Known) -> bool:
        return known.living and self._found.seen.get(known.id) == known.identities

    def _mistaken(self, entry: Entry) -> Known | None:
        """Return the contact that the same card made with a wrong name, if it still has that name."""
        for traits in entry.mistaken:
            wrong = name_key(traits.name)
            for identity in identities_of(traits, bare=False):
                for one in self._found.holders(identity):
                    if one.living and not one.has_uid and name_key(one.traits.name) == wrong:
                        return one
        return None

    def _hinted(self, entry: Entry) -> Known | None:
        """Return the earlier contact of a card without UID, if more than its place confirms that."""
        known = self._found.known.get(entry.hint or "")
        if known is None or not known.living or entry.traits.uids:
            return None
        old, new = known.traits, entry.traits
        shared = set(map(as_sent, old.emails)) & set(map(as_sent, new.emails))
        born_alike = bool(new.month_day) and old.month_day == new.month_day
        return known if shared or born_alike or name_key(old.name) == name_key(new.name) else None

    def _new(self, traits: Traits) -> Known:
        """Return the contact with the id of the first version, else a new one."""
        found = self._found
        first = first_ids(traits)
        own = [id_of_uid(uid) for uid in traits.uids] if traits.uids else [first.by_name, *first.by_address]
        for one in own:
            known = found.known.get(one)
            if known is not None and known.living and _was(known, traits):
                return known
        before = [first.by_name] if first.by_name in found.before else [
            one for one in first.by_address if one in found.before
        ]  # fmt: skip
        ids = chain([] if traits.uids else before, (new_id(traits, number) for number in count(1)))
        free = next(one for one in ids if self._is_free(one))
        return Known(free, Traits(""), (), tuple(one for one in before if one != free), living=False)

    def _is_free(self, contact_id: str) -> bool:
        """Tell whether no contact, and no deleted one, has this id."""
        if contact_id not in self._found.known and contact_id in self._found.looked_for:
            return True
        if contact_id not in self._found.known:
            self._found.read(self._store, [contact_id])
        return self._found.known[contact_id] is None

    def _add(self, number: int, entry: Entry, known: Known) -> None:
        found = self._found
        entry = _without_stand_in(entry, known)
        traits = _lasting(entry.traits, known)
        after, fields = _whole(known, entry) if known.parts else _plain(known, replace(entry, traits=traits))
        free = [one for one in identities_of(entry.traits) if not found.holders(one)]  # only the read ones
        seen = known.identities if found.known.get(known.id) is not None else None
        former = after.former_ids if not known.living else ()
        fields = {**fields, "had": " ".join(after.had)}
        write = Write(known.id, fields, after.identities, former, seen, free, not known.living)
        found.put(after)
        self._writes.append((number, write, after))

    def write(self) -> dict[int, Taken | None]:
        """Write the decisions. Entries that are missing in the answer have to be decided again."""
        saved = self._store.save_many([write for _, write, _ in self._writes], self._mode) if self._writes else []
        for (number, _, known), became in zip(self._writes, saved, strict=True):
            if became not in ("stale", "exists"):
                self._done[number] = Taken(known, became)
        return self._done


def _without_stand_in(entry: Entry, known: Known) -> Entry:
    """Drop a name that is an address, if the contact has a better one."""
    if not (known.living and is_stand_in(entry.traits.name)) or is_stand_in(known.traits.name):
        return entry
    fields = {name: value for name, value in entry.fields.items() if name != "name"}
    return replace(entry, traits=replace(entry.traits, name=known.traits.name), fields=fields)


def _plain(known: Known, entry: Entry) -> tuple[Known, dict[str, object]]:
    """Return a contact after an entry, and the fields to write."""
    before = known.traits if known.living else Traits("")
    entry = entry.without_less(before)
    after = with_traits(known, entry.written_over(before))
    return after, entry.fields | ({"uids": after.traits.uids} if entry.traits.uids else {})


def _whole(known: Known, entry: Entry) -> tuple[Known, dict[str, object]]:
    """Likewise for a merged contact: the entry changes its own part, see `service.contacts.matching.parts`."""
    before = known.traits if known.living else Traits("")
    traits = entry.traits if known.living else _lasting(entry.traits, known)
    parts, changes = with_card(from_text(known.parts), traits, entry.fields, entry.forgets_year)
    if not entry.forgets_year and says_less(changes.get("birthday"), before.birthday):
        del changes["birthday"]
    now = replace(before, **{name: changes[name] for name in ("name", "uids", "emails", "birthday") if name in changes})
    # Identities of a part lead to the contact, though its own name and addresses differ.
    leading = identities_of(_lasting(entry.traits, known))
    led = dict.fromkeys((*known.identities, *(one for one in leading if one[0] in LASTING)))
    after = with_traits(replace(known, identities=tuple(led), parts=as_text(parts)), now)
    return after, {"source": entry.fields.get("source"), **changes, "parts": after.parts}


def _lasting(traits: Traits, known: Known) -> Traits:
    """Return the traits without UIDs that are the contact's own ids, which tell nothing."""
    own = {known.id, *known.former_ids}
    return replace(traits, uids=tuple(uid for uid in traits.uids if normal_uid(uid) not in own))


def own_ids(traits: Traits) -> list[str]:
    """Return the UIDs that may be ids of contacts."""
    return [normal_uid(uid) for uid in traits.uids if is_id(normal_uid(uid))]


def known_of(row: Row) -> Known:
    """Return a contact's traits and identities from its row."""
    traits = Traits(row.name, row.uids, row.emails, row.birthday)
    return Known(row.id, traits, row.identities, row.former_ids, row.living, row.parts)


def _was(known: Known, traits: Traits) -> bool:
    """Tell whether a contact with the id of the first version is the person: by its UID, or by its name."""
    if traits.uids:
        return not known.has_uid
    return name_key(known.traits.name) == name_key(traits.name)


def _share_address(traits: Traits, known: Known) -> bool:
    return any(identity[0] == "m" and identity in known.identities for identity in identities_of(traits))
