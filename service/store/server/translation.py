"""Translation of redis-py's errors into this service's, which carry no address and no password."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterError,
    ConnectionError,
    MasterDownError,
    MaxConnectionsError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from service.errors import StoreUnavailable
from service.store.server import answers


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn redis-py's errors into this service's.

    Raises:
        StoreUnavailable: Redis is away: unreachable, loading, read-only, out of connections, or not open to this user.
        StoreFull: Redis has no memory left to write to.
        WritesRefused: Redis refuses all writes, because it cannot save its data.
        StoreUnsuitable: Redis is a cluster or a replica.
    """
    try:
        yield
    except (RedisError, OSError) as error:
        found = _translated(error)
        if found is None:
            raise
        raise found from error


def _translated(error: RedisError | OSError) -> StoreUnavailable | None:
    """Find this service's error for one of redis-py's; None for a defect of ours."""
    if isinstance(error, OutOfMemoryError):
        return answers.full()
    if isinstance(error, ReadOnlyError):
        return answers.replica()
    if isinstance(error, MasterDownError):
        return answers.orphan()
    if isinstance(error, (ClusterError, TryAgainError, AskError, ClusterCrossSlotError)):
        return answers.cluster()
    if isinstance(error, NoPermissionError):
        return answers.not_permitted(str(error))
    if isinstance(error, (ConnectionError, TimeoutError, BusyLoadingError, MaxConnectionsError, OSError)):
        return _away(error)
    return answers.of_answer(str(error)) if isinstance(error, ResponseError) else None


def _away(error: BaseException) -> StoreUnavailable:
    if isinstance(error, AuthenticationError):
        return StoreUnavailable(
            "Redis refuses the user or the password in REDIS_URL, or asks for one that it lacks", "Correct REDIS_URL"
        )
    if _caused_by(error, ssl.SSLCertVerificationError) or "certificate verify failed" in str(error).lower():
        return StoreUnavailable("Redis' TLS certificate could not be verified", "See the setting REDIS_TLS_VERIFY")
    if _caused_by(error, ssl.SSLError):
        return StoreUnavailable(
            "Redis cannot be reached by TLS", "Use rediss:// in REDIS_URL only if the server supports TLS"
        )
    if "max number of clients" in str(error):
        return answers.no_connection()
    if "No connection available" in str(error) or isinstance(error, MaxConnectionsError):
        return StoreUnavailable("All of this process' Redis connections are busy", "See the setting REDIS_POOL_SIZE")
    if isinstance(error, BusyLoadingError):
        return StoreUnavailable("Redis is loading its data")
    if isinstance(error, TimeoutError):
        return StoreUnavailable("Redis did not answer in time")
    return StoreUnavailable("Redis cannot be reached")


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
