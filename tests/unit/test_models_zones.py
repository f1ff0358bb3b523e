"""Other names of time zones: each is refused with the IANA name that is meant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.schedules.definition import parse_schedule
from service.domain.schedules.zone_advice import aliases
from service.domain.schedules.zones import zone, zone_names
from service.errors import ValidationFailed

IANA = "must be an IANA time zone name"


def refused(name: str) -> str:
    """Why a name is refused."""
    with pytest.raises(ValidationFailed) as refusal:
        parse_schedule("daily", {"hour": 8, "minute": 0, "timezone": name})
    (error,) = refusal.value.errors
    assert error.field == "schedule_config.timezone" and error.message.startswith(IANA)
    return error.message


def meant(name: str) -> list[str]:
    """The zones that a refusal asks about; each is one."""
    asked = re.search(r"; did you mean (.*)\?$", refused(name))
    found = re.findall(r'"([^"]+)"', asked[1]) if asked else []
    assert set(found) <= zone_names()
    return found


@pytest.mark.parametrize(
    ("name", "zones"),
    [
        # places, by their last part, in any case and spelling
        ("Berlin", ["Europe/Berlin"]),
        ("Vienna", ["Europe/Vienna"]),
        ("New York", ["America/New_York"]),
        ("new_york", ["America/New_York"]),
        ("NEWYORK", ["America/New_York"]),
        ("europe/berlin", ["Europe/Berlin"]),
        ("Europe Berlin", ["Europe/Berlin"]),
        ("europe-vienna", ["Europe/Vienna"]),
        ("America/Vienna", ["Europe/Vienna"]),
        ("US/New_York", ["America/New_York"]),
        ("São Paulo", ["America/Sao_Paulo"]),
        ("Zürich", ["Europe/Zurich"]),
        ("Buenos Aires", ["America/Argentina/Buenos_Aires"]),
        ("Indianapolis", ["America/Indiana/Indianapolis"]),
        ("Istanbul", ["Europe/Istanbul"]),
        ("Hong Kong", ["Asia/Hong_Kong"]),
        ("singapore", ["Asia/Singapore"]),
        ("Berlin, Germany", ["Europe/Berlin"]),
        ("Europe\\Berlin", ["Europe/Berlin"]),
        ("Saint Johns", ["America/St_Johns"]),
        ("St. John's", ["America/St_Johns"]),
        ("utc", ["UTC"]),
        ("us/eastern", ["US/Eastern"]),
        # places that have no zone of their name, or another one by now
        ("Munich", ["Europe/Berlin"]),
        ("München", ["Europe/Berlin"]),
        ("Europe/Munich", ["Europe/Berlin"]),
        ("America/San_Francisco", ["America/Los_Angeles"]),
        ("Saint Petersburg", ["Europe/Moscow"]),
        ("St. Petersburg", ["Europe/Moscow"]),
        ("Mumbai", ["Asia/Kolkata"]),
        ("Kiev", ["Europe/Kyiv"]),
        ("Calcutta", ["Asia/Kolkata"]),
        ("Ho Chi Minh City", ["Asia/Ho_Chi_Minh"]),
        ("San José", ["America/Los_Angeles", "America/Costa_Rica"]),
        ("Germany", ["Europe/Berlin"]),
        ("USA", ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"]),
        # abbreviations
        ("CEST", ["Europe/Berlin"]),
        ("PST", ["America/Los_Angeles"]),
        ("pdt", ["America/Los_Angeles"]),
        ("AEDT", ["Australia/Sydney"]),
        ("MESZ", ["Europe/Berlin"]),
        ("JST", ["Asia/Tokyo"]),
        ("Z", ["UTC"]),
        ("CST", ["America/Chicago", "Asia/Shanghai"]),
        ("BST", ["Europe/London", "Asia/Dhaka"]),
        ("IST", ["Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"]),
        ("AEST", ["Australia/Sydney", "Australia/Brisbane"]),
        ("EST5EDT4", ["America/New_York"]),
        ("EST5EDT,M3.2.0,M11.1.0", ["America/New_York"]),
        ("CET-1CEST,M3.5.0,M10.5.0/3", ["Europe/Berlin"]),
        # Windows' names, and how Outlook shows them
        ("Pacific Standard Time", ["America/Los_Angeles"]),
        ("W. Europe Standard Time", ["Europe/Berlin"]),
        ("tokyo standard time", ["Asia/Tokyo"]),
        ("India Standard Time", ["Asia/Kolkata"]),
        ("W. Europe Daylight Time", ["Europe/Berlin"]),
        ("GMT Summer Time", ["Europe/London"]),
        ("Pacific Standard Time (Mexico)", ["America/Tijuana"]),
        ("UTC-11", ["Etc/GMT+11"]),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
         ["Europe/Amsterdam", "Europe/Berlin", "Europe/Zurich"]),
        ("(UTC-08:00) Pacific Time (US & Canada)", ["America/Los_Angeles"]),
        ("Eastern Time (US & Canada)", ["America/New_York"]),
        ("Pacific", ["America/Los_Angeles"]),
        # offsets: the database's own have the other sign
        ("GMT+2", ["Etc/GMT-2"]),
        ("UTC+2", ["Etc/GMT-2"]),
        ("UTC -5", ["Etc/GMT+5"]),
        ("+02:00", ["Etc/GMT-2"]),
        ("+0200", ["Etc/GMT-2"]),
        ("-5", ["Etc/GMT+5"]),
        ("UTC−3", ["Etc/GMT+3"]),
        ("GMT+14", ["Etc/GMT-14"]),
        ("Etc/GMT+02", ["Etc/GMT+2"]),
        ("UTC+0", ["UTC"]),
        ("+00:00", ["UTC"]),
        ("+05:30", ["Asia/Kolkata"]),
        ("UTC+0545", ["Asia/Kathmandu"]),
        ("GMT-3:30", ["America/St_Johns"]),
        # slips of the pen
        ("america/new york", ["America/New_York"]),
        ("Amerika/New_York", ["America/New_York"]),
        ("Europe/Berln", ["Europe/Berlin"]),
        ("Viena", ["Europe/Vienna"]),
        ("Pacfic Standard Time", ["America/Los_Angeles"]),
        # nothing is guessed
        ("Mars/Olympus", []),
        ("UTC+15", []),
        ("-13", []),
        ("+01:20", []),
        ("XYZ", []),
        ("Europe", []),
        ("", []),
        ("/", []),
        ("localtime", []),
        ("+" * 200, []),
    ],
)  # fmt: skip
def test_another_name_is_answered_with_the_zone_that_is_meant(name: str, zones: list[str]) -> None:
    """By its last part, as an offset, an abbreviation, Windows' name; several where it means several."""
    assert meant(name) == zones


