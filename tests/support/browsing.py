"""The whole application on a real server, asked as a browser asks."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import falcon.testing

from service.asgi import assemble
from service.settings import Settings
from service.web.api.app import App
from service.web.http.sessions import COOKIE, SECURE_COOKIE

KEY = "the key, schlüssel"
HOST = "scheduler.example.org"
ORIGIN = f"http://{HOST}"
Answer = falcon.testing.Result


def installation(redis_url: str, **settings: Any) -> App:
    """The web process' application."""
    return assemble(Settings.model_validate({"redis_url": redis_url, "api_key": KEY, **settings}))


def signed_in(redis_url: str) -> Browser:
    """Somebody who is signed in to the console."""
    browser = Browser(installation(redis_url))
    browser.sign_in()
    return browser


class Browser:
    """Keeps the session's cookie, and sends the headers that a browser does.

    Args:
        app: what it browses.
        headers: more headers, such as a proxy's.
    """

    def __init__(self, app: App, **headers: str) -> None:
        self.app = app
        self._host = headers.pop("Host", HOST)
        self._client = falcon.testing.TestClient(app, headers={"Accept": "text/html", **headers})
        self._cookie = COOKIE if "https" not in headers.get("X-Forwarded-Proto", "").lower() else SECURE_COOKIE
        self.token: str | None = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Goes to a page."""
        return self.ask("GET", path, headers or {})

    def post(self, path: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Sends a form of a page of ours, unless `headers` say otherwise."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
        return self.ask("POST", path, kind | (headers or {}), body=urlencode(form or {}))

    def send(self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """What a script of a page of ours sends to the API."""
        return self.ask(method, path, {"Origin": ORIGIN, "Accept": "application/json"} | (headers or {}), json=json)

    def sign_in(self, key: str = KEY) -> Answer:
        """Signs in by the form."""
        return self.post("/sign-in", {"key": key})

    def ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> Answer:
        """Any request with the cookie; a header that is empty is left out."""
        cookies = {} if self.token is None else {self._cookie: self.token}
        sent = {name: value for name, value in headers.items() if value}
        host = sent.pop("Host", self._host)
        answer = self._client.simulate_request(method, path, host=host, headers=sent, cookies=cookies, **more)
        given = answer.cookies.get(self._cookie)
        if given is not None:
            self.token = given.value or None
        return answer


def words(answer: Answer) -> str:
    """What a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
