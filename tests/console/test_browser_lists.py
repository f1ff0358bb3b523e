"""Lines of the list of jobs in a real browser: what they say is whole, and what they offer stays within the window."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.chromium import barriers, overflow
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
NAME = "Monthly round of key accounts, Bregenz 240"
LABELS = {"team": "support", "region": "bregenz", "stage": "live"}
LAPTOP = {"width": 1280, "height": 800}


@pytest.fixture
def job_id(installation: Installation) -> str:
    """A job with a usual name and three labels."""
    return installation.make_job(name=NAME, labels=LABELS)


def box_of(found: Locator) -> Any:
    """Where something stands."""
    box = found.bounding_box()
    assert box is not None
    return box


@pytest.mark.parametrize("width", [1280, 1440, 1920])
def test_a_name_and_the_labels_that_are_shown_are_whole(page: Page, job_id: str, width: int) -> None:
    """The line says how many labels are not shown, and its title names all of them."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/jobs")
    row = page.locator(f"#job-{job_id}")
    assert row.locator(".title .line > a").evaluate("name => name.scrollWidth <= name.clientWidth")
    assert box_of(row)["height"] <= 42
    chips = row.locator(".chips")
    room = box_of(chips)
    shown = [one for one in map(box_of, chips.locator(".chip").all()) if one["y"] < room["y"] + room["height"]]
    assert shown and all(one["x"] + one["width"] <= room["x"] + room["width"] for one in shown)
    assert chips.get_attribute("data-more") == (f"+{3 - len(shown)}" if len(shown) < 3 else None)
    assert chips.get_attribute("title") == "team: support, region: bregenz, stage: live"
    assert len(shown) == 3 or width < 1920
    assert overflow(page) == 0 and barriers(page) == []


def test_the_keyboard_reaches_labels_that_have_no_room(page: Page, job_id: str) -> None:
    """They are in sight while they have the focus; then the first ones are again."""
    page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]
    page.goto("/jobs")
    chips = page.locator(f"#job-{job_id} .chips")
    last = chips.locator(".chip").last

    def is_in_sight() -> bool:
        room, label = box_of(chips), box_of(last)
        return bool(room["y"] <= label["y"] + 1 and label["y"] + label["height"] <= room["y"] + room["height"] + 1)

    assert not is_in_sight()
    last.focus()
    assert is_in_sight()
    page.locator("#q").focus()
    assert not is_in_sight()


def test_lists_use_a_wide_screen_and_texts_do_not(page: Page, job_id: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    for path, least, most in (("/jobs", 1600, 1920), ("/runs", 1600, 1920), (f"/jobs/{job_id}/edit", 0, 1300)):
        page.goto(path)
        assert least <= box_of(page.locator("main"))["width"] <= most


def test_a_lines_buttons_cover_neither_its_name_nor_its_runs(page: Page, job_id: str) -> None:
    page.set_viewport_size(LAPTOP)  # type: ignore[arg-type]
    page.goto("/jobs")
    row = page.locator(f"#job-{job_id}")
    row.hover()
    buttons, name = box_of(row.locator(".row-actions > .actions")), box_of(row.locator(".title .line > a"))
    assert name["x"] + name["width"] <= buttons["x"]
    assert buttons["x"] + buttons["width"] <= box_of(row.locator("td[data-label='Last run']"))["x"]
    assert row.locator("td[data-label=State]").evaluate("state => getComputedStyle(state).opacity") == "0"


def test_escape_closes_a_menu_that_a_key_has_opened(page: Page, job_id: str) -> None:
    """The focus is then on what opened it."""
    page.goto("/jobs")
    page.keyboard.press("j")
    page.keyboard.press("m")
    menu = page.locator("details.menu[open]")
    expect(menu).to_have_count(1)
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    assert page.evaluate("document.activeElement.matches('details.menu > summary')")


def test_a_menu_at_the_lower_edge_opens_upwards(page: Page, installation: Installation) -> None:
    for number in range(20):
        installation.make_job(name=f"Low {number}")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.goto("/jobs?q=Low")
    for index, block, is_up in ((0, "start", False), (12, "end", True)):
        row = page.locator("#list tbody tr").nth(index)
        row.evaluate("(row, block) => row.scrollIntoView({block})", block)
        row.locator("a").first.focus()
        page.keyboard.press("m")
        menu = row.locator(".menu[open] > div")
        expect(menu).to_be_visible()
        expect(row.locator(".menu")).to_have_class("menu up" if is_up else "menu")
        assert box_of(menu)["y"] >= 0 and box_of(menu)["y"] + box_of(menu)["height"] <= 600
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [800, 1280])
def test_the_longest_name_makes_no_list_wider_than_the_window(
    page: Page, installation: Installation, width: int
) -> None:
    """Of 200 letters without a blank, with a run and an occurrence to come."""
    job_id = installation.make_job(name="W" * 199 + "!")
    installation.until_status(job_id, installation.run_now(job_id), "success")
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/runs", "/coming?q=w", "/jobs", "/"):
        page.goto(path)
        assert overflow(page) == 0, path


@pytest.mark.parametrize("listed", ["/jobs", "/runs", "/coming"])
def test_labels_are_taken_as_they_are_shown_and_half_of_one_stays_in_the_form(
    page: Page, job_id: str, listed: str
) -> None:  # fmt: skip
    """Pages write `team: crm`. What is no label does not lead to a page of errors."""
    name, value = next(iter(LABELS.items()))
    page.goto(listed)
    field = page.locator("#label")
    for half in (name, f"{name}:{value}:{value}", f"{name}:{value} {name}", "a:" + f"{'b' * 40}:" * 40 + "!"):
        field.fill(half)
        page.get_by_role("button", name="Show", exact=True).click()
        assert not field.evaluate("field => field.validity.valid") and page.url.endswith(listed), half
    field.fill(f" {name}:{value}\u2003{name} :{value}")
    assert field.evaluate("field => field.validity.valid")
    field.fill(f" {name}: {value} ")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(r"label="))
    expect(field).to_have_value(f"{name}:{value}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
