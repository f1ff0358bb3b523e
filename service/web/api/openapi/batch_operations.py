"""Operation and schemas of batches."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.access.labels import LABEL_FORM, LABELS_LIMIT
from service.domain.batches.request import LONGEST_ID, MOST_JOBS, SCOPES
from service.domain.job import FILTER_STATES
from service.usecases.batches.results import OUTCOMES
from service.usecases.runs_by_hand import MOST_REPEATED
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import (
    BOOLEAN,
    COUNT,
    TEXT,
    TIME_SENT,
    UUID,
    Schema,
    array,
    or_null,
    record,
    ref,
)
from service.web.api.openapi.operation import BODY_ERRORS, Operation, json

STATE: Schema = {
    "type": "string", "enum": list(FILTER_STATES),
    "description": "Only jobs in this state; failing: only those whose last run has failed; late, slow, "
    "empty: only those that are not as `options.expect` says; troubled: broken and failing ones, and those.",
}  # fmt: skip

BATCH_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/scheduler/batch"): Operation(
        {200: json(ref("BatchAnswer"))}, (*BODY_ERRORS, 409), headers=("Idempotency-Key", HEADER),
        body=json(ref("BatchRequest")),
    ),
}  # fmt: skip


def batches() -> dict[str, Schema]:
    """Return the schemas of batches."""
    label: Schema = {"type": "string", "pattern": f"^{LABEL_FORM}$"}
    some_labels: Schema = {
        "type": "object", "minProperties": 1, "maxProperties": LABELS_LIMIT,
        "propertyNames": {"pattern": f"^{LABEL_FORM}$"},
    }  # fmt: skip
    words: Schema = {"type": "string", "minLength": 1}
    filters = record(
        {
            "label": {**some_labels, "additionalProperties": label, "description": "A job must have all of them."},
            "bot_type": words, "q": {**words, "description": "Words that name and description contain, in any order."},
            "enabled_only": BOOLEAN, "state": STATE,
        },
        (), minProperties=1, additionalProperties=False,
    )  # fmt: skip
    whole: dict[str, Schema] = {
        "ids": {
            "type": "array", "minItems": 1, "maxItems": MOST_JOBS, "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            "description": "The jobs. Either this or filter.",
        },
        "filter": {
            "anyOf": [{"const": "all"}, filters],
            "description": "Which jobs, in the order of their creation. It is looked at once, before the first change.",
        },
        "cursor": {**words, "description": "Where the filter goes on: next_cursor of the answer before."},
        "action": {
            "enum": list(SCOPES),
            "description": "again: the failed runs since then that nothing has made up for are done again, at most "
            f"{MOST_REPEATED} of a job; of each occurrence and each run by hand its newest run counts.",
        },
        "labels": {
            **some_labels, "additionalProperties": or_null(label),
            "description": "With label: laid over the labels of each job; null takes one away.",
        },
        "since": {**TIME_SENT, "description": "With again: only runs that were queued from then on."},
        "dry_run": {**BOOLEAN, "default": False, "description": "True to tell what would be done, and do nothing."},
    }  # fmt: skip
    result: dict[str, Schema] = {
        "id": {**TEXT, "description": "The job's, as it was sent."},
        "name": {**or_null(TEXT), "description": "The job's; null for none, or if the key may not read it."},
        "outcome": {"enum": list(OUTCOMES)},
        "status": {
            "type": "integer", "description": "The status that the request for this job alone would have got.",
        },
    }  # fmt: skip
    facts: dict[str, Schema] = {
        "detail": {**TEXT, "description": "Why it was refused."},
        "errors": array(record({"field": TEXT, "message": TEXT})),
        "revision": {"type": "integer", "minimum": 1},
        "run_ids": {**array(UUID), "description": "The runs that were asked for."},
        "again_of": {**array(UUID), "description": "The failed runs that are done again."},
    }
    return {
        "BatchRequest": record(whole, ("action",), additionalProperties=False),
        "BatchAnswer": record({
            "action": {"enum": list(SCOPES)}, "dry_run": BOOLEAN, "counts": record(dict.fromkeys(OUTCOMES, COUNT)),
            "results": {**array(record(result | facts, result)), "maxItems": MOST_JOBS},
            "next_cursor": {**or_null(TEXT), "description": "Where the filter goes on; null at its end."},
        }),
    }  # fmt: skip
