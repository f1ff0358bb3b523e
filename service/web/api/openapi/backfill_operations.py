"""Operations and schemas of backfills."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.backfilling.instants import RULES
from service.domain.backfilling.request import MOST_INSTANTS, MOST_PARALLEL, ONLY
from service.domain.pauses.pause import ON_RESUME
from service.store.runs.backfills import FATES
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import (
    BOOLEAN,
    COUNT,
    JSON_OBJECT,
    TEXT,
    TIME_SENT,
    TIMESTAMP,
    UUID,
    Schema,
    array,
    or_null,
    record,
    ref,
)
from service.web.api.openapi.change_schemas import ACTOR
from service.web.api.openapi.operation import BODY_ERRORS, Operation, json

_BACKFILL = json(ref("Backfill"))

BACKFILL_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/scheduler/jobs/{job_id}/backfill"): Operation(
        {200: json(ref("BackfillPlan")), 202: _BACKFILL},
        (*BODY_ERRORS, 404, 409),
        headers=("Idempotency-Key", HEADER),
        body=json(ref("BackfillRequest")),
    ),
    ("GET", "/scheduler/jobs/{job_id}/backfills"): Operation({200: json(array(ref("Backfill")))}, (404, 409)),
    ("GET", "/scheduler/jobs/{job_id}/backfills/{backfill_id}"): Operation({200: _BACKFILL}, (404, 409)),
    ("DELETE", "/scheduler/jobs/{job_id}/backfills/{backfill_id}"): Operation(
        {200: _BACKFILL}, (400, 404, 409), headers=(HEADER,)
    ),
}


def backfills() -> dict[str, Schema]:
    """Return the schemas of backfills."""
    only: Schema = {
        "enum": list(ONLY),
        "description": " ".join(f"{name}: {rule}" for name, rule in RULES.items()),
    }
    parallel: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_PARALLEL}
    asked: dict[str, Schema] = {
        "job_id": UUID, "since": TIMESTAMP, "until": TIMESTAMP, "only": only, "max_parallel": parallel, "total": COUNT,
    }  # fmt: skip
    told: dict[str, Schema] = {"id": UUID, "reason": TEXT, "by": ACTOR, "on_resume": {"enum": list(ON_RESUME)}}
    pause: Schema = {
        **record({**told, "until": or_null(TIMESTAMP)}, ("id", "reason", "on_resume", "until")),
        "description": "The pause that is in force for the job; absent without one. The runs of the backfill go "
        "through it. Of several, the one that decides; `until` is then when the last of them ends, null if somebody "
        "has to end one.",
    }
    counts = {
        "left": {**COUNT, "description": "Instants that have no run yet."},
        "open": {**COUNT, "description": "Instants whose run has not ended."},
        **dict.fromkeys(FATES, COUNT),
        "dropped": {**COUNT, "description": "Instants that got no run, since the backfill was cancelled."},
    }
    return {
        "BackfillRequest": record(
            {
                "since": {**TIME_SENT, "description": "The first instant that it may mean."},
                "until": {**TIME_SENT, "description": "It means none from here on."},
                "only": {**only, "default": "missing"},
                "max_parallel": {**parallel, "default": 1},
                "bot_config": {**JSON_OBJECT, "description": "Overrides fields of bot_config, for its runs only."},
                "dry_run": {**BOOLEAN, "default": False, "description": "True to list the instants and start nothing."},
            },
            ("since", "until"), additionalProperties=False,
        ),
        "Backfill": _paused_perhaps({
            "backfill_id": UUID, **asked, "state": {"enum": ["active", "done", "cancelled"]}, "rehearsal": BOOLEAN,
            "created_at": TIMESTAMP, "ended_at": or_null(TIMESTAMP), "requested_by": or_null(ACTOR), **counts,
        }, pause),
        "BackfillPlan": _paused_perhaps({
            "backfill_id": {"type": "null"}, **asked, "dry_run": BOOLEAN,
            "rule": {**TEXT, "description": "Which instants `only` means."},
            "reasons": {
                "type": "object", "additionalProperties": COUNT,
                "description": "If `only` is `missing`: why nothing ran -> how many of the instants.",
            },
            "instants": {**array(TIMESTAMP), "maxItems": MOST_INSTANTS},
        }, pause),
    }  # fmt: skip


def _paused_perhaps(properties: dict[str, Schema], pause: Schema) -> Schema:
    return record({**properties, "pause": pause}, properties)
