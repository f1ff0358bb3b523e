"""Runs in Redis: a hash each, listed newest first for their job and for all jobs together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.clock import format_timestamp
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.scripts import Scripts

STATUSES = ("queued", "running", "success", "failed", "cancelled", "skipped")
TRIGGERS = ("schedule", "manual", "retry")
SCAN_PAGE, SCAN_PAGES = 200, 15
"""Runs read at a time, and how often, for one filtered page of all jobs' runs."""
CUT_BYTES = 16 * 1024
"""`result` and `error` are kept up to this size."""
LOG_BYTES = 64 * 1024
"""A run's log is kept up to this size."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that a worker has taken.

    Args:
        run_id: the run.
        token: proves that it is this claim's, also to the scripts.
        started_at: when, ms.
        run: the run's fields.
        job: the job's fields at that moment.
    """

    run_id: str
    token: str
    started_at: int
    run: Mapping[str, str]
    job: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Retry:
    """A run to be made of this one's failure.

    Args:
        run_id: the new run's id.
        attempt: which attempt it is; the same number again where it does not count.
        delay_ms: how long it waits first.
    """

    run_id: str
    attempt: int
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        status: `success`, `failed` or `cancelled`.
        error: what went wrong, for people; None for a success.
        result: what the bot returned, JSON-ready.
    """

    status: str
    error: str | None = None
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; None: any. `since_ms` ≤ asked for < `until_ms`."""

    status: str | None = None
    job_id: str | None = None
    trigger: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether a run is wanted."""
        for name in ("status", "job_id", "trigger"):
            asked_for = getattr(self, name)
            if asked_for is not None and fields.get(name) != asked_for:
                return False
        queued_at = int(fields["queued_at"])
        return (self.since_ms or 0) <= queued_at and (self.until_ms is None or queued_at < self.until_ms)


def entry(fields: Mapping[str, str]) -> dict[str, Any]:
    """A run as the API shows it."""

    def number(name: str) -> int | None:
        return int(fields[name]) if name in fields else None

    def shown(name: str) -> str | None:
        ms = number(name)
        return None if ms is None else format_timestamp(ms // 1000)

    started, finished, due = number("started_at"), number("finished_at"), number("due")
    occurrence, last = number("scheduled_for"), number("last_scheduled_for")
    answer = {
        "id": fields["id"],
        "job_id": fields["job_id"],
        "started_at": shown("started_at"),
        "finished_at": shown("finished_at"),
        "status": fields["status"],
        "result": json.loads(fields["result"]) if "result" in fields else None,
        "error": fields.get("error"),
        "messages_sent": number("messages_sent") or 0,
        "profiles_visited": number("profiles_visited") or 0,
        "trigger": fields["trigger"],
        "scheduled_for": None if occurrence is None else format_timestamp(occurrence),
        "attempt": number("attempt"),
        "queued_at": shown("queued_at"),
        "duration_ms": finished - started if started is not None and finished is not None else None,
        "lateness_ms": max(0, started - due) if started is not None and due is not None else None,
        "reason": fields.get("reason"),
        "occurrences": number("occurrences") or 1,
        "retry_of": fields.get("retry_of"),
        "revision": number("revision"),
    }
    if last is not None:
        answer["last_scheduled_for"] = format_timestamp(last)
    if "total" in fields:
        answer["progress"] = {"done": number("done"), "total": number("total")}
    return answer


def cut(text: str, limit: int = CUT_BYTES) -> str:
    """`text` as it is, or its beginning and a note of how much was left out, within `limit` bytes of UTF-8."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    kept = data[: limit - 64].decode("utf-8", "ignore")
    return f"{kept}… [cut: {len(data)} bytes in all]"


