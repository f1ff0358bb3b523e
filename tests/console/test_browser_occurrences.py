"""Changes of single occurrences, as a person makes them: on a job's page, and by dragging on the timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.chromium import PHONE, barriers, overflow
from tests.support.installation import Installation
from tests.support.processes import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


def make(installation: Installation, name: str, **more: Any) -> dict[str, Any]:
    """A job that is due each six hours, next in three."""
    soon = datetime.now(UTC) + timedelta(hours=3)
    body = {
        "name": name, "bot_type": "probe", "bot_config": {"seconds": 0},
        "schedule_type": "cron", "schedule_config": {"cron_expression": f"{soon.minute} {soon.hour % 6}-23/6 * * *"},
        **more,
    }  # fmt: skip
    status, made = installation.call("POST", "/jobs", body)
    assert status == 201, made
    return dict(made)


def details(installation: Installation, job: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = installation.call("GET", f"/jobs/{job['id']}/preview?count=3")[1]["details"]
    return found


def test_an_occurrence_is_skipped_moved_and_taken_back_on_the_jobs_page(page: Page, installation: Installation) -> None:
    job = make(installation, "Changed by hand")
    first, second, *_ = details(installation, job)
    page.goto(f"/jobs/{job['id']}")
    rows = page.locator("#next tbody tr")
    rows.first.get_by_role("button", name="Change the occurrence").click()
    expect(page.get_by_role("dialog")).to_contain_text("Change one occurrence")
    assert barriers(page) == []
    page.get_by_label("Reason (optional)").fill("a holiday")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(rows.first).to_contain_text("skipped by")
    expect(rows.first).to_contain_text("a holiday")
    assert details(installation, job)[0]["edit"]["action"] == "skip"
    rows.first.get_by_role("button", name="Take back").click()
    expect(rows.first).not_to_contain_text("skipped")
    rows.first.get_by_role("button", name="Change the occurrence").click()
    page.get_by_label("Move it").check()
    to = datetime.fromisoformat(second["at"]) + timedelta(hours=1)
    page.get_by_label("To (UTC)").fill(f"{to:%Y-%m-%dT%H:%M:%S}")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(rows.nth(1)).to_contain_text("moved from")
    assert [one["at"] for one in details(installation, job)[:2]] == [second["at"], f"{to:%Y-%m-%dT%H:%M:%S}"]
    rows.nth(1).get_by_role("button", name="Change the occurrence").click()
    page.get_by_label("Move it").check()
    page.get_by_label("To (UTC)").fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#error-move_to")).to_contain_text("Must be after")
    expect(page.get_by_label("To (UTC)")).to_be_focused()
    page.get_by_label("Run it with other settings").check()
    page.get_by_label("Settings of the bot that differ, as JSON").fill('{"seconds": 0.5}')
    page.get_by_role("button", name="Change", exact=True).click()
    expect(rows.first).to_contain_text("with other settings")
    assert details(installation, job)[0]["scheduled_for"] == first["scheduled_for"]


def test_a_mark_on_the_timeline_is_dragged_to_another_time(page: Page, installation: Installation) -> None:
    """And back by the undo of the message; with the keyboard, too."""
    job = make(installation, "Dragged")
    first = details(installation, job)[0]
    page.goto("/")
    mark = page.locator(f"[data-movable][data-request*='{job['id']}']").first
    mark.scroll_into_view_if_needed()
    box, day = mark.bounding_box(), page.locator(".timeline").evaluate(
        "svg => svg.dataset.day * svg.getScreenCTM().a"
    )  # fmt: skip
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.click(x, y)
    expect(page.get_by_role("dialog")).to_contain_text("Dragged: due in")
    assert barriers(page) == []
    page.keyboard.press("Escape")
    page.mouse.down()
    page.mouse.move(x + day / 24, y, steps=5)
    page.mouse.move(x + 2 * day / 24, y, steps=5)
    page.mouse.up()
    expect(page.get_by_role("status")).to_contain_text("Moved to")
    moved = next(one for one in details(installation, job) if one["scheduled_for"] == first["scheduled_for"])
    by = datetime.fromisoformat(moved["at"]) - datetime.fromisoformat(first["at"])
    assert timedelta(hours=1, minutes=45) < by < timedelta(hours=2, minutes=15)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("as the schedule has it")
    assert "edit" not in details(installation, job)[0]
    mark = page.locator(f"[data-movable][data-request*='{job['id']}']").first
    mark.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    # An earlier message may say the same: what counts is what is stored.
    until(lambda: details(installation, job)[0].get("edit", {}).get("action") == "move", 20)
    expect(page.get_by_role("status")).to_contain_text("(UTC)")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(page.locator(".timeline")).to_be_hidden()
    expect(page.get_by_role("list", name="Jobs of the last and the next 24 hours")).to_contain_text("Dragged")
    assert barriers(page) == [] and overflow(page) == 0
