"""What a job is: its schedule, its options, and the bodies of the requests about it. Everything that people send is
checked here, strictly, and refused with `ValidationFailed` alone."""

from __future__ import annotations

from service.models.cron import CronFields, parse_cron
from service.models.cron_steps import refuse_idle_steps
from service.models.job import (
    DEFINITION_FIELDS,
    PREVIEW_LIMIT,
    READ_ONLY_FIELDS,
    Configs,
    JobDefinition,
    PreviewRequest,
    parse_create,
    parse_preview,
    parse_run_request,
    parse_toggle,
    parse_update,
    validate_bot_config,
)
from service.models.options import Options, parse_options
from service.models.refusals import echo, listed, require_object
from service.models.schedule import (
    DAY_NAMES,
    SCHEDULE_TYPES,
    Cron,
    Daily,
    Interval,
    Schedule,
    Weekly,
    parse_schedule,
)
from service.models.timestamps import LAST_INSTANT, parse_timestamp
from service.models.validation import validated
from service.models.zones import zone, zone_names

__all__ = [
    "DAY_NAMES",
    "DEFINITION_FIELDS",
    "LAST_INSTANT",
    "PREVIEW_LIMIT",
    "READ_ONLY_FIELDS",
    "SCHEDULE_TYPES",
    "Configs",
    "Cron",
    "CronFields",
    "Daily",
    "Interval",
    "JobDefinition",
    "Options",
    "PreviewRequest",
    "Schedule",
    "Weekly",
    "echo",
    "listed",
    "parse_create",
    "parse_cron",
    "parse_options",
    "parse_preview",
    "parse_run_request",
    "parse_schedule",
    "parse_timestamp",
    "parse_toggle",
    "parse_update",
    "refuse_idle_steps",
    "require_object",
    "validate_bot_config",
    "validated",
    "zone",
    "zone_names",
]
