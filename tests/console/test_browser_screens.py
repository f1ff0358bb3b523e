"""Each screen, light and dark: nothing keeps anybody out, and nothing is wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.console.scenes import SCREENS, Scene, fill, web_pages
from tests.support.chromium import PHONE, Complaints, address, barriers, overflow, reader, sign_in
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]


@pytest.fixture(scope="module")
def scene(installation: Installation) -> Iterator[Scene]:
    """Something to see on every screen."""
    with web_pages() as web:
        yield fill(installation, web)


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, installation: Installation) -> Iterator[Page]:
    """A page of somebody who is signed in and likes it light, or dark."""
    context = reader(browser, installation, color_scheme=request.param)
    sign_in(context, installation)
    page = context.new_page()
    complaints = Complaints(page, address(installation))
    yield page
    context.close()
    assert complaints.found == []


def flaws(page: Page) -> list[str]:
    """What keeps somebody out at the desk or on the phone; what else is there on the phone is there in each colour."""
    found = barriers(page)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    if page.evaluate("matchMedia('(prefers-color-scheme: light)').matches"):
        found += barriers(page)
    wider = overflow(page)
    return [*found, f"{wider} pixels wider than a phone"] if wider > 0 else found


def test_a_screen_that_is_not_would_be_noticed(stranger: Page) -> None:
    """A picture without words, letters that nobody can tell from the paper, a line that does not end."""
    stranger.set_content("<main><h1>Hello</h1><img src='data:,'><p style='color: #999'>grey</p></main>")
    found = "\n".join(barriers(stranger))
    assert "image-alt" in found
    assert "color-contrast" in found
    stranger.set_content(f"<main><h1>{'x' * 1000}</h1></main>")
    assert overflow(stranger) > 0


def test_the_first_page_is_for_everybody(page: Page) -> None:
    """The sign-in, also when it has refused a key, and the overview that has nothing to show yet."""
    page.goto("/")
    page.get_by_role("heading", name="Welcome").wait_for()
    assert flaws(page) == []
    page.context.clear_cookies()
    page.goto("/")
    assert flaws(page) == []
    page.get_by_label("API key").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").filter(has_text="Wrong key").wait_for()
    assert flaws(page) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_is_for_everybody(page: Page, scene: Scene, screen: str) -> None:
    """axe-core finds nothing serious or critical."""
    page.goto(scene.address(screen))
    assert flaws(page) == []


def test_long_words_make_a_jobs_page_no_wider_than_a_phone(page: Page, installation: Installation) -> None:
    """In its name and its description, such as an address."""
    job_id = installation.make_job(name="w" * 200, description=f"https://example.org/{'w' * 200}")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"/jobs/{job_id}")
    assert overflow(page) == 0


def test_a_name_from_right_to_left_moves_nothing_beside_it(page: Page, installation: Installation) -> None:
    """A job's state follows its name, and in the audit log the old name comes before the new one."""
    job_id = installation.make_job(name="\u202ereversed")
    assert installation.call("PUT", f"/jobs/{job_id}", {"name": "\u202eanew"})[0] == 200
    page.goto(f"/jobs/{job_id}")
    left = "found => found.getBoundingClientRect().left"
    assert page.locator("h1 .status").evaluate(left) > page.locator("h1 bdi").evaluate(left)
    page.goto(f"/access/audit?action=job.update&job_id={job_id}")
    field = page.locator(".changes li")
    assert field.locator("ins").evaluate(left) > field.locator("del").evaluate(left)


def test_the_preview_of_a_new_job_is_cut_off_in_no_language(browser: Browser, installation: Installation) -> None:
    """Times are the same in each; at a usual desk nothing of them is beyond the edge."""
    context = reader(browser, installation, locale="en-US", viewport={"width": 1280, "height": 800})
    sign_in(context, installation)
    page = context.new_page()
    page.goto("/jobs/new?example=birthday")
    page.locator("#occurrences td").last.wait_for()
    width = "document.querySelector('.preview .scroll').{}"
    assert page.evaluate(width.format("scrollWidth")) <= page.evaluate(width.format("clientWidth"))
    context.close()


def test_what_is_folded_and_what_fails_is_for_everybody(page: Page, scene: Scene) -> None:
    """Menus, options and errors that show only when somebody acts."""
    page.goto("/jobs")
    page.locator("details.menu summary").first.click()
    assert barriers(page) == []
    page.goto("/jobs/new")
    folded = page.locator("details:not([open]) > summary:visible")
    while folded.count():
        folded.first.click()
    page.get_by_label("Name", exact=True).fill("")
    page.locator("#save").click()
    page.locator("[aria-invalid=true]").first.wait_for()
    assert flaws(page) == []
    page.goto("/contacts/new")
    page.get_by_label("Birthday").fill("soon")
    page.get_by_role("button", name="Create").click()
    page.locator("#error-birthday:visible").wait_for()
    assert flaws(page) == []
