"""Cards of a file that wait for a later stage, on disk, so that a file of any size needs little memory."""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from types import TracebackType

from service.contacts.people import ParsedCard
from service.domain.people.traits import identities_of, name_identity
from service.errors import NoRoom

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE cards (stage INTEGER, name TEXT, person TEXT, sort BLOB, card BLOB);
CREATE TABLE met (contact_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_IN_ORDER = "SELECT card FROM cards WHERE stage = ? ORDER BY name, sort"
_BY_NAME = """
WITH people AS (SELECT name, COUNT(DISTINCT person) AS number FROM cards WHERE stage = :stage GROUP BY name)
SELECT card, number FROM cards JOIN people USING (name) WHERE stage = :stage ORDER BY name, sort
"""


class PutAside:
    """Cards by stage. A stage's cards come back in an order that does not depend on the file's. Close it after use."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("")  # a temporary file that nobody else sees
        self._base.executescript(_TABLES)

    def __enter__(self) -> PutAside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._base.close()

    def put(self, stage: int, cards: Iterable[ParsedCard]) -> None:
        """Keep cards until their stage comes."""
        with _room():
            self._base.executemany("INSERT INTO cards VALUES (?, ?, ?, ?, ?)", (_row(stage, card) for card in cards))

    def take(self, stage: int) -> Iterator[ParsedCard]:
        """Yield the cards of a stage. Cards of later stages may be put aside meanwhile."""
        with _room():
            for (card,) in self._base.execute(_IN_ORDER, (stage,)):
                yield _read(card)

    def take_by_name(self, stage: int) -> Iterator[tuple[ParsedCard, int]]:
        """Yield the cards of a stage, each with the number of people in the stage who have its name."""
        with _room():
            for card, number in self._base.execute(_BY_NAME, {"stage": stage}):
                yield _read(card), number

    def meet(self, contact_ids: Iterable[str]) -> None:
        """Note that these contacts are people of the file."""
        with _room():
            self._base.executemany("INSERT OR IGNORE INTO met VALUES (?)", ((one,) for one in contact_ids))

    def has_met(self, contact_id: str) -> bool:
        """Tell whether a contact is already somebody of the file."""
        return self._base.execute("SELECT 1 FROM met WHERE contact_id = ?", (contact_id,)).fetchone() is not None


@contextmanager
def _room() -> Iterator[None]:
    """Report a full disk as `NoRoom`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise NoRoom(
            "The disk has no space for the import's temporary data; the contacts imported so far stay. Set TMPDIR of "
            "the web process to a writable folder with enough space, and import the file again"
        ) from error


def _row(stage: int, card: ParsedCard) -> tuple[int, str, str, bytes, bytes]:
    known_by = sorted(identities_of(card.traits))
    person = next((identity for identity in known_by if identity[0] == "b"), "")
    # The order of `Known.rank`: people with an address come first, so that it decides before the birthday does.
    telling = next((identity for kind in "um" for identity in known_by if identity[0] == kind), "")
    content = repr((card.uid, sorted(card.carried().items()))).encode("utf-8", "surrogatepass")
    sort = b"%d" % (not card.emails) + telling.encode() + blake2b(content, digest_size=16).digest()
    return stage, name_identity(card.traits), person, sort, pickle.dumps(card, pickle.HIGHEST_PROTOCOL)


def _read(card: bytes) -> ParsedCard:
    found = pickle.loads(card)  # noqa: S301 - what this process has written a moment ago
    assert isinstance(found, ParsedCard)
    return found
