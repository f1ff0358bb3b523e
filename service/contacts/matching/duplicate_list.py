"""Current list of possible duplicates."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from service.contacts.matching.duplicates import Duplicates, confirmed, find
from service.store.contacts import ContactStore

QUICK_SECONDS = 0.5
"""Searches up to this long run anew for each request."""
KEPT_TIMES = 20
"""A longer search is repeated after this many times its duration."""


class DuplicateList:
    """Search for duplicates, one at a time.

    Args:
        store: the contacts in Redis.
        now: reads a monotonic clock, seconds.
    """

    def __init__(self, store: ContactStore, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._turn = threading.Lock()
        self._found: Duplicates | None = None
        self._good_until = 0.0

    def current(self) -> Duplicates:
        """Return the groups of contacts that are alike now.

        In a large book, contacts that have become alike since the last search may be missing for a while.
        """
        with self._turn:
            if self._found is None or self._now() >= self._good_until:
                self._search()
            found = self._found
        assert found is not None
        return Duplicates(tuple(confirmed(found.groups, self._store.get_many)), found.has_more)

    def _search(self) -> None:
        begun = self._now()
        self._found = find(self._store.glances(), self._store.get_many)
        took = self._now() - begun
        self._good_until = self._now() + (0 if took <= QUICK_SECONDS else took * KEPT_TIMES)
