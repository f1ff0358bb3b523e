"""Room for what matters, in a real browser: whole names, low rows, and what comes first is in sight."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.chromium import PHONE, barriers, overflow
from tests.support.installation import ROOT, Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
LAPTOP: Any = {"width": 1280, "height": 800}
NARROW: Any = {"width": 360, "height": 740}
NAME = "Monthly round of key accounts, Bregenz 240"
FAR_ZONE = "America/Argentina/Buenos_Aires"
DRAGGED = "() => { const it = new DataTransfer(); it.items.add(new File(['x'], 'x')); return it; }"
LOW = 42
"""The height of a row, px, with its line."""


def box_of(found: Locator) -> Any:
    """Where something stands."""
    box = found.bounding_box()
    assert box is not None
    return box


def heights(page: Page) -> list[float]:
    """The heights of a list's rows, px, except those that tell of changed fields."""
    rows = page.locator("#list tbody tr:not(:has(.changes))")
    rows.first.wait_for()
    found: list[float] = rows.evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
    return found


@pytest.fixture
def job_id(installation: Installation) -> str:
    """A job with a usual name, due soon, in a zone with a long name."""
    return installation.make_job(
        name=NAME, schedule_type="cron", schedule_config={"cron_expression": "*/20 * * * *", "timezone": FAR_ZONE},
        labels={"team": "crm", "region": "bregenz", "stage": "live"},
    )  # fmt: skip


def test_the_import_comes_first_until_there_are_contacts(page: Page) -> None:
    """Then search and list do; a file that is dragged over the page opens the import."""
    primary = page.locator("main .primary:visible")
    page.goto("/contacts")
    expect(primary).to_have_text(re.compile("Choose a file"))
    page.get_by_label("Choose a file").set_input_files(ROOT / "examples" / "contacts.vcf")
    expect(page.locator("#list tbody tr").first).to_be_visible()
    for size in (LAPTOP, NARROW):
        page.set_viewport_size(size)
        page.goto("/contacts")
        expect(page.get_by_label("Choose a file")).to_be_hidden()
        expect(primary).to_have_text("New contact")
        assert box_of(page.locator("#q"))["y"] < size["height"] * 0.6
        assert box_of(page.locator("#list tbody tr").first)["y"] < size["height"]
        assert box_of(page.locator("#birthdays"))["y"] > box_of(page.locator("#list"))["y"]
        assert barriers(page) == [] and overflow(page) == 0
    dragged = page.evaluate_handle(DRAGGED)
    page.dispatch_event("h1", "dragover", {"dataTransfer": dragged})
    expect(page.get_by_text("Drop a file here, or")).to_be_visible()


def test_the_timeline_names_its_jobs_whole(page: Page, job_id: str, installation: Installation) -> None:
    """Cut ones in a title; on a phone they wrap."""
    page.goto("/")
    lane = page.locator(f".timeline a[href='/jobs/{job_id}']")
    expect(lane.locator("text")).to_have_text(NAME)
    expect(lane.locator("title")).to_have_text(NAME)
    name, first = box_of(lane.locator("text")), box_of(page.locator(".timeline .grid").first)
    assert name["x"] + name["width"] <= first["x"]
    installation.make_job(name="W" * 60, schedule_type="interval", schedule_config={"minutes": 30})
    page.reload()
    cut = page.locator(".timeline a", has_text="WWW")
    expect(cut.locator("title")).to_have_text("W" * 60)
    expect(cut.locator("text")).to_have_attribute("clip-path", "url(#names)")
    page.set_viewport_size(NARROW)
    listed = page.locator(f".lanes a[href='/jobs/{job_id}']")
    expect(listed).to_have_text(NAME)
    assert overflow(page) == 0


def test_rows_of_lists_have_40_pixels(page: Page, job_id: str, installation: Installation) -> None:
    """However long a zone's name is, and where a result is empty; times are relative first."""
    installation.until_status(job_id, installation.run_now(job_id), "success", "failed")
    page.set_viewport_size(LAPTOP)
    for path in ("/coming", "/runs", "/access/audit"):
        page.goto(path)
        assert max(heights(page)) <= LOW, path
        assert overflow(page) == 0, path
    expect(page.locator(".audit time").first).to_have_text(re.compile("ago$|^now$"))
    page.goto("/runs")
    assert box_of(page.locator("#until"))["y"] == pytest.approx(box_of(page.locator("#job"))["y"], abs=4)


def test_a_phone_shows_no_label_without_a_value(page: Page, job_id: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto("/coming")
    expect(page.locator("td[data-label=Note]").first).to_be_hidden()
    expect(page.locator("td[data-label=Job]").first).to_be_visible()


def test_the_way_back_from_the_queue_is_in_sight_on_a_phone(page: Page) -> None:
    page.set_viewport_size(NARROW)
    page.goto("/rq/")
    link = box_of(page.get_by_role("link", name="Back to the console"))
    assert link["x"] >= 0 and link["x"] + link["width"] <= NARROW["width"] / 2
    assert overflow(page) == 0


def test_the_field_of_labels_shows_all_of_them(page: Page, job_id: str) -> None:
    page.goto(f"/jobs/{job_id}/edit")
    labels = page.get_by_label("Labels")
    shows = "field => field.scrollHeight <= field.clientHeight"
    assert labels.evaluate(shows)
    labels.fill("\n".join(f"label{number}:x" for number in range(8)))
    assert labels.evaluate(shows)


def test_a_runs_times_are_in_its_jobs_zone(page: Page, installation: Installation) -> None:
    """The timings, which name it, and the log; the relative time comes first."""
    job_id = installation.make_job(
        name="Far away", schedule_config={"hour": 8, "minute": 0, "timezone": "Asia/Tokyo"}, schedule_type="daily"
    )
    run_id = installation.run_now(job_id)
    installation.until_status(job_id, run_id, "success", "failed")
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    expect(page.locator("#facts h2")).to_have_text("Timings (Asia/Tokyo)")
    queued = page.locator("#facts dt", has_text="Queued").locator("+ dd").locator("time")
    expect(queued.nth(0)).to_have_text(re.compile("ago$|^now$"))
    tokyo = page.evaluate(
        """instant => new Date(instant).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" })""",
        queued.nth(1).get_attribute("datetime"),
    )
    expect(queued.nth(1)).to_have_text(re.compile(f"{tokyo}$"))
    expect(queued.nth(0)).to_have_attribute("title", re.compile(r"\(Asia/Tokyo\)$"))
    for line in page.locator("#log time").all():
        expect(line).to_have_attribute("title", re.compile(r"\(Asia/Tokyo\)$"))
