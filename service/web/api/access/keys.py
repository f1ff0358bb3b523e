"""Routes of stored API keys: list, make, read, change, revoke, rotate; and the caller's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import falcon
from falcon.asgi import Request, Response

from service.domain.access.scopes import Scope
from service.interleaving import interleaved
from service.usecases.access.keys import StoredKeys
from service.web.api import feeds
from service.web.api.badges import routes as badges
from service.web.api.heartbeats import pings
from service.web.api.limits import PAGE_LIMIT
from service.web.callers.lookups import Lookups
from service.web.http import paging, query, sessions
from service.web.http.access import BY_KEY
from service.web.http.body import read_object, read_optional_object

_ADDRESSES: Mapping[str, Mapping[str, str]] = {
    Scope.FEED.value: {"feed": feeds.ADDRESS},
    Scope.PING.value: {"ping": pings.ADDRESS},
    Scope.BADGE.value: {"badge": badges.SVG_ADDRESS, "status_page": badges.PAGE_ADDRESS},
}
"""Scope of keys that stand in addresses -> field of the answer -> path."""


class KeyList:
    """`/scheduler/keys`.

    Args:
        keys: the stored keys.
        public_url: where people reach the service, for addresses with a new key; None if nobody has said so.
    """

    access = BY_KEY.needing(get=Scope.ADMIN, post=Scope.ADMIN)

    def __init__(self, keys: StoredKeys, public_url: str | None) -> None:
        self._keys = keys
        self._public_url = public_url

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return a page of keys, in the order of their creation, narrowed by `q`, `scope` and `state`."""
        filters = {name: query.text(req, name) for name in ("q", "scope", "state")}
        page = await interleaved(self._keys.list, PAGE_LIMIT.read(req), paging.cursor(req), **filters)
        paging.send_page(req, resp, page)

    on_head = on_get

    async def on_post(self, req: Request, resp: Response) -> None:
        """Make a key. The answer has the key itself, which is shown this once.

        If `feed` is its only scope, the answer also has the address of the calendar feed; if `badge` is, those of the
        badge and of the status page; if `ping` is, and `job_id` names a heartbeat job, the address for its pings.

        The new key may have no more rights than the one that makes it.
        """
        made = _with_address(req, await interleaved(self._keys.create, await read_object(req)), self._public_url)
        resp.media, resp.status = made, falcon.HTTP_201
        resp.set_header("Location", f"/scheduler/keys/{made['id']}")


class OwnKey:
    """`/scheduler/keys/me`."""

    access = BY_KEY.needing(get=None)

    def __init__(self, keys: StoredKeys) -> None:
        self._keys = keys

    async def on_get(self, req: Request, resp: Response) -> None:
        """Return the key that asks, and what it may do."""
        resp.media = await interleaved(self._keys.me)

    on_head = on_get


class Key:
    """`/scheduler/keys/{key_id}`.

    Args:
        keys: the stored keys.
        lookups: forget what they knew when a key changes.
    """

    access = BY_KEY.needing(get=Scope.ADMIN, put=Scope.ADMIN, delete=Scope.ADMIN)

    def __init__(self, keys: StoredKeys, lookups: Lookups) -> None:
        self._keys = keys
        self._lookups = lookups

    async def on_get(self, req: Request, resp: Response, key_id: str) -> None:
        """Return the key's record."""
        resp.media = await interleaved(self._keys.get, key_id)

    on_head = on_get

    async def on_put(self, req: Request, resp: Response, key_id: str) -> None:
        """Change the fields that the body names: name, scopes, limits, expiry, note."""
        resp.media = await interleaved(self._keys.update, key_id, await read_object(req))
        self._lookups.forget()

    async def on_delete(self, req: Request, resp: Response, key_id: str) -> None:
        """Revoke the key.

        Within a second, all web processes refuse it, and its sessions, its open streams and its waits end.
        """
        await interleaved(self._keys.revoke, key_id)
        self._lookups.forget()
        resp.status = falcon.HTTP_204


class Rotate:
    """`/scheduler/keys/{key_id}/rotate`.

    Args:
        keys: the stored keys.
        lookups: forget what they knew when a key changes.
        public_url: as in `KeyList`.
    """

    access = BY_KEY.needing(post=Scope.ADMIN)

    def __init__(self, keys: StoredKeys, lookups: Lookups, public_url: str | None) -> None:
        self._keys = keys
        self._lookups = lookups
        self._public_url = public_url

    async def on_post(self, req: Request, resp: Response, key_id: str) -> None:
        """Give the key a new secret, shown this once, and accept the old one for `overlap_seconds` more."""
        made = await interleaved(self._keys.rotate, key_id, await read_optional_object(req))
        resp.media = _with_address(req, made, self._public_url)
        self._lookups.forget()


def _with_address(req: Request, made: dict[str, Any], public_url: str | None) -> dict[str, Any]:
    """Add the addresses in which a key that was just made is meant to stand, if it has one scope and that has some."""
    addresses = _ADDRESSES.get(made["scopes"][0], {}) if len(made["scopes"]) == 1 else {}
    if "ping" in addresses and made["job_id"] is None:  # it has become one for pings, and is bound to no job
        addresses = {}
    token = made["key"]
    return made | {
        name: sessions.own_address(req, path.format(token=token), public_url) for name, path in addresses.items()
    }
