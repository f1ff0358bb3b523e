"""The page of a run, in a real browser, beside real runs."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.installation import API_KEY, Installation
from tests.support.processes import descendants

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What a run is told to log."""
    path = tmp_path / "told"
    path.touch()
    return path


def tell(told: Path, *lines: str) -> None:
    with told.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def start(installation: Installation, **config: object) -> tuple[str, str]:
    """A job and a run of it."""
    job_id = installation.make_job(name="Talker", bot_config=config)
    return job_id, installation.run_now(job_id)


def stop_web(installation: Installation) -> None:
    """All of its processes, at once."""
    below = descendants(installation.processes["web"].pid)
    installation.kill("web")
    for pid in below:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def lines(page: Page) -> list[str]:
    return page.locator("#log .line span").all_inner_texts()


def test_a_button_pressed_before_the_pages_scripts_are_there_does_what_it_says(
    page: Page, installation: Installation
) -> None:
    """Shown as being worked on meanwhile, and done once."""
    job_id = installation.make_job()
    held: list[Route] = []
    page.route("**/static/messages.*.js", lambda route: held.append(route))
    page.goto(f"/jobs/{job_id}", wait_until="commit")
    button = page.get_by_role("button", name="Run now")
    button.click(no_wait_after=True)
    button.click(no_wait_after=True)
    expect(button).to_have_attribute("aria-busy", "true")
    assert installation.history(job_id) == []
    for route in held:
        route.continue_()
    expect(page.get_by_role("link", name="Watch", exact=True)).to_be_visible()
    assert len(installation.history(job_id)) == 1


def test_keys_pressed_before_the_pages_scripts_are_there_do_what_they_do(
    page: Page, installation: Installation
) -> None:
    """A letter of the console, once; and the palette."""
    job_id, held = installation.make_job(), list[Route]()
    for keys, found in ((["g", "r"], "main h1:text-is('Runs')"), (["Control+k"], "dialog.palette")):
        page.route("**/static/messages.*.js", lambda route: held.append(route))
        page.goto(f"/jobs/{job_id}", wait_until="commit")
        expect(page.get_by_role("button", name="Run now")).to_be_visible()
        for key in keys:
            page.keyboard.press(key)
        while held:
            held.pop().continue_()
        page.unroute("**/static/messages.*.js")
        expect(page.locator(found)).to_be_visible()
    expect(page.locator("dialog.palette")).to_have_count(1)


def test_a_log_is_followed_to_its_end(page: Page, installation: Installation, told: Path) -> None:
    """Lines, progress and the outcome appear as they come, each once; then the page says that it is complete."""
    job_id, run_id = start(installation, tells=str(told))
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    tell(told, "one", "two")
    expect(page.locator("#log .line")).to_have_count(2)
    expect(page.locator("#progress")).to_contain_text("2 of 10")
    expect(page.get_by_role("progressbar")).to_have_js_property("value", 2)
    tell(told, "<b>three</b>")
    expect(page.locator("#log .line").nth(2)).to_contain_text("<b>three</b>")
    tell(told, "end")
    expect(page.get_by_role("heading", level=1)).to_contain_text("success")
    expect(page.locator("#following")).to_have_text("complete")
    assert lines(page) == ["one", "two", "<b>three</b>"]
    expect(page.locator("#result")).to_contain_text("messages sent")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.locator("#progress")).to_be_hidden()


def test_a_log_goes_on_after_the_service_was_away(page: Page, installation: Installation, told: Path) -> None:
    """What was logged meanwhile is there afterwards, and nothing twice."""
    job_id, run_id = start(installation, tells=str(told))
    tell(told, "before")
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    expect(page.locator("#following")).to_have_text("live")
    expect(page.locator("#log .line")).to_have_count(1)
    stop_web(installation)
    expect(page.locator("#following")).to_contain_text("reconnecting")
    tell(told, "meanwhile")
    installation.start("web").until_healthy()
    tell(told, "after")
    expect(page.locator("#log .line")).to_have_count(3)
    tell(told, "end")
    expect(page.locator("#following")).to_have_text("complete")
    assert lines(page) == ["before", "meanwhile", "after"]


def test_a_run_is_cancelled(page: Page, installation: Installation) -> None:
    """The button tells the run, and the page shows how it ended."""
    job_id, run_id = start(installation, mode="heed", seconds=600)
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="is stopping")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    assert installation.run(job_id, run_id)["status"] == "cancelled"


def test_attempts_lead_to_each_other(page: Page, installation: Installation) -> None:
    """From the run that failed to the one that tries again, and back; both tell what went wrong."""
    job_id = installation.make_job(bot_config={"mode": "raise"}, options={"max_retries": 1, "retry_delay_seconds": 1})
    first = installation.run_now(job_id)
    installation.until_status(job_id, first, "failed")
    page.goto(f"/jobs/{job_id}/runs/{first}")
    expect(page.locator("#error")).to_contain_text("the probe was told to fail")
    page.get_by_role("link", name="by the next attempt").click()
    expect(page.locator("#about")).to_contain_text("a retry")
    page.get_by_role("link", name="the failed run").click()
    expect(page).to_have_url(f"http://127.0.0.1:{installation.port}/jobs/{job_id}/runs/{first}")


def test_a_rehearsal_shows_the_messages_and_the_queue_its_record(page: Page, installation: Installation) -> None:
    """Each message is a row with its addressee and text; the link leads to rq-dashboard without another sign-in."""
    for name, mail in (("Zoë <Müller>", "zoe@example.org"), ("Nobody Reachable", None)):
        body = {"name": name, "birthday": "1990-04-12", "emails": [mail] if mail else []}
        assert installation.call("POST", "/contacts", body)[0] == 201
    rehearsal = {"dry_run": True, "today": "2025-04-12"}
    job_id = installation.make_job(name="Greetings", bot_type="birthday", bot_config=rehearsal)
    run_id = installation.run_now(job_id)
    installation.until_status(job_id, run_id, "success")
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    row = page.locator("table.list-messages tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("zoe@example.org")
    expect(row).to_contain_text("Zoë <Müller>")
    expect(page.locator("table.list-messages")).to_have_css("position", "static")  # in the page, not over it
    page.locator("#json summary").click()
    expect(page.locator("#json pre")).to_contain_text('"would_send": 1')
    page.get_by_role("link", name="Show in the queue").click()
    expect(page.locator("body")).to_contain_text(run_id)


def test_no_page_of_a_run_shows_the_key(page: Page, installation: Installation) -> None:
    """What is shown of a run tells nothing of how one gets in."""
    job_id, run_id = start(installation)
    installation.until_status(job_id, run_id, "success")
    page.goto(f"/jobs/{job_id}/runs/{run_id}")
    assert API_KEY not in page.content()
