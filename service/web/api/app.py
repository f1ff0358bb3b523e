"""The WSGI application, put together."""

from __future__ import annotations

from typing import Any

import falcon
from falcon.media import JSONHandler

from service.domain.input.strict_json import parse_object
from service.domain.plain_json import dumps
from service.web.api import contacts as address_book
from service.web.api import protocols
from service.web.api.bots import BotList
from service.web.api.definitions import Apply, Export
from service.web.api.health import Acknowledge, Health
from service.web.api.jobs import Job, JobList, RunNow, Toggle
from service.web.api.messages import MessageTest
from service.web.api.metrics import Measured
from service.web.api.openapi import document as openapi
from service.web.api.previews import JobPreview, Preview
from service.web.api.protocols import (
    Bots,
    Contacts,
    Definitions,
    Following,
    Jobs,
    MessageTester,
    Metrics,
    Runs,
    Settings,
)
from service.web.api.runs import AllRuns, Cancel, History, Log, Run
from service.web.http import errors
from service.web.http.access import Undeclared, require_declaration
from service.web.http.auth import ApiKeys
from service.web.http.body import NeedlessBodies
from service.web.http.guard import Guard, Nothing
from service.web.http.mounted import WSGI, Mounted
from service.web.http.page_headers import PAGE_HEADERS
from service.web.http.refusals import Refusals
from service.web.http.request_ids import RequestIds
from service.web.http.request_slots import RequestSlots
from service.web.http.sessions import Sessions

API = "/scheduler"
"""Where the API is."""
DASHBOARD = "/rq"
"""Where rq-dashboard is mounted."""


class App(falcon.App[Any, Any]):
    """Falcon's application, with routes only to resources that declare who may ask them.

    Args:
        slots: this process', for all that waits or streams.
    """

    def __init__(self, slots: RequestSlots, **options: Any) -> None:
        super().__init__(**options)
        self.req_options.strip_url_path_trailing_slash = True
        self.router_options.default_to_on_request = True
        self.slots = slots
        self.routes: dict[str, object] = {}
        """The API's, for its OpenAPI document: path -> resource."""

    def add_route(self, uri_template: str, resource: object, **options: Any) -> None:
        """Falcon's own, noted down for the OpenAPI document.

        Raises:
            Undeclared: nobody would guard it.
        """
        self.add_page(uri_template, resource, **options)
        self.routes[uri_template] = resource

    def add_page(self, uri_template: str, resource: object, **options: Any) -> None:
        """Add what is no part of the API, nor of its document: a page for people, a file, another application.

        Raises:
            Undeclared: nobody would guard it.
        """
        require_declaration(uri_template, resource)
        super().add_route(uri_template, resource, **options)

    def add_tree(self, prefix: str, resource: object) -> None:
        """Add a path with all that lies under it, but for what has a route of its own."""
        self.add_page(prefix, resource)
        self.add_page(f"{prefix}/{{rest:path}}", resource)

    def add_sink(self, sink: Any, prefix: Any = "/") -> None:
        """Refused: Falcon tells its middleware nothing of what a sink answers."""
        raise Undeclared(f"A sink at {prefix} cannot be served: nobody would guard it; add a route")

    def add_static_route(self, prefix: str, *arguments: Any, **options: Any) -> None:
        """Refused, as a sink is."""
        raise Undeclared(f"A static route at {prefix} cannot be served: nobody would guard it; add a route")


