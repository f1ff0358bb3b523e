"""Three ways to work in a browser: with a mouse, with the keyboard alone, and with a thumb on a small phone.

Each counts what its person does: clicks, keys that are no text (Tab counts, letters of a name do not), or taps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

MOST_TABS = 400
WAYS = ("mouse", "keyboard", "phone")
SMALL = {"width": 360, "height": 780}
OPTIONS: dict[str, dict[str, Any]] = {
    "mouse": {},
    "keyboard": {},
    "phone": {"viewport": SMALL, "has_touch": True, "is_mobile": True},
}
"""Way -> what its browser is told."""
HAS_FOCUS = "found => found === document.activeElement"


class Hand:
    """Somebody at a page.

    Args:
        page: theirs.
        way: one of `WAYS`.
    """

    def __init__(self, page: Page, way: str) -> None:
        self.page = page
        self.way = way
        self.acts = 0

    def press(self, goal: Locator) -> None:
        """Click a button or a link, or tap on it, or go to it and press Enter; of a box, Space."""
        expect(goal).to_be_visible()
        if self.way == "mouse":
            self._count(goal.click)
        elif self.way == "phone":
            self._count(goal.tap)
        else:
            self._go_to(goal)
            self.key("Space" if goal.evaluate("found => found.matches('input')") else "Enter")

    def write(self, goal: Locator, text: str) -> None:
        """Fill in a field."""
        if self.way == "keyboard":
            self._go_to(goal)
        else:
            self.press(goal)
        goal.fill(text)

    def tick(self, name: str) -> None:
        """Tick the line of a list; a keyboard steps to it."""
        box = self.page.get_by_label(f"Tick {name}", exact=True)
        if self.way != "keyboard":
            return self.press(box)
        row = self.page.locator("main tbody tr").filter(has=box)
        for _ in range(MOST_TABS):
            if row.evaluate("row => row.contains(document.activeElement)"):
                self.key("x")
                return expect(box).to_be_checked()
            self.key("j")
        raise AssertionError(f"j does not lead to {name}")

    def choose(self, goal: Locator, label: str) -> None:
        """Choose from a list; counted as one more act."""
        if self.way == "keyboard":
            self._go_to(goal)
        self._count(lambda: goal.select_option(label=label))

    def key(self, key: str) -> None:
        """Press a key."""
        self._count(lambda: self.page.keyboard.press(key))

    def keys_or(self, keys: str, otherwise: Locator) -> None:
        """Press keys one after the other where there is a keyboard, else the button or link that does the same."""
        if self.way != "keyboard":
            return self.press(otherwise)
        expect(otherwise).to_be_visible()
        for key in keys.split():
            self.key(key)
        return None

    def do(self, name: str, button: Locator) -> None:
        """Do something that the page offers: by its button, or by the palette."""
        if self.way != "keyboard":
            return self.press(button)
        expect(button).to_be_visible()
        self.key("Control+k")
        self.page.get_by_role("combobox", name="Search and do").fill(name)
        expect(self.page.get_by_role("option", name=f"{name} On this page", exact=True)).to_be_visible()
        return self.key("Enter")

    def save(self, button: Locator) -> None:
        """Save a form."""
        self.keys_or("Control+Enter", button)

    def go(self, section: str, letter: str) -> None:
        """Go to a section of the console."""
        self.keys_or(f"g {letter}", self.page.get_by_label("Sections").get_by_role("link", name=section, exact=True))
        expect(self.page.locator("h1")).to_contain_text(section)

    def open_filters(self) -> None:
        """Open the filters of a list that a phone folds away."""
        if self.way == "phone":
            self.press(self.page.get_by_role("button", name="Filters", exact=True))

    def find(self, name: str) -> None:
        """Open the page of a job by its name."""
        self.keys_or("Control+k", self.page.get_by_role("button", name="Find", exact=True))
        self.page.get_by_role("combobox", name="Search and do").fill(name)
        found = self.page.get_by_role("option", name=f"{name} Job", exact=True)
        expect(found).to_be_visible()
        if self.way == "keyboard":
            self.key("Enter")
        else:
            self.press(found)
        expect(self.page.locator("h1")).to_contain_text(name)

    def _go_to(self, goal: Locator) -> None:
        expect(goal).to_be_visible()
        for _ in range(MOST_TABS):
            if goal.evaluate(HAS_FOCUS):
                return
            self.key("Tab")
        raise AssertionError(f"Tab does not lead to {goal}")

    def _count(self, act: Callable[[], object]) -> None:
        self.acts += 1
        act()


def hand_in(context: BrowserContext, way: str) -> Hand:
    """Sit down at a new page."""
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    return Hand(page, way)
