"""What `doctor` looks at: the API, the settings, the data folder, and Redis itself."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.bots.support.secrets import SecretRefused, problem, signing_key
from service.cli.api import Api
from service.cli.doctor.findings import Finding, State, crew
from service.cli.failures import Exit, Failure
from service.cli.place import Place, up_environment
from service.domain.notices import CLOCK_ADVICE, DATA_ADVICE
from service.errors import ChannelUnavailable, StoreUnavailable
from service.messages import Messenger, why_unusable
from service.secrecy.key_strength import ADVICE, weakness
from service.secrecy.secret_hosts import unbound
from service.secrecy.secret_names import SUFFIX, is_binding, is_secret
from service.settings import ALLOWS_PRIVATE, Settings
from service.store.counters import Reading, read
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.schema import newest
from service.store.scripts import Limits
from service.store.server.connection import Client, connect
from service.store.server.kind import refusal_of_writes, refuse_unsuitable
from service.store.server.rights import deafness, refuse_half_rights, rights
from service.store.server.startup_checks import OFFSET_WARNING_SECONDS, clock_offset, risks, server_info
from service.store.server.translation import translate_errors

LITTLE_ROOM, NO_ROOM = 2**30, 100 * 2**20
"""Bytes free where the data is kept."""
NEARLY_FULL = 0.9


def check_api(api: Api) -> Iterator[Finding]:
    """Whether the API answers, takes the key, and says that it is well."""
    try:
        health = api.json(api.ask("GET", "/scheduler/health", taken=(503,), seconds=10), "status")
    except Failure as failure:
        yield Finding("api", "problem", failure.sentence, "Start it (`make up`, or the platform's web process)")
        return
    if health.get("redis_connected"):
        yield Finding("api", "ok", f"answers at {api.place.url}")
    else:
        found = f"answers at {api.place.url}, and cannot use its Redis"
        yield Finding("api", "problem", found, "See below, or the web process' log")
    yield from noticed(health)
    try:
        api.get("/scheduler/jobs", limit=1)
        yield Finding("key", "ok", f"the key from {api.place.key_from} is accepted")
    except Failure as failure:
        if failure.exit is Exit.UNAUTHORISED:
            yield Finding("key", "problem", failure.sentence, "Set API_KEY to what the web process has")
        else:
            yield Finding("key", "unknown", f"whether the key is accepted was not told: {failure.sentence}", None)


def check_keys(place: Place) -> Iterator[Finding]:
    """Whether the API keys that are known here could be guessed."""
    previous = (up_environment() if place.local else os.environ).get("API_KEY_PREVIOUS")
    keys = {"API_KEY": place.key and place.key.decode(errors="replace"), "API_KEY_PREVIOUS": previous}
    for name, key in keys.items():
        if key:
            why = weakness(key)
            found = "is long enough not to be guessed" if why is None else why
            state: State = "ok" if why is None else "warning"
            yield Finding(f"{name.lower()}_strength", state, f"{name} {found}", None if why is None else ADVICE)


def check_secrets(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the secrets that jobs may name are well-formed, and which may go anywhere. Names alone are told."""
    for name in sorted(filter(is_secret, environment)):
        value = environment[name]
        wrong = problem(value) if value else None
        if wrong is None and value.startswith("whsec_"):
            try:
                signing_key(name, value)
            except SecretRefused as error:
                wrong = str(error).removeprefix(f"{name} ")
        if wrong is not None:
            yield Finding("secret", "problem", f"{name} {wrong}", "Correct it where workers and schedulers run")
    if free := unbound(environment):
        others = ", and likewise for the others," if free[1:] else ""
        advice = f"Set {free[0]}{SUFFIX}{others} to the hosts that may have it"
        yield Finding("secret_hosts", "warning", f"bound to no host: {', '.join(free)}", advice)
    for name in sorted(filter(is_binding, environment)):
        if not environment.get(name.removesuffix(SUFFIX)):
            yield Finding("secret_hosts", "warning", f"{name} binds {name.removesuffix(SUFFIX)}, which is not set")


