"""Messages about alerts: one in full, or several together in a line each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.alerting import alert_texts
from service.bots.support.wording import render
from service.domain.access.labels import Labels
from service.domain.alerting.quiet_hours import local_time

MESSAGE_SIZE = 1_800
"""Characters of a message: some channels take no more than 2,000."""
LOG_LINES, LINE_SIZE = 10, 200
"""The last lines of a run's log that an alert shows, and the most characters of each."""
_ADVICE = {
    "failed": "Read the run's log, mend the cause, and run the job again: bot-scheduler jobs run {job_id}",
    "missed": "Check that a scheduler is up: bot-scheduler health",
    "switched_off": "Mend the cause, and switch the job on again: bot-scheduler jobs enable {job_id}",
    "breach": "Look at the job's history: bot-scheduler history {job_id}",
    "news": "Read the run's log: bot-scheduler logs {job_id} {run_id}",
}  # fmt: skip
_ADVICE_ELSEWHERE = {
    **_ADVICE,
    "failed": "Read the run's log, and mend the cause where the work is done: bot-scheduler logs {job_id} {run_id}",
    "breach": "See whether the script still runs where the work is done, and reaches its address for pings; if it has "
    "none yet: bot-scheduler keys create NAME --ping {job_id}",
}  # fmt: skip
"""Of heartbeat jobs, which nothing here runs."""
NO_LINKS: Mapping[str, str] = MappingProxyType({})
_OFFERS = {"snooze_link": "To be told nothing about this job for a while", "again_link": "To run it again"}
"""Before the links that an alert may have, see `service.alerting.run_links`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and of how many alerts it tells."""

    subject: str
    body: str
    count: int = 1


def subject_of(says: Mapping[str, Any]) -> str:
    """Return the subject of an alert.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: it does not hold an alert's facts.
    """
    return _words(says, "UTC")[0]


def in_full(
    says: Mapping[str, Any], timezone: str, public_url: str | None, template: str | None,
    links: Mapping[str, str] = NO_LINKS,
) -> Message:  # fmt: skip
    """Write a message about one alert.

    Args:
        says: what the alert says, see `service.alerting.sorting`.
        timezone: in which times are told.
        public_url: where the console is; None if nobody has said so.
        template: of the rule; None for the service's own text.
        links: those of one use, by the names of the template's fields.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: `says` does not hold an alert's facts.
    """
    subject, body = _words(says, timezone)
    offered = (f"{words}: {links[name]}" for name, words in _OFFERS.items() if name in links)
    more = [line for line in (_linked(says, public_url), *offered, _advised(says)) if line]
    log = _log(says, MESSAGE_SIZE - len(body) - sum(map(len, more)) - 40)
    own = "\n".join([body, *log, *more])
    if template is None:
        return Message(subject, own)
    try:
        return Message(subject, render(template, fields_of(says, timezone, public_url, links)).strip() or own)
    except Exception as error:  # noqa: BLE001 - whatever an expression can raise; the alert must go out all the same
        return Message(subject, f"{own}\n(The rule's template failed: {type(error).__name__})")


def together(several: Sequence[Mapping[str, Any]], timezone: str, public_url: str | None, *, is_last: bool) -> Message:
    """Write a message about the first of several alerts, a line each, about as many as fit.

    Args:
        several: what the alerts say, the oldest first.
        timezone: in which times are told.
        public_url: where the console is; None if nobody has said so.
        is_last: whether it is the last message of this hour: it then counts those that do not fit.
    """
    lines: list[str] = []
    size = 0
    for says in several:
        line = _line(says, timezone)
        size += len(line) + 1
        if lines and size > MESSAGE_SIZE - 200:
            break
        lines.append(line)
    count = len(lines)
    if is_last and count < len(several):
        lines.append(f"and {len(several) - count} more, of which bot-scheduler alerts tells")
        count = len(several)
    if public_url:
        lines.append(f"All: {public_url}/alerts")
    return Message(f"{count} alerts", "\n".join(lines), count)


def fields_of(
    says: Mapping[str, Any], timezone: str, public_url: str | None, links: Mapping[str, str] = NO_LINKS
) -> dict[str, str]:  # fmt: skip
    """Return the fields of a template; one that an alert lacks is empty.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: `says` does not hold an alert's facts.
    """
    said = says["said"]
    labels: Labels = says.get("labels") or {}
    return {
        "subject": _words(says, timezone)[0], "kind": str(said["kind"]), "job": str(says.get("name") or ""),
        "job_id": str(said.get("job_id") or ""), "run_id": str(said.get("run_id") or ""),
        "when": local_time(int(said["at"]), timezone), "error": str(said.get("error") or said.get("reason") or ""),
        "failures": f"{said['failures']:.0f}" if "failures" in said else "",
        "labels": ", ".join(f"{name}:{value}" for name, value in labels.items()),
        "log": "\n".join(says.get("log") or ()), "link": _link(says, public_url), "advice": _advice(says),
        **{name: links.get(name, "") for name in _OFFERS},
    }  # fmt: skip


def _words(says: Mapping[str, Any], timezone: str) -> tuple[str, str]:
    said = says["said"]
    if "told" in says:  # words that were made when the alert was sorted
        return str(says["told"][0]), str(says["told"][1])
    if said.get("job_id") is None:
        return alert_texts.words_of_the_service(said)
    return alert_texts.words(str(says["name"]), said, timezone, says.get("labels") or {})


def _line(says: Mapping[str, Any], timezone: str) -> str:
    try:
        said = says["said"]
        subject = _words(says, timezone)[0]
        why = str(said.get("error") or said.get("reason") or "")[:150]
        return f"- {local_time(int(said['at']), timezone)}: {subject}{': ' if why else ''}{why}"
    except alert_texts.NOT_FACTS:
        return "- an alert that cannot be read"


def _log(says: Mapping[str, Any], room: int) -> list[str]:
    lines = [f"  {line}" for line in says.get("log") or ()]
    while lines and sum(len(line) + 1 for line in lines) > room:
        lines.pop(0)
    return ["Last lines of the log:", *lines] if lines else []


def _link(says: Mapping[str, Any], public_url: str | None) -> str:
    said = says["said"]
    if not public_url or not said.get("job_id"):
        return public_url or ""
    run = f"/runs/{said['run_id']}" if said.get("run_id") else ""
    return f"{public_url}/jobs/{said['job_id']}{run}"


def _linked(says: Mapping[str, Any], public_url: str | None) -> str:
    link = _link(says, public_url)
    return link and f"See: {link}"


def _advice(says: Mapping[str, Any]) -> str:
    said = says["said"]
    named = {"job_id": said.get("job_id"), "run_id": said.get("run_id", "")}
    advice = _ADVICE_ELSEWHERE if "elsewhere" in says else _ADVICE
    return advice.get(str(said["kind"]), "").format(**named)


def _advised(says: Mapping[str, Any]) -> str:
    advice = _advice(says)
    return advice and f"What to do: {advice}"
