"""Nothing on the event loop blocks: every route is asked with a watch on the calls that would."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from typing import Any

import blockbuster
import blockbuster.blockbuster as watching
import falcon.inspect
import falcon.testing
import pytest
from redis import Redis

from service.asgi import assemble
from service.domain.calendars import countries
from service.domain.calendars.work_calendar import WorkCalendar
from service.domain.schedules.definition import Recurrence, Union
from service.interleaving import interleaved
from service.settings import Settings
from service.store.calendars import calendar_store
from service.store.keys import Keys
from service.web.api.app import App
from service.web.console.assets import ASSETS
from service.web.http.sessions import COOKIE
from tests.support.servers.valkey import ValkeyServer
from tests.support.world import open_session, session_of, token_of

KEY = "a-key-for-tests"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
TOKEN = token_of(KEY)
SESSION = session_of(TOKEN, KEY)
SIGNED_IN = {
    "X-API-Key": KEY,
    "Cookie": f"{COOKIE}={TOKEN}",
    "Origin": "http://falconframework.org",
}
JOB = {
    "name": "a job", "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
SPAN = {"since": "2025-03-01T00:00:00", "until": "2025-03-02T00:00:00", "only": "all"}
KEY_TERMS = {"name": "a key", "scopes": ["read"]}
HEAVY = {**JOB, "name": "long " * 40, "bot_config": {"note": "{{ today }}" * 100}}
BODIES: dict[tuple[str, str], list[Any]] = {
    ("POST", "/scheduler/jobs"): [JOB, HEAVY, {}],
    ("PUT", "/scheduler/jobs/{job_id}"): [{"name": "another"}, HEAVY],
    ("POST", "/scheduler/jobs/{job_id}/toggle"): [{"enabled": False}],
    ("POST", "/scheduler/jobs/{job_id}/run"): [None, {"bot_config": {"note": "{{ today }}"}}],
    ("POST", "/scheduler/jobs/{job_id}/backfill"): [{**SPAN, "dry_run": True}],
    ("PUT", "/scheduler/jobs/{job_id}/occurrences/{instant}"): [{"skip": True}, {"skip": False}],
    ("POST", "/scheduler/batch"): [
        {"action": "disable", "filter": "all"},
        {"action": "run", "ids": [UNKNOWN], "dry_run": True},
        {},
    ],
    ("POST", "/scheduler/preview"): [JOB],
    ("POST", "/scheduler/apply"): [b"version: 1\njobs: []\n", b"#" * 2_000_000],
    ("POST", "/scheduler/keys"): [KEY_TERMS, {}],
    ("PUT", "/scheduler/keys/{key_id}"): [{"name": "another"}],
    ("POST", "/scheduler/keys/{key_id}/rotate"): [None, {"overlap_seconds": 60}],
    ("POST", "/scheduler/sessions/end"): [{"sessions": ["0" * 32]}, {"all": True}, {}],
    ("POST", "/scheduler/calendars"): [{"name": "another", "country": "AT"}, {}],
    ("PUT", "/scheduler/calendars/{name}"): [{"weekdays_off": ["sun"]}],
    ("POST", "/scheduler/calendars/{name}/ics"): [
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
    ],
    ("POST", "/scheduler/pauses"): [{"scope": "all", "reason": "a test"}, {}],
    ("POST", "/scheduler/channels"): [{"name": "another", "url": "env:BOT_SECRET_A"}, {}],
    ("PUT", "/scheduler/channels/{name}"): [{"digest_seconds": 60}],
    ("POST", "/scheduler/rules"): [{"channel": "office", "on": ["failed"], "template": "{{ job }}"}, {}],
    ("PUT", "/scheduler/rules/{rule_id}"): [{"after": 2}],
    ("POST", "/scheduler/contacts"): [{"name": "Ada"}],
    ("PUT", "/scheduler/contacts/{contact_id}"): [{"language": "de"}],
    ("POST", "/scheduler/contacts/{contact_id}/merge"): [{"from": []}],
    ("POST", "/scheduler/contacts/import"): [b"Name\nGrace\n", b"Name\n" + b"x" * 1_500_000],
}
"""Bodies that get far into a route: method and template -> bodies."""
NEVER_GOOD = {
    "/scheduler",
    "/scheduler/{rest:path}",
    "/static",
    "/scheduler/messages/test",
    "/scheduler/channels/{name}/test",
}
"""Templates of which no method gets a good answer here: there is nothing, or no channel is set."""
QUERIES = {
    "/scheduler/jobs": ["", "limit=5", "q=a", "state=failing"], "/scheduler/jobs/{job_id}/run": ["wait=0.01"],
    "/scheduler/occurrences": ["", "label=team:crm"],
    "/scheduler/jobs/{job_id}/explain": ["", "at=08:00"], "/jobs/{job_id}/occurrences": ["", "at=08:00"],
}  # fmt: skip


@pytest.fixture
def blocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Has blocking calls on an event loop raise an error, which is kept here too, however it is handled."""
    found: list[str] = []

    class Noted(blockbuster.BlockingError):
        def __init__(self, func: str) -> None:
            super().__init__(func)
            found.append(f"{func}\n{''.join(traceback.format_stack(limit=14)[:-2])}")

    monkeypatch.setattr(watching, "BlockingError", Noted)
    with blockbuster.blockbuster_ctx() as watch:
        for write in ("io.TextIOWrapper.write", "io.BufferedWriter.write", "os.write"):
            # A log line is one short write to a pipe that the platform empties.
            watch.functions[write].can_block_in("logging/__init__.py", {"emit", "flush"})
        yield found