def stored_outcome(outcome: Outcome) -> dict[str, str]:
    """The fields that an outcome adds to the run's hash, cut to size."""
    fields: dict[str, str] = {}
    if outcome.error is not None:
        fields["error"] = cut(outcome.error)
    if outcome.result is not None:
        text = json.dumps(outcome.result)
        if len(text) > CUT_BYTES:
            text = json.dumps({"cut": cut(text, CUT_BYTES // 2)})
        fields["result"] = text
        for count in ("messages_sent", "profiles_visited"):
            value = outcome.result.get(count, 0)
            fields[count] = str(value) if type(value) is int and value >= 0 else "0"
    return fields


def _text(fields: Sequence[bytes] | Mapping[bytes, bytes]) -> dict[str, str]:
    pairs = fields.items() if isinstance(fields, Mapping) else zip(fields[::2], fields[1::2], strict=True)
    return {name.decode(): value.decode(errors="replace") for name, value in pairs}


class RunStore:
    """Runs, from the request to the end.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keys = scripts.keys

    # reading

    def get(self, run_id: str) -> dict[str, str] | None:
        """One run's fields, or None."""
        (fields,) = self._scripts.read(lambda pipe: pipe.hgetall(self._keys.run(run_id)))
        return _text(fields) if fields else None

    def history(self, job_id: str, limit: int, after: str | None = None) -> tuple[list[dict[str, str]], str | None]:
        """Up to `limit` runs of a job, newest first, after the run `after`.

        Returns:
            The runs, and where to go on, if there are more; a page is short by the runs that went meanwhile.
        """
        page = self._page(self._keys.history(job_id), limit + 1, after)
        found = [fields for _, fields in page[:limit] if fields]
        return found, page[limit - 1][0] if len(page) > limit else None

    def all(self, limit: int, after: str | None, wanted: RunFilter) -> tuple[list[dict[str, str]], str | None]:
        """Up to `limit` runs of all jobs that `wanted` matches, newest first, after the run `after`.

        Returns:
            The runs, and where to go on, if there may be more; a page may be short, since the look is bounded.
        """
        found: list[dict[str, str]] = []
        for _ in range(SCAN_PAGES):
            page = self._page(self._keys.runs, SCAN_PAGE, after)
            for run_id, fields in page:
                after = run_id
                if fields and wanted.matches(fields):
                    found.append(fields)
                    if len(found) == limit:
                        return found, after
            if not page:
                return found, None
        return found, after

    def _page(self, list_key: str, limit: int, after: str | None) -> list[tuple[str, dict[str, str]]]:
        """The next ids of a list and their runs' fields, which are empty where a run is gone."""
        start = 0
        if after is not None:
            (position,) = self._scripts.read(lambda pipe: pipe.lpos(list_key, after))
            if position is None:
                return []
            start = position + 1
        (found,) = self._scripts.read(lambda pipe: pipe.lrange(list_key, start, start + limit - 1))
        ids = [run_id.decode() for run_id in found]

        def fill(pipe: Any) -> None:
            for run_id in ids:
                pipe.hgetall(self._keys.run(run_id))

        records = self._scripts.read(fill) if ids else []
        return [(run_id, _text(fields)) for run_id, fields in zip(ids, records, strict=True)]

    # asking for runs

    def request(
        self, job_id: str, run_id: str, overlay: dict[str, Any] | None, idempotency: Idempotency | None = None
    ) -> str | Recalled:
        """Makes a run by hand.

        Returns:
            `queued`, `gone` or `full`; or what the Idempotency-Key was answered before: the id of that run.
        """
        laid_over = "" if overlay is None else json.dumps(overlay)
        key = (idempotency or NO_KEY).arguments()
        answer = self._scripts.run("request_run", job_id, run_id, laid_over, *key)
        return recalled(answer) or str(answer[0].decode())

    def cancel(self, job_id: str, run_id: str, reason: str) -> str:
        """Cancels a run. Returns `cancelled` (at once), `told` (it is under way), `ended` or `gone`."""
        return str(self._scripts.run("cancel_run", job_id, run_id, reason).decode())

    # carrying them out

    def claim(self, run_id: str, token: str, worker: str, lease_ms: int) -> Claim | None:
        """Takes a queued run. None if it is not to be had (any more)."""
        answer = self._scripts.run("claim_run", run_id, token, worker, lease_ms)
        if answer[0] != b"claimed":
            return None
        job = dict(zip(answer[3][::2], answer[3][1::2], strict=True))
        return Claim(run_id, token, int(answer[1]), _text(answer[2]), job)

    def renew(self, run_id: str, token: str, lease_ms: int) -> str:
        """Prolongs a claim. Returns `kept`, `cancel`, `gone` or `lost`."""
        return str(self._scripts.run("renew_lease", run_id, token, lease_ms).decode())

    def finish(
        self,
        run_id: str,
        token: str,
        outcome: Outcome,
        *,
        retry: Retry | None = None,
        rq_result: Sequence[str] = (),
        only_if_lease_ended: bool = False,
    ) -> bool:
        """Ends a run under way. Returns False if it was not this claim's to end."""
        again = json.dumps({"id": retry.run_id, "attempt": retry.attempt, "delay_ms": retry.delay_ms}) if retry else ""
        answer = self._scripts.run(
            "end_run", run_id, token, outcome.status, json.dumps(stored_outcome(outcome)), json.dumps(list(rq_result)),
            again, "1" if only_if_lease_ended else "0",
        )  # fmt: skip
        return bool(answer == b"ended")

    def note(
        self, run_id: str, token: str, number: int, *, progress: tuple[int, int] | None, lines: Sequence[str]
    ) -> bool:
        """Writes a run's progress and log lines down. Returns False if the run is not this claim's any more."""
        done, total = progress or ("", "")
        return bool(self._scripts.run("note_run", run_id, token, done, total, LOG_BYTES, number, *lines))

    def log(self, run_id: str) -> list[dict[str, Any]]:
        """A run's log lines, oldest first."""
        (lines,) = self._scripts.read(lambda pipe: pipe.lrange(self._keys.run_log(run_id), 0, -1))
        return [json.loads(line) for line in lines]

    def read_on(self, run_id: str, after: int, limit: int) -> tuple[dict[str, str] | None, list[str]]:
        """One run's fields (None if it is gone), and then up to `limit` lines of its log after the first `after`.

        In this order: of a run that has ended, no line can come later.
        """
        fields, lines = self._scripts.read(
            lambda pipe: (
                pipe.hgetall(self._keys.run(run_id)),
                pipe.lrange(self._keys.run_log(run_id), after, after + limit - 1),
            )
        )
        return _text(fields) if fields else None, [line.decode(errors="replace") for line in lines]

    # what dead workers left

    def expired(self, now_ms: int, limit: int) -> list[str]:
        """Ids of runs whose lease has ended, the oldest first."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.leases, "-inf", now_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

    def shorten_leases(self, beyond_ms: int, to_ms: int, limit: int) -> None:
        """Sets leases that end after `beyond_ms` to `to_ms`; whoever is alive renews theirs."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.leases, beyond_ms, "+inf", byscore=True, offset=0, num=limit)
        )
        if ids:
            later = {run_id.decode(): to_ms for run_id in ids}
            self._scripts.read(lambda pipe: pipe.zadd(self._keys.leases, later, xx=True))

    def retries_due(self, now_ms: int, limit: int) -> list[str]:
        """Ids of retries whose delay is over."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.retries, "-inf", now_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

    def release_retry(self, run_id: str) -> None:
        """Lets a retry whose delay is over into the queue."""
        self._scripts.run("release_retry", run_id)

    def popped(self) -> list[str]:
        """Ids that RQ's workers have popped and not started."""
        (ids,) = self._scripts.read(lambda pipe: pipe.lrange(self._keys.rq_intermediate, 0, -1))
        return [run_id.decode() for run_id in ids]

    def long_queued(self, before_ms: int, limit: int) -> list[str]:
        """Ids of runs handed to RQ before `before_ms` and not started yet."""
        (ids,) = self._scripts.read(
            lambda pipe: pipe.zrange(self._keys.queued, "-inf", before_ms, byscore=True, offset=0, num=limit)
        )
        return [run_id.decode() for run_id in ids]

    def requeue(self, run_id: str) -> bool:
        """Puts a run that was popped and never started back in front. Returns whether it needed to be."""
        return bool(self._scripts.run("requeue_run", run_id))
