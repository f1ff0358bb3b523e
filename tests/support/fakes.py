"""In-memory stand-ins for the use cases, for the HTTP layer on its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import IO, Any

from pydantic import BaseModel, ConfigDict
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError

from service.contacts.writing.exports import Kind
from service.domain.access.limits import NO_LIMITS, Limits
from service.domain.access.scopes import ALL
from service.domain.people.contact import Contact
from service.domain.plain_json import dumps
from service.errors import Conflict, NotFound, ServiceError, ValidationFailed
from service.store.access.key_store import Standing
from service.store.access.session_store import SessionStore
from service.store.keys import Keys
from service.store.runs.run_news import RunNews
from service.usecases.views import JobView, Page, View
from service.web.callers.lookups import Lookups
from service.web.callers.recognition import Callers
from service.web.http.auth import ApiKeys
from service.web.http.pools import Pool
from service.web.live.hub import NewsHub
from service.web.services import Services
from service.web.stopping import Stopping

KEY = "test-key"


class FakeJobs:
    """Jobs in a dict. `failure`, when set, is raised by every call; `entry`, when set, is their run, or an error."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.failure: Exception | None = None
        self.entry: dict[str, Any] | ServiceError | None = None
        self.healthy = True
        self.runs: list[object] = []
        self.calls: list[tuple[str, Any]] = []

    def _note(self, name: str, value: Any = None) -> None:
        self.calls.append((name, value))
        if self.failure is not None:
            raise self.failure

    def list(self, **query: Any) -> Page:
        self._note("list", query)
        if query["cursor"] not in (None, "2"):
            raise ValidationFailed.of("cursor", "must be the next cursor of an earlier answer")
        return Page(list(self.stored.values())[: query["limit"]], "2" if query["cursor"] is None else None)

    def all(self, **query: Any) -> Iterator[Sequence[bytes]]:
        self._note("stream", query)
        yield from ([dumps(job)] for job in self.stored.values())

    def get(self, job_id: str) -> JobView:
        job = self._job(job_id)
        return JobView(dumps(job), job_id, job["revision"])

    def _job(self, job_id: str) -> dict[str, Any]:
        self._note("get", job_id)
        if job_id not in self.stored:
            raise NotFound(f"Job {job_id} not found")
        return self.stored[job_id]

    def create(self, body: object, key: str | None = None) -> JobView:
        self._note("create", body)
        assert isinstance(body, dict)
        job = {**body, "id": str(uuid.uuid4()), "revision": 1}
        self.stored[job["id"]] = job
        return JobView(dumps(job), job["id"], job["revision"])

    def update(self, job_id: str, body: object, revisions: Sequence[int] = ()) -> JobView:
        assert isinstance(body, dict)
        job = self._job(job_id)
        job.update(body)
        return JobView(job, job_id, job["revision"])

    def delete(self, job_id: str, revisions: Sequence[int] = ()) -> None:
        self.get(job_id)
        del self.stored[job_id]

    def toggle(self, job_id: str, body: object, revisions: Sequence[int] = ()) -> JobView:
        assert isinstance(body, dict)
        if set(body) != {"enabled"}:
            raise ValidationFailed.of("enabled", "must be true or false")
        return self.update(job_id, body)

    def run_now(self, job_id: str, body: object | None, key: str | None = None, traceparent: str | None = None) -> str:
        self.get(job_id)
        self.runs.append(body)
        return "run-1"

    def history(self, job_id: str, *, limit: int, cursor: str | None) -> Page:
        self.get(job_id)
        self.calls.append(("history", limit))
        return Page([{"id": f"run-{n}"} for n in range(limit)], "next page&more" if cursor is None else None)

    def is_within(self, job_id: str, limits: Limits) -> bool:
        return limits.are_none

    def run(self, job_id: str, run_id: str) -> View:
        self.get(job_id)
        if run_id != "run-1":
            raise NotFound(f"Run {run_id} not found")
        if isinstance(self.entry, ServiceError):
            raise self.entry
        return View(self.entry or {"id": run_id, "job_id": job_id, "finished_at": None})

    def run_alone(self, run_id: str) -> View:
        return self.run(next(iter(self.stored), ""), run_id)

    def require_log(self, job_id: str, run_id: str) -> None:
        self.run(job_id, run_id)

    def cancel(self, job_id: str, run_id: str) -> tuple[bool, View]:
        return True, self.run(job_id, run_id)

    def run_log(self, job_id: str, run_id: str) -> dict[str, Any]:
        return {"lines": [self.run(job_id, run_id).data], "last_line": 1, "trimmed": False}

    def all_runs(self, *, limit: int, cursor: str | None, **_: str | None) -> Page:
        return Page([{"id": f"run-{n}"} for n in range(limit)], None)

    def preview(self, body: object) -> dict[str, Any]:
        self._note("preview", body)
        return {"occurrences": [], "local": [], "description": "Never"}

    def preview_job(self, job_id: str, *, from_: str | None, count: int) -> dict[str, Any]:
        self.get(job_id)
        self.calls.append(("preview_job", (from_, count)))
        return {"occurrences": [], "local": [], "description": "Never"}

    def now(self) -> dict[str, Any]:
        return {
            "status": "healthy" if self.healthy else "unhealthy",
            "scheduler_running": self.healthy,
            "redis_connected": True,
            "total_jobs": 0,
            "enabled_jobs": 0,
            "workers": 0,
            "data_went_back": None,
            "clock_stepped": None,
        }

    def acknowledge(self) -> dict[str, Any]:
        self.calls.append(("acknowledge", None))
        return {"data_went_back": None, "clock_steps": []}


