"""Operations of the OpenAPI document: what each route takes and answers, beside its own docstring."""

from __future__ import annotations

from collections.abc import Mapping

from service.contacts.writing.exports import KINDS
from service.domain.access.changes import NOTE_LENGTH
from service.domain.run_records import STATUSES, TRIGGERS
from service.store.jobs.job_rows import SORTS
from service.usecases.job_filters import MOST_IDS
from service.usecases.lists.sorted_jobs import ORDERS
from service.web.api import definitions
from service.web.api.change_notes import HEADER
from service.web.api.contacts import DATE_ORDERS
from service.web.api.guides.routes import GUIDE, LLMS, MARKDOWN
from service.web.api.jobs import TOTAL
from service.web.api.limits import DUPLICATES_LIMIT, JOB_PAGE_LIMIT, PREVIEW_COUNT, WAIT_SECONDS
from service.web.api.openapi.access_operations import ACCESS_OPERATIONS
from service.web.api.openapi.alert_operations import ALERT_OPERATIONS
from service.web.api.openapi.backfill_operations import BACKFILL_OPERATIONS
from service.web.api.openapi.batch_operations import BATCH_OPERATIONS, STATE
from service.web.api.openapi.building import BOOLEAN, BYTES, TEXT, TIME_SENT, UUID, Schema, array, ref
from service.web.api.openapi.calendar_operations import CALENDAR_OPERATIONS
from service.web.api.openapi.fate_operations import FATE_OPERATIONS
from service.web.api.openapi.foresight_operations import FORESIGHT_OPERATIONS
from service.web.api.openapi.operation import BODY_ERRORS, CURSOR, DRY_RUN, JSON, LABELS, PAGE, Operation, json
from service.web.api.openapi.pause_operations import PAUSE_OPERATIONS
from service.web.api.openapi.ping_operations import PING_OPERATIONS
from service.web.http.conditions import MAX_KEY_LENGTH
from service.web.http.incoming import BODY_SECONDS, BYTES_PER_SECOND
from service.web.http.sse import EVENT_ID, EVENT_STREAM

