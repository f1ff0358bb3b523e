"""Checks of this environment: its keys, settings, secrets and data folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.bots.support.secrets import SecretRefused, problem, signing_key
from service.cli.client.location import Location, up_environment
from service.cli.doctor.findings import Finding, State
from service.errors import ChannelUnavailable
from service.messages import Messenger, why_unusable
from service.secrecy.key_strength import ADVICE, weakness
from service.secrecy.secret_hosts import unbound
from service.secrecy.secret_names import SUFFIX, is_binding, is_secret
from service.settings import ALLOWS_PRIVATE, Settings

LOW_ON_DISK, DISK_FULL = 2**30, 100 * 2**20
"""Free bytes in the data folder below which the disk is a warning, and a problem."""


def check_keys(location: Location) -> Iterator[Finding]:
    """Check that the API keys in this environment are hard to guess."""
    previous = (up_environment() if location.local else os.environ).get("API_KEY_PREVIOUS")
    keys = {"API_KEY": location.key and location.key.decode(errors="replace"), "API_KEY_PREVIOUS": previous}
    for name, key in keys.items():
        if not key:
            continue
        check = f"{name.lower()}_strength"
        if why := weakness(key):
            yield Finding(check, "warning", f"{name} {why}", ADVICE)
        else:
            yield Finding(check, "ok", f"{name} is hard to guess")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Check the settings for messages, alerts and the network, which may be missing by mistake."""
    yield from _message_url(settings)
    if settings.alert_url is None:
        advice = "Set ALERT_URL to get an alert when a run fails"
        yield Finding("alert_url", "warning", "ALERT_URL is not set in this environment", advice)
    else:
        yield from _alert_urls(settings.alert_url.get_secret_value().split())
    if settings.heartbeat_url is None:
        advice = "Set HEARTBEAT_URL to the address of a monitor outside; it notices when this whole machine is dead"
        yield Finding("heartbeat_url", "warning", "HEARTBEAT_URL is not set in this environment", advice)
    else:
        yield Finding("heartbeat_url", "ok", "HEARTBEAT_URL is set")
    if settings.visitor_allow_private:
        advice = "List the networks, addresses and hosts to allow in NETWORK_ALLOW, and unset VISITOR_ALLOW_PRIVATE"
        yield Finding("network_allow", "warning", ALLOWS_PRIVATE, advice)


def _message_url(settings: Settings) -> Iterator[Finding]:
    if settings.message_url is None:
        advice = "Set MESSAGE_URL; without it, the birthday bot can only rehearse"
        yield Finding("message_url", "warning", "MESSAGE_URL is not set in this environment", advice)
        return
    try:
        Messenger.of(settings).check()
        advice = "To send a test message: bot-scheduler messages test --help"
        yield Finding("message_url", "ok", "MESSAGE_URL is set and well-formed", advice)
    except ChannelUnavailable as error:
        yield Finding("message_url", "problem", str(error), "See README, Send messages for real")
    if "{phone}" in settings.message_url.get_secret_value() and settings.phone_region is None:
        advice = "Set it to the country of the numbers without +…, such as US"
        found = "PHONE_REGION is not set: numbers without + get no message"
        yield Finding("phone_region", "warning", found, advice)


def _alert_urls(urls: list[str]) -> Iterator[Finding]:
    reasons = [(number, why_unusable(url, url)) for number, url in enumerate(urls, start=1)]
    wrong = [f"URL {number} of ALERT_URL {reason}" for number, reason in reasons if reason is not None]
    if wrong:
        yield Finding("alert_url", "problem", "; ".join(wrong), "Correct it: https://github.com/caronc/apprise/wiki")
    else:
        yield Finding("alert_url", "ok", "ALERT_URL is set and well-formed")


def check_secrets(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check the secrets for jobs: their form, and the hosts they are bound to. Findings have names, never values."""
    for name in sorted(filter(is_secret, environment)):
        if wrong := _why_malformed(name, environment[name]):
            yield Finding("secret", "problem", f"{name} {wrong}", "Correct it where workers and schedulers run")
    if free := unbound(environment):
        others = ", and likewise for the others," if free[1:] else ""
        advice = f"Set {free[0]}{SUFFIX}{others} to the hosts that may receive it"
        yield Finding("secret_hosts", "warning", f"bound to no host: {', '.join(free)}", advice)
    for name in sorted(filter(is_binding, environment)):
        if not environment.get(name.removesuffix(SUFFIX)):
            yield Finding("secret_hosts", "warning", f"{name} binds {name.removesuffix(SUFFIX)}, which is not set")


def _why_malformed(name: str, value: str) -> str | None:
    wrong = problem(value) if value else None
    if wrong is None and value.startswith("whsec_"):
        try:
            signing_key(name, value)
        except SecretRefused as error:
            return str(error).removeprefix(f"{name} ")
    return wrong


def check_data(folder: Path) -> Iterator[Finding]:
    """Check the data folder of `make up`: free space, and that only its owner can read the key."""
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    state: State = "problem" if free < DISK_FULL else "warning" if free < LOW_ON_DISK else "ok"
    advice = (
        None if state == "ok" else "Free some space: when Redis stops, it loses everything that it cannot write to disk"
    )
    yield Finding("disk", state, f"{free / 2**30:.1f} GiB are free in {folder}", advice)
    key = folder / "api_key"
    if not key.exists():
        return
    if key.stat().st_mode & 0o077:
        yield Finding("key_file", "warning", f"other users can read {key}", f"chmod 600 {key}")
    else:
        yield Finding("key_file", "ok", f"only its owner can read {key}")
