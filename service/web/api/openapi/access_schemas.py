"""Schemas of access: stored API keys, their terms, their rotation, and the console's sessions."""

from __future__ import annotations

from service.domain.access.key_requests import LONGEST_OVERLAP, NOTE_LIMIT
from service.domain.access.scopes import Scope
from service.domain.access.session_requests import MOST_SESSIONS
from service.domain.job_fields import NAME_LIMIT
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
)


def access() -> dict[str, Schema]:
    """Return the schemas of stored keys and of sessions."""
    scopes = {**array({"enum": [scope.value for scope in Scope]}), "minItems": 1}
    limits = {
        "labels": {
            **or_null({"type": "object", "additionalProperties": {**array(TEXT), "minItems": 1}}),
            "description": "Only jobs that have, for each label, one of the values; null for no such limit.",
        },
        "bot_types": {**or_null(array(TEXT)), "description": "Only jobs of these bots; null for no such limit."},
    }
    note = or_null({"type": "string", "maxLength": NOTE_LIMIT})
    job = {
        **or_null(UUID),
        "description": "The job to which a key is bound: a heartbeat job, which must be named, if `ping` is its only "
        "scope; any job, or null for all, if `badge` is.",
    }
    terms = {"name": TEXT, "scopes": scopes, **limits, "expires_at": or_null(TIMESTAMP), "note": note, "job_id": job}
    history = {
        "created_at": TIMESTAMP,
        "created_by": {**TEXT, "description": "The id of the maker's key, or `root`."},
        "created_by_name": TEXT,
        "last_used_at": {**or_null(TIMESTAMP), "description": "Give or take a minute."},
        "last_used_from": or_null(TEXT),
        "previous_until": {**or_null(TIMESTAMP), "description": "Until when the secret before is accepted, too."},
        "revision": COUNT,
    }
    stored = {"id": TEXT, **terms, **history}
    text = {**TEXT, "description": "The key itself, shown this once."}
    feed = {**TEXT, "description": "The address of its calendar feed, if `feed` is its only scope; a secret, too."}
    ping = {**TEXT, "description": "The address for pings, if `ping` is its only scope; a secret, too."}
    badge = {**TEXT, "description": "The address of its badge, if `badge` is its only scope; a secret, too."}
    status = {**TEXT, "description": "The address of its status page, if `badge` is its only scope; a secret, too."}
    shown = {"key": text, "feed": feed, "ping": ping, "badge": badge, "status_page": status}
    name = {"type": "string", "minLength": 1, "maxLength": NAME_LIMIT}
    sent = {**terms, "name": name, "expires_at": or_null(TIME_SENT), **{field: {} for field in ("id", *history)}}
    seconds = {"type": "integer", "minimum": 0, "maximum": LONGEST_OVERLAP, "default": 0}
    session = {
        "id": TEXT, "key_id": {**TEXT, "description": "The key that opened it, or `root`."}, "key_name": TEXT,
        "created_at": TIMESTAMP, "last_used_at": TIMESTAMP, "last_used_from": TEXT, "user_agent": TEXT,
        "ends_at": {**TIMESTAMP, "description": "When it ends at the latest."},
        "current": {**BOOLEAN, "description": "Whether this very session asks."},
    }  # fmt: skip
    ids = {**array({"type": "string", "pattern": "^[0-9a-f]{32}$"}), "minItems": 1, "maxItems": MOST_SESSIONS}
    chosen: dict[str, Schema] = {
        "sessions": ids, "key_id": {"type": "string", "minLength": 1}, "all": {"const": True},
    }  # fmt: skip
    kept = {"keep_current": {**BOOLEAN, "default": False}}
    return {
        "Session": record(session),
        "SessionsToEnd": {
            "oneOf": [record({name: how, **kept}, (name,), additionalProperties=False) for name, how in chosen.items()]
        },
        "SessionsEnded": record({"ended": COUNT}),
        "Key": record(stored),
        "NewKey": record({**stored, **shown}, (*stored, "key")),
        "OwnKey": record({**stored}, ("id", *terms)),
        "KeyRequest": record(sent, ("name", "scopes"), additionalProperties=False),
        "KeyChange": record(sent, (), additionalProperties=False),
        "Rotation": record({"overlap_seconds": seconds}, (), additionalProperties=False),
    }
