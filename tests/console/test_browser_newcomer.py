"""What somebody does who has just started it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.installation import API_KEY, ROOT, Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


def test_the_welcome_leads_to_a_first_job_in_three_clicks(page: Page, installation: Installation) -> None:
    """An example to load, a form that is filled in, and the job is there; it can be rehearsed at once."""
    page.goto("/")
    page.get_by_role("button", name="Load the example").click()
    expect(page.locator("#loaded")).to_contain_text("contacts loaded")
    page.get_by_role("link", name="Open the form").click()
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_role("button", name="Rehearse")).to_be_visible()
    (job,) = installation.call("GET", "/jobs")[1]
    assert (job["bot_type"], job["state"]) == ("birthday", "scheduled")
    page.get_by_role("button", name="Rehearse").click()
    page.get_by_role("link", name="Watch", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("rehearsed")
    expect(page.locator("#result")).to_contain_text("amelia.rivers@example.org")

    installation.call("DELETE", f"/jobs/{job['id']}")
    assert installation.call("GET", "/jobs")[1] == []
    for contact in installation.call("GET", "/contacts?limit=200")[1]:
        installation.call("DELETE", f"/contacts/{contact['id']}")


def test_a_newcomer_comes_from_the_key_to_a_plot(stranger: Page, installation: Installation) -> None:
    """Signs in, imports people, makes a job, rehearses it, follows its log, reads its plot, switches it off."""
    page = stranger
    page.goto("/")
    page.get_by_label("API key").fill(API_KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()

    page.get_by_role("link", name="Contacts", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a file").click()
    chooser.value.set_files(ROOT / "examples" / "contacts.vcf")
    expect(page.locator("#report")).to_contain_text("8 new")

    page.goto("/jobs/new?example=birthday")
    page.get_by_label("Name", exact=True).fill("My first job")
    sentence, rows = page.locator("#sentence"), page.locator("#occurrences tbody tr")
    expect(sentence).to_contain_text("08:00")
    expect(rows).to_have_count(10)
    page.get_by_label("Time of day").fill("21:45")
    expect(sentence).to_contain_text("21:45")
    expect(rows.first).to_contain_text("21:45:00")
    page.locator("[data-bot=birthday] summary").click()
    page.locator('[data-path="bot_config.today"]:visible').fill("2025-04-12")
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("My first job")

    page.get_by_role("button", name="Rehearse").click()
    page.get_by_role("link", name="Watch", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("rehearsed")
    expect(page.locator("#following")).to_have_text("complete")
    expect(page.locator("#result")).to_contain_text("amelia.rivers@example.org")

    page.get_by_role("link", name="My first job").click()
    expect(page.locator("#plots svg")).to_have_count(2)
    expect(page.locator("#plots")).to_contain_text("Duration of the last")
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("disabled")
    (job,) = installation.call("GET", "/jobs")[1]
    assert (job["enabled"], job["last_run_status"]) == (False, None)  # it was rehearsed, and never ran


def test_the_form_says_what_to_write_instead(page: Page) -> None:
    """Beside the field, as it is typed; and what the schedule does, once it is one."""
    page.goto("/jobs/new")
    page.get_by_role("radio", name="Cron").check()
    page.get_by_label("Cron expression").fill("0 8 * * MONDAY")
    expect(page.locator('[data-error="schedule_config.cron_expression"]')).to_contain_text(
        'write "0 8 * * mon" instead'
    )
    expect(page.locator("#sentence")).to_have_text("This schedule is not valid yet.")
    page.get_by_label("Cron expression").fill("0 8 1-7 * mon")
    expect(page.locator("#sentence")).to_contain_text("At 08:00 on the 1st to 7th of the month or on any Monday")
    page.get_by_label("Time zone").fill("CEST")
    expect(page.locator('[data-error="schedule_config.timezone"]')).to_contain_text('did you mean "Europe/Berlin"?')


def test_labels_are_typed_line_by_line_and_lead_to_the_jobs_that_have_them(page: Page) -> None:
    """A line that is no label is told beside the field, by the page or by the service, and nothing is saved."""
    page.goto("/jobs/new")
    page.get_by_label("Name").fill("Labelled")
    field, told = page.get_by_label("Labels"), page.locator('[data-error="labels"]')
    for text, words in (("team", "one label on each line"), ("a:b\na:c", "a label twice"), ("te am:crm", "te am")):
        field.fill(text)
        page.get_by_role("button", name="Create job").click()
        expect(told).to_contain_text(words)
    field.fill(" team : crm \n\nstage:live\n")
    page.get_by_role("button", name="Create job").click()
    page.get_by_role("link", name="team: crm").click()
    expect(page.get_by_role("link", name="Labelled", exact=True)).to_be_visible()
    page.get_by_role("link", name="stage: live").click()
    expect(page.get_by_role("textbox", name="Labels")).to_have_value("team:crm stage:live")
    page.get_by_role("link", name="Labelled", exact=True).click()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("textbox", name="Labels")).to_have_value("team:crm\nstage:live\n")
    page.get_by_label("Labels").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="team: crm")).to_have_count(0)


def test_the_overviews_notice_goes_once_somebody_says_that_it_was_seen(page: Page, installation: Installation) -> None:
    """By its button, without the page being loaded anew."""
    now = int(installation.client.time()[0]) * 1000
    installation.client.hset(
        installation.keys.data, mapping={"went_back_at": now, "went_back": "older", "went_back_beats": 1}
    )
    page.goto("/")
    notice = page.get_by_text("The data in Redis went back")
    expect(notice).to_be_visible()
    page.get_by_role("button", name="Acknowledge").click()
    expect(notice).to_have_count(0)
    assert installation.call("GET", "/health")[1]["data_went_back"] is None
