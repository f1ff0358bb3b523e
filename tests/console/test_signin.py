"""Signing in to the console: who may, for how long, and from where."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis

from service.store.keys import Keys
from service.store.scripts import SESSION_IDLE_SECONDS, SESSION_LONGEST_SECONDS
from service.web.api.app import App
from service.web.console.page import Page
from service.web.console.sign_in import own_path
from service.web.http.access import access_of
from service.web.http.sessions import COOKIE, LIFETIME_SECONDS, SECURE_COOKIE
from tests.support.browsing import HOST, KEY, ORIGIN, Answer, Browser, installation, words
from tests.support.world import token_of


@pytest.fixture
def url(redis_client: Redis, valkey_server: Any) -> str:
    """An empty server."""
    return str(valkey_server.url)


@pytest.fixture
def app(url: str) -> App:
    return installation(url)


@pytest.fixture
def browser(app: App) -> Browser:
    return Browser(app)


def again(browser: Browser, url: str) -> Browser:
    """The same browser at another process, which has looked nothing up lately."""
    other = Browser(installation(url))
    other.token = browser.token
    return other


def set_cookie(answer: Answer) -> str:
    """The one header that sets the cookie."""
    (found,) = [value for name, value in answer.headers.items() if name.lower() == "set-cookie"]
    return str(found)


def test_a_page_leads_to_the_form_the_form_to_the_page_and_signing_out_back(browser: Browser) -> None:
    """A stranger is asked for the key first and then gets what was asked for; signed out, it is as before."""
    asked = browser.get("/?q=a%26b")
    assert asked.status_code == 303
    form = browser.get(asked.headers["location"])
    assert "API key" in words(form)
    assert 'action="/sign-in?next=/%3Fq%3Da%2526b"' in form.text
    answer = browser.post("/sign-in?next=/%3Fq%3Da%2526b", {"key": KEY})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?q=a%26b")
    assert browser.get("/").status_code == 200
    assert browser.get("/sign-in?next=/jobs").headers["location"] == "/jobs"
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert browser.token is None
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize("key", ["", "wrong", "the key", KEY.upper(), "\udcff", "x" * 1000])
def test_a_wrong_key_is_told_and_opens_nothing(browser: Browser, key: str) -> None:
    """The form says so and keeps where one wanted to go; there is no cookie."""
    answer = browser.post("/sign-in", {"key": key.encode("utf-8", "surrogateescape"), "next": "/jobs"})  # type: ignore[dict-item]
    assert answer.status_code == 403
    assert "Wrong key" in words(answer)
    assert 'action="/sign-in?next=/jobs"' in answer.text
    assert COOKIE not in answer.cookies


def test_a_form_beyond_measure_is_refused_as_a_page(browser: Browser) -> None:
    """A KiB is more than a key needs, and than anybody needs to sign out."""
    for path in ("/sign-in", "/sign-out"):
        answer = browser.post(path, {"key": "x" * 1021})
        assert answer.status_code == 413
        assert answer.headers["content-type"].startswith("text/html")


def test_a_long_way_to_go_takes_nothing_from_the_keys_room(browser: Browser) -> None:
    """It stands in the form's address; in the body, where the release before had it, it counts too."""
    then = "/jobs?q=" + "a" * 1900
    assert browser.post(f"/sign-in?next={quote(then)}", {"key": KEY}).headers["location"] == then
    assert browser.post("/sign-in", {"key": KEY, "next": "/jobs"}).headers["location"] == "/jobs"


def test_a_key_is_taken_as_it_was_copied(browser: Browser) -> None:
    """Blanks and a line break around it do not matter."""
    assert browser.sign_in(f"  {KEY}\n").status_code == 303


def test_the_cookie_is_out_of_reach_and_does_not_hold_the_key(browser: Browser) -> None:
    """HttpOnly, SameSite=Strict, for the whole site and as long as the session; not Secure without TLS."""
    cookie = set_cookie(browser.sign_in())
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={LIFETIME_SECONDS}"):
        assert part in cookie.split("; ")
    assert "Secure" not in cookie
    assert "Domain" not in cookie
    assert KEY not in cookie


@pytest.mark.parametrize("proto", ["https", "HTTPS", "https,http", "https, http"])
def test_under_tls_the_cookie_is_secure(app: App, proto: str) -> None:
    """Also where a proxy has ended TLS and says so."""
    browser = Browser(app, **{"X-Forwarded-Proto": proto})
    answer = browser.post("/sign-in", {"key": KEY}, {"Origin": f"https://{HOST}"})
    assert set_cookie(answer).startswith(f"{SECURE_COOKIE}=")
    assert "Secure" in set_cookie(answer).split("; ")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert browser.get("/").status_code == 200
    assert "Secure" in set_cookie(browser.post("/sign-out", headers={"Origin": f"https://{HOST}"})).split("; ")


