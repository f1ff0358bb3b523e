"""Routes of the console: its pages, its static files, its error pages."""

from __future__ import annotations

from service.contacts.writing.exports import KINDS
from service.web.api.app import App
from service.web.console.assets import ASSETS, STATIC
from service.web.console.contacts.contact_form import EditContact, NewContact
from service.web.console.contacts.contact_list import ContactFile, ContactList
from service.web.console.contacts.duplicate_contacts import DuplicateContacts
from service.web.console.error_pages import ErrorPages
from service.web.console.job_form import EditJob, NewJob
from service.web.console.job_list import JobList
from service.web.console.job_page import Export, JobPage, JobYaml
from service.web.console.overview import Overview
from service.web.console.page import SIGN_IN, load_templates
from service.web.console.run_list import RunList
from service.web.console.run_page import RunEvents, RunPage
from service.web.console.sign_in import SessionCheck, SignIn, SignOut
from service.web.console.static_files import StaticFiles
from service.web.http.sessions import Sessions
from service.web.services import Services


def add_console(app: App, services: Services) -> None:
    """Add the console to the application that answers the API."""
    load_templates()
    sessions = Sessions(services.keys)
    app.add_middleware(ErrorPages(sessions))
    app.add_tree(STATIC, StaticFiles(ASSETS))
    app.add_page(SIGN_IN, SignIn(sessions, services.refusals))
    app.add_page("/sign-out", SignOut())
    app.add_page("/session", SessionCheck(sessions))
    _add_pages(app, services)


def _add_pages(app: App, services: Services) -> None:
    """Add the pages that need a session.

    A new page is a subclass of `Page` that declares its access, and a line here.
    """
    jobs, runs, bots, contacts = services.jobs, services.runs, services.bots, services.contacts
    pages, long = services.pages, services.long
    app.add_page("/", Overview(pages, jobs, runs, services.reading, services.weak_keys))
    app.add_page("/jobs", JobList(pages, jobs, bots))
    app.add_page("/jobs/new", NewJob(pages, jobs, bots))
    app.add_page("/jobs/{job_id}", JobPage(pages, jobs, runs, bots))
    app.add_page("/jobs/{job_id}/edit", EditJob(pages, jobs, bots))
    app.add_page("/jobs/{job_id}/yaml", JobYaml(jobs))
    app.add_page("/export.yaml", Export(services.definitions, long))
    app.add_page("/jobs/{job_id}/runs/{run_id}", RunPage(pages, jobs, runs))
    app.add_page("/jobs/{job_id}/runs/{run_id}/events", RunEvents(runs, services.hub))
    app.add_page("/runs", RunList(pages, jobs, runs))
    app.add_page("/contacts", ContactList(pages, contacts, services.reading, services.import_limit_mb))
    app.add_page("/contacts.vcf", ContactFile(contacts, long, KINDS["vcard"]))
    app.add_page("/contacts.csv", ContactFile(contacts, long, KINDS["csv"]))
    app.add_page("/contacts/duplicates", DuplicateContacts(pages, contacts))
    app.add_page("/contacts/new", NewContact(pages))
    app.add_page("/contacts/{contact_id}", EditContact(pages, contacts))
