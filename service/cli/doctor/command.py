"""`bot-scheduler doctor`: looks at everything that a service needs, and says what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace

import typer
from prometheus_client.parser import text_string_to_metric_families

from service.cli.api import Api, api
from service.cli.arguments import Json
from service.cli.doctor.findings import Finding, crew
from service.cli.failures import Exit, Failure
from service.cli.output import coloured, counted, say, show_json, show_table
from service.cli.place import data_dir, own_redis, up_environment
from service.secrecy.redaction import Redaction


def doctor(json: Json = False) -> None:
    """Check settings, Redis, clock, schedulers, workers and the queue, and say what to do.

    Redis itself is looked at where REDIS_URL is set, and beside `make up`; all else is asked of the API. The exit code
    is 1 if there is a problem; warnings alone make it 0.
    """
    known = Redaction.of(up_environment())
    findings = [
        replace(one, found=known.applied(one.found), advice=one.advice and known.applied(one.advice))
        for one in _examined(api())
    ]
    problems = sum(finding.state == "problem" for finding in findings)
    warnings = sum(finding.state == "warning" for finding in findings)
    if json:
        show_json({"problems": problems, "warnings": warnings, "findings": [asdict(finding) for finding in findings]})
    else:
        show_table(
            ("STATE", "CHECK", "FOUND", "WHAT TO DO"),
            [(coloured(one.state), one.check, one.found, one.advice) for one in findings],
        )
        say(
            f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}" if problems or warnings else "All is well"
        )
    if problems:
        raise typer.Exit(Exit.FAILED)


def _examined(service: Api) -> Iterator[Finding]:
    from service.environment import refuse_foreign
    from service.errors import SettingsError

    try:
        refuse_foreign(os.environ)
    except SettingsError as error:
        yield Finding("settings", "problem", str(error), "Correct it in the environment or in .env")
        return
    from service.cli.doctor import checks  # here, since all that it looks at takes a while to load
    from service.settings import load_settings

    yield from checks.check_api(service)
    yield from checks.check_keys(service.place)
    direct = bool(os.environ.get("REDIS_URL"))
    if direct or service.place.local:
        os.environ.update(up_environment())
        if service.place.ups and not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = own_redis() or ""
        try:
            settings = load_settings()
        except SettingsError as error:
            yield Finding("settings", "problem", str(error), "Correct it in the environment or in .env")
            return
        yield Finding("settings", "ok", "are well-formed")
        yield from checks.check_settings(settings)
        yield from checks.check_secrets(os.environ)
        yield from checks.check_data(data_dir())
        if os.environ.get("REDIS_URL"):
            yield from checks.check_redis(settings)
            return
    advice = "Set REDIS_URL here to have version, eviction, persistence, clock and schema looked at"
    yield Finding("redis", "unknown", "REDIS_URL is not set here, so that Redis itself was not looked at", advice)
    yield from _by_metrics(service)


def _by_metrics(service: Api) -> Iterator[Finding]:
    """Who is up, as the API tells it."""
    try:
        values, leader = _measured(service)
    except Failure as failure:
        yield Finding("scheduler", "unknown", f"the API does not tell: {failure.sentence}", None)
        return
    schedulers, workers, queued = (int(values.get(name, 0)) for name in ("schedulers", "workers", "queue_depth"))
    refused = values.get("redis_takes_writes") == 0
    if refused:
        yield Finding("writes", "problem", "Redis refuses writes", "See its log: most often its disk or memory is full")
    yield from crew(schedulers, workers, leader, queued, values.get("queue_oldest_age_seconds", 0.0), refused)


def _measured(service: Api) -> tuple[dict[str, float], str | None]:
    """The metrics by their names, and the acting scheduler's name. Raises Failure."""
    text = service.ask("GET", "/metrics", headers={"Accept": "text/plain"}, seconds=10).text
    values: dict[str, float] = {}
    leader = None
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values[sample.name.removeprefix("bot_scheduler_")] = sample.value
                leader = sample.labels.get("scheduler", leader)
    except ValueError:
        raise service.stranger() from None
    if "schedulers" not in values:
        raise service.stranger()
    return values, leader
