"""Find jobs by id or by unique name, and name those whose ids stand in a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from service.cli.client.api import api, segment
from service.cli.client.short_ids import SHOWN
from service.cli.exits import Exit, Failure
from service.cli.output.escaping import quoted
from service.domain.ids import is_id

AT_A_TIME = 8
"""Jobs that are asked for at the same time."""
COMPARED = 200
"""Jobs with the words of a name that are looked at for another job of this name."""
_BEGINNING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{0,4}|-[0-9a-f]{4}-[0-9a-f-]{0,22})?")
TELLING = 3
"""Characters from which a name suggests others that contain it: nearly every name contains a given letter."""


def job_path(job_id: str) -> str:
    """Return the path of a job in the API."""
    return f"/scheduler/jobs/{segment(job_id)}"


def find_id(job: str) -> str:
    """Return a job's id. An id is returned unchecked; its first eight characters are enough.

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
    if not same and _BEGINNING.fullmatch(name):
        same = beginning_with(name)
        if len(same) == 1:
            return same[0]
    if same:
        ids = ", ".join(job["id"] for job in same[:SHOWN])
        raise Failure(Exit.REFUSED, f"{len(same)} jobs are named {quoted(name)}; use the id instead: {ids}")
    similar = ", ".join(quoted(job["name"]) for job in found[:SHOWN]) if len(name) >= TELLING else ""
    hint = f"did you mean {similar}?" if similar else "`bot-scheduler jobs list` shows all"
    raise Failure(Exit.NOT_FOUND, f"No job is named {quoted(name)}; {hint}")


def beginning_with(text: str) -> list[dict[str, Any]]:
    """Return the jobs whose ids begin with a text."""
    jobs = api().items(api().ask("GET", "/scheduler/jobs"))
    return [job for job in jobs if job["id"].startswith(text)]


def namesakes(job: Mapping[str, Any]) -> int:
    """Count the other jobs that have the name of a job, as far as this key can see them."""
    try:
        found = list(api().pages("/scheduler/jobs", COMPARED, q=job["name"]))
    except Failure:
        return 0  # a key that only writes
    return sum(one["name"] == job["name"] and one["id"] != job["id"] for one in found)


def _search(text: str) -> Iterator[dict[str, Any]]:
    """Find jobs with these words in their name or description."""
    return api().pages("/scheduler/jobs", None, q=text)


def names_of(job_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of jobs by their ids, without those that are gone.

    Each is asked for by itself, several at a time: a list of all jobs may be long.
    """
    wanted = list(dict.fromkeys(job_ids))
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        found = zip(wanted, threads.map(_name, wanted), strict=True)
        return {job_id: name for job_id, name in found if name is not None}


def _name(job_id: str) -> str | None:
    try:
        return str(api().get(job_path(job_id))["name"])
    except Failure as failure:
        if failure.exit not in (Exit.NOT_FOUND, Exit.UNAUTHORISED):
            raise
        return None
