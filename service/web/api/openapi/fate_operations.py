"""Operations about what became of occurrences."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.fates.fate import FATES
from service.domain.run_records import STATUSES
from service.web.api.limits import OCCURRENCE_LIMIT
from service.web.api.openapi.building import (
    COUNT,
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
from service.web.api.openapi.change_schemas import EDIT
from service.web.api.openapi.operation import CURSOR, LABELS, Operation, json
from service.web.api.openapi.pause_operations import TOLD_OF_A_RUN

_SPAN: Mapping[str, Schema] = {
    "since": {**TIME_SENT, "description": "The beginning of the span. Default: a week ago."},
    "until": {**TIME_SENT, "description": "The end of the span, exclusive. Default: in a day."},
    "fate": {"type": "string", "enum": list(FATES), "description": "Only occurrences with this fate."},
}

FATE_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/jobs/{job_id}/occurrences"): Operation(
        {200: json(ref("Occurrences"))},
        (400, 404, 409),
        {
            **_SPAN,
            OCCURRENCE_LIMIT.name: {**OCCURRENCE_LIMIT.schema, "description": "Occurrences per page."},
            "cursor": CURSOR,
        },
        answer_headers=("Link",),
    ),
    ("GET", "/scheduler/occurrences"): Operation(
        {200: json(ref("OccurrencesOfJobs"))},
        (400,),
        {
            **_SPAN,
            "label": LABELS,
            OCCURRENCE_LIMIT.name: {**OCCURRENCE_LIMIT.schema, "description": "Occurrences of each job."},
            "cursor": CURSOR,
        },
        answer_headers=("Link",),
    ),
    ("GET", "/scheduler/jobs/{job_id}/explain"): Operation(
        {200: json(ref("Explanation"))},
        (400, 404, 409),
        {
            "at": {
                **TEXT,
                "description": 'A time such as "2027-03-28T02:30", in the zone of the job\'s schedule, or with an '
                'offset; "08:30" is today\'s.',
            }
        },
        required=("at",),
    ),
}


def fates() -> dict[str, Schema]:
    """Return the schemas of what became of occurrences."""
    own = {
        "at": {**TIMESTAMP, "description": "The occurrence, without its jitter. UTC, YYYY-MM-DDTHH:MM:SS."},
        "local": {**or_null(TEXT), "description": "The same in the zone that the job had then."},
        "fate": {
            "enum": list(FATES),
            "description": "ran: it has a run, however that went. skipped: decided not to run, for `reason`. moved: at "
            "another time, `moved_to`. closed: by the calendar. paused: a pause skipped or holds it, or covers it to "
            "come. dropped: due, but the job was changed before it was decided. coming: not due yet. overdue: due and "
            "not decided. unaccounted: the job says that it is decided, and there is no entry. unknown: there is no "
            "entry any more.",
        },
        "revision": {**COUNT, "description": "The job's revision at that instant, whose schedule named it."},
        "run_id": {**UUID, "description": "The entry of the history."},
        "status": {"enum": list(STATUSES), "description": "How that run went, or its last retry."},
        "dry_run": {"const": True, "description": "It was only rehearsed: nothing was sent or written."},
        "lateness_ms": COUNT,
        "attempts": {**COUNT, "description": "If there were retries: the last attempt's number."},
        "last_run_id": {**UUID, "description": "If there were retries: the last one."},
        "reason": TEXT,
        "closed": {**TEXT, "description": "The closed day's name."},
        "moved_from": {**TIMESTAMP, "description": "Where the schedule has it, if the calendar moves it."},
        "moved_to": {**TIMESTAMP, "description": "When it runs instead."},
        "moved_to_local": {**TEXT, "description": "The same in the zone that the job had then."},
        "edit": {**EDIT, "description": "How somebody changed it."},
        "pause": {
            **TOLD_OF_A_RUN["pause"],
            "description": "The pause that skipped or held it, or that covers it to come.",
        },
        "by": record({"actor": TEXT, "name": or_null(TEXT)}),
        "made_up_by": {
            **record({"run_id": UUID, "status": {"enum": list(STATUSES)}}),
            "description": "If it did not run: the run of a backfill that makes up for it, or that run's last retry.",
        },
        "again": {
            **record({"run_id": UUID, "status": {"enum": list(STATUSES)}, "started_at": or_null(TIMESTAMP)}),
            "description": "The newest run that was made for it later, by hand or, where it ran, by a backfill; or "
            "that run's last retry. Rehearsals do not count.",
        },
    }
    page = {
        "items": array(ref("Occurrence")),
        "next_cursor": or_null(TEXT),
        "since": TIMESTAMP,
        "until": TIMESTAMP,
        "named": {**COUNT, "description": "Occurrences of the span up to now, and since `complete_since`."},
        "unaccounted": {**COUNT, "description": "Those of them without an entry in the history."},
        "doubled": {**COUNT, "description": "Entries beyond the first of an occurrence."},
        "strays": {**COUNT, "description": "Entries of occurrences that the schedule never named."},
        "complete_since": {**TIMESTAMP, "description": "From then on everything is known."},
        "complete_because": {**TEXT, "description": "Why not before."},
    }
    near = or_null(TIMESTAMP)
    told = {
        **own,
        "fate": {"enum": [*FATES, None], "description": "As in Occurrence; null if there is no occurrence."},
        "revision": or_null(COUNT),
        "sentence": {**TEXT, "description": "Why it ran, did not run, or is no occurrence."},
        "nearest": record({"before": near, "after": near}),
        "moved_here": {
            **array(ref("Occurrence")),
            "description": "Occurrences that somebody moved to this time.",
        },
        "complete_since": {**TIMESTAMP, "description": "From then on everything is known."},
    }
    always = ("at", "local", "fate", "revision")
    return {
        "Occurrence": record(own, always),
        "Occurrences": record(page),
        "OccurrencesOfJobs": record(
            {
                "jobs": array(
                    record(
                        {
                            "job_id": UUID,
                            "job_name": TEXT,
                            "detail": {**TEXT, "description": "Why it cannot be read."},
                            **page,
                        },
                        ("job_id", "job_name"),
                    )
                ),
                "next_cursor": or_null(TEXT),
            }
        ),
        "Explanation": record(told, (*always, "sentence", "nearest", "complete_since")),
    }
