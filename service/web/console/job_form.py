"""The form that makes a job, and the one that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import falcon
from pydantic import BaseModel

from service.bots.protocol import Bot
from service.domain.job import DEFINITION_FIELDS
from service.domain.options import Options
from service.domain.schedules.definition import DAY_NAMES, SCHEDULE_TYPES
from service.domain.schedules.zones import zone_names
from service.usecases.jobs import Jobs
from service.web.console.form_fields import Field, fields_of
from service.web.console.page import Page, show
from service.web.http import query
from service.web.http.access import BY_SESSION

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
    "description": "Greets everybody in the address book. It rehearses only, until “Dry run” is switched off.",
    "bot_type": "birthday",
    "bot_config": {"dry_run": True, "process_late": True},
}
"""The first job, for whoever has none."""


class NewJob(Page):
    """`/jobs/new`"""

    access = BY_SESSION

    def __init__(self, jobs: Jobs, bots: Mapping[str, type[Bot]]) -> None:
        self._jobs = jobs
        self._bots = bots

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """An empty form; with `?from=ID` one filled in as that job is; with `?example=birthday` with a first job."""
        source = query.text(req, "from")
        job = NEW
        if source is not None:
            job = {name: value for name, value in self._jobs.get(source).data.items() if name in DEFINITION_FIELDS}
            job["name"] = f"{job['name'][:190]} (copy)"
        elif query.text(req, "example") is not None:
            job = EXAMPLE
        _show(resp, self._bots, job, None, own_zone=source is None)

    on_head = on_get


class EditJob(Page):
    """`/jobs/{job_id}/edit`"""

    access = BY_SESSION

    def __init__(self, jobs: Jobs, bots: Mapping[str, type[Bot]]) -> None:
        self._jobs = jobs
        self._bots = bots

    def on_get(self, req: falcon.Request, resp: falcon.Response, job_id: str) -> None:
        """The form as the job is."""
        job = self._jobs.get(job_id).data
        _show(resp, self._bots, job, job)

    on_head = on_get


def _show(
    resp: falcon.Response,
    bots: Mapping[str, type[Bot]],
    job: Mapping[str, Any],
    stored: Mapping[str, Any] | None,
    own_zone: bool = False,
) -> None:
    """`own_zone`: the time zone begins as the reader's, which the page's script knows."""
    chosen = job["bot_type"] or next(iter(bots), None)
    offered = [name for name in bots if stored is None or name == stored["bot_type"]]
    forms: list[tuple[str, str, list[Field]]] = [
        (
            name,
            bots[name].description,
            fields_of(
                _schema(bots[name].Config), "bot_config", job["bot_config"] if name == chosen else {}, f"bot-{name}"
            ),
        )
        for name in offered
    ]
    show(
        resp,
        "job_form.html",
        "/jobs",
        job=job,
        stored=stored,
        own_zone=own_zone,
        chosen=chosen,
        forms=forms,
        option_fields=fields_of(_schema(Options), "options", job["options"], "options"),
        schedule_types=SCHEDULE_TYPES,
        schedule=schedule_values(job["schedule_config"]),
        days=DAYS,
        zones=sorted(zone_names()),
    )


@lru_cache(maxsize=100)
def _schema(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_json_schema()


def schedule_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the schedule's inputs show, those of other types than the job's too."""
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
