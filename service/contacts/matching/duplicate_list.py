"""The groups of contacts that may be one person, as they are now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from service.contacts.matching.duplicates import Duplicates, confirmed, find
from service.store.contacts import ContactStore

QUICK_SECONDS = 0.5
"""A search that takes no longer is made anew each time."""
KEPT_TIMES = 20
"""A longer one is not made again for so many times its duration."""


class DuplicateList:
    """Looks through the address book, one search at a time.

    Args:
        store: where contacts are kept.
        now: reads a clock that never goes back, seconds.
    """

    def __init__(self, store: ContactStore, now: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._now = now
        self._turn = threading.Lock()
        self._found: Duplicates | None = None
        self._good_until = 0.0

    def current(self) -> Duplicates:
        """Groups of contacts that are alike at this moment.

        In a large book those that have become alike since the last search may be missing for a while.
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
