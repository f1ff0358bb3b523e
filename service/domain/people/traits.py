"""Traits that identify somebody: UID, addresses, name and day of birth; and their digests, the identities.

| identity | letter | who has it |
|---|---|---|
| the UID | `u` | everybody whose card has one |
| an e-mail address together with the name | `m` | everybody who has or had that address |
| the name and the day of birth | `b` | everybody with a birthday, and those with nothing but a name |
| the name alone | `n` | those without UID and address |
| the id of a contact that was merged into it | `i` | the ledger asks for it |

A digest follows the letter, so that an identity reveals nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID, uuid5

import idna

from service.domain.people.names import name_key

MOST_UIDS = 20
_IDENTITIES = UUID("5f0b3a52-6d0e-5c1e-9d7a-0b8c8f6f6a11")


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits that tell somebody from others; the fields are `Contact`'s."""

    name: str
    uids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    birthday: str | None = None

    @property
    def month_day(self) -> str:
        """The day of birth as `MM-DD`, or an empty text."""
        return (self.birthday or "")[-5:]

    def with_card(self, card: Traits) -> Traits:
        """Return the traits after a card has overwritten those that it carries."""
        known = {normal_uid(uid) for uid in self.uids}
        return Traits(
            card.name,
            (self.uids + tuple(uid for uid in card.uids if normal_uid(uid) not in known))[:MOST_UIDS],
            card.emails or self.emails,
            self.birthday if says_less(card.birthday, self.birthday) else card.birthday or self.birthday,
        )


def says_less(birthday: str | None, known: str | None) -> bool:
    """Tell whether a birthday is the known day without its year."""
    if not birthday or not known or known.startswith("--"):
        return False
    return birthday.startswith("--") and birthday[-5:] == known[-5:]


def identities_of(traits: Traits, bare: bool = True) -> tuple[str, ...]:
    """Return the identities of somebody with these traits.

    Args:
        traits: of the person.
        bare: the person has no UID beyond those in `traits`.
    """
    return _identities_of(traits, bare and not traits.uids and not traits.emails)


@lru_cache(400)  # each is asked for again and again while its batch is taken in
def _identities_of(traits: Traits, bare: bool) -> tuple[str, ...]:
    name = name_key(traits.name)
    found = [uid_identity(uid) for uid in traits.uids]
    found += [_digest("m", as_sent(email), name) for email in traits.emails]
    if traits.birthday or bare:
        found.append(_digest("b", traits.month_day, name))
    if bare:
        found.append(_digest("n", name))
    return tuple(dict.fromkeys(found))


def as_sent(email: str) -> str:
    """Return an address in the form that is compared: lower case, the domain as an A-label (UTS 46)."""
    local, _, domain = email.rpartition("@")
    if not domain.isascii():
        with suppress(UnicodeError):  # idna's errors, too
            domain = idna.encode(domain, uts46=True).decode()
    return f"{local}@{domain}".casefold()


def name_identity(traits: Traits) -> str:
    """Return the identity of people with this name and neither UID nor address."""
    return _digest("n", name_key(traits.name))


def uid_identity(uid: str) -> str:
    """Return the identity of a UID."""
    return identity_of_id(id_of_uid(uid))


def identity_of_id(contact_id: str) -> str:
    """Return the identity of the UID that equals a contact's id."""
    return "u" + urlsafe_b64encode(UUID(contact_id).bytes).decode().rstrip("=")


def _digest(kind: str, *parts: str) -> str:
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    return kind + urlsafe_b64encode(blake2b(data, digest_size=12).digest()).decode()


def normal_uid(uid: str) -> str:
    """Return a UID in the form that is compared."""
    return uid.strip().casefold().removeprefix("urn:uuid:")


@lru_cache(400)
def id_of_uid(uid: str) -> str:
    """Return the id of a contact that comes with a UID, the same as in the first version."""
    return _id("uid:" + normal_uid(uid))


def new_id(traits: Traits, number: int = 1) -> str:
    """Return the id of a new contact, so that two imports of the same person at once make one contact.

    Args:
        traits: of the person.
        number: counts up while the id belongs to somebody else.
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
    """Ids that the first version gave to somebody without a UID.

    Args:
        by_name: from name and birthday.
        by_address: from each address.
    """

    by_name: str
    by_address: tuple[str, ...]


def first_ids(traits: Traits) -> FirstIds:
    """Return the ids of the first version, see `FirstIds`."""
    by_name = _id(f"name:{traits.name.casefold()}:{traits.birthday or ''}")
    return FirstIds(by_name, tuple(_id("email:" + email.casefold()) for email in traits.emails))


def _id(text: str) -> str:
    return str(uuid5(_IDENTITIES, text))
