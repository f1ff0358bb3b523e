"""Schemas of runs and their logs."""

from __future__ import annotations

from service.domain.run_records import LATEST_DAYS, STATUSES, TRIGGERS
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
from service.web.api.openapi.change_schemas import ACTOR, EDIT
from service.web.api.openapi.pause_operations import TOLD_OF_A_RUN


def runs() -> dict[str, Schema]:
    """Return the schemas of runs."""
    contract: dict[str, Schema] = {
        "id": TEXT,
        "job_id": UUID,
        "started_at": or_null(TIMESTAMP),
        "finished_at": or_null(TIMESTAMP),
        "status": {"enum": list(STATUSES)},
        "result": or_null(JSON_OBJECT),
        "error": or_null(TEXT),
        "messages_sent": COUNT,
        "profiles_visited": COUNT,
    }
    added: dict[str, Schema] = {
        "trigger": {"enum": list(TRIGGERS)},
        "scheduled_for": or_null(TIMESTAMP),
        "last_scheduled_for": TIMESTAMP,
        "closed": {**TEXT, "description": "The closed day's name, of a run that was skipped for it."},
        "names": {**array(TEXT), "description": "Of the schedules of a union that made the occurrence."},
        "moved_to": {**TIMESTAMP, "description": "To when somebody moved the occurrence."},
        "edit": {**EDIT, "description": "How somebody changed the occurrence."},
        "attempt": {"type": "integer", "minimum": 1},
        "queued_at": TIMESTAMP,
        "duration_ms": or_null(COUNT),
        "lateness_ms": or_null(COUNT),
        "reason": {
            **or_null(TEXT),
            "description": "Why it was skipped: a word of the service's, such as overlap; or, if it has started, what "
            "its bot says.",
        },
        "occurrences": {"type": "integer", "minimum": 1},
        "retry_of": or_null(UUID),
        "revision": or_null({"type": "integer", "minimum": 1}),
        "rehearsal": {
            **BOOLEAN,
            "description": "A manual run with `dry_run`; it does not change the job's last run.",
        },
        "requested_by": {
            **or_null(ACTOR),
            "description": "Who asked for a run by hand, or for the cancel; null if nobody did.",
        },
        **TOLD_OF_A_RUN,
        "overlay": {
            **JSON_OBJECT,
            "description": "The fields of bot_config that this run lays over its job's: those of the request, of a "
            "change of the occurrence, or of the schedules that made it.",
        },
        "not_before": {
            **TIMESTAMP,
            "description": "Of a run by hand for later: it does not start before this time.",
        },
        "again_of": {**UUID, "description": "The run that this one does again, for the same occurrence."},
        "backfill_id": {**UUID, "description": "The backfill that the run belongs to."},
        "breaches": {
            **array(record({"expectation": {"enum": ["longest_seconds", "result"]}, "said": TEXT})),
            "description": "What `options.expect` says and the run did not meet.",
        },
        "progress": record({"done": {"type": "integer"}, "total": {"type": "integer"}}),
    }
    line = record({"at": TEXT, "level": TEXT, "message": TEXT})
    accepted = {"message": TEXT, "status": {"const": "queued"}}
    return {
        "Run": record(contract | added, contract),
        "RunRequest": record(
            {
                "bot_config": {**JSON_OBJECT, "description": "Overrides fields of bot_config, for this run only."},
                "at": {**TIME_SENT, "description": f"When it starts, at most {LATEST_DAYS} days ahead. Default: now."},
            },
            (), additionalProperties=False,
        ),
        "MoveRun": record(
            {"at": {**TIME_SENT, "description": f"When the run starts instead, at most {LATEST_DAYS} days ahead."}},
            additionalProperties=False,
        ),
        "RunAccepted": record({**accepted, "run_id": UUID}, accepted),
        "LogLine": line,
        "Log": record(
            {
                "lines": array(ref("LogLine")),
                "last_line": {"type": "integer", "minimum": 0, "description": "The number of the last line."},
                "trimmed": {"type": "boolean", "description": "Whether the log is no longer kept."},
            }
        ),
    }  # fmt: skip
