"""Schemas of jobs, of documents of jobs, and of previews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.access.labels import LABEL_FORM, LABELS_LIMIT
from service.domain.edits.edit import MOST
from service.domain.job import HEALTHS, READ_ONLY_FIELDS, STATES
from service.domain.job_fields import DESCRIPTION_LIMIT, NAME_LIMIT
from service.domain.schedules.definition import SCHEDULE_TYPES
from service.web.api.limits import PREVIEW_COUNT
from service.web.api.openapi.building import (
    BOOLEAN,
    COUNT,
    JSON_OBJECT,
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

NEEDED = ("name", "bot_type", "schedule_type", "schedule_config")
"""The fields that every definition must have."""


_LABEL: Schema = {"type": "string", "pattern": f"^{LABEL_FORM}$"}


def definition(configs: Mapping[str, Any], schedules: Mapping[str, Any]) -> dict[str, Schema]:
    """Return the schemas of a definition's fields, by name."""
    return {
        "name": {"type": "string", "minLength": 1, "maxLength": NAME_LIMIT},
        "description": {"type": ["string", "null"], "maxLength": DESCRIPTION_LIMIT, "default": None},
        "bot_type": {"type": "string", "enum": sorted(configs)},
        "enabled": {"type": "boolean", "default": True},
        "schedule_type": {"type": "string", "enum": list(SCHEDULE_TYPES)},
        "schedule_config": {
            "anyOf": [ref(f"Schedule_{kind}") for kind in schedules],
            "description": "The fields depend on schedule_type.",
        },
        "bot_config": {
            "anyOf": [ref(f"BotConfig_{bot_type}") for bot_type in sorted(configs)],
            "description": "The fields depend on bot_type; defaults are filled in.",
        },
        "options": ref("Options"),
        "labels": {
            "type": "object",
            "maxProperties": LABELS_LIMIT,
            "propertyNames": _LABEL,
            "additionalProperties": _LABEL,
            "default": {},
            "description": "Names and values of one's own, to find and limit jobs by; replaced as a whole.",
        },
    }


