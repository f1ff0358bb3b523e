"""Operations and schemas of alerts: channels, rules, and who was told what."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.access.labels import LABEL_FORM, LABELS_LIMIT
from service.domain.alerting import channel, rule
from service.domain.alerting.quiet_hours import TIME_PATTERN
from service.secrecy.secret_names import REFERENCE_PATTERN
from service.store.alerting.record import STATES
from service.usecases.alerting.told import FILTER_KINDS
from service.web.api.change_notes import HEADER
from service.web.api.openapi.building import (
    BOOLEAN,
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
from service.web.api.openapi.calendar_operations import CALENDAR_NAME as NAME
from service.web.api.openapi.operation import BODY_ERRORS, PAGE, Operation, json

_CHANNEL, _RULE = json(ref("Channel")), json(ref("Rule"))
_KINDS = [kind for kind in FILTER_KINDS if kind != "service"]
_FILTERS: Mapping[str, Schema] = {
    "kind": {
        "enum": list(FILTER_KINDS), "description": "Only alerts of this kind. service: all that belong to no job.",
    },
    "channel": {**TEXT, "description": "Only those told to this channel."},
    "state": {
        "enum": list(STATES), "description": "Only those with a delivery in this state; of the channel's, if given.",
    },
    "job_id": {**UUID, "description": "Only those of this job."},
    "since": TIME_SENT,
    "until": TIME_SENT,
}  # fmt: skip

ALERT_OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/scheduler/channels"): Operation(
        {200: json(array(ref("Channel")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("POST", "/scheduler/channels"): Operation(
        {201: _CHANNEL}, (*BODY_ERRORS, 409), headers=(HEADER,), answer_headers=("ETag", "Location"),
        body=json(ref("CreateChannel")),
    ),
    ("GET", "/scheduler/channels/{name}"): Operation({200: _CHANNEL}, (404,), answer_headers=("ETag",)),
    ("PUT", "/scheduler/channels/{name}"): Operation(
        {200: _CHANNEL}, (*BODY_ERRORS, 404, 409, 412), headers=("If-Match", HEADER), answer_headers=("ETag",),
        body=json(ref("UpdateChannel")),
    ),
    ("DELETE", "/scheduler/channels/{name}"): Operation(
        {204: None}, (400, 404, 409, 412), headers=("If-Match", HEADER)
    ),
    ("POST", "/scheduler/channels/{name}/test"): Operation({200: json(ref("TestSent"))}, (400, 404, 409, 502)),
    ("GET", "/scheduler/rules"): Operation(
        {200: json(array(ref("Rule")))}, (400,),
        {**PAGE, "channel": {**TEXT, "description": "Only the rules of this channel."}},
        answer_headers=("Link",), tagged=True,
    ),
    ("POST", "/scheduler/rules"): Operation(
        {201: _RULE}, (*BODY_ERRORS, 409), headers=(HEADER,), answer_headers=("ETag", "Location"),
        body=json(ref("CreateRule")),
    ),
    ("GET", "/scheduler/rules/{rule_id}"): Operation({200: _RULE}, (404,), answer_headers=("ETag",)),
    ("PUT", "/scheduler/rules/{rule_id}"): Operation(
        {200: _RULE}, (*BODY_ERRORS, 404, 409, 412), headers=("If-Match", HEADER), answer_headers=("ETag",),
        body=json(ref("UpdateRule")),
    ),
    ("DELETE", "/scheduler/rules/{rule_id}"): Operation(
        {204: None}, (400, 404, 409, 412), headers=("If-Match", HEADER)
    ),
    ("GET", "/scheduler/alerts"): Operation(
        {200: json(array(ref("Alert")))}, (400,), {**PAGE, **_FILTERS}, answer_headers=("Link",), tagged=True
    ),
    ("GET", "/scheduler/snoozes"): Operation(
        {200: json(array(ref("Snooze")))}, (400,), PAGE, answer_headers=("Link",), tagged=True
    ),
    ("DELETE", "/scheduler/snoozes/{snooze_id}"): Operation({204: None}, (400, 404), headers=(HEADER,)),
}  # fmt: skip


def alerts() -> dict[str, Schema]:
    """Return the schemas of channels, rules and alerts."""
    time: Schema = {"type": "string", "pattern": f"^{TIME_PATTERN}$"}
    quiet = record({"from": time, "to": time, "timezone": TEXT}, additionalProperties=False)
    sent: dict[str, Schema] = {
        "name": NAME,
        "url": {"type": "string", "pattern": f"^{REFERENCE_PATTERN}$",
                "description": "The variable that holds its Apprise URLs; never the URL itself."},
        "quiet_hours": {**or_null(quiet), "description": "When it is told nothing, by the zone's clocks. What comes "
                        "then waits. Times are told in this zone."},
        "digest_seconds": {"type": "integer", "minimum": 0, "maximum": channel.LONGEST_DIGEST, "default": 0,
                           "description": "Alerts are gathered for so long and told together; 0 for not at all."},
        "max_per_hour": {"type": "integer", "minimum": 1, "maximum": channel.MOST_PER_HOUR,
                         "default": channel.DEFAULT_PER_HOUR,
                         "description": "Messages within any hour. What is beyond comes as one."},
    }  # fmt: skip
    label: Schema = {"type": "string", "pattern": f"^{LABEL_FORM}$"}
    rule_sent: dict[str, Schema] = {
        "channel": NAME,
        "on": {**array({"enum": list(rule.KINDS)}), "minItems": 1, "maxItems": len(rule.KINDS)},
        "labels": {"type": "object", "maxProperties": LABELS_LIMIT, "propertyNames": {"pattern": f"^{LABEL_FORM}$"},
                   "additionalProperties": label, "description": "Only jobs with all of these."},
        "bot_types": or_null({**array(TEXT), "minItems": 1, "maxItems": rule.BOTS_LIMIT}),
        "job_id": {**or_null(UUID), "description": "Only this job."},
        "after": {"type": "integer", "minimum": 1, "maximum": rule.MOST_AFTER, "default": 1,
                  "description": "Told of the failure that is so many in a row, and of the recovery from as many."},
        "template": {**or_null({"type": "string", "minLength": 1, "maxLength": rule.TEMPLATE_LIMIT}),
                     "description": "Makes the text, see docs/alerts.md. Tried on the last real run when it is saved."},
    }  # fmt: skip
    stamps: dict[str, Schema] = {"created_at": TIMESTAMP, "updated_at": TIMESTAMP, "revision": COUNT}
    delivery = record({
        "to": {**TEXT, "description": "The channel, or the setting whose URL it is."}, "channel": or_null(NAME),
        "state": {"enum": list(STATES)}, "tries": COUNT, "first_tried_at": or_null(TIMESTAMP),
        "last_tried_at": or_null(TIMESTAMP),
        "error": {**or_null(TEXT), "description": "Why the last try failed, or why it was given up."},
        "alerts_in_message": {**COUNT, "description": "How many alerts the message told of."},
    })  # fmt: skip
    alert: dict[str, Schema] = {
        "id": UUID, "at": TIMESTAMP, "kind": or_null({"enum": _KINDS}), "subject": TEXT, "job_id": or_null(UUID),
        "run_id": or_null(UUID), "deliveries": array(delivery),
    }  # fmt: skip
    return {
        "Channel": record({
            **sent, "rules": {**COUNT, "description": "How many name it."},
            "waiting": {**COUNT, "description": "Deliveries that wait for it."},
            "failing": {**COUNT, "description": "Tries in a row that it has not taken, while something waits."},
            "problem": {**or_null(TEXT), "description": "Why nothing can be sent to it, as its settings are now."},
            **stamps,
        }),
        "CreateChannel": record(
            sent | _ignored(channel.READ_ONLY_FIELDS), ("name", "url"), additionalProperties=False
        ),
        "UpdateChannel": record(sent | _ignored(channel.READ_ONLY_FIELDS), (), additionalProperties=False),
        "Rule": record({"id": UUID, **rule_sent, **stamps}),
        "CreateRule": record(
            rule_sent | _ignored(rule.READ_ONLY_FIELDS), ("channel", "on"), additionalProperties=False
        ),
        "UpdateRule": record(rule_sent | _ignored(rule.READ_ONLY_FIELDS), (), additionalProperties=False),
        "TestSent": record({"sent": {**BOOLEAN, "const": True}, "to": NAME, "subject": TEXT}),
        "Alert": record(alert),
        "Snooze": record({
            "id": UUID, "job_id": UUID, "job": {**or_null(TEXT), "description": "Its name; null if it was deleted."},
            "to": {**TEXT, "description": "Who is told nothing about the job: a channel, or a setting."},
            "channel": or_null(NAME), "since": TIMESTAMP, "until": TIMESTAMP,
        }),
    }  # fmt: skip


def _ignored(names: frozenset[str]) -> dict[str, Schema]:
    return {name: {"readOnly": True, "description": "Ignored in a body."} for name in sorted(names)}
