"""rq-dashboard under `/rq`: signed in with the key, read-only, on the service's own connections."""

from __future__ import annotations

import base64
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import falcon.testing
import lxml.html
import pytest
import rq_dashboard
import werkzeug.test
from markupsafe import escape
from redis import ConnectionPool, Redis
from rq import Queue
from rq.job import Job
from rq.results import Result
from rq.serializers import JSONSerializer
from rq_dashboard import web

from service.web.api.app import DASHBOARD, App, Headers
from service.web.callers.lookups import Lookups
from service.web.callers.recognition import Callers
from service.web.http import errors
from service.web.http.auth import ApiKeys
from service.web.http.guard import Guard
from service.web.http.mounted import Mounted
from service.web.http.page_headers import PAGE_HEADERS
from service.web.rq_dashboard.dashboard import _VIEWS, create_dashboard
from service.web.rq_dashboard.own_templates import TEMPLATES
from tests.support.fakes import FakeAccess

QUEUE = "bot-scheduler-queue"
KEY = "schlüssel:1"


def basic(password: str, user: str = "any") -> dict[str, str]:
    """The header with which a browser signs in."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Browser(falcon.testing.TestClient):
    """Asks rq-dashboard as it is mounted."""

    def open(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, follow_redirects: bool = False
    ) -> falcon.testing.Result:
        """One request, and as many more as it is led on to."""
        answer = self.simulate_request(method, path, headers=headers)
        while follow_redirects and answer.status_code in (301, 302, 303, 307, 308):
            answer = self.simulate_get(urljoin(path, answer.headers["Location"]), headers=headers)
        return answer

    def get(self, path: str = "/", **options: Any) -> falcon.testing.Result:
        """The same, by GET."""
        return self.open(path, **options)


def mounted(client: Redis) -> Browser:
    """Asks rq-dashboard as it is mounted, behind the guard."""
    keys = ApiKeys([KEY])
    stored = FakeAccess()
    app = App(middleware=[Guard(Callers(keys, stored, stored, Lookups())), Headers()])
    errors.install(app)
    app.add_tree(DASHBOARD, Mounted(create_dashboard(client, "bot-scheduler", QUEUE)))
    return Browser(app)


@pytest.fixture
def dashboard(redis_client: Redis) -> Browser:
    return mounted(redis_client)


@pytest.fixture
def runs(redis_client: Redis) -> list[Job]:
    """One run waiting, one failed; beside them another installation's queue, pickled."""
    queue = Queue(QUEUE, connection=redis_client, serializer=JSONSerializer)
    made = [queue.enqueue("service.runner.run", str(number)) for number in range(2)]
    queue.failed_job_registry.add(made[1], ttl=1000)
    Queue("other", connection=redis_client).enqueue("a.b", "c")
    return made


def dump(client: Redis) -> dict[Any, Any]:
    """All that is in Redis but the metrics, in which each application counts by itself how late its loop is."""
    return {key: client.dump(key) for key in client.keys("*") if key != b"bot-scheduler:metrics"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong"),
        basic(""),
        basic("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic ==="},
        {"Authorization": "Basic \xff"},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "wrong"},
    ],
)
def test_without_the_key_it_asks_for_it(dashboard: Browser, headers: dict[str, str]) -> None:
    """401 with a challenge that makes a browser ask, for each page, file, and unknown address."""
    for path in ("/rq/", "/rq", "/rq/nothing", "/rq/static/css/main.css", "/rq/0/data/queues.json"):
        answer = dashboard.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert list(answer.json or {}) == ["detail"]


def test_the_pages_and_their_files_open_with_the_key(dashboard: Browser, runs: list[Job]) -> None:
    """Every page, the data behind it and each script and style sheet that it names."""
    headers = basic(KEY)
    for path in (
        "/rq/",
        "/rq/0/view/queues",
        "/rq/0/view/workers",
        "/rq/0/view/jobs",
        f"/rq/0/view/job/{runs[0].id}",
        f"/rq/0/view/jobs/{QUEUE}/failed/8/asc/1",
    ):
        page = dashboard.get(path, headers=headers, follow_redirects=True)
        assert page.status_code == 200, path
        for part in page.text.split('"'):
            if part.startswith("/rq/") and ("static" in part or "files" in part):
                assert dashboard.get(part, headers=headers).status_code == 200, part
    assert dashboard.get("/rq", headers=headers).headers["Location"].endswith("/rq/")


