"""Flags of a schedule, read as the command line reads them."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any

import typer.main

from service.cli.commands import jobs
from service.cli.input.arguments import parsed_pairs
from service.cli.input.schedule_arguments import calendar_options
from service.cli.input.schedule_flags import ScheduleFlags


def flags_of(line: str) -> ScheduleFlags:
    """Parses the flags of `bot-scheduler jobs create`, as a shell and the command take them apart."""
    given = _parsed(line)
    return ScheduleFlags(**{field.name: given[field.name] for field in dataclasses.fields(ScheduleFlags)})


def options_of(line: str) -> dict[str, Any]:
    """Parses its `--option KEY=VALUE`, `--calendar` and `--on-closed`."""
    given = _parsed(line)
    options = parsed_pairs("--option", given["option"])
    return {**options, **calendar_options(given["calendar"], given["on_closed"])}


def _parsed(line: str) -> dict[str, Any]:
    create = typer.main.get_command(jobs.app).commands["create"]  # type: ignore[attr-defined]
    return dict(create.make_context("create", shlex.split(line)).params)
