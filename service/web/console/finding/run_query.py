"""What the address of the list of runs asks for. The list and its file read it alike."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request

from service.domain.run_records import STATUSES, TRIGGERS
from service.usecases.jobs import Jobs
from service.web.console.finding.days import period_of
from service.web.console.finding.named_jobs import jobs_called
from service.web.console.job_list import labels_of
from service.web.http import query

_TEXTS = ("job", "text", "since", "until", "zone")
_KNOWN = {"status": STATUSES, "trigger": TRIGGERS}


class RunQuery:
    """The filters, as they were typed.

    Args:
        req: the request.

    Raises:
        ValidationFailed: there is no such outcome or trigger.
    """

    def __init__(self, req: Request) -> None:
        self.asked: dict[str, str] = {name: (query.text(req, name) or "").strip() for name in _TEXTS}
        self.asked |= {name: query.one_of(req, name, known) for name, known in _KNOWN.items()}
        self.labels = labels_of(req)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.labels) or any(value for name, value in self.asked.items() if name != "zone")

    def filters(self, jobs: Jobs) -> dict[str, Any]:
        """Return the filters as the use case takes them. A job's name means all jobs of that name.

        Args:
            jobs: the use cases of jobs, to find those that are meant.

        Raises:
            ValidationFailed: a day or the zone is not valid.
        """
        found: dict[str, Any] = {name: self.asked[name] or None for name in (*_KNOWN, "text")}
        if self.asked["job"]:
            found["job_ids"] = frozenset(jobs_called(self.asked["job"], jobs))
        return found | period_of(self.asked) | {"labels": self.labels}

    def address(self, path: str, cursor: str | None = None) -> str:
        """Return the address of a page of the same list, or of its file."""
        return query.address(path, {**self.asked, "label": self.labels, "cursor": cursor})
