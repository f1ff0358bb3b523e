"""Who is whom: by what a card and a contact are known, and which contacts a card is.

| identity | letter | whose it is |
|---|---|---|
| the UID | `u` | everybody who came with one |
| an e-mail address together with the name | `m` | everybody who has or had that address |
| the name and the day of birth | `b` | everybody with a birthday, and those of whom nothing but the name is known |
| the name alone | `n` | those without UID and address |
| the id of a contact that was merged into it | `i` | the ledger asks for it |

A UID is somebody's own: whoever has another one is never the same contact. Without one, an address together with the
name decides, else name and birthday where one of the two has no address. A name alone decides nothing here, see
`service.contacts.imports`.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Protocol
from uuid import UUID, uuid5

from service.contacts.names import name_key

MOST_IDENTITIES = 250
"""Of one contact that are kept: those that it has, then the latest that it had."""
MOST_UIDS = 20
_LEFT_OUT = "iubm"
"""Of too many identities the last ones of this order."""
LASTING = "umi"
"""Identities that are kept when a contact has them no more."""
_IDENTITIES = UUID("5f0b3a52-6d0e-5c1e-9d7a-0b8c8f6f6a11")


@dataclass(frozen=True, slots=True)
class Traits:
    """By what somebody can be told from others; the fields are `Contact`'s."""

    name: str
    uids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    birthday: str | None = None

    @property
    def month_day(self) -> str:
        """`MM-DD`, or nothing."""
        return (self.birthday or "")[-5:]

    def with_card(self, card: Traits) -> Traits:
        """These, once a card has written over what it carries."""
        known = {normal_uid(uid) for uid in self.uids}
        return Traits(
            card.name,
            (self.uids + tuple(uid for uid in card.uids if normal_uid(uid) not in known))[:MOST_UIDS],
            card.emails or self.emails,
            card.birthday or self.birthday,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """A contact as far as it matters who it is.

    Args:
        id: the contact's.
        traits: as they are; of a deleted contact none are known.
        identities: by which it is found.
        former_ids: of the contacts that were merged into it.
        living: it was not deleted.
        parts: what it is made of where a person has merged it, as text, see `service.contacts.parts`.
    """

    id: str
    traits: Traits
    identities: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    living: bool = True
    parts: str = ""

    @property
    def has_uid(self) -> bool:
        """Whether it ever came with a UID."""
        return any(identity[0] == "u" for identity in self.identities)

    @property
    def has_email(self) -> bool:
        """Whether it has an address, or had one when it was deleted."""
        if self.living:
            return bool(self.traits.emails)
        return any(identity[0] == "m" for identity in self.identities)

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """Of several who may be meant, the least is; it does not depend on when they came."""
        telling = "u" if self.has_uid else "m" if self.has_email else "b"
        known_by = min((identity for identity in self.identities if identity[0] == telling), default="")
        return not self.living, not self.has_uid, not self.has_email, known_by or self.id


@dataclass(frozen=True, slots=True)
class Match:
    """Who a card is.

    Args:
        contact: the one; None if there is nobody yet. One that was deleted comes back.
        same: others that the card shows to be the same person; none of them ever had a UID.
        adopts: the card has a UID, and its contact is without one.
    """

    contact: Known | None = None
    same: tuple[Known, ...] = ()
    adopts: bool = False


class View(Protocol):
    """Looks contacts up."""

    def holders(self, identity: str, /) -> Sequence[Known]:
        """Everybody with that identity, deleted ones too."""


def match(card: Traits, view: View) -> Match:
    """Who `card` is, by what is certain."""
    found = identities_of(card)
    by_uid = _held(found, "u", view)
    by_address = _held(found, "m", view)
    by_birthday = [one for one in _held(found, "b", view) if not (card.emails and one.has_email)]
    if card.uids:
        loose = [one for one in by_address + by_birthday if not one.has_uid]
        return _one_of([by_uid, loose], loose, adopted=loose)
    # A card without an address is one of several who have some, and does not make them one.
    loose = by_address + [one for one in by_birthday if card.emails or not one.has_email]
    with_uid = [[one for one in group if one.has_uid] for group in (by_address, by_birthday)]
    return _one_of([*with_uid, by_address, by_birthday], loose)


def _held(identities: Iterable[str], kind: str, view: View) -> list[Known]:
    return [holder for identity in identities if identity[0] == kind for holder in view.holders(identity)]


def _one_of(groups: list[list[Known]], loose: list[Known], adopted: Sequence[Known] = ()) -> Match:
    """The first of the first group with somebody living, else of the first with somebody at all."""
    living = ([one for one in group if one.living] for group in groups)
    candidates = next(filter(None, (*living, *groups)), None)
    if candidates is None:
        return Match()
    contact = min(candidates, key=lambda one: one.rank)
    same = {one.id: one for one in loose if one.living and not one.has_uid and one.id != contact.id}
    adopts = any(one.id == contact.id for one in adopted)
    return Match(contact, tuple(sorted(same.values(), key=lambda one: one.rank)), adopts)


class People:
    """Some people, each once, though they may be several contacts."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._held: dict[str, list[Known]] = {}

    def add(self, known: Known) -> None:
        """Takes somebody up."""
        self._ids |= {known.id, *known.former_ids}
        for identity in known.identities:
            self._held.setdefault(identity, []).append(known)

    def __contains__(self, known: Known) -> bool:
        ids = {known.id, *known.former_ids}
        return bool(ids & self._ids) or any(
            are_same(identity, known, other) for identity in known.identities for other in self._held.get(identity, ())
        )


def are_same(identity: str, one: Known, other: Known) -> bool:
    """Whether two contacts that share an identity are one person; `people.same` in the ledger's script agrees.

    Who has a UID of their own is told from others with the same name and address by the birthday: father and son.
    """
    both_have_uids = one.has_uid and other.has_uid
    if identity[0] == "b":
        return not both_have_uids and not (one.has_email and other.has_email)
    if identity[0] == "m" and both_have_uids:
        days, others = ({each for each in known.identities if each[0] == "b"} for known in (one, other))
        return not days or not others or bool(days & others)
    return identity[0] != "n"


def merged(into: Known, other: Known) -> Known:
    """`into`, once it is `other` as well."""
    former = dict.fromkeys((*into.former_ids, other.id, *other.former_ids))
    former.pop(into.id, None)
    kept = (identity for identity in other.identities if identity[0] in LASTING + "b")
    identities = tuple(dict.fromkeys((*into.identities, "i" + other.id, *kept)))
    return replace(into, former_ids=tuple(former), identities=identities)


def with_traits(known: Known, traits: Traits) -> Known:
    """`known` with other traits: addresses and UIDs that it had keep leading to it."""
    present = identities_of(traits, bare=not known.has_uid)
    # Those of whom nothing else is known may have a namesake born on the day that was theirs by mistake.
    has_more = known.has_uid or known.former_ids or traits.uids or traits.emails
    lasting = LASTING + ("b" if has_more else "")
    had = sorted((one for one in known.identities if one[0] in lasting), key=lambda one: _LEFT_OUT.index(one[0]))
    identities = tuple(dict.fromkeys((*present, *had)))[:MOST_IDENTITIES]
    return replace(known, traits=traits, identities=identities, living=True)


def identities_of(traits: Traits, bare: bool = True) -> tuple[str, ...]:
    """By what somebody with these traits is found: digests, so that nothing can be read from them.

    Args:
        bare: there is no UID that the traits do not tell.
    """
    name, bare = name_key(traits.name), bare and not traits.uids and not traits.emails
    found = [uid_identity(uid) for uid in traits.uids]
    found += [_digest("m", email.casefold(), name) for email in traits.emails]
    if traits.birthday or bare:
        found.append(_digest("b", traits.month_day, name))
    if bare:
        found.append(_digest("n", name))
    return tuple(dict.fromkeys(found))


def name_identity(traits: Traits) -> str:
    """By which those are found who have the name, and neither UID nor address."""
    return _digest("n", name_key(traits.name))


def uid_identity(uid: str) -> str:
    """Of a UID."""
    return identity_of_id(id_of_uid(uid))


def identity_of_id(contact_id: str) -> str:
    """Of the UID that leads to a contact's id."""
    return "u" + urlsafe_b64encode(UUID(contact_id).bytes).decode().rstrip("=")


def _digest(kind: str, *parts: str) -> str:
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return kind + urlsafe_b64encode(blake2b(data, digest_size=12).digest()).decode()


def normal_uid(uid: str) -> str:
    """A UID as it is compared."""
    return uid.strip().casefold().removeprefix("urn:uuid:")


def id_of_uid(uid: str) -> str:
    """The id of a contact that comes with a UID; so it was in the first version, too."""
    return _id("uid:" + normal_uid(uid))


def new_id(traits: Traits, number: int = 1) -> str:
    """The id of a new contact: so two who import the same person at once make one contact.

    Args:
        number: another one is needed, since those before it are somebody else's.
    """
    if traits.uids and number == 1:
        return id_of_uid(traits.uids[0])
    name, again = name_key(traits.name), f":{number}" if number > 1 else ""
    if traits.uids:
        return _id(f"uid:{normal_uid(traits.uids[0])}:{name}{again}")
    if traits.emails:
        return _id(f"address:{traits.emails[0].casefold()}:{name}{again}")
    return _id(f"person:{name}:{traits.month_day}{again}")


@dataclass(frozen=True, slots=True)
class FirstIds:
    """The ids that the first version gave somebody without a UID.

    Args:
        by_name: by name and birthday.
        by_address: by each address, whoever has it.
    """

    by_name: str
    by_address: tuple[str, ...]


def first_ids(traits: Traits) -> FirstIds:
    """See `FirstIds`."""
    by_name = _id(f"name:{traits.name.casefold()}:{traits.birthday or ''}")
    return FirstIds(by_name, tuple(_id("email:" + email.casefold()) for email in traits.emails))


def _id(text: str) -> str:
    return str(uuid5(_IDENTITIES, text))
