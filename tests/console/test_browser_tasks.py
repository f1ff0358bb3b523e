"""What people do with occurrences, in a real browser, each task from its first click to its end, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.chromium import Complaints, address, barriers, overflow, reader, sign_in
from tests.support.installation import Installation
from tests.support.processes import until

INTO_VIEW = "mark => mark.scrollIntoView({block: 'center'})"
"""In one step: the page draws its timeline anew at times, and Playwright's own waits for a mark that has gone."""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]

MINUTELY = {"schedule_type": "cron", "schedule_config": {"cron_expression": "* * * * *"}}
SMALL = {"width": 360, "height": 780}
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def minutes(installation: Installation) -> dict[str, str]:
    """Jobs that were due: one that was paused then, and for each colour one that failed. Name -> id."""
    jobs = {"Paused": installation.make_job(name="Paused", labels={"team": "paused"}, **MINUTELY)}
    pause = {"scope": {"job_id": jobs["Paused"]}, "reason": "stocktaking"}
    assert installation.call("POST", "/pauses", pause)[0] == 201
    for scheme in SCHEMES:
        fails = {"mode": "raise", "says": "no paper"}
        jobs[scheme] = installation.make_job(name=f"Fails, {scheme}", bot_config=fails, **MINUTELY)
    until(lambda: all(ended(installation, job_id) for job_id in jobs.values()), 120)
    for scheme in SCHEMES:  # mended, and not due any more
        mended = {"bot_config": {}, "schedule_type": "daily", "schedule_config": {"hour": 0, "minute": 0}}
        assert installation.call("PUT", f"/jobs/{jobs[scheme]}", mended)[0] == 200
    return jobs


def ended(installation: Installation, job_id: str) -> list[dict[str, Any]]:
    return [run for run in installation.history(job_id) if run["status"] in ("failed", "skipped", "success")]


@pytest.fixture(params=SCHEMES)
def page(request: pytest.FixtureRequest, browser: Browser, installation: Installation) -> Iterator[Page]:
    """A page of somebody who is signed in and likes it light, or dark. No task leaves a pause behind."""
    context = reader(browser, installation, color_scheme=request.param)
    sign_in(context, installation)
    page = context.new_page()
    complaints = Complaints(page, address(installation))
    yield page
    context.close()
    assert complaints.found == []
    for pause in installation.call("GET", "/pauses?state=active")[1]:
        if pause["reason"] != "stocktaking":
            assert installation.call("DELETE", f"/pauses/{pause['id']}")[0] == 200


@pytest.fixture
def job(installation: Installation) -> Iterator[dict[str, Any]]:
    """A job that is due each six hours, next in three."""
    soon = datetime.now(UTC) + timedelta(hours=3)
    cron = f"{soon.minute} {soon.hour % 6}-23/6 * * *"
    body = {
        "name": "Every six hours", "bot_type": "probe", "bot_config": {}, "schedule_type": "cron",
        "schedule_config": {"cron_expression": cron},
    }  # fmt: skip
    status, made = installation.call("POST", "/jobs", body)
    assert status == 201, made
    yield made
    assert installation.call("DELETE", f"/jobs/{made['id']}")[0] == 204


def is_for_everybody(page: Page) -> None:
    """axe-core finds nothing grave, and a small phone shows all of it without scrolling sideways."""
    desk = page.viewport_size
    assert desk is not None
    assert barriers(page) == []
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    assert barriers(page) == []
    assert overflow(page) == 0
    page.set_viewport_size(desk)


