"""The one place that makes Redis clients, and the words for what can go wrong with them.

Clients never retry by themselves: a write whose reply was lost would happen twice. What is safe to repeat (reads, and
our scripts, each of which says why) goes through `repeatable`.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

import redis
from hiredis import pack_command
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from service.errors import StoreFull, StoreUnavailable
from service.settings import Settings

Role = Literal["web", "scheduler", "worker", "watch", "horse"]
Answer = TypeVar("Answer")

CONNECT_SECONDS = 1.0
SOCKET_SECONDS: dict[Role, float] = {
    "web": 1.5,  # so that a 503 is out within 3 s
    "scheduler": 5.0,
    "worker": 20.0,  # longer than RQ's longest wait for work
    "watch": 2.0,  # so that a run is killed before its lease ends: less than service.worker.watch's margin
    "horse": 5.0,
}
POOL_WAIT_SECONDS = 1.0
AWAY_PREFIXES = ("LOADING", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "NOREPLICAS", "TRYAGAIN", "UNBLOCKED")


def connect(settings: Settings, role: Role) -> Redis:
    """A Redis client for one kind of process; it connects when it is first used.

    Args:
        settings: where Redis is, how TLS is verified, and how many connections a web process may have; they have
            checked themselves.
        role: time-outs and pool follow from it.

    """
    url = settings.redis_url.get_secret_value()
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SOCKET_SECONDS[role],
        "client_name": f"{settings.redis_prefix}-{role}",
    }
    if not url.startswith("unix://"):
        options |= {"socket_connect_timeout": CONNECT_SECONDS, "socket_keepalive": True, **_keep_alive()}
    if url.startswith("rediss://"):
        options |= _tls(settings.redis_tls_verify)
    if role == "web":
        pool: redis.ConnectionPool = redis.BlockingConnectionPool.from_url(
            url, max_connections=settings.redis_pool_size, timeout=POOL_WAIT_SECONDS, **options
        )
    elif role == "horse":
        # One connection that its threads share: small Redis plans count connections.
        pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=1, timeout=2 * SOCKET_SECONDS["horse"], **options
        )
    else:
        pool = redis.ConnectionPool.from_url(url, **options)
    return Redis(connection_pool=pool)


def _keep_alive() -> dict[str, Any]:
    """Notices a peer that vanished without a word within about a minute (Linux)."""
    names = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    options = {getattr(socket, name): value for name, value in names.items() if hasattr(socket, name)}
    return {"socket_keepalive_options": options} if options else {}


def _tls(verify: str) -> dict[str, Any]:
    if verify == "full":
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    if verify == "none":
        return {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": verify}


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turns redis-py's errors into this service's, which carry no address and no password.

    Raises:
        StoreUnavailable: Redis is away: unreachable, loading, read-only, out of connections, or not open to this user.
        StoreFull: Redis has no memory left to write to.
    """
    try:
        yield
    except OutOfMemoryError as error:
        raise _full() from error
    except (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, MaxConnectionsError, OSError) as error:
        raise StoreUnavailable(_away(error)) from error
    except NoPermissionError as error:
        raise StoreUnavailable("Redis does not let the user in REDIS_URL do all that is needed") from error
    except ResponseError as error:
        text = str(error)
        if "OOM" in text:
            raise _full() from error
        if "DB index is out of range" in text:
            raise StoreUnavailable("Redis has no database of the number in REDIS_URL") from error
        if "max number of clients" in text or text.startswith(AWAY_PREFIXES):
            raise StoreUnavailable(f"Redis is away: {text.split(' ', 1)[0]}") from error
        raise


def _full() -> StoreFull:
    return StoreFull("Redis is out of memory and refuses writes; make room or raise its maxmemory")


def _away(error: BaseException) -> str:
    if isinstance(error, AuthenticationError):
        return "Redis refuses the user or the password in REDIS_URL, or asks for one that it lacks"
    if _caused_by(error, ssl.SSLCertVerificationError) or "certificate verify failed" in str(error).lower():
        return "Redis' TLS certificate could not be verified; see the setting REDIS_TLS_VERIFY"
    if _caused_by(error, ssl.SSLError):
        return "Redis cannot be reached by TLS; REDIS_URL starts with rediss:// only where the server speaks it"
    if "max number of clients" in str(error):
        return "Redis has no connection to spare (max number of clients reached)"
    if "No connection available" in str(error) or isinstance(error, MaxConnectionsError):
        return "All of this process' Redis connections are busy; see the setting REDIS_POOL_SIZE"
    if isinstance(error, TimeoutError):
        return "Redis did not answer in time"
    return "Redis cannot be reached"


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def open_sockets(client: Redis) -> int:
    """How many connections of a horse's client are open, each with a descriptor of this process."""
    pool: Any = client.connection_pool
    return sum(1 for connection in pool._connections if connection._sock is not None)


def packed(*parts: str | bytes | int | float) -> bytes:
    """A command as it is sent."""
    return bytes(pack_command(parts))  # type: ignore[arg-type]


def send(client: Redis, commands: Sequence[bytes]) -> Callable[[], list[Any]]:
    """Sends packed commands and does not wait for their answers.

    redis-py's own commands and pipelines cost two to three times the CPU of what they send and read.

    Returns:
        What reads the answers, to be called once, in any case: in order, what Redis refused as a ResponseError in its
        place. It raises what `send` raises.

    Raises:
        redis.exceptions.RedisError: Redis is away.
    """
    pool = client.connection_pool
    connection: Any = pool.get_connection()

    def give_up() -> None:
        # What was not read yet must not become the answer to somebody else's question.
        connection.disconnect()
        pool.release(connection)

    try:
        connection.send_packed_command([b"".join(commands)])
    except BaseException:
        give_up()
        raise

    def receive() -> list[Any]:
        try:
            answers = [_answer(connection) for _ in commands]
        except BaseException:
            give_up()
            raise
        pool.release(connection)
        return answers

    return receive


def exchange(client: Redis, commands: Sequence[bytes]) -> list[Any]:
    """Sends packed commands and reads their answers, in one round trip; as `send` has them."""
    return send(client, commands)()


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def repeatable(call: Callable[[], Answer]) -> Answer:
    """Makes a call that is safe to repeat, and once more if its connection broke.

    A pooled connection may have been closed since it was last used; the second try opens a new one. Time-outs are not
    tried again: Redis is slow then, and would be asked twice as much.
    """
    try:
        return call()
    except (TimeoutError, MaxConnectionsError, BusyLoadingError):
        raise
    except ConnectionError as error:
        if "No connection available" in str(error):
            raise
        return call()


__all__ = [
    "RedisError",
    "Role",
    "connect",
    "exchange",
    "open_sockets",
    "packed",
    "repeatable",
    "send",
    "translate_errors",
]
