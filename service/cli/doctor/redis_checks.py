"""Checks of Redis itself: its version, memory, durability, rights, clock and schema, and the processes using it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.cli.doctor.findings import Finding, process_findings
from service.cli.doctor.rights_check import rights_finding
from service.cli.output.escaping import quoted
from service.domain.input.refusals import listed
from service.domain.status import MEMORY_ADVICE, MEMORY_FULL, MEMORY_REFUSED, memory_in_use, memory_level
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.counters import Reading, read
from service.store.guesses import Guessers, today
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.schema import newest
from service.store.scripts import Limits
from service.store.server.connection import Client, connect
from service.store.server.kind import refusal_of_writes, refuse_unsuitable, server_info
from service.store.server.startup_checks import OFFSET_WARNING_SECONDS, clock_offset, risks
from service.store.server.translation import translate_errors
from service.store.watermark import usage

MANY_GUESSES = 100
"""Wrong keys on a day from which on they are a warning: a client that has the wrong key sends as many."""


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Check Redis, then the processes and the queue that it knows of."""
    client, keys = connect(settings, "scheduler"), Keys(settings.redis_prefix)
    try:
        refuse_unsuitable(client)
        yield rights_finding(client, keys, settings.redis_url.get_secret_value())
        info = server_info(client, "everything")
        if info is None:
            found = "the user in REDIS_URL may not use INFO, so version, memory and persistence were not checked"
            yield Finding("redis_info", "unknown", found, "Grant it +info, or check them elsewhere")
        else:
            yield from _server(info)
            yield from _durability(client, info)
        yield clock_finding(clock_offset(client))
        yield _schema(client, keys)
        yield _writes(client, keys)
        scripts = make_scripts(client, keys, Limits.of(settings))
        yield guessing_finding(today(scripts))
        yield from _processes(read(scripts))
    except StoreUnavailable as error:
        advice = error.advice or "Start Redis, or correct REDIS_URL"
        yield Finding("redis", "problem", error.sentence, advice)
    finally:
        client.close()


def _server(info: Mapping[str, Any]) -> Iterator[Finding]:
    yield _version(info)
    yield _memory(info)


def _version(info: Mapping[str, Any]) -> Finding:
    name, oldest = ("Valkey", (7, 2)) if "valkey_version" in info else ("Redis", (6, 2))
    version = str(info.get(f"{name.lower()}_version", "0"))
    recent = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= oldest
    wanted = ".".join(map(str, oldest))
    advice = None if recent else f"Upgrade to {name} {wanted} or later"
    return Finding("redis_version", "ok" if recent else "problem", f"{name} {version}", advice)


def _memory(info: Mapping[str, Any]) -> Finding:
    used, most = usage(info)
    if not most:
        return Finding("memory", "ok", memory_in_use(used, most))
    if used >= most and info.get("maxmemory_policy", "noeviction") == "noeviction":
        found = f"all {most / 2**20:.0f} MiB are in use, so Redis refuses writes"
        return Finding("memory", "problem", found, "Raise maxmemory, or lower HISTORY_LIMIT")
    level, found = memory_level(used, most, ""), memory_in_use(used, most)
    if level == "full":
        return Finding("memory", "problem", f"{found}, so {MEMORY_REFUSED}", MEMORY_ADVICE)
    advice = f"{MEMORY_ADVICE}; from {MEMORY_FULL:.0%} on, {MEMORY_REFUSED}" if level else None
    return Finding("memory", "warning" if level else "ok", found, advice)


def guessing_finding(guessers: Guessers) -> Finding:
    """Name those who sent the most wrong keys today."""
    named = [f"{count:,} from {sender}" for sender, count in guessers.most]
    others = [f"{guessers.others:,} from others"] if guessers.others else []
    if not guessers.total:
        return Finding("guessing", "ok", "no wrong API key was refused since midnight UTC")
    found = f"{guessers.total:,} wrong API keys were refused since midnight UTC: {listed([*named, *others], 'and')}"
    if guessers.total <= MANY_GUESSES:
        return Finding("guessing", "ok", found)
    advice = "Correct the key of a client of yours, or keep that address out; behind a proxy, set TRUSTED_PROXIES"
    return Finding("guessing", "warning", found, advice)


def _durability(client: Client, info: Mapping[str, Any]) -> Iterator[Finding]:
    risk = risks(client)
    if risk.eviction:
        advice = "CONFIG SET maxmemory-policy noeviction, or the platform's setting for it"
        yield Finding("eviction", "problem", risk.eviction, advice)
    else:
        yield Finding("eviction", "ok", "Redis evicts nothing (noeviction)")
    failing = [name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if info.get(name, "ok") != "ok"]
    if failing:
        found = f"Redis cannot write to its disk ({', '.join(failing)})"
        yield Finding("persistence", "problem", found, "See its log; most often the disk is full")
    elif risk.persistence:
        yield Finding(
            "persistence", "warning", risk.persistence, "Set appendonly yes, or choose a plan with persistence"
        )
    else:
        yield Finding("persistence", "ok", "Redis keeps an append-only file")


def _writes(client: Client, keys: Keys) -> Finding:
    refused = refusal_of_writes(client, keys)
    if refused is None:
        return Finding("writes", "ok", "Redis accepts writes")
    return Finding("writes", "problem", refused.sentence, refused.advice)


def clock_finding(offset: float) -> Finding:
    """Compare this machine's clock with Redis' clock.

    Args:
        offset: this clock minus Redis' clock, in seconds.
    """
    if abs(offset) > OFFSET_WARNING_SECONDS:
        return Finding(
            "clock",
            "warning",
            f"this machine's clock is {offset:+.1f} s off Redis' clock",
            "Set up NTP on both machines",
        )
    offset = round(offset, 2) + 0.0  # no -0.00
    return Finding("clock", "ok", f"this machine's clock is {offset:+.2f} s off Redis' clock")


def _schema(client: Client, keys: Keys) -> Finding:
    with translate_errors():
        found = client.get(keys.schema_version)
    if found is None:
        told = f"Redis has no data under {quoted(keys.prefix)} yet"
        return Finding("schema", "warning", told, "Start the service, or correct REDIS_URL and REDIS_PREFIX")
    if int(found) == newest():
        return Finding("schema", "ok", f"version {newest()}")
    newer = int(found) > newest()
    advice = "Run the newer release" if newer else "Start this release: it migrates the data"
    return Finding(
        "schema",
        "problem" if newer else "warning",
        f"the data has version {int(found)}, this release {newest()}",
        advice,
    )


def _processes(now: Reading) -> Iterator[Finding]:
    yield from process_findings(
        now.schedulers, now.workers, now.leader, now.queued, now.queued_for_seconds, now.refusal is not None
    )
