"""The pages about access: who sees what, and that they offer what the API does not refuse."""

from __future__ import annotations

import json
import re
from html import unescape
from itertools import product
from typing import Any

import pytest
from redis import Redis

from service.domain.access.changes import ACTIONS
from service.domain.access.scopes import SETS, Scope
from service.store.audit import reading
from service.store.keys import Keys
from service.web.console.access import audit_log, key_list, session_list
from service.web.console.access.audit_words import action_choices, action_words
from service.web.console.access.scope_words import in_words
from service.web.console.access.session_list import browser as browser_of
from service.web.refused_scopes import RefusalNotes
from tests.support.browsing import KEY, Answer, Browser, installation, words

EVERYTHING = [scope.value for scope in Scope]
LATER, LATEST = "2998-01-01T00:00:00", "2999-01-01T00:00:00"
EVIL = "</script><script>ran()</script><img src=x onerror=ran()>'\""
LONG = "w" * 200
PAGES = ("/access", "/access/sessions", "/access/audit", "/access/keys/new")


@pytest.fixture
def app(redis_client: Redis, valkey_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An installation over an empty server. It notes no refusals: that would go on in the next test, a second later."""
    monkeypatch.setattr(RefusalNotes, "note", lambda *_: None)
    return installation(valkey_server.url)


@pytest.fixture
def root(app: Any) -> Browser:
    """Somebody signed in with the root key."""
    browser = Browser(app)
    assert browser.sign_in(KEY).status_code == 303
    return browser


def make(root: Browser, name: str = "Ana", scopes: Any = ("read",), **terms: Any) -> dict[str, Any]:
    """A new key: its record, and its text."""
    answer = root.send("POST", "/scheduler/keys", {"name": name, "scopes": list(scopes), **terms})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json
    return made


def signed_in(app: Any, key: dict[str, Any], **headers: str) -> Browser:
    """Somebody signed in with a stored key."""
    browser = Browser(app, **headers)
    assert browser.sign_in(key["key"]).status_code == 303
    return browser


def main(answer: Answer) -> str:
    """The page without its frame."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


def links(answer: Answer) -> set[str]:
    """Where a page leads, without its frame."""
    return {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"]*)"', main(answer))}


def make_job(root: Browser, name: str = "Wallboard", **fields: Any) -> str:
    """A new job's id."""
    body = {
        "name": name, "bot_type": "webhook", "schedule_type": "interval", "schedule_config": {"hours": 1},
        "bot_config": {"url": "https://example.org/"}, **fields,
    }  # fmt: skip
    answer = root.send("POST", "/scheduler/jobs", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_a_key_is_listed_in_words(root: Browser) -> None:
    """What it may do, on which jobs, when it was used, until when it is valid."""
    assert "No keys yet" in words(root.get("/access"))
    make(root, "On call", SETS["operator"], labels={"team": ["crm", "ops"]}, bot_types=["webhook"], expires_at=LATER)
    make(root, "Script", ["write", "contacts"], note="the nightly one")
    said = words(root.get("/access"))
    assert "On call ✓ valid Operator: see jobs and runs, run jobs team: crm or ops bots: webhook never" in said
    assert "2998-01-01 00:00:00 UTC" in said
    assert "Script the nightly one ✓ valid Change jobs, see and change contacts all jobs never never" in said
    assert "You are signed in with the root key" in said


def test_the_state_of_a_key_is_told(app: Any, root: Browser, redis_client: Redis) -> None:
    """Its last use, two secrets while a rotation overlaps, and its end."""
    key = make(root)
    signed_in(app, key)
    said = words(root.get("/access"))
    assert re.search(r"Ana ✓ valid .* UTC from 127\.0\.0\.1 never", said)
    root.send("POST", f"/scheduler/keys/{key['id']}/rotate", {"overlap_seconds": 3600})
    assert "Ana ! two secrets" in words(root.get("/access"))
    assert "Former secret accepted until" in words(root.get(f"/access/keys/{key['id']}"))
    redis_client.hset(Keys().api_key(key["id"]), "expires_at", 1)
    assert "Ana ✗ expired" in words(root.get("/access"))


def test_keys_are_listed_page_by_page(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page leads to all others, and says how many there are."""
    monkeypatch.setattr(key_list, "PAGE", 2)
    for number in range(3):
        make(root, f"Key {number}")
    first = root.get("/access")
    assert "Key 1" in words(first) and "Key 2" not in words(first) and "1–2 of 3 keys" in words(first)
    assert {link for link in links(first) if "page=" in link} == {"/access?page=2"}
    last = root.get("/access?page=2")
    assert "Key 2" in words(last) and "Key 1" not in words(last) and "3–3 of 3 keys" in words(last)
    assert "3–3 of 3 keys" in words(root.get("/access?page=9"))


def test_two_hundred_keys_are_searched_and_narrowed(app: Any, root: Browser, redis_client: Redis) -> None:
    """By words, scope and state; the count is of what was found, and pages keep what was asked for."""
    for number in range(120):
        make(root, f"Robot {number}", ["read", "run"] if number % 2 else ["read"])
    for number in range(80):
        make(root, f"Person {number}", note="robotics" if number == 7 else None)
    old = make(root, "Old", ["run"], labels={"team": ["crm"]}, expires_at=LATER)
    redis_client.hset(Keys().api_key(old["id"]), "expires_at", 1)
    for asked, count in (
        ("", 201), ("q=robot", 121), ("q=7+ROBOT", 22), ("scope=run", 61), ("scope=run&state=valid", 60),
        ("state=expired", 1), ("q=robot&scope=run", 60), (f"q={old['id']}", 1), ("scope=all&state=odd", 201),
    ):  # fmt: skip
        page = root.get(f"/access?{asked}")
        assert f"of {count} key" in words(page), asked
        assert main(page).count("<tr data-key=") == min(count, key_list.PAGE)
    page = root.get("/access?q=robot&scope=run&state=valid")
    assert "/access?q=robot&scope=run&state=valid&page=2" in links(page)
    assert 'value="robot"' in page.text and '<option value="run" selected>' in page.text
    empty = root.get("/access?q=nobody")
    assert "No keys found" in words(empty) and "No keys yet" not in words(empty)
    lead = signed_in(app, make(root, "Lead", ["read", "admin"], labels={"team": ["crm"]}))
    assert "1–2 of 2 keys" in words(lead.get("/access")) and "No keys found" in words(lead.get("/access?q=robot"))


@pytest.mark.parametrize("scopes", [["read"], ["read", "run", "write", "contacts", "send"]])
def test_without_admin_one_sees_ones_own(app: Any, root: Browser, scopes: list[str]) -> None:
    """The key's record and its sessions: no other key, no other session, no audit log."""
    other, own = make(root, "Other"), make(root, "Own", scopes, note="about me")
    signed_in(app, other)
    browser = signed_in(app, own)
    page = browser.get("/access")
    assert "Name Own May" in words(page) and "Other" not in words(page)
    assert links(page) == {"/access", "/access/sessions"}
    sessions = browser.get("/access/sessions")
    assert main(sessions).count("data-session=") == 1 and "Sessions of other keys" not in words(sessions)
    for path in ("/access/audit", "/access/keys/new", f"/access/keys/{own['id']}"):
        assert browser.get(path).status_code == 403


def test_an_admin_sees_all_sessions_and_ones_own_apart(app: Any, root: Browser) -> None:
    """By key; with what one can tell of the browser."""
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    signed_in(app, make(root, "Kim"), **{"User-Agent": agent})
    page = main(root.get("/access/sessions"))
    own, others = page.partition('id="others"')[::2]
    assert own.count("data-session=") == 1 and "data-current" in own
    assert others.count("data-session=") == 1 and "Firefox on Linux" in others and ">Kim<" in others
    assert "data-current" not in others


def test_many_sessions_do_not_make_the_page_long(app: Any, root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one's own, those that were used last, and how many are not; of others, page by page, also of one key."""
    monkeypatch.setattr(session_list, "MOST_SHOWN", 2)
    for _ in range(4):
        Browser(app).sign_in(KEY)
    page = root.get("/access/sessions")
    assert main(page).count("data-session=") == 2 and "5 sessions" in words(page)
    assert "3 older ones not shown" in words(page) and "End all but this one (4)" in words(page)
    ana, kim = make(root, "Ana"), make(root, "Kim")
    for key, times in ((ana, 3), (kim, 1)):
        for _ in range(times):
            signed_in(app, key)
    page = root.get("/access/sessions")
    assert "1–2 of 4 sessions" in words(page) and "Ana (3)" in words(page) and "Kim (1)" in words(page)
    assert "/access/sessions?page=2" in links(page) and "End all but mine (8)" in words(page)
    page = root.get(f"/access/sessions?key={ana['id']}&page=2")
    assert "3–3 of 3 sessions" in words(page) and "End all of “Ana” (3)" in words(page)
    assert "1–2 of 4 sessions" in words(root.get("/access/sessions?key=unknown"))


def test_what_a_button_says_it_ends_is_what_ends(app: Any, root: Browser) -> None:
    """All of a key; all but mine: the number on the button is that of the answer, and of the list."""
    ana = make(root, "Ana")
    for _ in range(3):
        signed_in(app, ana)
        Browser(app).sign_in(KEY)

    def buttons(path: str) -> dict[str, Any]:
        found = re.findall(r'data-body="([^"]*)"[^>]*>([^<]*)<', main(root.get(path)))
        return {unescape(said): json.loads(unescape(body)) for body, said in found}

    def end(path: str, said: str) -> int:
        answer = root.send("POST", "/scheduler/sessions/end", buttons(path)[said])
        assert answer.status_code == 200, answer.text
        return int(answer.json["ended"])

    assert end(f"/access/sessions?key={ana['id']}", "End all of “Ana” (3)") == 3
    signed_in(app, ana)
    assert end("/access/sessions", "End all but this one (3)") == 3
    assert end("/access/sessions", "End all but mine (1)") == 1
    assert main(root.get("/access/sessions")).count("data-session=") == 1
    assert end("/access/sessions", "Sign out everywhere") == 1
    assert root.get("/access/sessions").status_code == 303


def test_no_link_leads_to_a_refusal(app: Any, root: Browser) -> None:
    """On every page that a key of some kind may open; no other session, no other job, and no stronger key."""
    team = {"team": ["crm"]}
    kinds: list[dict[str, Any]] = [
        {"scopes": ["read"]}, {"scopes": EVERYTHING}, {"scopes": ["read", "admin"]}, {"scopes": ["read", "run"]},
        {"scopes": EVERYTHING, "labels": team}, {"scopes": EVERYTHING, "expires_at": LATER},
        {"scopes": ["read", "admin"], "labels": team, "bot_types": ["webhook"], "expires_at": LATER},
    ]  # fmt: skip
    keys = [make(root, f"Key {number}", **terms) for number, terms in enumerate(kinds)]
    make_job(root, labels={"team": "crm"})
    asked = 0
    for key in keys:
        browser = signed_in(app, key)
        seen: set[str] = set()
        todo = {"/access"}
        while todo - seen:
            path = (todo - seen).pop()
            seen.add(path)
            answer = browser.get(path)
            assert answer.status_code == 200, (path, key["scopes"])
            if path.startswith("/access"):
                todo |= links(answer)
        asked += len(seen)
        assert ("/access/audit" in seen) == ("admin" in key["scopes"] and not key["labels"])
    assert asked > 30


def test_what_a_key_offers_is_what_the_api_takes(app: Any, root: Browser) -> None:
    """For each key with `admin` and each other: to change, to rotate and to revoke are offered where they work."""
    kinds: list[dict[str, Any]] = [
        {"scopes": EVERYTHING}, {"scopes": ["read", "admin"]}, {"scopes": ["read", "admin"], "expires_at": LATER},
        {"scopes": EVERYTHING, "expires_at": LATEST}, {"scopes": ["read", "admin"], "bot_types": ["webhook"]},
    ]  # fmt: skip
    askers = [make(root, f"Asker {number}", **terms) for number, terms in enumerate(kinds)]
    offered = set()
    for asker, terms in product(askers, kinds):
        browser = signed_in(app, asker)
        other = make(root, "Other", **terms)
        page, path = browser.get(f"/access/keys/{other['id']}"), f"/scheduler/keys/{other['id']}"
        if page.status_code == 404:  # beyond its limits
            assert browser.send("DELETE", path).status_code in (403, 404)
            continue
        offers = tuple(f'id="{name}"' in page.text for name in ("key-form", "rotate", "revoke"))
        own_end = {"expires_at": asker["expires_at"]} if asker["expires_at"] else {}
        rotated = browser.send("POST", f"{path}/rotate", {}).status_code == 200
        changed = browser.send("PUT", path, {"note": "changed", **own_end}).status_code == 200
        revoked = browser.send("DELETE", path).status_code == 204
        assert offers == (changed, rotated, revoked), (asker["name"], terms)
        offered.add(offers)
    assert offered == {(True, True, True), (True, False, True), (False, False, False)}


def test_the_form_offers_what_the_reader_has(app: Any, root: Browser) -> None:
    """No scope, no set and no bot beyond; one's own limits and one's own end are filled in, and taken."""
    whole = root.get("/access/keys/new").text
    assert [name for name in SETS if f'value="{name}" data-scopes=' in whole] == list(SETS)
    terms: dict[str, Any] = {"labels": {"team": ["crm", "ops"]}, "bot_types": ["webhook"], "expires_at": LATER}
    browser = signed_in(app, make(root, scopes=["read", "run", "admin"], **terms))
    form = browser.get("/access/keys/new").text
    assert re.findall(r'name="scope" value="(\w+)"', form) == ["read", "run", "admin"]
    assert re.findall(r'name="set" value="(\w*)"', form) == ["viewer", "operator", ""]
    assert re.findall(r'name="bot" value="(\w+)"[^>]* checked', form) == ["webhook"]
    assert ">team:crm\nteam:ops<" in form and f'value="{LATER}"' in form and "data-days" not in form
    made = browser.send("POST", "/scheduler/keys", {"name": "Less", "scopes": ["read"], **terms})
    assert made.status_code == 201


def test_the_log_tells_each_change_with_old_and_new(root: Browser) -> None:
    """Of a job and of a key, by their names; what is gone has the name that it had."""
    job_id = make_job(root)
    root.send("PUT", f"/scheduler/jobs/{job_id}", {"name": "Board"}, {"X-Change-Note": "shorter"})
    key = make(root, "Old name")
    root.send("PUT", f"/scheduler/keys/{key['id']}", {"name": "New name"})
    page = root.get("/access/audit")
    said = words(page)
    assert "Job changed Board “shorter” name from Wallboard → to Board" in said
    assert "Key changed New name name from Old name → to New name" in said
    assert {f"/jobs/{job_id}", f"/access/keys/{key['id']}"} <= links(page)
    root.send("DELETE", f"/scheduler/keys/{key['id']}")
    page = root.get("/access/audit?action=key.revoke")
    assert "Key revoked New name" in words(page) and f"/access/keys/{key['id']}" not in links(page)


def test_fields_are_read_as_people_write_them(root: Browser) -> None:
    """Lists of words without brackets; what was not there is a dash; what must not be told is said to have changed."""
    key = make(root, "Kim", ["read", "run"])
    root.send("PUT", f"/scheduler/keys/{key['id']}", {"scopes": ["read"], "labels": {"team": ["crm"]}})
    said = words(root.get("/access/audit?action=key.update"))
    assert "scopes from read, run → to read" in said and 'labels from – → to {"team": ["crm"]}' in said
    contact = root.send("POST", "/scheduler/contacts", {"name": "Ada Lovelace"}).json["id"]
    root.send("PUT", f"/scheduler/contacts/{contact}", {"name": "Augusta"})
    said = words(root.get("/access/audit?action=contact"))
    assert f"Contact changed {contact}" in said and "Ada" not in said and "Augusta" not in said


def entries(answer: Answer) -> int:
    assert answer.status_code == 200, answer.text
    return main(answer).count("data-entry=")


def test_the_log_is_filtered(app: Any, root: Browser) -> None:
    """By who, what, which job, and days, both included; the form shows what was asked."""
    job_id, other_id = make_job(root), make_job(root, "Other")
    key = make(root, "Ana", ["read", "write"])
    ana = signed_in(app, key)
    ana.send("POST", f"/scheduler/jobs/{job_id}/toggle", {"enabled": False})
    assert ana.send("GET", "/scheduler/keys").status_code in (401, 403)
    assert entries(root.get(f"/access/audit?actor={key['id']}")) == 2  # signed in, disabled
    assert entries(root.get("/access/audit?action=job.create")) == 2
    assert entries(root.get("/access/audit?action=job")) == 3
    assert entries(root.get(f"/access/audit?job_id={other_id}")) == 1
    assert entries(root.get(f"/access/audit?actor={key['id']}&job_id={job_id}&action=job.disable")) == 1
    assert entries(root.get("/access/audit?until=2001-01-01")) == 0
    assert entries(root.get("/access/audit?since=2999-01-01")) == 0
    assert entries(root.get("/access/audit?since=2001-01-01&until=2998-01-01")) == entries(root.get("/access/audit"))
    form = root.get(f"/access/audit?actor={key['id']}&action=job&since=2001-01-01").text
    assert f'value="{key["id"]}" list="actors"' in form and '<option value="job" selected>' in form
    assert "No entries found" in words(root.get("/access/audit?actor=nobody"))


def test_days_are_whole_and_in_utc() -> None:
    """The last one is included; in the reader's zone, if the page's script has told it, also where clocks change."""
    asked = dict.fromkeys(audit_log.FILTERS, "") | {"since": "2026-03-29", "until": "2026-03-29"}
    found = audit_log.filters_of(asked)
    assert (found["since"], found["until"]) == ("2026-03-29T00:00:00", "2026-03-30T00:00:00")
    found = audit_log.filters_of(asked | {"zone": "Europe/Vienna"})
    assert (found["since"], found["until"]) == ("2026-03-28T23:00:00", "2026-03-29T22:00:00")


def test_a_job_is_meant_by_its_id_or_its_name(root: Browser) -> None:
    """In any case, or by a part of it; also a deleted one. Of several, one chooses; of none, the page says so."""
    ids = {name: make_job(root, name) for name in ("Wallboard", "wallboard 2", "Greet", "Greet")}
    board, other = ids["Wallboard"], ids["wallboard 2"]
    assert root.send("DELETE", f"/scheduler/jobs/{other}").status_code == 204
    for asked, count in ((board, 1), ("WALLBOARD", 1), ("board+2", 2), ("allboard+2", 2), ("%20Wallboard%20", 1)):
        page = root.get(f"/access/audit?job_id={asked}")
        assert entries(page) == count, asked
    several = root.get("/access/audit?job_id=greet&action=job")
    assert "Several jobs are called like that" in words(several) and entries(several) == 0
    (first, _) = [link for link in links(several) if "job_id=" in link]
    assert "action=job" in first and entries(root.get(first)) == 1
    for nobody in ("nobody", "x" * 3000, "%F0%9F%98%80", "'%3Cb%3E"):
        none = root.get(f"/access/audit?job_id={nobody}")
        assert none.status_code == 200 and "No job is called" in words(none) and entries(none) == 0


def test_older_never_leads_to_an_empty_page(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither after a full last page, nor where the search gives up before it has found something."""
    key = make(root, "Key 0")
    make(root, "Key 1")
    monkeypatch.setattr(audit_log, "PAGE", 2)
    page = root.get("/access/audit?action=key.create")
    assert entries(page) == 2 and "Older" not in words(page)
    monkeypatch.setattr(reading, "SCAN_PAGE", 1)
    monkeypatch.setattr(reading, "SCAN_PAGES", 2)
    for number in range(5):
        assert root.send("PUT", f"/scheduler/keys/{key['id']}", {"note": str(number)}).status_code == 200
    address: str | None = "/access/audit?action=key.create"
    seen = 0
    said: list[str] = []
    while address is not None:
        page = root.get(address)
        assert entries(page) or "Older" not in said[-1:]
        seen += entries(page)
        further = re.findall(r'href="([^"]*cursor=[^"]*)">(Older|Search further back)<', main(page))
        address = unescape(further[0][0]) if further else None
        said += [further[0][1]] if further else []
    assert seen == 2 and said and "Search further back" in said


@pytest.mark.parametrize(
    "asked",
    ["since=soon", "until=2026-02-30", "until=9999-12-31", "cursor=x", "actor=a&actor=b", "since=2026-02-02&zone=Mars"],
)
def test_strange_addresses_of_the_log_are_answered_in_words(root: Browser, asked: str) -> None:
    """A page of the console, and no error behind it."""
    answer = root.get(f"/access/audit?{asked}")
    assert answer.status_code == 400 and "Access" in words(answer)


def test_the_log_is_shown_page_by_page(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry is on one of the pages that lead to each other, under the same filter."""
    for number in range(5):
        make(root, f"Key {number}")
    monkeypatch.setattr(audit_log, "PAGE", 2)
    seen: list[str] = []
    address: str | None = "/access/audit?action=key.create"
    while address is not None:
        page = root.get(address)
        seen += re.findall(r">Key (\d)</a>", main(page))
        older = [link for link in links(page) if "cursor=" in link]
        assert all("action=key.create" in link for link in older)
        address = older[0] if older else None
    assert seen == ["4", "3", "2", "1", "0"]


def test_hostile_names_are_text(app: Any, root: Browser) -> None:
    """Of keys, notes, jobs and browsers, wherever they are shown."""
    key = make(root, EVIL, note=EVIL, labels={LONG[:63]: [LONG[:63]]})
    make(root, LONG, ["read"], note=LONG)
    make_job(root, EVIL)
    signed_in(app, key, **{"User-Agent": EVIL})
    for path in (*PAGES, f"/access/keys/{key['id']}"):
        page = root.get(path)
        assert page.status_code == 200
        assert "<script>ran()" not in page.text and "<img src=x" not in page.text, path
    assert EVIL in words(root.get("/access")) or "&lt;script&gt;" in root.get("/access").text


def test_a_key_leads_to_what_was_done_with_it(app: Any, root: Browser) -> None:
    """For those who may see the audit log: with limits, a key may not."""
    ana = make(root, "Ana", ["read", "write"], labels={"team": ["crm"]})
    chief = make(root, "Chief", ["read", "admin"], labels={"team": ["crm"]})
    assert "without limits, all sessions and the audit log, too" in words(signed_in(app, chief).get("/access/keys/new"))
    viewer = make(root, "Vera", labels={"team": ["crm"]})
    signed_in(app, ana)
    log = f"/access/audit?actor={ana['id']}"
    assert log in links(root.get(f"/access/keys/{ana['id']}"))
    assert "Session begun" in words(root.get(log))
    of_chief = signed_in(app, chief).get(f"/access/keys/{viewer['id']}")
    assert of_chief.status_code == 200 and not any("/access/audit" in link for link in links(of_chief))


def test_a_session_is_not_used_before_it_begins(root: Browser) -> None:
    """Its use is kept to the minute, its beginning to the second."""
    (session,) = root.send("GET", "/scheduler/sessions").json
    assert session["last_used_at"] >= session["created_at"]


def test_every_action_and_every_set_has_words() -> None:
    """So that nobody reads an identifier."""
    offered = {action: said for _, group in action_choices() for action, said in group}
    assert offered["job.update"] == action_words("job.update") == "Job changed"
    assert offered["contacts.import"] == "Address book imported"
    assert all("." not in said for said in offered.values())
    assert offered["refused.key"] == "Wrong keys from an address" and action_words("refused.key") == "Wrong keys sent"
    assert [action for action in ACTIONS if action_words(action) == action or action not in offered] == []
    assert action_words("planet.create") == "planet.create"
    assert in_words(["read"]) == "Viewer: see jobs and runs"
    assert in_words(EVERYTHING) == "Admin: everything"


@pytest.mark.parametrize(
    "agent, name",
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) CriOS/140.0 Mobile Safari/604.1", "Chrome on iPad"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "an unknown browser"),
    ],
)
def test_browsers_are_named(agent: str, name: str) -> None:
    """By their user agent, which says a lot more."""
    assert browser_of(agent) == name


def test_a_heartbeat_jobs_page_makes_an_address_and_offers_no_run(app: Any, root: Browser) -> None:
    """To those who may make keys; the key that it asks for can be made by its reader, limited or not."""
    job = {
        "name": f"Backup {EVIL}"[:90], "bot_type": "heartbeat", "schedule_type": "daily", "labels": {"team": "crm"},
        "schedule_config": {"hour": 2, "minute": 30, "timezone": "Europe/Vienna"},
    }  # fmt: skip
    job_id = root.send("POST", "/scheduler/jobs", job).json["id"]
    limited = make(root, "limited", EVERYTHING, labels={"team": ["crm"]})
    for browser in (root, signed_in(app, limited)):
        page = browser.get(f"/jobs/{job_id}")
        assert "Next ping due" in page.text and "Run now" not in main(page) and "run-later" not in page.text
        assert f"/jobs/{job_id}/occurrences" not in links(page) and f"/jobs/{job_id}/backfills" not in links(page)
        asked = unescape(re.findall(r'id="make-ping"[^>]* data-key="([^"]*)"', page.text)[0])
        made = browser.send("POST", "/scheduler/keys", json.loads(asked))
        assert made.status_code == 201, made.text
        assert Browser(app).get("/ping/" + made.json["ping"].rpartition("/")[2]).status_code == 200
        form = browser.get("/access/keys/new").text
        choice = form.partition('id="job_id"')[2].partition("</select>")[0]
        assert re.findall(r'<option value="([^"]+)">', choice) == [job_id]
    assert "make-ping" not in signed_in(app, make(root, "viewer")).get(f"/jobs/{job_id}").text
    assert ">a ping</dd>" in root.get(f"/jobs/{job_id}/runs/{made_run(root, job_id)}").text


def test_a_jobs_page_makes_the_address_of_its_badge(app: Any, root: Browser) -> None:
    """To those who may give the scope; the key that it asks for is bound to this job, and within its maker's limits."""
    job = {
        "name": f"Shop {EVIL}"[:90], "bot_type": "visitor", "schedule_type": "daily", "labels": {"team": "crm"},
        "schedule_config": {"hour": 2, "minute": 30},
    }  # fmt: skip
    job_id = root.send("POST", "/scheduler/jobs", job).json["id"]
    limited = make(root, "limited", EVERYTHING, labels={"team": ["crm"]})
    for browser in (root, signed_in(app, limited)):
        asked = json.loads(
            unescape(re.findall(r'id="make-badge"[^>]* data-key="([^"]*)"', browser.get(f"/jobs/{job_id}").text)[0])
        )
        assert (asked["scopes"], asked["job_id"]) == (["badge"], job_id)
        made = browser.send("POST", "/scheduler/keys", asked)
        assert made.status_code == 201, made.text
        assert Browser(app).get("/badge/" + made.json["badge"].rpartition("/")[2]).status_code == 200
        assert "Badge of" in root.get(f"/access/keys/{made.json['id']}").text
    for reader in (make(root, "viewer"), make(root, "lesser", [s for s in EVERYTHING if s != "badge"])):
        assert "make-badge" not in signed_in(app, reader).get(f"/jobs/{job_id}").text


def made_run(browser: Browser, job_id: str) -> str:
    """The newest run of a job."""
    return str(browser.send("GET", f"/scheduler/jobs/{job_id}/history").json[0]["id"])
