"""Schemas of the audit log and of jobs' revisions."""

from __future__ import annotations

from service.web.api.openapi.building import COUNT, TEXT, TIMESTAMP, UUID, Schema, array, or_null, record

ACTOR: Schema = {**record({"actor": TEXT, "name": TEXT}), "description": "A key's id, or root; and its name."}
EDIT: Schema = record(
    {
        "action": {"enum": ["skip", "move", "set"]},
        "reason": or_null(TEXT),
        "by": {**or_null(ACTOR), "description": "Who changed it; null if the service did."},
        "at": {**TIMESTAMP, "description": "When it was changed."},
        "move_to": {**TIMESTAMP, "description": "Of a moved one: to when."},
    },
    ("action", "reason", "by", "at"),
)
"""How somebody changed an occurrence."""
REVISION: Schema = {"type": "integer", "minimum": 1}
CHANGED: Schema = {
    "type": "object",
    "additionalProperties": or_null(record({"from": {}, "to": {}})),
    "description": "The changed fields, by their paths. null stands for values that are not told.",
}


def changes() -> dict[str, Schema]:
    """Return the schemas of changes."""
    revision = {
        "revision": REVISION,
        "at": TIMESTAMP,
        "by": or_null(ACTOR),
        "note": or_null(TEXT),
        "restored_from": {**or_null(REVISION), "description": "The revision whose definition it restored."},
        "changed": or_null({**array(TEXT), "description": "The fields that differ from the revision before."}),
    }
    return {
        "Revision": record(revision),
        "RevisionWithDefinition": record({**revision, "definition": {"type": "object"}}),
        "RevisionDifference": record({"from": REVISION, "to": REVISION, "fields": CHANGED}),
        "DeletedJob": record(
            {
                "id": UUID,
                "revision": REVISION,
                "deleted_at": TIMESTAMP,
                "deleted_by": or_null(ACTOR),
                "kept_until": TIMESTAMP,
                "definition": {"type": "object"},
            }
        ),
        "AuditEntry": record(
            {
                "id": TEXT,
                "at": TIMESTAMP,
                "actor": TEXT,
                "actor_name": or_null(TEXT),
                "session": or_null(TEXT),
                "address": or_null(TEXT),
                "request_id": or_null(TEXT),
                "action": {**TEXT, "description": "A kind of object and a verb, such as job.update."},
                "object": or_null(TEXT),
                "job_id": or_null(UUID),
                "revision_before": or_null(REVISION),
                "revision_after": or_null(REVISION),
                "fields": CHANGED,
                "note": or_null(TEXT),
                "count": {**COUNT, "description": "How often, for entries that are folded by the minute."},
            }
        ),
    }
