"""An application that acts for a caller with limits wherever a header says so, and jobs on both sides of them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

import falcon.testing
from falcon.asgi import Request, Response
from redis import Redis

from service.asgi import assemble
from service.domain.access.callers import Caller, act_for
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL
from service.domain.run_records import Outcome
from service.settings import Settings
from tests.support.store_rig import Rig

KEY = "k"
ORIGIN = "http://falconframework.org"
LIMITS = Limits({"team": frozenset({"crm"})}, frozenset({"birthday"}))
LIMITED = Caller("key-1", "CRM", ALL, LIMITS)
OTHER = Caller("key-2", "also CRM", ALL, LIMITS)
WITHIN: dict[str, Any] = {"bot_type": "birthday", "labels": {"team": "crm", "stage": "live"}}
BEYOND: dict[str, dict[str, Any]] = {
    "another team's": {"bot_type": "birthday", "labels": {"team": "sales", "stage": "live"}},
    "nobody's": {"bot_type": "birthday"},
    "another bot's": {"bot_type": "visitor", "labels": {"team": "crm"}},
}
"""Jobs that do not exist for this caller, by what puts them out of its sight."""
DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}

Client = falcon.testing.TestClient
Answer = falcon.testing.Result
CALLERS = {"limited": LIMITED, "other": OTHER}


class ActFor:
    """Falcon middleware that sets the caller after the guard, as the guard will for stored keys."""

    async def process_resource(self, req: Request, resp: Response, resource: object, params: dict[str, str]) -> None:
        """Act for the caller whom the header names."""
        who = CALLERS.get(req.get_header("X-Test-Caller") or "")
        if who is not None:
            act_for(who)


@dataclass(frozen=True)
class Seen:
    """The application, with clients of it, and what is stored.

    Args:
        rig: the installation, for what needs no request.
        limited: asks with limits, as a program and as a page of ours do.
        other: asks with another key that has the same limits.
        root: asks without limits.
    """

    rig: Rig
    app: Any
    limited: Client
    other: Client
    root: Client

    def make_job(self, name: str, **fields: Any) -> str:
        """Creates a job without a look at limits. Returns its id."""
        answer = self.root.simulate_post("/scheduler/jobs", json={"name": name, **DAILY, **fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def run_ended(self, job_id: str) -> str:
        """Lets a run of a job end, with a log. Returns its id."""
        run_id = self.rig.use.run_now(job_id)
        token = self.rig.start(run_id)
        line = '{"at": "2025-01-15T08:00:00", "level": "info", "message": "a line"}'
        self.rig.runs.note(run_id, token, 1, progress=(1, 2), lines=[line])
        self.rig.runs.finish(run_id, token, Outcome("failed", "because"))
        return run_id

    def stored(self) -> dict[bytes, Any]:
        """All that is in Redis, but for counters, what watch and courier do, and when a session was last used."""
        client: Any = self.rig.client
        beside = tuple(
            f"{self.rig.keys.prefix}:{name}".encode()
            for name in ("metrics", "lease:", "open_door", "clock", "troubles")
        )
        found = {
            key: client.hgetall(key) if client.type(key) == b"hash" else client.dump(key)
            for key in client.keys("*")
            if not key.startswith(beside)
        }
        for key, value in found.items():
            if b":session:" in key:
                value.pop(b"used_at", None)
        return found


def seen_on(client: Redis, url: str) -> Seen:
    """Make it on an empty server."""
    app: Any = assemble(Settings.model_validate({"redis_url": url, "api_key": KEY}))
    app.add_middleware(ActFor())
    signed_in = Client(app).simulate_post(
        "/sign-in", body=f"key={KEY}", content_type="application/x-www-form-urlencoded", headers={"Origin": ORIGIN}
    )
    cookie = signed_in.headers["set-cookie"].partition(";")[0]

    def asking(**headers: str) -> Client:
        return Client(app, headers={"X-API-Key": KEY, "Cookie": cookie, "Origin": ORIGIN, **headers})

    limited, other = (asking(**{"X-Test-Caller": name}) for name in CALLERS)
    return Seen(Rig.on(client), app, limited, other, asking())


def masked(answer: Answer, *ids: str) -> tuple[int, dict[str, str], str]:
    """All of an answer but for the ids in it, and for what tells any two requests apart."""
    text = answer.text
    for place, one in enumerate(ids):
        text = text.replace(one, f"<{place}>")
    headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status_code, headers, text


def unknown() -> str:
    """The id of nothing."""
    return str(uuid.uuid4())


def filled(template: str, **ids: str) -> str:
    """A path with its ids."""
    return re.sub(r"{(\w+)}", lambda name: ids[name[1]], template)
