"""rq-dashboard, mounted read-only under `/rq`; here and in `dashboard_pages` alone is known how it works inside.

As it comes, rq-dashboard 0.9.0 makes a Redis client for every page view, reads pickles, shows every queue in the
database, tidies up in Redis while it looks (and its worker list raises the time-outs of the pool that it is given), and
requeues on a GET. Here it is given the service's own pool behind a client that writes nothing, sees this
installation's queues, workers and RQ jobs only, reads JSON only, answers the views named in `_VIEWS` alone, and shows
them by templates of ours (`service.web.rq_dashboard.pages`).
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
from rq.serializers import JSONSerializer
from rq_dashboard import web
from werkzeug.exceptions import HTTPException, NotFound

from service.errors import StoreUnavailable
from service.store.server.translation import translate_errors
from service.web.http.page_headers import PAGE_HEADERS
from service.web.rq_dashboard.pages import FILES, REGISTRIES, use_own_pages

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
"""The views that only look. All others are refused, so that one which a later release adds is refused too."""

_STYLE = re.compile(r"css/[a-z.]+\.css")
"""Of its files. Its scripts are kept away: a tag that got into a page could make them act."""
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
    """Leaves every command that is no read out."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return super().execute_command(*args, **options) if _reads(args) else self  # type: ignore[no-untyped-call]


class _ReadOnlyRedis(Redis):
    """The service's own connections, for looking only: RQ tidies up while it lists, and here it does not."""

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
        if not _ours(job.origin):
            raise NoSuchJobError(id)
        return job


class _Queue(Queue):
    """A queue of this installation."""

    job_class = _Job

    def __init__(self, name: str | None = None, connection: Redis | None = None, **options: Any) -> None:
        options["serializer"] = JSONSerializer
        super().__init__(name or dashboard.config["OUR_QUEUE"], connection=connection, **options)

    @classmethod
    def all(cls, connection: Redis, *args: Any, **options: Any) -> list[Queue]:
        return [queue for queue in super().all(connection, *args, **options) if _ours(queue.name)]


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
            if _ours(key.removeprefix(prefix))
        ]
        return [worker for worker in found if worker is not None]


def create_dashboard(client: Redis, prefix: str, queue_name: str, *, console: bool = False) -> Flask:
    """rq-dashboard as a WSGI application that answers under `/rq`, whoever asks: the API's guard stands before it.

    Args:
        client: the web process' Redis client; its connection pool is shared.
        prefix: `REDIS_PREFIX`, with which the names of our queues and workers begin.
        queue_name: the queue that is shown first.
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
    use_own_pages(app, console=console)
    app.before_request_funcs.pop(web.blueprint.name, None)  # it makes a client for every view
    app.before_request(_refusal)
    app.register_error_handler(Exception, _error)
    app.after_request(_headers)
    return app


def _ours(name: str) -> bool:
    prefix: str = dashboard.config["OUR_PREFIX"]
    return name.startswith((f"{prefix}-", f"{prefix}:")) or name == prefix


def _refusal() -> Response | None:
    """What is answered instead of the view, if anything."""
    known = request.endpoint is not None
    if request.method not in ("GET", "HEAD") or (known and request.endpoint not in _VIEWS):
        return _detail(403, "The dashboard is read-only here: use the API to change jobs and runs")
    if known and not _sensible(request.view_args or {}):
        return _detail(404, "There is nothing at this address")
    return None


def _sensible(arguments: dict[str, Any]) -> bool:
    """Whether the parts of the path are such as rq-dashboard can take; it does not look itself."""
    queue_name = arguments.get("queue_name")
    return (
        (request.endpoint != "rq_dashboard.static" or _STYLE.fullmatch(arguments["filename"]) is not None)
        and arguments.get("instance_number", 0) == 0
        and (queue_name is None or _ours(queue_name))
        and arguments.get("registry_name", "queued") in REGISTRIES
        and arguments.get("order", "asc") in ("asc", "dsc")
        and _counts(arguments.get("per_page", 1), 200)
        and _counts(arguments.get("page", 1), 1_000_000)
    )


def _counts(value: object, high: int) -> bool:
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
        return _detail(503, _told(error))
    logger.error("%s %r failed unexpectedly", request.method, request.path, exc_info=error)
    return _detail(500, "Internal server error")


def _told(error: RedisError) -> str:
    try:
        with translate_errors():
            raise error
    except StoreUnavailable as found:
        return str(found)
    except RedisError:
        return "Redis refuses what was asked of it"


def _detail(status: int, detail: str) -> Response:
    response = jsonify({"detail": detail})
    response.status_code = status
    return response


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in PAGE_HEADERS.items():
        response.headers[name] = value
    return response
