"""Jobs by what people call them: an id, or a name that only one job has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.cli.api import api, segment
from service.cli.failures import Exit, Failure
from service.domain.ids import is_id

SHOWN = 5
"""So many candidates are named in an error."""


def job_path(job_id: str) -> str:
    """Where a job is."""
    return f"/scheduler/jobs/{segment(job_id)}"


def find_id(job: str) -> str:
    """The id of the job that is meant. An id is taken as it is.

    Raises:
        Failure: no job has that name, or several have.
    """
    return job if is_id(job) else str(_named(job)["id"])


def find_job(job: str) -> dict[str, Any]:
    """The job that is meant. Raises Failure as `find_id` does, and where there is no such id."""
    return dict(api().get(job_path(job))) if is_id(job) else _named(job)


def _named(name: str) -> dict[str, Any]:
    name = name.strip()
    found = list(_search(name)) if name else []
    same = [job for job in found if job["name"] == name]
    if len(same) == 1:
        return same[0]
    if same:
        ids = ", ".join(job["id"] for job in same[:SHOWN])
        raise Failure(Exit.REFUSED, f"{len(same)} jobs are named {name!r}; say by id which one is meant: {ids}")
    similar = ", ".join(repr(job["name"]) for job in found[:SHOWN])
    hint = f"did you mean {similar}?" if similar else "`bot-scheduler jobs list` shows all"
    raise Failure(Exit.NOT_FOUND, f"No job is named {name!r}; {hint}")


def _search(text: str) -> Iterator[dict[str, Any]]:
    """Jobs with this text in their name or description."""
    return api().pages("/scheduler/jobs", None, q=text)


def complete_names(incomplete: str) -> list[str]:
    """For the shell's completion: names of jobs that begin so; none if the service does not say at once."""
    try:
        answer = api().ask("GET", "/scheduler/jobs", params={"limit": 200, "q": incomplete or None}, seconds=2)
        return [job["name"] for job in answer.json() if job["name"].startswith(incomplete)]
    except (Failure, ValueError, KeyError, TypeError):
        return []
