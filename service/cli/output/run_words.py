"""Runs for people: why one was made, how it went, and all that is known of it."""

from __future__ import annotations

from typing import Any

from service.cli.output.escaping import counted, readable
from service.cli.output.printing import coloured, moment, show_fields
from service.cli.output.times import utc


def trigger_of(run: dict[str, Any]) -> str:
    """Say why a run was made, and what else is to be known of it: `manual, again, for 2027-01-15T08:00:00`."""
    told = [str(run["trigger"])]
    told += ["rehearsal"] if run.get("rehearsal") else []
    told += ["again"] if "again_of" in run else []
    told += ["on hold"] if "held_by" in run else []
    told += [f"for {utc(run['not_before'])}"] if "not_before" in run and run["status"] == "queued" else []
    return ", ".join(told)


def result_of(run: dict[str, Any]) -> str:
    """Summarize how a run ended: why it failed or was skipped, else what it did."""
    skipped = f"Skipped: {run['reason']}" if run["reason"] and run["started_at"] else run["reason"]
    said = str(run["error"] or skipped or _counts(run))
    if run["occurrences"] > 1:
        said = f"{said} ({run['occurrences']} occurrences)".lstrip()
    return said if len(said) <= 80 else said[:79] + "…"


def _counts(run: dict[str, Any]) -> str:
    counts = ((run["messages_sent"], "message"), (run["profiles_visited"], "profile"))
    sent = ", ".join(counted(count, word) for count, word in counts if count)
    result = run["result"] if isinstance(run["result"], dict) else {}
    if sent or not result:
        return sent
    if run.get("rehearsal") or result.get("dry_run"):
        return "rehearsed"
    return f"{result['already']} already greeted" if result.get("already") else ""


def seconds(ms: int | None) -> str:
    """Write milliseconds as seconds; nothing for None."""
    return "" if ms is None else f"{ms / 1000:.1f} s"


def show_run(entry: dict[str, Any], job: str | None = None) -> None:
    """Print how a run went.

    Args:
        entry: The run.
        job: The name of its job, where the person did not say it.
    """
    result = entry["result"] if isinstance(entry["result"], dict) else {"result": entry["result"]}
    took = None if entry["duration_ms"] is None else seconds(entry["duration_ms"])
    show_fields(
        [
            ("run", entry["id"]),
            *([("job", job), *_circumstances(entry)] if job is not None else ()),
            ("status", coloured(entry["status"])),
            ("rehearsal", "yes" if entry.get("rehearsal") else None),
            ("error", entry["error"]),
            ("reason", entry["reason"]),
            ("duration", took),
            ("messages sent", entry["messages_sent"] or None),
            ("profiles visited", entry["profiles_visited"] or None),
            *((f"result.{name}", brief(value)) for name, value in result.items()),
        ]
    )


def _circumstances(entry: dict[str, Any]) -> list[tuple[str, object]]:
    """Tell when and why a run was made, and by which definition."""
    by = entry.get("requested_by") or {}
    times = (("queued", "queued_at"), ("started", "started_at"), ("finished", "finished_at"))
    return [
        ("trigger", trigger_of(entry)),
        ("asked for by", by.get("name") or by.get("actor")),
        ("occurrence", entry["scheduled_for"] and moment(entry["scheduled_for"])),
        *((word, entry[field] and moment(entry[field])) for word, field in times),
        ("late", None if entry["lateness_ms"] is None else seconds(entry["lateness_ms"])),
        ("attempt", entry["attempt"] if entry["attempt"] > 1 else None),
        ("revision", entry["revision"]),
        ("again of", entry.get("again_of")),
        ("retry of", entry["retry_of"]),
    ]


def brief(value: object) -> str | None:
    """Put a value of a run's result on one line; None if it is empty."""
    if isinstance(value, list | dict) and (len(value) > 3 or any(isinstance(one, list | dict) for one in value)):
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}; --json shows them"
    if value in (None, [], {}):
        return None
    if isinstance(value, dict):
        return ", ".join(f"{name}: {readable(one)}" for name, one in value.items())
    return "; ".join(map(readable, value)) if isinstance(value, list) else readable(value)
