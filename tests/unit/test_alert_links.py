"""Links in alerts and the ends of snoozes: properties."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.alerting.link import LONGEST, Link, read, signed
from service.domain.alerting.snooze import CHOICES, Snooze, end_of, of_address
from service.domain.schedules.zones import zone
from service.errors import SettingsError
from service.settings import load_settings

SECRET, OTHER = b"a" * 64, b"b" * 64
ids = st.uuids().map(str)
tos = st.sampled_from(["ALERT_URL", "BOT_SECRET_OPS", "channel:ops", f"channel:{'x' * 63}"])
links = st.builds(
    Link, st.sampled_from(["snooze", "again"]), ids, ids, st.none() | ids, tos, st.integers(0, 2**40)
)  # fmt: skip


@given(links)
def test_a_link_is_read_as_it_was_signed_by_whichever_secret_is_accepted(link: Link) -> None:
    token = signed(link, SECRET)
    assert read(token, [OTHER, SECRET]) == link and len(token) <= LONGEST
    assert read(token, [OTHER]) is None and read(token, []) is None


@given(links, st.data())
def test_a_link_that_was_changed_anywhere_is_none(link: Link, data: Any) -> None:
    """One bit, one character more or less, or another spelling of the same bytes."""
    token = signed(link, SECRET)
    raw = bytearray(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    place = data.draw(st.integers(0, len(token)))
    more = data.draw(st.sampled_from(["=", "A", ".", "%41", "\n", " ", "ä", "/", "+"]))
    changed = [
        urlsafe_b64encode(raw).decode().rstrip("="), token[:place] + more + token[place:], token[:place][:-1],
        token[:-1] + chr(ord(token[-1]) + 1), token + "A" * LONGEST, token.swapcase(),
    ]  # fmt: skip
    assert [read(one, [SECRET]) for one in changed] == [None] * len(changed)


@given(st.integers(1_767_225_600, 1_830_000_000), st.sampled_from(["UTC", "Europe/Vienna", "Australia/Lord_Howe"]))
def test_a_snooze_until_the_morning_ends_at_the_first_8_00_by_the_clocks(now: int, timezone: str) -> None:
    """The oracle walks the wall clock minute by minute."""
    end = end_of("morning", now, timezone)
    at = now - now % 60 + 60
    while f"{datetime.fromtimestamp(at, UTC).astimezone(zone(timezone)):%H:%M}" != "08:00":
        at += 60
    assert end == at
    assert end_of("hour", now, timezone) == now + 3600 and end_of("day", now, timezone) == now + 86_400
    assert {*CHOICES} == {"hour", "day", "morning"}


def test_a_snooze_is_for_each_url_of_its_channel_and_for_no_other() -> None:
    snooze = Snooze("a", "job", "channel:ops", 1000, 2000)
    assert of_address([snooze], "channel:ops/1") == of_address([snooze], "channel:ops/2") == [snooze]
    assert of_address([snooze], "channel:ops2/1") == of_address([snooze], "ALERT_URL/1") == []
    assert snooze.holds("job", 1999) and not snooze.holds("job", 2000) and not snooze.holds("other", 1999)
    assert snooze.has_held("job", 1000) and not snooze.has_held("job", 2000) and not snooze.has_held("job", 999)


def test_links_need_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service does not start without, and says so."""
    monkeypatch.setenv("RUN_LINKS", "true")
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    with pytest.raises(SettingsError, match="RUN_LINKS: needs PUBLIC_URL"):
        load_settings()
    monkeypatch.setenv("PUBLIC_URL", "https://bots.example.org")
    assert load_settings().run_links
    monkeypatch.setenv("RUN_LINKS", "false")
    monkeypatch.delenv("PUBLIC_URL")
    assert not load_settings().run_links


def test_two_clocks_a_day_apart_never_make_a_negative_snooze() -> None:
    for minutes in range(0, 1440, 7):
        now = int((datetime(2027, 3, 27, tzinfo=UTC) + timedelta(minutes=minutes)).timestamp())
        assert 0 < end_of("morning", now, "Europe/Vienna") - now <= 90_000
