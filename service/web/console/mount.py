"""The console put together: its pages, its files, its errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.contacts.writing.exports import KINDS
from service.store.counters import Reading
from service.usecases.contacts import ContactBook
from service.web.api.app import App
from service.web.api.protocols import Bots, Definitions, Following, Jobs, Runs
from service.web.console.contact_pages import ContactFile, ContactList, DuplicateContacts, EditContact, NewContact
from service.web.console.error_pages import ErrorPages
from service.web.console.files import STATIC, Files
from service.web.console.job_form import EditJob, NewJob
from service.web.console.job_list import JobList
from service.web.console.job_page import Export, JobPage, JobYaml
from service.web.console.overview import Overview
from service.web.console.page import SIGN_IN
from service.web.console.run_list import RunList
from service.web.console.run_page import RunEvents, RunPage
from service.web.console.signin import SessionCheck, SignIn, SignOut
from service.web.http.auth import ApiKeys
from service.web.http.refusals import Refusals
from service.web.http.sessions import Sessions

FILES = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages show.

    Args:
        keys: the API keys, with which one signs in.
        jobs: the use cases of jobs.
        runs: those of runs.
        contacts: the address book.
        definitions: the definitions as a document.
        following: reads on in runs.
        bots: bot type -> bot class.
        reading: what is measured now; raises StoreUnavailable while Redis is away.
        import_limit_mb: the longest address book that can be imported, MiB.
        weak_keys: which API keys could be guessed, a sentence each.
        refusals: counts wrong keys.
    """

    keys: ApiKeys
    jobs: Jobs
    runs: Runs
    contacts: ContactBook
    definitions: Definitions
    following: Following
    bots: Bots
    reading: Callable[[], Reading]
    import_limit_mb: int
    weak_keys: Sequence[str] = ()
    refusals: Refusals = field(default_factory=Refusals)


def add_console(app: App, parts: Parts) -> None:
    """Add the console to the application that answers the API."""
    known = Sessions(parts.keys)
    app.add_middleware(ErrorPages(known))
    app.add_tree(STATIC, Files(FILES))
    app.add_page(SIGN_IN, SignIn(known, parts.refusals))
    app.add_page("/sign-out", SignOut())
    app.add_page("/session", SessionCheck(known))
    _add_pages(app, parts)


def _add_pages(app: App, parts: Parts) -> None:
    """All that needs a session. A page: a subclass of `Page` that declares its access, and a line here."""
    jobs, runs, bots = parts.jobs, parts.runs, parts.bots
    app.add_page("/", Overview(jobs, runs, parts.reading, parts.weak_keys))
    app.add_page("/jobs", JobList(jobs, bots))
    app.add_page("/jobs/new", NewJob(jobs, bots))
    app.add_page("/jobs/{job_id}", JobPage(jobs, runs, bots))
    app.add_page("/jobs/{job_id}/edit", EditJob(jobs, bots))
    app.add_page("/jobs/{job_id}/yaml", JobYaml(jobs))
    app.add_page("/export.yaml", Export(parts.definitions))
    app.add_page("/jobs/{job_id}/runs/{run_id}", RunPage(jobs, runs))
    app.add_page("/jobs/{job_id}/runs/{run_id}/events", RunEvents(runs, parts.following, app.slots))
    app.add_page("/runs", RunList(jobs, runs))
    app.add_page("/contacts", ContactList(parts.contacts, parts.reading, parts.import_limit_mb))
    app.add_page("/contacts.vcf", ContactFile(parts.contacts, KINDS["vcard"], app.slots))
    app.add_page("/contacts.csv", ContactFile(parts.contacts, KINDS["csv"], app.slots))
    app.add_page("/contacts/duplicates", DuplicateContacts(parts.contacts, app.slots))
    app.add_page("/contacts/new", NewContact())
    app.add_page("/contacts/{contact_id}", EditContact(parts.contacts))
