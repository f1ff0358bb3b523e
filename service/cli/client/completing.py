"""Words that a shell completes: those that the service knows, and those that are fixed.

Nothing is offered if the service does not answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import typer

from service.cli.client.api import api
from service.cli.exits import Failure
from service.cli.output.tables import RunCell

SECONDS = 2
"""The longest wait of somebody who has pressed Tab."""
_BEGUN_ID = re.compile(r"[0-9a-f]{2}")
Offers = list[tuple[str, str]]


def one_of(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Complete one of several words."""
    known = list(words)
    return lambda incomplete: [word for word in known if word.startswith(incomplete)]


def listed_at(path: str, field: str, beside: str, **params: Any) -> Callable[[str], Offers]:
    """Complete a field of the items of a list.

    Args:
        path: The list's, from the root.
        field: The field to complete.
        beside: The field that a shell may show beside it.
        params: The query.
    """
    return lambda incomplete: _found(path, field, beside, incomplete, params)


def complete_names(incomplete: str) -> list[str]:
    """Complete a job's name."""
    return [name for name, _ in _found("/scheduler/jobs", "name", "id", incomplete, {"limit": 200, "q": incomplete})]


def complete_states(incomplete: str) -> list[str]:
    """Complete a state by which jobs are filtered."""
    from service.domain.job import FILTER_STATES  # here, because the domain takes a while to load

    return one_of(FILTER_STATES)(incomplete)


def complete_statuses(incomplete: str) -> list[str]:
    """Complete a run's status."""
    from service.domain.run_records import STATUSES

    return one_of(STATUSES)(incomplete)


def complete_triggers(incomplete: str) -> list[str]:
    """Complete the reason why a run was made."""
    from service.domain.run_records import TRIGGERS

    return one_of(TRIGGERS)(incomplete)


def complete_fates(incomplete: str) -> list[str]:
    """Complete the fate of an occurrence."""
    from service.domain.fates.fate import FATES

    return one_of(FATES)(incomplete)


def complete_kinds(incomplete: str) -> list[str]:
    """Complete a kind of alert."""
    from service.domain.alerting.rule import KINDS

    return one_of(KINDS)(incomplete)


def complete_actions(incomplete: str) -> list[str]:
    """Complete an action of the audit log, or the noun that begins several."""
    from service.domain.access.changes import ACTIONS

    return one_of(sorted({*ACTIONS, *(action.partition(".")[0] for action in ACTIONS), "refused"}))(incomplete)


def complete_runs(context: typer.Context, incomplete: str) -> Offers:
    """Complete the id of a run of the job that stands before it."""
    from service.cli.client.job_lookup import find_id, job_path  # which completes names by this module

    job = context.params.get("job")
    if not isinstance(job, str):
        return []
    try:
        path = f"{job_path(find_id(job))}/history"
    except Failure:
        return []
    return _runs(path, incomplete)


def complete_names_and_runs(incomplete: str) -> Offers:
    """Complete a job's name, or the id of one of the newest runs where an id has been begun."""
    names = [(name, "") for name in complete_names(incomplete)]
    return names + (_runs("/scheduler/runs", incomplete) if _BEGUN_ID.match(incomplete) else [])


def complete_instants(context: typer.Context, incomplete: str) -> Offers:
    """Complete the instant of an occurrence of the job that stands before it."""
    from service.cli.client.job_lookup import find_id, job_path

    try:
        path = f"{job_path(find_id(str(context.params.get('job'))))}/preview"
        found = api().json(api().ask("GET", path, params={"count": 20}, seconds=SECONDS), "details")
        return [(one["scheduled_for"], one["local"]) for one in found["details"]
                if one["scheduled_for"].startswith(incomplete)]  # fmt: skip
    except (Failure, KeyError, TypeError):
        return []


def _runs(path: str, incomplete: str) -> Offers:
    """Offer the short ids of runs, as tables show them, and the whole one of a run whose own id has been begun."""
    try:
        runs = api().items(api().ask("GET", path, params={"limit": 50}, seconds=SECONDS))
        offers = [(one, run["status"]) for run in runs for one in (RunCell(run["job_id"], run["id"]).short, run["id"])
                  if one.startswith(incomplete) and (incomplete or one != run["id"])]  # fmt: skip
    except (Failure, KeyError):
        return []
    return offers


def _found(path: str, field: str, beside: str, incomplete: str, params: dict[str, Any]) -> Offers:
    try:
        found = api().ask("GET", path, params={name: value or None for name, value in params.items()}, seconds=SECONDS)
        return [(str(one[field]), str(one[beside])) for one in found.json() if str(one[field]).startswith(incomplete)]
    except (Failure, ValueError, KeyError, TypeError):
        return []


complete_bots = listed_at("/scheduler/bots", "name", "description")
complete_calendars = listed_at("/scheduler/calendars", "name", "description", limit=200)
complete_channels = listed_at("/scheduler/channels", "name", "url", limit=200)
complete_rules = listed_at("/scheduler/rules", "id", "channel", limit=200)
complete_snoozes = listed_at("/scheduler/snoozes", "id", "job", limit=200)
complete_pauses = listed_at("/scheduler/pauses", "id", "reason", state="active")
complete_keys = listed_at("/scheduler/keys", "id", "name", limit=200)
complete_sessions = listed_at("/scheduler/sessions", "id", "key_name", limit=200)
complete_deleted = listed_at("/scheduler/deleted", "id", "deleted_at", limit=200)
