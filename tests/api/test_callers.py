"""Who a request runs on behalf of: set by the guard for each, also in threads, and never another's."""

from __future__ import annotations

import asyncio
from typing import Any

import falcon
import falcon.testing
import pytest
from redis import Redis
from rq import Queue
from rq.results import Result
from rq.serializers import JSONSerializer

from service.asgi import assemble
from service.domain.access.callers import SERVICE, caller
from service.domain.access.key_texts import new_text
from service.domain.access.scopes import Scope
from service.interleaving import interleaved
from service.settings import Settings
from service.store.keys import Keys
from service.web.api.app import App
from service.web.callers.session_tokens import SessionTokens
from service.web.http.access import BY_KEY, OPEN
from service.web.http.auth import ApiKeys
from service.web.http.pools import Pool
from tests.support.servers.valkey import ValkeyServer

ROOT = "the root key of the callers' test"
POOL = Pool("callers", 2, 300)


class Told:
    """Tells on whose behalf it runs: on the loop, after a wait, in an interleaved call, and in a thread."""

    access = BY_KEY.needing(get=None)

    async def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """All four."""
        first = caller().name
        await asyncio.sleep(0)
        second = await interleaved(lambda: caller().name)
        third = await POOL.run(lambda: caller().name)
        resp.media = sorted({first, second, third, caller().name})


