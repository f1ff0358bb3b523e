"""Use case: contacts, sorted by name, searched and counted over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.domain.input.search import is_found
from service.store.contact_rows import ListedContact, listed_source
from service.store.contacts import ContactStore
from service.store.scripts import Scripts
from service.store.server.kept_rows import KeptRows
from service.usecases.contact_views import as_json


@dataclass(frozen=True, slots=True)
class FoundContacts:
    """One page of a list of contacts.

    Args:
        shown: as the API shows them.
        total: how many contacts the list has in all.
    """

    shown: list[dict[str, Any]]
    total: int


class ListedContacts:
    """The list of contacts by name.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._rows = KeptRows(scripts, listed_source(scripts.keys))
        self._store = ContactStore(scripts.client, scripts.keys, scripts.gate, scripts.limits)
        self._sorted: tuple[list[ListedContact], list[ListedContact]] = ([], [])

    def page(self, limit: int, skip: int, wanted: str = "") -> FoundContacts:
        """Read a page of the contacts in whose name, birthday or addresses all words of a text are, in any case.

        Args:
            limit: the most contacts on the page.
            skip: how many to pass over.
            wanted: the text; empty for all.

        Raises:
            StoreUnavailable: Redis is away.
        """
        found = [row for row in self._by_name() if is_found(wanted, row.text)] if wanted else self._by_name()
        contacts = self._store.get_many(row.id for row in found[skip : skip + limit])
        return FoundContacts([as_json(contact) for contact in contacts], len(found))

    def _by_name(self) -> list[ListedContact]:
        """Sort all contacts; only if they have changed since."""
        rows, known = self._rows.rows(), self._sorted
        if known[0] is not rows:
            known = self._sorted = (rows, sorted(rows))
        return known[1]
