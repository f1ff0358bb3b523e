"""A job's options in the words of people who have not read the API: labels, hints, choices, groups of the form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from service.web.console.form_fields import Field

LABELS = {
    "max_concurrent_runs": "Runs at a time",
    "overlap": "If the last run still goes on",
    "misfire_grace_seconds": "Do not run if later than",
    "catch_up": "After an outage, run",
    "timeout_seconds": "Give up after",
    "max_retries": "Try again after a failure",
    "retry_delay_seconds": "Wait before the first retry",
    "starts_at": "Not before",
    "ends_at": "Not at or after",
    "jitter_seconds": "Spread runs over",
    "disable_after_failures": "Switch off after failures in a row",
    "delete_after_seconds": "Delete once it ended, after",
    "alert_urls": "Tell of failures",
    "ping_urls": "Ping about each run",
    "expect": "Expectations",
    "success_within_seconds": "Late without a success for",
    "finish_by": "Late without a success by",
    "longest_seconds": "Slow if a run takes longer than",
    "result": "Not as expected unless the result has",
}
"""Option, or thing that is expected -> its label."""
HINTS = {
    "max_concurrent_runs": "Of this job.",
    "overlap": "What happens to an occurrence that is due while as many runs go on as may.",
    "misfire_grace_seconds": "An occurrence found later than this is skipped.",
    "catch_up": "Of the occurrences that were missed.",
    "timeout_seconds": "A run that takes longer is interrupted.",
    "max_retries": "How often, unless its bot calls the failure final.",
    "retry_delay_seconds": "It doubles each time, up to an hour.",
    "starts_at": "No occurrence is due earlier. “Every 2 days” counts from here.",
    "ends_at": "No occurrence is due from then on.",
    "jitter_seconds": "Each occurrence is delayed by chance, up to this; less than the schedule's shortest gap.",
    "disable_after_failures": "0 means never.",
    "delete_after_seconds": "Empty means never.",
    "alert_urls": "Names of Apprise URLs, env:BOT_SECRET_…",
    "ping_urls": "Names of web addresses, env:BOT_SECRET_…, told of each start, success (the address) and /fail.",
    "success_within_seconds": "Since the last success, or since the job was switched on.",
    "finish_by": "A local time of each day with an occurrence, such as 07:30.",
    "longest_seconds": "auto means 3 times the 95th percentile of the last 50 successes.",
    "result": 'Fields and their bounds, such as {"rows": {"min": 1, "max": 500}} or {"state": {"equals": "ok"}}.',
}
"""Option -> its hint, where the API's own words are for programs."""
CHOICES = {
    "overlap": {
        "skip": "Skip the new one",
        "queue": "Let the new one wait",
        "latest": "Let the newest one wait, skip those before it",
        "replace": "Cancel the old run, then start the new one",
    },
    "catch_up": {"latest": "The latest one", "all": "All of them", "none": "None of them"},
}
"""Option -> value -> its words."""
GROUPS = {
    "If it fails or takes long": (
        "timeout_seconds", "max_retries", "retry_delay_seconds", "disable_after_failures",
    ),
    "Overlaps and outages": ("overlap", "max_concurrent_runs", "misfire_grace_seconds", "catch_up"),
    "From when, until when": ("starts_at", "ends_at", "jitter_seconds", "delete_after_seconds"),
    "Who is told, and what is expected": (
        "alert_urls", "ping_urls", "success_within_seconds", "finish_by", "longest_seconds", "result",
    ),
}  # fmt: skip
"""Title -> options. One that is in no group stands in the last."""


@dataclass(frozen=True, slots=True)
class Group:
    """A folded part of the form.

    Args:
        id: The unique id of its element.
        title: What it is about.
        fields: Its fields.
    """

    id: str
    title: str
    fields: list[Field] = field(default_factory=list)


def grouped(fields: Iterable[Field]) -> list[Group]:
    """Put the fields of options into the form's groups, in the groups' order."""
    titles = {name: title for title, names in GROUPS.items() for name in names}
    groups = {title: Group(f"options-{number}", title) for number, title in enumerate(GROUPS)}
    places = {name: place for place, name in enumerate(titles)}
    for one in sorted(fields, key=lambda one: places.get(name_of(one), len(places))):
        groups[titles.get(name_of(one), list(GROUPS)[-1])].fields.append(one)
    return list(groups.values())


def in_words(option: Field) -> Field:
    """Return the field of an option with the words of this module."""
    name = name_of(option)
    return replace(
        option, label=LABELS.get(name, option.label), hint=HINTS.get(name, option.hint), words=CHOICES.get(name, {})
    )


def name_of(option: Field) -> str:
    """Return an option's name in the API."""
    return option.path.rpartition(".")[2]
