"""Record of who was told what: alerts that were sorted, newest first, and what waits for a channel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from service.domain.alerting.address_names import channel_of, shown
from service.domain.timestamps import format_ms
from service.store.alerting.deliveries import Delivery, address_fields, hash_of
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs, scored

READ_AT_ONCE, READS = 200, 15
"""Alerts read at a time, and how often, for one filtered page."""
STATES = ("waiting", "sent", "given_up")
"""How a delivery can stand."""


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which alerts a reader wants. Times are ms.

    Args:
        kinds: of the alert; empty for all.
        channel: told to this channel; None for all.
        state: with a delivery in this state, of `STATES`; of the channel's, if one is named.
        job_id: about this job.
        since: at or after.
        until: before.
    """

    kinds: Collection[str] = ()
    channel: str | None = None
    state: str | None = None
    job_id: str | None = None
    since: int | None = None
    until: int | None = None

    def takes(self, alert: dict[str, Any]) -> bool:
        """Return whether an alert, as the API shows it, is wanted."""
        if (self.kinds and alert["kind"] not in self.kinds) or self.job_id not in (None, alert["job_id"]):
            return False
        if self.channel is None and self.state is None:
            return True
        found = [one for one in alert["deliveries"] if self.channel in (None, one["channel"])]
        return any(self.state in (None, one["state"]) for one in found)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a channel: how much, and since how many tries in a row it has failed."""

    waiting: int
    failing: int


def page(
    scripts: Scripts, limit: int, after: str | None, wanted: RecordFilter
) -> tuple[list[dict[str, Any]], str | None]:
    """Read up to `limit` alerts, newest first, after the alert `after`.

    Args:
        scripts: the scripts of this installation.
        limit: alerts on the page.
        after: the id of the last one of the page before; None for the first page.
        wanted: the filter.

    Returns:
        The alerts, and where to go on, if there may be more; a page may be short, for the search is bounded.
    """
    keys, found, last = scripts.keys, list[dict[str, Any]](), after
    for _ in range(READS):
        start = 0
        if last is not None:
            (place,) = ask(scripts, ("ZREVRANK", keys.delivery_record, last))
            if place is None:
                return found, None
            start = int(place) + 1
        (rows,) = ask(scripts, ("ZREVRANGE", keys.delivery_record, start, start + READ_AT_ONCE - 1, "WITHSCORES"))
        if isinstance(rows, Exception) or not rows:
            return found, None
        entries = [(member.decode(errors="replace"), int(score)) for member, score in scored(rows)]
        for alert in _read(scripts, [alert_id for alert_id, _ in entries]):
            at = alert.pop("at_ms")
            if wanted.since is not None and at < wanted.since:
                return found, None
            last = str(alert["id"])
            if (wanted.until is None or at < wanted.until) and wanted.takes(alert):
                found.append(alert)
                if len(found) == limit:
                    return found, last
        last = entries[-1][0]
        if len(entries) < READ_AT_ONCE:
            return found, None
    return found, last


def waiting_for(scripts: Scripts, channels: Sequence[str]) -> dict[str, Waiting]:
    """Tell how much waits for each of some channels."""
    keys = scripts.keys
    due, progress = ask(
        scripts, ("ZRANGE", keys.delivery_due, 0, -1), ("HGETALL", keys.delivery_progress)
    )  # fmt: skip
    addresses = [one.decode(errors="replace") for one in due] if isinstance(due, list) else []
    lengths = ask(scripts, *(("LLEN", keys.delivery_queue(one)) for one in addresses)) if addresses else []
    failing = {} if isinstance(progress, Exception) else pairs(progress)
    found = dict.fromkeys(channels, Waiting(0, 0))
    for address, length in zip(addresses, lengths, strict=True):
        name = channel_of(address)
        if name in found and isinstance(length, int):
            before = found[name]
            failures = _failures(failing.get(address.encode()))
            found[name] = Waiting(before.waiting + length, max(before.failing, failures))
    return found


def _read(scripts: Scripts, ids: Sequence[str]) -> list[dict[str, Any]]:
    answers = ask(scripts, *(("HGETALL", scripts.keys.alert(alert_id)) for alert_id in ids))
    return [_alert(alert_id, hash_of(answer)) for alert_id, answer in zip(ids, answers, strict=True)]


def _alert(alert_id: str, fields: dict[bytes, bytes]) -> dict[str, Any]:
    def text(name: bytes) -> str | None:
        return fields[name].decode(errors="replace") if name in fields else None

    at = int(fields.get(b"at", b"0")) if fields.get(b"at", b"0").isdigit() else 0
    return {
        "at_ms": at, "id": alert_id, "at": format_ms(at), "kind": text(b"kind"), "subject": text(b"subject") or "",
        "job_id": text(b"job_id"), "run_id": text(b"run_id"),
        "deliveries": [_delivery(address, one) for address, one in sorted(address_fields(fields).items())],
    }  # fmt: skip


def _delivery(address: str, delivery: Delivery) -> dict[str, Any]:
    def when(at: int) -> str | None:
        return format_ms(at) if at else None

    return {
        "to": shown(address), "channel": channel_of(address), "state": delivery.ended or "waiting",
        "tries": delivery.tries, "first_tried_at": when(delivery.first_at), "last_tried_at": when(delivery.last_at),
        "error": delivery.error, "alerts_in_message": delivery.together,
    }  # fmt: skip


def _failures(text: bytes | None) -> int:
    try:
        return int(orjson.loads(text or b"{}").get("failures", 0))
    except (ValueError, TypeError, AttributeError):
        return 0
