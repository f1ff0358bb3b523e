"""What pages offer is exactly what the guard lets their readers do: every page × every kind of reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from redis import Redis

from service.domain.access.callers import Caller
from service.domain.access.limits import Limits
from service.domain.access.scopes import ALL, Scope
from service.domain.run_records import Outcome
from service.errors import Forbidden
from service.store.keys import Keys
from service.web.api.app import App
from service.web.console.assets import FOLDER
from service.web.console.page import TEMPLATES
from service.web.http.access import access_of
from tests.support.browsing import Browser, installation, words
from tests.support.store_rig import Rig

TEAM = {"team": "crm"}
READERS: Mapping[str, Mapping[str, Any]] = {
    "viewer": {"scopes": ["read"]},
    "operator": {"scopes": ["read", "run"]},
    "editor": {"scopes": ["read", "run", "write"]},
    "writer": {"scopes": ["read", "write"]},
    "people": {"scopes": ["read", "contacts"]},
    "admin": {"scopes": [scope.value for scope in Scope]},
    "team viewer": {"scopes": ["read"], "labels": {"team": ["crm"]}},
    "team editor": {"scopes": ["read", "run", "write"], "labels": {"team": ["crm"]}},
    "team admin": {"scopes": [scope.value for scope in Scope], "labels": {"team": ["crm"]}},
}
"""Who looks, and the terms of their keys."""
DAILY = {"schedule_type": "daily", "schedule_config": {"hour": 8, "minute": 0}}
WEBHOOK = {"bot_type": "webhook", "bot_config": {"url": "http://x.example"}, **DAILY}
OTHERS = {"/rq/", "/docs", "/sign-out"}
"""Addresses that lead out of the console's pages."""
LOCAL = {"stop", "find", "keys", "with-other-settings"}
"""The ids of buttons that ask nothing of the service."""

TOLD = re.compile(r"<code>(GET|POST|PUT|DELETE) (/[^<\s]*)</code>")
"""A sentence of a page that tells its reader to use a route."""


