"""Rows of what a sorted set names, all of them, kept until Redis reports a change (`service.store.server.tracked`).

A list that is sorted, searched and counted over everything needs a little of each thing. Redis is asked once for that;
afterwards for what has changed. So such a list costs no script anything, and no index can disagree with what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.exceptions import ResponseError

from service.batches import batched
from service.store.scripts import Scripts
from service.store.server.asking import WRONG_TYPE, ask, ask_packed, hash_fields, scored
from service.store.server.exchange import packed
from service.store.server.tracked import Tracked

READ_AT_ONCE = 200
"""Hashes to read at once, so that the event loop serves others in between."""

Row = TypeVar("Row")
Place = tuple[bytes, int]
"""An id, and its score."""


@dataclass(frozen=True, slots=True)
class Source(Generic[Row]):
    """Where rows come from.

    Args:
        index: the sorted set of all ids.
        key: names the hash of an id.
        fields: the fields of the hash that a row needs.
        make: makes a row of an id, its score and the values of the fields; None of what is gone or damaged.
        most: how many rows are kept at most; further ones are read each time.
    """

    index: str
    key: Callable[[str], str]
    fields: tuple[str, ...]
    make: Callable[[str, int, Sequence[bytes | None]], Row | None]
    most: int


class KeptRows(Tracked, Generic[Row]):
    """The rows of one source.

    Args:
        scripts: the scripts of this installation.
        source: of the rows.
    """

    def __init__(self, scripts: Scripts, source: Source[Row]) -> None:
        super().__init__(scripts)
        self._scripts = scripts
        self._source = source
        self._index = source.index.encode()
        self._places: list[Place] | None = None
        self._kept: dict[bytes, Row | None] = {}
        self._whole: list[Row] | None = None

    def rows(self) -> list[Row]:
        """Return all rows in the order of the sorted set; the same list as before if nothing has changed.

        Raises:
            StoreUnavailable: Redis is away.
        """
        found = self.reading(self._rows)
        return self._read_whole() if found is None else found

    def some(self, ids: Sequence[str]) -> list[Row]:
        """Read the rows of some ids, as far as the sorted set has them; nothing is kept of these."""
        if not ids:
            return []
        scores, *answers = ask_packed(
            self._scripts, [packed("ZMSCORE", self._index, *ids), *self._questions([one.encode() for one in ids])]
        )
        found = zip(ids, scores, answers, strict=True)
        rows = [self._made(one.encode(), int(float(score)), row) for one, score, row in found if score is not None]
        return [row for row in rows if row is not None]

    def forget(self, key: bytes | None) -> None:
        """Drop a row, or the order of all; None: everything."""
        self._whole = None
        if key is None:
            self._kept.clear()
        else:
            self._kept.pop(key, None)
        if key in (None, self._index):
            self._places = None

    def _rows(self) -> list[Row] | None:
        self.ask(("EXISTS", self._index))  # whatever the answer: then all changes up to now are known
        if self.refused:
            return None
        if self._whole is not None:
            return self._whole
        before, places = self.now, self._known_places()
        names = [self._source.key(one.decode(errors="replace")).encode() for one, _ in places]
        found = {name: self._kept[name] for name in names if name in self._kept}
        missing = [(name, *place) for name, place in zip(names, places, strict=True) if name not in found]
        for some in batched(missing, READ_AT_ONCE):
            since = self.now
            answers = self.ask_tracked(self._questions([one for _, one, _ in some]))
            for (name, one, score), values in zip(some, answers, strict=True):
                found[name] = row = self._made(one, score, values)
                if isinstance(values, list) and len(self._kept) < self._source.most and self.is_current(name, since):
                    self._kept[name] = row
        whole = [row for name in names if (row := found[name]) is not None]
        if self.now == before and len(self._kept) >= len(places):
            self._whole = whole
        return whole

    def _known_places(self) -> list[Place]:
        if self._places is not None:
            return self._places
        before = self.now
        (answer,) = self.ask_tracked([packed("ZRANGE", self._index, 0, -1, "WITHSCORES")])
        places = _places(answer)
        if self.is_current(self._index, before):
            self._places = places
        return places

    def _read_whole(self) -> list[Row]:
        """Read everything, without keeping anything."""
        scripts = self._scripts
        (answer,) = ask(scripts, ("ZRANGE", self._index, 0, -1, "WITHSCORES"))
        found: list[Row] = []
        for some in batched(_places(answer), READ_AT_ONCE):
            answers = ask_packed(scripts, self._questions([one for one, _ in some]))
            for (one, score), values in zip(some, answers, strict=True):
                row = self._made(one, score, values)
                if row is not None:
                    found.append(row)
        return found

    def _questions(self, ids: Sequence[bytes]) -> list[bytes]:
        return hash_fields([self._source.key(one.decode(errors="replace")) for one in ids], self._source.fields)

    def _made(self, one: bytes, score: int, values: Any) -> Row | None:
        if isinstance(values, ResponseError) and not str(values).startswith(WRONG_TYPE):
            raise values
        if not isinstance(values, list):
            return None
        try:
            return self._source.make(one.decode(errors="replace"), score, values)
        except (ValueError, TypeError):
            return None


def _places(answer: Any) -> list[Place]:
    if isinstance(answer, ResponseError):
        raise answer
    return [(member, int(score)) for member, score in scored(answer)]
