"""Check of the rights of the user in REDIS_URL: which commands, keys and channels it lacks, and the line to add."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from service.cli.doctor.findings import Finding, State
from service.errors import StoreUnavailable
from service.store.keys import Keys
from service.store.server.connection import Client
from service.store.server.needs import PROCESSES, Process
from service.store.server.rights import Rights, deafness, rights

NAMED = 5
"""Missing rights that the finding names; the line to add has all of them."""


def rights_finding(client: Client, keys: Keys, url: str) -> Finding:
    """Check the rights that the process of this user needs; those of all processes if it is no user of users.acl.

    Args:
        client: a connection of that user's.
        keys: the installation's key names.
        url: REDIS_URL.
    """
    user = unquote(urlsplit(url).username or "default")
    process = process_of(user, keys)
    try:
        found = rights(client, keys, process)
    except StoreUnavailable as error:
        # Without scripts, Redis cannot be asked.
        advice = _line(user, ["+eval", "+evalsha"]) if "EVAL" in error.sentence else error.advice
        return Finding("rights", "problem", error.sentence, advice)
    if found.missing:
        return _missing(found, user)
    if deaf := deafness(found, keys):  # Redis before 7 says nothing else
        return Finding("rights", "warning", deaf, _line(user, [f"&{keys.wake}", "+publish", "+subscribe"]))
    whose = f"a {process} process needs" if process else "it needs"
    return Finding("rights", "ok", f"the user in REDIS_URL has all rights {whose}")


def process_of(user: str, keys: Keys) -> Process | None:
    """Return the kind of process whose user in deploy/redis/users.acl has this name; None for any other user."""
    return next((process for process in PROCESSES if user == f"{keys.prefix}-{process}"), None)


def _missing(found: Rights, user: str) -> Finding:
    lacking = found.refused or found.missing
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    told = f"the user in REDIS_URL may not use {', '.join(map(str, lacking[:NAMED]))}{more}"
    if not found.refused:
        told = f"{told}: {'; '.join(dict.fromkeys(str(need.without) for need in lacking))}"
    state: State = "problem" if found.refused else "warning"
    return Finding("rights", state, told, _line(user, [need.rule for need in found.missing]))


def _line(user: str, rules: list[str]) -> str:
    return f"ACL SETUSER {user} {' '.join(rules)} (docs/deploy.md)"
