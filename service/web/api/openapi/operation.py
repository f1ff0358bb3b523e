"""One operation of the OpenAPI document, and what many of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.domain.access.labels import LABEL_FORM
from service.web.api.limits import DRY_RUN_DAYS, PAGE_LIMIT
from service.web.api.openapi.building import BOOLEAN, TEXT, Schema, array

JSON = "application/json"
Content = Mapping[str, Schema]
"""Media type -> schema."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route.

    Args:
        answers: status -> content of each good answer; None for no body.
        errors: the statuses of its own errors; 401, 429, 500 and 503 are added by themselves.
        query: schemas of its query parameters, by name.
        required: those of them without which it is refused.
        headers: the request's headers, by name.
        answer_headers: the good answers' headers.
        body: the request's body.
        body_required: whether the body is required.
        store: whether the operation needs Redis.
        tagged: whether the answer has an entity tag over all that it shows, and is 304 for who has it already.
    """

    answers: Mapping[int, Content | None]
    errors: tuple[int, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    body: Content | None = None
    body_required: bool = True
    store: bool = True
    tagged: bool = False
    required: tuple[str, ...] = ()


def json(schema: Schema) -> Content:
    """Return JSON content of a schema."""
    return {JSON: schema}


CURSOR: Schema = {**TEXT, "description": "Cursor of the next page, taken from the Link header."}
PAGE = {PAGE_LIMIT.name: PAGE_LIMIT.schema, "cursor": CURSOR}
DRY_RUN: Mapping[str, Schema] = {
    "dry_run": {
        **BOOLEAN,
        "default": False,
        "description": "True to change nothing; the answer is then `ChangeReport`.",
    },
    DRY_RUN_DAYS.name: {**DRY_RUN_DAYS.schema, "description": "How far a dry run looks ahead."},
}
BODY_ERRORS = (400, 408, 413)
"""The statuses of a refused body."""
LABELS: Schema = {
    **array({"type": "string", "pattern": f"^{LABEL_FORM}:{LABEL_FORM}$"}),
    "description": "A label and its value, such as team:crm. If it is repeated, all must hold.",
}
