"""A session that ends while somebody works, in a real browser: the page asks for the key in place and goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.chromium import address, barriers
from tests.support.installation import API_KEY, ROOT, Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
SCOPES = ["read", "run", "write", "contacts"]


@dataclass
class Person:
    """Somebody who is signed in with a stored key.

    Args:
        page: in their browser.
        installation: where the key is.
        key_id: the key's.
    """

    page: Page
    installation: Installation
    key_id: str

    def lose_session(self) -> None:
        """Their key is revoked, and with it their session ends."""
        assert self.installation.call("DELETE", f"/keys/{self.key_id}")[0] == 204

    def sign_in_again(self, key: str) -> None:
        """Answers the question for the key."""
        self.dialog.get_by_label("API key").fill(key)
        self.dialog.get_by_role("button", name="Sign in").click()

    @property
    def dialog(self) -> Locator:
        """The question for the key."""
        return self.page.get_by_role("dialog")


def new_key(installation: Installation) -> dict[str, Any]:
    status, made = installation.call("POST", "/keys", {"name": "Ana", "scopes": SCOPES})
    assert status == 201
    return dict(made)


@pytest.fixture
def ana(stranger: Page, installation: Installation) -> Person:
    """Signed in with a key of her own."""
    made = new_key(installation)
    headers = {"Origin": address(installation)}
    assert stranger.context.request.post("/sign-in", form={"key": made["key"]}, headers=headers).ok
    return Person(stranger, installation, made["id"])


def test_a_form_that_is_sent_after_the_session_has_ended_loses_nothing(ana: Person, installation: Installation) -> None:
    """A wrong key is told of in place; with a right one, what was written is saved."""
    page = ana.page
    page.goto("/jobs/new")
    page.get_by_label("Bot", exact=True).select_option("birthday")
    page.get_by_label("Name", exact=True).fill("Written with care")
    ana.lose_session()
    page.locator("#save").click()
    expect(ana.dialog).to_contain_text("Your session has ended")
    assert barriers(page) == []
    ana.sign_in_again("wrong")
    expect(ana.dialog.get_by_role("alert")).to_contain_text("Wrong key")
    ana.sign_in_again(str(new_key(installation)["key"]))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Written with care")
    assert [job["name"] for job in installation.call("GET", "/jobs")[1]].count("Written with care") == 1


def test_who_does_not_sign_in_keeps_what_was_written(ana: Person, installation: Installation) -> None:
    """And may save it later; a change of the same job goes on under its revision."""
    page = ana.page
    job_id = installation.make_job(name="Before")
    page.goto(f"/jobs/{job_id}/edit")
    page.get_by_label("Name", exact=True).fill("After")
    ana.lose_session()
    page.locator("#save").click()
    ana.dialog.get_by_role("button", name="Not now").click()
    expect(page.locator("#summary")).to_contain_text("You are signed out")
    expect(page.get_by_label("Name", exact=True)).to_have_value("After")
    page.locator("#save").click()
    ana.sign_in_again(API_KEY)
    expect(page.get_by_role("heading", level=1)).to_contain_text("After")
    assert installation.call("GET", f"/jobs/{job_id}")[1]["revision"] == 2


def test_nobody_is_interrupted_while_they_write(ana: Person, installation: Installation) -> None:
    """The preview, for which nobody asked, opens no dialog: a message offers to sign in, and then it goes on."""
    page = ana.page
    page.goto("/jobs/new")
    expect(page.locator("#occurrences tbody tr")).to_have_count(10)
    ana.lose_session()
    page.get_by_label("Time of day").fill("21:45")
    expect(page.locator("#sentence")).to_contain_text("You are signed out")
    expect(ana.dialog).to_have_count(0)
    page.locator("#messages").get_by_role("button", name="Sign in").click()
    ana.sign_in_again(API_KEY)
    expect(page.locator("#sentence")).to_contain_text("21:45")
    expect(page.locator("#messages")).not_to_contain_text("Your session has ended")


def test_an_open_list_stays_and_goes_on(ana: Person, installation: Installation) -> None:
    """It leads nowhere by itself; once signed in, it shows what is new."""
    page = ana.page
    installation.make_job(name="Here from the beginning")
    page.goto("/runs")
    page.goto("/jobs")
    ana.lose_session()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#messages").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Here from the beginning")).to_be_visible()
    installation.make_job(name="New since then")
    ana.sign_in_again(API_KEY)
    expect(page.get_by_role("link", name="New since then")).to_be_visible()


def test_a_button_does_its_work_after_the_key(ana: Person, installation: Installation) -> None:
    """Once."""
    job_id = installation.make_job(name="To be run")
    ana.page.goto(f"/jobs/{job_id}")
    ana.lose_session()
    ana.page.get_by_role("button", name="Run now").click()
    ana.sign_in_again(API_KEY)
    expect(ana.page.get_by_role("link", name="Watch", exact=True)).to_be_visible()
    assert len(installation.history(job_id)) == 1


def test_a_file_is_imported_after_the_key(ana: Person, installation: Installation) -> None:
    """It need not be chosen again."""
    ana.page.goto("/contacts")
    ana.lose_session()
    ana.page.locator("#file").set_input_files(ROOT / "examples" / "contacts.vcf")
    ana.sign_in_again(API_KEY)
    expect(ana.page.locator("#report")).to_contain_text("8 new")


def test_a_form_for_a_contact_goes_on(ana: Person, installation: Installation) -> None:
    """With all that was written."""
    ana.page.goto("/contacts/new")
    ana.page.get_by_label("Name", exact=True).fill("Zora Zeller")
    ana.lose_session()
    ana.page.get_by_role("button", name="Create").click()
    ana.sign_in_again(API_KEY)
    expect(ana.page.get_by_role("link", name="Zora Zeller")).to_be_visible()
