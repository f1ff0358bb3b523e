"""Deliveries in Redis: alerts that were sorted, what waits for each address, and how each try went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from service.domain.alerting.turns import DAY_MS, LOOK_AGAIN_MS, Progress
from service.domain.plain_json import dumps
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs
from service.store.server.redis_clock import ms_of

READ_AT_ONCE = 500
"""Most alerts that wait for one address and are read, or settled, in one step."""
LEAST_TRIES = 20
"""Fewer tries give nothing up: a clock that is a day ahead for a moment makes no day of tries. In a real day there are
about a hundred."""
TO = "to:"
"""How the field of an alert's hash begins that tells how a delivery is doing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it goes with telling one address of one alert. Times are ms.

    Args:
        tries: how often it was tried.
        first_at: when first; 0 for never.
        last_at: when last; 0 for never.
        error: why the last try failed, or why it was given up.
        ended: `sent` or `given_up`; None while it waits.
        together: in a message about how many alerts it was sent.
    """

    tries: int = 0
    first_at: int = 0
    last_at: int = 0
    error: str | None = None
    ended: str | None = None
    together: int = 1

    def tried(self, now: int, error: str | None, together: int) -> Delivery:
        """Return the delivery after one more try; given up if it was tried for a day."""
        first, tries = self.first_at or now, self.tries + 1
        is_over = now - first >= DAY_MS and tries >= LEAST_TRIES
        ended = "sent" if error is None else "given_up" if is_over else None
        return Delivery(tries, first, now, error, ended, together)

    def given_up(self, error: str) -> Delivery:
        """Return the delivery as it is where nothing can be sent any more."""
        return replace(self, error=error, ended="given_up")


@dataclass(frozen=True, slots=True)
class Queued:
    """An alert that waits for an address: since when, ms, its id, and its entry in the queue."""

    since: int
    alert_id: str
    entry: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """What waits for an address, the oldest first, and how the address is doing."""

    address: str
    queued: tuple[Queued, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as a delivery needs it: what it says, and how the delivery is doing."""

    queued: Queued
    says: Mapping[str, Any]
    delivery: Delivery


