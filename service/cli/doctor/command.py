"""`bot-scheduler doctor`: check everything that the service needs, and say what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace

import typer
from rich.text import Text

from service.cli.client.api import Api, api
from service.cli.client.location import data_dir, own_redis, up_environment
from service.cli.doctor.findings import Finding
from service.cli.exits import Exit
from service.cli.input.arguments import Json
from service.cli.output.escaping import clean, counted
from service.cli.output.formats import Format, manner, show_data
from service.cli.output.printing import coloured, out, say, show_columns
from service.cli.output.tables import Column, show_table
from service.secrecy.redaction import Redaction


def doctor(json: Json = False) -> None:
    """Check settings, Redis, clock, schedulers, workers and the queue, and say what to do.

    Redis itself is checked if REDIS_URL is set, or next to `make up`; all else comes from the API.

    The exit code is 1 if there is a problem, and 0 if there are only warnings.
    """
    known = Redaction.of(up_environment())
    findings = [
        replace(one, found=known.applied(one.found), advice=one.advice and known.applied(one.advice))
        for one in _findings(api())
    ]
    problems = sum(finding.state == "problem" for finding in findings)
    warnings = sum(finding.state == "warning" for finding in findings)
    if json:
        show_data({"problems": problems, "warnings": warnings, "findings": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
        say(
            f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}"
            if problems or warnings
            else "No problems found"
        )
    if problems:
        raise typer.Exit(Exit.FAILED)


def _show(findings: list[Finding]) -> None:
    """Print the findings: on a terminal whole sentences, broken between words; elsewhere each on a line of its own."""
    if not out().is_terminal or manner().format is Format.WIDE:
        columns = (Column("STATE"), Column("CHECK"), Column("FOUND"), Column("WHAT TO DO"))
        show_table(columns, [(coloured(one.state), one.check, one.found, one.advice) for one in findings])
        return
    widest = max(len(one.state) for one in findings)
    for one in findings:
        told = Text.assemble(
            (one.check, "bold"), ": ", clean(one.found), f". {clean(one.advice)}." if one.advice else ""
        )
        show_columns(coloured(one.state), widest, told)


def _findings(service: Api) -> Iterator[Finding]:
    from service.environment import refuse_foreign
    from service.errors import SettingsError

    try:
        refuse_foreign(os.environ)
    except SettingsError as error:
        yield Finding("settings", "problem", str(error), "Correct it in the environment or in .env")
        return
    # Imported here, because Redis and all settings take a while to load.
    from service.cli.doctor import api_checks, local_checks, redis_checks
    from service.settings import load_settings

    yield from api_checks.check_api(service)
    yield from local_checks.check_keys(service.location)
    direct = bool(os.environ.get("REDIS_URL"))
    if direct or service.location.local:
        os.environ.update(up_environment())
        if service.location.of_make_up and not os.environ.get("REDIS_URL"):
            os.environ["REDIS_URL"] = own_redis() or ""
        try:
            settings = load_settings()
        except SettingsError as error:
            yield Finding("settings", "problem", str(error), "Correct it in the environment or in .env")
            return
        yield Finding("settings", "ok", "all are valid")
        yield from local_checks.check_settings(settings)
        yield from local_checks.check_secrets(os.environ)
        if (data := data_dir()) is not None:
            yield from local_checks.check_data(data)
        if os.environ.get("REDIS_URL"):
            yield from redis_checks.check_redis(settings)
            return
    advice = "Set REDIS_URL to check version, eviction, persistence, clock and schema"
    yield Finding("redis", "unknown", "REDIS_URL is not set here, so Redis itself was not checked", advice)
    yield from api_checks.check_metrics(service)