def test_what_it_answers_comes_as_it_was(dashboard: Browser) -> None:
    """Types, lengths and validators, with a body and without one."""
    path, headers = "/rq/static/css/main.css", basic(KEY)
    whole, head = dashboard.get(path, headers=headers), dashboard.open(path, "HEAD", headers=headers)
    assert whole.headers["Content-Type"].startswith("text/css")
    assert whole.headers["Content-Length"] == head.headers["Content-Length"] == str(len(whole.content))
    assert (head.status_code, head.content) == (200, b"")
    known = dashboard.get(path, headers=headers | {"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert "Content-Length" not in known.headers


HOSTILE = "</script><script>x()</script><img src=x onerror=x()>'\"><svg onload=x()>{{7*7}}<%= x() %>"


@pytest.fixture
def hostile(redis_client: Redis) -> Job:
    """A run that failed, and whatever RQ keeps of it, its worker and its queue says something hostile."""
    queue = Queue(f"bot-scheduler-{HOSTILE.replace('/', '')}", connection=redis_client, serializer=JSONSerializer)
    run = queue.enqueue("service.runner.run", HOSTILE, description=HOSTILE, meta={HOSTILE: HOSTILE})
    Result.create_failure(run, ttl=1000, exc_string=HOSTILE)
    Result.create(run, Result.Type.SUCCESSFUL, ttl=1000, return_value={HOSTILE: [HOSTILE]})
    Result.create_failure(run, ttl=1000, exc_string=HOSTILE)
    queue.failed_job_registry.add(run, ttl=1000)
    entry = f"rq:worker:bot-scheduler-{HOSTILE}"
    at = "2025-01-01T00:00:00.000000Z"
    worker: dict[Any, Any] = {
        "birth": at, "last_heartbeat": at, "state": HOSTILE, "queues": queue.name, "version": HOSTILE,
        "python_version": HOSTILE, "current_job": run.id, "hostname": HOSTILE,
    }  # fmt: skip
    redis_client.hset(entry, mapping=worker)
    redis_client.sadd("rq:workers", entry)
    return run


def places(run: Job) -> list[str]:
    """Every page."""
    name = quote(run.origin, safe="")
    return [
        "/rq/",
        "/rq/0/view/queues",
        "/rq/0/view/workers",
        "/rq/0/view/jobs",
        f"/rq/0/view/job/{run.id}",
        f"/rq/0/view/jobs/{name}/queued/8/asc/1",
        f"/rq/0/view/jobs/{name}/failed/8/dsc/1",
    ]


def test_what_rq_keeps_is_text_on_every_page(dashboard: Browser, hostile: Job) -> None:
    """The name, the error, the result, what is known of worker and queue: shown as it stands, and nothing more."""
    seen = 0
    for path in places(hostile):
        page = dashboard.get(path, headers=basic(KEY), follow_redirects=True).text
        seen += page.count(str(escape(HOSTILE)))
        elements = list(lxml.html.document_fromstring(page).iter())
        scripts = [element.attrib for element in elements if element.tag == "script"]
        assert scripts == [{"type": "module", "src": "/rq/files/refresh.js"}], path
        assert not {element.tag for element in elements} & {"img", "svg", "iframe", "style", "form"}, path
        names = {name for element in elements for name in element.attrib}
        assert not [name for name in names if name.startswith("on") or name == "style"], path
    assert seen >= 10


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/rq/", basic(KEY)),
        ("/rq/", {"Accept": "text/html"}),
        ("/rq/", basic("wrong")),
        ("/rq", basic(KEY)),
        ("/rq/0/view/jobs", basic(KEY)),
        ("/rq/0/data/queues.json", basic(KEY)),
        ("/rq/nothing", basic(KEY)),
        (f"/rq/requeue/{QUEUE}", basic(KEY)),
        ("/rq/static/css/main.css", basic(KEY)),
        ("/rq/files/refresh.js", basic(KEY)),
    ],
)
def test_every_answer_is_guarded_as_the_consoles_are(dashboard: Browser, path: str, headers: dict[str, str]) -> None:
    """Pages, data, files, redirects and refusals: no script but files of ours, no frame, no sniffing."""
    answer = dashboard.get(path, headers=headers)
    assert {name: answer.headers.get(name) for name in PAGE_HEADERS} == PAGE_HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy


def test_none_of_its_templates_and_scripts_can_be_reached(dashboard: Browser, redis_client: Redis) -> None:
    """They put data into pages as it stands, and act on what a page says."""
    folder = Path(str(rq_dashboard.__file__)).parent
    application = create_dashboard(redis_client, "bot-scheduler", QUEUE)
    ours = set(application.jinja_env.list_templates())
    for template in (folder / "templates").rglob("*.*"):
        name = str(template.relative_to(folder / "templates"))
        assert name not in ours or application.jinja_env.get_template(name).filename == str(TEMPLATES / name)
    scripts = [str(path.relative_to(folder / "static")) for path in (folder / "static").rglob("*.js")]
    assert len(scripts) > 3
    for name in (*scripts, f"css/../{scripts[0]}", "css/%2e%2e/" + scripts[0]):
        assert dashboard.get(f"/rq/static/{name}", headers=basic(KEY)).status_code == 404, name


def test_no_page_leads_to_what_is_refused(dashboard: Browser, hostile: Job, runs: list[Job]) -> None:
    """Every link of every page opens; there is no button and no form."""
    links = set()
    for path in places(hostile):
        page = dashboard.get(path, headers=basic(KEY), follow_redirects=True).text
        assert "<button" not in page
        assert "<form" not in page
        links |= {unescape(link) for link in re.findall(r'<a [^>]*href="([^"]*)"', page)}
    assert len(links) > 10
    for link in sorted(links):
        assert dashboard.get(link, headers=basic(KEY), follow_redirects=True).status_code == 200, link


def test_it_leads_back_to_the_console_where_there_is_one(redis_client: Redis) -> None:
    """By one link; without a console it is absent."""
    for console in (True, False):
        application = create_dashboard(redis_client, "bot-scheduler", QUEUE, console=console)
        page = werkzeug.test.Client(application).get("/rq/").text
        assert page.count('href="/"') == int(console)


def test_it_shows_this_installation_only(dashboard: Browser, runs: list[Job], redis_client: Redis) -> None:
    """Another's queue and RQ jobs are not listed, and not found when asked for."""
    headers = basic(KEY)
    queues = dashboard.get("/rq/0/data/queues.json", headers=headers).json
    assert queues is not None
    assert [queue["name"] for queue in queues["queues"]] == [QUEUE]
    foreign = Queue("other", connection=redis_client).job_ids[0]
    for path in (f"/rq/0/data/job/{foreign}.json", "/rq/0/data/jobs/other/queued/8/asc/1.json"):
        assert dashboard.get(path, headers=headers).status_code == 404


def test_it_reads_json_never_pickles(dashboard: Browser, runs: list[Job]) -> None:
    """A run's details are read from the JSON that RQ carries."""
    headers = basic(KEY)
    found = dashboard.get(f"/rq/0/data/job/{runs[0].id}.json", headers=headers).json
    assert found is not None
    assert found["origin"] == QUEUE
    listed = dashboard.get(f"/rq/0/data/jobs/{QUEUE}/failed/8/asc/1.json", headers=headers).json
    assert listed is not None
    assert [job["id"] for job in listed["jobs"]] == [runs[1].id]


def arguments(rule: Any, run: Job) -> dict[str, Any]:
    """Values for the parts of an address."""
    known = {
        "queue_name": QUEUE,
        "registry_name": "failed",
        "job_id": run.id,
        "instance_number": 0,
        "per_page": 8,
        "order": "asc",
        "page": 1,
        "filename": "refresh.js" if rule.endpoint == "static" else "css/main.css",
    }
    return {name: known[name] for name in rule.arguments}


