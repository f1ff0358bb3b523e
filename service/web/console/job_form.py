"""Forms to create and to edit a job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from falcon.asgi import Request, Response
from pydantic import BaseModel

from service.domain.job import DEFINITION_FIELDS
from service.domain.options import Options
from service.domain.schedules.definition import DAY_NAMES, SCHEDULE_TYPES
from service.domain.schedules.zones import zone_names
from service.usecases.jobs import Jobs
from service.web.console.form_fields import Field, fields_of
from service.web.console.page import RenderedPage, show
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool
from service.web.services import Bots

DAYS = tuple(
    zip(DAY_NAMES, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
NEW: dict[str, Any] = {
    "name": "",
    "description": None,
    "bot_type": None,
    "enabled": True,
    "schedule_type": "daily",
    "schedule_config": {"hour": 8, "minute": 0},
    "bot_config": {},
    "options": {},
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

    access = BY_SESSION

    def __init__(self, pool: Pool, jobs: Jobs, bots: Bots) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response) -> None:
        """Show an empty form; with `?from=ID`, a copy of a job; with `?example=birthday`, the first job."""
        source = query.text(req, "from")
        job = NEW
        if source is not None:
            job = {name: value for name, value in self._jobs.get(source).data.items() if name in DEFINITION_FIELDS}
            job["name"] = f"{job['name'][:190]} (copy)"
        elif query.text(req, "example") is not None:
            job = EXAMPLE
        _show(resp, self._bots, job, None, own_zone=source is None)


class EditJob(RenderedPage):
    """`/jobs/{job_id}/edit`."""

    access = BY_SESSION

    def __init__(self, pool: Pool, jobs: Jobs, bots: Bots) -> None:
        super().__init__(pool)
        self._jobs = jobs
        self._bots = bots

    def render(self, req: Request, resp: Response, job_id: str) -> None:
        """Show the form with the job's fields."""
        job = self._jobs.get(job_id).data
        _show(resp, self._bots, job, job)


def _show(
    resp: Response,
    bots: Bots,
    job: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
    own_zone: bool = False,
) -> None:
    """Show the form.

    Args:
        resp: The response.
        bots: Bot type -> bot class.
        job: The values to show.
        stored: The job that the form changes. None creates a job.
        own_zone: Whether the script presets the reader's time zone.
    """
    chosen = job["bot_type"] or next(iter(bots), None)
    offered = [name for name in bots if stored is None or name == stored["bot_type"]]
    show(
        resp,
        "job_form.html",
        "/jobs",
        job=job,
        stored=stored,
        own_zone=own_zone,
        chosen=chosen,
        forms=[
            (name, bots[name].description, _bot_fields(bots, name, job["bot_config"] if name == chosen else {}))
            for name in offered
        ],
        option_fields=fields_of(_schema(Options), "options", job["options"], "options"),
        schedule_types=SCHEDULE_TYPES,
        schedule=schedule_values(job["schedule_config"]),
        days=DAYS,
        zones=sorted(zone_names()),
    )


def _bot_fields(bots: Bots, name: str, config: Mapping[str, Any]) -> list[Field]:
    return fields_of(_schema(bots[name].Config), "bot_config", config, f"bot-{name}")


@lru_cache(maxsize=100)
def _schema(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()


def schedule_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all inputs for schedules, with defaults for the other schedule types."""
    days = config.get("day_of_week", "mon")
    return {
        "clock": f"{config.get('hour', 8):02d}:{config.get('minute', 0):02d}",
        "days": [day.strip().lower() for day in days.split(",")],
        "hours": config.get("hours", 0 if config.keys() & {"minutes", "seconds"} else 1),
        "minutes": config.get("minutes", 0),
        "seconds": config.get("seconds", 0),
        "cron_expression": config.get("cron_expression", "0 8 * * 1-5"),
        "timezone": config.get("timezone", "UTC"),
    }
