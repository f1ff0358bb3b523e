"""Lua scripts of one installation, and their runners.

`assembly` puts their texts together, `lone_script` runs those that are handed their keys, `scripts` all others.
"""

from service.store.scripts.limits import (
    BUCKETS_MS,
    NEWS_SHOWN,
    RQ_FAILURE_TTL,
    RQ_SUCCESS_TTL,
    TOLD_TTL,
    Limits,
)
from service.store.scripts.lone_script import script_of
from service.store.scripts.scripts import VERBS, Gate, Scripts

__all__ = [
    "BUCKETS_MS",
    "NEWS_SHOWN",
    "RQ_FAILURE_TTL",
    "RQ_SUCCESS_TTL",
    "TOLD_TTL",
    "VERBS",
    "Gate",
    "Limits",
    "Scripts",
    "script_of",
]
