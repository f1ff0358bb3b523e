"""Forms to create and to edit a job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from falcon.asgi import Request, Response
from pydantic import BaseModel

from service.domain.access.scopes import Scope
from service.domain.expectations.expect import Expect
from service.domain.heartbeats.terms import TAKEN
from service.domain.job import DEFINITION_FIELDS
from service.domain.options import Options
from service.domain.schedules.intervals import LONGEST_INTERVAL
from service.domain.schedules.zones import zone_names
from service.usecases.access.sight import needed_labels, seen_bots
from service.usecases.calendars import Calendars
from service.usecases.jobs import Jobs
from service.web.console import schedule_form
from service.web.console.form_fields import Field, fields_of
from service.web.console.job_schedule import planned
from service.web.console.page import RenderedPage, show
from service.web.console.wording.option_words import grouped, in_words
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

_SCHEDULE_LISTS = {
    "types": schedule_form.TYPES,
    "days": schedule_form.DAYS,
    "months": schedule_form.MONTHS,
    "nth": schedule_form.NTH,
    "presets": schedule_form.PRESETS,
    "units": [(unit, LONGEST_INTERVAL // seconds) for unit, seconds in schedule_form.UNITS.items()],
}
"""The choices of a schedule's inputs."""
ON_CLOSED = {
    "skip": "Skip the occurrence",
    "next_open": "Move it to the next open day",
    "previous_open": "Move it to the previous open day",
}
"""What becomes of an occurrence on a closed day -> in words."""
_CALENDAR_OPTIONS = ("options.calendar", "options.on_closed")
"""Options that stand beside the schedule."""
NEW: dict[str, Any] = {
    "name": "",
    "description": None,
    "bot_type": None,
    "enabled": True,
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
    "bot_config": {},
    "options": {},
    "labels": {},
}
EXAMPLE = NEW | {
    "name": "Birthday greetings",
    "description": "Greets everybody in the address book. It only rehearses until you switch off “Dry run”.",
    "bot_type": "birthday",
    "bot_config": {"dry_run": True, "process_late": True},
}
"""The first job, for people who have none."""


class NewJob(RenderedPage):
    """`/jobs/new`."""

    access = BY_SESSION.needing(get=Scope.WRITE)

    def __init__(self, pool: Pool, jobs: Jobs, bots: Bots, calendars: Calendars) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._bots = bots
        self._calendars = calendars

    def render(self, req: Request, resp: Response) -> None:
        """Show an empty form; with `?from=ID`, a copy of a job; with `?example=birthday`, the first job."""
        source = query.text(req, "from")
        job = NEW | {"labels": needed_labels()}
        if source is not None:
            job = {name: value for name, value in self._jobs.get(source).data.items() if name in DEFINITION_FIELDS}
            job["name"] = f"{job['name'][:190]} (copy)"
        elif query.text(req, "example") is not None:
            job = EXAMPLE | {"labels": needed_labels()}
        _show(resp, seen_bots(self._bots), self._calendars, job, None, own_zone=source is None)


class EditJob(RenderedPage):
    """`/jobs/{job_id}/edit`."""

    access = BY_SESSION.needing(get=Scope.WRITE)

    def __init__(self, pool: Pool, jobs: Jobs, bots: Bots, calendars: Calendars) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._bots = bots
        self._calendars = calendars

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show the form with the job's fields."""
        job = self._jobs.get(job_id).data
        _show(resp, self._bots, self._calendars, job, job, preview=planned(self._jobs, job_id))


def _show(
    resp: Response,
    bots: Bots,
    calendars: Calendars,
    job: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
    own_zone: bool = False,
    preview: Mapping[str, Any] | None = None,
) -> None:
    """Show the form.

    Args:
        resp: The response.
        bots: Bot type -> bot class.
        calendars: The use cases of calendars, which the job may name.
        job: The values to show.
        stored: The job that the form changes. None creates a job.
        own_zone: Whether the script presets the reader's time zone.
        preview: When the stored job is due next, which depends on when it was planned.
    """
    chosen = job["bot_type"] or next(iter(bots), None)
    offered = [name for name in bots if stored is None or name == stored["bot_type"]]
    options = option_fields(job["options"])
    show(
        resp,
        "job_form.html",
        "/jobs",
        job=job,
        stored=stored,
        own_zone=own_zone,
        preview=preview,
        chosen=chosen,
        forms=[
            (name, bots[name].description, _bot_fields(bots, name, job["bot_config"] if name == chosen else {}))
            for name in offered
        ],
        option_groups=grouped(in_words(one) for one in options if one.path not in _CALENDAR_OPTIONS),
        run_only=[one.path for one in options if not is_taken_elsewhere(one.path)],
        calendars=calendars.names(),
        on_closed=ON_CLOSED,
        schedule=schedule_form.schedule_values(job["schedule_config"]),
        schedule_lists=_SCHEDULE_LISTS,
        new_member=schedule_form.new_member(),
        zones=sorted(zone_names()),
    )


def option_fields(values: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a job's options. Each thing that may be expected has one of its own."""
    options = fields_of(_schema(Options), "options", values, "options")
    expected = fields_of(_schema(Expect), "options.expect", values.get("expect") or {}, "options-expect")
    return [*(one for one in options if one.path != "options.expect"), *expected]


def is_taken_elsewhere(path: str) -> bool:
    """Tell whether a heartbeat job, whose work others do, takes an option."""
    return path.split(".")[1] in TAKEN and path != "options.expect.result"


def _bot_fields(bots: Bots, name: str, config: Mapping[str, Any]) -> list[Field]:
    return fields_of(_schema(bots[name].Config), "bot_config", config, f"bot-{name}")


@lru_cache(maxsize=100)
def _schema(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()
