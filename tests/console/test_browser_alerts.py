"""The page of alerts in a real browser, by the keyboard alone, with a real receiver; and the pages of its links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.support.chromium import Complaints, address, barriers, overflow, reader
from tests.support.installation import Installation, running
from tests.support.processes import until
from tests.support.servers.alerts import AlertReceiver, receiving_alerts

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
FAILING = {"bot_type": "webhook", "bot_config": {"url": "http://127.0.0.1:1/"}}
SIZES: tuple[ViewportSize, ...] = ({"width": 1280, "height": 900}, {"width": 360, "height": 740})


@pytest.fixture(scope="module")
def receiver() -> Iterator[AlertReceiver]:
    with receiving_alerts() as started:
        yield started


@pytest.fixture(scope="module")
def installation(
    browser: Browser, receiver: AlertReceiver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    settings = {
        "BOT_SECRET_OPS": f"json://127.0.0.1:{receiver.server_port}/ops", "RUN_LINKS": "true",
        "PUBLIC_URL": "https://bots.example.org",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("alerts"), **settings) as started:
        yield started


def reach(page: Page, name: str, role: Literal["button", "link"] | None = None) -> None:
    """Press Tab until the element of this name has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True) if role else page.get_by_label(name, exact=True)
    for _ in range(120):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no Tab leads to {name}")


def write(page: Page, name: str, text: str) -> None:
    """Replace what a field holds."""
    reach(page, name)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def press(page: Page, name: str) -> None:
    reach(page, name, "button")
    page.keyboard.press("Enter")


def flaws(page: Page, sizes: Sequence[ViewportSize] = SIZES) -> list[str]:
    """What keeps somebody out, in light and dark, at a desk and on a small telephone."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in sizes:
            page.set_viewport_size(size)
            found += [f"{scheme}, {size['width']}: {one}" for one in barriers(page)]
            wider = overflow(page)
            found += [f"{scheme}, {size['width']}: {wider} pixels too wide"] if wider else []
    page.set_viewport_size(SIZES[0])
    return found


def test_a_channel_from_its_first_letter_to_a_snooze(
    page: Page, browser: Browser, installation: Installation, receiver: AlertReceiver
) -> None:
    page.goto("/alerts")
    expect(page.get_by_text("There are no channels yet.")).to_be_visible()
    write(page, "Name", "ops")
    write(page, "Setting with the URL", "BOT_SECRET_OPS")
    press(page, "Create channel")
    expect(page.locator("#error-url")).to_contain_text("Must name the variable")
    write(page, "Setting with the URL", "env:BOT_SECRET_OPS")
    press(page, "Create channel")
    expect(page.get_by_role("link", name="ops")).to_be_visible()
    press(page, "Test the channel ops")
    expect(page.get_by_text("Sent to ops")).to_be_visible()
    assert receiver.told == [("/ops", "A test message from Bot Scheduler")]

    reach(page, "a run succeeded")
    page.keyboard.press("Space")
    press(page, "Create rule")
    expect(page.get_by_text("failed, recovered, success")).to_be_visible()
    job_id = installation.make_job(name="Breaks", **FAILING)
    run_id = installation.run_now(job_id)
    until(lambda: len(receiver.received) == 2, 30)
    body = receiver.received[1][1]
    assert body["title"] == "Breaks failed"
    snooze, again = re.findall(r"https://bots\.example\.org(/link/[\w-]+)", body["message"])
    until(lambda: installation.call("GET", "/alerts?state=sent")[1], 30)
    page.goto("/alerts")
    expect(page.get_by_role("link", name="Breaks failed")).to_have_attribute("href", f"/jobs/{job_id}/runs/{run_id}")
    expect(page.get_by_role("row", name=re.compile("Breaks failed"))).to_contain_text(re.compile(r"ops: sent \(1 try"))

    reach(page, "ops", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Change the channel ops")).to_be_visible()
    write(page, "Quiet from", "00:00")
    write(page, "Quiet until", "23:59")
    write(page, "Time zone", "Europe/Vienna")
    press(page, "Save channel")
    expect(page.get_by_text("00:00–23:59 Europe/Vienna")).to_be_visible()
    _press_links(browser, installation, snooze, again)
    installation.run_now(installation.make_job(name="Breaks at night", **FAILING))
    until(lambda: installation.call("GET", "/alerts?state=waiting")[1], 30)
    page.goto("/alerts")
    expect(page.get_by_role("row", name=re.compile("Breaks at night failed"))).to_contain_text("ops: waiting")
    assert len(receiver.received) == 2, "it is quiet"
    expect(page.get_by_role("region", name="Snoozed")).to_contain_text("channel ops")
    assert flaws(page) == []
    press(page, "End the snooze of Breaks for channel ops")
    expect(page.get_by_role("region", name="Snoozed")).to_have_count(0)


def _press_links(browser: Browser, installation: Installation, snooze: str, again: str) -> None:
    """As somebody on a telephone does, without a key, and where scripts are switched off."""
    context = reader(browser, installation, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(snooze)
    press(plain, "For an hour")
    expect(plain.get_by_text("Snoozed.")).to_be_visible()
    context.close()
    context = reader(browser, installation)
    shown = context.new_page()
    complaints = Complaints(shown, address(installation))
    shown.goto(again)
    assert flaws(shown, SIZES[1:]) == []
    press(shown, "Run it again")
    expect(shown.get_by_text("The run is queued.")).to_be_visible()
    shown.goto(again)
    expect(shown.get_by_text("This link was used")).to_be_visible()
    assert complaints.found == []
    context.close()
