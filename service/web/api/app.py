"""The API's ASGI application: its routes and its middleware."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi
from falcon.asgi import Request, Response
from falcon.media import JSONHandler

from service.bots.registry import configs
from service.domain.access.callers import NOBODY, act_for
from service.usecases.fates.many_jobs import ManyAccounts
from service.web.api import contacts as address_book
from service.web.api import feeds
from service.web.api.access.audit import AuditEntries
from service.web.api.access.keys import Key, KeyList, OwnKey, Rotate
from service.web.api.access.sessions import SessionEnd, SessionList, SessionsEnd
from service.web.api.alerting.alerts import AlertList
from service.web.api.alerting.channels import ChannelList, ChannelTest, OneChannel
from service.web.api.alerting.rules import OneRule, RuleList
from service.web.api.alerting.snoozes import OneSnooze, SnoozeList
from service.web.api.backfills import BackfillList, OneBackfill, StartBackfill
from service.web.api.badges import routes as badges
from service.web.api.badges.shared_looks import SharedLooks
from service.web.api.bots import BotList
from service.web.api.calendars import Calendar, CalendarDays, CalendarFile, CalendarList
from service.web.api.change_notes import ChangeNotes
from service.web.api.definitions import Apply, Export
from service.web.api.edits.occurrence_changes import OccurrenceChange
from service.web.api.guides.routes import add_guides
from service.web.api.health import Acknowledge, Health
from service.web.api.heartbeats import pings
from service.web.api.jobs import Batch, Job, JobList, RunNow, Toggle
from service.web.api.messages import MessageTest
from service.web.api.metrics import Metrics
from service.web.api.occurrences import AllOccurrences, Explanation, OccurrenceList
from service.web.api.openapi import document as openapi
from service.web.api.parameters import KnownParameters
from service.web.api.pauses import OnePause, PauseList
from service.web.api.previews import ClockChangeList, JobPreview, Preview
from service.web.api.revisions import DeletedList, OneRevision, RestoreDeleted, RestoreRevision, RevisionList
from service.web.api.runs import Again, AllRuns, Cancel, History, Log, Run, RunAlone, Start
from service.web.http import errors
from service.web.http.access import Access, Undeclared, require_declaration
from service.web.http.body import NeedlessBodies
from service.web.http.guard import Guard, Nothing
from service.web.http.incoming import Incoming
from service.web.http.mounted import WSGI, Mounted
from service.web.http.page_headers import PAGE_HEADERS
from service.web.http.rendering import as_answer
from service.web.http.representation.compression import Compression
from service.web.http.request_ids import RequestIds
from service.web.http.sessions import is_https
from service.web.services import Services

API = "/scheduler"
"""The path under which the API is."""
DASHBOARD = "/rq"
"""The path under which rq-dashboard is mounted."""


STRICT_TRANSPORT = f"max-age={365 * 86_400}"
"""Has browsers use TLS alone from now on, for a year (RFC 6797)."""


class App(falcon.asgi.App[Any, Any]):
    """Falcon's application, with routes only to resources that declare who may ask them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.req_options.strip_url_path_trailing_slash = True
        self.router_options.default_to_on_request = True
        self.routes: dict[str, object] = {}
        """Path -> resource, for the OpenAPI document."""
        self.resources: dict[str, object] = {}
        """Path -> resource of everything that is served."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # type: ignore[override]
        """Answer a request, or hear that the process starts or ends. Until the guard knows better, nobody asks."""
        act_for(NOBODY)
        await super().__call__(scope, Incoming(scope, receive) if scope["type"] == "http" else receive, send)

    def add_route(self, uri_template: str, resource: object, **options: Any) -> None:
        """Add a route of the API, and remember it for the OpenAPI document.

        Args:
            uri_template: the path.
            resource: answers the requests.
            options: Falcon's.

        Raises:
            Undeclared: the resource does not declare who may ask it.
        """
        self.add_page(uri_template, resource, **options)
        self.routes[uri_template] = resource

    def add_page(self, uri_template: str, resource: object, **options: Any) -> None:
        """Add a route outside of the API and its document: a page for people, a file, another application.

        Args:
            uri_template: the path.
            resource: answers the requests.
            options: Falcon's.

        Raises:
            Undeclared: the resource does not declare who may ask it.
        """
        require_declaration(uri_template, resource)
        super().add_route(uri_template, resource, **options)
        self.resources[uri_template] = resource

    def add_tree(self, prefix: str, resource: object) -> None:
        """Add a path with all paths under it, except for those that have routes of their own."""
        self.add_page(prefix, resource)
        self.add_page(f"{prefix}/{{rest:path}}", resource)

    def add_sink(self, sink: Any, prefix: Any = "/") -> None:
        """Refuse a sink: Falcon does not tell its middleware which sink answers."""
        raise Undeclared(f"A sink at {prefix} cannot be served, because the guard would not protect it; add a route")

    def add_static_route(self, prefix: str, *arguments: Any, **options: Any) -> None:
        """Refuse a static route, as a sink."""
        raise Undeclared(
            f"A static route at {prefix} cannot be served, because the guard would not protect it; add a route"
        )


class Headers:
    """Falcon middleware that sets the headers of every answer."""

    async def process_response(self, req: Request, resp: Response, resource: object, succeeded: bool) -> None:
        """Forbid caches to keep the answer unless its resource allows it. Forbid browsers to guess its type.

        What people see after signing in is never kept: Back shows a kept page without asking, also after a sign-out.
        """
        access = getattr(resource, "access", None)
        if resp.get_header("Cache-Control") is None or (isinstance(access, Access) and access.is_private_page):
            resp.set_header("Cache-Control", "no-store")
        resp.set_header("X-Content-Type-Options", "nosniff")
        if is_https(req):
            resp.set_header("Strict-Transport-Security", STRICT_TRANSPORT)
        if isinstance(access, Access) and access.is_by_address:
            resp.set_header("Referrer-Policy", "no-referrer")
        if isinstance(resource, Mounted):  # its refusals too
            resp.set_headers(PAGE_HEADERS)


def create_app(services: Services, *, rq_dashboard: WSGI | None = None, sign_in: str | None = None) -> App:
    """Wire the API.

    Args:
        services: what the resources are built from.
        rq_dashboard: the application to mount at `/rq`; None for no such route.
        sign_in: the path where people sign in to the console; None where there is no console.

    Returns:
        The ASGI application.
    """
    guard = Guard(services.callers, sign_in, services.guesses, services.refusal_notes)
    rates = [services.rates] if services.rates else []  # behind the guard, which knows whose key it is
    allowed = [guard, *rates, KnownParameters(), ChangeNotes()]
    middleware = [Compression(), RequestIds(), *allowed, NeedlessBodies(), Headers(), badges.DrawnFailures()]
    app = App(middleware=[*middleware, services.loop_lag, services.guesses, services.beside])
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(dumps=as_answer)
    errors.install(app)
    _add_job_routes(app, services)
    _add_run_routes(app, services)
    _add_contact_routes(app, services)
    _add_service_routes(app, services)
    _add_access_routes(app, services)
    _add_alert_routes(app, services)
    if rq_dashboard is not None:
        app.add_tree(DASHBOARD, Mounted(rq_dashboard))
    app.add_tree(API, Nothing())
    add_guides(app)
    openapi.install(app, configs(services.bots), home="/" if sign_in else None)
    return app


def _add_job_routes(app: App, services: Services) -> None:
    jobs, pages = services.jobs, services.pages
    app.add_route("/scheduler/jobs", JobList(jobs, pages))
    app.add_route("/scheduler/batch", Batch(services.batches, services.long))
    app.add_route("/scheduler/jobs/{job_id}", Job(jobs, services.dry_runs, pages))
    app.add_route("/scheduler/jobs/{job_id}/toggle", Toggle(jobs, pages))
    app.add_route("/scheduler/jobs/{job_id}/preview", JobPreview(jobs, pages))
    app.add_route("/scheduler/jobs/{job_id}/occurrences", OccurrenceList(services.occurrences, services.long))
    app.add_route("/scheduler/jobs/{job_id}/occurrences/{instant}", OccurrenceChange(services.occurrence_edits, pages))
    accounts = ManyAccounts(jobs, services.occurrences)
    app.add_route("/scheduler/occurrences", AllOccurrences(accounts, services.long))
    app.add_route("/scheduler/jobs/{job_id}/explain", Explanation(services.explanations, services.long))
    app.add_route("/scheduler/jobs/{job_id}/revisions", RevisionList(services.revisions))
    app.add_route("/scheduler/jobs/{job_id}/revisions/{revision}", OneRevision(services.revisions))
    app.add_route("/scheduler/jobs/{job_id}/revisions/{revision}/restore", RestoreRevision(services.revisions, pages))
    app.add_route("/scheduler/deleted", DeletedList(services.deleted))
    app.add_route("/scheduler/deleted/{job_id}/restore", RestoreDeleted(services.deleted, pages))
    app.add_route("/scheduler/preview", Preview(jobs, pages))
    calendars, rehearsed = services.calendars, services.calendar_dry_runs
    app.add_route("/scheduler/calendars", CalendarList(calendars, pages))
    app.add_route("/scheduler/calendars/{name}", Calendar(calendars, rehearsed, pages, services.long))
    app.add_route("/scheduler/calendars/{name}/ics", CalendarFile(calendars, rehearsed, services.long))
    app.add_route("/scheduler/calendars/{name}/days", CalendarDays(calendars, pages))
    app.add_route("/scheduler/pauses", PauseList(services.pauses, pages))
    app.add_route("/scheduler/pauses/{pause_id}", OnePause(services.pauses, pages))
    app.add_route("/scheduler/clock-changes", ClockChangeList(services.clock_changes, services.long))
    app.add_route("/scheduler/export", Export(services.definitions, services.long))
    app.add_route("/scheduler/apply", Apply(services.definitions, services.long, services.import_limit))


def _add_alert_routes(app: App, services: Services) -> None:
    channels, rules, pages = services.channels, services.rules, services.pages
    app.add_route("/scheduler/channels", ChannelList(channels, pages))
    app.add_route("/scheduler/channels/{name}", OneChannel(channels, pages))
    app.add_route("/scheduler/channels/{name}/test", ChannelTest(channels, services.long))
    app.add_route("/scheduler/rules", RuleList(rules, pages))
    app.add_route("/scheduler/rules/{rule_id}", OneRule(rules, pages))
    app.add_route("/scheduler/alerts", AlertList(services.told_alerts, pages))
    app.add_route("/scheduler/snoozes", SnoozeList(services.snoozes, pages))
    app.add_route("/scheduler/snoozes/{snooze_id}", OneSnooze(services.snoozes, pages))


def _add_run_routes(app: App, services: Services) -> None:
    runs = services.runs
    app.add_route("/scheduler/jobs/{job_id}/run", RunNow(runs, services.hub, services.pages))
    app.add_route("/scheduler/jobs/{job_id}/history", History(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}", Run(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/log", Log(runs, services.hub))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/cancel", Cancel(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/again", Again(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/now", Start(runs))
    app.add_route("/scheduler/runs", AllRuns(runs))
    app.add_route("/scheduler/runs/{run_id}", RunAlone(runs))
    backfills = services.backfills
    app.add_route("/scheduler/jobs/{job_id}/backfill", StartBackfill(backfills, services.long))
    app.add_route("/scheduler/jobs/{job_id}/backfills", BackfillList(backfills))
    app.add_route("/scheduler/jobs/{job_id}/backfills/{backfill_id}", OneBackfill(backfills))


def _add_contact_routes(app: App, services: Services) -> None:
    contacts, pages, long = services.contacts, services.pages, services.long
    app.add_route("/scheduler/contacts", address_book.ContactList(contacts, pages))
    app.add_route("/scheduler/contacts/import", address_book.Import(contacts, long, services.import_limit))
    app.add_route("/scheduler/contacts/export", address_book.Export(contacts, long))
    app.add_route("/scheduler/contacts/duplicates", address_book.Duplicates(contacts, long))
    app.add_route("/scheduler/contacts/{contact_id}", address_book.Contact(contacts, pages, services.erasure, long))
    app.add_route("/scheduler/contacts/{contact_id}/merge", address_book.Merge(contacts, pages))


def _add_service_routes(app: App, services: Services) -> None:
    app.add_route("/scheduler/health", Health(services.health))
    app.add_route("/scheduler/acknowledge", Acknowledge(services.health))
    app.add_route("/scheduler/audit", AuditEntries(services.audit))
    app.add_route("/scheduler/messages/test", MessageTest(services.message_tester, services.long))
    app.add_route("/scheduler/bots", BotList(services.bots))
    app.add_route("/metrics", Metrics(services.reading, services.pages, services.job_numbers))


def _add_access_routes(app: App, services: Services) -> None:
    keys, lookups = services.stored_keys, services.lookups
    app.add_route("/scheduler/keys", KeyList(keys, services.public_url))
    app.add_route("/scheduler/keys/me", OwnKey(keys))
    app.add_route("/scheduler/keys/{key_id}", Key(keys, lookups))
    app.add_route("/scheduler/keys/{key_id}/rotate", Rotate(keys, lookups, services.public_url))
    app.add_route(feeds.ADDRESS, feeds.Feed(services.feeds, services.long))
    for path, word in pings.ROUTES.items():
        app.add_route(path, pings.PingRoute(services.pings, word))
    looks = SharedLooks()
    app.add_route(badges.SVG_ADDRESS, badges.BadgePicture(services.standings, looks))
    app.add_route(badges.JSON_ADDRESS, badges.BadgeData(services.standings, looks))
    app.add_route(badges.PAGE_ADDRESS, badges.StatusPage(services.standings, looks))
    app.add_route("/scheduler/sessions", SessionList(services.console_sessions))
    app.add_route("/scheduler/sessions/end", SessionsEnd(services.console_sessions, lookups))
    app.add_route("/scheduler/sessions/{session_id}", SessionEnd(services.console_sessions, lookups))
