"""Texts in Redis, searched for one person key by key, a thousand names at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from service.domain.people.erasure.traces import Traces
from service.store.erasure.places import Place, places
from service.store.keys import Keys
from service.store.scripts import Gate, script_of
from service.store.server.asking import hash_fields, pairs
from service.store.server.exchange import exchange, execute, packed, repeatable
from service.store.server.translation import translate_errors

SCAN = 1000
"""Names of keys that one step reads."""
MOST_LEFT = 100
"""Most keys that are told because they were left as they are."""
_READS: dict[str, tuple[tuple[str, ...], tuple[str | int, ...]]] = {
    "hash": (("HGETALL",), ()),
    "list": (("LRANGE",), (0, -1)),
    "zset": (("ZRANGE",), (0, -1)),
    "set": (("SMEMBERS",), ()),
    "string": (("GET",), ()),
    "stream": (("XRANGE",), ("-", "+")),
}
Text = tuple[str, bytes]
"""The field of a hash, the id of a stream's entry, or nothing; and a text there."""


@dataclass(slots=True)
class Found:
    """Where the person was found.

    Args:
        counts: place -> how many texts of it were cut or dropped.
        left: keys in which the person still stands, without the prefix, `MOST_LEFT` at most.
        entries: entries of the ledger under an id of the person.
    """

    counts: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    entries: set[str] = field(default_factory=set)

    def tell(self, name: str) -> None:
        """Note a key that was left as it is, once."""
        if name not in self.left and len(self.left) < MOST_LEFT:
            self.left.append(name)