class Open:
    """The same, open to all."""

    access = OPEN

    async def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Who asks."""
        resp.media = caller().name


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> App:
    return installation(valkey_server.url)


def installation(url: str) -> App:
    """An application that also tells on whose behalf it runs."""
    app = assemble(Settings.model_validate({"redis_url": url, "api_key": ROOT}))
    app.add_page("/told", Told())
    app.add_page("/open", Open())
    return app


def made(app: App, **terms: Any) -> str:
    """Makes a key."""
    client = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    answer = client.simulate_post("/scheduler/keys", json={"name": "x", "scopes": ["read"], **terms})
    assert answer.status_code == 201
    return str(answer.json["key"])


def test_no_request_runs_on_behalf_of_another(app: App, valkey_server: ValkeyServer) -> None:
    """Hundreds at once, with different keys and with none; who shows nothing is nobody, and the process is itself."""
    keys = {name: made(app, name=name) for name in ("one", "two", "three")} | {"root": ROOT}

    async def ask() -> list[tuple[str, Any]]:
        async with falcon.testing.ASGIConductor(installation(valkey_server.url)) as client:  # of this loop

            async def one(name: str) -> tuple[str, Any]:
                if name == "nobody":
                    return name, [(await client.simulate_get("/open", headers={"X-API-Key": ROOT})).json]
                return name, (await client.simulate_get("/told", headers={"X-API-Key": keys[name]})).json

            told = await asyncio.gather(*(one(name) for _ in range(50) for name in [*keys, "nobody"]))
        return told

    found = asyncio.run(ask())
    assert len(found) == 250
    assert [(name, told) for name, told in found if told != [name]] == []
    assert caller() is SERVICE


def test_while_redis_is_away_only_the_root_key_is_known() -> None:
    """It gets the use case's own 503; a stored key's cannot be told, a malformed or wrong one is 401."""
    app = assemble(Settings.model_validate({"redis_url": "redis://127.0.0.1:1/0", "api_key": ROOT}))
    app.add_page("/told", Told())
    client = falcon.testing.TestClient(app)
    key = new_text("0000000000")
    statuses = {
        sent: client.simulate_get("/told", headers={"X-API-Key": sent}).status_code
        for sent in (ROOT, key, key[:-1], "x")
    }
    assert statuses == {ROOT: 200, key: 503, key[:-1]: 401, "x": 401}
    page = falcon.testing.TestClient(app, headers={"Accept": "text/html", "Origin": "http://falconframework.org"})
    root = ApiKeys([ROOT])
    for token, status in (
        (SessionTokens(root).new(root.digests[0]), 503),
        (SessionTokens(root).new(None), 503),
        ("x", 303),
    ):
        cookies = {"bot_scheduler_session": token}
        for method, path in (("GET", "/"), ("POST", "/sign-out")):
            answer = page.simulate_request(method, path, cookies=cookies)
            assert answer.status_code == status
            assert status == 303 or answer.cookies == {}, "the cookie is kept"


def test_who_holds_an_ended_key_is_told_since_when(app: App, redis_client: Redis) -> None:
    """In a header, in an address, and in the sign-in form; still 401, and nobody else hears of it."""
    root = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    terms = {"name": "ended", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00"}
    read, feed = (root.simulate_post("/scheduler/keys", json=terms | more).json for more in ({}, {"scopes": ["feed"]}))
    for made in (read, feed):
        redis_client.hset(Keys().api_key(made["id"]), "expires_at", 1_700_000_000)
    sentence = "This key expired on 2023-11-14 22:13:20 UTC"
    client = falcon.testing.TestClient(app)
    for header in ({"X-API-Key": read["key"]}, {"Authorization": f"Bearer {read['key']}"}):
        answer = client.simulate_get("/scheduler/jobs", headers=header)
        assert (answer.status_code, answer.json["detail"]) == (401, sentence)
        assert "WWW-Authenticate" in answer.headers
    answer = client.simulate_get(f"/feed/{feed['key']}.ics")
    assert (answer.status_code, answer.json["detail"]) == (401, sentence)
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://falconframework.org"}
    page = client.simulate_post("/sign-in", headers=form, body=f"key={read['key']}")
    assert (page.status_code, f"{sentence}." in page.text) == (403, True)
    other = client.simulate_get("/scheduler/jobs", headers={"X-API-Key": new_text(read["id"])})
    assert other.json["detail"] == "The API key in the X-API-Key header is not valid"


def test_who_holds_a_revoked_key_is_told_for_thirty_days(app: App, redis_client: Redis) -> None:
    """Also with the secret before a rotation; nobody else is, and what is kept opens nothing and has no name in it."""
    root = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    made = root.simulate_post("/scheduler/keys", json={"name": "of Ada", "scopes": ["read"]}).json
    path, client = f"/scheduler/keys/{made['id']}", falcon.testing.TestClient(app)
    rotated = root.simulate_post(f"{path}/rotate", json={"overlap_seconds": 600}).json["key"]
    assert root.simulate_delete(path).status_code == 204
    redis_client.hset(Keys().revoked_key(made["id"]), "at", 1_700_000_000_000)
    for key in (made["key"], rotated):
        for way in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            answer = client.simulate_get("/scheduler/jobs", headers=way)
            assert (answer.status_code, answer.json["detail"]) == (
                401,
                "This key was revoked on 2023-11-14 22:13:20 UTC",
            )
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://falconframework.org"}
    page = client.simulate_post("/sign-in", headers=form, body=f"key={rotated}")
    assert page.status_code == 403 and "This key was revoked on" in page.text
    wrong = "The API key in the X-API-Key header is not valid"
    for other in (new_text(made["id"]), new_text("0000000000")):
        assert client.simulate_get("/scheduler/jobs", headers={"X-API-Key": other}).json["detail"] == wrong
    kept: Any = redis_client.hgetall(Keys().revoked_key(made["id"]))
    assert set(kept) == {b"at", b"digest", b"previous_digest"} and made["key"].encode() not in b"".join(kept.values())
    assert 29 * 86_400 < redis_client.ttl(Keys().revoked_key(made["id"])) <= 30 * 86_400
    assert root.simulate_get(path).status_code == 404 and made["id"] not in root.simulate_get("/scheduler/keys").text
    redis_client.delete(Keys().revoked_key(made["id"]))
    assert client.simulate_get("/scheduler/jobs", headers={"X-API-Key": rotated}).json["detail"] == wrong


def test_a_limited_key_does_not_get_at_secrets(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may name those alone that are bound to hosts, in a new job, a change, a document, and an overlay."""
    monkeypatch.setenv("BOT_SECRET_BOUND_HOSTS", "example.org")
    scopes = [scope.value for scope in Scope]
    limited = falcon.testing.TestClient(app, headers={"X-API-Key": made(app, scopes=scopes, bot_types=["webhook"])})
    root = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})

    def job(secret: str) -> dict[str, Any]:
        config = {"url": "https://example.org/", "headers": {"Authorization": f"env:BOT_SECRET_{secret}"}}
        schedule = {"schedule_type": "interval", "schedule_config": {"hours": 1}}
        return {"name": f"with {secret}", "bot_type": "webhook", "bot_config": config, **schedule}

    bound = limited.simulate_post("/scheduler/jobs", json=job("BOUND"))
    assert bound.status_code == 201
    path = f"/scheduler/jobs/{bound.json['id']}"
    free = root.simulate_post("/scheduler/jobs", json=job("FREE"))
    assert free.status_code == 201
    config = job("FREE")["bot_config"]
    other = {**config, "url": "https://elsewhere.example/"}
    for refused in (
        limited.simulate_post("/scheduler/jobs", json=job("FREE")),
        limited.simulate_put(path, json={"bot_config": config}),
        limited.simulate_put(path, json={"options": {"alert_urls": ["env:BOT_SECRET_FREE"]}}),
        limited.simulate_post("/scheduler/apply", json={"version": 1, "jobs": [job("FREE") | {"name": "new"}]}),
        limited.simulate_post("/scheduler/apply", json={"version": 1, "jobs": [{**job("FREE"), "bot_config": other}]}),
        limited.simulate_post(f"{path}/run", json={"bot_config": {"headers": config["headers"]}}),
        limited.simulate_put(f"/scheduler/jobs/{free.json['id']}", json={"bot_config": other}),
        limited.simulate_post(
            f"/scheduler/jobs/{free.json['id']}/run", json={"bot_config": {"url": "https://elsewhere.example/"}}
        ),
    ):
        assert refused.status_code == 403, refused.text
        assert "BOT_SECRET_FREE_HOSTS" in refused.json["detail"]
    whole = {"version": 1, "jobs": [job("FREE") | {"description": "changed"}, job("BOUND")]}
    applied = limited.simulate_post("/scheduler/apply", json=whole)
    assert [change["action"] for change in applied.json["changes"]] == ["update"], "what stays as it is may be applied"
    rehearsal = {"bot_config": {"dry_run": True}}
    assert limited.simulate_post(f"/scheduler/jobs/{free.json['id']}/run", json=rehearsal).status_code == 202
    assert (
        limited.simulate_post(f"/scheduler/jobs/{free.json['id']}/toggle", json={"enabled": False}).status_code == 200
    )


