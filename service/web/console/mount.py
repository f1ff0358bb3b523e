"""Routes of the console: its pages, its static files, its error pages."""

from __future__ import annotations

from service.contacts.writing.exports import KINDS
from service.web.api.app import App
from service.web.console.access.audit_log import AuditLog
from service.web.console.access.key_form import EditKey, NewKey
from service.web.console.access.key_list import KeyList
from service.web.console.access.session_list import SessionList
from service.web.console.alerting.alert_page import AlertPage
from service.web.console.alerting.link_page import ADDRESS as LINK
from service.web.console.alerting.link_page import LinkPage
from service.web.console.assets import ASSETS, STATIC
from service.web.console.calendars.calendar_form import NEW as NEW_CALENDAR
from service.web.console.calendars.calendar_form import EditCalendar, NewCalendar
from service.web.console.calendars.calendar_pages import CalendarList, CalendarYear
from service.web.console.clock_changes import ClockChangePage
from service.web.console.contacts.contact_form import EditContact, NewContact
from service.web.console.contacts.contact_list import ContactFile, ContactList
from service.web.console.contacts.duplicate_contacts import DuplicateContacts
from service.web.console.error_pages import ErrorPages
from service.web.console.finding.find import Find
from service.web.console.finding.run_file import RunFile
from service.web.console.foresight.coming import ComingList
from service.web.console.history.backfills import BackfillPage
from service.web.console.history.deleted_jobs import DeletedJobs
from service.web.console.history.occurrences import OccurrenceList
from service.web.console.history.revisions import History, Revision
from service.web.console.job_form import EditJob, NewJob
from service.web.console.job_list import JobList
from service.web.console.job_page import Export, JobPage, JobYaml
from service.web.console.offers import Offers
from service.web.console.overview import Overview
from service.web.console.page import SIGN_IN, load_templates
from service.web.console.pauses.banner import Banners
from service.web.console.pauses.pause_page import PausePage
from service.web.console.run_list import RunList
from service.web.console.run_page import RunEvents, RunPage
from service.web.console.sign_in import SessionCheck, SignIn, SignOut
from service.web.console.static_files import StaticFiles
from service.web.services import Services


def add_console(app: App, services: Services) -> None:
    """Add the console to the application that answers the API."""
    load_templates(Offers(app.resources).may, Banners(services.pauses, services.health).now)
    callers = services.callers
    app.add_middleware(ErrorPages(callers))
    app.add_tree(STATIC, StaticFiles(ASSETS))
    app.add_page(SIGN_IN, SignIn(callers, services.guesses))
    app.add_page("/sign-out", SignOut(callers))
    app.add_page("/session", SessionCheck(callers))
    app.add_page(LINK, LinkPage(services.links, services.pages, services.guesses))
    _add_pages(app, services)


def _add_pages(app: App, services: Services) -> None:
    """Add the pages that need a session.

    A new page is a subclass of `Page` that declares its access, and a line here.
    """
    jobs, runs, bots, contacts = services.jobs, services.runs, services.bots, services.contacts
    pages, long = services.pages, services.long
    app.add_page("/", Overview(
        pages, jobs, runs, services.reading, services.calendars, services.clock_changes, services.timelines,
        services.weak_keys, services.pauses,
    ))  # fmt: skip
    app.add_page("/jobs", JobList(pages, jobs, bots, services.pauses))
    app.add_page("/jobs/new", NewJob(pages, jobs, bots, services.calendars))
    app.add_page("/jobs/{job_id}", JobPage(
        pages, jobs, runs, bots, services.revisions, services.pauses, services.snoozes
    ))  # fmt: skip
    app.add_page("/jobs/{job_id}/edit", EditJob(pages, jobs, bots, services.calendars))
    app.add_page("/jobs/{job_id}/yaml", JobYaml(jobs))
    app.add_page("/jobs/{job_id}/occurrences", OccurrenceList(long, jobs, services.occurrences, services.explanations))
    app.add_page("/jobs/{job_id}/revisions", History(pages, jobs, services.revisions, bots))
    app.add_page("/jobs/{job_id}/revisions/{revision}", Revision(pages, jobs, services.revisions, bots))
    app.add_page("/jobs/{job_id}/backfills", BackfillPage(pages, jobs, services.backfills, services.pauses))
    app.add_page("/jobs/deleted", DeletedJobs(pages, services.deleted))
    app.add_page("/export.yaml", Export(services.definitions, long))
    app.add_page("/jobs/{job_id}/runs/{run_id}", RunPage(pages, jobs, runs, services.revisions, bots))
    app.add_page("/jobs/{job_id}/runs/{run_id}/events", RunEvents(runs, services.hub))
    app.add_page("/clock-changes", ClockChangePage(pages, services.clock_changes))
    app.add_page("/coming", ComingList(pages, services.timelines, services.pauses, services.reading))
    app.add_page("/pauses", PausePage(pages, services.pauses, jobs, bots))
    channels, rules = services.channels, services.rules
    app.add_page("/alerts", AlertPage(
        pages, channels, rules, services.told_alerts, services.snoozes, jobs, bots
    ))  # fmt: skip
    app.add_page("/runs", RunList(pages, jobs, runs))
    app.add_page("/runs.csv", RunFile(runs, jobs, long))
    app.add_page("/find", Find(jobs, services.listed_contacts, pages))
    app.add_page("/calendars", CalendarList(pages, services.calendars))
    app.add_page("/calendars/{name}", CalendarYear(pages, services.calendars))
    app.add_page("/calendars/{name}/edit", EditCalendar(pages, services.calendars))
    app.add_page(NEW_CALENDAR, NewCalendar(pages))
    app.add_page(
        "/contacts", ContactList(pages, contacts, services.listed_contacts, services.reading, services.import_limit_mb)
    )
    app.add_page("/contacts.vcf", ContactFile(contacts, long, KINDS["vcard"]))
    app.add_page("/contacts.csv", ContactFile(contacts, long, KINDS["csv"]))
    app.add_page("/contacts/duplicates", DuplicateContacts(pages, contacts))
    app.add_page("/contacts/new", NewContact(pages))
    app.add_page("/contacts/{contact_id}", EditContact(pages, contacts))
    _add_access(app, services)


def _add_access(app: App, services: Services) -> None:
    """Add the pages about access."""
    pages, keys, jobs = services.pages, services.stored_keys, services.jobs
    app.add_page("/access", KeyList(pages, keys, services.reading))
    app.add_page("/access/keys/new", NewKey(pages, keys, jobs, services.bots))
    app.add_page("/access/keys/{key_id}", EditKey(pages, keys, jobs, services.bots))
    app.add_page("/access/sessions", SessionList(pages, services.console_sessions))
    app.add_page("/access/audit", AuditLog(pages, services.audit, jobs, services.deleted, keys))
