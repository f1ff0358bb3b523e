"""Operations and schemas of pauses."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.access.labels import LABEL_FORM, LABELS_LIMIT
from service.domain.pauses.pause import ON_RESUME, READ_ONLY, REASON_LENGTH
from service.usecases.pauses import STATES
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import BOOLEAN, COUNT, TEXT, TIMESTAMP, UUID, Schema, array, or_null, record, ref
from service.web.api.openapi.change_schemas import ACTOR
from service.web.api.openapi.operation import BODY_ERRORS, PAGE, Operation, json

_PAUSE = json(ref("Pause"))
_STATE: Schema = {"enum": list(STATES), "description": "Only those in force, or only those that are over."}
_JOB: Schema = {**UUID, "description": "Only those that are for this job."}

PAUSE_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/pauses"): Operation(
        {200: json(array(ref("Pause")))}, (400,), {**PAGE, "state": _STATE, "job_id": _JOB},
        answer_headers=("Link",), tagged=True,
    ),
    ("POST", "/scheduler/pauses"): Operation(
        {201: _PAUSE}, (*BODY_ERRORS, 409), headers=("Idempotency-Key", HEADER), answer_headers=("Location",),
        body=json(ref("CreatePause")),
    ),
    ("GET", "/scheduler/pauses/{pause_id}"): Operation({200: _PAUSE}, (404,)),
    ("DELETE", "/scheduler/pauses/{pause_id}"): Operation({200: _PAUSE}, (400, 404, 409), headers=(HEADER,)),
}  # fmt: skip

TOLD_OF_A_RUN: Mapping[str, Schema] = {
    "pause": {
        **record({"id": UUID, "reason": TEXT, "by": ACTOR, "on_resume": {"enum": list(ON_RESUME)}},
                 ("id", "reason", "on_resume")),
        "description": "The pause that has had the occurrence skipped, or held.",
    },
    "held_by": {**UUID, "description": "The pause that holds the run; absent once it is let in."},
    "during_pause": {**UUID, "description": "Of a run by hand: a pause that covered its job then."},
}  # fmt: skip


def pauses() -> dict[str, Schema]:
    """Return the schemas of pauses."""
    label: Schema = {
        "type": "object", "minProperties": 1, "maxProperties": LABELS_LIMIT,
        "propertyNames": {"pattern": f"^{LABEL_FORM}$"},
        "additionalProperties": {"type": "string", "pattern": f"^{LABEL_FORM}$"},
    }  # fmt: skip
    scope: Schema = {
        "anyOf": [
            {"const": "all"},
            record({"label": label}, additionalProperties=False),
            record({"bot_type": TEXT}, additionalProperties=False),
            record({"job_id": UUID}, additionalProperties=False),
        ],
        "description": "Which jobs: all, those with all of these labels, those of a bot, or one.",
    }
    sent: dict[str, Schema] = {
        "scope": scope,
        "reason": {"type": "string", "minLength": 1, "maxLength": REASON_LENGTH, "description": "One line."},
        "until": {**or_null(TIMESTAMP), "description": "When it ends by itself; null if somebody has to end it."},
        "on_resume": {
            "enum": list(ON_RESUME), "default": ON_RESUME[0],
            "description": "skip: occurrences within are skipped. latest: the newest of each job runs at the end. "
            "all: the newest 1,000 of each job run then, in order. If several pauses cover a job, the strictest "
            "decides: skip before latest before all.",
        },
        "cancel_running": {
            **BOOLEAN, "default": False, "description": "Cancel the jobs' runs that are queued or under way.",
        },
    }  # fmt: skip
    answered: dict[str, Schema] = {
        "id": UUID, **sent, "jobs": {**TEXT, "description": "The scope, in words."},
        "from": TIMESTAMP, "is_active": BOOLEAN, "ended_at": or_null(TIMESTAMP), "by": or_null(ACTOR),
        "ended_by": {**or_null(ACTOR), "description": "Who has ended it; null if it ended by itself."},
        "jobs_on_hold": {**COUNT, "description": "Jobs of which it holds runs."},
    }  # fmt: skip
    found = {**COUNT, "description": "In the answer to POST alone: for how many jobs it is now."}
    ignored: dict[str, Schema] = {
        name: {"readOnly": True, "description": "Ignored in a body."} for name in sorted(READ_ONLY)
    }
    return {
        "Pause": record(answered | {"job_count": found}, answered),
        "CreatePause": record(sent | ignored, ("scope", "reason"), additionalProperties=False),
    }
