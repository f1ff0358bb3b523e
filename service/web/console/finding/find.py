"""Search of the console's palette, and of its form of a job, which warns of a name that another job has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.usecases.jobs import Jobs
from service.web.console.page import Page
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool, PooledResource

SHOWN = 8
"""The most jobs that one search finds."""
ALIKE = 100
"""The jobs with a name within theirs that are compared with a whole name."""
LONGEST = 200


class Find(PooledResource[Jobs], Page):
    """`/find`.

    Args:
        jobs: The use cases of jobs.
        pool: The threads that search.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, jobs: Jobs, pool: Pool) -> None:
        super().__init__(jobs, pool)

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the jobs whose name or description contains `q`, or whose name is `name` in any case.

        The answer is `{"found": [{"name", "href", "kind"}]}`, those first whose name begins with the text.
        """
        name, text = query.text(req, "name"), (query.text(req, "q") or "").strip()[:LONGEST]
        found = await self._pool.run(self._named if name is not None else self._search, name or text)
        resp.media = {"found": found}

    on_head = on_get

    def _search(self, text: str) -> list[dict[str, str]]:
        if not text:
            return []
        found = self._source.list(q=text, limit=SHOWN).data
        return [_entry(job) for job in sorted(found, key=lambda job: _rank(job["name"], text))]

    def _named(self, name: str) -> list[dict[str, str]]:
        wanted = _plain(name)
        alike: Iterator[Mapping[str, Any]] = iter(self._source.list(q=name.strip(), limit=ALIKE).data if wanted else ())
        return [_entry(job) for job in alike if _plain(job["name"]) == wanted][:SHOWN]


def _entry(job: Mapping[str, Any]) -> dict[str, str]:
    return {"name": job["name"], "href": f"/jobs/{job['id']}", "kind": "Job"}


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _rank(name: str, text: str) -> tuple[bool, str]:
    return not _plain(name).startswith(_plain(text)), _plain(name)