def test_an_overlay_beyond_a_rehearsal_needs_write(app: App) -> None:
    """A rehearsal does less than the job, and nothing more."""
    root = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    body = {"name": "x", "bot_type": "birthday", "schedule_type": "interval", "schedule_config": {"hours": 1}}
    path = f"/scheduler/jobs/{root.simulate_post('/scheduler/jobs', json=body).json['id']}/run"
    for scopes, overlay, status in (
        (["run"], {"dry_run": True}, 202),
        (["run"], {}, 202),
        (["run"], {"dry_run": False}, 403),
        (["run"], {"dry_run": True, "max_days_late": 3}, 403),
        (["run"], {"dry_run": 1}, 403),
        (["run", "write"], {"max_days_late": 3}, 202),
    ):
        runner = falcon.testing.TestClient(app, headers={"X-API-Key": made(app, scopes=scopes)})
        assert runner.simulate_post(path, json={"bot_config": overlay}).status_code == status, (scopes, overlay)


def test_what_bots_write_about_persons_needs_contacts(app: App, redis_client: Redis) -> None:
    """Results, errors and logs, in every place that shows them; of other bots, `read` is enough."""
    root = falcon.testing.TestClient(app, headers={"X-API-Key": ROOT})
    reader = falcon.testing.TestClient(app, headers={"X-API-Key": made(app)})
    both = falcon.testing.TestClient(app, headers={"X-API-Key": made(app, scopes=["read", "contacts"])})
    seen: dict[tuple[str, str], bool] = {}
    for bot in ("birthday", "webhook"):
        config = {"url": "https://example.org/"} if bot == "webhook" else {}
        body = {"name": bot, "bot_type": bot, "schedule_type": "interval", "schedule_config": {"hours": 1}}
        job = root.simulate_post("/scheduler/jobs", json={**body, "bot_config": config}).json["id"]
        run = root.simulate_post(f"/scheduler/jobs/{job}/run").json["run_id"]
        redis_client.hset(f"bot-scheduler:run:{run}", "result", '{"to": "ada@example.org"}')
        redis_client.hset(f"bot-scheduler:run:{run}", "error", "refused: ada@example.org")
        redis_client.hset(f"bot-scheduler:job:{job}", "last_run_error", "refused: ada@example.org")
        redis_client.rpush(f"bot-scheduler:run:{run}:log", '{"at": "x", "level": "INFO", "message": "ada@example.org"}')
        path = f"/scheduler/jobs/{job}/runs/{run}"
        for who, client in (("reader", reader), ("both", both), ("root", root)):
            stream = (
                client.simulate_get(f"{path}/log", headers={"Accept": "text/event-stream"}) if who == "reader" else None
            )
            if stream is not None and bot == "birthday":
                assert stream.status_code == 403
            places = ["/scheduler/jobs", "/scheduler/jobs?limit=9", f"/scheduler/jobs/{job}", path, f"{path}/log",
                      f"/scheduler/jobs/{job}/history", f"/scheduler/runs?job_id={job}"]  # fmt: skip
            for place in places:
                query = {} if "?" in place or "jobs/" in place else {"bot_type": bot}
                answer = client.simulate_get(place, params=query)
                assert answer.status_code == 200
                seen[bot, who] = seen.get((bot, who), True) and "ada@example.org" in answer.text
                if not seen[bot, who]:
                    assert "ada@" not in answer.text
                    assert "it needs the scope contacts" in answer.text
        writer = falcon.testing.TestClient(app, headers={"X-API-Key": made(app, scopes=["write"])})
        for method, place, change in (
            ("PUT", f"/scheduler/jobs/{job}", {"description": "x"}),
            ("POST", f"/scheduler/jobs/{job}/toggle", {"enabled": True}),
        ):
            changed = writer.simulate_request(method, place, json=change)
            assert ("ada@" in changed.json["last_run_error"]) == (bot == "webhook")
    assert seen == {(bot, who): (bot, who) != ("birthday", "reader")
                    for bot in ("birthday", "webhook") for who in ("reader", "both", "root")}  # fmt: skip


