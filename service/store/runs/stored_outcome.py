"""Outcomes of runs as Redis keeps them, cut to size."""

from __future__ import annotations

import json
from collections.abc import Sequence

from service.domain.plain_json import MOST
from service.domain.run_records import Outcome, Retry

CUT_BYTES = 16 * 1024
"""The longest `result` or `error` that a run keeps."""


def stored_outcome(outcome: Outcome) -> dict[str, str]:
    """Return the fields that an outcome adds to the run's hash, cut to size."""
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
            fields[count] = str(value) if type(value) is int and 0 <= value <= MOST else "0"
    return fields


def cut(text: str, limit: int = CUT_BYTES) -> str:
    """Return `text`, or its beginning and a note of its length, within `limit` bytes of UTF-8."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode()
    kept = data[: limit - 64].decode("utf-8", "ignore")
    return f"{kept}… [cut: {len(data)} bytes in all]"


def ending(
    run_id: str, token: str, outcome: Outcome, retry: Retry | None, rq_result: Sequence[str], flag: str = "0"
) -> tuple[str, ...]:
    """Write the arguments of `lua/end_run.lua`.

    Args:
        run_id: the run that ends.
        token: its claim's.
        outcome: how it ended.
        retry: the run that follows; None for none.
        rq_result: the fields of RQ's result record; none for a success.
        flag: `1` to end it only if its lease has ended.
    """
    again = json.dumps({"id": retry.run_id, "attempt": retry.attempt, "delay_ms": retry.delay_ms}) if retry else ""
    fields = json.dumps(stored_outcome(outcome))
    rq = json.dumps(list(rq_result)) if rq_result else ""
    news = json.dumps(list(outcome.news.items())) if outcome.news else ""
    return run_id, token, outcome.status, fields, rq, again, flag, news