class Deliveries:
    """Deliveries, written by the courier.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    def sort(
        self, note: bytes, alert_id: str, says: Mapping[str, Any], record: Mapping[str, str], addresses: Sequence[str],
        fold: str = "",
    ) -> str:  # fmt: skip
        """Take a note out of its outbox, and queue a delivery for each address.

        Args:
            note: as it stands there; empty for the alert that replaces those that were counted.
            alert_id: a new id.
            says: what the alert tells.
            record: fields that are kept.
            addresses: those that are told.
            fold: `1` to count the note among those that are told together; without a note, how many they are.

        Returns:
            `sorted`, `folded` or `gone`.
        """
        fields = [part for pair in record.items() for part in pair]
        word = self._scripts.run("sort_alert", note, alert_id, dumps(says), dumps(fields), fold, dumps([*addresses]))
        return str(word.decode())

    def due(self) -> tuple[int, list[str]]:
        """Return Redis' time, ms, and the addresses that are to be looked at.

        None waits for longer than `LOOK_AGAIN_MS`: more was written while the clock was ahead, or by an older release.
        """
        now, found = self._scripts.read(
            lambda pipe: (pipe.time(), pipe.zrange(self._keys.delivery_due, 0, -1, withscores=True))
        )
        return ms_of(now), [address.decode() for address, at in found if not 0 < at - ms_of(now) <= LOOK_AGAIN_MS]

    def line(self, address: str, start: int = 0) -> Line:
        """Read what waits for an address, `READ_AT_ONCE` at the most.

        Args:
            address: the address.
            start: how many of the oldest ones are passed over.
        """
        entries, progress = ask(
            self._scripts, ("LRANGE", self._keys.delivery_queue(address), start, start + READ_AT_ONCE - 1),
            ("HGET", self._keys.delivery_progress, address),
        )  # fmt: skip
        return Line(address, tuple(map(_queued, entries)), _progress(progress))

    def jobs(self, queued: Sequence[Queued]) -> list[str]:
        """Read the ids of the jobs that some deliveries are about; empty for none."""
        found = ask(self._scripts, *(("HGET", self._keys.alert(one.alert_id), "job_id") for one in queued))
        return [one.decode(errors="replace") if isinstance(one, bytes) else "" for one in found]

    def told(self, address: str, queued: Sequence[Queued]) -> list[Told]:
        """Read the alerts of some deliveries. An alert that is gone says nothing."""
        answers = ask(
            self._scripts, *(("HMGET", self._keys.alert(one.alert_id), "says", TO + address) for one in queued)
        )
        return [
            Told(one, _object(says), delivery_of(delivery))
            for one, (says, delivery) in zip(queued, answers, strict=True)
        ]  # fmt: skip

    def standings(self, address: str, queued: Sequence[Queued]) -> list[Told]:
        """Read how some deliveries are doing, without what their alerts say."""
        answers = ask(self._scripts, *(("HGET", self._keys.alert(one.alert_id), TO + address) for one in queued))
        return [Told(one, {}, delivery_of(delivery)) for one, delivery in zip(queued, answers, strict=True)]

    def wait(self, address: str, progress: Progress, at: int, now: int) -> None:
        """Look at an address again at `at`, ms, or after `LOOK_AGAIN_MS` if that is earlier."""
        self.settle(address, progress, min(at, now + LOOK_AGAIN_MS), [])

    def settle(
        self, address: str, progress: Progress, next_at: int | None, done: Sequence[tuple[Queued, Delivery]]
    ) -> None:
        """Note how a try went, and when to look at the address again.

        Args:
            address: the address.
            progress: how it is doing now.
            next_at: when to look at it again, ms; None for at once.
            done: the deliveries that were tried, as they are now.
        """
        done = sorted(done, key=lambda one: one[0].since)  # as they stand in the queue, so that each is found at once
        for start in range(0, max(1, len(done)), READ_AT_ONCE):
            some = done[start : start + READ_AT_ONCE]
            flat = [part for queued, delivery in some for part in (_written(delivery), queued.entry)]
            self._scripts.run("settle_delivery", address, dumps(asdict(progress)), next_at or "", *flat)


def delivery_of(text: bytes | None) -> Delivery:
    """Read a stored delivery; a damaged one counts as not tried yet."""
    found = _object(text)
    try:
        return Delivery(**found)
    except TypeError:
        return Delivery()


def address_fields(fields: Mapping[bytes, bytes]) -> dict[str, Delivery]:
    """Return the deliveries of an alert's hash, by their addresses."""
    names = {name: name.decode(errors="replace") for name in fields}
    return {
        text.removeprefix(TO): delivery_of(fields[name]) for name, text in names.items() if text.startswith(TO)
    }  # fmt: skip


def hash_of(answer: Any) -> dict[bytes, bytes]:
    """Return the fields of a hash that was read; none where the key is something else."""
    return {} if isinstance(answer, Exception) or not answer else pairs(answer)


def _queued(entry: bytes) -> Queued:
    since, _, alert_id = entry.decode(errors="replace").partition("/")
    return Queued(int(since) if since.isdigit() else 0, alert_id, entry)


def _progress(text: bytes | None) -> Progress:
    found = _object(text)
    try:
        return Progress(tuple(map(int, found["sent"])), int(found["failures"]), int(found["retry_at"]))
    except (KeyError, TypeError, ValueError):
        return Progress()


def _object(text: bytes | None) -> dict[str, Any]:
    try:
        found = orjson.loads(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _written(delivery: Delivery) -> bytes:
    plain = asdict(Delivery())
    return dumps({name: value for name, value in asdict(delivery).items() if value != plain[name]})
