"""A service of canned answers, for tests of what the command line prints. A test holds them to the API's description."""

# ruff: noqa: E501 - answers, a line each

from __future__ import annotations

import json
from typing import Any

import httpx

NOW = "Fri, 15 Jan 2027 08:00:00 GMT"
"""The time by which all answers are written."""


def uuid(number: int) -> str:
    """An id that a person can tell from others."""
    return f"{number:08x}-1111-4111-8111-{number:012x}"


ACTOR = {"actor": "k123456789", "name": "Ada on call"}
JOB_A, JOB_B, JOB_C, RUN_A, RUN_B, RUN_C = (uuid(number) for number in (0xA1, 0xB1, 0xC1, 0xA2, 0xB2, 0xC2))
LONG = "Nächtlicher Abgleich der Adressbücher mit dem Verzeichnis aller Vereine und Verbände 夜間同期"


def job(job_id: str, name: str, **more: Any) -> dict[str, Any]:
    """A job as the API shows it."""
    return {
        "id": job_id, "name": name, "description": "", "bot_type": "birthday", "enabled": True,
        "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0, "timezone": "Europe/Vienna"},
        "bot_config": {"dry_run": False, "max_days_late": 7, "tags": ["a", "b"], "note": None}, "options": {"max_retries": 3, "alert_urls": []},
        "labels": {"team": "crm"}, "created_at": "2026-12-01T10:00:00", "updated_at": "2027-01-14T20:00:00",
        "last_run_at": "2027-01-15T07:00:00", "last_run_status": "success", "last_run_error": None,
        "next_run_at": "2027-01-16T07:00:00", "state": "scheduled", "state_reason": None, "revision": 7,
        "health": "ok", **more,
    }  # fmt: skip


def run(run_id: str, job_id: str, **more: Any) -> dict[str, Any]:
    """A run as the API shows it."""
    return {
        "id": run_id, "job_id": job_id, "started_at": "2027-01-15T07:00:01", "finished_at": "2027-01-15T07:00:06",
        "status": "success", "result": {"found": 3, "sent": 2, "people": [{"name": "Ada"}]}, "error": None,
        "messages_sent": 2, "profiles_visited": 0, "trigger": "schedule", "scheduled_for": "2027-01-15T07:00:00",
        "attempt": 1, "queued_at": "2027-01-15T07:00:00", "duration_ms": 5200, "lateness_ms": 40, "reason": None,
        "occurrences": 1, "retry_of": None, "revision": 7, "rehearsal": False, "requested_by": None, **more,
    }  # fmt: skip


