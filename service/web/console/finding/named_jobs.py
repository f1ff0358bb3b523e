"""Jobs that somebody means by a name or an id, and the names of the jobs of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from service.domain.ids import is_id
from service.domain.input.search import folded, is_found
from service.usecases.deleted_jobs import Deleted
from service.usecases.jobs import Jobs

SEARCHED = 200
"""Jobs with a name that are read at a time; of the deleted jobs, so many are searched."""
MOST_PAGES = 20
"""How often jobs are read. Each time, thousands are searched."""


def jobs_called(text: str, jobs: Jobs, deleted: Deleted | None = None) -> Mapping[str, str]:
    """Find the jobs that somebody means by an id or a name.

    Args:
        text: what they typed.
        jobs: the use cases of jobs.
        deleted: the deleted jobs, where what is left of them is looked for as well.

    Returns:
        Id -> name: all jobs of exactly this name, in any case, or else those whose name has all its words. An id is
        taken as it is, for lists know jobs that are gone.
    """
    if is_id(text):
        return {text: text}
    there = {job["id"]: job["name"] for job in _with(text, jobs)}
    gone = {one["id"]: one["definition"]["name"] for one in deleted.page(SEARCHED).data} if deleted else {}
    wanted = text.casefold()
    alike = {job_id: name for job_id, name in (there | gone).items() if is_found(text, folded(name))}
    return {job_id: name for job_id, name in alike.items() if name.casefold() == wanted} or alike


def names_of(jobs: Jobs, runs: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return the names of the jobs of runs, by the jobs' ids, without jobs that are gone."""
    found = jobs.sorted.named(list({run["job_id"] for run in runs}))
    return {job_id: job["name"] for job_id, job in found.items()}


def _with(text: str, jobs: Jobs) -> Iterator[Mapping[str, Any]]:
    """Yield the jobs whose name and description have all words of a text; of very many jobs, the first."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = jobs.list(q=text, limit=SEARCHED, cursor=cursor)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return