def operations(app: App) -> list[tuple[str, str]]:
    """Method and template of all that can be asked; what deletes comes last."""
    found = [
        (method.method, route.path)
        for route in falcon.inspect.inspect_app(app).routes
        for method in route.methods
        if method.method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
    ]
    return sorted(found, key=lambda operation: (operation[0] == "DELETE", operation[1]))


class Asking:
    """Asks an application's routes for things that there are, and for things that there are not."""

    def __init__(self, client: falcon.testing.ASGIConductor) -> None:
        self._client = client
        self._ids: dict[str, str] = {}

    async def prepare(self) -> None:
        """Signs in, and makes a job, an ended run of it, and a contact."""
        made = (await self._send("POST", "/scheduler/jobs", "", JOB)).json
        job = made["id"]
        run = (await self._send("POST", f"/scheduler/jobs/{job}/run", "", None)).json["run_id"]
        await self._send("POST", f"/scheduler/jobs/{job}/runs/{run}/cancel", "", None)
        contact = (await self._send("POST", "/scheduler/contacts", "", {"name": "Amelia"})).json["id"]
        key = (await self._send("POST", "/scheduler/keys", "", KEY_TERMS)).json["id"]
        feed = (await self._send("POST", "/scheduler/keys", "", {"name": "a feed", "scopes": ["feed"]})).json["key"]
        await self._send("POST", "/scheduler/calendars", "", {"name": "office"})
        await self._send("POST", "/scheduler/channels", "", {"name": "office", "url": "env:BOT_SECRET_A"})
        rule = (await self._send("POST", "/scheduler/rules", "", {"channel": "office", "on": ["failed"]})).json["id"]
        pause = {"scope": {"job_id": job}, "reason": "a test"}
        paused = (await self._send("POST", "/scheduler/pauses", "", pause)).json["id"]
        backfill = (await self._send("POST", f"/scheduler/jobs/{job}/backfill", "", SPAN)).json["backfill_id"]
        self._ids = {
            "job_id": job, "run_id": run, "contact_id": contact, "key_id": key, "session_id": SESSION, "revision": "1",
            "name": "office", "token": feed, "pause_id": paused, "backfill_id": backfill,
            "instant": made["next_run_at"], "rule_id": rule, "page": "api",
            "snooze_id": "00000000-0000-4000-8000-000000000006",
        }  # fmt: skip

    async def ask(self, method: str, template: str) -> list[int]:
        """Asks one operation in several ways. Returns the statuses."""
        template_of_path = template.replace("{rest:path}", "{rest}")
        rest = ASSETS.address("console.css").rpartition("/")[2] if "/static/" in template else "0/view/jobs"
        known = template_of_path.format(**self._ids, rest=rest)
        unknown = template_of_path.format(**dict.fromkeys(self._ids, UNKNOWN), rest="nothing")
        answers = [
            await self._send(method, path, query, body)
            for path in {known: None, unknown: None}
            for query in QUERIES.get(template, [""])
            for body in BODIES.get((method, template), [None])
        ]
        return [answer.status_code for answer in answers]

    async def _send(self, method: str, path: str, query: str, body: Any) -> falcon.testing.Result:
        sent = {"body": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        for stranger in (True, False):
            headers = {} if stranger else SIGNED_IN
            answer: falcon.testing.Result = await self._client.simulate_request(
                method, path, query_string=query, headers=headers, **sent
            )
        return answer


def test_no_route_blocks_the_event_loop(redis_client: Redis, valkey_server: ValkeyServer, blocked: list[str]) -> None:
    """Every method of every route, of the API, the console and rq-dashboard, with real Redis, from a cold start."""
    open_session(redis_client, SESSION)
    settings = {"redis_url": valkey_server.url, "api_key": KEY, "import_limit_mb": 2, "message_url": None}
    app = assemble(Settings.model_validate(settings))
    everything = operations(app)
    asked: dict[tuple[str, str], list[int]] = {}

    async def ask() -> None:
        async with falcon.testing.ASGIConductor(app) as client:
            asking = Asking(client)
            await asking.prepare()
            for operation in everything:
                asked[operation] = await asking.ask(*operation)

    asyncio.run(ask())
    assert blocked == []
    assert not [operation for operation, statuses in asked.items() if 500 in statuses]
    good = {
        operation for operation, statuses in asked.items() if {200, 201, 202, 204, 303, 308} & set(statuses)
    }  # fmt: skip
    assert {template for _, template in good} >= {template for _, template in everything} - NEVER_GOOD


RULE = {"timezone": "Europe/Vienna", "dtstart": "2026-01-01T00:00:07"}
MINUTES = "0-59"
HOSTILE: dict[str, dict[str, Any]] = {
    "a rule that walks the seconds of each day": {
        "schedule_type": "rrule",
        "schedule_config": {**RULE, "rrule": "FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=3;BYSECOND=3"},
    },
    "a rule of all days of a year, one by one": {
        "schedule_type": "rrule",
        "schedule_config": {
            **RULE,
            "rrule": f"FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS={','.join(map(str, range(1, 367)))}",
        },
    },
    "ten thousand times": {
        "schedule_type": "rrule",
        "schedule_config": {**RULE, "rrule": "FREQ=MONTHLY;BYDAY=FR;COUNT=10000"},
    },
    "twenty schedules that coincide, with exceptions": {
        "schedule_type": "any",
        "schedule_config": {
            "schedules": [
                {"schedule_type": "cron", "schedule_config": {"cron_expression": f"{','.join([MINUTES] * n)} * * * *"}}
                for n in range(1, 21)
            ],
            "except": [{"schedule_type": "cron", "schedule_config": {"cron_expression": "* 0-5 * * *"}}],
        },
    },
    "working days of a calendar": {
        "schedule_type": "monthly",
        "schedule_config": {"day": "last_workday", "hour": 8, "minute": 0},
        "options": {"calendar": "hostile", "on_closed": "previous_open"},
    },
    "closed for two thousand years": {
        "schedule_type": "daily",
        "schedule_config": {"hour": 8, "minute": 0},
        "options": {"calendar": "hostile"},
    },
}
"""Schedules that are accepted, and take long to plan."""
CALENDAR = {
    "name": "hostile",
    "country": "AT",
    "ranges": [{"from": f"{year}-01-02", "to": "9998-12-30", "why": f"since {year}"} for year in range(2027, 4027)],
}
LONGEST_STEP = 0.05
"""Seconds of CPU; that much of anything holds everybody up."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """The CPU that each step of an event loop takes in its own thread, s, and what it was; no other process counts."""
    found: list[tuple[float, str]] = []
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        start = time.thread_time()
        run(handle)
        found.append((time.thread_time() - start, repr(handle)))

    monkeypatch.setattr(asyncio.Handle, "_run", measured)
    return found


@pytest.fixture
def planned_in(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The threads in which long schedules are asked and calendars read."""
    found: set[str] = set()

    def note(kind: Any, name: str) -> None:
        call = getattr(kind, name)

        def noted(*args: Any, **named: Any) -> Any:
            found.add(threading.current_thread().name)
            return call(*args, **named)

        monkeypatch.setattr(kind, name, noted)

    for kind in (Recurrence, Union):
        note(kind, "next_after")
    note(WorkCalendar, "closed")
    note(countries, "_table")
    note(calendar_store, "parse_calendar")
    return found


def test_the_longest_plans_are_made_beside_the_loop(
    redis_client: Redis, valkey_server: ValkeyServer, steps: list[tuple[float, str]], planned_in: set[str]
) -> None:
    """To create, change, switch and restore a job; and whatever plans them reads calendars there, too.

    A job that is stored with a long schedule is changed by bodies that do not name it.
    """
    settings = {"redis_url": valkey_server.url, "api_key": KEY, "message_url": None}
    app = assemble(Settings.model_validate(settings))
    answers: list[int] = []

    async def ask() -> None:
        async with falcon.testing.ASGIConductor(app, headers={"X-API-Key": KEY}) as client:

            async def send(method: str, path: str, body: Any = None) -> falcon.testing.Result:
                sent = {} if body is None else {"json": body}
                answer: falcon.testing.Result = await client.simulate_request(method, f"/scheduler{path}", **sent)
                answers.append(answer.status_code)
                return answer

            await send("POST", "/calendars", CALENDAR)
            for name, schedule in HOSTILE.items():
                jitter = {} if "options" in schedule else {"options": {"jitter_seconds": 1}}
                job = (await send("POST", "/jobs", {**JOB, **schedule, **jitter, "name": name})).json["id"]
                await send("PUT", f"/jobs/{job}", {"description": "named nowhere else"})
                await send("PUT", f"/jobs/{job}", JOB)
                await send("PUT", f"/jobs/{job}", schedule)
                await send("POST", f"/jobs/{job}/toggle", {"enabled": False})
                await send("POST", f"/jobs/{job}/toggle", {"enabled": True})
                await send("POST", f"/jobs/{job}/revisions/1/restore")
                await send("GET", f"/jobs/{job}")
                await send("DELETE", f"/jobs/{job}")
                await send("POST", f"/deleted/{job}/restore")

    asyncio.run(ask())
    assert set(answers) == {200, 201, 204}, answers
    assert planned_in and not [name for name in planned_in if not name.startswith("page")], planned_in
    longest, step = max(steps)
    assert longest < LONGEST_STEP, f"{longest * 1000:.0f} ms: {step}"


MANY_JOBS = 5_000


def test_badges_of_many_jobs_are_read_in_pieces(
    redis_client: Redis, valkey_server: ValkeyServer, steps: list[tuple[float, str]]
) -> None:
    """No step has more than an eighth of the work; one look in a single step would have a third.

    The jobs are made alike, beside the API, which takes long for so many.
    """
    settings = {"redis_url": valkey_server.url, "api_key": KEY, "message_url": None}
    app = assemble(Settings.model_validate(settings))
    answers: list[falcon.testing.Result] = []

    async def ask() -> None:
        async with falcon.testing.ASGIConductor(app, headers={"X-API-Key": KEY}) as client:
            job = (await client.simulate_post("/scheduler/jobs", json={**JOB, "labels": {"team": "crm"}})).json["id"]
            run = (await client.simulate_post(f"/scheduler/jobs/{job}/run")).json["run_id"]
            multiply(redis_client, job, run)
            terms = {"name": "a badge", "scopes": ["badge"], "labels": {"team": ["crm"]}}
            key = (await client.simulate_post("/scheduler/keys", json=terms)).json["key"]
            gc.collect()
            gc.freeze()  # as the web process does: a look at all that the tests hold would count as a step
            await asyncio.sleep(0)  # that was one
            steps.clear()
            for path in (f"/badge/{key}.svg", f"/badge/{key}.json?label=team:crm", f"/status/{key}"):
                answers.append(await client.simulate_get(path))

    try:
        asyncio.run(ask())
    finally:
        gc.unfreeze()
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[1].json["jobs"] == MANY_JOBS
    longest, step = max(steps)
    assert len(steps) > 3 * MANY_JOBS / 200
    assert longest < sum(seconds for seconds, _ in steps) / 8, f"{longest * 1000:.0f} ms: {step}"


def multiply(redis_client: Redis, job: str, run: str) -> None:
    """Copies a job and its run, so that there are as many jobs as wanted, each with 30 runs."""
    client: Any = redis_client
    keys, pipe, fields = Keys(), client.pipeline(transaction=False), client.hgetall(Keys().job(job))
    for number in range(1, MANY_JOBS):
        copy = str(uuid.UUID(int=number))
        pipe.hset(keys.job(copy), mapping=fields)
        pipe.zadd(keys.jobs, {copy: 10**15 + number})
        pipe.rpush(keys.history(copy), *[run] * 30)
    pipe.execute()


def test_the_watch_sees_what_blocks(blocked: list[str], redis_client: Redis) -> None:
    """On the loop and in an interleaved call; not in threads."""

    async def block() -> None:
        time.sleep(0)

    asyncio.run(asyncio.wait_for(asyncio.to_thread(time.sleep, 0), 20))
    redis_client.ping()
    assert blocked == []
    for call in (block(), interleaved(time.sleep, 0), interleaved(redis_client.ping)):
        with pytest.raises(blockbuster.BlockingError):
            asyncio.run(call)
    assert [found.partition("\n")[0] for found in blocked] == ["time.sleep", "time.sleep", "socket.socket.sendall"]