JOBS = [
    job(JOB_A, "Birthdays"),
    job(JOB_B, LONG, bot_type="webhook", schedule_type="cron", schedule_config={"cron_expression": "0 8-18 * * 1-5"},
        last_run_status="failed", last_run_error="The address answered 503 three times", health="late"),
    job(JOB_C, "Nightly visit", bot_type="visitor", enabled=False, state="disabled", next_run_at=None,
        last_run_at=None, last_run_status=None),
]  # fmt: skip
RUNS = [
    run(RUN_A, JOB_A),
    run(RUN_B, JOB_B, status="failed", error="The address answered 503 three times, and then there was no answer at all",
        messages_sent=0, trigger="manual", requested_by=ACTOR, scheduled_for=None, queued_at="2027-01-15T06:10:00"),
    run(RUN_C, JOB_A, status="skipped", started_at=None, finished_at=None, duration_ms=None, lateness_ms=None,
        reason="overlap", messages_sent=0, result=None, occurrences=3, queued_at="2027-01-08T07:00:00"),
]  # fmt: skip
PAUSE = {
    "id": uuid(0xD1), "scope": {"label": {"team": "crm"}}, "jobs": "the jobs with the label team=crm",
    "reason": "The CRM is being maintained until the evening", "from": "2027-01-15T06:00:00",
    "until": "2027-01-15T18:00:00", "on_resume": "latest", "cancel_running": False, "by": ACTOR, "ended_at": None,
    "ended_by": None, "jobs_on_hold": 2, "job_count": 12, "is_active": True,
}  # fmt: skip
CALENDAR = {
    "name": "office", "description": "Vienna office", "weekdays_off": ["sat", "sun"], "dates": ["2027-01-07"],
    "ranges": [{"from": "2026-12-24", "to": "2027-01-06", "why": "Christmas break"}], "country": "AT",
    "subdivision": None, "open_hours": {"from": "08:00", "to": "18:00"}, "created_at": "2026-12-01T10:00:00",
    "updated_at": "2026-12-20T10:00:00", "runs_out_on": None, "revision": 2,
}  # fmt: skip
CHANNEL = {
    "name": "ops", "url": "env:BOT_SECRET_OPS", "digest_seconds": 60, "max_per_hour": 20,
    "quiet_hours": {"from": "22:00", "to": "07:00", "timezone": "Europe/Vienna"}, "rules": 2, "waiting": 0,
    "failing": 0, "problem": None, "revision": 1, "created_at": "2026-12-01T10:00:00", "updated_at": "2026-12-01T10:00:00",
}  # fmt: skip
RULE = {
    "id": uuid(0xE1), "channel": "ops", "on": ["failed", "recovered"], "labels": {"team": "crm"}, "bot_types": None, "revision": 1,
    "job_id": None, "after": 3, "template": None, "created_at": "2026-12-01T10:00:00",
    "updated_at": "2026-12-01T10:00:00",
}  # fmt: skip
CONTACT = {
    "id": uuid(0xF1), "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "birthday": "1815-12-10",
    "emails": ["ada@example.org", "countess@example.com"], "phones": ["+43 1 234567"],
    "urls": ["https://example.org/people/ada-lovelace"], "language": "en", "deceased": False, "source": "api",
    "last_messaged_at": "2026-12-10T08:00:00", "last_visited_at": None, "page": None,
}  # fmt: skip
TWIN = {**CONTACT, "id": uuid(0xF2), "name": "Lovelace, Ada", "birthday": "--12-10", "emails": ["ada@example.org"]}
KEY = {
    "id": "k123456789", "name": "Ada on call", "scopes": ["read", "run"], "labels": {"team": ["crm", "sales"]},
    "bot_types": ["webhook"], "job_id": None, "expires_at": "2027-04-15T08:00:00", "note": "for the night", "revision": 1,
    "created_at": "2026-12-01T10:00:00", "created_by": "root", "created_by_name": "root",
    "last_used_at": "2027-01-15T07:58:00", "last_used_from": "192.0.2.7", "previous_until": None,
}  # fmt: skip
SESSION = {
    "id": "0123456789abcdef0123456789abcdef", "key_id": "k123456789", "key_name": "Ada on call",
    "created_at": "2027-01-14T08:00:00", "last_used_at": "2027-01-15T07:59:00", "last_used_from": "192.0.2.7",
    "ends_at": "2027-01-28T08:00:00", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0", "current": False,
}  # fmt: skip
ENTRY = {
    "id": "1", "at": "2027-01-14T20:00:00", "actor": "k123456789", "actor_name": "Ada on call", "address": "192.0.2.7",
    "session": None, "request_id": "r-1", "action": "job.update", "object": JOB_A, "job_id": JOB_A,
    "revision_before": 6, "revision_after": 7, "fields": {"schedule_config.hour": {"from": 8, "to": 9}, "labels.team": None}, "count": 1,
    "note": "not on Sundays", "details": {},
}  # fmt: skip
OCCURRENCES: dict[str, Any] = {
    "items": [
        {"at": "2027-01-15T07:00:00", "local": "2027-01-15T08:00:00+01:00", "fate": "ran", "revision": 7, "status": "success",
         "run_id": RUN_A, "lateness_ms": 2400},
        {"at": "2027-01-14T07:00:00", "local": "2027-01-14T08:00:00+01:00", "fate": "skipped", "revision": 7, "reason": "an audit in the house, all day long",
         "by": ACTOR},
    ],
    "since": "2027-01-08T08:00:00", "until": "2027-01-16T08:00:00", "next_cursor": None, "named": 2, "unaccounted": 0, "doubled": 0, "strays": 0,
    "complete_since": "2026-12-01T10:00:00", "complete_because": "the job was created then",
}  # fmt: skip
_FRAME = {
    name: OCCURRENCES[name]
    for name in ("since", "until", "unaccounted", "doubled", "strays", "complete_since", "complete_because")
}
ACCOUNTS = {
    "jobs": [
        {"job_id": JOB_A, "job_name": "Birthdays", **OCCURRENCES, "items": OCCURRENCES["items"][::-1]},
        {"job_id": JOB_B, "job_name": LONG, **_FRAME, "next_cursor": "2027-01-14T09:00:00", "named": 9, "items": [
            {"at": "2027-01-14T08:00:00", "local": "2027-01-14T08:00:00+00:00", "fate": "ran", "revision": 1, "status": "failed",
             "run_id": RUN_B}]},
        {"job_id": JOB_C, "job_name": "Nightly visit", "detail": "its definition cannot be read"},
    ],
    "next_cursor": None,
}  # fmt: skip
BACKFILL = {
    "backfill_id": uuid(0xAB), "job_id": JOB_A, "state": "active", "rehearsal": False, "ended_at": None, "requested_by": ACTOR, "since": "2027-01-01T00:00:00",
    "until": "2027-01-08T00:00:00", "only": "missing", "max_parallel": 1, "created_at": "2027-01-15T07:30:00",
    "total": 7, "left": 3, "open": 1, "success": 2, "failed": 1, "cancelled": 0, "skipped": 0, "dropped": 0,
}  # fmt: skip
BOTS = [
    {"name": "birthday", "description": "Greets contacts on their birthdays.", "config_schema": {"properties": {
        "dry_run": {"type": "boolean", "default": False, "description": "Show whom it would greet, and send nothing."},
        "max_days_late": {"type": "integer", "default": 7, "description": "How late a greeting may still be sent, days."},
    }}},
    {"name": "webhook", "description": "Calls a web address.", "config_schema": {"required": ["url"], "properties": {
        "url": {"type": "string", "description": "The address."},
        "method": {"enum": ["GET", "POST"], "default": "POST"},
        "body": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    }}},
]  # fmt: skip
HEALTH = {
    "status": "healthy", "scheduler_running": True, "redis_connected": True, "total_jobs": 3, "enabled_jobs": 2,
    "workers": 1,
}  # fmt: skip
PLAN = {
    "dry_run": True,
    "changes": [
        {"action": "create", "id": None, "name": "Weekly report", "fields": {
            "name": {"from": None, "to": "Weekly report"}, "bot_type": {"from": None, "to": "webhook"},
            "enabled": {"from": None, "to": True}, "schedule_type": {"from": None, "to": "weekly"},
            "schedule_config.hour": {"from": None, "to": 9}, "options.max_retries": {"from": None, "to": 2},
            "options.timeout_seconds": {"from": None, "to": 3600}, "bot_config.method": {"from": None, "to": "POST"},
            "bot_config.url": {"from": None, "to": "https://example.org"}, "labels": {"from": None, "to": {}},
        }},
        {"action": "update", "id": JOB_A, "name": "Birthdays",
         "fields": {"schedule_config.hour": {"from": 8, "to": 9}},
         "occurrences": {"until": "2027-02-14T08:00:00", "complete": True,
                         "gained": {"count": 1, "first": [{"at": "2027-01-16T08:00:00", "local": "2027-01-16T09:00:00+01:00"}]},
                         "lost": {"count": 0, "first": []}}},
    ],
}  # fmt: skip
PREVIEW = {
    "occurrences": ["2027-01-16T07:00:00"], "local": ["2027-01-16T08:00:00+01:00"],
    "description": "Every day at 08:00 (Europe/Vienna).",
    "details": [{"at": "2027-01-16T07:00:00", "local": "2027-01-16T08:00:00+01:00", "scheduled_for": "2027-01-16T07:00:00"}],
}  # fmt: skip
TOLD = {
    "id": uuid(0xAD), "kind": "failed", "at": "2027-01-15T06:10:09", "job_id": JOB_B, "job": LONG, "run_id": RUN_B,
    "subject": f"Failed: {LONG}", "deliveries": [
        {"to": "ops", "channel": "ops", "first_tried_at": "2027-01-15T06:10:10", "alerts_in_message": 1, "state": "sent", "tries": 1, "last_tried_at": "2027-01-15T06:10:10", "error": None}],
}  # fmt: skip
SNOOZE = {
    "id": uuid(0xAE), "job_id": JOB_B, "job": LONG, "to": "ops", "channel": "ops", "since": "2027-01-15T06:11:00",
    "until": "2027-01-15T10:11:00",
}  # fmt: skip
CLOCKS = {
    "until": "2027-03-01T08:00:00", "count": 1, "changes": [
        {"at": "2027-03-28T01:00:00", "job_id": JOB_A, "job_name": "Birthdays", "timezone": "Europe/Vienna", "from_offset": "+01:00", "to_offset": "+02:00", "local_times": ["02:30"], "count": 1, "outcome": "moved",
         "sentence": "02:30 does not exist on 2027-03-28 in Europe/Vienna: runs at 03:00"}],
}  # fmt: skip
REVISION = {
    "revision": 7,
    "at": "2027-01-14T20:00:00",
    "by": ACTOR,
    "changed": ["schedule_config.hour"],
    "note": "earlier",
    "restored_from": None,
}
DELETED = {
    "id": uuid(0xAF), "definition": {"name": "Old report"}, "revision": 3, "deleted_at": "2027-01-10T08:00:00", "deleted_by": ACTOR,
    "kept_until": "2027-02-09T08:00:00",
}  # fmt: skip

