"""The spans of a run, made from its record when it has ended: `run`, and within it `decide`, `claim`, `bot` and `end`.

The record has the times of Redis' clock, which all processes share, so the spans agree with the history. Requests that
the bot made are noted by the work horse while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.domain.timestamps import format_timestamp
from service.tracing.trace_context import TraceParent, span_of

FIELDS = (
    "job_id", "bot_type", "trigger", "status", "attempt", "scheduled_for", "due", "queued_at", "started_at",
    "finished_at", "worker", "error", "traceparent", "retry_of", "rehearsal",
)  # fmt: skip
"""The fields of a run's record from which its spans are made."""
LONGEST_ERROR = 300
"""Characters of an error that a span repeats."""


@dataclass(frozen=True, slots=True)
class Span:
    """One span, in milliseconds of Redis' clock.

    Args:
        name: of few values: the kind of work.
        trace_id: hexadecimal.
        span_id: hexadecimal.
        parent_id: of the span around it; None for the first of a trace.
        start: ms since 1970.
        end: the same, not before `start`.
        facts: its attributes.
        error: why it failed, for people, perhaps without a text; None if it did not.
        is_request: whether it is a request that was sent.
        parent_is_remote: whether the span around it is another service's.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start: float
    end: float
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)
    error: str | None = None
    is_request: bool = False
    parent_is_remote: bool = False


def spans_of(
    run_id: str, run: Mapping[str, str], trace: tuple[str, TraceParent | None], bot_ms: float | None, shows_error: bool
) -> list[Span]:
    """Make the spans of a run that has ended.

    Args:
        run_id: the run.
        run: its record.
        trace: see `service.tracing.trace_context.trace_of`.
        bot_ms: how long its bot took, from the claim on; None if nobody saw the bot's end.
        shows_error: whether the error's text may be shown.

    Returns:
        The outermost first.
    """
    trace_id, parent = trace
    queued, started, finished = (int(run[name]) for name in ("queued_at", "started_at", "finished_at"))
    due = min(int(run.get("due", queued)), queued)
    whole = span_of(run_id, "run")
    failed = run["status"] in ("failed", "cancelled")
    error = (run.get("error", "").split("\n")[0][:LONGEST_ERROR] if shows_error else "") if failed else None

    def inner(name: str, start: float, end: float, why: str | None = None, **facts: str) -> Span:
        title = f"{name} {run.get('bot_type', '')}" if name == "bot" else name
        beside = {f"bot_scheduler.{key}": value for key, value in facts.items() if value}
        return Span(title, trace_id, span_of(run_id, name), whole, start, max(start, end), beside, why)

    bot_end = finished if bot_ms is None else min(started + bot_ms, finished)
    made = [
        Span(
            f"run {run.get('bot_type', '')}", trace_id, whole, parent.span_id if parent else None, due,
            max(due, finished), _facts(run_id, run), error, parent_is_remote=parent is not None,
        ),
        inner("decide", due, queued),
        inner("claim", queued, started, worker=run.get("worker", "")),
        inner("bot", started, bot_end, error),
    ]  # fmt: skip
    if bot_ms is not None:  # else nobody saw the bot end: its worker died, and its end is when that was noticed
        made.append(inner("end", bot_end, finished))
    return made


def _facts(run_id: str, run: Mapping[str, str]) -> dict[str, str | int | bool]:
    facts: dict[str, str | int | bool] = {"bot_scheduler.run.id": run_id, "bot_scheduler.job.id": run["job_id"]}
    for name in ("bot_type", "trigger", "status", "retry_of"):
        if run.get(name):
            facts[f"bot_scheduler.{name}"] = run[name]
    facts["bot_scheduler.attempt"] = int(run.get("attempt", 1))
    if run.get("scheduled_for"):
        facts["bot_scheduler.scheduled_for"] = format_timestamp(int(run["scheduled_for"]))
    if run.get("rehearsal") == "1":
        facts["bot_scheduler.rehearsal"] = True
    return facts
