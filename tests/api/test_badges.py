"""Badges and status pages over HTTP: who gets in, what is said, and what is told to nobody."""

from __future__ import annotations

import logging
import re
import uuid
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import quote

import falcon.testing
import pytest
from redis import Redis

from service.domain.access.key_texts import new_text
from service.domain.access.scopes import Scope
from service.domain.run_records import Outcome, Retry
from service.errors import StoreUnavailable
from service.store.keys import Keys
from tests.support.quiet import quiet_application
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

JOB: dict[str, Any] = {
    "name": "Secret <name>", "bot_type": "webhook", "bot_config": {"url": "https://example.com/"},
    "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0},
}  # fmt: skip
HEARTBEAT = {"bot_type": "heartbeat", "bot_config": {}}
ROOT = "the root key of the badges' test"
KINDS = ("/badge/{}.svg", "/badge/{}.json", "/status/{}")
ODD = (
    "/badge/{}",
    "/badge/{}.SVG",
    "/badge/{}.svg.",
    "/badge/{}.svg.json",
    "/badge//{}.svg",
    "//badge/{}.svg",
    "/badge/./{}.svg",
    "/badge/x/../{}.svg",
    "/badge/{}%2Ffoo.svg",
    "/badge%2f{}.svg",
    "/status//{}",
    "/status/{}.html",
    "/status/{}%2f",
    "/STATUS/{}",
)
"""Spellings of no address: refused as a wrong key is, or as nothing."""

