"""Errors that Redis answers when it is unusable, now or for good, with advice for each.

An answer begins with a code; if a script or a pipeline met the error, Redis or its client puts words before that.
"""

from __future__ import annotations

import re

from service.errors import StoreFull, StoreUnavailable, StoreUnsuitable, WritesRefused

_CODE = re.compile(r"(?:ERR Error running script.*?-)?([A-Z]{3,}) ", re.DOTALL)
_PIPELINE = "of pipeline caused error: "
_COMMAND = re.compile(r"'([a-z|_-]+)' command")

CHANGING = ("UNBLOCKED", "LOADING", "BUSY")
"""Codes of a Redis on its way to another state: it changes its role, loads, or runs a long script."""
CLUSTER = ("CLUSTERDOWN", "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN")
"""Codes that only a cluster answers."""


def of_answer(text: str) -> StoreUnavailable | None:
    """Find this service's error for one that Redis answered; None for a defect of ours."""
    text = text.rpartition(_PIPELINE)[2]
    found = _CODE.match(text)
    code = found.group(1) if found else ""
    if code == "OOM" or "OOM command not allowed" in text:
        return full()
    if code == "MISCONF":
        return unsaved(text)
    if code == "READONLY":
        return replica()
    if code in CLUSTER or "in a cluster node" in text or "cluster is down" in text:
        return cluster()
    if code == "NOPERM" or "ACL failure in script" in text:
        return not_permitted(text)
    if code == "NOREPLICAS":
        return StoreUnavailable(
            "Redis refuses writes, since too few replicas are in touch with it (min-replicas-to-write)",
            "Bring its replicas back, or lower that setting",
        )
    if code == "MASTERDOWN":
        return orphan()
    if code in CHANGING:
        return StoreUnavailable(f"Redis is changing its state or role ({code}) and is asked again")
    if "DB index is out of range" in text:
        return StoreUnavailable("Redis has no database with the number in REDIS_URL", "Correct REDIS_URL")
    return no_connection() if "max number of clients" in text else None


def full() -> StoreFull:
    """Say that its memory is full."""
    return StoreFull("Redis is out of memory and refuses writes", "Make room or raise its maxmemory")


def unsaved(text: str) -> WritesRefused:
    """Say that it cannot write its snapshot or its append-only file."""
    where = "append-only file" if "AOF" in text else "snapshot"
    return WritesRefused(
        f"Redis cannot write its {where} to disk and refuses all writes (MISCONF)",
        "See its log; most often the disk is full",
    )


def replica() -> StoreUnsuitable:
    """Say that it is a replica, and takes no writes."""
    return StoreUnsuitable("REDIS_URL leads to a replica, which takes no writes", "Point REDIS_URL at the primary")


def orphan() -> StoreUnavailable:
    """Say that it is a replica that cannot reach its primary."""
    return StoreUnavailable("Redis is a replica that has lost its primary", "Point REDIS_URL at the primary")


def cluster() -> StoreUnsuitable:
    """Say that it is a node of a cluster, where keys that belong together can lie on different nodes."""
    return StoreUnsuitable(
        "REDIS_URL leads to a cluster, which this service cannot use",
        "Point REDIS_URL at one Redis without cluster mode, with a replica to stand by if need be",
    )


def sentinel() -> StoreUnsuitable:
    """Say that it is a Sentinel, which keeps no data."""
    return StoreUnsuitable(
        "REDIS_URL leads to a Sentinel, which keeps no data", "Point REDIS_URL at the primary that it watches"
    )


def not_permitted(text: str) -> StoreUnavailable:
    """Say that the user lacks a right."""
    found = _COMMAND.search(text)
    return may_not(found.group(1).upper() if found else None)


def may_not(command: str | None) -> StoreUnavailable:
    """Say that the user may not use this command; None if Redis does not name it."""
    told = f" (it may not use {command})" if command else ""
    return StoreUnavailable(
        f"The user in REDIS_URL lacks rights that the service needs{told}",
        "Give that user the rights listed in docs/deploy.md",
    )


def no_connection() -> StoreUnavailable:
    """Say that others have all of its connections."""
    return StoreUnavailable(
        "Redis has no connection to spare (max number of clients reached)", "Raise its maxclients or close some"
    )
