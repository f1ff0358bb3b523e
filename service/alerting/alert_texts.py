"""The subjects and bodies of alerts, made of the facts that the scripts put into the outbox. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from service.domain import notices
from service.domain.alert_folding import Moment
from service.domain.alerting.quiet_hours import local_time
from service.domain.notices import Step, WentBack
from service.domain.pauses.scope import parse_scope
from service.domain.status import MEMORY_ADVICE, MEMORY_FULL, MEMORY_REFUSED, memory_in_use
from service.domain.timestamps import format_ms, format_timestamp
from service.domain.watching.troubles import ADVICE, SUBJECTS, is_kind
from service.errors import ValidationFailed

_SAYS = {
    "failed": "failed",
    "recovered": "has recovered",
    "missed": "missed occurrences",
    "switched_off": "was switched off",
    "success": "has succeeded",
    "skipped": "was skipped",
    "breach_over": "is as expected again",
}
_BREACHES = {
    "ping": "is late", "success_within_seconds": "is late", "finish_by": "is late", "longest_seconds": "is slow",
    "result": "came back empty",
}  # fmt: skip
_WAS = {name: words.replace("is ", "was ", 1) for name, words in _BREACHES.items()}
OF_THE_SERVICE = (
    "clock_stepped", "data_went_back", "memory_high", "memory_free", "pause_lasts", "trouble", "trouble_over",
)  # fmt: skip
"""Kinds of alerts that belong to no job; they go to ALERT_URL alone."""
NEWS = "news"
"""The kind of alerts that bots ask for."""
NEWS_SIZE = 1_500
"""Characters of a bot's lines that are shown: some channels take no more than 2,000 in all."""

LABELS_SIZE = 400
"""Characters of a job's labels that are shown: a job may have twenty long ones."""
NO_LABELS: Mapping[str, str] = MappingProxyType({})

NOT_FACTS = (LookupError, ValueError, TypeError, ArithmeticError, OSError)
"""The errors that these functions raise if the outbox held something else than an alert's facts."""


def words(
    name: str, said: Mapping[str, Any], timezone: str = "UTC", labels: Mapping[str, str] = NO_LABELS
) -> tuple[str, str]:
    """Return the subject and body of an alert about a job.

    Args:
        name: the job's.
        said: the alert's facts.
        timezone: in which the time is told.
        labels: the job's.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: the facts are invalid.
    """
    if said["kind"] == NEWS:
        return words_of_a_bot(name, said, timezone, labels)
    if said["kind"] == "breach":
        subject = f"{name} {_BREACHES[said['expectation']]}: {said['said']}"
    elif said["kind"] == "breach_over" and said["expectation"] == "ping" and "run_id" in said:
        subject = f"{name} sends pings again"  # perhaps of a failure, which is not as expected
    else:
        subject = f"{name} {_SAYS[said['kind']]}"
    lines = [*_job_lines(name, said, labels), f"When: {local_time(int(said['at']), timezone)}"]
    if "run_id" in said:
        lines.append(f"Run: {said['run_id']}")
    if said["kind"] == "breach_over":
        lines += [f"Before: it {_WAS[said['expectation']]}", f"Now: {said['said']}"]
    if "error" in said:
        lines.append(f"Why: {said['error']}")
    if "reason" in said:
        lines.append(f"Reason: {said['reason']}")
    if said.get("failures", 0) > 1:
        lines.append(f"Failures in a row: {said['failures']:.0f}")
    if "occurrences" in said:
        since = format_timestamp(int(said["occurrence"]))
        lines.append(
            f"Skipped occurrences, found later than misfire_grace_seconds: {said['occurrences']:.0f}, from {since} on. "
            "If more follow within the hour, you get no alert; the job's history lists all."
        )
    return subject, "\n".join(lines)


