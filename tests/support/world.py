"""A running web process with every address that its application has, and what a stranger may bring to them."""

from __future__ import annotations

import base64
import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from service.store.access.session_store import SessionStore
from service.store.keys import Keys
from service.store.rq_records import make_scripts
from service.store.scripts import Limits
from service.web.callers.session_tokens import SessionTokens
from service.web.http.auth import ApiKeys
from service.web.http.sessions import COOKIE
from service.web.rq_dashboard.dashboard import create_dashboard
from tests.support.browsing import installation as build
from tests.support.installation import API_KEY, Installation
from tests.support.processes import until
from tests.support.servers.valkey import ValkeyServer
from tests.support.wire import Answer, Wire

CLIENTS = 3
OWN = (b"refused_keys", b"loop_lag")
"""The beginnings of counters that a stranger's request may move, or the load of the machine."""
MARK = "known to nobody without a key"
"""Stands in all that is stored, so that no stranger's answer may hold it."""
JOB = {
    "name": MARK, "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 1, "minute": 2},
    "enabled": False,
}  # fmt: skip


def basic(password: str) -> str:
    """The header with which programs sign in to rq-dashboard."""
    return f"Authorization: Basic {base64.b64encode(f'any:{password}'.encode()).decode()}\r\n"


def cookie(token: str | None = None) -> str:
    """A session's cookie; by default of the one that is open in every world."""
    return f"Cookie: {COOKIE}={token or SIGNED_IN}\r\n"


def token_of(key: str) -> str:
    """A token as it is made where `key` is the root key. Its session is not open yet."""
    root = ApiKeys([key])
    return SessionTokens(root).new(root.digests[0])


def session_of(token: str, key: str = API_KEY) -> str:
    """The id of the session of a root key's token."""
    read = SessionTokens(ApiKeys([key])).read(token)
    assert read is not None
    return read.session_id


def open_session(client: Redis, session_id: str) -> None:
    """Opens a session of the root key."""
    SessionStore(make_scripts(client, Keys(), Limits())).open(session_id, "root", "", "192.0.2.1", "a browser")


SIGNED_IN = token_of(API_KEY)
KEY = f"X-API-Key: {API_KEY}\r\n"
OWN_ORIGIN = "Origin: http://x\r\n"
STRANGERS = {
    "no key": "",
    "a wrong key": "X-API-Key: wrong\r\n",
    "an empty key": "X-API-Key:\r\n",
    "a stale cookie": cookie(token_of(API_KEY)) + OWN_ORIGIN,
}
MORE_STRANGERS = {
    "another installation's cookie": cookie(token_of("another key")) + OWN_ORIGIN,
    "a wrong password": basic("wrong"),
    "a wrong bearer": "Authorization: Bearer wrong\r\n",
    "the key with underscores": f"X_API_Key: {API_KEY}\r\nX_API-KEY: {API_KEY}\r\n",
    "two keys": f"X-API-Key: wrong\r\n{KEY}",
    "two keys, the right one first": f"{KEY}X-API-Key: wrong\r\n",
    "another method": "X-HTTP-Method-Override: GET\r\nX-Method-Override: GET\r\nX-HTTP-Method: GET\r\n",
    "another address": "X-Original-URL: /scheduler/health\r\nX-Rewrite-URL: /scheduler/health\r\n",
    "another place": "X-Forwarded-Prefix: /scheduler\r\nX-Script-Name: /scheduler\r\nX-Forwarded-Uri: /docs\r\n",
    "the server's own variables": "SCRIPT_NAME: /scheduler\r\nPATH_INFO: /docs\r\nREMOTE_USER: root\r\n",
    "from within": "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n",
    "an upgrade": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
}
VISITED = {
    "no Origin": cookie(),
    "another site's Origin": f"{cookie()}Origin: http://evil.example\r\n",
    "a sandbox's Origin": f"{cookie()}Origin: null\r\n",
    "a user's name in the Origin": f"{cookie()}Origin: http://x@x\r\n",
}
"""Requests with the cookie of somebody who is signed in, though no page of ours sent them."""


