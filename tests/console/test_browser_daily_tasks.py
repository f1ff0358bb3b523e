"""Some of a daily user's tasks (`tests/console/tasks.md`), by keyboard alone and on a small phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.console.daily_hands import OPTIONS, Hand, hand_in
from tests.console.daily_tasks import NOTE, TASKS, World, do
from tests.support.chromium import reader, sign_in
from tests.support.installation import Installation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.slow(reason="a browser looks at a whole installation"),
]
OFTEN = {
    "Find what fails, and read why": 40,
    "Run a job now, and follow it to its end": 120,
    "Disable a job, and undo it": 120,
    "Create a job that runs each day at 7:15": 120,
    "Skip one occurrence": 160,
}
"""Task -> the most acts that it may take by keyboard. A tap on each is less work: the phone has a tenth of it."""


@pytest.fixture(scope="module", params=["keyboard", "phone"])
def person(
    request: pytest.FixtureRequest, browser: Browser, installation: Installation
) -> Iterator[tuple[Hand, World]]:
    """Somebody who works in one way, and the jobs of it."""
    context = reader(browser, installation, **OPTIONS[request.param])
    sign_in(context, installation)
    yield hand_in(context, request.param), World(installation, request.param)
    context.close()


@pytest.mark.parametrize("title", OFTEN)
def test_a_task_is_done_in_few_acts(person: tuple[Hand, World], title: str) -> None:
    hand, world = person
    acts, _ = do(dict(TASKS)[title], hand, world)
    assert acts <= (OFTEN[title] if hand.way == "keyboard" else OFTEN[title] // 10)


def test_the_note_has_every_task() -> None:
    """`python -m tests.console.daily_tasks` writes it."""
    rows = [
        line.split(" | ")[1] for line in NOTE.read_text().splitlines() if line.startswith("| ") and "|---" not in line
    ]
    assert rows[1:] == [title for title, _ in TASKS]
