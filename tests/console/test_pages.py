"""Every page: with nothing there and with much, with hostile names, and while Redis is away."""

from __future__ import annotations

import json
import random
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from service.domain.run_records import Outcome
from service.store.presence import Presence
from service.web.api.app import App
from service.web.http.representation.live_parts import HEADER as LIVE_PARTS
from service.web.http.representation.live_parts import live_parts
from tests.api.test_openapi import METHODS
from tests.support.browsing import ORIGIN, Answer, Browser, installation, words
from tests.support.servers.valkey import ValkeyServer
from tests.support.store_rig import Rig

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7*7 }}${7}"""
DAILY = {"bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
GUARDED = [
    "/",
    "/jobs",
    "/jobs/new",
    "/jobs/new?example=birthday",
    "/runs",
    "/clock-changes",
    "/coming",
    "/export.yaml",
    "/contacts.vcf",
    "/contacts.csv",
    "/find?q=a",
    "/runs.csv",
    "/contacts/duplicates",
    "/calendars",
]
OPEN = ["/sign-in", "/nothing"]
VOID = {"meta", "link", "input", "img", "br", "path", "line", "circle", "rect"}


class Markup(HTMLParser):
    """What a browser makes of a page; refuses what our policy forbids and what is not well-formed."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._headings: list[int] = []
        self.feed(answer.text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        assert not [name for name in found if name == "style" or name.startswith("on")]
        assert tag not in ("style", "iframe", "object", "base")
        if tag == "script":
            assert (found.get("src") or "").startswith("/static/")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        # What may be left open is closed by its parent's end.
        while self._open[-1] != tag:
            assert self._open.pop() in ("option", "li", "p", "td", "th", "tr", "dt", "dd")
        self._open.pop()

    def values(self, name: str) -> list[str]:
        """An attribute of all elements that have it."""
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(1 for name, _ in self.tags if name == tag)


@pytest.fixture
def app(redis_client: Redis, valkey_server: Any) -> App:
    """An installation on an empty server."""
    return installation(valkey_server.url)


@pytest.fixture
def browser(app: App) -> Browser:
    """Signed in."""
    browser = Browser(app)
    browser.sign_in()
    return browser


@pytest.fixture
def rig(redis_client: Redis) -> Rig:
    """Hands on the same installation, to carry out runs with."""
    return Rig.on(redis_client)


def make_job(browser: Browser, **fields: Any) -> str:
    """Creates a job. Returns its id."""
    answer = browser.send("POST", "/scheduler/jobs", {"name": "A job", **DAILY, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def run(browser: Browser, rig: Rig, job_id: str, outcome: Outcome | None = None) -> str:
    """Asks for a run and carries it out, unless there is no outcome. Returns its id."""
    run_id = str(browser.send("POST", f"/scheduler/jobs/{job_id}/run").json["run_id"])
    if outcome is not None:
        assert rig.runs.finish(run_id, rig.start(run_id), outcome)
    return run_id


@pytest.fixture
def full(browser: Browser, rig: Rig) -> str:
    """Jobs of each kind and state under hostile names, with runs of each outcome. Returns one's id."""
    job_id = make_job(browser, name=HOSTILE, description=HOSTILE, bot_type="birthday")
    run(browser, rig, job_id, Outcome("success", result={"messages_sent": 2, HOSTILE: HOSTILE}))
    run(browser, rig, job_id, Outcome("failed", error=HOSTILE))
    run(browser, rig, job_id, Outcome("cancelled", error="by request"))
    run(browser, rig, job_id, Outcome("skipped", result={HOSTILE: HOSTILE}, reason=HOSTILE))
    for kind, config in (
        ("weekly", {"hour": 1, "minute": 2, "day_of_week": "mon, Fri"}),
        ("interval", {"seconds": 7}),
        ("cron", {"cron_expression": "*/5 * * * *", "timezone": "Europe/Vienna"}),
    ):
        other = make_job(browser, name=f"{kind} {HOSTILE}", schedule_type=kind, schedule_config=config)
        run(browser, rig, other)
    make_job(browser, enabled=False)
    make_job(browser, options={"ends_at": "2001-01-01T00:00:00"})
    make_job(browser, bot_type="webhook", bot_config={"url": f"http://x/{HOSTILE[:20]}", "headers": {"A": "b"}})
    due = rig.make_job(bot_type="birthday", name="folded", options={"catch_up": "none"})
    rig.pretend_due(due, 3600)
    rig.scheduler().enqueue_jobs()
    return job_id


def pages(job_id: str) -> list[str]:
    """Every page of a job, and those of all."""
    own = [f"/jobs/{job_id}", f"/jobs/{job_id}/edit", f"/jobs/new?from={job_id}", f"/jobs/{job_id}/yaml"]
    return [*GUARDED, *own, "/jobs?q=script&sort=next_run&order=desc", "/jobs?state=failing", "/runs?status=failed"]


def check(answer: Answer) -> Markup | None:
    """What holds for every page."""
    if not answer.headers["content-type"].startswith("text/html"):
        return None
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    markup = Markup(answer)
    ids = markup.values("id")
    assert len(ids) == len(set(ids))
    for label in [*markup.values("for"), *" ".join(markup.values("aria-labelledby")).split()]:
        assert label in ids
    described = set(" ".join(markup.values("aria-describedby")).split())
    assert described <= set(ids)
    assert (markup.count("main"), markup.count("h1")) == (1, 1)
    assert answer.text.startswith("<!doctype html>\n<html lang=")
    return markup


@pytest.mark.parametrize("path", [*GUARDED, *OPEN])
def test_every_page_stands_with_nothing_there(browser: Browser, path: str) -> None:
    """An empty installation has pages that are well-formed, and guarded by the policy."""
    answer = browser.get(path)
    assert answer.status_code == {"/nothing": 404, "/sign-in": 303}.get(path, 200)
    if answer.status_code != 303:
        check(answer)


def test_every_page_stands_with_much_there(browser: Browser, full: str) -> None:
    """Also with jobs and runs of each kind, under names that would be markup; none of it becomes any."""
    for path in pages(full):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        if check(answer) is not None:
            assert "<img src=x" not in answer.text
            assert "alert(1)</script>" not in answer.text


def test_a_hostile_name_is_shown_as_it_is(browser: Browser, full: str) -> None:
    """On the list, the job's page, in its form: as text."""
    for path in ("/jobs?sort=name", f"/jobs/{full}"):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.get(path).text
    assert "{{ 7*7 }}${7}" in words(browser.get(f"/jobs/{full}"))
    form = Markup(browser.get(f"/jobs/{full}/edit"))
    assert HOSTILE in form.values("value")


def test_a_run_that_its_bot_skipped_is_shown_as_one_that_ran(browser: Browser, rig: Rig) -> None:
    """With its reason, its times and its log; an occurrence that never started has none of these."""
    job_id = make_job(browser)
    run_id = run(browser, rig, job_id, Outcome("skipped", result={"looked_at": 3}, reason="nothing new"))
    page = words(browser.get(f"/jobs/{job_id}/runs/{run_id}"))
    assert "Skipped nothing new" in page and "Started" in page and "The run logged nothing." in page
    for path in (f"/jobs/{job_id}", "/runs"):
        assert "Skipped: nothing new" in words(browser.get(path))
    due = rig.make_job(name="never started", options={"catch_up": "none"})
    rig.pretend_due(due, 3600)
    rig.scheduler().enqueue_jobs()
    skipped = next(run["id"] for run in rig.history(due) if run["status"] == "skipped")
    folded = words(browser.get(f"/jobs/{due}/runs/{skipped}"))
    assert "Recorded" in folded and "Started" not in folded.replace("Started by", "")


def test_every_link_of_a_page_leads_somewhere(browser: Browser, full: str) -> None:
    """Pages, files and modules that pages name are there."""
    known = set()
    for path in pages(full):
        answer = browser.get(path)
        if answer.headers["content-type"].startswith("text/html"):
            markup = Markup(answer)
            known |= set(markup.values("href")) | set(markup.values("src"))
    other = ("/rq", "/contacts", f"/jobs/{full}/runs/")
    local = {link for link in known if link.startswith("/") and not link.startswith(other) and "/runs/" not in link}
    assert len(local) > 20
    for link in local:
        assert browser.get(link.partition("#")[0]).status_code in (200, 303), link
    for module in re.findall(r'from "\./([\w.-]+\.js)"', " ".join(browser.get(f"/static/{n}").text for n in modules())):
        assert browser.get(f"/static/{module}").status_code == 200


def modules() -> list[str]:
    """The names of our scripts."""
    folder = Path(__file__).parents[2] / "service" / "web" / "console" / "static"
    return sorted(file.name for file in folder.glob("*.js"))


def test_the_form_has_each_field_of_each_bot_and_each_option(browser: Browser) -> None:
    """As their schemas say; a job's own values stand in them."""
    job_id = make_job(
        browser, bot_type="webhook",
        bot_config={"url": "http://x.example", "headers": {"X-A": "b"}, "expected_status": [200, 204]},
        options={"max_retries": 3, "starts_at": "2030-01-02T03:04:05", "alert_urls": ["env:BOT_SECRET_A"]},
    )  # fmt: skip
    answer = browser.get(f"/jobs/{job_id}/edit")
    markup = Markup(answer)
    paths = set(markup.values("data-path"))
    job = browser.send("GET", f"/scheduler/jobs/{job_id}").json
    schema = next(bot for bot in browser.send("GET", "/scheduler/bots").json if bot["name"] == "webhook")
    properties = next(value for value in schema.values() if isinstance(value, dict))["properties"]
    assert {f"bot_config.{name}" for name in properties} <= paths
    assert {f"options.{name}" for name in job["options"]} - {"options.expect"} <= paths
    assert {f"options.expect.{name}" for name in ("success_within_seconds", "longest_seconds")} <= paths
    values = markup.values("value")
    assert {"http://x.example", "3", "2030-01-02T03:04:05"} <= set(values)
    assert "X-A: b" in answer.text and "200, 204" in values
    assert "env:BOT_SECRET_A</textarea>" in answer.text
    assert [attrs["data-revision"] for tag, attrs in markup.tags if tag == "form" and "data-revision" in attrs] == ["1"]


DAILY_MEMBER = {name: DAILY[name] for name in ("schedule_type", "schedule_config")}
LAST_FRIDAY = {"day": {"nth": "last", "weekday": "fri"}, "hour": 18, "minute": 0}


@pytest.mark.parametrize(
    ("kind", "config", "said"),
    [
        ("once", {"at": "2999-12-24T18:00"}, "Once, on 2999-12-24 at 18:00 (UTC)."),
        ("monthly", LAST_FRIDAY, "On the last Friday of each month, at 18:00 (UTC)."),
        ("rrule", {"rrule": "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=18"}, "the last Friday of the month at 18:00 (UTC)."),
        ("daily", {"hour": 8, "minute": 0, "every": 10}, "Every 10 days at 08:00 (UTC)."),
        (
            "any", {"schedules": [{"schedule_type": "monthly", "schedule_config": LAST_FRIDAY}, DAILY_MEMBER]},
            "On the last Friday of each month, at 18:00 (UTC); and every day at 08:00 (UTC).",
        ),
    ],
)  # fmt: skip
def test_each_kind_of_schedule_is_a_sentence_everywhere(
    browser: Browser, kind: str, config: dict[str, Any], said: str
) -> None:
    """On the list, on the job's page, and in a form that has its values."""
    job_id = make_job(browser, schedule_type=kind, schedule_config=config)
    assert said in words(browser.get("/jobs")) and said in words(browser.get(f"/jobs/{job_id}"))
    form = Markup(browser.get(f"/jobs/{job_id}/edit"))
    stored = [json.loads(value) for value in form.values("data-schedule")]
    assert stored == [{"schedule_type": kind, "schedule_config": config}]
    assert said in form.values("data-preview")[0]
    ids = form.values("id")
    assert len(ids) == len(set(ids))


def test_a_duplicate_has_all_but_the_name(browser: Browser) -> None:
    """And is a new job: no id, no revision."""
    job_id = make_job(browser, name="n" * 200, description="words", bot_config={"limit": 7})
    markup = Markup(browser.get(f"/jobs/new?from={job_id}"))
    assert f"{'n' * 190} (copy)" in markup.values("value")
    assert "7" in markup.values("value")
    assert markup.values("data-revision") == []


def test_labels_are_shown_filtered_by_and_put_into_the_form(browser: Browser, rig: Rig) -> None:
    """Each is a link to the jobs that have it, and keeps the other filters; a malformed one is told of."""
    both = make_job(browser, name="Both", labels={"team": "crm", "stage": "live"})
    make_job(browser, name="One", labels={"team": "crm"})
    other = make_job(browser, name="Other")
    for job_id in (both, other):
        run(browser, rig, job_id)
    page = browser.get(f"/jobs/{both}")
    assert "team: crm" in words(page) and "/jobs?label=team:crm" in Markup(page).values("href")
    assert "chip" not in Markup(browser.get(f"/jobs/{other}")).values("class")
    found = browser.get("/jobs?label=team:crm&q=o")
    assert names_on(found) == ["Both", "One"]
    (narrower,) = {link for link in Markup(found).values("href") if "stage" in link}
    assert "q=o" in narrower and names_on(browser.get(narrower)) == ["Both"]
    assert names_on(browser.get("/jobs?label=team:crm%20stage:live")) == ["Both"], "the form's field has blanks"
    assert names_on(browser.get("/jobs?label=team:sales")) == []
    refused = browser.get("/jobs?label=team")
    assert refused.status_code == 400 and "such as team:crm" in words(refused)
    runs = browser.get("/runs?label=team:crm")
    assert "Both" in words(runs) and "Other" not in words(runs)
    assert "team:crm\nstage:live\n</textarea>" in browser.get(f"/jobs/{both}/edit").text


def names_on(answer: Answer) -> list[str]:
    """The names of the listed jobs, in order."""
    return Markup(answer).values("data-name")


def test_the_list_searches_filters_and_sorts(browser: Browser, rig: Rig) -> None:
    """By text in name or description, bot, state, failure; by each column, both ways."""
    failing = make_job(browser, name="beta", description="needle")
    make_job(browser, name="Alpha", enabled=False)
    make_job(browser, name="gamma", bot_type="birthday")
    run(browser, rig, failing, Outcome("failed", error="x"))
    for query, expected in {
        "": ["beta", "Alpha", "gamma"],
        "?q=NEEDLE": ["beta"],
        "?bot=birthday": ["gamma"],
        "?state=disabled": ["Alpha"],
        "?state=failing": ["beta"],
        "?sort=name": ["Alpha", "beta", "gamma"],
        "?sort=name&order=desc": ["gamma", "beta", "Alpha"],
        "?state=troubled": ["beta"],
        "?q=nobody": [],
    }.items():
        assert names_on(browser.get(f"/jobs{query}")) == expected, query
    assert "No jobs found" in words(browser.get("/jobs?q=nobody"))
    for query in (
        "/jobs?state=",
        "/jobs?sort=",
        "/jobs?order=",
        "/runs?status=",
        "/runs?trigger=",
        "/runs.csv?status=",
    ):
        assert browser.get(query).status_code == 200
        assert browser.get(f"{query}nonsense").status_code == 400, "all would be more than was asked for"
    for sort in ("last_run", "last_failure"):
        for order in ("", "&order=asc", "&order=desc"):
            assert names_on(browser.get(f"/jobs?sort={sort}{order}"))[0] == "beta", "the others never ran"
    assert names_on(browser.get("/jobs?sort=next_run"))[-1] == "Alpha"


def test_the_list_is_sorted_and_counted_over_all_pages(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is on one page, in order; the first and the last page and those near the current one are linked."""
    monkeypatch.setattr("service.web.console.job_list.PAGE", 2)
    for number in random.Random(7).sample(range(21), 21):
        make_job(browser, name=f"job {number:02}")
    seen = []
    for page in range(1, 12):
        answer = browser.get(f"/jobs?sort=name&page={page}")
        seen += names_on(answer)
        assert "of 21 jobs" in words(answer)
    assert seen == [f"job {number:02}" for number in range(21)]
    sixth = browser.get("/jobs?sort=name&page=6").text
    linked = {int(number) for number in re.findall(r'href="/jobs\?sort=name&amp;page=(\d+)"', sixth)}
    assert linked == {4, 5, 6, 7, 8, 11} and 'href="/jobs?sort=name"' in sixth


def test_an_open_page_is_sent_the_parts_that_have_changed_and_no_others(browser: Browser, rig: Rig, full: str) -> None:
    """Whatever the page, none if nothing has changed; of what it does not want now, nothing; and all as in the page."""
    for path in pages(full):
        page = browser.get(path)
        if not page.headers["content-type"].startswith("text/html"):
            continue
        names = [name for _, attrs in Markup(page).tags if "data-live" in attrs and (name := attrs.get("id"))]
        whole = browser.get(path, {LIVE_PARTS: "unknown=0"})
        digests = whole.headers[LIVE_PARTS.lower()]
        assert [one.partition("=")[0] for one in digests.split()] == names, path
        assert whole.headers["cache-control"] == "no-store"
        assert [name for name, part in live_parts(whole.text) if part in page.text] == names, path
        assert whole.text.count("data-live") == len(names)
        assert browser.get(path, {LIVE_PARTS: digests}).status_code == 204, path
    run(browser, rig, full, Outcome("failed", error="another"))
    before = browser.get("/", {LIVE_PARTS: "x=x"}).headers[LIVE_PARTS.lower()]
    run(browser, rig, full, Outcome("failed", error="one more"))
    changed = browser.get("/", {LIVE_PARTS: re.sub("day=[^ ]*", "day=*", before)})
    assert 'id="failing"' in changed.text and "one more" in changed.text
    assert 'id="day"' not in changed.text and 'id="notices"' not in changed.text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/", "/jobs", "/jobs/new", "/runs", "/sign-in", "/jobs/{job}", "/jobs/{job}/edit"]),
    query=st.dictionaries(
        st.sampled_from(
            ["q", "bot", "state", "label", "sort", "order", "page", "cursor", "status", "trigger", "from", "next"]
        ),
        st.one_of(st.text(max_size=30), st.integers().map(str), st.sampled_from(["scheduled", "name", "desc", "1"])),
        max_size=4,
    ),
)
def test_no_address_makes_a_page_stumble(browser: Browser, full: str, path: str, query: dict[str, str]) -> None:
    """Whatever is asked for is answered, led on, or refused as a page."""
    asked = f"{path.format(job=full)}?{urlencode(query, errors='surrogatepass')}"
    answer = browser.get(asked)
    assert answer.status_code in (200, 303, 400, 404), answer.text
    if answer.status_code != 303:
        check(answer)


def test_a_head_is_a_get_without_its_body(browser: Browser, full: str) -> None:
    """For whoever watches whether the console is there."""
    for path in pages(full):
        answer = browser.ask("HEAD", path, {})
        assert (answer.status_code, answer.content) == (200, b""), path


def test_nonsense_in_the_address_is_told_on_a_page(browser: Browser) -> None:
    """An invalid cursor or page: 400, in words."""
    for path in ("/jobs?page=0", "/jobs?page=x", "/runs?cursor=x", "/jobs?q=a&q=b"):
        answer = browser.get(path)
        assert answer.status_code == 400, path
        check(answer)


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_job_is_told_on_a_page(browser: Browser, method: str) -> None:
    """404 with a way on; a script that asks for JSON gets JSON; what a page does not take is 405."""
    for path in ("/jobs/x", "/jobs/x/edit", "/jobs/x/yaml", "/jobs/new?from=x"):
        answer = browser.get(path)
        assert answer.status_code == 404
        check(answer)
        assert browser.get(path, {"Accept": "application/json"}).json["detail"]
    if method != "GET":
        answer = browser.send(method, "/jobs", headers={"Accept": "text/html"})
        assert answer.status_code == 405
        check(answer)


def test_a_job_that_cannot_be_read_or_planned_spoils_no_page(
    browser: Browser, redis_client: Redis, full: str, rig: Rig
) -> None:
    """Its own page says so, the others leave it out."""
    redis_client.hset(rig.keys.job(full), "schedule_config", '{"hour": "x"}')
    assert "cannot read the schedule" in words(browser.get("/jobs"))
    assert "cannot be planned" in words(browser.get(f"/jobs/{full}"))
    redis_client.hset(rig.keys.job(full), "bot_config", "{")
    for path in ("/", "/jobs", "/runs"):
        assert browser.get(path).status_code == 200
    answer = browser.get(f"/jobs/{full}")
    assert answer.status_code == 409
    check(answer)


def test_the_overview_explains_itself_when_there_is_nothing(browser: Browser) -> None:
    """An example to load, which the API takes, and a first job that it takes as it stands in the form."""
    page = browser.get("/")
    assert "Welcome" in words(page)
    (example,) = Markup(page).values("data-load-example")
    book = browser.get(example)
    loaded = browser.ask("POST", "/scheduler/contacts/import", {"Origin": ORIGIN}, body=book.content)
    assert loaded.json["created"] > 3
    assert "/jobs/new?example=birthday" in Markup(page).values("href")
    assert "Birthday greetings" in Markup(browser.get("/jobs/new?example=birthday")).values("value")
    make_job(browser)
    assert "Welcome" not in words(browser.get("/"))


def test_the_overview_tells_who_is_up_and_what_failed_first(browser: Browser, rig: Rig) -> None:
    """The acting scheduler and the stand-bys, the workers, what waits; failures before all of it."""
    said = words(browser.get("/"))
    assert "not running" in said and "none running" in said
    presence = Presence(rig.scripts)
    presence.hold_lead("first", 5000)
    presence.hold_lead("second", 5000)
    presence.beat_worker("w1")
    job_id = make_job(browser, name="It fails")
    run(browser, rig, job_id, Outcome("failed", error="because of this"))
    run(browser, rig, make_job(browser, name="Another"))
    said = words(browser.get("/"))
    assert "first is active; 1 on standby" in said and "not running" not in said
    assert "1 running" in said and "1 waiting" in said
    assert said.index("because of this") < said.index("Redis")
    assert browser.send("DELETE", f"/scheduler/jobs/{job_id}").status_code == 204
    assert "because of this" not in words(browser.get("/"))


def test_the_overview_tells_that_redis_refuses_writes(browser: Browser, redis_client: Redis) -> None:
    """It does not say that all is kept, nor that somebody is not up who cannot say so."""
    well = words(browser.get("/"))
    assert "Holds all data" in well and "bot-scheduler worker" in well
    redis_client.config_set("maxmemory", 1)
    try:
        said = words(browser.get("/"))
    finally:
        redis_client.config_set("maxmemory", 0)
    assert "out of memory" in said and "Redis refuses writes, so processes cannot report that they run" in said
    assert "Holds all data" not in said and "python" not in said


def test_the_overview_tells_of_a_key_that_can_be_guessed(redis_client: Redis, valkey_server: Any) -> None:
    """The present one and the one before, and what to do; a strong one is not told of."""
    weak = Browser(installation(valkey_server.url, api_key="k3y-f0r-u5", api_key_previous="changeme"))
    weak.sign_in("k3y-f0r-u5")
    said = words(weak.get("/"))
    assert "API_KEY is shorter than 16 characters" in said and "API_KEY_PREVIOUS is a known example" in said
    assert "token_urlsafe" in said and "changeme" not in said and "k3y" not in said
    strong = Browser(installation(valkey_server.url, api_key="k3y-f0r-u5-al1-and-more"))
    strong.sign_in("k3y-f0r-u5-al1-and-more")
    assert "API_KEY" not in words(strong.get("/"))


def test_the_overview_tells_what_has_to_be_looked_at_until_somebody_has_seen_it(browser: Browser, rig: Rig) -> None:
    """That the data went back, and that the clock stepped; the button is the API's `acknowledge`."""
    now = int(rig.client.time()[0]) * 1000
    step = {"number": 1, "by": 86_400_000, "before": now - 86_400_000, "landed": now}
    rig.client.hset(rig.keys.clock, mapping={"steps": json.dumps([step]), "serial": 1})
    rig.client.hset(rig.keys.data, mapping={"went_back_at": now, "went_back": "other", "went_back_beats": 0})
    page = browser.get("/")
    said = words(page)
    assert "Needs your attention" in said and "Welcome" not in said
    assert "is another data set" in said and "set forward by 1 d" in said
    assert said.index("set forward") < said.index("Workers")
    assert "Acknowledge" in said
    assert browser.send("POST", "/scheduler/acknowledge").status_code == 200
    said = words(browser.get("/"))
    assert "data set" not in said and "set forward" not in said
    assert "Welcome" in said


def test_a_jobs_page_shows_its_plots_errors_and_yaml(browser: Browser, rig: Rig) -> None:
    """Once there are runs; the YAML is what apply takes, and changes nothing."""
    job_id = make_job(browser, name="Plotted")
    assert "Plots appear here after the first run" in words(browser.get(f"/jobs/{job_id}"))
    run(browser, rig, job_id, Outcome("success", result={"profiles_visited": 3}))
    run(browser, rig, job_id, Outcome("failed", error="what went wrong"))
    answer = browser.get(f"/jobs/{job_id}")
    said = words(answer)
    assert "Duration of the last 2 runs" in said
    assert "3 profiles" in said
    assert said.index("what went wrong") < said.index("Definition")
    assert Markup(answer).count("svg") == 2
    yaml = browser.get(f"/jobs/{job_id}/yaml")
    assert "Plotted" in yaml.text
    applied = browser.ask(
        "POST",
        "/scheduler/apply?dry_run=true",
        {"Origin": ORIGIN, "Content-Type": "application/yaml"},
        body=yaml.content,
    )
    assert applied.json["changes"] == []
    assert browser.get("/export.yaml").text == yaml.text


def test_a_cancelled_run_is_no_failure_on_any_page(browser: Browser, rig: Rig) -> None:
    """Cancelled under way or while it waited: told with its reason, in nothing's red, and in no list of failures."""
    job_id = make_job(browser, name="Stopped")
    under_way = run(browser, rig, job_id, Outcome("cancelled", error="cancelled by request"))
    waiting = run(browser, rig, job_id)
    assert browser.send("POST", f"/scheduler/jobs/{job_id}/runs/{waiting}/cancel").status_code < 300
    runs = [f"/jobs/{job_id}/runs/{run_id}" for run_id in (under_way, waiting)]
    for path in ("/jobs", "/runs", f"/jobs/{job_id}", *runs):
        answer = browser.get(path)
        classes = {name for value in Markup(answer).values("class") for name in value.split()}
        assert not classes & {"failed", "failing", "failure", "failures", "bad"}, path
        assert "cancelled" in words(answer), path
        assert "went wrong" not in words(answer), path
        assert "Last errors" not in words(answer), path
    assert "Failures" not in words(browser.get("/"))
    assert "Stopped" not in words(browser.get("/jobs?state=failing"))
    for path in runs:
        assert "Why it was cancelled cancelled by request" in words(browser.get(path))
    lanes, _, _ = browser.get("/").text.partition('class="legend"')
    assert set(re.findall(r'class="mark (\w+)"', lanes)) == {"cancelled", "upcoming"}


def test_a_jobs_page_tells_each_error_once_with_its_count(browser: Browser, rig: Rig) -> None:
    """The newest first; that it is scheduled is no success."""
    job_id = make_job(browser, name="Failing")
    for error in ("no paper", "no paper", "no ink", "no paper"):
        run(browser, rig, job_id, Outcome("failed", error=error))
    answer = browser.get(f"/jobs/{job_id}")
    assert answer.text.count("<pre>no paper</pre>") == answer.text.count("<pre>no ink</pre>") == 1
    assert answer.text.index("<pre>no paper</pre>") < answer.text.index("<pre>no ink</pre>")
    assert words(answer).count("and 2 earlier runs of the last 100, by the same error") == 1
    assert words(answer).count("by the same error") == 1


def test_a_results_texts_do_not_look_like_its_numbers(browser: Browser, rig: Rig) -> None:
    job_id = make_job(browser, name="Told")
    run_id = run(browser, rig, job_id, Outcome("success", result={"sent": 3, "warnings": ["MESSAGE_URL is not set"]}))
    page = browser.get(f"/jobs/{job_id}/runs/{run_id}").text
    assert '<div class="text"><dt>warnings</dt><dd>MESSAGE_URL is not set</dd></div>' in page
    assert "<div><dt>sent</dt><dd>3</dd></div>" in page


def test_a_rehearsal_is_marked_and_counts_nowhere(browser: Browser, rig: Rig) -> None:
    """In the lists and on its page; a failed one is neither among the errors nor on the first page."""
    job_id = make_job(browser, name="Rehearsed")
    asked = browser.send("POST", f"/scheduler/jobs/{job_id}/run", {"bot_config": {"dry_run": True}})
    run_id = str(asked.json["run_id"])
    rig.runs.finish(run_id, rig.start(run_id), Outcome("failed", "no such address"))
    job = words(browser.get(f"/jobs/{job_id}"))
    assert "manual rehearsal" in job and "manual rehearsal" in words(browser.get("/runs"))
    assert "by a request by the root key, as a rehearsal" in words(browser.get(f"/jobs/{job_id}/runs/{run_id}"))
    assert "Last errors" not in job
    asked = browser.send("POST", f"/scheduler/jobs/{job_id}/run", {"bot_config": {"dry_run": True}})
    run_id = str(asked.json["run_id"])
    rig.runs.finish(run_id, rig.start(run_id), Outcome("success", result={"dry_run": True}))
    for address in (f"/jobs/{job_id}", "/runs", f"/jobs/{job_id}/runs/{run_id}"):
        page = browser.get(address).text
        assert 'class="status rehearsed"' in page and 'class="status success"' not in page, address
    assert "failed 1" not in words(browser.get("/"))


def test_a_jobs_page_shows_the_options_that_were_chosen(browser: Browser) -> None:
    """And not the many that stand at their defaults."""
    said = words(browser.get(f"/jobs/{make_job(browser, options={'max_retries': 3})}"))
    facts = said[said.index("Definition") : said.index("Next occurrences")]
    assert "Try again after a failure 3" in facts and "Give up after" not in facts
    assert "overlap" not in facts


def test_the_overview_counts_all_jobs_that_need_a_look_as_its_list_does(
    browser: Browser, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest failure first, and the rest behind a link that has as many."""
    monkeypatch.setattr("service.web.console.overview.TROUBLED", 2)
    make_job(browser, name="well")
    for at, name in enumerate(("first", "second", "third")):
        failing = make_job(browser, name=name)
        run(browser, rig, failing, Outcome("failed", error=f"{name} broke"))
        assert rig.client.hget(rig.keys.job(failing), "last_failed_at")
        rig.client.hset(rig.keys.job(failing), "last_failed_at", 1000 * at)
    said = words(browser.get("/"))
    told = said[said.index("3 jobs need a look") : said.index("All 3")]
    assert "third broke" in told and "second broke" in told and "first broke" not in told
    assert told.index("third") < told.index("second")
    behind = browser.get("/jobs?state=troubled&sort=last_failure")
    assert names_on(behind) == ["third", "second", "first"] and "of 3 jobs" in words(behind)


def test_a_history_goes_on_page_by_page(browser: Browser, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older runs are behind a link, newer ones behind another."""
    monkeypatch.setattr("service.web.console.job_page.LISTED", 2)
    job_id = make_job(browser)
    ids = [run(browser, rig, job_id, Outcome("success")) for _ in range(3)]
    answer = browser.get(f"/jobs/{job_id}")
    older = next(link for link in Markup(answer).values("href") if "cursor=" in link)
    assert ids[0] not in answer.text
    assert ids[0] in browser.get(older.partition("#")[0]).text


def test_files_are_asked_for_again_only_when_they_changed(browser: Browser) -> None:
    """An entity tag, and 304 for who has the file; nothing outside of the folder."""
    stranger = Browser(browser.app)
    for name in ("console.css", "console.js", "icon.svg"):
        first = stranger.get(f"/static/{name}")
        assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
        again = stranger.get(f"/static/{name}", {"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert stranger.get("/static/console.js").headers["content-type"].startswith("text/javascript")
    for name in ("nothing.js", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", ""):
        assert stranger.get(f"/static/{name}").status_code == 404


def test_no_file_names_another_host() -> None:
    """Nothing comes from elsewhere: it works offline."""
    console = Path(__file__).parents[2] / "service" / "web" / "console"
    for file in [*console.glob("static/*.*"), *console.glob("templates/*")]:
        if file.suffix != ".vcf":
            found = re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9.]+", file.read_text(encoding="utf-8"))
            assert [link for link in found if "www.w3.org" not in link] == [], file.name


def test_while_redis_is_away_each_page_says_so_and_keeps_the_cookie() -> None:
    """503 with a sentence and another try; no traceback, no address."""
    with tempfile.TemporaryDirectory() as folder:
        server = ValkeyServer(Path(folder), "--appendonly", "no")
        browser = Browser(installation(server.url))
        browser.sign_in()
        job_id = make_job(browser)
        server.kill()
    signed_in, browser = browser.token, Browser(installation(server.url))
    assert browser.sign_in().status_code == 503
    browser.token = signed_in
    for path in pages(job_id):
        answer = browser.get(path)
        assert answer.status_code == 503, path
        check(answer)
        assert "Redis is unavailable" in words(answer)
        assert str(server.port) not in answer.text
        assert "data-retry" in answer.text
        assert browser.token == signed_in


def test_a_run_whose_log_is_not_kept_any_more_says_so(browser: Browser, redis_client: Redis) -> None:
    """Not so one that has logged nothing; and the page goes on after the last line, not after so many lines."""
    rig = Rig.on(redis_client)
    job_id = make_job(browser, options={"max_concurrent_runs": 3})
    pages = []
    for lines, kept in ((0, True), (1, False), (2000, True)):
        run_id = run(browser, rig, job_id)
        token = rig.start(run_id)
        said = [json.dumps({"at": "", "level": "info", "message": str(line)}) for line in range(lines)]
        rig.runs.note(run_id, token, 1, progress=None, lines=said)
        rig.runs.finish(run_id, token, Outcome("success", None, {}))
        if not kept:
            redis_client.delete(rig.keys.run_log(run_id))
        pages.append(browser.get(f"/jobs/{job_id}/runs/{run_id}").text)
    assert ["The log is no longer kept." in page for page in pages] == [False, True, False]
    assert "The run logged nothing." in pages[0]
    assert 'data-lines="2000"' in pages[2] and "lines are left out here" in pages[2]


def test_many_jobs_at_once_says_how_many_it_means(browser: Browser) -> None:
    """All of them, or those that the filter leaves."""
    make_job(browser, name="one", labels={"team": "crm"})
    make_job(browser, name="two")
    assert "All jobs ( 2 )" in words(browser.get("/jobs"))
    assert "All that match the filter ( 1 )" in words(browser.get("/jobs?label=team:crm"))