Client = falcon.testing.TestClient


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request sees what is so now; tests/unit/test_shared_looks.py has what is kept."""
    monkeypatch.setattr("service.web.api.badges.shared_looks.KEPT_SECONDS", 0.0)


@pytest.fixture
def app(redis_client: Redis, valkey_server: ValkeyServer) -> Any:
    """The application on an empty server, as if a scheduler were up."""
    seconds, micros = redis_client.time()
    redis_client.zadd(Rig.on(redis_client).scripts.keys.schedulers, {"a": seconds * 1000 + micros // 1000})
    return quiet_application(valkey_server.url, ROOT)


@pytest.fixture
def client(app: Any) -> Client:
    """Asks with the root key."""
    return Client(app, headers={"X-API-Key": ROOT})


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """The same installation, to carry runs out with."""
    return Rig.on(redis_client)


def key(client: Client, *scopes: str, **terms: Any) -> dict[str, Any]:
    """Makes a key, by default one for badges."""
    found: dict[str, Any] = client.simulate_post(
        "/scheduler/keys", json={"name": "a badge", "scopes": list(scopes) or ["badge"], **terms}
    ).json
    return found


def make_job(client: Client, rig: Rig, status: str | None = None, **fields: Any) -> str:
    """Makes a job, and a run of it that ends so."""
    job_id = str(client.simulate_post("/scheduler/jobs", json=JOB | fields).json["id"])
    if status is not None:
        make_run(client, rig, job_id, status)
    return job_id


def make_run(client: Client, rig: Rig, job_id: str, status: str) -> None:
    """Makes a run of a job that ends so."""
    run_id = client.simulate_post(f"/scheduler/jobs/{job_id}/run").json["run_id"]
    outcome = Outcome(status, error="of Ana" if status == "failed" else None)
    assert rig.runs.finish(run_id, rig.start(run_id), outcome)


def says(app: Any, token: str, query: str = "") -> str:
    """The word of a badge, which its picture says, too."""
    found = Client(app).simulate_get(f"/badge/{token}.json", query_string=query)
    picture = Client(app).simulate_get(f"/badge/{token}.svg", query_string=query)
    assert ET.fromstring(picture.text).attrib["aria-label"] == f"jobs: {found.json['message']}"
    return str(found.json["message"])


def test_a_badge_says_the_worst_of_the_jobs_that_its_key_covers(
    app: Any, client: Client, rig: Rig, redis_client: Redis
) -> None:
    """By labels; one job of them by `job_id`; jobs of others do not exist."""
    token = key(client, labels={"team": ["crm"]})["key"]
    assert says(app, token) == "no jobs"
    crm: dict[str, Any] = {"labels": {"team": "crm"}}
    make_job(client, rig, enabled=False, **crm)
    assert says(app, token) == "disabled"
    make_job(client, rig, **crm)
    assert says(app, token) == "no runs yet"
    up = make_job(client, rig, "success", **crm)
    other = make_job(client, rig, "failed")
    assert says(app, token) == "up"
    down = make_job(client, rig, "failed", **crm)
    assert [says(app, token, f"job_id={one}") for one in (up, down)] == ["up", "down"]
    assert says(app, token) == "down"
    for beyond in (other, str(uuid.uuid4()), "x"):
        answer = Client(app).simulate_get(f"/badge/{token}.json?job_id={beyond}")
        assert answer.status_code == 404
    beats = rig.scripts.keys.schedulers
    redis_client.rename(beats, "aside")  # nothing is paused under an older scheduler, which this one passes for
    pause = client.simulate_post("/scheduler/pauses", json={"scope": {"job_id": up}, "reason": "a test"})
    assert pause.status_code == 201
    redis_client.rename("aside", beats)
    assert says(app, token, f"job_id={up}") == "paused"


def test_a_run_that_is_tried_again_is_no_failure_yet(app: Any, client: Client, rig: Rig) -> None:
    """Nor is a cancelled one a recovery: the newest run that ended for good counts, and only a success is one."""
    token, job = key(client)["key"], make_job(client, rig, "success", options={"max_retries": 1})
    run_id = client.simulate_post(f"/scheduler/jobs/{job}/run").json["run_id"]
    again = Retry(str(uuid.uuid4()), 2, 60_000)
    assert rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", error="once"), retry=again)
    assert client.simulate_get(f"/scheduler/jobs/{job}").json["last_run_status"] == "failed"
    assert says(app, token) == "up"
    assert client.simulate_post(f"/scheduler/jobs/{job}/runs/{again.run_id}/cancel").status_code == 200
    assert says(app, token) == "down"
    other = make_job(client, rig, "failed")
    run_id = client.simulate_post(f"/scheduler/jobs/{other}/run").json["run_id"]
    client.simulate_post(f"/scheduler/jobs/{other}/runs/{run_id}/cancel")
    assert says(app, token, f"job_id={other}") == "down"
    make_run(client, rig, other, "success")
    assert says(app, token, f"job_id={other}") == "up"


def test_a_job_that_its_failures_switched_off_is_down(app: Any, client: Client, rig: Rig) -> None:
    """And one that somebody switched off is disabled, whatever its runs."""
    token, job = key(client)["key"], make_job(client, rig, "failed", options={"disable_after_failures": 1})
    assert client.simulate_get(f"/scheduler/jobs/{job}").json["enabled"] is False
    assert says(app, token) == "down"
    client.simulate_post(f"/scheduler/jobs/{job}/toggle", json={"enabled": True})
    client.simulate_post(f"/scheduler/jobs/{job}/toggle", json={"enabled": False})
    assert says(app, token) == "disabled"


def test_a_badge_is_late_and_unknown(app: Any, client: Client, rig: Rig, redis_client: Redis) -> None:
    """Late where a breach or an undecided occurrence is; unknown, whatever the runs, where no scheduler is up."""
    token, job = key(client)["key"], make_job(client, rig, "success")
    keys: Keys = rig.scripts.keys
    redis_client.hset(keys.job(job), "health", "slow")
    assert says(app, token) == "late"
    redis_client.hdel(keys.job(job), "health")
    redis_client.hset(keys.job(job), "next_due", redis_client.time()[0] * 1000 - 31_000)
    assert says(app, token) == "late"
    redis_client.delete(keys.schedulers)
    assert says(app, token) == "unknown"


def test_only_a_key_for_badges_or_feeds_alone_opens_them(
    app: Any, client: Client, rig: Rig, redis_client: Redis
) -> None:
    """And they are only read. A key for badges opens nothing else."""
    beats = rig.scripts.keys.schedulers
    redis_client.rename(beats, "aside")  # as for a pause
    job = str(client.simulate_post("/scheduler/jobs", json=JOB | HEARTBEAT).json["id"])
    redis_client.rename("aside", beats)
    by_scope = {scope: key(client, scope, job_id=job if scope == "ping" else None) for scope in map(str, Scope)}
    good, gone, old = by_scope["badge"], key(client), key(client, expires_at="2999-01-01T00:00:00")
    client.simulate_delete(f"/scheduler/keys/{gone['id']}")
    redis_client.hset(rig.scripts.keys.api_key(old["id"]), "expires_at", 1)
    several = [key(client, "badge", other) for other in ("read", "feed", "admin")]
    for kind in KINDS:
        answers = {
            scope: Client(app).simulate_get(kind.format(made["key"])).status_code for scope, made in by_scope.items()
        }
        assert answers == {**dict.fromkeys(map(str, Scope), 403), "badge": 200, "feed": 200}
        refused = [Client(app).simulate_get(kind.format(made["key"])).status_code for made in several]
        assert refused == [403] * 3
        wrong = (gone["key"], old["key"], new_text("0000000000"), good["key"][:-1], "x", ROOT.replace(" ", "%20"))
        tried = {text: Client(app).simulate_get(kind.format(text)) for text in wrong}
        assert {answer.status_code for answer in tried.values()} == {401}
        assert {answer.headers["Referrer-Policy"] for answer in tried.values()} == {"no-referrer"}
        for method in ("POST", "PUT", "DELETE"):
            assert Client(app).simulate_request(method, kind.format(good["key"])).status_code == 405
        head = Client(app).simulate_head(kind.format(good["key"]))
        assert (head.status_code, head.content) == (200, b"")
    for odd in ODD:
        assert Client(app).simulate_get(odd.format(good["key"])).status_code in (401, 404), odd
    for path in ("/feed/{}.ics", "/ping/{}"):
        assert Client(app).simulate_get(path.format(good["key"])).status_code == 403, path
    for path in ("/scheduler/jobs", f"/scheduler/jobs/{job}", "/metrics", "/scheduler/occurrences"):
        assert Client(app, headers={"X-API-Key": good["key"]}).simulate_get(path).status_code == 403, path


def test_names_are_shown_to_feeds_alone_and_only_where_they_are_wanted(app: Any, client: Client, rig: Rig) -> None:
    """Escaped. A key for badges is refused, whether there are jobs or not."""
    feed, badge = key(client, "feed")["key"], key(client)["key"]
    refused = Client(app).simulate_get(f"/status/{badge}?names=true")
    assert (refused.status_code, [error["field"] for error in refused.json["errors"]]) == (400, ["names"])
    make_job(client, rig, "success", name="<script>alert('x')</script>\u202e")
    shown = Client(app).simulate_get(f"/status/{feed}?names=true")
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in shown.text and "<script" not in shown.text
    for path in (f"/status/{feed}", f"/status/{feed}?names=false", f"/status/{badge}", f"/status/{badge}?names=FALSE"):
        assert "Job 1<" in Client(app).simulate_get(path).text and "alert" not in Client(app).simulate_get(path).text
    for kind in KINDS[:2]:
        assert Client(app).simulate_get(kind.format(feed) + "?names=true").status_code == 400
    assert Client(app).simulate_get(f"/status/{badge}?names=yes").status_code == 400


def test_a_key_that_is_bound_to_a_job_shows_that_job_alone(app: Any, client: Client, rig: Rig) -> None:
    """Any job that its maker sees. Others are as those that are not; a gone job's badge is 404."""
    up, down = make_job(client, rig, "success", labels={"team": "crm"}), make_job(client, rig, "failed")
    bound = key(client, job_id=up)
    assert bound["job_id"] == up
    token = bound["key"]
    assert says(app, token) == says(app, token, f"job_id={up}") == "up"
    pages = [Client(app).simulate_get(f"/badge/{token}.json?job_id={one}") for one in (down, str(uuid.uuid4()))]
    assert [page.status_code for page in pages] == [404, 404]
    assert {re.sub("[0-9a-f-]{36}", "ID", page.json["detail"]) for page in pages} == {"Job ID not found"}
    assert Client(app).simulate_get(f"/badge/{token}.json?label=team:other").status_code == 404
    assert "1 job." in Client(app).simulate_get(f"/status/{token}").text
    unbound = key(client)["key"]
    assert "This job<" in Client(app).simulate_get(f"/status/{unbound}?job_id={down}").text
    for terms in ({"job_id": str(uuid.uuid4())}, {"job_id": "x"}, {"job_id": down, "labels": {"team": ["crm"]}}):
        assert [error["field"] for error in key(client, **terms)["errors"]] == ["job_id"]
    assert "job_id" in str(key(client, "feed", job_id=up)["errors"])
    path = f"/scheduler/keys/{bound['id']}"
    assert client.simulate_put(path, json={"job_id": None}).status_code == 400
    assert client.simulate_put(path, json={"scopes": ["feed"]}).status_code == 400
    assert client.simulate_put(path, json={"name": "another"}).status_code == 200
    client.simulate_delete(f"/scheduler/jobs/{up}")
    assert {Client(app).simulate_get(kind.format(token)).status_code for kind in KINDS} == {404}