def test_the_sign_of_an_offset_is_explained() -> None:
    """Whoever writes GMT+2 is told why the name has a minus; for half hours there is nothing to explain."""
    assert refused("GMT+2").endswith('did you mean "Etc/GMT-2" (there the sign is the other way round)?')
    assert "sign" not in refused("+05:30") + refused("UTC+0") + refused("Etc/GMT+02") + refused("Berlin")


@pytest.mark.parametrize("name", ["Asia/Calcutta", "Europe/Kiev", "EST", "EST5EDT", "GMT+0", "GB", "US/Pacific"])
def test_older_names_of_the_database_are_taken(name: str) -> None:
    """They are links, and legal."""
    assert parse_schedule("daily", {"hour": 8, "minute": 0, "timezone": name}).timezone == name


@given(hours=st.integers(-12, 14).filter(bool), prefix=st.sampled_from(["", "UTC", "GMT", "utc"]))
def test_an_offset_means_the_zone_that_keeps_it(hours: int, prefix: str) -> None:
    """The zone's own offset is what was written, sign included."""
    (name,) = meant(f"{prefix}{hours:+d}")
    assert zone(name).utcoffset(datetime(2026, 1, 1)) == timedelta(hours=hours)
    assert meant(f"{prefix}{hours:+03d}:00") == [name]


def test_each_offset_between_hours_is_one_that_its_zone_keeps() -> None:
    """In January or in July."""
    for alias, names in aliases().items():
        if alias[0] in "+-":
            offset = timedelta(hours=int(alias[1:3]), minutes=int(alias[4:])) * (1 if alias[0] == "+" else -1)
            assert all(offset in (zone(name).utcoffset(datetime(2026, month, 1)) for month in (1, 7)) for name in names)


def test_every_alias_leads_to_zones_and_hides_none() -> None:
    """What is asked about can be written; no alias is a zone's name already."""
    assert len(aliases()) > 350
    assert {name for names in aliases().values() for name in names} <= zone_names()
    assert not set(aliases()) & {re.sub(r"[^a-z0-9]", "", name.lower()) for name in zone_names()}


@given(st.text(max_size=120))
@settings(max_examples=200)
def test_no_text_breaks_the_advice(name: str) -> None:
    """Any text is a zone or is refused, within bounds, with zones only."""
    if name.strip() not in zone_names():
        assert len(refused(name)) < 1000  # sixty characters may be twelve each as escapes
        meant(name)
