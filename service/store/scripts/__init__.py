"""Lua scripts of one installation, and their runners.

`assembly` puts their texts together, `lone_script` runs those that are handed their keys, `scripts` all others.
"""

from service.store.scripts.assembly import whole_text
from service.store.scripts.limits import (
    BUCKETS_MS,
    NEWS_SHOWN,
    RQ_FAILURE_TTL,
    RQ_SUCCESS_TTL,
    SESSION_IDLE_SECONDS,
    SESSION_LONGEST_SECONDS,
    TOLD_TTL,
    Limits,
)
from service.store.scripts.lone_script import Argument, script_of
from service.store.scripts.scripts import VERBS, Gate, Scripts

__all__ = [
    "Argument",
    "BUCKETS_MS",
    "NEWS_SHOWN",
    "RQ_FAILURE_TTL",
    "RQ_SUCCESS_TTL",
    "SESSION_IDLE_SECONDS",
    "SESSION_LONGEST_SECONDS",
    "TOLD_TTL",
    "VERBS",
    "Gate",
    "Limits",
    "Scripts",
    "script_of",
    "whole_text",
]