def test_every_web_process_knows_the_session(app: App, url: str, browser: Browser) -> None:
    """Nothing is kept in the process that opened it."""
    browser.sign_in()
    other = Browser(installation(url))
    other.token = browser.token
    assert other.get("/").status_code == 200


def test_a_session_ends_with_its_key(url: str) -> None:
    """The previous key opens sessions too; each holds as long as the key that opened it, and no longer."""
    during = installation(url, api_key="new", api_key_previous="old")
    sessions = {}
    for key in ("old", "new"):
        browser = Browser(during)
        browser.sign_in(key)
        sessions[key] = browser.token
    holds = {}
    for name, app in {
        "before": installation(url, api_key="old"),
        "during": during,
        "after": installation(url, api_key="new"),
    }.items():
        for key, token in sessions.items():
            browser = Browser(app)
            browser.token = token
            holds[name, key] = browser.get("/").status_code == 200
    assert holds == {
        ("before", "old"): True, ("before", "new"): False,
        ("during", "old"): True, ("during", "new"): True,
        ("after", "old"): False, ("after", "new"): True,
    }  # fmt: skip


def session_key(client: Redis) -> str:
    """The name of the only session's hash."""
    found: Any = client.keys(Keys().session("*"))
    (key,) = found
    return str(key.decode())


def age(client: Redis, seconds: int) -> None:
    """Lets the only session be older, as if so much time had passed."""
    key = session_key(client)
    for name in ("made_at", "used_at"):
        client.hincrby(key, name, -1000 * seconds)
    client.expire(key, int(client.ttl(key)) - seconds)  # in the past: it is deleted


def test_a_session_ends_after_half_a_day_without_use(browser: Browser, redis_client: Redis, url: str) -> None:
    """Each use begins the time anew; the cookie stays as it is."""
    browser.sign_in()
    for _ in range(3):
        age(redis_client, SESSION_IDLE_SECONDS - 60)
        answer = again(browser, url).get("/")
        assert answer.status_code == 200
        assert COOKIE not in answer.cookies
    age(redis_client, SESSION_IDLE_SECONDS)
    assert again(browser, url).get("/").status_code == 303


def test_a_session_ends_after_a_week_however_much_it_is_used(browser: Browser, redis_client: Redis, url: str) -> None:
    """Its last day is shorter."""
    browser.sign_in()
    key = session_key(redis_client)
    redis_client.hincrby(key, "made_at", 1000 * (3600 - SESSION_LONGEST_SECONDS))
    assert again(browser, url).get("/").status_code == 200
    assert 0 < int(redis_client.ttl(key)) <= 3600
    redis_client.hincrby(key, "made_at", -1000 * 3600)
    assert again(browser, url).get("/").status_code == 303
    assert redis_client.exists(key) == 0


@pytest.mark.parametrize("token", ["", "console", "console.x.y", "a.b.c.d", "\xff", "console.Zm9v.AAAA", "." * 2000])
def test_a_forged_cookie_is_none(browser: Browser, token: str) -> None:
    """Whatever stands in it, it is as if it were not there."""
    browser.token = token
    assert browser.get("/").status_code == 303
    assert browser.send("GET", "/scheduler/jobs").status_code == 401


def test_no_key_configured_means_nobody_enters(url: str) -> None:
    """Without a key the console is closed, also to who knows how sessions are signed."""
    browser = Browser(installation(url, api_key=None))
    assert browser.sign_in("").status_code == 403
    browser.token = token_of(KEY)
    assert browser.get("/").status_code == 303