class FakeContacts:
    """Contacts in a dict; an import remembers the bytes that it was given."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.imported: list[bytes] = []

    def import_stream(self, stream: IO[bytes], options: object) -> dict[str, Any]:
        self.imported.append(stream.read())
        return {
            "created": 1,
            "updated": 0,
            "unchanged": 0,
            "skipped": [],
            "skipped_total": 0,
            "warnings": [],
            "warnings_total": 0,
            "ignored_columns": [],
            "with_birthday": 0,
            "with_address": 0,
        }

    def export(self, kind: Kind) -> Iterator[bytes]:
        yield kind.head()
        for contact in self.stored.values():
            yield kind.written([Contact(contact["id"], str(contact.get("name") or "Somebody"))])

    def page(self, limit: int, cursor: str | None) -> Page:
        return Page(list(self.stored.values())[:limit])

    def get(self, contact_id: str) -> dict[str, Any]:
        if contact_id not in self.stored:
            raise NotFound(f"Contact {contact_id} not found")
        return self.stored[contact_id]

    def create(self, body: Any) -> dict[str, Any]:
        contact_id = str(body.get("name"))
        if contact_id in self.stored:
            raise Conflict("There is a contact with this identity already")
        self.stored[contact_id] = {**body, "id": contact_id}
        return self.stored[contact_id]

    def update(self, contact_id: str, body: Any) -> dict[str, Any]:
        self.get(contact_id).update(body)
        return self.get(contact_id)

    def merge(self, contact_id: str, body: Any) -> dict[str, Any]:
        for one in body.get("from", []):
            self.delete(one)
        return {"contact": self.get(contact_id), "left_out": []}

    def duplicates(self, limit: int, cursor: str | None) -> Page:
        return Page([{"reasons": ["the same name"], "contacts": list(self.stored.values())}][:limit])

    def delete(self, contact_id: str) -> None:
        self.get(contact_id)
        del self.stored[contact_id]

    def erase(self, contact_id: str) -> dict[str, Any]:
        self.delete(contact_id)
        found = {"contacts": 1}
        return {"contact_id": contact_id, "erased_as": contact_id, "found": found, "left": [], "under_way": []}


class FakeAccess(SessionStore):
    """No stored key; sessions in a dict: id -> the key that opened it."""

    def __init__(self) -> None:
        self.opened: dict[str, str] = {}

    def open(self, session_id: str, key_id: str, secret: str, address: str, user_agent: str) -> bool:
        self.opened[session_id] = key_id
        return True

    def lapse(self, sent: Any) -> None:
        """No key was ever accepted."""

    def find(self, sent: Any, *_: Any) -> Standing | None:
        key_id = self.opened.get(sent) if isinstance(sent, str) else None
        return None if key_id is None else Standing(key_id, key_id, ALL, NO_LIMITS, sent)


class EchoConfig(BaseModel):
    """A bot's configuration."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dry_run: bool = False


class EchoBot:
    """A bot for `GET /scheduler/bots`."""

    name = "echo"
    description = "Says what it is told."
    Config = EchoConfig


def lone_hub(following: Any, stopping: Stopping | None = None) -> NewsHub:
    """A hub that hears of no run: nobody can subscribe.

    Args:
        following: reads a run's news.
        stopping: tells when the process stops.
    """

    def refuse() -> PubSub:
        raise ConnectionError

    return NewsHub(following, RunNews(refuse, Keys(), "test"), stopping or Stopping())


def services(jobs: FakeJobs, contacts: FakeContacts, **others: Any) -> Services:
    """Services over the stand-ins.

    Args:
        jobs: answers for jobs, runs and the service's health.
        contacts: the address book.
        others: services of other kinds, by their names.
    """
    lookups, stored = Lookups(), FakeAccess()
    root: ApiKeys = others.pop("keys", None) or ApiKeys([KEY])
    given: dict[str, Any] = {
        "jobs": jobs, "runs": jobs, "health": jobs, "contacts": contacts,
        "listed_contacts": None, "batches": None, "erasure": contacts, "definitions": None, "calendars": None,
        "pauses": None, "channels": None,
        "rules": None, "told_alerts": None, "snoozes": None, "hub": lone_hub(jobs), "backfills": None,
        "dry_runs": None, "calendar_dry_runs": None, "clock_changes": None, "feeds": None, "pings": None,
        "standings": None, "timelines": None, "occurrences": None, "explanations": None, "occurrence_edits": None,
        "audit": None, "revisions": None, "deleted": None, "message_tester": None, "reading": None, "job_numbers": None,
        "bots": {"echo": EchoBot},
        "callers": Callers(root, stored, stored, lookups), "lookups": lookups, "stored_keys": None,
        "console_sessions": None,
        "pages": Pool("page", 2, 20), "long": Pool("long", 1, 0), "import_limit_mb": 1,
    }  # fmt: skip
    return Services(**(given | others))