def test_a_label_narrows_and_never_widens(app: Any, client: Client, rig: Rig) -> None:
    """As elsewhere in the API; an unknown parameter is refused, since a typo would show other jobs."""
    crm, both = key(client, labels={"team": ["crm"]})["key"], key(client)["key"]
    make_job(client, rig, "success", labels={"team": "crm", "stage": "live"})
    make_job(client, rig, "failed", labels={"team": "crm"})
    make_job(client, rig, "failed", labels={"team": "hr", "stage": "live"})
    assert says(app, crm, "label=stage:live") == "up"
    assert says(app, both, "label=stage:live") == "down"
    assert says(app, both, "label=stage:live&label=team:crm") == "up"
    assert says(app, crm, "label=team:hr") == "no jobs"
    assert "1 job." in Client(app).simulate_get(f"/status/{crm}?label=stage:live").text
    page = Client(app).simulate_get(f"/status/{both}?label=team:hr").text
    assert "Job 3<" in page and "Job 1<" not in page and "1 job." in page
    for kind in KINDS:
        for wrong in ("label=<x>", "label=team", "label=", "jobid=x", "job=x", "labels=team:crm", "job_id=a&job_id=b"):
            answer = Client(app).simulate_get(kind.format(crm), query_string=wrong)
            assert answer.status_code == 400 and "<x>" not in answer.headers["Content-Type"], wrong