def noticed(health: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the data went back or the clock stepped, and nobody has acknowledged it."""
    for check, well, advice in (
        ("data", "has not gone back", DATA_ADVICE),
        ("clock_steps", "the clock has made no step", CLOCK_ADVICE),
    ):
        seen = health.get("data_went_back" if check == "data" else "clock_stepped")
        if seen:
            yield Finding(check, "problem" if check == "data" else "warning", str(seen["detail"]), advice)
        elif health.get("redis_connected"):
            yield Finding(check, "ok", well)


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Whether what can be left out was left out on purpose."""
    url = settings.message_url
    if url is None:
        advice = "Set MESSAGE_URL, or the birthday bot can only rehearse"
        yield Finding("message_url", "warning", "MESSAGE_URL is not set in this environment", advice)
    else:
        try:
            Messenger.of(settings).check()
            advice = "POST /scheduler/messages/test proves it"
            yield Finding("message_url", "ok", "MESSAGE_URL is set and well-formed", advice)
        except ChannelUnavailable as error:
            yield Finding("message_url", "problem", str(error), "See README, Send messages for real")
        if "{phone}" in url.get_secret_value() and settings.phone_region is None:
            advice = "Set it to the country, such as US, whose numbers are written without +…"
            yield Finding(
                "phone_region", "warning", "PHONE_REGION is not set: numbers without + get no message", advice
            )
    if settings.alert_url is None:
        advice = "Set ALERT_URL to hear of runs that fail"
        yield Finding("alert_url", "warning", "ALERT_URL is not set in this environment", advice)
    else:
        yield from _alert_urls(settings.alert_url.get_secret_value().split())
    if settings.visitor_allow_private:
        advice = "Name in NETWORK_ALLOW the networks, addresses and hosts that are meant, and unset it"
        yield Finding("network_allow", "warning", ALLOWS_PRIVATE, advice)


def _alert_urls(urls: list[str]) -> Iterator[Finding]:
    reasons = [(number, why_unusable(url, url)) for number, url in enumerate(urls, start=1)]
    wrong = [f"URL {number} of ALERT_URL {reason}" for number, reason in reasons if reason is not None]
    if wrong:
        yield Finding("alert_url", "problem", "; ".join(wrong), "Correct it: https://github.com/caronc/apprise/wiki")
    else:
        yield Finding("alert_url", "ok", "ALERT_URL is set and well-formed")


def check_data(folder: Path) -> Iterator[Finding]:
    """Whether there is room where `make up` keeps its data, and whether the key there is kept secret."""
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    state: State = "problem" if free < NO_ROOM else "warning" if free < LITTLE_ROOM else "ok"
    advice = None if state == "ok" else "Make room: what Redis cannot write to disk is lost when it stops"
    yield Finding("disk", state, f"{free / 2**30:.1f} GiB are free in {folder}", advice)
    key = folder / "api_key"
    if key.exists():
        private = key.stat().st_mode & 0o077 == 0
        found = "is readable by its owner alone" if private else "can be read by others"
        yield Finding(
            "key_file", "ok" if private else "warning", f"{key} {found}", None if private else f"chmod 600 {key}"
        )


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Redis itself: its version, whether it could lose or evict jobs, its clock and the schema; then who is up."""
    client, keys = connect(settings, "scheduler"), Keys(settings.redis_prefix)
    try:
        refuse_unsuitable(client)
        info = server_info(client, "everything")
        if info is None:
            found = "the user in REDIS_URL may not use INFO: version, memory and persistence were not looked at"
            yield Finding("redis_info", "unknown", found, "Give it +info, or look at them elsewhere")
        else:
            yield from _server(info)
            yield from _durability(client, info)
        yield _clock(client)
        yield _schema(client, keys)
        yield from _rights(client, keys)
        yield _writes(client, keys)
        yield from from_reading(read(make_scripts(client, keys, Limits.of(settings))))
    except StoreUnavailable as error:
        advice = error.advice or "Start Redis, or correct REDIS_URL"
        yield Finding("redis", "problem", error.sentence, advice)
    finally:
        client.close()


def _server(info: Mapping[str, Any]) -> Iterator[Finding]:
    name, oldest = ("Valkey", (7, 2)) if "valkey_version" in info else ("Redis", (6, 2))
    version = str(info.get(f"{name.lower()}_version", "0"))
    recent = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= oldest
    wanted = ".".join(map(str, oldest))
    advice = None if recent else f"Move to {name} {wanted} or later"
    yield Finding("redis_version", "ok" if recent else "problem", f"{name} {version}", advice)
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        yield Finding("memory", "ok", f"{used / 2**20:.0f} MiB in use, no limit set")
        return
    full = used > NEARLY_FULL * most
    if used >= most and info.get("maxmemory_policy", "noeviction") == "noeviction":
        found = f"all of {most / 2**20:.0f} MiB is in use: Redis refuses writes"
        yield Finding("memory", "problem", found, "Raise maxmemory, or lower HISTORY_LIMIT")
        return
    advice = "Raise maxmemory or lower HISTORY_LIMIT: a full Redis refuses writes" if full else None
    found = f"{used / 2**20:.0f} of {most / 2**20:.0f} MiB in use"
    yield Finding("memory", "warning" if full else "ok", found, advice)


def _durability(client: Client, info: Mapping[str, Any]) -> Iterator[Finding]:
    found = risks(client)
    if found.eviction:
        advice = "CONFIG SET maxmemory-policy noeviction, or the platform's setting for it"
        yield Finding("eviction", "problem", found.eviction, advice)
    else:
        yield Finding("eviction", "ok", "nothing is evicted (noeviction)")
    failing = [name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if info.get(name, "ok") != "ok"]
    if failing:
        told = f"Redis cannot write to its disk ({', '.join(failing)})"
        yield Finding("persistence", "problem", told, "See its log; most often the disk is full")
    elif found.persistence:
        yield Finding("persistence", "warning", found.persistence, "Set appendonly yes, or take a plan that persists")
    else:
        yield Finding("persistence", "ok", "an append-only file is kept")


def _writes(client: Client, keys: Keys) -> Finding:
    refused = refusal_of_writes(client, keys)
    if refused is None:
        return Finding("writes", "ok", "are taken")
    return Finding("writes", "problem", refused.sentence, refused.advice)


def _rights(client: Client, keys: Keys) -> Iterator[Finding]:
    try:
        found = rights(client, keys)
        refuse_half_rights(found)
    except StoreUnavailable as error:
        yield Finding("rights", "problem", error.sentence, error.advice)
        return
    deaf = deafness(found, keys)
    advice = f"Add +publish +subscribe &{keys.prefix}:* to that user (docs/deploy.md)"
    yield Finding("rights", "warning", deaf, advice) if deaf else Finding("rights", "ok", "all that is needed")


def _clock(client: Client) -> Finding:
    offset = clock_offset(client)
    if abs(offset) > OFFSET_WARNING_SECONDS:
        return Finding("clock", "warning", f"this machine is {offset:+.1f} s off Redis' clock", "Set up NTP on both")
    return Finding("clock", "ok", f"{offset:+.2f} s off Redis' clock")


def _schema(client: Client, keys: Keys) -> Finding:
    with translate_errors():
        found = client.get(keys.schema_version)
    if found is None:
        told = f"nothing is kept under {keys.prefix!r} yet"
        return Finding("schema", "warning", told, "Start the service, or correct REDIS_URL and REDIS_PREFIX")
    if int(found) == newest():
        return Finding("schema", "ok", f"version {newest()}")
    newer = int(found) > newest()
    advice = "Run the newer release" if newer else "Start this release: it migrates by itself"
    return Finding("schema", "problem" if newer else "warning", f"version {int(found)}, and this is {newest()}", advice)


def from_reading(now: Reading) -> Iterator[Finding]:
    """Who is up and what waits, as Redis tells it."""
    yield from crew(
        now.schedulers, now.workers, now.leader, now.queued, now.queued_for_seconds, now.refusal is not None
    )