def preview(installation: Installation, job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installation.call("GET", f"/jobs/{job['id']}/preview?count=4")[1]["details"]
    return found


def tab_to(page: Page, goal: Locator) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    expect(goal).to_be_visible()
    for _ in range(200):
        if goal.evaluate("found => found === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {goal}")


def test_a_job_is_paused_with_a_reason(page: Page, installation: Installation, job: dict[str, Any]) -> None:
    """Everybody sees it on every page, its job's page says what becomes of it, and its end is one click."""
    page.goto(f"/jobs/{job['id']}")
    page.get_by_role("link", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("The office moves")
    page.get_by_label("At the end").select_option("latest")
    is_for_everybody(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    banner = page.get_by_role("region", name="Pauses")
    expect(banner).to_contain_text("The office moves")
    is_for_everybody(page)
    page.goto("/jobs")
    expect(banner).to_contain_text("The office moves")
    banner.get_by_role("link", name="Every six hours").click()
    expect(page.locator("h1")).to_contain_text("paused")
    expect(page.locator("#top")).to_contain_text("The office moves, by the root key. What is due meanwhile is held")
    is_for_everybody(page)
    page.get_by_role("link", name="End the pause").click()
    page.locator("#active tr", has_text="The office moves").get_by_role("button", name="End the pause").click()
    expect(page.locator("#active")).not_to_contain_text("The office moves")
    page.goto(f"/jobs/{job['id']}")
    expect(page.locator("h1")).not_to_contain_text("paused")


def test_a_job_is_paused_by_keyboard_alone(page: Page, installation: Installation, job: dict[str, Any]) -> None:
    page.goto(f"/jobs/{job['id']}")
    tab_to(page, page.get_by_role("link", name="Pause", exact=True))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Reason"))
    page.keyboard.type("no hands free")
    tab_to(page, page.get_by_label("At the end"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_role("button", name="Pause", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Pauses")).to_contain_text("no hands free")
    (pause,) = [one for one in installation.call("GET", "/pauses?state=active")[1] if one["reason"] == "no hands free"]
    assert (pause["scope"], pause["on_resume"]) == ({"job_id": job["id"]}, "all")


def test_an_occurrence_is_skipped(page: Page, installation: Installation, job: dict[str, Any]) -> None:
    page.goto(f"/jobs/{job['id']}")
    row = page.locator("#next tbody tr").nth(1)
    row.get_by_role("button", name="Change the occurrence").click()
    page.get_by_label("Reason (optional)").fill("a holiday")
    is_for_everybody(page)
    page.get_by_role("button", name="Change", exact=True).click()
    expect(row).to_contain_text("a holiday")
    is_for_everybody(page)
    edit = preview(installation, job)[1]["edit"]
    assert (edit["action"], edit["reason"]) == ("skip", "a holiday")


def test_an_occurrence_is_skipped_by_keyboard_alone(
    page: Page, installation: Installation, job: dict[str, Any]
) -> None:
    """Undo has the focus then."""
    page.goto(f"/jobs/{job['id']}")
    button = page.locator("#next tbody tr").nth(1).get_by_role("button", name="Change the occurrence")
    tab_to(page, button)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Reason (optional)"))
    page.keyboard.type("a holiday")
    tab_to(page, page.get_by_role("button", name="Change", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#next tbody tr").nth(1)).to_contain_text("a holiday")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    assert preview(installation, job)[1]["edit"]["action"] == "skip"


def test_an_occurrence_is_moved_by_dragging(page: Page, installation: Installation, job: dict[str, Any]) -> None:
    """While it is dragged, the page says to when; Escape lets go of it."""
    page.goto("/")
    mark = page.locator(f"[data-movable][data-request*='{job['id']}']").first
    mark.evaluate(INTO_VIEW)
    is_for_everybody(page)
    mark.evaluate(INTO_VIEW)
    hour = page.locator(".timeline").evaluate("svg => svg.dataset.day * svg.getScreenCTM().a / 24")
    box = mark.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + hour, y, steps=5)
    expect(page.locator(".drag-time")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".drag-time")).to_have_count(0)
    page.mouse.up()
    assert "edit" not in preview(installation, job)[0]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2 * hour, y, steps=5)
    aim = page.locator(".drag-time").text_content() or "?"
    page.mouse.up()
    expect(page.get_by_role("status")).to_contain_text(f"Moved to {aim}")
    first = preview(installation, job)[0]
    by = datetime.fromisoformat(first["at"]) - datetime.fromisoformat(first["scheduled_for"])
    assert timedelta(hours=1, minutes=45) < by < timedelta(hours=2, minutes=15)
    page.goto(f"/jobs/{job['id']}")
    expect(page.locator("#next tbody tr").first).to_contain_text("moved from")
    is_for_everybody(page)


def test_why_not_then(page: Page, installation: Installation, minutes: dict[str, str]) -> None:
    """From the job's page to the answer; the question is typed, too."""
    job_id = minutes["Paused"]
    page.goto(f"/jobs/{job_id}")
    page.get_by_role("link", name="Occurrences, and why").click()
    row = page.locator("#list tbody tr", has_text="stocktaking").first
    expect(row).to_contain_text("paused")
    at = row.locator("td").first.inner_text()
    row.get_by_role("link", name="Why at").click()
    told = page.locator("#told")
    expect(told).to_contain_text("it did not run. A pause")
    expect(told).to_contain_text("(stocktaking)")
    is_for_everybody(page)
    page.goto(f"/jobs/{job_id}/occurrences")
    page.get_by_label("Why (not) at").fill(f"{at[4:14]}T{at[15:20]}")
    page.get_by_role("button", name="Explain").click()
    expect(told).to_contain_text("it did not run. A pause")


def test_the_failed_ones_are_run_again(page: Page, installation: Installation, minutes: dict[str, str]) -> None:
    """Once their job is mended; the form knows their span already."""
    job_id = minutes["dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"]
    failed = {run["scheduled_for"] for run in installation.history(job_id) if run["status"] == "failed"}
    page.goto(f"/jobs/{job_id}")
    is_for_everybody(page)
    page.get_by_role("link", name="Run the failed ones again").click()
    page.get_by_role("button", name="Show the instants").click()
    count = len(failed)
    expect(page.locator("#plan-count")).to_have_text(f"{count} instant{'s' if count > 1 else ''} would run")
    is_for_everybody(page)
    page.get_by_role("button", name="Start the backfill").click()
    expect(page.locator("#list")).to_contain_text(f"{count} of {count}")
    again = {run["scheduled_for"] for run in installation.history(job_id) if run["status"] == "success"}
    assert failed <= again
    is_for_everybody(page)
