"""Operations about what is to come: changes of clocks, calendar feeds."""

from __future__ import annotations

from collections.abc import Mapping

from service.web.api.feeds import ADDRESS, CALENDAR
from service.web.api.limits import CLOCK_CHANGE_DAYS
from service.web.api.openapi.building import COUNT, TEXT, TIMESTAMP, UUID, Schema, array, record, ref
from service.web.api.openapi.operation import LABELS, Operation, json

FORESIGHT_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/clock-changes"): Operation(
        {200: json(ref("ClockChanges"))}, (400,), {CLOCK_CHANGE_DAYS.name: CLOCK_CHANGE_DAYS.schema}
    ),
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
    return {"ClockChanges": record({"until": TIMESTAMP, "count": COUNT, "changes": array(change)})}
