"""Operations and schemas of calendars."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.calendars.definition import DATES_LIMIT, RANGES_LIMIT, READ_ONLY_FIELDS, WHY_LIMIT
from service.domain.input.names import NAME
from service.domain.job_fields import DESCRIPTION_LIMIT
from service.domain.schedules.definition import DAY_NAMES
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import BYTES, COUNT, DAY, TEXT, TIMESTAMP, Schema, array, or_null, record, ref
from service.web.api.openapi.operation import BODY_ERRORS, DRY_RUN, PAGE, Operation, json

CALENDAR_NAME: Schema = {"type": "string", "pattern": f"^{NAME}$"}
_TIME: Schema = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_CALENDAR = json(ref("Calendar"))

CALENDAR_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/calendars"): Operation(
        {200: json(array(ref("Calendar")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/calendars"): Operation(
        {201: _CALENDAR}, (*BODY_ERRORS, 409), headers=(HEADER,), answer_headers=("ETag", "Location"),
        body=json(ref("CreateCalendar")),
    ),
    ("GET", "/scheduler/calendars/{name}"): Operation({200: _CALENDAR}, (404,), answer_headers=("ETag",)),
    ("PUT", "/scheduler/calendars/{name}"): Operation(
        {200: json({"anyOf": [ref("Calendar"), ref("ChangeReport")]})}, (*BODY_ERRORS, 404, 409, 412), DRY_RUN,
        headers=("If-Match", HEADER), answer_headers=("ETag",), body=json(ref("UpdateCalendar")),
    ),
    ("DELETE", "/scheduler/calendars/{name}"): Operation(
        {204: None}, (400, 404, 409, 412), headers=("If-Match", HEADER)
    ),
    ("POST", "/scheduler/calendars/{name}/ics"): Operation(
        {200: json({"anyOf": [ref("CalendarFileAdded"), ref("ChangeReport")]})}, (*BODY_ERRORS, 404, 409), DRY_RUN,
        headers=(HEADER,),
        body={"text/calendar": TEXT, "application/octet-stream": BYTES},
    ),
    ("GET", "/scheduler/calendars/{name}/days"): Operation(
        {200: json(ref("ClosedDays"))}, (400, 404),
        {"from": {**DAY, "description": "The first day; default: today."},
         "until": {**DAY, "description": "The last day, ten years later at most; default: a year later."}},
    ),
}  # fmt: skip


def calendars() -> dict[str, Schema]:
    """Return the schemas of calendars."""
    span = record(
        {"from": DAY, "to": DAY, "why": {"type": "string", "minLength": 1, "maxLength": WHY_LIMIT}}, ("from", "to"),
        additionalProperties=False,
    )  # fmt: skip
    hours = record({"from": _TIME, "to": _TIME}, additionalProperties=False)
    fields: dict[str, Schema] = {
        "name": CALENDAR_NAME,
        "description": or_null({"type": "string", "maxLength": DESCRIPTION_LIMIT}),
        "weekdays_off": {**array({"enum": list(DAY_NAMES)}), "maxItems": 7},
        "dates": {**array(DAY), "maxItems": DATES_LIMIT},
        "ranges": {**array(span), "maxItems": RANGES_LIMIT},
        "country": {**or_null(TEXT), "description": "ISO 3166-1 alpha-2; its public holidays are closed."},
        "subdivision": {**or_null(TEXT), "description": "Of the country, such as BY of DE."},
        "open_hours": {
            **or_null(hours), "description": "Occurrences outside of from ≤ time < to are closed, wherever they moved.",
        },
    }  # fmt: skip
    answered = {
        **fields, "created_at": TIMESTAMP, "updated_at": TIMESTAMP, "revision": COUNT,
        "runs_out_on": {**or_null(DAY), "description": "The last closed day, if that is near and people write them."},
    }  # fmt: skip
    sent = fields | {name: {"readOnly": True, "description": "Ignored in a body."} for name in sorted(READ_ONLY_FIELDS)}
    file = {
        "added": COUNT, "unchanged": COUNT, "skipped": array(record({"position": COUNT, "reason": TEXT})),
        "skipped_total": COUNT,
    }  # fmt: skip
    some = record({
        "count": COUNT, "first": {**array(record({"date": DAY, "why": TEXT})), "description": "The first 20."},
    })  # fmt: skip
    return {
        "Calendar": record(answered),
        "CreateCalendar": record(sent, ("name",), additionalProperties=False),
        "UpdateCalendar": record(sent, (), additionalProperties=False),
        "CalendarFileRead": record(file),
        "CalendarFileAdded": record({"calendar": ref("Calendar"), **file}),
        "ClosedDayChanges": {
            **record({"from": DAY, "until": DAY, "gained": some, "lost": some}),
            "description": "In a dry run, of a calendar: the days that the change closes, and those that it opens.",
        },
        "ClosedDays": record({
            "name": CALENDAR_NAME, "from": DAY, "until": DAY, "days": array(record({"date": DAY, "why": TEXT})),
        }),
    }  # fmt: skip