def test_the_dashboard_withholds_errors_without_contacts(app: App, redis_client: Redis) -> None:
    """RQ keeps a run's error, which may name persons, and does not know the run's bot."""
    queue = Queue("bot-scheduler-queue", connection=redis_client, serializer=JSONSerializer)
    run = queue.enqueue("service.runner.run", "1")
    Result.create_failure(run, ttl=1000, exc_string="refused: ada@example.org")
    queue.failed_job_registry.add(run, ttl=1000)
    places = (
        f"/rq/0/view/job/{run.id}", f"/rq/0/data/job/{run.id}.json",
        "/rq/0/view/jobs/bot-scheduler-queue/failed/8/asc/1", "/rq/0/data/jobs/bot-scheduler-queue/failed/8/asc/1.json",
    )  # fmt: skip
    for scopes in (["read"], ["read", "contacts"]):
        client = falcon.testing.TestClient(app, headers={"X-API-Key": made(app, scopes=scopes)})
        for place in places:
            answer = client.simulate_get(place)
            assert answer.status_code == 200, place
            assert ("ada@example.org" in answer.text) == ("contacts" in scopes), place
            assert ("it needs the scope contacts" in answer.text) == ("contacts" not in scopes), place


def stats(client: Redis) -> dict[str, Any]:
    """The commands that Redis has carried out since the last reset, but for this question."""
    found: Any = client.info("commandstats")
    return {name: calls for name, calls in found.items() if name not in ("cmdstat_info", "cmdstat_hello")}


def test_the_root_key_is_never_looked_up(app: App, redis_client: Redis) -> None:
    """In no way in which it can come: it costs Redis nothing. A stored key is looked up once in a while."""
    client = falcon.testing.TestClient(app)
    key = made(app)
    client.simulate_get("/scheduler/bots", headers={"X-API-Key": ROOT})  # the first request checks the server
    redis_client.config_resetstat()
    for headers in ({"X-API-Key": ROOT}, {"Authorization": f"Bearer {ROOT}"}):
        for _ in range(5):
            assert client.simulate_get("/told", headers=headers).json == ["root"]
    assert set(stats(redis_client)) <= {"cmdstat_config|resetstat"}
    for _ in range(5):
        assert client.simulate_get("/told", headers={"X-API-Key": key}).json == ["x"]
    assert "cmdstat_evalsha" in stats(redis_client)
