"""Badges and the status page in a real browser."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import address, barriers, overflow
from tests.support.installation import Installation

pytestmark = pytest.mark.slow(reason="a browser looks at a whole installation")


@pytest.fixture(scope="module")
def token(installation: Installation) -> str:
    """A key for badges, and a job."""
    installation.make_job(name="Secret name")
    return str(installation.call("POST", "/keys", {"name": "a badge", "scopes": ["badge"]})[1]["key"])


@pytest.fixture
def elsewhere(installation: Installation, token: str) -> Iterator[str]:
    """Another origin's page with a badge."""
    shown = f'<!doctype html><img alt="" src="{address(installation)}/badge/{token}.svg">'.encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_jobs_page_shows_the_addresses_to_copy(page: Page, installation: Installation) -> None:
    """Once; they work without a key of one's own."""
    job_id = installation.make_job(name="Shown elsewhere")
    page.goto(f"/jobs/{job_id}")
    page.get_by_role("button", name="Make an address for a badge").click()
    picture, shown = page.locator("#badge-address"), page.locator("#badge-page")
    expect(picture).to_have_text(re.compile(r"^http://.*/badge/bsk_\w+\.svg$"))
    expect(page.locator("#badge-markdown")).to_have_text(f"![job]({picture.text_content()}?text=job)")
    for told in (picture, shown):
        assert page.request.get(told.text_content() or "").status == 200
    page.reload()
    expect(picture).to_be_hidden()
    assert "bsk_" not in page.content()


def test_a_badge_is_seen_on_another_origins_page(browser: Browser, elsewhere: str) -> None:
    """It has its size, so the picture was taken."""
    page = browser.new_page()
    page.goto(elsewhere)
    size = page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]")
    assert size[0] > 50
    assert size[1] == 20
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_status_page_keeps_nobody_out(
    browser: Browser, installation: Installation, token: str, scheme: str, width: int
) -> None:
    """Its style is taken under its policy, without JavaScript; axe finds nothing."""
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": 700}
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.goto(f"{address(installation)}/status/{token}")
    assert page.evaluate("getComputedStyle(document.querySelector('ul')).listStyleType") == "none"
    assert faults == []
    assert overflow(page) == 0
    assert barriers(page) == []
    context.close()
