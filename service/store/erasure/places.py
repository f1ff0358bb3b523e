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
        fields: of a hash; all if there are none.
        deed: `cut` the person out, `drop` the whole key, or only `tell`.
        until: a field of the hash; once it is there, the texts are history and are cut.
        within: of a text that is JSON, the only fields that are searched, since the others are the service's own words
            and ids; all if there are none.
    """

    name: str
    pattern: re.Pattern[str]
    kind: Kind
    fields: tuple[str, ...] = ()
    deed: Deed = "cut"
    until: str = ""
    within: tuple[str, ...] = ()


_ID = r"[0-9a-f-]{36}"
DEFINITION = ("name", "description", "bot_config", "options", "schedule_config")


def places(keys: Keys) -> tuple[Place, ...]:
    """List the places of an installation; the first whose pattern matches a key is the key's."""
    own, rows = re.escape(keys.prefix), []

    def add(
        name: str, pattern: str, kind: Kind, fields: tuple[str, ...] = (), deed: Deed = "cut", until: str = "",
        within: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        rows.append(Place(name, re.compile(pattern), kind, fields, deed, until, within))

    add("results", rf"{own}:run:{_ID}", "hash", ("result", "error", "reason"))
    add("results", rf"{own}:run:{_ID}", "hash", ("overlay", "members", "finished_at"), "tell", "finished_at")
    add("results", rf"{own}:backfill:{_ID}", "hash", ("overlay", "members", "ended_at"), "tell", "ended_at")
    add("logs", rf"{own}:run:{_ID}:log", "list")
    add("logs", rf"{own}:run:{_ID}:log:tail", "zset")
    add("results", rf"{own}:job:{_ID}", "hash", ("last_run_error", "state_reason"))
    add("definitions", rf"{own}:job:{_ID}", "hash", DEFINITION, "tell")
    add("revisions", rf"{own}:job:{_ID}", "hash", ("author",))
    add("revisions", rf"{own}:(job|deleted):{_ID}:revisions", "list", within=(*DEFINITION, "labels", "by"))
    add("revisions", rf"{own}:job:{_ID}:epochs", "list", within=("schedule_config", "options", "by"))
    add("deleted_jobs", rf"{own}:deleted:{_ID}", "hash", (*DEFINITION, "author", "deleted_by", "last_run_error"))
    add("audit", rf"{own}:audit", "stream", within=("actor_name", "fields", "note"))
    add("alerts", rf"{own}:alerts(:\w+)?", "list")
    add("alerts", rf"{own}:alert:{_ID}", "hash", ("says", "subject"))
    add("ledger", rf"{own}:ledger:.*", "string")
    add("idempotency", rf"{own}:idempotency:.*", "hash", ("answer",))
    add("address_books", rf"{own}:cards:\w+:skipped", "hash")
    add("memory", rf"{own}:memory:.*", "string", (), "drop")
    add("rq", rf"rq:job:{_ID}", "hash", ("description", "exc_info", "meta"))
    add("rq", rf"rq:results:{_ID}", "stream")
    add("elsewhere", rf"(?!{own}:({'|'.join(_STRUCTURE)})$){own}:.*", "any", (), "tell")
    return tuple(rows)


_STRUCTURE = (
    "contact:.*", "identity:.*", "gone:.*", "contacts(:before)?", "birthdays:.*", "visits", "card_owners", "cards:.*",
    "erased_texts", "seal", "told:.*", "origin:.*", "turn:.*", "metrics", "clock", "data", "planning", "leader",
    "schedulers", "workers", "scheduler_versions", "ended_jobs", r"schema_\w+", "jobs", "enabled_jobs", "due_jobs",
    "runs", "queued", "leases", "retries", "later", "backfills", rf"backfill:{_ID}(:\w+)?", "adopted", "due", "enabled",
    rf"job:{_ID}(:\w+)?", rf"run:{_ID}(:.*)?", "alerts(:.*)?",
    rf"alert:{_ID}", "deliveries:.*", "rules:wanted", "ledger:.*", "idempotency:.*", "memory:.*", "audit",
    rf"deleted:{_ID}(:revisions)?",
)  # fmt: skip
"""Keys that hold ids, numbers and times, or have a place above. Other contacts' data is theirs."""
