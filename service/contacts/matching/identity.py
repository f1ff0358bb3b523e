"""Identity: which contacts a card belongs to.

A UID belongs to one person: another UID is another contact. Without one, an address together with the name decides,
else name and birthday where one of the two has no address. A name alone decides nothing here, see
`service.contacts.intake.imports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.domain.people.traits import Traits, identities_of

MOST_IDENTITIES = 250
"""Most identities of a contact: present ones first, then the latest former ones."""
_LEFT_OUT = "iubm"
"""Beyond the limit, the last ones of this order are dropped."""
LASTING = "umi"
"""Kinds of identities that stay when a contact no longer has them."""


@dataclass(frozen=True, slots=True)
class Known:
    """Contact, as far as its identity matters.

    Args:
        id: the contact's.
        traits: its present ones; empty for a deleted contact.
        identities: digests that lead to it.
        former_ids: of the contacts that were merged into it.
        living: whether it exists; False once it is deleted.
        parts: the contacts that a person merged into it, as text, see `service.contacts.matching.parts`.
    """

    id: str
    traits: Traits
    identities: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    living: bool = True
    parts: str = ""

    @property
    def has_uid(self) -> bool:
        """Whether a card with a UID ever led to it."""
        return any(identity[0] == "u" for identity in self.identities)

    @property
    def has_email(self) -> bool:
        """Whether it has an address, or had one when it was deleted."""
        if self.living:
            return bool(self.traits.emails)
        return any(identity[0] == "m" for identity in self.identities)

    @property
    def had(self) -> tuple[str, ...]:
        """Identities of names and addresses that it no longer has; they lead to it if to nobody else."""
        if not self.living or self.parts:
            return ()
        present = identities_of(self.traits, bare=not self.has_uid)
        return tuple(one for one in self.identities if one[0] in "mb" and one not in present)

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """Sort key among several candidates; it does not depend on their order of arrival."""
        telling = "u" if self.has_uid else "m" if self.has_email else "b"
        known_by = min((identity for identity in self.identities if identity[0] == telling), default="")
        return not self.living, not self.has_uid, not self.has_email, known_by or self.id


@dataclass(frozen=True, slots=True)
class Match:
    """Match of a card.

    Args:
        contact: the card's contact; None if it is new. A deleted one comes back.
        same: other contacts that the card proves to be the same person; none of them ever had a UID.
        adopts: whether the card has a UID and its contact has none.
    """

    contact: Known | None = None
    same: tuple[Known, ...] = ()
    adopts: bool = False


class View(Protocol):
    """Lookup of contacts."""

    def holders(self, identity: str, /) -> Sequence[Known]:
        """Return every contact with that identity, deleted ones too."""


def match(card: Traits, view: View) -> Match:
    """Find the contacts that certainly belong to a card."""
    held = [(identity[0], _meant(identity, view.holders(identity))) for identity in identities_of(card)]
    if not any(holders for _, holders in held):
        return Match()
    by_uid, by_address, born_alike = (
        [one for kind, each in held if kind == wanted for one in each] for wanted in "umb"
    )
    by_birthday = [one for one in born_alike if not (card.emails and one.has_email)]
    if card.uids:
        groups = [by_uid, [one for one in by_address + by_birthday if not one.has_uid]]
    else:
        with_uid = [[one for one in group if one.has_uid] for group in (by_address, by_birthday)]
        groups = [*with_uid, by_address, by_birthday]
    contact = _first(groups)
    if contact is None:
        return Match()
    # A common birthday alone does not unite people with different addresses.
    has_email = bool(card.emails) or contact.has_email
    loose = by_address + [one for one in by_birthday if not (has_email and one.has_email)]
    same = {one.id: one for one in loose if one.living and not one.has_uid and one.id != contact.id}
    if not card.uids and not card.emails:
        same = {one.id: one for one in same.values() if not one.has_email}
    adopts = bool(card.uids) and not contact.has_uid
    return Match(contact, tuple(sorted(same.values(), key=lambda one: one.rank)), adopts)


def _meant(identity: str, holders: Sequence[Known]) -> Sequence[Known]:
    """Choose among the contacts to which an identity leads: those that have it now, else those that once had it."""
    if len(holders) < 2 or identity[0] == "u":
        return holders
    return [one for one in holders if one.living and identity not in one.had] or holders


def _first(groups: Sequence[list[Known]]) -> Known | None:
    """Return the least of the first group with a living contact, else of the first group that is not empty."""
    living = ([one for one in group if one.living] for group in groups)
    candidates = next(filter(None, (*living, *groups)), None)
    return min(candidates, key=lambda one: one.rank) if candidates else None


class People:
    """Set of people, each once, though they may be several contacts."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._held: dict[str, list[Known]] = {}

    def add(self, known: Known) -> None:
        """Add somebody."""
        self._ids.add(known.id)
        for identity in known.identities:
            self._held.setdefault(identity, []).append(known)

    def __contains__(self, known: Known) -> bool:
        return known.id in self._ids or any(
            are_same(identity, known, other) for identity in known.identities for other in self._held.get(identity, ())
        )


def are_same(identity: str, one: Known, other: Known) -> bool:
    """Tell whether two contacts that share an identity are one person, as `people.same` does in the ledger's script.

    Somebody who only once had that name or address is another person. Where both have UIDs, the birthday tells people
    with the same name and address apart: father and son.

    Args:
        identity: the shared one.
        one: a contact.
        other: another contact.
    """
    if one.living and other.living and (identity in one.had or identity in other.had):
        return False
    both_have_uids = one.has_uid and other.has_uid
    if identity[0] == "b":
        return not both_have_uids and not (one.has_email and other.has_email)
    if identity[0] == "m" and both_have_uids:
        days, others = ({each for each in known.identities if each[0] == "b"} for known in (one, other))
        return not days or not others or bool(days & others)
    return identity[0] != "n"


def merged(into: Known, other: Known) -> Known:
    """Return `into` united with `other`; `with_traits` then keeps the identities that last."""
    former = dict.fromkeys((*into.former_ids, other.id, *other.former_ids))
    former.pop(into.id, None)
    identities = tuple(dict.fromkeys((*into.identities, "i" + other.id, *other.identities)))
    return replace(into, former_ids=tuple(former), identities=identities)


def with_traits(known: Known, traits: Traits) -> Known:
    """Return `known` with other traits; its earlier addresses and UIDs still lead to it."""
    present = identities_of(traits, bare=not known.has_uid)
    # If nothing else is known, a namesake may be born on the day that was this one's by mistake.
    has_more = known.has_uid or known.former_ids or traits.uids or traits.emails
    lasting = LASTING + ("b" if has_more else "")
    had = sorted((one for one in known.identities if one[0] in lasting), key=lambda one: _LEFT_OUT.index(one[0]))
    identities = tuple(dict.fromkeys((*present, *had)))[:MOST_IDENTITIES]
    return replace(known, traits=traits, identities=identities, living=True)
