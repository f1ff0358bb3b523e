"""Needs of each process: the commands, keys and channels that its Redis user must be allowed.

What scripts need is read from their texts. What Python code, RQ and redis-py send themselves is listed here;
`tests/process/test_users_acl.py` holds the lists to a running installation. `deploy/redis/users.acl` is made of this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from service.store.keys import Keys
from service.store.scripts import whole_text

Process = Literal["web", "scheduler", "worker"]
PROCESSES: tuple[Process, ...] = ("web", "scheduler", "worker")

AT_START = (
    "check_rights", "watch_data", "keep_schema_lock", "release_schema_lock", "save_contact", "take_over", "recount_job",
    "restore_due",
)  # fmt: skip
"""Scripts of every process, those of the migrations included: whichever process starts first migrates."""
SCRIPTS: dict[Process, tuple[str, ...]] = {
    "web": (
        *AT_START, "save_job", "delete_job", "request_run", "repeat_runs", "keep_answer", "move_run", "start_run",
        "start_backfill", "cancel_backfill", "cancel_run", "acknowledge", "absorb_contact",
        "delete_contact", "erase_contact", "cut_texts", "save_key", "find_key", "revoke_key", "open_session",
        "find_session", "end_session", "count_guesses", "take_token", "restore_job", "note_refusals", "note_action",
        "save_calendar", "delete_calendar", "make_pause", "end_pause", "read_books", "replan_job",
        "save_channel", "delete_channel", "save_rule", "delete_rule", "sort_alert", "settle_delivery", "end_fold",
        "note_memory", "hold_lease", "note_troubles", "note_delivery", "watch_clock", "note_ping",
        "renew_link_secret", "snooze_job", "end_snooze",
    ),
    "scheduler": (
        *AT_START, "read_due", "decide", "decide_edit", "feed_backfill", "set_aside", "release_delayed", "requeue_run",
        "end_run", "hold_lead", "yield_lead", "read_ahead", "void_decisions", "end_walk", "cut_records", "end_fold",
        "mend_counts", "note_memory", "replan_job", "end_replanning", "delete_ended",
        "resume_jobs", "cancel_paused", "note_planning", "sort_alert", "settle_delivery", "hold_lease", "note_delivery",
        "judge_job", "renew_link_secret",
    ),
    "worker": (
        *AT_START, "claim_run", "release_claim", "renew_lease", "note_run", "end_run", "end_and_claim", "beat_worker",
        "claim_for_person", "retake_claim", "settle_claim", "take_turn", "end_turn", "absorb_contact", "delete_contact",
        "note_contact",
    ),
}  # fmt: skip
"""The scripts that each process runs."""

_ALL = (
    "EVAL", "EVALSHA", "EXISTS", "EXPIRE", "GET", "HGETALL", "HMGET", "LLEN", "MGET", "RENAMENX", "SADD", "SCAN", "SET",
    "SETRANGE", "TIME", "UNLINK", "ZCARD", "ZRANGE", "ZREM",
)  # fmt: skip
"""For the start, the migrations and the doctor."""
DIRECT: dict[Process, tuple[str, ...]] = {
    "web": (
        *_ALL, "EXEC", "HEXISTS", "HGET", "HINCRBY", "HLEN", "HVALS", "INCRBY", "LINDEX", "LPOS", "LRANGE",
        "MULTI", "SCARD", "SMEMBERS", "SMISMEMBER", "SSCAN", "TYPE", "XRANGE", "XREVRANGE", "ZCOUNT",
        "ZMSCORE", "ZRANK", "ZREVRANGE", "ZREVRANK", "ZSCORE",
    ),
    "scheduler": (*_ALL, "HGET", "LINDEX", "LRANGE", "SMEMBERS", "SSCAN", "ZREMRANGEBYSCORE"),
    "worker": (
        *_ALL, "BLMOVE", "DEL", "EXEC", "HDEL", "HGET", "HLEN", "HSCAN", "HSET", "HSETNX", "LRANGE", "MULTI", "SREM",
        "SUNION", "ZADD",
    ),
}  # fmt: skip
"""The commands that are sent outside scripts."""

_RQ_READ = {
    "web": ("rq:deferred:{queue}", "rq:scheduled:{queue}", "rq:worker:{prefix}-worker-*", "rq:workers"),
    "scheduler": ("rq:workers:{queue}", "rq:workers:{prefix}-runs"),
    "worker": ("rq:suspended",),
}
_RQ_WRITTEN = {
    "web": ("rq:execution:*", "rq:executions:*"),
    "scheduler": (),
    "worker": ("rq:worker:{prefix}-worker-*", "rq:workers", "rq:workers:{queue}"),
}
"""RQ's keys that RQ itself and rq-dashboard read or write, beside those of the scripts."""

LATE = "runs may start up to 5 s late, and followed logs hear of a run up to 1 s late"
UNNAMED = "connections have no name in Redis' list of clients"
_OPTIONAL: dict[Process, tuple[tuple[tuple[str, ...], str], ...]] = {
    "web": (
        (("CLIENT", "CACHING", "YES"), "lists are read in full each time"),
        (("CLIENT", "TRACKING", "ON"), "lists are read in full each time"),
    ),
    "scheduler": (),
    "worker": ((("CLIENT", "INFO"), "RQ's records have no address of a worker"),),
}
_OPTIONAL_ANYWHERE: tuple[tuple[tuple[str, ...], str], ...] = (
    (("CLIENT", "SETINFO", "LIB-NAME", "x"), UNNAMED),
    (("CLIENT", "SETNAME", "x"), UNNAMED),
    (("SELECT", "1"), "REDIS_URL can name no database but 0"),
    (("INFO",), "eviction, persistence and memory are not checked"),
)


