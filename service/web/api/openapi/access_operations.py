"""Operations about access: keys, sessions, revisions, deleted jobs, the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.access.key_choice import STATES
from service.domain.access.key_texts import ID_LENGTH
from service.domain.access.scopes import Scope
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import TEXT, TIME_SENT, UUID, Schema, array, ref
from service.web.api.openapi.calendar_operations import CALENDAR_NAME
from service.web.api.openapi.change_schemas import REVISION
from service.web.api.openapi.operation import BODY_ERRORS, PAGE, Operation, json

IDS: Mapping[str, Schema] = {
    "instant": {**TIME_SENT, "description": "The occurrence's own time."},
    "key_id": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{ID_LENGTH}}}$"},
    "session_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "revision": REVISION,
    "token": {
        "type": "string",
        "pattern": "^bsk_[0-9A-Za-z_]+$",
        "description": "A key with the scope feed, badge or ping alone.",
    },
    "name": CALENDAR_NAME,
    "page": {"type": "string", "pattern": "^[a-z-]+$", "description": "A guide, as /llms.txt names it."},
}
"""Schemas of the ids in paths that are no UUIDs, by name."""
_AUDIT: Mapping[str, Schema] = {
    "actor": {**TEXT, "description": "Only changes by this key: its id, or root."},
    "action": {
        **TEXT,
        "description": "Only this action, such as job.update, or all of one kind, such as job. "
        "refused: requests that lacked a scope and addresses that began to guess keys (refused.key), not changes.",
    },
    "job_id": {**UUID, "description": "Only changes of this job and its runs."},
    "since": TIME_SENT,
    "until": TIME_SENT,
}
_KEYS: Mapping[str, Schema] = {
    "q": {**TEXT, "description": "Only keys with these words in name and note, or this in their id."},
    "scope": {"enum": [scope.value for scope in Scope], "description": "Only keys with this scope."},
    "state": {
        "enum": list(STATES),
        "description": "Only keys in this state: valid, rotating (the former secret is accepted, too), or expired.",
    },
}

ACCESS_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/keys"): Operation(
        {200: json(array(ref("Key")))}, (400,), {**PAGE, **_KEYS}, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/keys"): Operation(
        {201: json(ref("NewKey"))}, (*BODY_ERRORS, 409), answer_headers=("Location",), body=json(ref("KeyRequest"))
    ),
    ("GET", "/scheduler/keys/me"): Operation({200: json(ref("OwnKey"))}),
    ("GET", "/scheduler/keys/{key_id}"): Operation({200: json(ref("Key"))}, (404,)),
    ("PUT", "/scheduler/keys/{key_id}"): Operation(
        {200: json(ref("Key"))}, (*BODY_ERRORS, 404, 409), body=json(ref("KeyChange"))
    ),
    ("DELETE", "/scheduler/keys/{key_id}"): Operation({204: None}, (404, 409)),
    ("POST", "/scheduler/keys/{key_id}/rotate"): Operation(
        {200: json(ref("NewKey"))}, (*BODY_ERRORS, 404, 409), body=json(ref("Rotation")), body_required=False
    ),
    ("GET", "/scheduler/sessions"): Operation(
        {200: json(array(ref("Session")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/sessions/end"): Operation(
        {200: json(ref("SessionsEnded"))}, (*BODY_ERRORS, 404), body=json(ref("SessionsToEnd"))
    ),
    ("DELETE", "/scheduler/sessions/{session_id}"): Operation({204: None}, (404,)),
    ("GET", "/scheduler/jobs/{job_id}/revisions"): Operation(
        {200: json({"anyOf": [array(ref("Revision")), ref("RevisionDifference")]})},
        (400, 404, 409),
        {"diff": {**TEXT, "pattern": r"^[1-9]\d*\.\.[1-9]\d*$", "description": "Two revisions to compare."}},
    ),
    ("GET", "/scheduler/jobs/{job_id}/revisions/{revision}"): Operation(
        {200: json(ref("RevisionWithDefinition"))}, (404, 409)
    ),
    ("POST", "/scheduler/jobs/{job_id}/revisions/{revision}/restore"): Operation(
        {200: json(ref("Job"))}, (400, 404, 409, 412), headers=("If-Match", HEADER), answer_headers=("ETag",)
    ),
    ("GET", "/scheduler/deleted"): Operation(
        {200: json(array(ref("DeletedJob")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/deleted/{job_id}/restore"): Operation(
        {201: json(ref("Job"))}, (400, 404, 409), headers=(HEADER,), answer_headers=("ETag", "Location")
    ),
    ("GET", "/scheduler/audit"): Operation(
        {200: json(array(ref("AuditEntry")))}, (400,), {**PAGE, **_AUDIT}, answer_headers=("Link",), tagged=True
    ),
}
