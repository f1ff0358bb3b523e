"""Kind of the server at REDIS_URL: whether it keeps data of its own, takes writes, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from service.errors import StoreUnavailable
from service.store.keys import Keys
from service.store.server import answers
from service.store.server.translation import translate_errors


@dataclass(frozen=True, slots=True)
class Kind:
    """A server's kind; empty texts where it does not say.

    Args:
        mode: `standalone`, `cluster` or `sentinel`.
        role: `master`, `replica` or `slave`.
    """

    mode: str = ""
    role: str = ""


def kind_of(client: Redis) -> Kind:
    """Ask the server itself, in one round trip, or in a few where this user may not use HELLO.

    HELLO tells both since Redis 6; INFO has a different word in Redis and in Valkey.

    Raises:
        StoreUnavailable: Redis is away.
    """
    with translate_errors():
        told = _asked(lambda: client.execute_command("HELLO"))  # type: ignore[no-untyped-call]
        if told is not None:
            hello = {_text(name): _text(value) for name, value in _pairs(told)}
            return Kind(hello.get("mode", ""), hello.get("role", ""))
        info = _asked(client.info) or {}
        mode = str(info.get("redis_mode") or info.get("server_mode") or "")
        role = str(info.get("role") or "")
        if not role:
            answer = _asked(lambda: client.execute_command("ROLE"))  # type: ignore[no-untyped-call]
            role = _text(answer[0]) if answer else ""
    return Kind(mode, role)


def refuse_unsuitable(client: Redis) -> None:
    """Refuse a server that is not a single Redis or Valkey.

    Raises:
        StoreUnsuitable: it is a cluster, a Sentinel or a replica.
        StoreUnavailable: Redis is away.
    """
    refusal = _refusal(kind_of(client))
    if refusal is not None:
        raise refusal


def refusal_of_writes(client: Redis, keys: Keys) -> StoreUnavailable | None:
    """Try a write that changes nothing. Returns why Redis refuses it; None if it does not.

    Raises:
        StoreUnavailable: Redis is away.
    """
    try:
        with translate_errors():
            client.setrange(keys.schema_version, 0, "")
    except ResponseError:
        pass  # Redis has looked at the key, which is of another type
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, ResponseError):
            raise
        if not isinstance(error.__cause__, NoPermissionError):
            return error
    return None


def _refusal(kind: Kind) -> StoreUnavailable | None:
    if kind.mode == "cluster":
        return answers.cluster()
    if kind.mode == "sentinel":
        return answers.sentinel()
    return answers.replica() if kind.role in ("replica", "slave") else None


def _asked(ask: Callable[[], Any]) -> Any:
    """Return the answer; None if this user may not ask, or the server does not know the command."""
    try:
        return ask()
    except ResponseError as error:
        found = answers.of_answer(str(error))
        if found is not None and not _is_forbidden(error):
            raise
        return None


def _is_forbidden(error: ResponseError) -> bool:
    return "permission" in str(error).lower()


def _pairs(told: Any) -> list[tuple[Any, Any]]:
    """Return the pairs of a map, which is a flat list in the protocol's second version."""
    return list(told.items()) if isinstance(told, dict) else list(zip(told[::2], told[1::2], strict=True))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def server_info(client: Redis, section: str) -> Mapping[str, Any] | None:
    """Read a section of INFO; None if this user may not, or the server does not know it. Raises StoreUnavailable."""
    with translate_errors():
        try:
            return dict(client.info(section))
        except NoPermissionError:
            return None
        except ResponseError as error:
            if "unknown command" in str(error):  # renamed away, as some managed services do
                return None
            raise
