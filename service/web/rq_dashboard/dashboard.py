"""rq-dashboard, read-only under `/rq`. Only this module and `own_templates` touch its internals.

Unchanged, rq-dashboard 0.9.0 makes a Redis client for every page view, reads pickles, shows every queue of the
database, writes to Redis while it lists (its worker list also raises the time-outs of the connection pool), and
requeues on a GET. Here it uses the service's connection pool through a client that only reads, sees the queues, workers
and RQ jobs of this installation, reads JSON only, answers only the views in `_VIEWS`, and renders our own templates.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import rq_dashboard
from flask import Flask, Response, jsonify, request
from flask import current_app as dashboard
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.results import Result
from rq.serializers import JSONSerializer
from rq_dashboard import web
from werkzeug.exceptions import HTTPException, NotFound

from service.domain.access.callers import caller
from service.domain.access.scopes import Scope
from service.errors import StoreUnavailable
from service.store.server.translation import translate_errors
from service.usecases.access.side_doors import WITHHELD
from service.web.http.page_headers import PAGE_HEADERS
from service.web.rq_dashboard.own_templates import FILES, REGISTRIES, use_own_templates

logger = logging.getLogger(__name__)

_VIEWS = frozenset(
    {
        "static",
        "rq_dashboard.static",
        "rq_dashboard.favicon",
        "rq_dashboard.queues_overview",
        "rq_dashboard.workers_overview",
        "rq_dashboard.jobs_overview",
        "rq_dashboard.job_view",
        "rq_dashboard.list_queues",
        "rq_dashboard.list_jobs",
        "rq_dashboard.job_info",
        "rq_dashboard.list_workers",
    }
)
"""The views that only read. All others are refused, including any that a later release adds."""

_STYLE = re.compile(r"css/[a-z.]+\.css")
"""Its style sheets. Its scripts stay out of reach: a tag that got into a page could trigger them."""
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_READS = frozenset(
    {
        "EXISTS",
        "GET",
        "HGET",
        "HGETALL",
        "HLEN",
        "HMGET",
        "LINDEX",
        "LLEN",
        "LPOS",
        "LRANGE",
        "MGET",
        "SCARD",
        "SISMEMBER",
        "SMEMBERS",
        "TIME",
        "TTL",
        "XLEN",
        "XRANGE",
        "XREVRANGE",
        "ZCARD",
        "ZCOUNT",
        "ZRANGE",
        "ZRANGEBYSCORE",
        "ZREVRANGE",
        "ZSCORE",
    }
)


def _reads(command: tuple[Any, ...]) -> bool:
    return str(command[0]).upper() in _READS


class _ReadOnlyPipeline(Pipeline):
    """Drops every command but reads."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options) if _reads(args) else self  # type: ignore[no-untyped-call]


class _ReadOnlyRedis(Redis):
    """A read-only client on the service's connections: RQ would clean up while it lists."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options) if _reads(args) else None  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _ReadOnlyPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _Job(Job):
    """An RQ job of this installation, read as JSON."""

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        if not _JOB_ID.fullmatch(id):
            raise NoSuchJobError(id)
        job = super().fetch(id, connection=connection, serializer=JSONSerializer)
        if not _is_ours(job.origin):
            raise NoSuchJobError(id)
        return job

    def latest_result(self, timeout: int = 0) -> Result | None:
        """Return how the run ended. RQ does not know the run's bot, so any error may be about persons."""
        result = super().latest_result(timeout)
        if result is not None and result.exc_string and Scope.CONTACTS not in caller().scopes:
            result.exc_string = WITHHELD
        return result


class _Queue(Queue):
    """A queue of this installation."""

    job_class = _Job

    def __init__(self, name: str | None = None, connection: Redis | None = None, **options: Any) -> None:
        options["serializer"] = JSONSerializer
        super().__init__(name or dashboard.config["OUR_QUEUE"], connection=connection, **options)

    @classmethod
    def all(cls, connection: Redis, *args: Any, **options: Any) -> list[Queue]:
        return [queue for queue in super().all(connection, *args, **options) if _is_ours(queue.name)]