def _job_lines(name: str, said: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Say which job it is, in a form by which mail filters and chats can sort: `Labels: stage:live, team:crm`."""
    told = ", ".join(f"{label}:{value}" for label, value in sorted(labels.items()))
    if len(told) > LABELS_SIZE:
        told = f"{told[:LABELS_SIZE]}…"
    return [f"Job: {name} ({said['job_id']})", *([f"Labels: {told}"] if told else [])]


def words_of_a_bot(
    name: str, said: Mapping[str, Any], timezone: str = "UTC", labels: Mapping[str, str] = NO_LABELS
) -> tuple[str, str]:
    """Return the subject and body of a bot's news; takes and raises what `words` does."""
    count, lines = int(said["count"]), [str(line) for line in said["lines"]]
    subject = f"{name}: {'something' if count == 1 else f'{count} things'} to look at"
    while sum(map(len, lines)) > NEWS_SIZE:
        lines.pop()
    more = [f"and {count - len(lines)} more; see the run's log"] if count > len(lines) else []
    told = [f"- {line}" for line in (*lines, *more)]
    when = local_time(int(said["at"]), timezone)
    head = (*_job_lines(name, said, labels), f"When: {when}", f"Run: {said['run_id']}")
    return subject, "\n".join((*head, *told))


def words_of_the_service(said: Mapping[str, Any]) -> tuple[str, str]:
    """Return the subject and body of an alert that belongs to no job; takes and raises what `words` does."""
    if said["kind"] == "clock_stepped":
        step = Step(int(said["by"]), int(said["before"]), int(said["at"]))
        way = "forward" if step.by_ms > 0 else "back"
        return (
            f"Redis' clock was set {way} by {notices.length(step.by_ms)}",
            f"{notices.stepped(step)}.\n{notices.CLOCK_ADVICE}",
        )
    if said["kind"] in ("memory_high", "memory_free"):
        return _words_of_memory(said)
    if said["kind"] in ("trouble", "trouble_over"):
        return _words_of_trouble(said)
    if said["kind"] == "pause_lasts":
        return _words_of_a_pause(said)
    back = WentBack(int(said["at"]), str(said["seen"]), int(said["beats"]))
    return "The data in Redis went back", f"{notices.went_back(back)}.\n{notices.DATA_ADVICE}"


def _words_of_memory(said: Mapping[str, Any]) -> tuple[str, str]:
    told = memory_in_use(int(said["used"]), int(said["most"]))
    if said["kind"] == "memory_free":
        return "Redis has room again", f"{told}."
    return (
        "Redis is nearly full",
        f"{told}. From {MEMORY_FULL:.0%} on, {MEMORY_REFUSED}.\n{MEMORY_ADVICE}.",
    )


def _words_of_trouble(said: Mapping[str, Any]) -> tuple[str, str]:
    kind, since, at = str(said["trouble"]), int(said["since"]), int(said["at"])
    if not is_kind(kind):
        raise ValueError("no kind of trouble")
    begins, ends = SUBJECTS[kind]
    if said["kind"] == "trouble_over":
        return ends, f"It is over: {begins}.\nSince: {format_ms(since)} UTC\nSeen to be over: {format_ms(at)} UTC"
    told = str(said["said"])
    return begins, f"{told[:1].upper()}{told[1:]}.\n{ADVICE[kind]}.\nNoticed: {format_ms(at)} UTC"


def _words_of_a_pause(said: Mapping[str, Any]) -> tuple[str, str]:
    try:
        which, since = parse_scope(said["scope"]).words(), int(said["since"])
    except ValidationFailed as error:
        raise ValueError("no scope of a pause") from error
    lasted = notices.length(int(said["at"]) - since)
    return (
        f"A pause has lasted for {lasted}",
        f"Paused: {which}\nSince: {format_ms(since)} UTC\nReason: {said['reason']}\n"
        f"It has no end. To end it: bot-scheduler resume {said['id']}",
    )


def words_of_folded(moment: Moment) -> tuple[str, str]:
    """Return the subject and body of the one alert that replaces those that were folded."""
    since = f" after {notices.stepped(moment.step)}" if moment.step else ""
    told = f"At least {moment.folded} more jobs missed occurrences"
    return told, f"{told}{since}.\n{notices.CLOCK_ADVICE}"
