"""Messages about alerts: one in full, or several together in a line each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from service.alerting import alert_texts
from service.bots.support.wording import render
from service.domain.access.labels import Labels
from service.domain.alerting.channel import Pace
from service.domain.alerting.quiet_hours import local_time
from service.domain.alerting.turns import gap_ms, singly

MESSAGE_SIZE = 1_800
"""Characters of a message with its subject: some channels take no more than 2,000."""
SUBJECT_SIZE = 250
MOST_LINES = 60
"""Alerts that may have a line in one message, at the most: more would not fit."""
CUT = "…"
LOG_LINES, LINE_SIZE = 10, 200
"""The last lines of a run's log that an alert shows, and the most characters of each."""
LINE_MOST = 250
"""Characters of an alert's line in a message about several."""
_ADVICE = {
    "failed": "Read the run's log, mend the cause, and run the job again: bot-scheduler jobs run {job_id}",
    "missed": "Check that a scheduler is up: bot-scheduler health",
    "switched_off": "Mend the cause, and switch the job on again: bot-scheduler jobs enable {job_id}",
    "breach": "Look at the job's history: bot-scheduler history {job_id}",
    "breach of a ping": "Check where the work is done that it still runs, and reaches the address for its pings",
    "news": "Read the run's log: bot-scheduler logs {job_id} {run_id}",
}  # fmt: skip
_ADVICE_ELSEWHERE = {
    **_ADVICE,
    "failed": "Read the run's log, and mend the cause where the work is done: bot-scheduler logs {job_id} {run_id}",
    "breach of a ping": "See whether the script still runs where the work is done, and reaches its address for pings; "
    "if it has none yet: bot-scheduler keys create NAME --ping {job_id}",
}  # fmt: skip
"""Of heartbeat jobs, which nothing here runs."""
NO_LINKS: Mapping[str, str] = MappingProxyType({})
_OFFERS = {"snooze_link": "To be told nothing about this job for a while", "again_link": "To run it again"}
"""Before the links that an alert may have, see `service.alerting.run_links`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and how many alerts it tells in words, not by their number alone."""

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
    links: Mapping[str, str] = NO_LINKS, note: str = "", clean: Callable[[str], str] = str,
) -> Message:  # fmt: skip
    """Write a message about one alert, of `MESSAGE_SIZE` at the most. What is too long is cut.

    Args:
        says: what the alert says, see `service.alerting.sorting`.
        timezone: in which times are told.
        public_url: where the console is; None if nobody has said so.
        template: of the rule; None for the service's own text.
        links: those of one use, by the names of the template's fields.
        note: a line at the end.
        clean: removes secrets. It comes before the cut, which could leave a part of one.

    Raises:
        LookupError, ValueError, TypeError, ArithmeticError, OSError: `says` does not hold an alert's facts.
    """
    subject, body = (clean(text) for text in _words(says, timezone))
    subject = _cut(subject, SUBJECT_SIZE)
    room = MESSAGE_SIZE - len(subject) - (len(note) + 1 if note else 0)
    notes = [note] if note else []
    if template is not None:
        try:
            written = clean(render(template, fields_of(says, timezone, public_url, links)).strip())
            if written:
                return Message(subject, "\n".join([_cut(written, room), *notes]))
        except Exception as error:  # noqa: BLE001 - whatever an expression can raise; the alert must go out all the same
            notes.insert(0, f"(The rule's template failed: {type(error).__name__})")
            room -= len(notes[0]) + 1
    offered = (f"{words}: {links[name]}" for name, words in _OFFERS.items() if name in links)
    more = [clean(line) for line in (_linked(says, public_url), *offered, _advised(says)) if line]
    room -= sum(len(line) + 1 for line in more)
    body = _cut(body, room)
    log = _log(says, room - len(body) - 40)
    return Message(subject, "\n".join([body, *map(clean, log), *more, *notes]))


def gathered_from_now(pace: Pace, waiting: int) -> str:
    """Say that the alerts that follow a message come together, and how many wait already."""
    minutes = -(-gap_ms(pace) // 60_000)
    soon = "a minute" if minutes == 1 else f"{minutes} minutes"
    now = f" {waiting} wait now." if waiting else ""
    return f"This is message {singly(pace)} within an hour: what follows comes together, within {soon}.{now}"


def together(
    several: Sequence[Mapping[str, Any]], timezone: str, public_url: str | None, more: int = 0, note: str = "",
    clean: Callable[[str], str] = str, *, tells_all: bool,
) -> Message:  # fmt: skip
    """Write a message about the first of several alerts, a line each, as many as fit.

    Args:
        several: what the alerts say, those first that are to be told first.
        timezone: in which times are told.
        public_url: where the console is; None if nobody has said so.
        more: how many others there are beside these.
        note: a line at the end.
        clean: removes secrets.
        tells_all: whether it tells of all of them: of those that do not fit, by their number.

    Returns:
        The message. Its `count` is how many of `several` have a line.
    """
    lines, last = list[str](), [f"All: {public_url}/alerts"] if public_url else []
    last += [note] if note else []
    room = MESSAGE_SIZE - SUBJECT_SIZE - 100 - sum(len(line) + 1 for line in last)
    for says in several:
        line = _cut(clean(_line(says, timezone)), LINE_MOST)
        room -= len(line) + 1
        if lines and room < 0:
            break
        lines.append(line)
    left = len(several) - len(lines) + more
    if tells_all and left:
        last.insert(0, f"and {left:,} more, of which bot-scheduler alerts tells")
    told = len(lines) + (left if tells_all else 0)
    subject = f"{told:,} alerts"
    trouble = next((words for says in several[: len(lines)] if (words := _of_the_service(says))), "")
    if trouble and told > 1:
        subject = f"{_cut(clean(trouble), SUBJECT_SIZE - 30)}, and {told - 1:,} more"
    return Message(subject, "\n".join([*lines, *last]), len(lines))


def _of_the_service(says: Mapping[str, Any]) -> str:
    """Return the subject of an alert that belongs to no job, as troubles do; empty of any other."""
    try:
        return subject_of(says) if says["said"]["kind"] in alert_texts.OF_THE_SERVICE else ""
    except alert_texts.NOT_FACTS:
        return ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(0, most - len(CUT))].rstrip()}{CUT}"


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
    kind = "breach of a ping" if said.get("expectation") == "ping" and said["kind"] == "breach" else str(said["kind"])
    return advice.get(kind, "").format(**named)


def _advised(says: Mapping[str, Any]) -> str:
    advice = _advice(says)
    return advice and f"What to do: {advice}"