def test_the_addresses_come_with_the_key_alone(app: Any, client: Client) -> None:
    """With a new one and a rotated one, and with no other scope."""
    made = key(client)
    for is_new in (True, False):
        found = made if is_new else client.simulate_post(f"/scheduler/keys/{made['id']}/rotate").json
        assert found["badge"] == f"http://falconframework.org/badge/{found['key']}.svg"
        assert found["status_page"] == f"http://falconframework.org/status/{found['key']}"
        for address in (found["badge"], found["status_page"]):
            assert Client(app).simulate_get(address.removeprefix("http://falconframework.org")).status_code == 200
    assert "badge" not in client.simulate_get(f"/scheduler/keys/{made['id']}").json
    assert not {"badge", "status_page"} & (key(client, "badge", "read") | key(client, "feed")).keys()


def test_the_addresses_begin_with_the_public_url(valkey_server: ValkeyServer, redis_client: Redis) -> None:
    """If it is set: others look at them."""
    app = quiet_application(valkey_server.url, ROOT, public_url="https://bots.example.org/")
    public = Client(app, headers={"X-API-Key": ROOT})
    made = key(public)
    assert made["badge"] == f"https://bots.example.org/badge/{made['key']}.svg"
    assert key(public, "feed")["feed"].startswith("https://bots.example.org/feed/bsk_")


