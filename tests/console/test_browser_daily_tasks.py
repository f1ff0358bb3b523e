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
    "Find what fails, and read why": (25, 1),
    "Run a job now, and follow it to its end": (10, 4),
    "Disable a job, and undo it": (10, 4),
    "Create a job that runs each day at 7:15": (20, 6),
    "Skip one occurrence": (40, 4),
}
"""Task -> the most keys, and the most taps, that it may take."""


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
    keys, taps = OFTEN[title]
    assert acts <= (keys if hand.way == "keyboard" else taps)


def test_the_note_has_every_task() -> None:
    """`python -m tests.console.daily_tasks` writes it."""
    rows = [
        line.split(" | ")[1] for line in NOTE.read_text().splitlines() if line.startswith("| ") and "|---" not in line
    ]
    assert rows[1:] == [title for title, _ in TASKS]
