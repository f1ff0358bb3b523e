"""Routes of the console: its pages, its static files, its error pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.contacts.writing.exports import KINDS
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.web.api.app import App
from service.web.api.protocols import Bots, Following, Jobs, Runs, Transfer
from service.web.console.contacts.contact_form import EditContact, NewContact
from service.web.console.contacts.contact_list import ContactFile, ContactList
from service.web.console.contacts.duplicate_contacts import DuplicateContacts
from service.web.console.error_pages import ErrorPages
from service.web.console.job_form import EditJob, NewJob
from service.web.console.job_list import JobList
from service.web.console.job_page import Export, JobPage, JobYaml
from service.web.console.overview import Overview
from service.web.console.page import SIGN_IN
from service.web.console.run_list import RunList
from service.web.console.run_page import RunEvents, RunPage
from service.web.console.sign_in import SessionCheck, SignIn, SignOut
from service.web.console.static_files import STATIC, StaticFiles
from service.web.http.auth import ApiKeys
from service.web.http.refusals import Refusals
from service.web.http.sessions import Sessions

FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """The use cases and settings that the pages need.

    Args:
        keys: The API keys that open a session.
        jobs: The use cases of jobs.
        runs: The use cases of runs.
        contacts: The address book.
        transfer: Export of all job definitions.
        following: Live logs of runs.
        bots: Bot type -> bot class.
        reading: Reads the current counts from Redis. Raises StoreUnavailable while Redis is away.
        import_limit_mb: The largest address book that can be imported, MiB.
        weak_keys: A sentence for each API key that is easy to guess.
        refusals: Counts wrong keys.
    """

    keys: ApiKeys
    jobs: Jobs
    runs: Runs
    contacts: ContactBook
    transfer: Transfer
    following: Following
    bots: Bots
    reading: Callable[[], Reading]
    import_limit_mb: int
    weak_keys: Sequence[str] = ()
    refusals: Refusals = field(default_factory=Refusals)


def add_console(app: App, parts: Parts) -> None:
    """Add the console to the application that answers the API."""
    sessions = Sessions(parts.keys)
    app.add_middleware(ErrorPages(sessions))
    app.add_tree(STATIC, StaticFiles(FOLDER))
    app.add_page(SIGN_IN, SignIn(sessions, parts.refusals))
    app.add_page("/sign-out", SignOut())
    app.add_page("/session", SessionCheck(sessions))
    _add_pages(app, parts)


def _add_pages(app: App, parts: Parts) -> None:
    """Add the pages that need a session.

    A new page is a subclass of `Page` that declares its access, and a line here.
    """
    jobs, runs, bots = parts.jobs, parts.runs, parts.bots
    app.add_page("/", Overview(jobs, runs, parts.reading, parts.weak_keys))
    app.add_page("/jobs", JobList(jobs, bots))
    app.add_page("/jobs/new", NewJob(jobs, bots))
    app.add_page("/jobs/{job_id}", JobPage(jobs, runs, bots))
    app.add_page("/jobs/{job_id}/edit", EditJob(jobs, bots))
    app.add_page("/jobs/{job_id}/yaml", JobYaml(jobs))
    app.add_page("/export.yaml", Export(parts.transfer))
    app.add_page("/jobs/{job_id}/runs/{run_id}", RunPage(jobs, runs))
    app.add_page("/jobs/{job_id}/runs/{run_id}/events", RunEvents(runs, parts.following, app.places))
    app.add_page("/runs", RunList(jobs, runs))
    app.add_page("/contacts", ContactList(parts.contacts, parts.reading, parts.import_limit_mb))
    app.add_page("/contacts.vcf", ContactFile(parts.contacts, KINDS["vcard"], app.places))
    app.add_page("/contacts.csv", ContactFile(parts.contacts, KINDS["csv"], app.places))
    app.add_page("/contacts/duplicates", DuplicateContacts(parts.contacts, app.places))
    app.add_page("/contacts/new", NewContact())
    app.add_page("/contacts/{contact_id}", EditContact(parts.contacts))
