"""Page of occurrences of a week in which everything happens: all of it is there, as a reader is to find it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from tests.console.test_pages import check
from tests.store.test_explain import SENTENCES, Week
from tests.store.test_explain import week as week
from tests.support.browsing import Browser, installation, words

SPAN = "since=2027-03-22T00:00&until=2027-04-01T00:00"
ON_TIME = "ran", "success"
ROWS = [
    ("Schedule of revision 1",),
    ("Mon 2027-03-22 08:30", *ON_TIME),
    ("Mon 2027-03-22 20:30", *ON_TIME),
    ("Tue 2027-03-23 02:30", *ON_TIME),
    ("Tue 2027-03-23 08:30", "moved",
     "success moved to Tue 2027-03-23 14:00:00 +01:00 “the figures come later” by Ada's key"),
    ("Tue 2027-03-23 20:30", *ON_TIME),
    ("Wed 2027-03-24 02:30", "skipped", "skipped too late: its grace time was over"),
    ("Wed 2027-03-24 08:30", "skipped", "skipped a newer occurrence ran instead"),
    ("Wed 2027-03-24 20:30", "skipped", "skipped a newer occurrence ran instead"),
    ("Thu 2027-03-25 02:30", "ran", "success 4 h 40 min late"),
    ("Thu 2027-03-25 08:30", *ON_TIME),
    ("Schedule of revision 2",),
    ("Thu 2027-03-25 20:30", "unaccounted", ""),
    ("Fri 2027-03-26 02:30", "closed", "skipped Good Friday"),
    ("Fri 2027-03-26 09:30", "closed", "skipped Good Friday"),
    ("Fri 2027-03-26 20:30", "closed", "skipped Good Friday"),
    ("Sat 2027-03-27 02:30", *ON_TIME),
    ("Sat 2027-03-27 09:30", *ON_TIME),
    ("Schedule of revision 4",),
    ("Sat 2027-03-27 20:30", *ON_TIME),
    ("Sun 2027-03-28 03:00", *ON_TIME),
    ("Sun 2027-03-28 09:30", "paused", "skipped the database moves by Ada's key"),
    ("Sun 2027-03-28 20:30", "moved", "success moved to Sun 2027-03-28 07:00:00 +02:00 by Ada's key"),
    ("Mon 2027-03-29 02:30", "dropped",
     "due while no scheduler was up, and then the job was changed by Ada's key"),
    ("Schedule of revision 5",),
    ("Mon 2027-03-29 10:30", "ran", "success held by a pause: the database moves back by Ada's key"),
    ("Mon 2027-03-29 20:30", "paused", "stocktaking by Ada's key"),
    ("Tue 2027-03-30 02:30", "paused",
     "moved to Tue 2027-03-30 06:00:00 +02:00 “a quiet night” stocktaking by Ada's key"),
    ("Tue 2027-03-30 10:30", "paused", "stocktaking by Ada's key"),
    ("Tue 2027-03-30 20:30", "skipped", "somebody skipped this occurrence “an audit” by Ada's key"),
    ("Wed 2027-03-31 02:30", "coming", "with other settings by Ada's key"),
    ("Wed 2027-03-31 10:30", "coming", ""),
    ("Wed 2027-03-31 20:30", "coming", ""),
]  # fmt: skip
"""Of each row the time, to the minute, the fate and what stands beside it; written before the page was looked at."""


@pytest.fixture
def job_id(week: Week) -> str:
    """The job, when the week has passed."""
    return week.pass_by()


@pytest.fixture
def browser(job_id: str, valkey_server: Any) -> Browser:
    """Signed in at the end of the week."""
    browser = Browser(installation(valkey_server.url))
    assert browser.sign_in().status_code == 303
    return browser


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(page: str) -> list[tuple[str, ...]]:
    """What the rows of the list say, without the signs and the offsets of times."""
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    found = []
    for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
        cells = [plain(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        if len(cells) > 1:
            time, fate, details, _ = cells
            cells = [time[:20], fate.split(" ", 1)[1], details]
        found.append(tuple(cells))
    return found


def test_the_page_shows_all_of_the_week(job_id: str, browser: Browser) -> None:
    """And says how many are not accounted for: the one whose entry somebody has deleted."""
    page = browser.get(f"/jobs/{job_id}/occurrences?{SPAN}")
    check(page)
    assert rows(page.text) == ROWS
    assert "not accounted for" in words(page) and "1 unaccounted for" in words(page)


def test_the_page_answers_why_with_the_sentence(week: Week, job_id: str, browser: Browser) -> None:
    """Of each instant; one to which another was moved leads to that one's run."""
    for at, sentence in SENTENCES.items():
        assert sentence in words(browser.get(f"/jobs/{job_id}/occurrences?at={at.replace('+', '%2B')}")), at
    (moved,) = [run for run in week.rig.history(job_id) if run["scheduled_for"] == "2027-03-23T07:30:00"]
    told = browser.get(f"/jobs/{job_id}/occurrences?at=2027-03-23T14:00").text
    assert f"/jobs/{job_id}/runs/{moved['id']}" in told.split('id="told"')[1].split("</p>")[0]
