"""Groups of operations, in the order in which people read them, and the name of each operation.

A group is a tag of the OpenAPI document and a section of `/docs`. A name is an `operationId`: generators of clients
make functions of it, so it is short, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_JOB, _RUN = "/scheduler/jobs/{job_id}", "/scheduler/jobs/{job_id}/runs/{run_id}"
_CALENDAR, _CHANNEL = "/scheduler/calendars/{name}", "/scheduler/channels/{name}"
_CONTACTS, _KEYS, _PING = "/scheduler/contacts", "/scheduler/keys", "/ping/{token}"


@dataclass(frozen=True, slots=True)
class Group:
    """Operations about one thing.

    Args:
        name: the tag.
        description: a sentence on what they are about.
        operations: the name of each operation -> its method and path.
    """

    name: str
    description: str
    operations: Mapping[str, str]


GROUPS = (
    Group("Jobs", "What runs, by which bot and on which schedule.", {
        "list_jobs": "GET /scheduler/jobs",
        "create_job": "POST /scheduler/jobs",
        "get_job": f"GET {_JOB}",
        "update_job": f"PUT {_JOB}",
        "delete_job": f"DELETE {_JOB}",
        "toggle_job": f"POST {_JOB}/toggle",
        "run_job": f"POST {_JOB}/run",
        "change_jobs": "POST /scheduler/batch",
        "export_definitions": "GET /scheduler/export",
        "apply_definitions": "POST /scheduler/apply",
    }),
    Group("Runs", "What happened each time: outcomes, logs, runs by hand.", {
        "list_runs": "GET /scheduler/runs",
        "find_run": "GET /scheduler/runs/{run_id}",
        "list_job_runs": f"GET {_JOB}/history",
        "get_run": f"GET {_RUN}",
        "get_run_log": f"GET {_RUN}/log",
        "cancel_run": f"POST {_RUN}/cancel",
        "repeat_run": f"POST {_RUN}/again",
        "start_run": f"POST {_RUN}/now",
        "move_run": f"PUT {_RUN}",
        "start_backfill": f"POST {_JOB}/backfill",
        "list_backfills": f"GET {_JOB}/backfills",
        "get_backfill": f"GET {_JOB}/backfills/{{backfill_id}}",
        "cancel_backfill": f"DELETE {_JOB}/backfills/{{backfill_id}}",
    }),
    Group("Occurrences", "When jobs are due: the times to come, and what became of those that are over.", {
        "preview_job": f"GET {_JOB}/preview",
        "preview_schedule": "POST /scheduler/preview",
        "list_job_occurrences": f"GET {_JOB}/occurrences",
        "list_occurrences": "GET /scheduler/occurrences",
        "explain_time": f"GET {_JOB}/explain",
        "change_occurrence": f"PUT {_JOB}/occurrences/{{instant}}",
        "reset_occurrence": f"DELETE {_JOB}/occurrences/{{instant}}",
        "list_clock_changes": "GET /scheduler/clock-changes",
    }),
    Group("Calendars", "Closed days and opening hours that jobs keep to.", {
        "list_calendars": "GET /scheduler/calendars",
        "create_calendar": "POST /scheduler/calendars",
        "get_calendar": f"GET {_CALENDAR}",
        "update_calendar": f"PUT {_CALENDAR}",
        "delete_calendar": f"DELETE {_CALENDAR}",
        "add_calendar_file": f"POST {_CALENDAR}/ics",
        "list_closed_days": f"GET {_CALENDAR}/days",
    }),
    Group("Pauses", "Times in which jobs do not run by their schedules.", {
        "list_pauses": "GET /scheduler/pauses",
        "create_pause": "POST /scheduler/pauses",
        "get_pause": "GET /scheduler/pauses/{pause_id}",
        "end_pause": "DELETE /scheduler/pauses/{pause_id}",
    }),
    Group("Alerts", "Who is told when something is wrong, and what was told.", {
        "list_channels": "GET /scheduler/channels",
        "create_channel": "POST /scheduler/channels",
        "get_channel": f"GET {_CHANNEL}",
        "update_channel": f"PUT {_CHANNEL}",
        "delete_channel": f"DELETE {_CHANNEL}",
        "test_channel": f"POST {_CHANNEL}/test",
        "list_rules": "GET /scheduler/rules",
        "create_rule": "POST /scheduler/rules",
        "get_rule": "GET /scheduler/rules/{rule_id}",
        "update_rule": "PUT /scheduler/rules/{rule_id}",
        "delete_rule": "DELETE /scheduler/rules/{rule_id}",
        "list_alerts": "GET /scheduler/alerts",
        "list_snoozes": "GET /scheduler/snoozes",
        "end_snooze": "DELETE /scheduler/snoozes/{snooze_id}",
    }),
    Group("Contacts", "The people whom bots greet and write to.", {
        "list_contacts": f"GET {_CONTACTS}",
        "create_contact": f"POST {_CONTACTS}",
        "get_contact": f"GET {_CONTACTS}/{{contact_id}}",
        "update_contact": f"PUT {_CONTACTS}/{{contact_id}}",
        "delete_contact": f"DELETE {_CONTACTS}/{{contact_id}}",
        "import_contacts": f"POST {_CONTACTS}/import",
        "export_contacts": f"GET {_CONTACTS}/export",
        "list_duplicates": f"GET {_CONTACTS}/duplicates",
        "merge_contacts": f"POST {_CONTACTS}/{{contact_id}}/merge",
        "send_test_message": "POST /scheduler/messages/test",
    }),
    Group("Changes", "Who changed what: revisions of jobs, deleted jobs, the audit log.", {
        "list_revisions": f"GET {_JOB}/revisions",
        "get_revision": f"GET {_JOB}/revisions/{{revision}}",
        "restore_revision": f"POST {_JOB}/revisions/{{revision}}/restore",
        "list_deleted_jobs": "GET /scheduler/deleted",
        "restore_deleted_job": "POST /scheduler/deleted/{job_id}/restore",
        "list_audit_entries": "GET /scheduler/audit",
    }),
    Group("Access", "API keys with their scopes, and the sessions of the console.", {
        "get_own_key": f"GET {_KEYS}/me",
        "list_keys": f"GET {_KEYS}",
        "create_key": f"POST {_KEYS}",
        "get_key": f"GET {_KEYS}/{{key_id}}",
        "update_key": f"PUT {_KEYS}/{{key_id}}",
        "delete_key": f"DELETE {_KEYS}/{{key_id}}",
        "rotate_key": f"POST {_KEYS}/{{key_id}}/rotate",
        "list_sessions": "GET /scheduler/sessions",
        "end_sessions": "POST /scheduler/sessions/end",
        "end_session": "DELETE /scheduler/sessions/{session_id}",
    }),
    Group("Links", "Addresses with a key in them that may do one thing: pings of heartbeat jobs, badges, feeds.", {
        "ping": f"POST {_PING}",
        "ping_start": f"POST {_PING}/start",
        "ping_fail": f"POST {_PING}/fail",
        "ping_log": f"POST {_PING}/log",
        "ping_by_get": f"GET {_PING}",
        "ping_start_by_get": f"GET {_PING}/start",
        "ping_fail_by_get": f"GET {_PING}/fail",
        "ping_log_by_get": f"GET {_PING}/log",
        "get_badge": "GET /badge/{token}.json",
        "get_badge_picture": "GET /badge/{token}.svg",
        "get_status_page": "GET /status/{token}",
        "get_feed": "GET /feed/{token}.ics",
    }),
    Group("Service", "The service itself: its health and numbers, its bots, its documentation.", {
        "get_health": "GET /scheduler/health",
        "acknowledge": "POST /scheduler/acknowledge",
        "list_bots": "GET /scheduler/bots",
        "get_metrics": "GET /metrics",
        "get_openapi": "GET /openapi.json",
        "get_docs": "GET /docs",
        "get_llms_txt": "GET /llms.txt",
        "get_guide": "GET /docs/{page}.md",
    }),
)  # fmt: skip


def _all() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for group in GROUPS:
        for name, operation in group.operations.items():
            method, path = operation.split(" ")
            yield (method, path), (group.name, name)


PLACES: Mapping[tuple[str, str], tuple[str, str]] = dict(_all())
"""Method and path of each operation -> its group and its name."""