class TextEraser:
    """Cuts a person out of the texts of one installation.

    Args:
        client: a connection with `decode_responses=False`.
        keys: the installation's key names.
        gate: checks before each use of Redis; None where the process makes them itself.
    """

    def __init__(self, client: Redis, keys: Keys, gate: Gate | None = None) -> None:
        self._client = client
        self._keys = keys
        self._gate = gate
        self._places = places(keys)
        self._cut = script_of(client, "cut_texts")

    def erase(self, traces: Traces) -> Found:
        """Cut a person out of everything that is there. Safe to repeat. Raises StoreUnavailable."""
        found = Found()
        for name in (self._keys.pauses, self._keys.ended_pauses):  # first: their words go on into runs
            self._search([name], traces, found)
        for pattern in (f"{self._keys.prefix}:*", "rq:job:*", "rq:results:*"):
            for names in self._pages(pattern):
                self._search(names, traces, found)
        return found

    def rename_in_audit(self, traces: Traces, begun: str) -> None:
        """Put what stands for the person in the place of their ids in the audit log.

        Args:
            traces: the person's.
            begun: the id of the entry that says that this erasure has begun; it names the contact until that is gone.

        Raises:
            StoreUnavailable: Redis is away.
        """
        (stream,) = (place for place in self._places if place.name == "audit")
        (texts,) = self._texts([(self._keys.audit, stream)])
        changes = [(at, old, new) for at, old in texts if at != begun and (new := _renamed(old, traces)) != old]
        if changes:
            self._replace(self._keys.audit, changes)

    def entries_of(self, ids: Sequence[str]) -> set[str]:
        """Return the entries of the ledger under one of these ids."""
        pages = self._pages(f"{self._keys.prefix}:ledger:*")
        return {name for names in pages for name in names if any(one in name for one in ids)}

    def runs_under_way(self) -> list[dict[str, str]]:
        """Return the id, the job and the bot of each run that is under way."""
        with self._reached():
            ids = [one.decode() for one in self._execute("ZRANGE", self._keys.leases, 0, -1)]
            commands = hash_fields([self._keys.run(one) for one in ids], ("job_id", "bot_type"))
            rows = repeatable(lambda: exchange(self._client, commands))
        return [
            {"run_id": one, "job_id": row[0].decode(), "bot_type": (row[1] or b"").decode()}
            for one, row in zip(ids, rows, strict=True)
            if row[0] is not None
        ]

    def _pages(self, pattern: str) -> Iterator[list[str]]:
        cursor: Any = 0
        while True:
            with self._reached():
                cursor, names = self._execute("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN)
            yield [name.decode() for name in names]
            if int(cursor) == 0:
                return

    def _search(self, names: Sequence[str], traces: Traces, found: Found) -> None:
        found.entries |= {name for name in names if ":ledger:" in name and any(one in name for one in traces.ids or ())}
        looks = [(name, place) for name in names for place in self._places if place.pattern.fullmatch(name)]
        for (name, place), texts in zip(looks, self._texts(looks), strict=True):
            deed = "cut" if place.until and any(at == place.until for at, _ in texts) else place.deed
            changes = [(at, old, new) for at, old in texts if (new := _cut(old, traces, place.within)) != old]
            if deed == "drop" and (changes or traces.are_in(name)):
                with self._reached():
                    self._execute("UNLINK", name)
                found.counts[place.name] += 1
            elif changes and deed == "cut" and self._is_ours(name):
                found.counts[place.name] += self._replace(name, changes)
            elif (changes or traces.are_in(name)) and deed == "tell":
                found.tell(name.removeprefix(f"{self._keys.prefix}:"))

    def _texts(self, looks: Sequence[tuple[str, Place]]) -> Iterator[list[Text]]:
        kinds = self._kinds([name for name, place in looks if place.kind == "any"])
        with self._reached():
            commands = [_read(name, place, kinds.get(name, place.kind)) for name, place in looks]
            answers = repeatable(lambda: exchange(self._client, commands))
        for (name, place), answer in zip(looks, answers, strict=True):
            yield list(_taken_apart(answer, place, kinds.get(name, place.kind)))

    def _kinds(self, names: Sequence[str]) -> dict[str, str]:
        with self._reached():
            answers = repeatable(lambda: exchange(self._client, [packed("TYPE", name) for name in names]))
        return {name: answer.decode() for name, answer in zip(names, answers, strict=True)}

    def _replace(self, name: str, changes: Sequence[tuple[str, bytes, bytes]]) -> int:
        with self._reached():
            return int(
                self._cut(keys=[name, self._keys.erased_texts], args=[part for change in changes for part in change])
            )

    def _is_ours(self, name: str) -> bool:
        """Return whether a record of RQ's is of this installation."""
        if not name.startswith("rq:"):
            return True
        run_id = name.rpartition(":")[2]
        with self._reached():
            return bool(
                self._execute("EXISTS", self._keys.run(run_id))
                or self._execute("HGET", self._keys.rq_job(run_id), "origin") == self._keys.queue_name.encode()
            )

    def _execute(self, *parts: str | bytes | int) -> Any:
        return repeatable(lambda: execute(self._client, *parts))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        if self._gate is not None:
            self._gate.write()
        with translate_errors():
            yield


def _read(name: str, place: Place, kind: str) -> bytes:
    if kind == "hash" and place.fields:
        return packed("HMGET", name, *place.fields)
    (command, *_), options = _READS.get(kind, _READS["string"])
    return packed(command, name, *options)


def _taken_apart(answer: Any, place: Place, kind: str) -> Iterator[Text]:
    """Yield the texts of an answer; none of a key that is gone, or of another type than its place has."""
    if answer is None or isinstance(answer, ResponseError):
        return
    if kind == "hash" and place.fields:
        yield from ((name, text) for name, text in zip(place.fields, answer, strict=True) if text is not None)
    elif kind == "hash":
        yield from ((name.decode(errors="replace"), text) for name, text in pairs(answer).items())
    elif kind == "stream":
        yield from ((entry_id.decode(), text) for entry_id, fields in answer for text in fields)
    else:
        yield from (("", text) for text in ([answer] if isinstance(answer, bytes) else answer))


def _cut(data: bytes, traces: Traces, within: tuple[str, ...]) -> bytes:
    """Cut a text; what is no text, such as what RQ packs, stays as it is. A long log's lines begin with a number."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    if within:
        return _cut_within(text, traces, within).encode()
    number, space, line = text.partition(" ")
    if space and number.isdigit() and line[:1] == "{":
        return f"{number} {traces.cut(line)}".encode()
    return traces.cut(text).encode()


def _renamed(data: bytes, traces: Traces) -> bytes:
    return traces.renamed(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _cut_within(text: str, traces: Traces, within: tuple[str, ...]) -> str:
    """Cut some fields of a JSON object. Any other text stays as it is."""
    if text[:1] != "{" or not traces.are_in(text):
        return text
    try:
        whole = json.loads(text)
    except ValueError:
        return text
    words = {name: whole[name] for name in within if name in whole}
    written = json.dumps(words, ensure_ascii=False)
    cut = traces.cut(written)
    return text if cut == written else json.dumps(whole | json.loads(cut), ensure_ascii=False, separators=(",", ":"))
