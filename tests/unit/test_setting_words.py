"""A job's settings in people's words, as its page and its runs' pages show them."""

from __future__ import annotations

from typing import Any

import pytest

from service.web.console.wording.setting_words import options_of, settings_of

TEXTS = {"de": {"on_time": "Alles Gute\n\nliebe {{ given_name }}!", "late": "Nachträglich\n\nalles Gute!"}}


@pytest.mark.parametrize(
    ("name", "value", "label", "text"),
    [
        ("process_late", True, "Process late", "yes"),
        ("dry_run", False, "Dry run", "no"),
        ("pause_seconds", 5400, "Pause", "1 h 30 min"),
        ("pause_seconds", None, "Pause seconds", "none"),
        ("url", "https://example.org/a", "URL", "https://example.org/a"),
        ("expected_statuses", [200, 204], "Expected statuses", "200, 204"),
        ("channels", [], "Channels", "none"),
        ("headers", {"X-A": "b"}, "Headers", '{"X-A": "b"}'),
        ("messages", {}, "Messages", "none"),
        ("limit", 3, "Limit", "3"),
    ],
)
def test_a_setting_is_shown_in_words(name: str, value: Any, label: str, text: str) -> None:
    """As the form names it."""
    assert settings_of({name: value}, {}) == [(name, label, text)]


def test_texts_are_shown_by_their_language() -> None:
    """With their own lines, not as JSON."""
    ((_, _, text),) = settings_of({"messages": TEXTS}, {})
    assert text.startswith("de, On time: Alles Gute\n\nliebe {{ given_name }}!\nde, Late: Nachträglich")


def test_options_have_the_words_of_the_form() -> None:
    """What is expected of runs, too; values that are choices have the choice's words."""
    expected = {"longest_seconds": "auto", "result": {"rows": {"min": 1}}}
    found = options_of({"catch_up": "all", "timeout_seconds": 60, "expect": expected})
    assert [(one.label, one.text) for one in found] == [
        ("After an outage, run", "All of them"),
        ("Give up after", "1 min"),
        ("Slow if a run takes longer than", "auto"),
        ("Not as expected unless the result has", "rows, Min: 1"),
    ]
