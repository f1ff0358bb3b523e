"""What people ask of runs: one by hand, now or later, another time for it, its start, and its cancel."""

from __future__ import annotations

import json
from typing import Any

from service.domain.run_records import LATEST_DAYS, MOST_LATER
from service.domain.timestamps import format_timestamp
from service.store.alerting.snooze_store import Use, use_of
from service.store.audit.entries import entry_of, requested_by, run_entry
from service.store.idempotency import NO_KEY, Idempotency, Recalled, recalled
from service.store.scripts import Scripts

LATEST_MS = LATEST_DAYS * 86_400_000


class AskedRuns:
    """The part of `service.store.runs.run_hashes.RunStore` that people use.

    Args:
        scripts: the scripts of this installation.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def request(
        self, job_id: str, run_id: str, overlay: dict[str, Any] | None, idempotency: Idempotency | None = None,
        request_id: str | None = None, *, bound: bool = False, not_before: int | None = None,
        again_of: str | None = None, link: bytes = b"", traceparent: str | None = None,
    ) -> str | Recalled | Use:  # fmt: skip
        """Make a run by hand.

        Args:
            job_id: the job's.
            run_id: the new run's.
            overlay: laid over the job's `bot_config`; None for nothing.
            idempotency: the request's key and body; None without a key.
            request_id: the request's; log lines about the run carry it.
            bound: whether the run may only use secrets that are bound to hosts.
            not_before: when it is to start, epoch seconds; None for now.
            again_of: the run that it does again, for the same occurrence; None for none.
            link: the link of an alert that asks for it, as scripts take it; empty for none. The run uses it up.
            traceparent: of the trace that the run continues; None for none.

        Returns:
            `queued`, or why not: `gone`, `full`, `past`, `far`, `many`, `no_run`, `not_ended` (see the script); or the
            earlier answer to the Idempotency-Key, the id of that run; or how the link was used before.
        """
        laid_over = "" if overlay is None else json.dumps(overlay)
        key = (idempotency or NO_KEY).arguments()
        entry, by = run_entry(run_id, job_id, overlay or {}, not_before, again_of), requested_by()
        told = (request_id or "", entry.text, by, "1" if bound else "")
        later = ("" if not_before is None else not_before * 1000, LATEST_MS, MOST_LATER, again_of or "", link)
        traced = () if traceparent is None else (traceparent,)
        answer = self._scripts.run("request_run", job_id, run_id, laid_over, *key, *told, *later, *traced)
        if answer[0] == b"queued":
            entry.log()
        if answer[0] == b"used":
            return use_of(answer[1])
        return recalled(answer) or str(answer[0].decode())

    def cancel(self, job_id: str, run_id: str, reason: str) -> str:
        """Cancel a run. Returns `cancelled` (at once), `told` (it is under way), `ended` or `gone`."""
        entry = entry_of("run.cancel", run_id, job_id=job_id)
        word, is_first = self._scripts.run("cancel_run", job_id, run_id, reason, entry.text, requested_by())
        if is_first:
            entry.log()
        return str(word.decode())

    def move(self, job_id: str, run_id: str, to: int) -> str:
        """Move a run that awaits its time to `to`, epoch seconds.

        Returns:
            `moved`, `gone`, `past`, `far`, or the status of a run that does not await a time.
        """
        entry = entry_of("run.move", run_id, {"not_before": (None, format_timestamp(to))}, job_id)
        word, *status = self._scripts.run("move_run", job_id, run_id, to * 1000, LATEST_MS, entry.text)
        if word == b"moved":
            entry.log()
        return str((status or [word])[0].decode())

    def start(self, job_id: str, run_id: str) -> str:
        """Start a run now that awaits its delay, or its time.

        Returns:
            `started`, `gone`, or the status of a run that awaits neither.
        """
        entry = entry_of("run.start", run_id, job_id=job_id)
        word, *status = self._scripts.run("start_run", job_id, run_id, entry.text)
        if word == b"started":
            entry.log()
        return str((status or [word])[0].decode())
