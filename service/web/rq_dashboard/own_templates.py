"""Our templates for rq-dashboard's views.

rq-dashboard's own templates insert a job's data unescaped by scripts, and need `unsafe-inline` and `unsafe-eval`. Ours
are rendered on the server with every value escaped. The others, and their scripts, are out of reach.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from flask import Flask
from rq_dashboard import web

TEMPLATES = Path(__file__).parent / "templates"
FILES = Path(__file__).parent / "files"
"""Served at `/rq/files`."""

REGISTRIES = ("queued", "deferred", "scheduled", "started", "finished", "failed", "canceled")
"""The registries of each queue, and first its waiting jobs."""


class _Data:
    """The data of rq-dashboard's JSON views, before they serialize it."""

    def queues(self) -> Any:
        return web.list_queues.__wrapped__(0)

    def jobs(self, queue_name: str, registry_name: str, per_page: int, order: str, page: int) -> Any:
        return web.list_jobs.__wrapped__(0, queue_name, registry_name, per_page, order, page)

    def job(self, job_id: str) -> Any:
        return web.job_info.__wrapped__(0, job_id)

    def workers(self) -> Any:
        return web.list_workers.__wrapped__(0)


def use_own_templates(app: Flask, console: bool) -> None:
    """Make rq-dashboard's views render our templates.

    Args:
        app: rq-dashboard.
        console: Whether pages link back to the console.
    """
    app.jinja_env.loader = jinja2.FileSystemLoader(TEMPLATES)
    app.jinja_env.autoescape = True
    app.jinja_env.filters.update(instant=_instant, as_json=_as_json)
    app.jinja_env.globals.update(data=_Data(), registries=REGISTRIES, console=console)


def _instant(iso: str | None) -> str:
    """Format an instant in UTC, to the second."""
    return "-" if iso is None else f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S} UTC"


def _as_json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
