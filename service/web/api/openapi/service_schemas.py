"""Schemas of the service itself: its health, notices, messages, bots and errors."""

from __future__ import annotations

from service.domain.status import HEALTHY, UNHEALTHY
from service.domain.watching.troubles import KINDS
from service.web.api.openapi.building import (
    BOOLEAN,
    COUNT,
    JSON_OBJECT,
    TEXT,
    TIMESTAMP,
    Schema,
    array,
    or_null,
    record,
    ref,
)

_REFUSED = {"field": "schedule_config.hour", "message": "must be from 0 to 23, not 24"}


def service() -> dict[str, Schema]:
    """Return the schemas of health, messages, bots and errors."""
    health = {
        "status": {"enum": [HEALTHY, UNHEALTHY]},
        "scheduler_running": BOOLEAN,
        "redis_connected": BOOLEAN,
        "total_jobs": COUNT,
        "enabled_jobs": COUNT,
    }
    trouble = record({"kind": {"enum": list(KINDS)}, "since": TIMESTAMP, "detail": TEXT})
    notice = record({"at": TIMESTAMP, "detail": TEXT})
    added = {
        "workers": COUNT,
        "calendars_running_out": COUNT,
        "active_pauses": COUNT,
        "data_went_back": or_null(ref("Notice")),
        "clock_stepped": or_null(ref("Notice")),
        "troubles": {**array(ref("Trouble")), "description": "The troubles that the watch sees; absent without any."},
    }
    refused = record({"field": TEXT, "message": TEXT})
    return {
        "Health": record({**health, **added}, health),
        "Notice": {**notice, "description": "Something for a person to look at and acknowledge."},
        "Trouble": {**trouble, "description": "Something that is wrong with the service, as long as it lasts."},
        "Acknowledged": record({
            "data_went_back": or_null(ref("Notice")),
            "clock_steps": {**array(ref("Notice")), "description": "The clock's steps of the last day, newest first."},
        }),
        "MessageSent": record({"sent": {"const": True}, "to": TEXT, "subject": TEXT}),
        "Bot": record({"name": TEXT, "description": TEXT, "config_schema": JSON_OBJECT}),
        "Error": record(
            {"detail": {**TEXT, "description": "One readable sentence."}, "errors": array(refused)}, ("detail",),
            examples=[{"detail": f"{_REFUSED['field']}: {_REFUSED['message']}", "errors": [_REFUSED]}],
        ),
    }  # fmt: skip