STRANGE: list[dict[str, str]] = [
    {"Origin": ""},
    {"Origin": "null"},
    {"Origin": "http://evil.example"},
    {"Origin": f"http://{HOST}.evil.example"},
    {"Origin": f"http://{HOST}:8000"},
    {"Origin": f"http://evil.example/{HOST}"},
    {"Origin": f"ftp://{HOST}"},
    {"Origin": "http://["},
    {"Origin": f"http://user@{HOST}"},
    {"Origin": f"http://user:pass@{HOST}"},
    {"Origin": f"{ORIGIN}/"},
    {"Origin": f"{ORIGIN}/jobs"},
    {"Origin": f"{ORIGIN}?"},
    {"Origin": f"{ORIGIN}#"},
    {"Origin": f"http://{HOST[:5]}\t{HOST[5:]}"},
    {"Origin": f"{ORIGIN}, {ORIGIN}"},
    {"Origin": f"{ORIGIN} {ORIGIN}"},
    {"Origin": f"http://evil.example, {ORIGIN}"},
    {"Origin": f"http:{HOST}"},
    {"Origin": f"//{HOST}"},
    {"Origin": f"http://{HOST}:443"},
    {"Origin": f"http://{HOST}."},
    {"Origin": "http://"},
    {"Origin": ORIGIN, "Host": "evil.example"},
    {"Origin": ORIGIN, "X-Forwarded-Host": "evil.example"},
    {"Origin": ORIGIN, "X-Forwarded-Host": f"evil.example, {HOST}"},
    {"Origin": f"http://user@{HOST}", "Host": f"user@{HOST}"},
    {"Origin": "http://", "X-Forwarded-Host": " "},
    {"Origin": "http://a b", "Host": "a b"},
    {"Origin": "http://a/b", "X-Forwarded-Host": "a/b"},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", STRANGE)
def test_another_sites_page_cannot_sign_in_or_out(browser: Browser, headers: dict[str, str]) -> None:
    """What no page of ours has sent is refused, with or without a session."""
    for path, form in (("/sign-in", {"key": KEY}), ("/sign-out", {})):
        answer = browser.post(path, form, headers)
        assert answer.status_code == 403
        assert COOKIE not in answer.cookies


@pytest.mark.parametrize("headers", STRANGE)
def test_under_the_api_the_cookie_counts_for_our_own_pages_alone(browser: Browser, headers: dict[str, str]) -> None:
    """Without a same-origin `Origin` a request with the cookie is one without a key, whatever its method."""
    browser.sign_in()
    job = {"name": "x", "bot_type": "visitor", "schedule_type": "daily", "schedule_config": {"hour": 1, "minute": 2}}
    assert browser.send("POST", "/scheduler/jobs", job).status_code == 201
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert browser.send(method, "/scheduler/jobs", job, headers).status_code == 401
    assert browser.send("GET", "/scheduler/jobs").status_code == 200


def test_the_cookie_opens_nothing_beside_the_api_and_the_pages(browser: Browser) -> None:
    """Metrics keep asking for the key; a wrong key is not made good by the cookie."""
    browser.sign_in()
    assert browser.send("GET", "/metrics").status_code == 401
    assert browser.send("GET", "/scheduler/jobs", headers={"X-API-Key": "wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("proxy", "origin", "trusted"),
    [
        ({"X-Forwarded-Proto": "https"}, f"https://{HOST}", True),
        ({"X-Forwarded-Proto": "https"}, f"http://{HOST}", False),
        ({}, f"https://{HOST}", True),
        ({}, f"http://{HOST}:80", True),
        ({"X-Forwarded-Proto": "https"}, f"https://{HOST}:443", True),
        ({"Host": "127.0.0.1:8000", "X-Forwarded-Host": HOST}, f"http://{HOST}", True),
        ({"Host": "127.0.0.1:8000", "X-Forwarded-Host": HOST}, "http://127.0.0.1:8000", False),
        ({"Host": "127.0.0.1:8000"}, "http://127.0.0.1:8000", True),
        ({"Host": "127.0.0.1:8000", "X-Forwarded-Host": f"{HOST}, inner.example"}, f"http://{HOST}", True),
        ({"Host": "127.0.0.1:8000", "X-Forwarded-Host": f"{HOST}, inner.example"}, "http://inner.example", False),
        ({"Host": f"{HOST}:8080"}, f"http://{HOST}", False),
        ({"Host": f"{HOST}:80"}, f"https://{HOST}", False),
        ({"Host": "[::1]:8000"}, "http://[::1]:8000", True),
        ({}, f"http://{HOST.upper()}", True),
    ],
)
def test_the_origin_is_compared_with_what_the_browser_asked(
    app: App, proxy: dict[str, str], origin: str, trusted: bool
) -> None:
    """Behind a proxy as well as without one."""
    browser = Browser(app, **proxy)
    answer = browser.post("/sign-in", {"key": KEY}, {"Origin": origin})
    assert answer.status_code == (303 if trusted else 403)


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/jobs/x?a=b&c=d", "/jobs/x?a=b&c=d"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("jobs", "/"),
        ("/jobs\r\nSet-Cookie: x", "/"),
        ("/\tjobs", "/"),
        ("", "/"),
        ("/" + "x" * 3000, "/"),
        (None, "/"),
    ],
)
def test_signing_in_leads_nowhere_else(path: str | None, leads_to: str) -> None:
    """Only to a path of ours."""
    assert own_path(path) == leads_to


def test_the_form_asks_whether_one_is_signed_in(browser: Browser) -> None:
    """For who follows a link from elsewhere, with which the cookie does not come."""
    assert browser.get("/session").json == {"signed_in": False}
    browser.sign_in()
    assert browser.get("/session").json == {"signed_in": True}


def test_every_page_needs_a_session_but_the_signing_in(app: App) -> None:
    """By the rule, not one by one: a page that is added is guarded unless it says that it is open."""
    pages = [resource for resource in all_resources(app) if isinstance(resource, Page)]
    assert all(access_of(page).own_pages_change for page in pages)
    is_open = {type(page).__name__ for page in pages if access_of(page).is_open}
    assert is_open == {"SignIn", "SignOut", "SessionCheck", "LinkPage"}
    assert len(pages) > 3


def all_resources(app: App) -> list[object]:
    """What the router knows, the pages included."""
    found = []
    nodes = list(app._router._roots)
    while nodes:
        node = nodes.pop()
        nodes += node.children
        if node.resource is not None:
            found.append(node.resource)
    return found
