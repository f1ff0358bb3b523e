"""Components of the OpenAPI document: JSON schemas of requests and answers.

Schemas of bodies come from the code that validates them: the pydantic models of options, bots' configs and test
messages, and the definitions of `service.domain`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from service.domain.options import Options
from service.domain.schedules.definition import schedule_schemas
from service.usecases.message_test import MessageTestRequest
from service.web.api.openapi import (
    access_schemas,
    alert_operations,
    backfill_operations,
    batch_operations,
    calendar_operations,
    change_schemas,
    contact_schemas,
    fate_operations,
    foresight_operations,
    job_schemas,
    pause_operations,
    ping_operations,
    run_schemas,
    service_schemas,
)
from service.web.api.openapi.building import Schema


def components(configs: Mapping[str, type[BaseModel]]) -> dict[str, Schema]:
    """Return every named schema.

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
    definition = job_schemas.definition(configs, schedules)
    found |= job_schemas.jobs(definition) | job_schemas.documents(definition) | job_schemas.previews(definition)
    found |= run_schemas.runs() | contact_schemas.contacts() | service_schemas.service()
    found |= access_schemas.access() | backfill_operations.backfills()
    found |= change_schemas.changes() | calendar_operations.calendars() | foresight_operations.foresight()
    found |= pause_operations.pauses() | batch_operations.batches() | alert_operations.alerts()
    found |= ping_operations.pinged()
    found |= fate_operations.fates()
    return found


def _add_model(found: dict[str, Schema], name: str, model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=f"#/components/schemas/{name}_{{model}}")
    inner = {f"{name}_{one}": definition for one, definition in schema.pop("$defs", {}).items()}
    for key, definition in {**inner, name: schema}.items():
        # Generators would call it by its title, which is that of many bots' models: Config.
        found[key] = {keyword: value for keyword, value in definition.items() if keyword != "title"}