def test_the_text_at_the_left_is_escaped_and_limited(app: Any, client: Client) -> None:
    """Nothing in it becomes markup."""
    address = f"/badge/{key(client)['key']}.svg"
    text = "<script>alert(1)</script>]]>\"'&<!--"
    answer = Client(app).simulate_get(address, params={"text": text})
    root = ET.fromstring(answer.text)
    assert root.attrib["aria-label"] == root.findtext("{http://www.w3.org/2000/svg}title") == f"{text}: no jobs"
    assert root.attrib["role"] == "img"
    assert {one.tag.rpartition("}")[2] for one in root.iter()} == {"svg", "title", "rect", "path", "g", "text"}
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for wrong in ("x" * 61, "", "a\nb", "\0", "\ufffe", "\u202egnp", "\ud800"):
        sent = quote(wrong, errors="surrogatepass")
        found = Client(app).simulate_get(address, query_string=f"text={sent}")
        assert found.status_code == 400 or ET.fromstring(found.text).attrib["aria-label"] != wrong, wrong
    assert Client(app).simulate_get(address, query_string="text=a&text=b").status_code == 400


def test_an_unchanged_badge_is_not_sent_again(app: Any, client: Client, rig: Rig) -> None:
    """304 until it says something else; caches need not ask for half a minute."""
    path = f"/badge/{key(client)['key']}.svg"
    first = Client(app).simulate_get(path)
    assert first.headers["Cache-Control"] == "max-age=30"
    asked = {"If-None-Match": first.headers["ETag"]}
    assert Client(app).simulate_get(path, headers=asked).status_code == 304
    make_job(client, rig, "success")
    assert Client(app).simulate_get(path, headers=asked).status_code == 200


def test_a_status_page_tells_no_names(app: Any, client: Client, rig: Rig) -> None:
    """Neither ids nor errors; its numbers are those of the order of creation, and the worst comes first."""
    jobs = [make_job(client, rig, status) for status in ("success", "failed", None)]
    answer = Client(app).simulate_get(f"/status/{key(client)['key']}")
    text = answer.text
    assert [text.index(f"Job {number}<") for number in (2, 1, 3)] == sorted(
        text.index(f"Job {number}<") for number in (1, 2, 3)
    )
    for private in (*jobs, "Secret", "name>", "Ana", "example.com", "bsk_", "<script"):
        assert private not in text
    assert "A job is down" in text
    assert "Newest runs: 1 failed" in text
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert answer.headers["Refresh"] == "60"


def test_no_log_tells_the_address(app: Any, client: Client, caplog: pytest.LogCaptureFixture,
                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Not even that of a failure."""
    token = key(client)["key"]

    def fail(*_: object) -> None:
        raise RuntimeError("failed")

    monkeypatch.setattr("service.usecases.badges.standings.Standings._standings", fail)
    with caplog.at_level(logging.DEBUG):
        assert [Client(app).simulate_get(kind.format(token)).status_code for kind in KINDS] == [500] * 3
    assert "bsk_" not in caplog.text


def test_an_outage_and_a_deleted_job_are_drawn(app: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image says nothing where it has no picture; the key cannot be looked up without Redis."""
    token, label = key(client)["key"], "{http://www.w3.org/2000/svg}title"
    gone = Client(app).simulate_get(f"/badge/{token}.svg", query_string=f"job_id={uuid.uuid4()}")
    assert (gone.status_code, ET.fromstring(gone.text).findtext(label)) == (404, "jobs: no jobs")

    async def fail(*_: object) -> None:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr("service.web.callers.recognition.Callers.by_token", fail)
    away = Client(app).simulate_get(f"/badge/{token}.svg")
    assert (away.status_code, ET.fromstring(away.text).findtext(label)) == (503, "jobs: unknown")
    assert (away.headers["Content-Type"], away.headers["Retry-After"]) == ("image/svg+xml", "2")
    assert Client(app).simulate_get(f"/badge/{token}.json").status_code == 503
