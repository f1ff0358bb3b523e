"""A real Chromium, headless, that looks at the console as a person does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, sync_playwright

from tests.support.installation import API_KEY, Installation

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The first needs half the processor time of the others."""
REQUIRED = "BROWSER_REQUIRED"
"""Where this setting is `1`, a machine without Chromium fails the tests that need one."""
MISSING = (
    "No Chromium is on the PATH, so nothing looks at the console as a person does: "
    "install one (Debian: apt-get install chromium-headless-shell), or name one in the setting CHROMIUM"
)
WAIT_MS = 60_000
"""For how long a test waits for what must come; a busy machine is slow."""
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
GRAVE = ("serious", "critical")
"""What axe-core calls that which keeps people out."""


def find_chromium() -> str | None:
    """The browser's path, if there is one."""
    return os.environ.get("CHROMIUM") or next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """The browser, started."""
    with sync_playwright() as playwright:
        # Containers have a small /dev/shm.
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


def address(installation: Installation) -> str:
    """Where its console is."""
    return f"http://127.0.0.1:{installation.port}"


def reader(browser: Browser, installation: Installation, **options: Any) -> BrowserContext:
    """Somebody in Vienna with a browser of their own, not signed in yet.

    Args:
        options: more of Playwright's `new_context`, such as `color_scheme`.
    """
    given = {"viewport": DESKTOP, "timezone_id": "Europe/Vienna", "locale": "en-GB", **options}
    context = browser.new_context(base_url=address(installation), **given)
    context.set_default_timeout(WAIT_MS)
    return context


def sign_in(context: BrowserContext, installation: Installation) -> None:
    """Signs in, as the form does."""
    answer = context.request.post("/sign-in", form={"key": API_KEY}, headers={"Origin": address(installation)})
    assert answer.ok, answer.text()


class Complaints:
    """What goes wrong behind a page: errors of its scripts, breaches of its policy, failed and foreign requests.

    An answer below 500 does not count: a form that is refused is answered so.
    """

    def __init__(self, page: Page, home: str) -> None:
        self.found: list[str] = []
        self._home = home
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.found.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._home, "data:", "blob:")):
            self.found.append(f"asked elsewhere: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.found.append(f"{response.status}: {response.url}")


def barriers(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page as it is now."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']} ({violation['help']}): {node['target']} {node.get('failureSummary', '')}"
        for violation in found
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
