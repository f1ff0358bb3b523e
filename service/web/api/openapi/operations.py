"""What each route takes and answers, beside what its own docstring says: the paths of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.store.run_views import STATUSES, TRIGGERS
from service.web.api.openapi.schemas import BOOLEAN, TEXT, TIME_SENT, UUID, Schema, array, ref

JSON = "application/json"
YAML = "application/yaml"
Content = Mapping[str, Schema]
"""Media type -> schema."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    Args:
        answers: what is answered when all is well: status -> content, None for no body.
        errors: the statuses of its own errors; 401, 500 and 503 follow by themselves.
        query: its parameters, by name.
        headers: the request's headers, by name.
        answer_headers: the good answers' headers.
        body: what may be sent.
        body_required: whether it must be.
        store: whether it needs Redis.
    """

    answers: Mapping[int, Content | None]
    errors: tuple[int, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    body: Content | None = None
    body_required: bool = True
    store: bool = True


def json(schema: Schema) -> Content:
    """JSON of this schema."""
    return {JSON: schema}


def whole(low: int, high: int, default: int | None) -> Schema:
    """A whole number."""
    span: Schema = {"type": "integer", "minimum": low, "maximum": high}
    return span if default is None else {**span, "default": default}


HEADERS: Mapping[str, tuple[str, Schema]] = {
    "Idempotency-Key": (
        "1–255 printable ASCII characters; the same key and body answer the same for a day.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
    "If-Match": ("The ETag that the job must still have; else 412.", TEXT),
    "Last-Event-ID": ("With text/event-stream: go on after this line.", {"type": "string", "pattern": "^[0-9]{1,9}$"}),
    "Content-Disposition": ("The name of the file.", TEXT),
    "ETag": ("The definition's revision.", TEXT),
    "Link": ('`<…>; rel="next"` where more follow.', TEXT),
    "Location": ("The job's address.", TEXT),
}

_CURSOR: Schema = {**TEXT, "description": "Leads on; taken from the Link header."}
_PAGE = {"limit": whole(1, 200, 50), "cursor": _CURSOR}
_JOB = json(ref("Job"))
_RUN = json(ref("Run"))
_CONTACT = json(ref("Contact"))
_DOCUMENT = {JSON: ref("Document"), YAML: ref("Document")}
_BODY_ERRORS = (400, 408, 413)
_FILTERS: Mapping[str, Schema] = {
    "status": {"type": "string", "enum": list(STATUSES)},
    "job_id": UUID,
    "trigger": {"type": "string", "enum": list(TRIGGERS)},
    "since": TIME_SENT,
    "until": TIME_SENT,
}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/jobs"): Operation(
        {200: json(array(ref("Job")))},
        (400,),
        {
            "enabled_only": {**BOOLEAN, "default": False},
            "bot_type": TEXT,
            "q": {**TEXT, "description": "A text that name or description contain."},
            "limit": {**whole(1, 1000, None), "description": "Jobs a page; without it, all."},
            "cursor": _CURSOR,
        },
        answer_headers=("Link",),
    ),
    ("POST", "/scheduler/jobs"): Operation(
        {201: _JOB},
        (*_BODY_ERRORS, 409),
        headers=("Idempotency-Key",),
        answer_headers=("ETag", "Location"),
        body=json(ref("CreateJob")),
    ),
    ("GET", "/scheduler/jobs/{job_id}"): Operation({200: _JOB}, (404, 409), answer_headers=("ETag",)),
    ("PUT", "/scheduler/jobs/{job_id}"): Operation(
        {200: _JOB},
        (*_BODY_ERRORS, 404, 409, 412),
        headers=("If-Match",),
        answer_headers=("ETag",),
        body=json(ref("UpdateJob")),
    ),
    ("DELETE", "/scheduler/jobs/{job_id}"): Operation({204: None}, (400, 404, 412), headers=("If-Match",)),
    ("POST", "/scheduler/jobs/{job_id}/toggle"): Operation(
        {200: _JOB},
        (*_BODY_ERRORS, 404, 409, 412),
        headers=("If-Match",),
        answer_headers=("ETag",),
        body=json(ref("Toggle")),
    ),
    ("POST", "/scheduler/jobs/{job_id}/run"): Operation(
        {202: json(ref("RunAccepted")), 200: _RUN},
        (*_BODY_ERRORS, 404, 409),
        {"wait": {"type": "number", "exclusiveMinimum": 0, "maximum": 25, "description": "Seconds."}},
        headers=("Idempotency-Key",),
        body=json(ref("RunRequest")),
        body_required=False,
    ),
    ("GET", "/scheduler/jobs/{job_id}/history"): Operation(
        {200: json(array(ref("Run")))}, (400, 404, 409), _PAGE, answer_headers=("Link",)
    ),
    ("GET", "/scheduler/jobs/{job_id}/runs/{run_id}"): Operation({200: _RUN}, (404, 409)),
    ("GET", "/scheduler/jobs/{job_id}/runs/{run_id}/log"): Operation(
        {200: {JSON: ref("Log"), "text/event-stream": TEXT}}, (400, 404, 409), headers=("Last-Event-ID",)
    ),
    ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/cancel"): Operation({200: _RUN, 202: _RUN}, (404, 409)),
    ("GET", "/scheduler/jobs/{job_id}/preview"): Operation(
        {200: json(ref("Preview"))}, (400, 404, 409), {"from": TIME_SENT, "count": whole(1, 1000, 10)}
    ),
    ("POST", "/scheduler/preview"): Operation(
        {200: json(ref("Preview"))}, _BODY_ERRORS, body=json(ref("PreviewRequest"))
    ),
    ("GET", "/scheduler/runs"): Operation(
        {200: json(array(ref("Run")))}, (400,), {**_PAGE, **_FILTERS}, answer_headers=("Link",)
    ),
    ("GET", "/scheduler/export"): Operation(
        {200: _DOCUMENT}, (400,), {"format": {"type": "string", "enum": ["json", "yaml"]}}
    ),
    ("POST", "/scheduler/apply"): Operation(
        {200: json(ref("Changes"))},
        (*_BODY_ERRORS, 409, 507),
        {"prune": {**BOOLEAN, "default": False}, "dry_run": {**BOOLEAN, "default": False}},
        body=_DOCUMENT,
    ),
    ("GET", "/scheduler/contacts"): Operation(
        {200: json(array(ref("Contact")))}, (400,), _PAGE, answer_headers=("Link",)
    ),
    ("POST", "/scheduler/contacts"): Operation({201: _CONTACT}, (*_BODY_ERRORS, 409), body=json(ref("CreateContact"))),
    ("POST", "/scheduler/contacts/import"): Operation(
        {200: json(ref("Imported"))},
        (*_BODY_ERRORS, 507),
        {
            "date_order": {
                "type": "string",
                "enum": ["day", "month"],
                "description": "What stands first in dates such as 3/4/1990; else it is told from the file.",
            },
            "charset": {**TEXT, "description": "The file's encoding, such as windows-1250; else told from the file."},
        },
        body={"text/vcard": TEXT, "text/csv": TEXT, "application/octet-stream": TEXT},
    ),
    ("GET", "/scheduler/contacts/export"): Operation(
        {200: {"text/vcard": TEXT, "text/csv": TEXT}},
        (400,),
        {"format": {"type": "string", "enum": ["vcard", "csv"], "default": "vcard"}},
        answer_headers=("Content-Disposition",),
    ),
    ("GET", "/scheduler/contacts/duplicates"): Operation(
        {200: json(array(ref("Duplicates")))},
        (400,),
        {"limit": whole(1, 200, 20), "cursor": _CURSOR},
        answer_headers=("Link",),
    ),
    ("POST", "/scheduler/contacts/{contact_id}/merge"): Operation(
        {200: json(ref("Merged"))}, (*_BODY_ERRORS, 404, 507), body=json(ref("MergeContacts"))
    ),
    ("GET", "/scheduler/contacts/{contact_id}"): Operation({200: _CONTACT}, (404,)),
    ("PUT", "/scheduler/contacts/{contact_id}"): Operation(
        {200: _CONTACT}, (*_BODY_ERRORS, 404), body=json(ref("UpdateContact"))
    ),
    ("DELETE", "/scheduler/contacts/{contact_id}"): Operation({204: None}, (404,)),
    ("POST", "/scheduler/messages/test"): Operation(
        {200: json(ref("MessageSent"))},
        (*_BODY_ERRORS, 404, 409, 502),
        body=json(ref("MessageTest")),
        body_required=False,
    ),
    ("GET", "/scheduler/bots"): Operation({200: json(array(ref("Bot")))}, store=False),
    ("GET", "/scheduler/health"): Operation({200: json(ref("Health")), 503: json(ref("Health"))}),
    ("POST", "/scheduler/acknowledge"): Operation({200: json(ref("Acknowledged"))}),
    ("GET", "/metrics"): Operation({200: {"text/plain": TEXT, "application/openmetrics-text": TEXT}}),
    ("GET", "/openapi.json"): Operation({200: json({"type": "object"})}, store=False),
    ("GET", "/docs"): Operation({200: {"text/html": TEXT}}, store=False),
}

ERRORS: Mapping[int, str] = {
    400: "The request is not valid; `errors` names each field that is refused.",
    401: "The API key is missing or is none.",
    404: "There is nothing of this id.",
    408: "The body came too slowly: all of it has 15 s, and a second more for each 16 KiB that have come.",
    409: "Valid, but not in the present state; the sentence says why.",
    412: "The job is at another revision than If-Match says.",
    413: "The body is too long.",
    500: "An error of the service.",
    502: "The channel for messages did not take it; the sentence says why.",
    503: "Redis is away or full, or all slots for long requests are taken; Retry-After says when to try again.",
    507: "There is no room to put the body aside; see TMPDIR where the web process runs.",
}