HEADERS: Mapping[str, tuple[str, Schema]] = {
    "Idempotency-Key": (
        f"1–{MAX_KEY_LENGTH} printable ASCII characters; for a day, the same key and body get the same answer.",
        {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
    ),
    "If-Match": ("The expected ETag. If the job or calendar has another one, the answer is 412.", TEXT),
    HEADER: (
        f"A remark on the change, at most {NOTE_LENGTH} characters in UTF-8, for the audit log and the revisions.",
        {"type": "string", "maxLength": NOTE_LENGTH},
    ),
    "If-None-Match": (
        "The ETag of the version that the client has. If it is the current one, the answer is 304.",
        TEXT,
    ),
    "Last-Event-ID": (
        "With text/event-stream: continue after this line.",
        {"type": "string", "pattern": f"^{EVENT_ID}$"},
    ),
    "traceparent": (
        "Where runs are traced: the trace that the run continues (W3C Trace Context). An invalid one is ignored.",
        TEXT,
    ),
    "Content-Disposition": ("The name of the file.", TEXT),
    "ETag": ("The revision of the definition.", TEXT),
    "Link": ('`<…>; rel="next"` where more follow.', TEXT),
    TOTAL: ("How many there are on all pages; only of a page that is sorted.", {"type": "integer", "minimum": 0}),
    "Location": ("The address of what was created.", TEXT),
}

_ERASE = "True to erase the person from everything in Redis; the answer is then 200."
_ORDER = "Default: the newest first for last_run and last_failure, else ascending."
_JOB = json(ref("Job"))
_RUN = json(ref("Run"))
_CONTACT = json(ref("Contact"))
_DOCUMENT = {JSON: ref("Document"), definitions.YAML: ref("Document")}
_FILTERS: Mapping[str, Schema] = {
    "status": {"type": "string", "enum": list(STATUSES)},
    "job_id": UUID,
    "trigger": {"type": "string", "enum": list(TRIGGERS)},
    "since": TIME_SENT,
    "until": TIME_SENT,
    "label": {**LABELS, "description": "A label of the run's job, as in GET /jobs."},
}

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/jobs"): Operation(
        {200: json(array(ref("Job")))},
        (400,),
        {
            "enabled_only": {**BOOLEAN, "default": False},
            "bot_type": TEXT,
            "q": {**TEXT, "description": "Words that name and description contain, in any order."},
            "label": LABELS,
            "state": STATE,
            "id": {**array(TEXT), "maxItems": MOST_IDS, "description": "Only the jobs with these ids."},
            "sort": {"type": "string", "enum": list(SORTS), "description": "What they are sorted by, over all pages."},
            "order": {"type": "string", "enum": list(ORDERS), "description": _ORDER},
            JOB_PAGE_LIMIT.name: {**JOB_PAGE_LIMIT.schema, "description": "Jobs per page. Default: all."},
            "cursor": CURSOR,
        },
        answer_headers=("Link", TOTAL),
        tagged=True,
    ),
    ("POST", "/scheduler/jobs"): Operation(
        {201: _JOB},
        (*BODY_ERRORS, 409),
        headers=("Idempotency-Key", HEADER),
        answer_headers=("ETag", "Location"),
        body=json(ref("CreateJob")),
    ),
    ("GET", "/scheduler/jobs/{job_id}"): Operation({200: _JOB}, (404, 409), answer_headers=("ETag",)),
    ("PUT", "/scheduler/jobs/{job_id}"): Operation(
        {200: json({"anyOf": [ref("Job"), ref("ChangeReport")]})},
        (*BODY_ERRORS, 404, 409, 412),
        DRY_RUN,
        headers=("If-Match", HEADER),
        answer_headers=("ETag",),
        body=json(ref("UpdateJob")),
    ),
    ("DELETE", "/scheduler/jobs/{job_id}"): Operation({204: None}, (400, 404, 412), headers=("If-Match", HEADER)),
    ("POST", "/scheduler/jobs/{job_id}/toggle"): Operation(
        {200: _JOB},
        (*BODY_ERRORS, 404, 409, 412),
        headers=("If-Match", HEADER),
        answer_headers=("ETag",),
        body=json(ref("Toggle")),
    ),
    ("POST", "/scheduler/jobs/{job_id}/run"): Operation(
        {202: json(ref("RunAccepted")), 200: _RUN},
        (*BODY_ERRORS, 404, 409),
        {WAIT_SECONDS.name: WAIT_SECONDS.schema},
        headers=("Idempotency-Key", HEADER, "traceparent"),
        body=json(ref("RunRequest")),
        body_required=False,
    ),
    ("GET", "/scheduler/jobs/{job_id}/history"): Operation(
        {200: json(array(ref("Run")))}, (400, 404, 409), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("GET", "/scheduler/jobs/{job_id}/runs/{run_id}"): Operation({200: _RUN}, (404, 409)),
    ("PUT", "/scheduler/jobs/{job_id}/runs/{run_id}"): Operation(
        {200: _RUN}, (*BODY_ERRORS, 404, 409), headers=(HEADER,), body=json(ref("MoveRun"))
    ),
    ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/again"): Operation(
        {202: json(ref("RunAccepted"))}, (400, 404, 409), headers=("Idempotency-Key", HEADER, "traceparent")
    ),
    ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/now"): Operation({200: _RUN}, (400, 404, 409), headers=(HEADER,)),
    ("GET", "/scheduler/jobs/{job_id}/runs/{run_id}/log"): Operation(
        {200: {JSON: ref("Log"), EVENT_STREAM: TEXT}}, (400, 404, 409), headers=("Last-Event-ID",)
    ),
    ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/cancel"): Operation(
        {200: _RUN, 202: _RUN}, (400, 404, 409), headers=(HEADER,)
    ),
    ("GET", "/scheduler/jobs/{job_id}/preview"): Operation(
        {200: json(ref("Preview"))}, (400, 404, 409), {"from": TIME_SENT, PREVIEW_COUNT.name: PREVIEW_COUNT.schema}
    ),
    ("POST", "/scheduler/preview"): Operation(
        {200: json(ref("Preview"))}, BODY_ERRORS, body=json(ref("PreviewRequest"))
    ),
    ("GET", "/scheduler/runs"): Operation(
        {200: json(array(ref("Run")))}, (400,), {**PAGE, **_FILTERS}, answer_headers=("Link",), tagged=True
    ),
    ("GET", "/scheduler/runs/{run_id}"): Operation({200: _RUN}, (404, 409)),
    ("GET", "/scheduler/export"): Operation(
        {200: _DOCUMENT}, (400,), {"format": {"type": "string", "enum": list(definitions.FORMATS)}}, tagged=True
    ),
    ("POST", "/scheduler/apply"): Operation(
        {200: json(ref("ChangeReport"))},
        (*BODY_ERRORS, 409, 507),
        {"prune": {**BOOLEAN, "default": False}, **DRY_RUN},
        headers=(HEADER,),
        body=_DOCUMENT,
    ),
    ("GET", "/scheduler/contacts"): Operation(
        {200: json(array(ref("Contact")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/contacts"): Operation({201: _CONTACT}, (*BODY_ERRORS, 409), body=json(ref("CreateContact"))),
    ("POST", "/scheduler/contacts/import"): Operation(
        {200: json(ref("Imported"))},
        (*BODY_ERRORS, 507),
        {
            "date_order": {
                "type": "string",
                "enum": list(DATE_ORDERS),
                "description": "Which comes first in dates such as 3/4/1990. Default: detected from the file.",
            },
            "charset": {
                **TEXT,
                "description": "The file's encoding, such as windows-1250. Default: detected from the file.",
            },
        },
        body={"text/vcard": TEXT, "text/csv": TEXT, "application/octet-stream": BYTES},
    ),
    ("GET", "/scheduler/contacts/export"): Operation(
        {200: {"text/vcard": TEXT, "text/csv": TEXT}},
        (400,),
        {"format": {"type": "string", "enum": list(KINDS), "default": "vcard"}},
        answer_headers=("Content-Disposition",),
        tagged=True,
    ),
    ("GET", "/scheduler/contacts/duplicates"): Operation(
        {200: json(array(ref("Duplicates")))},
        (400,),
        {DUPLICATES_LIMIT.name: DUPLICATES_LIMIT.schema, "cursor": CURSOR},
        answer_headers=("Link",),
        tagged=True,
    ),
    ("POST", "/scheduler/contacts/{contact_id}/merge"): Operation(
        {200: json(ref("Merged"))}, (*BODY_ERRORS, 404, 507), body=json(ref("MergeContacts"))
    ),
    ("GET", "/scheduler/contacts/{contact_id}"): Operation({200: _CONTACT}, (404,)),
    ("PUT", "/scheduler/contacts/{contact_id}"): Operation(
        {200: _CONTACT}, (*BODY_ERRORS, 404), body=json(ref("UpdateContact"))
    ),
    ("DELETE", "/scheduler/contacts/{contact_id}"): Operation(
        {204: None, 200: json(ref("Erased"))}, (400, 404, 409), query={"erase": {**BOOLEAN, "description": _ERASE}}
    ),
    ("POST", "/scheduler/messages/test"): Operation(
        {200: json(ref("MessageSent"))},
        (*BODY_ERRORS, 404, 409, 502),
        body=json(ref("MessageTest")),
        body_required=False,
    ),
    ("GET", "/scheduler/bots"): Operation({200: json(array(ref("Bot")))}, store=False, tagged=True),
    ("GET", "/scheduler/health"): Operation({200: json(ref("Health")), 503: json(ref("Health"))}),
    ("POST", "/scheduler/acknowledge"): Operation({200: json(ref("Acknowledged"))}),
    **ACCESS_OPERATIONS,
    **BACKFILL_OPERATIONS,
    **CALENDAR_OPERATIONS,
    **FORESIGHT_OPERATIONS,
    **PAUSE_OPERATIONS,
    **BATCH_OPERATIONS,
    **ALERT_OPERATIONS,
    **FATE_OPERATIONS,
    **PING_OPERATIONS,
    ("GET", "/metrics"): Operation({200: {"text/plain": TEXT, "application/openmetrics-text": TEXT}}),
    ("GET", "/openapi.json"): Operation({200: json({"type": "object"})}, store=False),
    ("GET", "/docs"): Operation({200: {"text/html": TEXT}}, store=False, tagged=True),
    ("GET", LLMS): Operation({200: {"text/plain": TEXT}}, store=False, tagged=True),
    ("GET", GUIDE): Operation({200: {MARKDOWN: TEXT}}, (404,), store=False, tagged=True),
}

ERRORS: Mapping[int, str] = {
    400: "The request is invalid; `errors` names each invalid field.",
    401: "The API key is missing or invalid.",
    403: "The key lacks the scope, or is limited to some jobs; `detail` says what it may do.",
    404: "There is nothing with this id.",
    408: f"The body arrived too slowly. Limit: {BODY_SECONDS:.0f} s plus 1 s per {BYTES_PER_SECOND // 1024} KiB "
    "received.",
    409: "The request conflicts with the current state; `detail` says why.",
    412: "The job is at another revision than If-Match says.",
    413: "The body is too long.",
    429: "More requests than RATE_LIMIT allows, or more wrong keys than GUESS_LIMIT allows; Retry-After says when to "
    "come back.",
    500: "An error of the service.",
    502: "The channel did not accept the message; `detail` says why.",
    503: "Redis is unavailable or full, or too many long requests are under way; Retry-After says when to come back.",
    507: "There is no space for the body in a temporary file; see TMPDIR of the web process.",
}