ERASED = {
    "erased_as": "person-1", "found": {"contacts": 1, "run_logs": 12}, "left": ["rq:job:1"],
    "under_way": [{"run_id": RUN_A, "job_id": JOB_A, "bot_type": "birthday"}],
}  # fmt: skip
J, R = f"/scheduler/jobs/{JOB_A}", f"/scheduler/jobs/{JOB_A}/runs/{RUN_A}"
ANSWERS: dict[tuple[str, str], Any] = {
    ("GET", "/scheduler/jobs"): JOBS, ("GET", J): JOBS[0], ("GET", f"/scheduler/jobs/{JOB_B}"): JOBS[1],
    ("POST", "/scheduler/jobs"): JOBS[0], ("PUT", J): JOBS[0], ("DELETE", J): None, ("POST", f"{J}/toggle"): JOBS[2],
    ("POST", f"{J}/run"): {"message": "queued", "status": "queued", "run_id": RUN_A},
    ("GET", f"{J}/preview"): PREVIEW, ("POST", "/scheduler/preview"): PREVIEW,
    ("GET", f"{J}/history"): [RUNS[0], RUNS[2]], ("GET", "/scheduler/runs"): RUNS,
    ("GET", f"/scheduler/runs/{RUN_A}"): RUNS[0], ("GET", R): RUNS[0], ("PUT", R): RUNS[0],
    ("POST", f"{R}/cancel"): RUNS[0], ("POST", f"{R}/now"): RUNS[0],
    ("POST", f"{R}/again"): {"message": "queued", "status": "queued", "run_id": RUN_B},
    ("GET", f"{R}/log"): {"lines": [
        {"at": "2027-01-15T07:00:02", "level": "INFO", "message": "3 birthdays\nof which 1 was greeted"},
        {"at": "2027-01-15T07:00:05", "level": "ERROR", "message": "\x1b[31mno answer\x1b[0m"},
    ], "last_line": 2, "trimmed": False},
    ("GET", "/scheduler/pauses"): [PAUSE], ("POST", "/scheduler/pauses"): PAUSE,
    ("DELETE", f"/scheduler/pauses/{uuid(0xD1)}"): {**PAUSE, "ended_at": "2027-01-15T08:00:00", "ended_by": ACTOR},
    ("GET", "/scheduler/calendars"): [CALENDAR], ("GET", "/scheduler/calendars/office"): CALENDAR,
    ("POST", "/scheduler/calendars"): CALENDAR, ("PUT", "/scheduler/calendars/office"): CALENDAR,
    ("DELETE", "/scheduler/calendars/office"): None,
    ("GET", "/scheduler/calendars/office/days"): {
        "name": "office", "from": "2027-01-15", "until": "2028-01-15",
        "days": [{"date": "2027-01-16", "why": "Saturday"}, {"date": "2027-01-17", "why": "Sunday"}]},
    ("GET", "/scheduler/channels"): [CHANNEL], ("GET", "/scheduler/channels/ops"): CHANNEL,
    ("POST", "/scheduler/channels"): CHANNEL, ("PUT", "/scheduler/channels/ops"): CHANNEL,
    ("POST", "/scheduler/channels/ops/test"): {"sent": True, "to": "ops", "subject": "A test alert from Bot Scheduler"},
    ("DELETE", "/scheduler/channels/ops"): None,
    ("GET", "/scheduler/rules"): [RULE], ("GET", f"/scheduler/rules/{uuid(0xE1)}"): RULE,
    ("POST", "/scheduler/rules"): RULE, ("PUT", f"/scheduler/rules/{uuid(0xE1)}"): RULE,
    ("DELETE", f"/scheduler/rules/{uuid(0xE1)}"): None,
    ("GET", "/scheduler/alerts"): [TOLD], ("GET", "/scheduler/snoozes"): [SNOOZE],
    ("DELETE", f"/scheduler/snoozes/{uuid(0xAE)}"): None,
    ("GET", "/scheduler/contacts"): [CONTACT, TWIN], ("POST", "/scheduler/contacts"): CONTACT,
    ("GET", f"/scheduler/contacts/{uuid(0xF1)}"): CONTACT, ("PUT", f"/scheduler/contacts/{uuid(0xF1)}"): CONTACT,
    ("DELETE", f"/scheduler/contacts/{uuid(0xF1)}"): None,
    ("GET", "/scheduler/contacts/duplicates"): [
        {"contacts": [CONTACT, TWIN], "reasons": ["the same e-mail address", "names that differ in order alone"]}],
    ("POST", f"/scheduler/contacts/{uuid(0xF1)}/merge"): {
        "contact": CONTACT, "left_out": [{"field": "birthday", "value": "--12-10"}]},
    ("POST", "/scheduler/contacts/import"): {
        "created": 2, "updated": 1, "unchanged": 0, "with_birthday": 3, "with_address": 2, "ignored_columns": ["Shoe size"],
        "warnings": [{"position": 2, "name": "Ada", "reason": "the date 3/4/1990 was read with the day first; see date_order"}],
        "warnings_total": 1, "skipped": [{"position": 3, "reason": "has no name"}], "skipped_total": 1},
    ("GET", "/scheduler/keys"): [KEY], ("GET", "/scheduler/keys/me"): KEY, ("GET", "/scheduler/keys/k123456789"): KEY,
    ("POST", "/scheduler/keys"): {**KEY, "key": "bsk_k123456789_secret"}, ("PUT", "/scheduler/keys/k123456789"): KEY,
    ("POST", "/scheduler/keys/k123456789/rotate"): {**KEY, "key": "bsk_k123456789_newer"},
    ("DELETE", "/scheduler/keys/k123456789"): None,
    ("GET", "/scheduler/sessions"): [SESSION], ("DELETE", f"/scheduler/sessions/{SESSION['id']}"): None,
    ("POST", "/scheduler/sessions/end"): {"ended": 2},
    ("GET", "/scheduler/audit"): [ENTRY], ("GET", f"{J}/revisions"): [REVISION],
    ("POST", f"{J}/revisions/6/restore"): JOBS[0], ("GET", "/scheduler/deleted"): [DELETED],
    ("POST", f"/scheduler/deleted/{uuid(0xAF)}/restore"): JOBS[0],
    ("GET", f"{J}/occurrences"): OCCURRENCES, ("GET", "/scheduler/occurrences"): ACCOUNTS,
    ("GET", f"{J}/explain"): {"at": "2027-01-15T07:00:00", "local": "2027-01-15T08:00:00+01:00", "fate": "ran", "revision": 7, "nearest": {"before": None, "after": "2027-01-16T07:00:00"}, "complete_since": "2026-12-01T10:00:00", "sentence": "It ran at 08:00, 2 s late, and succeeded.", "run_id": RUN_A},
    ("PUT", f"{J}/occurrences/2027-01-16T07:00:00"): {
        "scheduled_for": "2027-01-16T07:00:00", "local": "2027-01-16T08:00:00+01:00", "job_id": JOB_A, "due": "2027-01-16T07:00:00", "edit": {"action": "skip", "reason": "Closed", "by": ACTOR, "at": "2027-01-15T08:00:00"}},
    ("DELETE", f"{J}/occurrences/2027-01-16T07:00:00"): None,
    ("POST", f"{J}/backfill"): {**BACKFILL, "dry_run": False, "reasons": {}, "instants": [], "rule": "missing"}, ("GET", f"{J}/backfills"): [BACKFILL],
    ("GET", f"{J}/backfills/{uuid(0xAB)}"): BACKFILL, ("DELETE", f"{J}/backfills/{uuid(0xAB)}"): BACKFILL,
    ("GET", "/scheduler/clock-changes"): CLOCKS, ("GET", "/scheduler/bots"): BOTS,
    ("POST", "/scheduler/messages/test"): {"sent": True, "to": "ada@example.org", "subject": "A test message from Bot Scheduler"},
    ("POST", "/scheduler/batch"): {
        "action": "enable", "dry_run": False, "counts": {"done": 1, "unchanged": 1, "refused": 1}, "next_cursor": None,
        "results": [
            {"id": JOB_A, "name": "Birthdays", "outcome": "done", "status": 200},
            {"id": JOB_B, "name": LONG, "outcome": "refused", "status": 409, "detail": "Job is broken: delete it"},
            {"id": JOB_C, "name": "Nightly visit", "outcome": "unchanged", "status": 200}]},
    ("GET", "/scheduler/export"): {"version": 1, "jobs": []},
    ("GET", "/scheduler/contacts/export"): b"BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nEND:VCARD\n",
    ("POST", "/scheduler/calendars/office/ics"): {"added": 2, "unchanged": 1, "skipped_total": 1, "skipped": [{"position": 2, "reason": "has a time of day"}], "calendar": CALENDAR},
    ("POST", "/scheduler/apply"): PLAN, ("GET", "/scheduler/health"): HEALTH,
    ("POST", "/scheduler/acknowledge"): {"data_went_back": None, "clock_steps": []},
}  # fmt: skip


