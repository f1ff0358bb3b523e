"""Timestamps as people send them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.timestamps import LAST_INSTANT, format_timestamp, parse_period, parse_timestamp
from service.errors import ValidationFailed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00", 0),
        ("2025-01-15T08:00:00", 1_736_928_000),
        ("2025-01-15T08:00:00Z", 1_736_928_000),
        ("2025-01-15T09:00:00+01:00", 1_736_928_000),
        ("2025-01-15T02:30:00-05:30", 1_736_928_000),
        ("2025-01-15T08:00:00.000Z", 1_736_928_000),
        ("9999-12-31T23:59:59", LAST_INSTANT),
        ("1969-12-31T23:00:00-01:00", 0),
        ("2024-02-29T00:00:00", 1_709_164_800),
    ],
)
def test_understood(text: str, expected: int) -> None:
    """Without an offset it is UTC; `Z` and offsets are taken; 1970 to 9999 in UTC is the range."""
    assert parse_timestamp(text, "from") == expected


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "must be a timestamp"),
        ("2025-01-15", "must be a timestamp"),
        ("2025-01-15 08:00:00", "must be a timestamp"),
        ("2025-01-15T08:00", "must be a timestamp"),
        ("2025-1-15T08:00:00", "must be a timestamp"),
        ("2025-01-15T08:00:00+0100", "must be a timestamp"),
        ("2025-01-15T08:00:00z", "must be a timestamp"),
        ("2025-01-15T08:00:00Z\n", "must be a timestamp"),
        ("٢٠٢٥-01-15T08:00:00", "must be a timestamp"),
        ("10000-01-01T00:00:00", "must be a timestamp"),
        ("-001-01-01T00:00:00", "must be a timestamp"),
        (None, "must be a timestamp"),
        (0, "must be a timestamp"),
        (True, "must be a timestamp"),
        ("\ud800", "must be a timestamp"),
        ("x" * 100_000, "must be a timestamp"),
        ("2025-01-15T08:00:00.5Z", "must be in whole seconds"),
        ("2025-02-29T00:00:00", "must be a date and time that exist"),
        ("2025-13-01T00:00:00", "that exist"),
        ("2025-01-15T24:00:00", "that exist"),
        ("2025-01-15T23:59:60", "that exist"),
        ("0000-01-01T00:00:00", "that exist"),
        ("2025-01-15T08:00:00+24:00", "that exist"),
        ("2025-01-15T08:00:00+01:60", "that exist"),
        ("1969-12-31T23:59:59", "years 1970 to 9999"),
        ("0001-01-01T00:00:00+23:59", "years 1970 to 9999"),
        ("9999-12-31T23:59:59-00:01", "years 1970 to 9999"),
        ("1970-01-01T00:00:00+00:01", "years 1970 to 9999"),
    ],
)
def test_refused(value: object, why: str) -> None:
    """Anything else is refused with a short sentence that names the field."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_timestamp(value, "options.starts_at")
    assert str(refusal.value).startswith("options.starts_at must ")
    assert why in str(refusal.value)
    assert len(str(refusal.value)) < 250


@given(st.integers(0, LAST_INSTANT))
def test_what_is_answered_is_understood(instant: int) -> None:
    """Every timestamp that the API answers can be sent back."""
    assert parse_timestamp(format_timestamp(instant), "x") == instant
    assert parse_timestamp(datetime.fromtimestamp(instant, UTC).isoformat(), "x") == instant


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Any text is a timestamp or refused."""
    try:
        assert 0 <= parse_timestamp(text, "x") <= LAST_INSTANT
    except ValidationFailed:
        pass


def test_a_period_has_its_ends_in_order() -> None:
    """An open end is None; the refusal of a period that ends before it starts names both."""
    assert parse_period(None, None) == (None, None)
    assert parse_period("1970-01-01T00:00:10", "1970-01-01T00:00:10") == (10, 10)
    with pytest.raises(ValidationFailed, match=r'^until must not be before since, which is "2027.*", not "2026-'):
        parse_period("2027-01-01T00:00:00", "2026-01-01T00:00:00+01:00")
