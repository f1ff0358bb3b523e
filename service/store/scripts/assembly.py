"""Texts of the Lua scripts, put together for one installation.

Each file of `service/store/lua` is one verb, with its contract on top. Redis runs a script from its first line each
time, so only what a verb uses stands before it: the tables `key` (names from `service.store.keys`, so that no key is
named twice) and `conf`, and parts of `service/store/lua/shared`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from service.store.keys import Keys
from service.store.scripts.limits import (
    BUCKETS_MS,
    NEWS_SHOWN,
    RQ_CANCELED_TTL,
    RQ_FAILURE_TTL,
    RQ_SUCCESS_TTL,
    TOLD_TTL,
    Limits,
)

SHARED = ("idempotency", "rq", "metrics", "alerts", "timewatch", "dataset", "wake", "followers", "runs")
"""The parts of `service/store/lua/shared`, each after those that it uses; each is a table of its name."""


def lua_script(verb: str, keys: Keys, limits: Limits, rq_fields: Mapping[str, bytes]) -> str:
    """Put the whole text of a verb's script together.

    Args:
        verb: the name of its file.
        keys: the installation's key names.
        limits: of the installation.
        rq_fields: see `service.store.rq_records.rq_template`.
    """
    body = source(verb)
    for name in reversed(SHARED):
        if f"{name}." in body:
            body = f"{source(f'shared/{name}')}\n{body}"
    body = f"{source('shared/now')}\n{source('shared/base')}\n{body}"
    return f"{lua_keys(keys, body)}\n{lua_conf(limits, rq_fields, body)}\n{body}"


@cache
def source(name: str) -> str:
    """Read a Lua file of this package."""
    return resources.files("service.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


def lua_keys(keys: Keys, body: str) -> str:
    """Write the table `key` for the names in `body`: texts, and functions of one id."""
    lines = []
    for name in sorted(set(re.findall(r"\bkey\.(\w+)", body))):
        value = getattr(keys, name)
        if isinstance(value, str):
            lines.append(f"{name} = {lua_string(value)}")
        else:
            head, tail = value("\0").split("\0")
            lines.append(f"{name} = function(id) return {lua_string(head)} .. id .. {lua_string(tail)} end")
    return "local key = {" + ", ".join(lines) + "}"


def lua_conf(limits: Limits, rq_fields: Mapping[str, bytes], body: str) -> str:
    """Write the table `conf` for the names in `body`."""
    conf = {
        "history_limit": str(limits.history),
        "log_runs": str(limits.logs),
        "runs_limit": str(limits.runs),
        "waiting_limit": str(limits.waiting),
        "rq_success_ttl": str(RQ_SUCCESS_TTL),
        "rq_failure_ttl": str(RQ_FAILURE_TTL),
        "rq_canceled_ttl": str(RQ_CANCELED_TTL),
        "told_ttl": str(TOLD_TTL),
        "news_shown": str(NEWS_SHOWN),
        "buckets": f"{{{', '.join(map(str, BUCKETS_MS))}}}",
        "rq": f"{{{', '.join(lua_string(part) for pair in rq_fields.items() for part in pair)}}}",
    }
    used = sorted(set(re.findall(r"\bconf\.(\w+)", body)))
    return f"local conf = {{{', '.join(f'{name} = {conf[name]}' for name in used)}}}"


def lua_string(value: str | bytes) -> str:
    r"""Write a Lua string literal; every byte but plain letters and digits becomes `\ddd`."""
    data = value.encode() if isinstance(value, str) else value
    return '"' + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\{b:03d}" for b in data) + '"'
