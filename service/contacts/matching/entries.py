"""Entries: people that are about to be written, and people that have been written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.contacts.matching.identity import Known
from service.domain.people.traits import Traits, says_less
from service.store.contacts import Saved


@dataclass(frozen=True, slots=True)
class Entry:
    """Person to be written.

    Args:
        traits: those that identify the person.
        fields: the fields to write.
        hint: id of the contact that it is unless something speaks for another one.
        mistaken: traits that an earlier import may have given it, see `service.contacts.matching.mistaken_names`.
        forgets_year: whether a birthday without a year clears the known year.
    """

    traits: Traits
    fields: dict[str, object]
    hint: str | None = None
    mistaken: tuple[Traits, ...] = ()
    forgets_year: bool = False

    def without_less(self, traits: Traits) -> Entry:
        """Return the entry without its birthday if `traits` know more of it."""
        if self.forgets_year or not says_less(self.traits.birthday, traits.birthday):
            return self
        return replace(self, fields={name: value for name, value in self.fields.items() if name != "birthday"})

    def written_over(self, traits: Traits) -> Traits:
        """Return `traits` after the entry; a field that the entry carries empty is cleared."""
        after, fields = traits.with_card(self.traits), self.fields
        return replace(
            after,
            emails=self.traits.emails if "emails" in fields else after.emails,
            birthday=self.traits.birthday if "birthday" in fields else after.birthday,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """Person that has been written.

    Args:
        contact: its contact as it is now.
        became: `created`, `updated`, `unchanged`; or `exists`: there was one, and it stays as it was; or
            `too_many`: there is no room for a new one.
        by_address: for `exists`: whether they have an address and the name in common.
    """

    contact: Known
    became: Saved
    by_address: bool = False
