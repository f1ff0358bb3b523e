"""What goes in and comes out, as JSON schemas: the components of the OpenAPI document.

The bodies' schemas are made of what validates them: the pydantic models of options, bots' configs and test messages,
and the definitions of `service.models`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from service.contacts.cleaning import MAX_NAME, MAX_VALUES
from service.contacts.intake.merging import MOST_MERGED
from service.domain.job import DESCRIPTION_LIMIT, NAME_LIMIT, PREVIEW_LIMIT, READ_ONLY_FIELDS
from service.domain.options import Options
from service.domain.schedules.definition import SCHEDULE_TYPES, schedule_schemas
from service.store.run_views import STATUSES, TRIGGERS
from service.usecases.message_test import MessageTestRequest

Schema = dict[str, Any]

UUID: Schema = {"type": "string", "format": "uuid"}
TIMESTAMP: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    "description": "UTC, YYYY-MM-DDTHH:MM:SS.",
}
TIME_SENT: Schema = {
    "type": "string",
    "description": 'A timestamp such as "2025-01-15T08:00:00", "…Z" or "…+01:00"; without an offset it is UTC.',
}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
JSON_OBJECT: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema) -> Schema:
    """A list of `items`."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def record(properties: Mapping[str, Schema], required: Iterable[str] | None = None, **more: Any) -> Schema:
    """An object; all of its properties are there unless `required` says which."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
        **more,
    }


def components(configs: Mapping[str, type[BaseModel]]) -> dict[str, Schema]:
    """Every named schema.

    Args:
        configs: each bot's `Config`, by `bot_type`.
    """
    found: dict[str, Schema] = {}
    schedules = schedule_schemas()
    for kind, schema in schedules.items():
        found[f"Schedule_{kind}"] = schema
    for bot_type, config in sorted(configs.items()):
        _add_model(found, f"BotConfig_{bot_type}", config)
    _add_model(found, "Options", Options)
    _add_model(found, "MessageTest", MessageTestRequest)
    definition = _definition(configs, schedules)
    found |= _jobs(definition) | _runs() | _contacts() | _documents(definition) | _others(definition)
    return found


def _add_model(found: dict[str, Schema], name: str, model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=f"#/components/schemas/{name}_{{model}}")
    for inner, definition in schema.pop("$defs", {}).items():
        found[f"{name}_{inner}"] = definition
    found[name] = schema


def _definition(configs: Mapping[str, Any], schedules: Mapping[str, Any]) -> dict[str, Schema]:
    return {
        "name": {"type": "string", "minLength": 1, "maxLength": NAME_LIMIT},
        "description": {"type": ["string", "null"], "maxLength": DESCRIPTION_LIMIT, "default": None},
        "bot_type": {"type": "string", "enum": sorted(configs)},
        "enabled": {"type": "boolean", "default": True},
        "schedule_type": {"type": "string", "enum": list(SCHEDULE_TYPES)},
        "schedule_config": {
            "anyOf": [ref(f"Schedule_{kind}") for kind in schedules],
            "description": "What the schedule_type asks for.",
        },
        "bot_config": {
            "anyOf": [ref(f"BotConfig_{bot_type}") for bot_type in sorted(configs)],
            "description": "What the bot_type asks for; its defaults are filled in.",
        },
        "options": ref("Options"),
    }


def _jobs(definition: Mapping[str, Schema]) -> dict[str, Schema]:
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
        "last_run_status": or_null({"enum": ["success", "failed", "cancelled"]}),
        "last_run_error": or_null(TEXT),
        "next_run_at": or_null(TIMESTAMP),
    }
    added: dict[str, Schema] = {
        "options": ref("Options"),
        "state": {"enum": ["scheduled", "disabled", "ended", "broken"]},
        "state_reason": or_null(TEXT),
        "revision": {"type": "integer", "minimum": 1, "description": "What the ETag says."},
    }
    needed = ("name", "bot_type", "schedule_type", "schedule_config")
    return {
        "Job": record(answered | added, answered),
        "CreateJob": record(sent, needed, additionalProperties=False),
        "UpdateJob": record(
            sent, (), additionalProperties=False,
            description="Top-level fields that are left out stay; a nested object is replaced whole.",
        ),
        "Toggle": record({"enabled": BOOLEAN}, additionalProperties=False),
    }  # fmt: skip


def _runs() -> dict[str, Schema]:
    contract: dict[str, Schema] = {
        "id": TEXT,
        "job_id": UUID,
        "started_at": or_null(TIMESTAMP),
        "finished_at": or_null(TIMESTAMP),
        "status": {"enum": list(STATUSES)},
        "result": or_null(JSON_OBJECT),
        "error": or_null(TEXT),
        "messages_sent": COUNT,
        "profiles_visited": COUNT,
    }
    added: dict[str, Schema] = {
        "trigger": {"enum": list(TRIGGERS)},
        "scheduled_for": or_null(TIMESTAMP),
        "last_scheduled_for": TIMESTAMP,
        "attempt": {"type": "integer", "minimum": 1},
        "queued_at": TIMESTAMP,
        "duration_ms": or_null(COUNT),
        "lateness_ms": or_null(COUNT),
        "reason": or_null(TEXT),
        "occurrences": {"type": "integer", "minimum": 1},
        "retry_of": or_null(UUID),
        "revision": or_null({"type": "integer", "minimum": 1}),
        "rehearsal": {
            **BOOLEAN,
            "description": "Asked for by hand with dry_run laid over; no run of the job's own.",
        },
        "progress": record({"done": {"type": "integer"}, "total": {"type": "integer"}}),
    }
    line = record({"at": TEXT, "level": TEXT, "message": TEXT})
    accepted = {"message": TEXT, "status": {"const": "queued"}}
    return {
        "Run": record(contract | added, contract),
        "RunRequest": record(
            {"bot_config": {**JSON_OBJECT, "description": "Laid over the job's own for this run alone."}},
            (), additionalProperties=False,
        ),
        "RunAccepted": record({**accepted, "run_id": UUID}, accepted),
        "LogLine": line,
        "Log": record(
            {
                "lines": array(ref("LogLine")),
                "last_line": {"type": "integer", "minimum": 0, "description": "The number of the last line."},
                "trimmed": {"type": "boolean", "description": "Whether the log is not kept any more."},
            }
        ),
    }  # fmt: skip


def _contacts() -> dict[str, Schema]:
    text = {"type": "string", "maxLength": MAX_NAME}
    values = {"type": "array", "items": TEXT, "maxItems": MAX_VALUES}
    fields: dict[str, Schema] = {
        "name": {**text, "minLength": 1},
        "given_name": or_null(text),
        "family_name": or_null(text),
        "birthday": or_null({**TEXT, "description": "1990-04-12, or --04-12 where the year is unknown."}),
        "emails": values,
        "phones": values,
        "urls": values,
        "language": or_null({**TEXT, "description": "A language tag such as fr or de-AT."}),
        "deceased": {**BOOLEAN, "description": "Whether the person has died; nobody greets them then."},
    }
    answered: dict[str, Schema] = {
        "source": or_null({"enum": ["vcard", "csv", "api", "carddav"]}),
        "last_messaged_at": or_null(TIMESTAMP),
        "last_visited_at": or_null(TIMESTAMP),
        "page": or_null(ref("VisitedPage")),
    }
    ignored: Schema = {"readOnly": True, "description": "Ignored in a body."}
    sent = fields | dict.fromkeys(("id", *answered), ignored)
    counted = "Of the entry, from 1; the line of headings and blank lines are not counted."
    skipped = record({"position": {"type": "integer", "minimum": 1, "description": counted}, "reason": TEXT})
    warning = record({
        "position": {"type": ["integer", "null"], "minimum": 1, "description": "Null: of the file as a whole."},
        "name": or_null(TEXT),
        "reason": TEXT,
    })  # fmt: skip
    counts = dict.fromkeys(("created", "updated", "unchanged"), COUNT)
    return {
        "Contact": record({"id": UUID, **fields, **answered}),
        "VisitedPage": _visited_page(),
        "CreateContact": record(sent, ("name",), additionalProperties=False),
        "UpdateContact": record(sent, (), additionalProperties=False),
        "MergeContacts": record({"from": {**array(UUID), "minItems": 1, "maxItems": MOST_MERGED, "uniqueItems": True}},
                                additionalProperties=False),
        "Merged": record({
            "contact": ref("Contact"),
            "left_out": {
                **array(record({"field": TEXT, "value": TEXT})),
                "description": "What the others had and the contact does not take: it has its own, or no room.",
            },
        }),
        "Duplicates": record({
            "reasons": {**array(TEXT), "description": "Why they may be one person."},
            "contacts": {**array(ref("Contact")), "minItems": 2, "maxItems": 50},
        }),
        "Imported": record({
            **counts, "skipped": {**array(skipped), "maxItems": 1000}, "skipped_total": COUNT,
            "warnings": {**array(warning), "maxItems": 1000}, "warnings_total": COUNT,
            "ignored_columns": {
                **array(TEXT), "description": "Headings of columns that hold something and were not understood.",
            },
            "with_birthday": {**COUNT, "description": "Of those taken, those with a birthday."},
            "with_address": {**COUNT, "description": "Of those taken, those with an e-mail address or a phone."},
        }),
    }  # fmt: skip


def _visited_page() -> Schema:
    status: Schema = {"type": ["integer", "null"], "description": "Null where nothing answered."}
    period = record({"status": status, "since": TIMESTAMP, "until": TIMESTAMP, "visits": {**COUNT, "minimum": 1}})
    return record({
        "url": TEXT, "status": status, "title": or_null(TEXT),
        "changed": {"type": ["boolean", "null"], "description": "Null where there is nothing to compare with."},
        "changed_at": or_null(TIMESTAMP),
        "history": {**array(period), "maxItems": 20, "description": "Its statuses, the newest first."},
    })  # fmt: skip


def _documents(definition: Mapping[str, Schema]) -> dict[str, Schema]:
    whole = {"id": UUID, **definition}
    change = record({
        "action": {"enum": ["create", "update", "delete"]},
        "id": or_null(UUID),
        "name": TEXT,
        "fields": {
            "type": "object",
            "description": "Each field that differs, by its path, such as schedule_config.hour.",
            "additionalProperties": record({"from": {}, "to": {}}),
        },
    })  # fmt: skip
    needed = ("name", "bot_type", "schedule_type", "schedule_config")
    return {
        "DocumentJob": record(whole, needed),
        "Document": record({"version": {"const": 1}, "jobs": array(ref("DocumentJob"))}, additionalProperties=False),
        "Changes": record({"dry_run": BOOLEAN, "changes": array(change)}),
    }


def _others(definition: Mapping[str, Schema]) -> dict[str, Schema]:
    health = {
        "status": {"enum": ["healthy", "unhealthy"]},
        "scheduler_running": BOOLEAN,
        "redis_connected": BOOLEAN,
        "total_jobs": COUNT,
        "enabled_jobs": COUNT,
    }
    notice = record({"at": TIMESTAMP, "detail": TEXT})
    added = {"workers": COUNT, "data_went_back": or_null(ref("Notice")), "clock_stepped": or_null(ref("Notice"))}
    asked = {name: definition[name] for name in ("schedule_type", "schedule_config", "options")}
    asked["from"] = or_null(TIME_SENT)
    asked["count"] = {"type": "integer", "minimum": 1, "maximum": PREVIEW_LIMIT, "default": 10}
    refused = record({"field": TEXT, "message": TEXT})
    return {
        "Health": record({**health, **added}, health),
        "Notice": {**notice, "description": "Something to look at, until it is acknowledged."},
        "Acknowledged": record({
            "data_went_back": or_null(ref("Notice")),
            "clock_steps": {**array(ref("Notice")), "description": "The clock's steps of the last day, newest first."},
        }),
        "PreviewRequest": record(asked, ("schedule_type", "schedule_config"), additionalProperties=False),
        "Preview": record({
            "occurrences": array(TIMESTAMP),
            "local": {**array(TEXT), "description": "The same in the schedule's zone, with offsets."},
            "description": TEXT,
        }),
        "MessageSent": record({"sent": {"const": True}, "to": TEXT, "subject": TEXT}),
        "Bot": record({"name": TEXT, "description": TEXT, "config_schema": JSON_OBJECT}),
        "Error": record(
            {"detail": {**TEXT, "description": "One readable sentence."}, "errors": array(refused)}, ("detail",)
        ),
    }  # fmt: skip