class Headers:
    """Falcon middleware: what every answer carries, unless its resource has said otherwise."""

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Answers are of the moment and for the asker alone, and are what they say they are."""
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", "no-store")
        resp.set_header("X-Content-Type-Options", "nosniff")
        if isinstance(resource, Mounted):  # its refusals too
            resp.set_headers(PAGE_HEADERS)


def create_app(
    jobs: Jobs,
    runs: Runs,
    health: protocols.Health,
    contacts: Contacts,
    settings: Settings,
    *,
    following: Following | None = None,
    definitions: Definitions | None = None,
    message_tester: MessageTester | None = None,
    metrics: Metrics | None = None,
    bots: Bots | None = None,
    rq_dashboard: WSGI | None = None,
    sign_in: str | None = None,
    waiters: int = 4,
    refusals: Refusals | None = None,
) -> App:
    """Wire the API.

    Args:
        jobs: the use cases of jobs.
        runs: those of runs.
        health: whether the service does its work.
        contacts: the address book.
        settings: the API keys and the import's limit.
        following: reads on in runs; without it no log can be followed live.
        definitions: export and apply; without it there are no such routes.
        message_tester: sends test messages; without it there is no such route.
        metrics: answers `GET /metrics`; without it there is no such route.
        bots: bot type -> bot class, for `GET /scheduler/bots`; without them there is no such route.
        rq_dashboard: mounted at `/rq`; without it there is no such route.
        sign_in: the path where people sign in to the console; None where there is none.
        waiters: how many requests may wait or stream at once: half of a process' threads.
        refusals: counts wrong keys.

    Returns:
        The WSGI application.
    """
    keys = ApiKeys.of(settings)
    slots = RequestSlots(waiters)
    app = App(
        slots, middleware=[RequestIds(), Guard(keys, Sessions(keys), sign_in, refusals), NeedlessBodies(), Headers()]
    )
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(dumps=dumps, loads=_loads)
    errors.install(app)
    _add_job_routes(app, jobs, runs, following, slots)
    app.add_route("/scheduler/health", Health(health))
    app.add_route("/scheduler/acknowledge", Acknowledge(health))
    _add_contact_routes(app, contacts, settings, slots)
    if definitions is not None:
        app.add_route("/scheduler/export", Export(definitions, slots))
        app.add_route("/scheduler/apply", Apply(definitions, settings.import_limit_mb * 2**20, slots))
    if message_tester is not None:
        app.add_route("/scheduler/messages/test", MessageTest(message_tester, slots))
    if bots is not None:
        app.add_route("/scheduler/bots", BotList(bots))
    if metrics is not None:
        app.add_route("/metrics", Measured(metrics))
    if rq_dashboard is not None:
        app.add_tree(DASHBOARD, Mounted(rq_dashboard))
    app.add_tree(API, Nothing())
    openapi.install(app, {} if bots is None else {name: bot.Config for name, bot in bots.items()})
    return app


def _add_job_routes(app: App, jobs: Jobs, runs: Runs, following: Following | None, slots: RequestSlots) -> None:
    app.add_route("/scheduler/jobs", JobList(jobs))
    app.add_route("/scheduler/jobs/{job_id}", Job(jobs))
    app.add_route("/scheduler/jobs/{job_id}/toggle", Toggle(jobs))
    app.add_route("/scheduler/jobs/{job_id}/run", RunNow(runs, slots))
    app.add_route("/scheduler/jobs/{job_id}/history", History(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}", Run(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/log", Log(runs, following, slots))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/cancel", Cancel(runs))
    app.add_route("/scheduler/runs", AllRuns(runs))
    app.add_route("/scheduler/jobs/{job_id}/preview", JobPreview(jobs))
    app.add_route("/scheduler/preview", Preview(jobs))


def _add_contact_routes(app: App, contacts: Contacts, settings: Settings, slots: RequestSlots) -> None:
    longest = settings.import_limit_mb * 2**20
    app.add_route("/scheduler/contacts", address_book.ContactList(contacts))
    app.add_route("/scheduler/contacts/import", address_book.Import(contacts, longest, slots))
    app.add_route("/scheduler/contacts/export", address_book.Export(contacts, slots))
    app.add_route("/scheduler/contacts/duplicates", address_book.Duplicates(contacts, slots))
    app.add_route("/scheduler/contacts/{contact_id}", address_book.Contact(contacts))
    app.add_route("/scheduler/contacts/{contact_id}/merge", address_book.Merge(contacts))


def _loads(text: str | bytes) -> Any:
    return parse_object(text.encode() if isinstance(text, str) else text)