class _Worker(Worker):
    """A worker of this installation."""

    def _set_connection(self, connection: Redis) -> Redis:
        return connection  # RQ would raise the whole pool's socket time-out to minutes

    @classmethod
    def all(cls, connection: Redis | None = None, *args: Any, **options: Any) -> list[Any]:
        assert connection is not None
        prefix = cls.redis_worker_namespace_prefix
        found = [
            cls.find_by_key(key, connection=connection, job_class=_Job, queue_class=_Queue, serializer=JSONSerializer)
            for key in cls.all_keys(connection)
            if _is_ours(key.removeprefix(prefix))
        ]
        return [worker for worker in found if worker is not None]


def create_dashboard(client: Redis, prefix: str, queue_name: str, *, console: bool = False) -> Flask:
    """Make rq-dashboard a WSGI application under `/rq`. It checks no access: the API's guard stands in front of it.

    Args:
        client: The web process' Redis client, whose connection pool the dashboard shares.
        prefix: `REDIS_PREFIX`, which starts the names of our queues and workers.
        queue_name: The queue that the dashboard shows first.
        console: Whether pages link back to the console.
    """
    web.Queue, web.Worker, web.Job = _Queue, _Worker, _Job
    web.config.serializer = JSONSerializer
    app = Flask(rq_dashboard.__name__, static_folder=FILES, static_url_path="/rq/files")
    app.config.update(
        DEBUG=False,
        RQ_DASHBOARD_REDIS_URL=("redis",),
        RQ_DASHBOARD_DISABLE_DELETE=True,
        OUR_PREFIX=prefix,
        OUR_QUEUE=queue_name,
    )
    app.redis_conn = _ReadOnlyRedis(connection_pool=client.connection_pool)  # type: ignore[attr-defined]
    app.register_blueprint(web.blueprint, url_prefix="/rq")
    use_own_templates(app, console=console)
    app.before_request_funcs.pop(web.blueprint.name, None)  # it would make a client for every view
    app.before_request(_refusal)
    app.register_error_handler(Exception, _error)
    app.after_request(_headers)
    return app


def _is_ours(name: str) -> bool:
    prefix: str = dashboard.config["OUR_PREFIX"]
    return name.startswith((f"{prefix}-", f"{prefix}:")) or name == prefix


def _refusal() -> Response | None:
    """Refuse a request that is not for a page which only reads."""
    known = request.endpoint is not None
    if request.method not in ("GET", "HEAD") or (known and request.endpoint not in _VIEWS):
        return _detail(403, "The dashboard is read-only here: use the API to change jobs and runs")
    if known and not _is_valid(request.view_args or {}):
        return _detail(404, "There is nothing at this address")
    return None


def _is_valid(arguments: dict[str, Any]) -> bool:
    """Check the parts of the path, which rq-dashboard does not validate itself."""
    queue_name = arguments.get("queue_name")
    return (
        (request.endpoint != "rq_dashboard.static" or _STYLE.fullmatch(arguments["filename"]) is not None)
        and arguments.get("instance_number", 0) == 0
        and (queue_name is None or _is_ours(queue_name))
        and arguments.get("registry_name", "queued") in REGISTRIES
        and arguments.get("order", "asc") in ("asc", "dsc")
        and _is_count(arguments.get("per_page", 1), 200)
        and _is_count(arguments.get("page", 1), 1_000_000)
    )


def _is_count(value: object, high: int) -> bool:
    text = str(value)
    return text.isascii() and text.isdecimal() and len(text) <= 7 and 1 <= int(text) <= high


def _error(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.response is not None:
        return error.get_response()  # type: ignore[return-value]
    if isinstance(error, NoSuchJobError | NotFound):
        return _detail(404, "There is nothing at this address")
    if isinstance(error, HTTPException):
        code = error.code or 500
        if code < 400:
            return error.get_response()  # type: ignore[return-value]
        return _detail(code, error.description or error.name)
    if isinstance(error, RedisError):
        return _detail(503, _sentence(error))
    logger.error("%s %r failed unexpectedly", request.method, request.path, exc_info=error)
    return _detail(500, "Internal server error")


def _sentence(error: RedisError) -> str:
    try:
        with translate_errors():
            raise error
    except StoreUnavailable as unavailable:
        return str(unavailable)
    except RedisError:
        return "Redis refuses this request"


def _detail(status: int, detail: str) -> Response:
    response = jsonify({"detail": detail})
    response.status_code = status
    return response


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in PAGE_HEADERS.items():
        response.headers[name] = value
    return response
