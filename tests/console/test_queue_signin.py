"""rq-dashboard opens with the console's sign-in."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from redis import Redis

from tests.support.browsing import KEY, Browser, installation


@pytest.fixture
def browser(redis_client: Redis, valkey_server: Any) -> Browser:
    return Browser(installation(valkey_server.url))


def test_a_stranger_is_led_to_the_sign_in_and_back(browser: Browser) -> None:
    """Whoever asks for a page is asked for the key first, and gets that page then."""
    asked = browser.get("/rq/0/view/workers?x=a%26b")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/rq/0/view/workers%3Fx%3Da%2526b"
    assert browser.get(asked.headers["location"]).status_code == 200
    signed_in = browser.post("/sign-in", {"key": KEY, "next": "/rq/0/view/workers?x=a%26b"})
    assert signed_in.headers["location"] == "/rq/0/view/workers?x=a%26b"
    assert "RQ dashboard" in browser.get(signed_in.headers["location"]).text
    browser.post("/sign-out")
    assert browser.get("/rq/").status_code == 303


def test_the_session_shows_and_changes_nothing(browser: Browser) -> None:
    """What would change a queue is refused with the cookie as it is with the key."""
    browser.sign_in()
    assert browser.get("/rq/0/data/queues.json", {"Accept": "*/*"}).status_code == 200
    assert browser.post("/rq/queue/bot-scheduler-queue/queued/empty").status_code == 403
    assert browser.get("/rq/requeue/bot-scheduler-queue").status_code == 403


@pytest.mark.parametrize("token", ["", "console", "console.AAAA.BBBB", "\xff"])
def test_a_made_up_cookie_opens_nothing(browser: Browser, token: str) -> None:
    """It is as if it did not exist."""
    browser.token = token
    assert browser.get("/rq/").status_code == 303


def test_programs_are_still_asked_for_the_key(browser: Browser) -> None:
    """A script gets a 401 with the challenge, no page; so does whoever sends a wrong key."""
    wrong = "Basic " + base64.b64encode(b"any:wrong").decode()
    for headers in ({"Accept": "*/*"}, {"Accept": "application/json"}, {"Authorization": wrong}):
        answer = browser.get("/rq/", headers)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Basic ")
    right = "Basic " + base64.b64encode(f"any:{KEY}".encode()).decode()
    assert browser.get("/rq/", {"Authorization": right}).status_code == 200