def test_no_address_of_it_changes_anything(dashboard: Browser, runs: list[Job], redis_client: Redis) -> None:
    """Each rule with each of its methods and some more: looking is 200, all else 403; Redis stays as it was."""
    before = dump(redis_client)
    rules = create_dashboard(redis_client, "bot-scheduler", QUEUE).url_map
    urls = rules.bind("localhost")
    for rule in rules.iter_rules():
        path = urls.build(rule.endpoint, arguments(rule, runs[1]))
        for method in {*(rule.methods or ()), "POST", "PUT", "DELETE"}:
            answer = dashboard.open(path, method=method, headers=basic(KEY))
            looks = method in ("GET", "HEAD") and rule.endpoint in _VIEWS
            assert answer.status_code == (200 if looks else 403), (method, path)
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    "path",
    [
        f"/rq/requeue/{QUEUE}",
        "/rq/requeue/other",
        "/rq/job/x/delete",
        "/rq/job/x/requeue",
        f"/rq/queue/{QUEUE}/queued/empty",
        f"/rq/queue/{QUEUE}/compact",
    ],
)
def test_what_changes_a_queue_is_refused(dashboard: Browser, runs: list[Job], path: str) -> None:
    """403 with a sentence, by GET (where there is such a form) and by POST."""
    for method in ("GET", "POST"):
        answer = dashboard.open(path, method=method, headers=basic(KEY))
        assert answer.status_code in ((403, 404, 405) if method == "GET" else (403,))
        assert list(answer.json or {}) == ["detail"]
    assert dashboard.get(f"/rq/requeue/{QUEUE}", headers=basic(KEY)).status_code == 403


def test_looking_opens_no_connections_and_changes_no_time_outs(redis_client: Redis, valkey_server: Any) -> None:
    """All views share the pool that they were given; RQ's worker list does not raise its time-out."""
    pool = ConnectionPool(port=valkey_server.port, socket_timeout=1.5, max_connections=2)
    dashboard = mounted(Redis(connection_pool=pool))
    worker: dict[Any, Any] = {
        "birth": "2025-01-01T00:00:00.000000Z",
        "last_heartbeat": "2025-01-01T00:00:00.000000Z",
        "state": "busy",
        "queues": QUEUE,
        "pid": "1",
    }
    redis_client.hset("rq:worker:bot-scheduler-w1", mapping=worker)
    redis_client.sadd("rq:workers", "rq:worker:bot-scheduler-w1", "rq:worker:bot-scheduler-gone", "rq:worker:foreign")
    before = redis_client.info("clients")["connected_clients"]
    for _ in range(5):
        listed = dashboard.get("/rq/0/data/workers.json", headers=basic(KEY)).json
        assert listed is not None
        assert [found["name"] for found in listed["workers"]] == ["bot-scheduler-w1"]
    assert redis_client.info("clients")["connected_clients"] <= before + 1
    assert pool.connection_kwargs["socket_timeout"] == 1.5
    assert redis_client.scard("rq:workers") == 3, "the entries of dead workers are not ours to tidy up while looking"


@pytest.mark.parametrize(
    "path",
    [
        "/rq/1/",
        "/rq/7/data/queues.json",
        f"/rq/0/data/jobs/{QUEUE}/nonsense/8/asc/1.json",
        f"/rq/0/data/jobs/{QUEUE}/failed/0/asc/1.json",
        f"/rq/0/data/jobs/{QUEUE}/failed/x/asc/1.json",
        f"/rq/0/data/jobs/{QUEUE}/failed/8/asc/-1.json",
        f"/rq/0/data/jobs/{QUEUE}/failed/8/sideways/1.json",
        f"/rq/0/data/jobs/{QUEUE}/failed/99999/asc/1.json",
        "/rq/0/data/job/nothing.json",
        "/rq/0/view/job/nothing",
        "/rq/0/view/job/%FF%00",
        "/rq/nothing",
        "/rq/static/../web.py",
        "/rq/static/%2e%2e/web.py",
        "/rq/static/nothing",
        "/rq/99999999999999999999999/",
        f"/rq/0/view/jobs/{QUEUE}/failed/0/asc/1",
    ],
)
def test_garbage_is_404(dashboard: Browser, path: str) -> None:
    """Never a 500, and JSON with a detail."""
    answer = dashboard.get(path, headers=basic(KEY))
    assert (answer.status_code, list(answer.json or {})) == (404, ["detail"])


def test_redis_away_is_503() -> None:
    """With a sentence; rq-dashboard's own overview says it in a page of its own."""
    pool = ConnectionPool(port=1)
    dashboard = mounted(Redis(connection_pool=pool))
    answer = dashboard.get("/rq/0/data/queues.json", headers=basic(KEY))
    assert (answer.status_code, answer.json) == (503, {"detail": "Redis cannot be reached"})


def test_the_names_that_are_replaced_inside_rq_dashboard_are_still_there() -> None:
    """A release that looks elsewhere for its classes must not silently go back to pickles and clients of its own."""
    assert {web.Queue.__module__, web.Worker.__module__, web.Job.__module__} == {"service.web.rq_dashboard.dashboard"}
    assert web.config.serializer is JSONSerializer
