"""Parts of a job as cells of a table or values of fields: its state, its labels, when it runs next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text

from service.cli.output.printing import coloured, moment


def labels_shown(labels: Mapping[str, str]) -> str | None:
    """Write labels in a line; None without any."""
    return ", ".join(f"{name}={value}" for name, value in labels.items()) or None


def job_state(job: Mapping[str, Any]) -> Text:
    """Return a job's state, whether a pause covers it, and its health unless that is well."""
    state = coloured(job["state"])
    if job.get("paused") and job["enabled"]:
        state.append(", paused", style="yellow")
    if job.get("health") not in (None, "ok"):
        state.append(f", {job['health']}", style="yellow")
    return state


def next_run(job: Mapping[str, Any]) -> str | None:
    """Return when a job runs next, UTC; `paused` where a pause covers that. None if it does not run any more."""
    at, until = job["next_run_at"], job.get("paused_until")
    if at is None or "paused_until" not in job or not job["enabled"]:
        return at if at is None else str(at)
    if until is None:
        return "paused"
    return f"paused until {until}" if at < until else str(at)


def next_run_words(job: Mapping[str, Any]) -> str | None:
    """Say when a job runs next, on a line of its own."""
    at = next_run(job)
    return "paused until somebody ends that" if at == "paused" else at and moment(at)


def setting_shown(value: object) -> str | None:
    """Write one setting of a job, or a field of a definition, as a file has it; None if it is empty."""
    if value in (None, []):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