@dataclass(frozen=True)
class World:
    """A web process with one job, two runs and one contact.

    Args:
        addresses: all of the application's: template -> paths.
        ids: what stands in the paths: name -> id.
    """

    web: Installation
    addresses: dict[str, list[str]]
    ids: dict[str, str]

    @property
    def paths(self) -> list[str]:
        """All addresses."""
        return [path for paths in self.addresses.values() for path in paths]

    def fill(self, template: str) -> str:
        """A template's path."""
        return re.sub(r"{(\w+)}", lambda name: self.ids[name[1]], template)

    def ask_all(self, requests: list[bytes]) -> list[Answer]:
        """Asks over several connections at once. Returns the answers in order.

        Each request has a sender of its own, since many wrong keys from one are answered slowly.
        """
        requests = [_sent_from(number, request) for number, request in enumerate(requests)]
        answers: dict[int, list[Answer]] = {}

        def ask(part: int) -> None:
            with Wire(self.web.port) as wire:
                answers[part] = wire.ask_all(requests[part::CLIENTS])

        threads = [threading.Thread(target=ask, args=(part,)) for part in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answers[number % CLIENTS][number // CLIENTS] for number in range(len(requests))]

    def stored(self) -> dict[bytes, Any]:
        """All that is in Redis, but for the process' own counters, wrong keys, the last uses, and what watch and
        courier do meanwhile."""
        client: Any = self.web.client
        counters = self.web.keys.metrics.encode()
        names = self.web.keys
        moving = (
            counters, names.session(self.ids["session_id"]).encode(), names.refusals.encode(),
            names.api_key(self.ids["feed_id"]).encode(),
        )  # fmt: skip
        own = ("guesses:", "clock", "lease:", "open_door", "troubles", "alert:", "alerts", "deliveries:")
        beside = tuple(f"{names.prefix}:{name}".encode() for name in own)
        kept = [key for key in client.keys("*") if key not in moving and not key.startswith(beside)]
        found = {key: client.dump(key) for key in kept}
        return found | {counters: {name: n for name, n in client.hgetall(counters).items() if not name.startswith(OWN)}}


@contextlib.contextmanager
def world_in(folder: Path) -> Iterator[World]:
    """Starts one, on a server of its own; ends both."""
    with (
        ValkeyServer(folder, "--appendonly", "no") as server,
        Installation(folder, server, WEB_CONCURRENCY="2", TRUSTED_PROXIES="127.0.0.1").start("web") as web,
    ):
        until(lambda: _answers(web), 30, lambda: web.log("web"))
        yield _populate(web)


def _answers(web: Installation) -> bool:
    try:
        return bool(web.call("GET", "/health")[0])
    except OSError:
        return False


def _populate(web: Installation) -> World:
    job_id = web.make_job(**JOB)
    run_id, waiting = web.run_now(job_id), web.run_now(job_id)
    assert web.call("POST", f"/jobs/{job_id}/runs/{run_id}/cancel")[0] == 200
    contact = web.call("POST", "/contacts", {"name": MARK})[1]
    key = web.call("POST", "/keys", {"name": MARK, "scopes": ["read"]})[1]
    # Its address opens the feed, the badges and the status page.
    feed = web.call("POST", "/keys", {"name": "a feed", "scopes": ["feed"], "labels": {"team": ["nobody"]}})[1]
    ids = {"job_id": job_id, "run_id": run_id, "contact_id": str(contact["id"]), "key_id": str(key["id"])}
    ids |= {"revision": "1", "page": "api", "token": str(feed["key"]), "feed_id": str(feed["id"])}
    ids["name"] = str(web.call("POST", "/calendars", {"name": "office"})[1]["name"])
    ids["instant"] = str(web.call("GET", f"/jobs/{job_id}/preview?count=1")[1]["occurrences"][0])
    web.call("POST", "/channels", {"name": "office", "url": "env:BOT_SECRET_A"})
    ids["rule_id"] = str(web.call("POST", "/rules", {"channel": "office", "on": ["failed"]})[1]["id"])
    ids["snooze_id"] = "00000000-0000-4000-8000-000000000006"
    pause = {"scope": {"job_id": job_id}, "reason": MARK}
    ids["pause_id"] = str(web.call("POST", "/pauses", pause)[1]["id"])
    span = {"since": "2025-03-01T00:00:00", "until": "2025-03-02T00:00:00", "only": "all"}
    ids["backfill_id"] = str(web.call("POST", f"/jobs/{job_id}/backfill", span)[1]["backfill_id"])
    ids["session_id"] = session_of(SIGNED_IN)
    open_session(web.client, ids["session_id"])
    world = World(web, {}, ids)
    rest = {
        "/static/{rest:path}": ["console.css", "sign-in.js"],
        "/scheduler/{rest:path}": ["nothing", "jobs/x/y"],
        "/rq/{rest:path}": [path.removeprefix("/rq/") for path in _dashboard_paths(web.client, waiting)],
    }
    for template in templates(build(web.server.url)):
        filled = world.fill(template)
        world.addresses[template] = [filled.replace("{rest:path}", part) for part in rest.get(template, [""])]
    return world


def templates(app: Any) -> list[str]:
    """All that an application's router knows."""
    found, nodes = [], list(app._router._roots)
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if node.resource is not None:
            found.append(node.uri_template)
    return sorted(found)


def _dashboard_paths(client: Redis, run_id: str) -> list[str]:
    """Every view of rq-dashboard, those that change something included."""
    rules = create_dashboard(client, "bot-scheduler", "bot-scheduler-queue").url_map
    values = {
        "queue_name": "bot-scheduler-queue", "registry_name": "queued", "job_id": run_id, "instance_number": 0,
        "per_page": 8, "order": "asc", "page": 1, "filename": "css/main.css",
    }  # fmt: skip
    urls = rules.bind("x")
    paths = [urls.build(rule.endpoint, {name: values[name] for name in rule.arguments}) for rule in rules.iter_rules()]
    return sorted({path for path in paths if path != "/rq/"})


def _sent_from(number: int, request: bytes) -> bytes:
    """The request with the address of one of many senders, as a proxy would add it."""
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return request.replace(b"\r\n", f"\r\nX-Forwarded-For: {address}\r\n".encode(), 1)
