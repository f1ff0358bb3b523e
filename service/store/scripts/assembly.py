"""Texts of the Lua scripts, put together for one installation.

Each file of `service/store/lua` is one verb, with its contract on top. Before it stand the functions of
`service/store/lua/shared` that it uses (`linking`). What a verb seldom needs is a step, a file of
`service/store/lua/steps`: nothing of it is made before one is called. Names of keys (`key.job(job_id)`,
from `service.store.keys`, so that none is named twice) and limits (`conf.log_runs`) are written out, because each call
would make a table of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from service.store.keys import Keys
from service.store.scripts.limits import (
    BUCKETS_MS,
    DELETED_JOBS,
    DELIVERIES,
    METRICS_VALUES,
    NEWS_SHOWN,
    REFUSALS,
    RQ_CANCELED_TTL,
    RQ_FAILURE_TTL,
    RQ_SUCCESS_TTL,
    SESSION_IDLE_SECONDS,
    SESSION_LONGEST_SECONDS,
    TOLD_TTL,
    Limits,
)
from service.store.scripts.linking import linked


def lua_script(verb: str, keys: Keys, limits: Limits, rq_fields: Mapping[str, bytes]) -> str:
    """Put the whole text of a verb's script together.

    Args:
        verb: the name of its file.
        keys: the installation's key names.
        limits: of the installation.
        rq_fields: see `service.store.rq_records.rq_template`.
    """
    return lua_text(source(verb), keys, limits, rq_fields)


def lua_text(text: str, keys: Keys, limits: Limits, rq_fields: Mapping[str, bytes]) -> str:
    """Put the whole text of a script together, as `lua_script` does, from the text of its verb."""

    def whole(part: str) -> str:
        return with_conf(_with_keys(linked(part, source), keys), limits, rq_fields)

    body = whole(text)
    steps = sorted(set(re.findall(r"\bsteps\.(\w+)\(", body)))
    functions = ",\n".join(f"{step} = function(...)\n{whole(source(f'steps/{step}'))}\nend" for step in steps)
    made = f"local function steps()\nreturn {{{functions}}}\nend\n" if steps else ""
    return made + re.sub(r"\bsteps\.(?=\w+\()", "steps().", body)


def whole_text(script: str) -> str:
    """Return all that a script may run, with the names of keys still as `key.name`: for those who look for them."""
    text = source(script)
    if "people." in text:
        text = f"{source('shared/people')}\n{text}"
    steps = sorted(set(re.findall(r"\bsteps\.(\w+)\(", text)))
    return "\n".join(linked(part, source) for part in [text, *(source(f"steps/{step}") for step in steps)])


@cache
def source(name: str) -> str:
    """Read a Lua file of this package, without the lines that are comments: these name parts that it does not use."""
    text = resources.files("service.store").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return re.sub(r"^ *--.*\n", "", text, flags=re.MULTILINE)


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


def _with_keys(text: str, keys: Keys) -> str:
    """Write out the names of keys."""

    def written(found: re.Match[str]) -> str:
        value, argument = getattr(keys, found[1]), found[2]
        if isinstance(value, str):
            return lua_string(value) + (argument or "")
        head, tail = value("\0").split("\0")
        return f"({lua_string(head)} .. {argument[1:-1]}{f' .. {lua_string(tail)}' if tail else ''})"

    return re.sub(r"\bkey\.(\w+)(\([^()]*\))?", written, text)


def with_conf(text: str, limits: Limits, rq_fields: Mapping[str, bytes]) -> str:
    """Write out the limits, and the fields that all RQ jobs share."""
    conf = {
        "history_limit": str(limits.history),
        "log_runs": str(limits.logs),
        "runs_limit": str(limits.runs),
        "audit_limit": str(limits.audit),
        "max_jobs": str(limits.max_jobs),
        "waiting_limit": str(limits.waiting),
        "deleted_limit": str(DELETED_JOBS),
        "deliveries_limit": str(DELIVERIES),
        "refusals_limit": str(REFUSALS),
        "rq_success_ttl": str(RQ_SUCCESS_TTL),
        "rq_failure_ttl": str(RQ_FAILURE_TTL),
        "rq_canceled_ttl": str(RQ_CANCELED_TTL),
        "told_ttl": str(TOLD_TTL),
        "session_idle_ms": str(SESSION_IDLE_SECONDS * 1000),
        "session_longest_ms": str(SESSION_LONGEST_SECONDS * 1000),
        "news_shown": str(NEWS_SHOWN),
        "metrics_label": lua_string(limits.metrics_label),
        "metrics_values": str(METRICS_VALUES),
        "buckets": f"{{{', '.join(map(str, BUCKETS_MS))}}}",
        "rq": f"{{{', '.join(lua_string(part) for pair in rq_fields.items() for part in pair)}}}",
    }
    return re.sub(r"\bconf\.(\w+)", lambda found: conf[found[1]], text)


def lua_string(value: str | bytes) -> str:
    r"""Write a Lua string literal; every byte but plain letters and digits becomes `\ddd`."""
    data = value.encode() if isinstance(value, str) else value
    return '"' + "".join(chr(b) if chr(b).isalnum() and b < 128 else f"\\{b:03d}" for b in data) + '"'