def jobs(definition: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas of jobs, given the fields of a definition."""
    ignored = {name: {"readOnly": True, "description": "Ignored in a body."} for name in sorted(READ_ONLY_FIELDS)}
    sent = dict(definition) | ignored
    answered: dict[str, Schema] = {
        "id": UUID,
        "name": TEXT,
        "description": or_null(TEXT),
        "bot_type": TEXT,
        "enabled": BOOLEAN,
        "schedule_type": definition["schedule_type"],
        "schedule_config": JSON_OBJECT,
        "bot_config": JSON_OBJECT,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "last_run_at": or_null(TIMESTAMP),
        "last_run_status": or_null({"enum": ["success", "failed", "cancelled", "skipped"]}),
        "last_run_error": or_null(TEXT),
        "next_run_at": or_null(TIMESTAMP),
    }
    added: dict[str, Schema] = {
        "options": ref("Options"),
        "labels": {"type": "object", "additionalProperties": TEXT},
        "state": {"enum": list(STATES)},
        "state_reason": or_null(TEXT),
        "health": {
            **or_null({"enum": list(HEALTHS)}),
            "description": "Whether it does what `options.expect` says; null if nothing is expected.",
        },
        "revision": {"type": "integer", "minimum": 1, "description": "The number in the ETag."},
        "dropped_changes": {
            **array(TIMESTAMP),
            "description": "After a change of the job: the changed occurrences that are no longer ones.",
        },
        "paused": {
            **array(UUID),
            "minItems": 1,
            "description": "Only where jobs are read, and only while pauses cover the job: their ids, first the one "
            "that decides. A pause may be for other jobs, too.",
        },
        "paused_until": {
            **or_null(TIMESTAMP),
            "description": "Together with `paused`: when the last of these pauses ends; null if somebody has to end "
            "one. Before that, nothing of the job runs by its schedule, whatever `next_run_at` says.",
        },
    }
    return {
        "Job": record(answered | added, answered),
        "CreateJob": record(sent, NEEDED, additionalProperties=False),
        "UpdateJob": record(
            sent, (), additionalProperties=False,
            description="Top-level fields that are left out keep their values; a nested object is replaced as a whole.",
        ),
        "Toggle": record({"enabled": BOOLEAN}, additionalProperties=False),
    }  # fmt: skip


def documents(definition: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas of documents, given the fields of a definition."""
    whole = {"id": UUID, **definition}
    always: dict[str, Schema] = {
        "action": {"enum": ["create", "update", "delete"]},
        "id": or_null(UUID),
        "name": TEXT,
        "fields": {
            "type": "object",
            "description": "Each field that differs, by its path, such as schedule_config.hour.",
            "additionalProperties": record({"from": {}, "to": {}}),
        },
    }
    some = record({
        "count": {"type": "integer", "minimum": 0},
        "first": {**array(record({"at": TIMESTAMP, "local": TEXT})), "description": "The first 20."},
    })  # fmt: skip
    occurrences = {
        **record({
            "until": {**TIMESTAMP, "description": "Until when they were counted."},
            "complete": {**BOOLEAN, "description": "False if counting stopped before the last of the `days`."},
            "gained": some, "lost": some,
        }),
        "description": "In a dry run: the occurrences that only the changed job has, or only the job as it is.",
    }  # fmt: skip
    left_out = {
        **record(
            {
                "left_out": {
                    **array(TIMESTAMP),
                    "description": "Those that the document sets, and that are not to come.",
                },
                "dropped": {**array(TIMESTAMP), "description": "Those to come that the job has, and no longer will."},
            }
        ),
        "description": "Of a job whose changed occurrences the document sets, or drops.",
    }
    change = record(
        {"kind": {"enum": ["calendar", "channel", "rule"], "description": "A job has none."}, **always,
         "occurrences": occurrences, "closed_days": ref("ClosedDayChanges"), "changed_occurrences": left_out}, always,
    )  # fmt: skip
    jobs = {
        **record({"total": COUNT, "looked_at": COUNT}),
        "description": "Only of calendars that change: how many other jobs use them, and how many of these were looked "
        "at. A job that only its calendar changes has no fields.",
    }  # fmt: skip
    return {
        "DocumentJob": record({**whole, "changed_occurrences": changed_occurrences()}, NEEDED),
        "Document": record(
            {
                "version": {"const": 1},
                "calendars": array(ref("CreateCalendar")),
                "channels": array(ref("CreateChannel")),
                "rules": array(ref("CreateRule")),
                "jobs": array(ref("DocumentJob")),
            },
            ("version",),
            additionalProperties=False,
            description="Without jobs, it has another list. Channels and rules need the scope admin.",
        ),
        "ChangeReport": record(
            {"dry_run": BOOLEAN, "changes": array(change), "jobs": jobs, "file": ref("CalendarFileRead")},
            ("dry_run", "changes"),
        ),
    }


def changed_occurrences() -> Schema:
    """Return the schema of a document's changes of single occurrences."""
    wishes = {"skip": {"const": True}, "move_to": TEXT, "bot_config": JSON_OBJECT}
    one = record({"at": TIME_SENT, **wishes, "reason": or_null(TEXT)}, ("at",), additionalProperties=False)
    return {
        **array(one), "maxItems": MOST,
        "description": "The changes that are to come; those of past instants do not matter. Without this "
        "field, all stay as they are.",
    }  # fmt: skip


def previews(definition: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the schemas of previews, given the fields of a definition."""
    asked = {name: definition[name] for name in ("schedule_type", "schedule_config", "options")}
    asked |= {"from": or_null(TIME_SENT), PREVIEW_COUNT.name: PREVIEW_COUNT.schema}
    return {
        "PreviewRequest": record(asked, ("schedule_type", "schedule_config"), additionalProperties=False),
        "Preview": record({
            "occurrences": array(TIMESTAMP),
            "local": {**array(TEXT), "description": "The same in the schedule's zone, with offsets."},
            "description": TEXT,
            "details": {
                **array(record(
                    {
                        "at": TIMESTAMP,
                        "local": TEXT,
                        "scheduled_for": TIMESTAMP,
                        "names": {**array(TEXT), "description": "Of the schedules of a union that make it."},
                        "moved_from": {**TIMESTAMP, "description": "Where the schedule has it, before it moved."},
                        "closed": {**TEXT, "description": "Why it is skipped: the closed day's name."},
                        "paused": {"const": True, "description": "It falls into a pause that has an end."},
                        "edit": {**EDIT, "description": "How somebody changed it."},
                        "runs": {"const": False, "description": "Of a changed one that does not run then."},
                    },
                    ("at", "local", "scheduled_for"),
                )),
                "description": "The same occurrences, one by one, and those that do not run among them.",
            },
        }),
    }  # fmt: skip
