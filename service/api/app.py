"""The WSGI application, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import falcon
from falcon.media import JSONHandler

from service.api import errors, openapi, protocols
from service.api.auth import ApiKeys, RequireKey
from service.api.bots import BotList
from service.api.contacts import Contact, ContactList, Import
from service.api.health import Acknowledge, Health
from service.api.jobs import Job, JobList, RunNow, Toggle
from service.api.messages import MessageTest
from service.api.metrics import Measured
from service.api.places import Places
from service.api.previews import JobPreview, Preview
from service.api.protocols import Bots, Contacts, Following, Jobs, Metrics, Runs, Samples, Settings, Transfer
from service.api.rendering import dumps
from service.api.request_ids import RequestIds
from service.api.runs import AllRuns, Cancel, History, Log, Run
from service.api.sessions import Sessions
from service.api.strict_json import parse_object
from service.api.transfer import Apply, Export

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]

DASHBOARD = "/rq"
"""Where rq-dashboard is mounted."""


class App(falcon.App[Any, Any]):
    """Falcon's application, with another WSGI application mounted beside it under `/rq`.

    Args:
        rq_dashboard: that other one.
        places: this process', for all that waits or streams.
    """

    def __init__(self, rq_dashboard: WSGI | None, places: Places, **options: Any) -> None:
        super().__init__(**options)
        self._rq_dashboard = rq_dashboard
        self.places = places
        self.routes: dict[str, object] = {}
        """The API's, for its OpenAPI document: path -> resource."""

    def add_route(self, uri_template: str, resource: object, **options: Any) -> None:
        """Falcon's own, noted down for the OpenAPI document."""
        super().add_route(uri_template, resource, **options)
        self.routes[uri_template] = resource

    def add_page(self, uri_template: str, resource: object) -> None:
        """Add a page for people: no part of the API, and of its document."""
        super().add_route(uri_template, resource)

    def __call__(self, env: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = env["PATH_INFO"]
        if self._rq_dashboard is not None and (path == DASHBOARD or path.startswith(DASHBOARD + "/")):
            return self._rq_dashboard(env, start_response)
        return super().__call__(env, start_response)


class Headers:
    """Falcon middleware: what every answer carries, unless its resource has said otherwise."""

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool) -> None:
        """Answers are of the moment and for the asker alone, and are what they say they are."""
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", "no-store")
        resp.set_header("X-Content-Type-Options", "nosniff")


def create_app(
    jobs: Jobs,
    runs: Runs,
    health: protocols.Health,
    contacts: Contacts,
    settings: Settings,
    *,
    following: Following | None = None,
    transfer: Transfer | None = None,
    samples: Samples | None = None,
    metrics: Metrics | None = None,
    bots: Bots | None = None,
    rq_dashboard: WSGI | None = None,
    waiters: int = 4,
) -> App:
    """Wire the API.

    Args:
        jobs: the use cases of jobs.
        runs: those of runs.
        health: whether the service does its work.
        contacts: the address book.
        settings: the API keys and the import's limit.
        following: reads on in runs; without it no log can be followed live.
        transfer: export and apply; without it there are no such routes.
        samples: sends test messages; without it there is no such route.
        metrics: answers `GET /metrics`; without it there is no such route.
        bots: bot type -> bot class, for `GET /scheduler/bots`; without them there is no such route.
        rq_dashboard: mounted at `/rq`, with its own sign-in; without it there is no such route.
        waiters: how many requests may wait or stream at once: half of a process' threads.

    Returns:
        The WSGI application.
    """
    keys = ApiKeys.of(settings)
    places = Places(waiters)
    app = App(rq_dashboard, places, middleware=[RequestIds(), RequireKey(keys, Sessions(keys).may_change), Headers()])
    app.req_options.strip_url_path_trailing_slash = True
    app.resp_options.media_handlers[falcon.MEDIA_JSON] = JSONHandler(dumps=dumps, loads=_loads)
    errors.install(app)
    _add_job_routes(app, jobs, runs, following, places)
    app.add_route("/scheduler/health", Health(health))
    app.add_route("/scheduler/acknowledge", Acknowledge(health))
    app.add_route("/scheduler/contacts", ContactList(contacts))
    app.add_route("/scheduler/contacts/import", Import(contacts, settings.import_limit_mb * 2**20))
    app.add_route("/scheduler/contacts/{contact_id}", Contact(contacts))
    if transfer is not None:
        app.add_route("/scheduler/export", Export(transfer))
        app.add_route("/scheduler/apply", Apply(transfer, settings.import_limit_mb * 2**20))
    if samples is not None:
        app.add_route("/scheduler/messages/test", MessageTest(samples, places))
    if bots is not None:
        app.add_route("/scheduler/bots", BotList(bots))
    if metrics is not None:
        app.add_route("/metrics", Measured(metrics))
    openapi.install(app, {} if bots is None else {name: bot.Config for name, bot in bots.items()})
    return app


def _add_job_routes(app: App, jobs: Jobs, runs: Runs, following: Following | None, places: Places) -> None:
    app.add_route("/scheduler/jobs", JobList(jobs))
    app.add_route("/scheduler/jobs/{job_id}", Job(jobs))
    app.add_route("/scheduler/jobs/{job_id}/toggle", Toggle(jobs))
    app.add_route("/scheduler/jobs/{job_id}/run", RunNow(runs, places))
    app.add_route("/scheduler/jobs/{job_id}/history", History(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}", Run(runs))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/log", Log(runs, following, places))
    app.add_route("/scheduler/jobs/{job_id}/runs/{run_id}/cancel", Cancel(runs))
    app.add_route("/scheduler/runs", AllRuns(runs))
    app.add_route("/scheduler/jobs/{job_id}/preview", JobPreview(jobs))
    app.add_route("/scheduler/preview", Preview(jobs))


def _loads(text: str | bytes) -> Any:
    return parse_object(text.encode() if isinstance(text, str) else text)
