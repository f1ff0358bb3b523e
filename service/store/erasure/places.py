"""Places: which keys hold texts about people, and what an erasure does with each.

Everything that is no place and no structure is searched, and told, but not changed: the definition of a job or a key's
name is somebody's own words, and to cut them would change what the service does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from service.store.keys import Keys

Kind = Literal["hash", "list", "zset", "string", "stream", "any"]
Deed = Literal["cut", "drop", "tell"]


@dataclass(frozen=True, slots=True)
class Place:
    """Texts of one kind.

    Args:
        name: as the answer names it.
        pattern: matches the names of its keys.
        kind: the type of its keys; `any` is asked for.
        fields: of a hash; all if none are named.
        deed: `cut` the person out, `drop` the whole key, or only `tell`.
        until: a field of the hash; once it is there, the texts are history and are cut.
        within: of a text that is JSON, the only fields that are searched, since the others are the service's own words
            and ids; all if none are named.
    """

    name: str
    pattern: re.Pattern[str]
    kind: Kind
    fields: tuple[str, ...] = ()
    deed: Deed = "cut"
    until: str = ""
    within: tuple[str, ...] = ()


_ID = r"[0-9a-f-]{36}"
DEFINITION = ("name", "description", "labels", "bot_config", "options", "schedule_config")
ELSEWHERE = "elsewhere"
_SAID_OF_A_JOB = ("last_run_error", "state_reason")
_SAID_OF_A_RUN = ("result", "error", "reason", "closed", "cancel", "requested_by", "request_id", "breaches")


def places(keys: Keys) -> tuple[Place, ...]:
    """List the places of an installation. A key may have several; what has none, and is no structure, is told."""
    own, rows = re.escape(keys.prefix), []

    def add(
        name: str, pattern: str, kind: Kind, fields: tuple[str, ...] = (), deed: Deed = "cut", until: str = "",
        within: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        rows.append(Place(name, re.compile(pattern), kind, fields, deed, until, within))

    add("results", rf"{own}:run:{_ID}", "hash", _SAID_OF_A_RUN)
    add("results", rf"{own}:run:{_ID}", "hash", ("overlay", "members", "edit", "finished_at"), "tell", "finished_at")
    add("pauses", rf"{own}:run:{_ID}", "hash", ("pause",), within=("reason", "by"))
    add("edits", rf"{own}:run:{_ID}", "hash", ("edit",), within=("reason", "by"))
    add("results", rf"{own}:backfill:{_ID}", "hash", ("requested_by", "request_id"))
    add("results", rf"{own}:backfill:{_ID}", "hash", ("overlay", "members", "ended_at"), "tell", "ended_at")
    add("pauses", rf"{own}:pauses", "hash", within=("reason", "by"))
    add("pauses", rf"{own}:pauses:ended", "zset", within=("reason", "by", "ended_by"))
    add("pauses", rf"{own}:pauses(:ended)?", "any", (), "tell", within=("scope",))
    add("logs", rf"{own}:run:{_ID}:log", "list")
    add("logs", rf"{own}:run:{_ID}:log:tail", "zset")
    add("results", rf"{own}:job:{_ID}", "hash", _SAID_OF_A_JOB)
    add("definitions", rf"{own}:job:{_ID}", "hash", DEFINITION, "tell")
    add("results", rf"{own}:job:{_ID}:expect", "hash", ("told", "ended"))
    add("edits", rf"{own}:job:{_ID}:edits", "hash", within=("reason", "by"))
    add("edits", rf"{own}:job:{_ID}:edits", "hash", (), "tell", within=("bot_config",))
    add("revisions", rf"{own}:job:{_ID}", "hash", ("author",))
    add("revisions", rf"{own}:(job|deleted):{_ID}:revisions", "list", within=(*DEFINITION, "by"))
    add("revisions", rf"{own}:job:{_ID}:epochs", "list", within=("schedule_config", "options", "by"))
    add("deleted_jobs", rf"{own}:deleted:{_ID}", "hash", (*DEFINITION, "author", "deleted_by", *_SAID_OF_A_JOB))
    add("deleted_jobs", rf"{own}:deleted:{_ID}:edits", "hash")
    add("audit", rf"{own}:audit", "stream", within=("actor_name", "fields", "note"))
    add("alerts", rf"{own}:alerts(:\w+)?", "list")
    add("alerts", rf"{own}:alert:{_ID}", "hash", ("says", "subject"))
    add("ledger", rf"{own}:ledger:.*", "string")
    add("idempotency", rf"{own}:idempotency:.*", "hash", ("answer",))
    add("address_books", rf"{own}:cards:[^:]+:skipped", "hash")
    add("memory", rf"{own}:memory:.*", "string", (), "drop")
    add("rq", rf"rq:job:{_ID}", "hash", ("description", "exc_info", "meta"))
    add("rq", rf"rq:results:{_ID}", "stream")
    searched = "|".join(place.pattern.pattern for place in rows)
    add(ELSEWHERE, rf"(?!({searched}|{own}:({'|'.join(_STRUCTURE)}))$){own}:.*", "any", (), "tell")
    return tuple(rows)


_STRUCTURE = (
    "contact:.*", "identity:.*", "gone:.*", "contacts(:before)?", "birthdays:.*", "visits", "card_owners",
    "cards:[^:]+(:given|:token)?", "erased_texts", "seal", "told:.*", "origin:.*", "turn:.*", "metrics", "clock",
    "data", "planning", "leader", "schedulers", "workers", "scheduler_versions", r"schema_\w+", "memory_level",
    "guesses:.*", "rate:.*", "keys", "revoked:.*", "sessions:.*", "calendars(:changed)?", "calendar:[^:]+:jobs",
    "jobs", "enabled_jobs", "due_jobs", "ended_jobs", "deleted", "runs", "queued", "leases", "retries", "later", "held",
    "edits_due", "ping:.*", "open_door",
    rf"job:{_ID}:(runs|line|hold|logs|later|backfills|history|waiting|open|slots|pings|ping_count)", "pauses:resuming",
    rf"pause:{_ID}:jobs", "backfills", rf"backfill:{_ID}:(left|open)", "adopted", "due", "enabled",
    "deliveries:.*", "snoozes", "links:secret", rf"link:{_ID}", "rules:wanted", "lease:.*", "troubles", "expect_due",
)  # fmt: skip
"""Keys that hold ids, digests, numbers and times alone. Other contacts' data is theirs."""
