"""Outcomes of runs as Redis keeps them, cut to size."""

from __future__ import annotations

import json
from collections.abc import Sequence

from service.domain.plain_json import MOST
from service.domain.run_records import Outcome, Retry

CUT_BYTES = 16 * 1024
"""The longest `result` or `error` that a run keeps."""
LINE_LIMIT = 300
"""Characters of a line that a bot writes for people: the reason of a skip, or a piece of news."""
NO_REASON = "its bot gave no reason"


def stored_outcome(outcome: Outcome) -> dict[str, str]:
    """Return the fields that an outcome adds to the run's hash, cut to size; none for a count of 0."""
    if outcome.error is None and outcome.reason is None and outcome.unmet is None and outcome.result == {}:
        return {"result": "{}"}
    fields: dict[str, str] = {}
    if outcome.error is not None:
        fields["error"] = cut(outcome.error)
    if outcome.reason is not None:
        fields["reason"] = one_line(outcome.reason) or NO_REASON
    if outcome.unmet is not None:
        fields["breaches"] = json.dumps([{"expectation": "result", "said": outcome.unmet}])
    if outcome.result is not None:
        text = json.dumps(outcome.result)
        if len(text) > CUT_BYTES:
            text = json.dumps({"cut": cut(text, CUT_BYTES // 2)})
        fields["result"] = text
        for count in ("messages_sent", "profiles_visited"):
            value = outcome.result.get(count)
            if type(value) is int and 0 < value <= MOST:
                fields[count] = str(value)
    return fields


def cut(text: str, limit: int = CUT_BYTES) -> str:
    """Return `text`, or its beginning and a note of its length, within `limit` bytes of UTF-8."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data.decode()
    kept = data[: limit - 64].decode("utf-8", "ignore")
    return f"{kept}… [cut: {len(data)} bytes in all]"


def one_line(text: str) -> str:
    """Return `text` on one line of at most `LINE_LIMIT` characters. Remove secrets from it before."""
    line = " ".join(text.split())
    return line if len(line) <= LINE_LIMIT else f"{line[: LINE_LIMIT - 1]}…"


def ending(
    run_id: str, token: str, outcome: Outcome, retry: Retry | None, rq_result: Sequence[str],
    sixth: bool = False,
) -> tuple[str, ...]:  # fmt: skip
    """Write the first seven arguments of `lua/end_run.lua` or `lua/end_and_claim.lua`.

    Args:
        run_id: the run that ends.
        token: its claim's.
        outcome: how it ended.
        retry: the run that follows; None for none.
        rq_result: the fields of RQ's result record; none for a success.
        sixth: the sixth argument: to end it only if its lease has ended, or that it ends as most runs do.
    """
    again = json.dumps({"id": retry.run_id, "attempt": retry.attempt, "delay_ms": retry.delay_ms}) if retry else ""
    rq = json.dumps(list(rq_result)) if rq_result else ""
    news = json.dumps(list(outcome.news.items())) if outcome.news else ""
    return run_id, token, outcome.status, rq, again, "1" if sixth else "0", news


def outcome_fields(outcome: Outcome) -> list[str]:
    """Return the fields that an outcome adds to the run's hash, as a flat list."""
    return [part for pair in stored_outcome(outcome).items() for part in pair]
