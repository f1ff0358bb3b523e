"""How rq-dashboard's pages look here: its views and its data, in templates of ours.

Its own templates put what a job carries into the page by scripts, as it stands, and need `unsafe-inline` and
`unsafe-eval`. Ours are written on the server, every value escaped; none of its templates and scripts can be reached.
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
"""What each queue has, the jobs that wait in it first."""


class _Data:
    """What rq-dashboard's own JSON views tell, before they make JSON of it."""

    def queues(self) -> Any:
        return web.list_queues.__wrapped__(0)

    def jobs(self, queue_name: str, registry_name: str, per_page: int, order: str, page: int) -> Any:
        return web.list_jobs.__wrapped__(0, queue_name, registry_name, per_page, order, page)

    def job(self, job_id: str) -> Any:
        return web.job_info.__wrapped__(0, job_id)

    def workers(self) -> Any:
        return web.list_workers.__wrapped__(0)


def use_own_pages(app: Flask, console: bool) -> None:
    """Have the views show our templates.

    Args:
        app: rq-dashboard.
        console: whether there is a console to lead back to.
    """
    app.jinja_env.loader = jinja2.FileSystemLoader(TEMPLATES)
    app.jinja_env.autoescape = True
    app.jinja_env.filters.update(instant=_instant, written=_written)
    app.jinja_env.globals.update(data=_Data(), registries=REGISTRIES, console=console)


def _instant(iso: str | None) -> str:
    """An instant in UTC, to the second, as people read it."""
    return "-" if iso is None else f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M:%S} UTC"


def _written(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
