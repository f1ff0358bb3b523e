"""Failed runs of a job, read from its history, and done again all together."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from service.domain.runs.failed_runs import Attempt, unmade
from service.store.audit.entries import requested_by, run_entry
from service.store.end_counts import is_rehearsal
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.scripts import Scripts
from service.store.server.asking import ask, ask_packed, hash_fields

FIRST_PAGE, PAGE = 20, 200
"""Entries of a history that are read at first, and then at a time."""
_FIELDS = (
    "status", "queued_at", "scheduled_for", "retry_of", "again_of", "rehearsal", "overlay", "bound", "not_before",
)  # fmt: skip

Pairs = list[tuple[str, str]]
"""Of each run that is done again: the new run's id, and its own."""


class Repeats:
    """Reads which runs of jobs have failed, and does them again.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def failed(self, job_id: str, since_ms: int) -> list[Attempt]:
        """Find the failed runs of a job, queued from then on, that nothing has made up for; the oldest first."""
        return unmade(self._history(job_id, since_ms), since_ms)

    def _history(self, job_id: str, since_ms: int) -> Iterator[Attempt]:
        """Yield a job's history, newest first, as far as runs may have been queued since `since_ms`.

        It has the order in which they were queued, but for those that awaited a time that was asked for: they come
        forward when they start.
        """
        keys, start, size = self._scripts.keys, 0, FIRST_PAGE
        while True:
            (ids,) = ask(self._scripts, ("LRANGE", keys.history(job_id), start, start + size - 1))
            if not ids or isinstance(ids, Exception):
                return
            names = [run_id.decode(errors="replace") for run_id in ids]
            rows = ask_packed(self._scripts, hash_fields([keys.run(name) for name in names], _FIELDS))
            for name, row in zip(names, rows, strict=True):
                if (run := _attempt(name, row)) is not None:
                    yield run
                    if run.queued_at < since_ms and row[-1] is None:
                        return
            start, size = start + size, PAGE

    def repeat(
        self, job_id: str, runs: Sequence[tuple[Attempt, bool]], idempotency: Idempotency | None = None,
        request_id: str | None = None,
    ) -> tuple[str, Pairs] | Recalled:  # fmt: skip
        """Do runs of a job again: all of them, or none.

        Args:
            job_id: the job's.
            runs: each run, and whether the new one may only use secrets that are bound to hosts.
            idempotency: the request's key and body; None without a key.
            request_id: the request's; log lines about the runs carry it.

        Returns:
            `queued` and the runs; or why not: `gone`, `full`, `no_run`, `not_ended` (see the script); or the earlier
            answer to the Idempotency-Key, see `pairs_in`.
        """
        new = [(str(uuid.uuid4()), run, bound) for run, bound in runs]
        entries = [run_entry(new_id, job_id, {}, again_of=run.run_id) for new_id, run, _ in new]
        rows = [
            part for (new_id, run, bound), entry in zip(new, entries, strict=True)
            for part in (new_id, run.run_id, "1" if bound else "", entry.text)
        ]  # fmt: skip
        told = (*(idempotency or NO_KEY).arguments(), request_id or "", requested_by())
        answer = self._scripts.run("repeat_runs", job_id, *told, *rows)
        if answer[0] == b"queued":
            for entry in entries:
                entry.log()
        return recalled(answer) or (answer[0].decode(), [(new_id, run.run_id) for new_id, run, _ in new])


def pairs_in(text: str) -> Pairs:
    """Read the pairs that a script keeps under an Idempotency-Key."""
    ids = text.split()
    return list(zip(ids[::2], ids[1::2], strict=True))


def _attempt(run_id: str, row: object) -> Attempt | None:
    """Make an entry; None of one that outside hands have damaged."""
    if not isinstance(row, list):
        return None
    try:
        run = {name: value.decode() for name, value in zip(_FIELDS, row, strict=True) if value is not None}
        repeats = tuple(run[name] for name in ("retry_of", "again_of") if name in run)
        occurrence = int(run["scheduled_for"]) if "scheduled_for" in run else None
        return Attempt(
            run_id, run["status"], int(run["queued_at"]), occurrence, repeats, is_rehearsal(run), run.get("overlay"),
            run.get("bound") == "1",
        )  # fmt: skip
    except (LookupError, ValueError):
        return None
