"""The one place that makes Redis clients.

Clients never retry by themselves: a write whose reply was lost would happen twice. Calls that are safe to repeat
(reads, and our scripts, each of which says why) go through `service.store.server.exchange.repeatable`.
"""

from __future__ import annotations

import logging
import select
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, overload

import redis
import redis.asyncio
from redis import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from service.settings import Settings
from service.store.server.exchange import SharingRedis
from service.store.server.own_connection import OwnConnection
from service.store.server.patience import PatientRedis
from service.store.server.shared_connection import Push, SharedConnection

log = logging.getLogger(__name__)

Client = Redis
"""A client, for modules that pass one to the store and use no command of it themselves."""
ClientError = RedisError
"""The base of redis-py's errors, for the same modules."""

Role = Literal["web", "scheduler", "worker", "watch", "horse"]

CONNECT_SECONDS = 1.0
"""The longest wait for a connection."""
SOCKET_SECONDS: dict[Role, float] = {
    "web": 1.5,  # so that a 503 is out within 3 s
    "scheduler": 5.0,
    "worker": 20.0,  # RQ's own commands, when a worker starts and ends
    "watch": 2.0,  # so that a run is killed before its lease ends: less than service.worker.watchdog's margin
    "horse": 5.0,
}
POOL_WAIT_SECONDS = 1.0
"""The longest wait of a web process for one of its own connections."""
_DRIVER = DriverInfo()
"""redis-py's name and version, which it else reads from the disk for each connection: too slow for an event loop."""


@overload
def connect(settings: Settings, role: Literal["web"]) -> WebRedis: ...


@overload
def connect(settings: Settings, role: Role) -> Redis: ...


def connect(settings: Settings, role: Role) -> Redis:
    """Make a Redis client for one kind of process; it connects at its first use.

    Args:
        settings: where Redis is, how to verify TLS, and how many connections a web process may have.
        role: decides on time-outs and pool.
    """
    url, options = settings.redis_url.get_secret_value(), _options(settings, SOCKET_SECONDS[role])
    of_pool = {
        "retry": Retry(NoBackoff(), 0),
        "redis_connect_func": partial(_introduce, f"{settings.redis_prefix}-{role}"),
        **options,
    }
    if role == "web":
        pool: redis.ConnectionPool = redis.BlockingConnectionPool.from_url(
            url, max_connections=settings.redis_pool_size, timeout=POOL_WAIT_SECONDS, **of_pool
        )
        return WebRedis(pool, settings)
    if role == "horse":
        return PatientRedis(
            connection_pool=OwnConnection.from_url(url, patience=2 * SOCKET_SECONDS["horse"], **of_pool)
        )
    return Redis(connection_pool=redis.ConnectionPool.from_url(url, **of_pool))


class WebRedis(SharingRedis):
    """The client of a web process: a pool for its threads, and a shared connection for its event loop.

    Args:
        pool: the connections of its threads.
        settings: where Redis is, and how to verify TLS.
    """

    def __init__(self, pool: redis.ConnectionPool, settings: Settings) -> None:
        super().__init__(connection_pool=pool)
        self._settings = settings
        self.shared = self._line()

    def beside(
        self, greeting: Sequence[bytes] = (), greeted: Callable[[list[Any]], None] | None = None,
        push: Push | None = None,
    ) -> WebRedis:  # fmt: skip
        """Make a client of the same pool with a shared connection of its own, so that its long answers delay nobody.

        Args:
            greeting: see `SharedConnection`.
            greeted: see there.
            push: see there.
        """
        twin = WebRedis(self.connection_pool, self._settings)
        twin.shared = twin._line(greeting=greeting, greeted=greeted, push=push)
        return twin

    def subscription(self) -> PubSub:
        """Make a connection of the event loop for subscriptions; it is not connected yet."""
        return PubSub(self._loop_pool())

    def _line(self, **options: Any) -> SharedConnection:
        pool = self._loop_pool()
        make = partial(pool.connection_class, **pool.connection_kwargs)
        return SharedConnection(make, SOCKET_SECONDS["web"], f"{self._settings.redis_prefix}-web", **options)

    def _loop_pool(self) -> redis.asyncio.ConnectionPool:
        url, options = self._settings.redis_url.get_secret_value(), _options(self._settings, SOCKET_SECONDS["web"])
        return redis.asyncio.ConnectionPool.from_url(url, retry=AsyncRetry(NoBackoff(), 0), **options)


def _options(settings: Settings, seconds: float) -> dict[str, Any]:
    """Return the options of every connection of a process, by the address in REDIS_URL."""
    url, options = settings.redis_url.get_secret_value(), {"socket_timeout": seconds, "driver_info": _DRIVER}
    if not url.startswith("unix://"):
        options |= {"socket_connect_timeout": CONNECT_SECONDS, "socket_keepalive": True, **_keep_alive()}
    if url.startswith("rediss://"):
        options |= _tls(settings.redis_tls_verify)
    return options


def _introduce(name: str, connection: Any) -> None:
    """Sign in, and name the connection in Redis' list of clients, which not every user may."""
    connection.on_connect()
    try:
        connection.send_command("CLIENT", "SETNAME", name, check_health=False)
        connection.read_response()
    except ResponseError as error:
        log.debug("Redis does not take the connection's name: %s", error)


def _keep_alive() -> dict[str, Any]:
    """Return options that detect within about a minute a peer that vanished silently (Linux)."""
    names = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    options = {getattr(socket, name): value for name, value in names.items() if hasattr(socket, name)}
    return {"socket_keepalive_options": options} if options else {}


def _tls(verify: str) -> dict[str, Any]:
    if verify == "full":
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    if verify == "none":
        return {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": verify}


def wait_readable(connection: Any, seconds: float) -> bool:
    """Wait until a connection has something to read, at most `seconds`. Return whether it has.

    redis-py waits in whole milliseconds, and one more.
    """
    if connection.can_read(timeout=0):
        return True
    return bool(select.select([connection._sock], [], [], seconds)[0])


def open_sockets(client: Redis) -> int:
    """Count the open connections of a horse's client, each of which has a file descriptor of this process."""
    pool = client.connection_pool
    return pool.open_sockets() if isinstance(pool, OwnConnection) else 0
