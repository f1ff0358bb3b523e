"""The history of changes and deleted jobs, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


def change(installation: Installation, job_id: str, **fields: object) -> None:
    """Changes a job as somebody else does."""
    former = installation.call("GET", f"/jobs/{job_id}")[1]
    body = {name: former[name] for name in ("name", "bot_type", "schedule_type", "schedule_config", "bot_config")}
    assert installation.call("PUT", f"/jobs/{job_id}", {**body, **fields})[0] == 200


def test_a_job_goes_back_to_what_it_was(page: Page, installation: Installation) -> None:
    """From its page to the revision that was good, once the question is answered with yes; the note stands there."""
    job_id = installation.make_job(name="Good")
    change(installation, job_id, name="Worse", schedule_config={"hours": 7})
    page.goto(f"/jobs/{job_id}")
    page.locator("#changes").get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Revision 1")
    page.get_by_role("button", name="Restore").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Restore revision 1 of “Worse”?")
    dialog.get_by_role("button", name="Cancel").click()
    assert installation.call("GET", f"/jobs/{job_id}")[1]["revision"] == 2
    page.get_by_role("button", name="Restore").click()
    dialog.get_by_label("Note").fill("Zurück, schlüssig ✓")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Good")
    expect(page.locator("#messages")).to_contain_text("“Good” restored")
    expect(page.locator("#changes tbody tr").first).to_contain_text("Zurück, schlüssig ✓")
    job = installation.call("GET", f"/jobs/{job_id}")[1]
    assert (job["name"], job["schedule_config"], job["revision"]) == ("Good", {"hours": 1}, 3)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(page: Page, installation: Installation) -> None:
    """The page is of before: the answer says so, and nothing is restored."""
    job_id = installation.make_job(name="Good")
    change(installation, job_id, name="Worse")
    page.goto(f"/jobs/{job_id}/revisions/1")
    change(installation, job_id, name="Better")
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert installation.call("GET", f"/jobs/{job_id}")[1]["name"] == "Better"


def test_two_revisions_are_compared(page: Page, installation: Installation) -> None:
    """Chosen in a form."""
    job_id = installation.make_job(name="One")
    for name in ("Two", "Three"):
        change(installation, job_id, name=name)
    page.goto(f"/jobs/{job_id}/revisions")
    page.get_by_label("Compare revision").select_option("1")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#difference tbody tr")).to_have_count(1)
    expect(page.locator("#difference del")).to_have_text("One")
    expect(page.locator("#difference ins")).to_have_text("Three")


def test_a_change_has_a_note_if_one_likes(page: Page, installation: Installation) -> None:
    """It stands in the job's history of changes."""
    job_id = installation.make_job(name="Noted")
    page.goto(f"/jobs/{job_id}/edit")
    page.get_by_label("Description").fill("more")
    page.get_by_label("Note on this change").fill("für die Neuen")
    page.locator("#save").click()
    row = page.locator("#changes tbody tr").first
    expect(row).to_contain_text("für die Neuen")
    expect(row).to_contain_text("Description")


def test_a_deleted_job_comes_back(page: Page, installation: Installation) -> None:
    """From the message about it to the list of the deleted ones, and to its own page."""
    job_id = installation.make_job(name="Gone too soon")
    page.goto(f"/jobs/{job_id}")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("It can be restored for 30 days, without its runs")
    page.locator("#messages").get_by_role("link", name="Deleted jobs").click()
    row = page.locator(f"#job-{job_id}")
    expect(row).to_contain_text("the root key")
    row.get_by_role("button", name="Restore").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Gone too soon")
    assert installation.call("GET", f"/jobs/{job_id}")[1]["enabled"] is True