class Offered(HTMLParser):
    """Collects what a page lets its reader do.

    Args:
        text: the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.operations: set[tuple[str, str]] = set()
        """Pairs of a method and an address."""
        self.loose: list[Mapping[str, str | None]] = []
        """Buttons of which nobody can tell what they ask for."""
        self._forms: list[Mapping[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a":
            self._add("GET", found.get("href"))
        if tag == "form":
            self._forms.append(found)
            if found.get("action"):
                self._add((found.get("method") or "get").upper(), found["action"])
        if found.get("data-request"):
            method, _, address = str(found["data-request"]).partition(" ")
            self._add(method, address)
        self._add("GET", found.get("data-events"))
        if tag == "button" and not self._is_known(found):
            self.loose.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._forms.pop()

    def _add(self, method: str, address: str | None) -> None:
        if address and address.startswith("/"):
            self.operations.add((method, re.split("[?#]", address)[0]))

    def _is_known(self, button: Mapping[str, str | None]) -> bool:
        """Whether a button, or the form that it submits, has its request where this parser sees it, or asks nothing."""
        form = self._forms[-1] if self._forms else {}
        asks = {"data-request", "action"} & form.keys() or form.get("method") == "dialog"
        local = "data-copy" in button or button.get("id") in LOCAL
        return bool("data-request" in button or asks or local)


@dataclass
class World:
    """An installation, and the ids of what is in it.

    Args:
        app: the application.
        ids: parameter of a route -> the ids to open its pages with.
    """

    app: App
    ids: dict[str, str] = field(default_factory=dict)

    def pages(self) -> Iterator[str]:
        """The address of every page that needs a session."""
        for route, resource in self.app.resources.items():
            if access_of(resource).is_private_page and hasattr(resource, "render"):
                if self.ids or "{" not in route:
                    yield route.format(**self.ids)  # a page with another parameter needs an id for it here

    def route_of(self, address: str) -> str:
        """The route that answers an address."""
        found = self.app._router.find(address)
        assert found is not None, address
        return str(found[3])

    def lets(self, who: Caller, method: str, route: str) -> bool:
        """Whether the guard lets somebody through."""
        try:
            access_of(self.app.resources[route]).require(who, method)
        except Forbidden:
            return False
        return True

    def offered_to(self, browser: Browser, who: Caller) -> set[tuple[str, str]]:
        """Opens every page that somebody may open. Returns the offered operations by their routes."""
        found: set[tuple[str, str]] = set()
        for page in self.pages():
            if not self.lets(who, "GET", self.route_of(page)):
                continue  # tests/api/test_access_crossing.py asks for those
            answer = browser.get(page)
            assert answer.status_code == 200, page
            offered = Offered(answer.text)
            assert offered.loose == [], f"{page}: give the button data-request, such as “POST /scheduler/jobs”"
            for method, address in TOLD.findall(answer.text):
                assert self.lets(who, method, self.route_of(address)), f"{page} tells of {method} {address}"
            for method, address in offered.operations - {("GET", page)}:
                route = self.route_of(address.rstrip("/") or "/")
                assert self.lets(who, method, route), f"{page} offers {method} {address}, which would answer 403"
                if method == "GET" and not address.endswith("/events") and address not in OTHERS:
                    assert browser.get(address).status_code == 200, f"{page} leads to {address}"
                found.add((method, route))
        return found


@pytest.fixture
def app(redis_client: Redis, valkey_server: Any) -> App:
    """An installation on an empty server."""
    return installation(valkey_server.url)


@pytest.fixture
def root(app: App) -> Browser:
    """Signed in with the root key."""
    browser = Browser(app)
    answer = browser.sign_in()
    assert answer.status_code == 303, answer.text
    return browser


@pytest.fixture
def empty(root: Browser) -> World:
    """Nothing is there, and nothing to acknowledge."""
    assert root.send("POST", "/scheduler/acknowledge").status_code == 200
    return World(root.app)


@pytest.fixture
def full(root: Browser, redis_client: Redis) -> World:
    """Jobs of a team and of others, with runs of each kind, people, changed and deleted jobs; a calendar; a notice."""
    rig = Rig.on(redis_client)
    redis_client.hset(Keys().data, mapping={"went_back_at": 1, "went_back": "other", "went_back_beats": 0})
    ours, deleted = (_make(root, name, labels=TEAM) for name in ("ours", "deleted"))
    for name in ("theirs", "their deleted"):
        _make(root, name)
    assert (
        root.send("PUT", f"/scheduler/jobs/{ours}", {**WEBHOOK, "name": "changed", "labels": TEAM}).status_code == 200
    )
    assert root.send("DELETE", f"/scheduler/jobs/{deleted}").status_code == 204
    people = _make(root, "people", bot_type="birthday", bot_config={}, labels=TEAM)
    for job in (ours, people):
        outcomes = (
            Outcome("failed", error="no"),
            Outcome("success", result={"greeted": [{"contact_id": "1", "name": "A"}]}),
        )
        for outcome in outcomes:
            run = str(root.send("POST", f"/scheduler/jobs/{job}/run").json["run_id"])
            assert rig.runs.finish(run, rig.start(run), outcome)
    open_run = str(root.send("POST", f"/scheduler/jobs/{ours}/run").json["run_id"])
    names = {"Bram Brandt": "a@x.example", "Brandt, Bram": "b@x.example"}
    twins = [{"name": name, "emails": [email], "birthday": "1990-04-12"} for name, email in names.items()]
    contacts = [root.send("POST", "/scheduler/contacts", twin) for twin in twins]
    ids = {"job_id": ours, "run_id": open_run, "contact_id": str(contacts[0].json["id"]), "revision": "1"}
    key = root.send("POST", "/scheduler/keys", {"name": "ours", "scopes": ["read"], "labels": {"team": ["crm"]}})
    ids["key_id"] = str(key.json["id"])
    pause = {"scope": {"job_id": ours}, "reason": "a test"}
    ids["pause_id"] = str(root.send("POST", "/scheduler/pauses", pause).json["id"])
    ids["name"] = str(root.send("POST", "/scheduler/calendars", {"name": "office"}).json["name"])
    root.send("POST", "/scheduler/channels", {"name": "office", "url": "env:BOT_SECRET_A"})
    root.send("POST", "/scheduler/channels", {"name": "spare", "url": "env:BOT_SECRET_A"})
    ids["rule_id"] = str(root.send("POST", "/scheduler/rules", {"channel": "office", "on": ["failed"]}).json["id"])
    ids["snooze_id"] = "00000000-0000-4000-8000-000000000006"
    span = {"since": "2025-03-01T00:00:00", "until": "2025-03-02T00:00:00", "only": "all"}
    filled = root.send("POST", f"/scheduler/jobs/{ours}/backfill", span)
    assert filled.status_code == 202
    ids["backfill_id"] = str(filled.json["backfill_id"])
    return World(root.app, ids)


def _make(browser: Browser, name: str, **fields: Any) -> str:
    answer = browser.send("POST", "/scheduler/jobs", {**WEBHOOK, "name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def sign_in(root: Browser, terms: Mapping[str, Any]) -> tuple[Browser, Caller]:
    """Makes a key of these terms and signs in with it."""
    made = root.send("POST", "/scheduler/keys", {"name": "a reader", **terms})
    assert made.status_code == 201, made.text
    browser = Browser(root.app)
    assert browser.sign_in(made.json["key"]).status_code == 303
    limits = Limits(labels={name: frozenset(values) for name, values in terms.get("labels", {}).items()})
    return browser, Caller(made.json["id"], "a reader", frozenset(map(Scope, terms["scopes"])), limits)


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("state", ["empty", "full"])
def test_a_page_offers_what_its_reader_may_do_and_nothing_else(
    request: pytest.FixtureRequest, root: Browser, state: str, who: str
) -> None:
    """Of all that the root key is offered; a new link, form or button is crossed with every reader from then on."""
    world: World = request.getfixturevalue(state)
    browser, reader = sign_in(root, READERS[who])
    everything = world.offered_to(root, Caller("root", "root", ALL))
    possible = {(method, route) for method, route in everything if world.lets(reader, method, route)}
    assert len(everything) > 10 and ("GET", "/jobs") in possible
    assert world.offered_to(browser, reader) == possible - only_behind_closed_doors(world, root, reader)


def only_behind_closed_doors(world: World, root: Browser, reader: Caller) -> set[tuple[str, str]]:
    """What root is offered on pages alone that the reader cannot open, and may not miss elsewhere."""
    behind: set[tuple[str, str]] = set()
    before: set[tuple[str, str]] = set()
    for page in world.pages():
        operations = Offered(root.get(page).text).operations
        found = {(method, world.route_of(address.rstrip("/") or "/")) for method, address in operations}
        if world.lets(reader, "GET", world.route_of(page)):
            before |= found
        else:
            behind |= found
    return behind - before


def test_a_button_is_seen_by_this_test(full: World, root: Browser) -> None:
    """The requests of every kind of button are among what root is offered."""
    found = full.offered_to(root, Caller("root", "root", ALL))
    assert found >= {
        ("POST", "/scheduler/jobs"), ("PUT", "/scheduler/jobs/{job_id}"), ("DELETE", "/scheduler/jobs/{job_id}"),
        ("POST", "/scheduler/jobs/{job_id}/run"), ("POST", "/scheduler/jobs/{job_id}/toggle"),
        ("POST", "/scheduler/jobs/{job_id}/runs/{run_id}/cancel"), ("POST", "/scheduler/contacts/import"),
        ("PUT", "/scheduler/contacts/{contact_id}"), ("DELETE", "/scheduler/contacts/{contact_id}"),
        ("POST", "/scheduler/contacts/{contact_id}/merge"), ("POST", "/sign-out"), ("GET", "/rq"),
        ("GET", "/jobs/{job_id}/runs/{run_id}/events"), ("POST", "/scheduler/keys"),
        ("PUT", "/scheduler/keys/{key_id}"), ("DELETE", "/scheduler/keys/{key_id}"),
        ("POST", "/scheduler/keys/{key_id}/rotate"), ("DELETE", "/scheduler/sessions/{session_id}"),
        ("POST", "/scheduler/sessions/end"),
        ("POST", "/scheduler/calendars"), ("PUT", "/scheduler/calendars/{name}"),
        ("DELETE", "/scheduler/calendars/{name}"), ("POST", "/scheduler/calendars/{name}/ics"),
        ("POST", "/scheduler/pauses"), ("DELETE", "/scheduler/pauses/{pause_id}"),
        ("POST", "/scheduler/channels"), ("POST", "/scheduler/channels/{name}/test"),
        ("DELETE", "/scheduler/channels/{name}"), ("POST", "/scheduler/rules"),
        ("DELETE", "/scheduler/rules/{rule_id}"),
    }  # fmt: skip
    assert ("POST", "/scheduler/apply") in TOLD.findall(root.get(f"/jobs/{full.ids['job_id']}").text)
    assert Offered("<button id='x'>?</button>").loose and Offered("<form><button>?</button></form>").loose


def test_scripts_know_no_addresses_of_the_api() -> None:
    """They take them from data-request, so that a page without a button is without its request."""
    for script in sorted(FOLDER.glob("*.js")):
        code = re.sub(r"^\s*//.*$", "", script.read_text(), flags=re.MULTILINE)
        found = re.findall(r"""["'`]/scheduler/[^"'`]*""", code)
        assert found == [], f"{script.name}: put the address into the page, as data-request, behind `may`"


def test_templates_ask_about_operations_that_there_are(app: App) -> None:
    """A mistyped one would hide its button from everybody."""
    asked = set()
    for name in TEMPLATES.list_templates():
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name)  # type: ignore[union-attr]
        asked |= set(re.findall(r'\bmay\("([A-Z]+) ([^"\s]+)"\)', source))
    assert len(asked) > 10
    for method, route in asked:
        resource = app.resources[route]
        assert hasattr(resource, f"on_{method.lower()}") or hasattr(resource, "on_request"), (method, route)


def test_a_weak_root_key_is_told_to_administrators_alone(redis_client: Redis, valkey_server: Any) -> None:
    """Others would learn that it can be guessed."""
    root = Browser(installation(valkey_server.url, api_key="k3y-f0r-u5"))
    assert root.sign_in("k3y-f0r-u5").status_code == 303
    assert "API_KEY is shorter" in words(root.get("/"))
    for who, told in {"viewer": False, "editor": False, "admin": True}.items():
        assert ("API_KEY" in words(sign_in(root, READERS[who])[0].get("/"))) == told, who
