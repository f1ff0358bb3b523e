"""What jobs, runs and contacts carry is text to the console and to rq-dashboard, whatever it says."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Request, expect

from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

BAIT = (
    "</script><script>ran()</script><img src=/ran onerror=ran()>'\"><svg onload=ran()><a href=javascript:ran()>x</a>"
    "<%= ran() %><%- ran() %>{{ran()}}${ran()}]]>-->"
)
"""Tags, ends of what it may stand in, and the delimiters of templates; whatever runs calls `ran`."""
QUEUE = "bot-scheduler-queue"
LIVE = 'document.querySelectorAll(\'[href^="javascript:" i], [src$="/ran"], [onerror], [onload], svg[onload]\').length'
"""Counts what the bait would be as a part of the page."""


class _Receiver(socketserver.StreamRequestHandler):
    """A webhook's receiver with a hostile status line."""

    def handle(self) -> None:
        length = 0
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        self.rfile.read(length)
        self.wfile.write(f"HTTP/9 {BAIT}\r\n\r\n".encode())


@contextmanager
def hostile_receiver() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class Scene:
    """Runs of every kind, all of them hostile: `failed`, `told` (succeeded), `refused` (webhook), `busy`, `waiting`."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.jobs: dict[str, str] = {}
        self.runs: dict[str, str] = {}
        status, contact = installation.call("POST", "/contacts", {"name": BAIT, "emails": ["a@example.org"]})
        assert status == 201, contact
        self.contact = str(contact["id"])
        self._run("failed", "failed", mode="raise", says=BAIT)
        self._run("told", "success", says=BAIT)
        with hostile_receiver() as url:
            self._run("refused", "failed", bot_type="webhook", url=url)
        self._run("busy", "running", mode="heed", seconds=600, says=BAIT)
        self._run("also busy", "running", mode="heed", seconds=600)
        self._run("waiting", "queued", says=BAIT)

    def _run(self, name: str, status: str, bot_type: str = "probe", **config: object) -> None:
        fields = {"name": BAIT, "description": BAIT, "bot_type": bot_type, "bot_config": config}
        self.jobs[name] = self._installation.make_job(**fields)
        self.runs[name] = self._installation.run_now(self.jobs[name])
        self._installation.until_status(self.jobs[name], self.runs[name], status)


@pytest.fixture(scope="module")
def scene(installation: Installation) -> Scene:
    """What the pages show."""
    made = Scene(installation)
    until(lambda: len(installation.history(made.jobs["busy"])) == 1, 30)
    return made


@pytest.fixture
def wary(page: Page) -> Iterator[Page]:
    """A page of somebody who is signed in, on which nothing of the bait may run."""
    ran: list[str] = []

    def asked(request: Request) -> None:
        if request.url.endswith("/ran"):
            ran.append(f"asked for {request.url} on {page.url}")

    page.expose_function("ran", lambda: ran.append(f"a script on {page.url}"))
    page.on("request", asked)
    page.on("dialog", lambda dialog: dialog.dismiss())
    yield page
    assert ran == []


def look(page: Page, path: str) -> None:
    """Goes to a page, and finds it whole: guarded by its policy, with nothing of the bait in it but text."""
    answer = page.goto(path, wait_until="networkidle" if path.startswith("/rq") else "load")
    assert answer is not None
    assert answer.status == 200, path
    policy = answer.headers.get("content-security-policy", "")
    assert "default-src 'none'" in policy, path
    assert "unsafe" not in policy, path
    assert page.evaluate(LIVE) == 0, path


def shown(page: Page) -> str:
    """All that stands on the page, also in its fields."""
    return str(
        page.evaluate(
            "document.body.textContent + [...document.querySelectorAll('input, textarea')].map(f => f.value).join()"
        )
    )


def test_the_consoles_pages_show_it_as_text(wary: Page, scene: Scene) -> None:
    """Overview, lists, forms, and each run with its error, its result and its log."""
    places = ["/", "/jobs", "/runs", "/contacts", f"/contacts/{scene.contact}"]
    for name, job_id in scene.jobs.items():
        places += [f"/jobs/{job_id}", f"/jobs/{job_id}/edit", f"/jobs/{job_id}/runs/{scene.runs[name]}"]
    for path in places:
        look(wary, path)
        assert BAIT in shown(wary), path
    for name in ("failed", "told", "busy"):
        look(wary, f"/jobs/{scene.jobs[name]}/runs/{scene.runs[name]}")
        expect(wary.locator("#log .line").first).to_contain_text(BAIT)
    look(wary, f"/jobs/{scene.jobs['refused']}/runs/{scene.runs['refused']}")
    expect(wary.locator("#error")).to_contain_text("<script>ran()</script><img src=/ran onerror=ran()>")
    look(wary, "/jobs/new")
    look(wary, "/contacts/new")


def test_rq_dashboards_pages_show_it_as_text(wary: Page, scene: Scene) -> None:
    """Its queues, its workers, each of its lists of jobs, and every job."""
    for run_id in scene.runs.values():
        look(wary, f"/rq/0/view/job/{run_id}")
        expect(wary.locator("main")).to_contain_text(BAIT)
    for registry in ("queued", "deferred", "scheduled", "started", "finished", "failed", "canceled"):
        look(wary, f"/rq/0/view/jobs/{QUEUE}/{registry}/8/asc/1")
        if registry in ("queued", "started", "failed"):
            expect(wary.locator("#jobs")).to_contain_text(BAIT)
    look(wary, "/rq/0/view/workers")
    expect(wary.locator("#workers")).to_contain_text(BAIT)
    look(wary, "/rq/")
    expect(wary.locator("#queues")).to_contain_text(QUEUE)


def test_rq_dashboard_refreshes_by_itself_and_leads_back(wary: Page, scene: Scene, installation: Installation) -> None:
    """A run that comes to wait appears without a click; the console is one click away, and nothing leads to a 403."""
    look(wary, f"/rq/0/view/jobs/{QUEUE}/queued/200/asc/1")
    assert wary.get_by_role("button").count() == 0
    run_id = installation.run_now(installation.make_job(name=BAIT))
    expect(wary.get_by_role("link", name=run_id)).to_be_visible()
    addresses = wary.locator("a").evaluate_all("links => links.map(link => link.href)")
    for address in sorted(set(addresses)):
        assert wary.request.get(address).status == 200, address
    wary.get_by_role("link", name="Back to the console").click()
    expect(wary.get_by_role("heading", level=1)).to_have_text("Overview")


def test_a_name_turns_no_sentence_around(page: Page, installation: Installation) -> None:
    """Not the message of an action, nor the question before it."""
    job = installation.make_job(name="pay \u202ereverse")
    page.goto(f"/jobs/{job}")
    page.locator("#top").get_by_role("button", name="Delete").click()
    message = page.locator("#messages .message")
    expect(message).to_contain_text("Deleting “pay reverse”")
    message.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“pay reverse” was not deleted")).to_be_visible()