@dataclass(frozen=True, slots=True)
class Need:
    """One right that a process needs.

    Args:
        rule: the rule of Redis' ACLs that grants it, such as `+hget`, `~rq:job:*`, `&bot-scheduler:wake`.
        calls: commands with arguments; the right is missing if Redis would refuse all of them.
        without: the loss without it, a sentence without a dot; None if nothing works without it.
    """

    rule: str
    calls: tuple[tuple[str, ...], ...]
    without: str | None = None

    def __str__(self) -> str:
        kind, name = re.fullmatch(r"(\+|~|%R~|&)(.*)", self.rule).groups()  # type: ignore[union-attr]
        return {"+": name.upper().replace("|", " "), "&": f"the channel {name}"}.get(kind, f"the keys {name}")


def needs(process: Process, keys: Keys) -> tuple[Need, ...]:
    """List the rights that one kind of process needs, those of the keys first."""
    return (*_keys(process, keys), *_commands(process, keys), *_channels(process, keys), *_optional(process))


def needs_of_all(keys: Keys) -> tuple[Need, ...]:
    """List the rights of the one user of all processes."""
    return tuple(dict.fromkeys(need for process in PROCESSES for need in needs(process, keys)))


def _commands(process: Process, keys: Keys) -> Iterator[Need]:
    # Enough arguments to find the keys of each command: Redis does not check their number, and dies of too few.
    for command in commands(process):
        arguments = ("", "0") if command in ("EVAL", "EVALSHA") else (keys.jobs,) * 4
        yield Need(f"+{command.lower()}", ((command, *arguments),))


@cache
def commands(process: Process) -> tuple[str, ...]:
    """List the commands that one kind of process needs, in capitals."""
    texts = [whole_text(script) for script in SCRIPTS[process]]
    called = {command for text in texts for command in re.findall(r"call\('([A-Z]+)'", text)}
    return tuple(sorted((called | set(DIRECT[process])) - {"PUBLISH"}))


def _keys(process: Process, keys: Keys) -> Iterator[Need]:
    own = f"{keys.prefix}:*"
    yield Need(f"~{own}", _writes(keys.jobs))
    read = {_filled(pattern, keys) for pattern in _RQ_READ[process]}
    written = {_filled(pattern, keys) for pattern in _RQ_WRITTEN[process]} | _rq_keys_of_scripts(process, keys) - read
    for pattern in sorted(written):
        if not any(pattern != wider and fnmatchcase(pattern, wider) for wider in written):
            yield Need(f"~{pattern}", _writes(pattern))
    for pattern in sorted(read):
        yield Need(f"%R~{pattern}", (("GET", pattern), ("EXISTS", pattern)))


def _writes(pattern: str) -> tuple[tuple[str, ...], ...]:
    """List several commands, so that one that is missing does not look like a missing key."""
    return (("SET", pattern, ""), ("UNLINK", pattern), ("EXPIRE", pattern, "1"))


def _rq_keys_of_scripts(process: Process, keys: Keys) -> set[str]:
    """Find the patterns of RQ's keys, an older release's too, in the scripts of a process."""
    found: set[str] = set()
    for script in SCRIPTS[process]:
        for name in re.findall(r"\bkey\.(\w+)", whole_text(script)):
            value: str | Callable[[str], str] = getattr(keys, name)
            pattern = value if isinstance(value, str) else value("*")
            if pattern.startswith("rq:"):
                found.add(pattern.replace(":worker:*", f":worker:{keys.prefix}-worker-*"))
    return found


def _filled(pattern: str, keys: Keys) -> str:
    return pattern.format(prefix=keys.prefix, queue=keys.queue_name)


def _channels(process: Process, keys: Keys) -> Iterator[Need]:
    own = (keys.wake, keys.run_news("*"))
    of_rq = (f"rq:pubsub:{keys.prefix}-worker-*",) if process == "worker" else ()
    yield Need("+publish", tuple(("PUBLISH", channel, "") for channel in own), LATE)
    yield Need("+subscribe", tuple(("SUBSCRIBE", channel) for channel in (*own, *of_rq)), LATE)
    yield Need("+unsubscribe", (("UNSUBSCRIBE", keys.wake),), "Redis notes a denial when a subscription ends")
    for channel in own:
        yield Need(f"&{channel}", (("PUBLISH", channel, ""), ("SUBSCRIBE", channel)), LATE)
    for channel in of_rq:
        yield Need(f"&{channel}", (("SUBSCRIBE", channel),), "RQ's stop-job command is not heard")


def _optional(process: Process) -> Iterator[Need]:
    for call, without in (*_OPTIONAL_ANYWHERE, *_OPTIONAL[process]):
        rule = "|".join(call[:2]) if call[0] == "CLIENT" else call[0]
        yield Need(f"+{rule.lower()}", (call,), without)
