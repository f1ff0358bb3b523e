"""Find jobs by id or by unique name, and complete names in the shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.cli.client.api import api, segment
from service.cli.exits import Exit, Failure
from service.domain.ids import is_id

SHOWN = 5
"""The most candidates that an error names."""
TELLING = 3
"""Characters from which a name suggests others that contain it: nearly every name contains a given letter."""


def job_path(job_id: str) -> str:
    """Return the path of a job in the API."""
    return f"/scheduler/jobs/{segment(job_id)}"


def find_id(job: str) -> str:
    """Return a job's id. An id is returned unchecked.

    Raises:
        Failure: No job has this name, or several have it.
    """
    return job if is_id(job) else str(_named(job)["id"])


def find_job(job: str) -> dict[str, Any]:
    """Return a job.

    Raises:
        Failure: No job has this id or name, or several have this name.
    """
    return dict(api().get(job_path(job))) if is_id(job) else _named(job)


def _named(name: str) -> dict[str, Any]:
    name = name.strip()
    found = list(_search(name)) if name else []
    same = [job for job in found if job["name"] == name]
    if len(same) == 1:
        return same[0]
    if same:
        ids = ", ".join(job["id"] for job in same[:SHOWN])
        raise Failure(Exit.REFUSED, f"{len(same)} jobs are named {name!r}; use the id instead: {ids}")
    similar = ", ".join(repr(job["name"]) for job in found[:SHOWN]) if len(name) >= TELLING else ""
    hint = f"did you mean {similar}?" if similar else "`bot-scheduler jobs list` shows all"
    raise Failure(Exit.NOT_FOUND, f"No job is named {name!r}; {hint}")


def _search(text: str) -> Iterator[dict[str, Any]]:
    """Find jobs with this text in their name or description."""
    return api().pages("/scheduler/jobs", None, q=text)


def complete_names(incomplete: str) -> list[str]:
    """Complete a job's name in the shell; offer nothing if the service does not answer at once."""
    try:
        answer = api().ask("GET", "/scheduler/jobs", params={"limit": 200, "q": incomplete or None}, seconds=2)
        return [job["name"] for job in answer.json() if job["name"].startswith(incomplete)]
    except (Failure, ValueError, KeyError, TypeError):
        return []
