"""Quotas of jobs and contacts: their refusals, and a look before many are created.

The scripts that create hold to them, so that two processes do not pass one together.
"""

from __future__ import annotations

from typing import Any

from service.errors import Conflict
from service.store.scripts import Scripts
from service.store.server.asking import ask
from service.store.watermark import no_memory, require_memory


def too_many(setting: str, most: int, kind: str) -> Conflict:
    """Return the refusal of a new record.

    Args:
        setting: the quota's name.
        most: its value.
        kind: what is counted, in the plural.
    """
    return Conflict(f"{setting} allows {most:,} {kind}, and there are as many; delete some, or raise the setting")


def refuse_job(scripts: Scripts, answer: Any) -> None:
    """Raise the refusal that a script has answered, if it is one.

    Raises:
        Conflict: there are as many jobs as `MAX_JOBS` allows.
        StoreFull: Redis is nearly full.
    """
    if answer[0] == b"too_many":
        raise too_many("MAX_JOBS", scripts.limits.max_jobs, "jobs")
    if answer[0] == b"no_memory":
        raise no_memory()


def require_room_for_jobs(scripts: Scripts, new: int) -> None:
    """Refuse many new jobs before the first one is created, as far as is known by now.

    Args:
        scripts: the scripts of this installation.
        new: how many are to be created.

    Raises:
        Conflict: these would be more than `MAX_JOBS` allows.
        StoreFull: Redis is nearly full.
        StoreUnavailable: Redis is away.
    """
    if not new:
        return
    require_memory(scripts.client, scripts.keys)
    most = scripts.limits.max_jobs
    if most:
        (there,) = ask(scripts, ("ZCARD", scripts.keys.jobs))
        if int(there) + new > most:
            raise Conflict(
                f"MAX_JOBS allows {most:,} jobs; there are {int(there):,}, and this would create {new:,} more"
            )
