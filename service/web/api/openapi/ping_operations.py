"""Operations of pings, and their schema."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.heartbeats.pings import RUN_ID_FORM
from service.web.api.heartbeats.pings import ROUTES
from service.web.api.openapi.building import BYTES, TEXT, UUID, Schema, record, ref
from service.web.api.openapi.operation import BODY_ERRORS, Operation, json

_RID: Mapping[str, Schema] = {
    "rid": {
        "type": "string", "pattern": f"^{RUN_ID_FORM}$",
        "description": "The sender's id of the run: it joins a start to its end, and has each count once for a day.",
    },
}  # fmt: skip
_TEXT = {"text/plain": TEXT, "application/octet-stream": BYTES}
_NOTED = {200: json(ref("Noted"))}

PING_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    **{("GET", path): Operation(_NOTED, (400, 404, 409), _RID) for path in ROUTES},
    **{
        ("POST", path): Operation(_NOTED, (*BODY_ERRORS, 404, 409), _RID, body=_TEXT, body_required=False)
        for path in ROUTES
    },
}


def pinged() -> dict[str, Schema]:
    """Return the schema of the answer to a ping."""
    status = {**TEXT, "description": "Of the run that the ping began, ended or added to: running, success, failed."}
    return {"Noted": record({"job_id": UUID, "run_id": UUID, "status": status})}
