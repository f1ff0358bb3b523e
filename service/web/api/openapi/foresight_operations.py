"""Operations about what is to come, and about how jobs stand: changes of clocks, calendar feeds, badges."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.badges.standing import WORST_FIRST
from service.domain.edits.requests import FURTHEST_DAYS, REASON_LENGTH
from service.web.api.badges import badge_svg
from service.web.api.badges import routes as badges
from service.web.api.change_notes import HEADER
from service.web.api.feeds import ADDRESS, CALENDAR
from service.web.api.limits import CLOCK_CHANGE_DAYS
from service.web.api.openapi.building import (
    BOOLEAN,
    COUNT,
    JSON_OBJECT,
    TEXT,
    TIMESTAMP,
    UUID,
    Schema,
    array,
    or_null,
    record,
    ref,
)
from service.web.api.openapi.change_schemas import EDIT
from service.web.api.openapi.operation import BODY_ERRORS, LABELS, Operation, json

OCCURRENCE = "/scheduler/jobs/{job_id}/occurrences/{instant}"

JOBS_QUERY: Mapping[str, Schema] = {"job_id": {**UUID, "description": "Only this job."}, "label": LABELS}
BADGE_QUERY: Mapping[str, Schema] = {
    **JOBS_QUERY,
    "text": {"type": "string", "minLength": 1, "maxLength": badge_svg.TEXT_LENGTH,
             "description": "The text at the left; `jobs` by default."},
}  # fmt: skip
PAGE_QUERY: Mapping[str, Schema] = {
    **JOBS_QUERY,
    "names": {**BOOLEAN, "default": False, "description": "Show the jobs' names; the key's scope must be feed."},
}

FORESIGHT_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/clock-changes"): Operation(
        {200: json(ref("ClockChanges"))}, (400,), {CLOCK_CHANGE_DAYS.name: CLOCK_CHANGE_DAYS.schema}
    ),
    ("PUT", OCCURRENCE): Operation(
        {200: json(ref("ChangedOccurrence"))},
        (*BODY_ERRORS, 404, 409, 412),
        headers=("If-Match", HEADER),
        body=json(ref("ChangeOccurrence")),
    ),
    ("DELETE", OCCURRENCE): Operation({204: None}, (400, 404, 409, 412), headers=("If-Match", HEADER)),
    ("GET", badges.SVG_ADDRESS): Operation({200: {badges.SVG: TEXT}}, (400, 404), BADGE_QUERY, tagged=True),
    ("GET", badges.JSON_ADDRESS): Operation({200: json(ref("Badge"))}, (400, 404), BADGE_QUERY, tagged=True),
    ("GET", badges.PAGE_ADDRESS): Operation({200: {badges.HTML: TEXT}}, (400, 404), PAGE_QUERY, tagged=True),
    ("GET", ADDRESS): Operation({200: {CALENDAR: TEXT}}, (400, 404), {"label": LABELS}, tagged=True),
}


def foresight() -> dict[str, Schema]:
    """Return the schemas of what is to come."""
    change = record({
        "job_id": UUID,
        "job_name": TEXT,
        "at": {**TIMESTAMP, "description": "When the clocks change."},
        "timezone": TEXT,
        "from_offset": TEXT,
        "to_offset": TEXT,
        "local_times": {**array(TEXT), "description": "The first three of the job's local times that do not exist or "
                        "come twice."},
        "count": {**COUNT, "description": "How many there are."},
        "outcome": {
            "enum": ["moved", "skipped", "first", "both"],
            "description": "Times that do not exist: moved (run once, right after the gap) or skipped (not run). "
            "Times that come twice: first (run the first time) or both (run both times).",
        },
        "sentence": TEXT,
    })  # fmt: skip
    found = {"ClockChanges": record({"until": TIMESTAMP, "count": COUNT, "changes": array(change)})}
    found["Badge"] = record({
        "schemaVersion": {"const": 1}, "label": TEXT, "message": TEXT, "color": TEXT, "isError": BOOLEAN,
        "standing": {"enum": list(WORST_FIRST), "description": "The worst of the jobs that the key covers."},
        "jobs": COUNT,
    })  # fmt: skip
    return found | changed_occurrences()


def changed_occurrences() -> dict[str, Schema]:
    """Return the schemas of changed occurrences."""
    reason = {"type": "string", "minLength": 1, "maxLength": REASON_LENGTH}
    time = {**TEXT, "description": "A local time in the job's zone, or a time with Z or an offset; at most "
            f"{FURTHEST_DAYS} days ahead."}  # fmt: skip
    wishes: dict[str, dict[str, Schema]] = {
        "SkipOccurrence": {"skip": {"const": True}}, "MoveOccurrence": {"move_to": time},
        "ConfigureOccurrence": {"bot_config": JSON_OBJECT},
    }  # fmt: skip
    named = {
        name: record({**wish, "reason": or_null(reason)}, tuple(wish), additionalProperties=False)
        for name, wish in wishes.items()
    }
    return {
        "ChangeOccurrence": {"oneOf": [ref(name) for name in named]},
        **named,
        "ChangedOccurrence": record(
            {
                "job_id": UUID, "scheduled_for": TIMESTAMP, "local": TEXT,
                "due": {**TIMESTAMP, "description": "When it is decided."}, "edit": EDIT,
                "moved_to": TIMESTAMP, "moved_to_local": TEXT, "bot_config": JSON_OBJECT,
            },
            ("job_id", "scheduled_for", "local", "due", "edit"),
        ),
    }  # fmt: skip
