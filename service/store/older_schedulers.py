"""Schedulers of an older release that still beat: they would not understand what this release can store."""

from __future__ import annotations

from service.domain.input.refusals import listed
from service.domain.status import FRESH_MS
from service.errors import StoreUnavailable
from service.store.scripts import Scripts
from service.store.server.asking import ask, pairs, scored
from service.store.server.redis_clock import ms_of


def require_schedulers(scripts: Scripts, version: int, what: str = "this kind of job") -> None:
    """Refuse to store what needs a version of the schema, while a scheduler beats that does not know it.

    It has met a newer version by then, and waits; but it may have read the job before that, or be led back to work by
    outside hands. Ask only for what older releases do not know: it takes a round trip.

    Args:
        scripts: the scripts of this installation.
        version: of the schema, at least.
        what: what an older release does not know, for the refusal.

    Raises:
        StoreUnavailable: there is such a scheduler, which it names; or Redis is away.
    """
    keys = scripts.keys
    now, beats, known = ask(
        scripts, ("TIME",), ("ZRANGE", keys.schedulers, 0, -1, "WITHSCORES"), ("HGETALL", keys.scheduler_versions)
    )
    versions = pairs(known)
    older = [
        name.decode(errors="replace")
        for name, beat in scored(beats)
        if abs(ms_of(now) - beat) <= FRESH_MS and int(versions.get(name, 0)) < version
    ]
    if older:
        raise StoreUnavailable(
            f"The scheduler {listed(older, 'and')} is of an older release and does not know {what}",
            "Stop it, or try again when the newer release has taken its place",
        )