class CannedService:
    """Answers requests as `ANSWERS` says, and notes them.

    Args:
        refused: Method and path -> a status and the errors of a refusal in place of the answer.
    """

    def __init__(self, refused: dict[tuple[str, str], tuple[int, list[dict[str, str]]]] | None = None) -> None:
        self.refused = refused or {}
        self.answers = ANSWERS
        self.asked: list[httpx.Request] = []
        self.sent_bytes = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answers one request."""
        request.read()
        self.asked.append(request)
        what = (request.method, request.url.path)
        headers = {"Date": NOW, "ETag": '"7"'}
        if what in self.refused:
            status, errors = self.refused[what]
            detail = "; ".join(f"{error['field']} {error['message']}" for error in errors)
            return httpx.Response(status, json={"detail": detail, "errors": errors}, headers=headers)
        if what not in self.answers:
            return httpx.Response(404, json={"detail": f"{what[0]} {what[1]} is not canned"}, headers=headers)
        answer = self.answers[what]
        if answer is None and not request.url.params.get("erase"):
            return httpx.Response(204, headers=headers)
        if request.url.params.get("q"):
            answer = [one for one in answer if request.url.params["q"] in one["name"]]
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer, headers=headers | {"Content-Type": "text/vcard"})
        if request.url.params.get("erase"):
            answer = ERASED
        body = json.dumps(answer).encode()
        self.sent_bytes += len(body)
        return httpx.Response(200, content=body, headers=headers | {"Content-Type": "application/json"})
