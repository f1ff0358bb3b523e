"""Write the Grafana dashboards: `python -m tools.grafana`. A test compares them with what is in `deploy/grafana`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "deploy" / "grafana"
SOURCE = {"type": "prometheus", "uid": "${source}"}
BOT = '{bot=~"$bot"}[$__rate_interval]'

Panel = tuple[str, str, str, str, list[tuple[str, str]]]
"""Title, kind of panel, unit, a sentence about it, and its queries, each with its legend."""

OVERVIEW: list[Panel] = [
    ("Troubles", "stat", "none", "What the watch sees to be wrong.", [("sum(bot_scheduler_trouble)", "")]),
    ("Schedulers", "stat", "none", "Those that are alive.", [("bot_scheduler_schedulers", "")]),
    ("Workers", "stat", "none", "Those that are alive.", [("bot_scheduler_workers", "")]),
    ("Jobs", "stat", "none", "Those that are enabled.", [('bot_scheduler_jobs{enabled="true"}', "")]),
    ("Oldest queued run", "stat", "s", "How long it has waited.", [("bot_scheduler_queue_oldest_age_seconds", "")]),
    ("Redis takes writes", "stat", "none", "1, or 0 if it refuses them.", [("bot_scheduler_redis_takes_writes", "")]),
    ("Runs ended", "timeseries", "cpm", "Per minute, by outcome.", [
        (f"60 * sum by (outcome) (rate(bot_scheduler_runs_total{BOT}))", "{{outcome}}"),
    ]),
    ("Lateness", "timeseries", "s", "From when a run was due until it started.", [
        (f"histogram_quantile({q}, sum by (le) (rate(bot_scheduler_run_lateness_seconds_bucket{BOT})))", f"{q:.0%}")
        for q in (0.5, 0.95, 0.99)
    ]),
    ("Duration", "timeseries", "s", "From a run's start to its end, by bot, 95th percentile.", [
        (f"histogram_quantile(0.95, sum by (le, bot) (rate(bot_scheduler_run_duration_seconds_bucket{BOT})))",
         "{{bot}}"),
    ]),
    ("Queue", "timeseries", "none", "Runs that wait, that run, that a pause holds, and retries with a delay.", [
        ("bot_scheduler_queue_depth", "queued"), ("bot_scheduler_runs_running", "running"),
        ("bot_scheduler_runs_held", "held"), ("bot_scheduler_retries_delayed", "retries"),
    ]),
    ("Troubles by kind", "timeseries", "none", "1 while one is on.", [("bot_scheduler_trouble", "{{kind}}")]),
    ("Refused keys", "timeseries", "cpm", "Per minute: a rise means that somebody is guessing.", [
        ("60 * rate(bot_scheduler_refused_keys_total[$__rate_interval])", "refused"),
    ]),
]  # fmt: skip
JOBS: list[Panel] = [
    ("Not as expected", "stat", "none", "Jobs that are late, slow or empty.", [
        ('count(bot_scheduler_job_health{health!="ok"} == 1) or vector(0)', ""),
    ]),
    ("Failing", "stat", "none", "Jobs whose last run failed for good.", [
        ("count(bot_scheduler_job_failures > 0) or vector(0)", ""),
    ]),
    ("Left out", "stat", "none", "Jobs that are too many to be shown here.", [("bot_scheduler_jobs_left_out", "")]),
    ("Health", "timeseries", "none", "1 for the health that a job has.", [
        ('bot_scheduler_job_health{name=~"$job"} == 1', "{{name}}: {{health}}"),
    ]),
    ("Since the last success", "timeseries", "s", "", [
        ('time() - bot_scheduler_job_last_success_timestamp_seconds{name=~"$job"}', "{{name}}"),
    ]),
    ("Last duration", "timeseries", "s", "", [
        ('bot_scheduler_job_last_duration_seconds{name=~"$job"}', "{{name}}"),
    ]),
    ("Failures in a row", "timeseries", "none", "", [('bot_scheduler_job_failures{name=~"$job"}', "{{name}}")]),
]  # fmt: skip


def dashboard(uid: str, title: str, panels: list[Panel], variable: tuple[str, str]) -> dict[str, Any]:
    """Make a dashboard.

    Args:
        uid: under which Grafana keeps it.
        title: above it.
        panels: from left to right and from top to bottom; numbers are small, curves are wide.
        variable: by which it is narrowed: its name, and the query of its values.
    """
    name, values = variable
    return {
        "uid": uid, "title": title, "tags": ["bot-scheduler"], "timezone": "browser", "editable": True,
        "schemaVersion": 38, "refresh": "30s", "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [
            {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
            {"name": name, "type": "query", "datasource": SOURCE, "query": values, "refresh": 2, "multi": True,
             "includeAll": True, "allValue": ".*"},
        ]},
        "panels": [_panel(number, panel, place) for number, (panel, place) in enumerate(_placed(panels), start=1)],
    }  # fmt: skip


def _placed(panels: list[Panel]) -> list[tuple[Panel, dict[str, int]]]:
    found, x, y, row = [], 0, 0, 0
    for panel in panels:
        width, height = (4, 4) if panel[1] == "stat" else (12, 8)
        if x + width > 24 or (row and row != height):
            x, y = 0, y + row
        found.append((panel, {"x": x, "y": y, "w": width, "h": height}))
        x, row = x + width, height
    return found


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    title, kind, unit, words, queries = panel
    return {
        "id": number, "title": title, "type": kind, "description": words, "gridPos": place, "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query, "legendFormat": legend or "__auto"}
            for at, (query, legend) in enumerate(queries)
        ],
    }  # fmt: skip


def dashboards() -> dict[str, str]:
    """Return the text of each file, by its name."""
    made = {
        "overview.json": dashboard(
            "bot-scheduler", "Bot Scheduler", OVERVIEW, ("bot", "label_values(bot_scheduler_runs_total, bot)")
        ),
        "jobs.json": dashboard(
            "bot-scheduler-jobs", "Bot Scheduler: jobs", JOBS, ("job", "label_values(bot_scheduler_job_failures, name)")
        ),
    }
    return {name: json.dumps(found, indent=1, ensure_ascii=False) + "\n" for name, found in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
