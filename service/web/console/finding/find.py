"""Search of the console's palette for jobs and contacts, and of its form of a job, which warns of a taken name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from falcon.asgi import Request, Response

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.usecases.jobs import Jobs
from service.usecases.lists.listed_contacts import ListedContacts
from service.web.console.page import Page
from service.web.http import query
from service.web.http.access import BY_SESSION
from service.web.http.pools import Pool, PooledResource

SHOWN = 8
"""The most jobs that one search finds."""
PEOPLE = 4
"""The most contacts that one search finds."""
ALIKE = 100
"""The jobs with a name within theirs that are compared with a whole name."""
LONGEST = 200


class Find(PooledResource[Jobs], Page):
    """`/find`.

    Args:
        jobs: The use cases of jobs.
        contacts: The list of contacts.
        pool: The threads that search.
    """

    access = BY_SESSION.needing(get=Scope.READ)

    def __init__(self, jobs: Jobs, contacts: ListedContacts, pool: Pool) -> None:
        super().__init__(jobs, pool)
        self._contacts = contacts

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the jobs and contacts that have all words of `q`, or the jobs whose name is `name` in any case.

        The answer is `{"found": [{"name", "href", "kind"}]}`: the jobs, those first whose name begins with the text;
        then contacts, for a caller who may see them.
        """
        name, text = query.text(req, "name"), (query.text(req, "q") or "").strip()[:LONGEST]
        found = await self._pool.run(self._named if name is not None else self._search, name or text)
        resp.media = {"found": found}

    on_head = on_get

    def _search(self, text: str) -> list[dict[str, str]]:
        if not text:
            return []
        found = self._source.list(q=text, limit=SHOWN).data
        jobs = [_entry(job) for job in sorted(found, key=lambda job: _rank(job["name"], text))]
        if Scope.CONTACTS not in caller().scopes:
            return jobs
        people = self._contacts.page(PEOPLE, 0, text).shown
        return jobs + [{"name": one["name"], "href": f"/contacts/{one['id']}", "kind": "Contact"} for one in people]

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
