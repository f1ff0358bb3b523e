"""What vCard files lose and break, and how it is told: nobody is lost, and nothing is guessed in silence."""

from __future__ import annotations

import io
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.vcard import read
from tests.support.cards import card, read_all, read_one
from tests.unit.test_contacts_sources import SOURCES

B = "BEGIN:VCARD\r\nVERSION:3.0\r\n"
E = "END:VCARD\r\n"
NAMELESS = "the card has neither a name nor an e-mail address"
NO_CARD = "these lines belong to no card"
NO_END = "the card has no END:VCARD before the next one begins"


def people(data: str | bytes) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Everybody's name, addresses and warnings; for a card that was skipped, the reason."""
    return [
        (one.name, one.emails + one.phones, one.warnings) if isinstance(one, ParsedCard) else ("", (), (one.reason,))
        for one in read_all(data)
    ]


@pytest.mark.parametrize(
    "seam",
    [
        "END:VCARDBEGIN:VCARD\r\n", "END:VCARD BEGIN:VCARD\r\n", "end:vcardbegin:vcard\r\n",
        "END:VCARD\ufeffBEGIN:VCARD\n",
        "END:VCARD  \r\n\ufeff\r\nBEGIN:VCARD \r\n", "END:VCARD\0\r\n\0BEGIN:VCARD\r\n", "END : VCARD\nBegin: vCard\n",
        "END:VCARDBEGIN:VCARDVERSION:3.0\r\n",
    ],
)  # fmt: skip
def test_files_put_one_behind_the_other_keep_their_people(seam: str) -> None:
    """Whatever stands between two cards, each has its own addresses and nothing is to be told."""
    cards = [f"FN:{name}\r\nEMAIL:{name}@example.org\r\n" for name in "abc"]
    assert people(B + seam.join(cards) + E) == [(name, (f"{name}@example.org",), ()) for name in "abc"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (f"{B}FN:a\r\n{B}FN:b\r\n{E}", [("a", (), (NO_END,)), ("b", (), ())]),
        (f"{B}FN:a\r\nEMAIL:a@exam{B}FN:b\r\n{E}", [
            ("a", (), ("the line “EMAIL:a@exam” breaks off and was left out", NO_END)), ("b", (), ())]),
        (f"{B}NOTE:x\r\n{B}FN:b\r\n{E}", [("", (), (NAMELESS,)), ("b", (), ())]),
        (f"{B}FN:a\r\nEND:VCARD;x\r\n{B}FN:b\r\n{E}", [
            ("a", (), ("the text “;x” after END:VCARD was left out",)), ("b", (), ())]),
        (f"{B}FN:a\r\nEND:VCARDFN:b\r\nTEL:555 0101\r\n{E}", [
            ("a", (), ()), ("b", ("555 0101",), ("the card has no BEGIN:VCARD",))]),
        (f"{B}FN:a\r\n{E}FN:b\r\n{B}FN:c\r\n{E}", [("a", (), ()), ("", (), (NO_CARD,)), ("c", (), ())]),
        (f"{B}FN:a\r\n{E}{B}FN:b\r\n", [("a", (), ()), ("", (), ("the file ends before the card's END:VCARD",))]),
        (f"{B}FN:a\r\n{E}\r\nhello\r\nX-FOOTER:bye\r\n", [("a", (), ())]),
    ],
)  # fmt: skip
def test_a_card_without_its_beginning_or_its_end_is_taken_if_it_is_whole(data: str, told: Any) -> None:
    """And told; at the end of a file it may be cut off, and is skipped."""
    assert people(data) == told


@pytest.mark.parametrize("agent", ["AGENT:\r\nBEGIN:VCARD", "AGENT:\r\n\r\nBEGIN:VCARD", "AGENT:BEGIN:VCARD"])
@pytest.mark.parametrize("end", [E, ""])
def test_a_card_within_a_card_takes_nobody_along(agent: str, end: str) -> None:
    """Also if the inner one is not ended: whoever comes after it is in."""
    found = [name for name, *_ in people(f"{B}FN:Boss\r\n{agent}\r\nFN:Aide\r\n{end}{E}" + card("FN:b") + card("FN:c"))]
    assert found == ["Boss", "b", "c"]


@pytest.mark.parametrize(
    ("lines", "name", "emails", "told"),
    [
        (["FN:Amelia", "Rivers"], "Amelia Rivers", (), ["“Rivers” was read as the rest of FN"]),
        (["N:Rivers;Amelia", ";;;"], "Amelia Rivers", (), ["“;;;” was read as the rest of N"]),
        (["FN:A", "NOTE:one", "two", "", "three: four"], "A", (), []),
        (["FN:A", "EMAIL:a@example.o", "rg"], "A", (), ["EMAIL was left out, because the line “rg”"]),
        (
            ["FN:A", "EMAIL:a@example.org", "TEL:555 01", "01"],
            "A",
            ("a@example.org",),
            ["TEL was left out, because the line “01”"],
        ),
        (["no property", "FN:A"], "A", (), ["“no property” does not belong to a vCard"]),
        (["FN:A", "EMAIL;x", "EMAIL:a@example.org"], "A", ("a@example.org",), ["“EMAIL;x” cannot be read"]),
        (["FN:A", "TEL;ENCODING=BASE64:a"], "A", (), ["“TEL;ENCODING=BASE64:a” cannot be read"]),
    ],
)
def test_a_line_that_is_broken_costs_itself_alone(
    lines: list[str], name: str, emails: tuple[str, ...], told: list[str]
) -> None:
    """A name goes on; an address that may be cut short is left out, for the short one may be somebody else's."""
    found = read_one(card(*lines))
    assert (found.name, found.emails, len(found.warnings)) == (name, emails, len(told))
    assert all(part in warning for part, warning in zip(told, found.warnings, strict=True))


@pytest.mark.parametrize(
    ("lines", "name", "given_name"),
    [
        (["N:Who;Dr\\: A", "FN:Dr\\: Who"], "Dr: Who", "Dr: A"),
        (["N:a\\:b;c\\:d;;;"], "c:d a:b", "c:d"),
        (["N:O\\\\\\:N;A\\;B,C\\,D"], "A;B C,D O\\:N", "A;B C,D"),
        (["FN:3 \\: 4"], "3 : 4", None),
    ],
)
def test_a_colon_that_was_escaped_is_a_colon(lines: list[str], name: str, given_name: str | None) -> None:
    """Some escape it, though they need not."""
    found = read_one(card(*lines))
    assert (found.name, found.given_name) == (name, given_name)


@pytest.mark.parametrize(
    ("bday", "told"),
    [
        (["BDAY;VALUE=text:circa 1800"], ["circa 1800"]),
        (["BDAY:1985"], ["1985"]),
        (["BDAY:1985-04"], ["1985-04"]),
        (["BDAY:NaN-NaN-NaN"], ["NaN-NaN-NaN"]),
        (["BDAY:---12"], ["---12"]),
        (["BDAY:1991-02-29"], ["1991-02-29"]),
        (["BDAY;CALSCALE=hebrew:5750-01-01"], ["hebrew"]),
        (["BDAY:soon", "BDAY:later"], ["soon", "later"]),
        (["BDAY:"], []),
    ],
)
def test_a_birthday_that_is_no_date_costs_itself_alone(bday: list[str], told: list[str]) -> None:
    """The person comes without one, and it is said which it was."""
    found = read_one(card("FN:A", "EMAIL:a@example.org", *bday))
    assert (found.birthday, found.emails, len(found.warnings)) == (None, ("a@example.org",), len(told))
    assert all(part in warning for part, warning in zip(told, found.warnings, strict=True))
    assert ("birthday" in found.unread) == bool(told)


@pytest.mark.parametrize(
    ("bday", "birthday", "told"),
    [
        (["BDAY:19560411T230000Z"], "1956-04-11", 0),
        (["BDAY;VALUE=date-time:1956-04-11T23:00:00+02:00"], "1956-04-11", 0),
        (["BDAY:1990-04-12", "BDAY:1990-04-12"], "1990-04-12", 0),
        (["BDAY:--0412", "BDAY:1990-04-12"], "1990-04-12", 0),
        (["BDAY:1990-04-12", "BDAY:--04-12"], "1990-04-12", 0),
        (["BDAY:1990-04-12", "BDAY:1991-05-13"], "1990-04-12", 1),
        (["BDAY;VALUE=text:circa 1990", "BDAY:1990-04-12"], "1990-04-12", 1),
        (["BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12"], "--04-12", 0),
    ],
)
def test_of_several_birthdays_the_first_is_taken(bday: list[str], birthday: str, told: int) -> None:
    """With the year that another one adds; one that says otherwise is told."""
    found = read_one(card("FN:A", *bday))
    assert (found.birthday, len(found.warnings)) == (birthday, told)


@pytest.mark.parametrize(
    ("line", "deceased"),
    [
        ("DEATHDATE:20200101", True), ("DEATHDATE;VALUE=text:circa 1800", True), ("X-DEATHDATE:2020", True),
        ("DEATHDATE;VALUE=date-and-or-time:--0101", True), ("DEATHPLACE:Vienna", True), ("deathdate:yes", True),
        ("DEATHDATE:", None), ("X-DEATHDATE: ", None), ("X-ANNIVERSARY:20200101", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_whoever_has_a_date_of_death_is_dead(line: str, deceased: bool | None, version: str) -> None:
    """Whatever it says (RFC 6474), in every version."""
    assert read_one(card("FN:A", "BDAY:1950-04-12", line, version=version)).deceased is deceased


@pytest.mark.parametrize(
    ("lines", "deceased"),
    [
        (["X-DEATH-DATE:2020-01-01"], True), (["X-EVOLUTION-DEATHDATE:2020-01-01"], True),
        (["item1.X-ABDATE:2020-01-01", "item1.X-ABLabel:Death"], True),
        (["item1.X-ABLabel:_$!<Death>!$_", "item1.X-ABDATE;type=pref:2020-01-01"], True),
        (["ITEM3.X-ABDATE:2020-01-01", "item3.X-ABLABEL:date of death"], True),
        (["item1.X-ABDATE:2020-01-01", "item1.X-ABLabel:Todestag"], True),
        (["item1.X-ABDATE:2020-01-01", "item1.X-ABLabel:Fecha de defunción"], True),
        (["X-DEATH-DATE:", "X-EVOLUTION-DEATHDATE:"], None),
        (["item1.X-ABDATE:2010-06-01", "item1.X-ABLabel:_$!<Anniversary>!$_"], None),
        (["item1.X-ABDATE:2010-06-01", "item2.X-ABLabel:Death"], None),
        (["item1.X-ABDATE:", "item1.X-ABLabel:Death"], None),
        (["X-ABDATE:2010-06-01", "X-ABLabel:Death"], None),
    ],
)  # fmt: skip
def test_a_death_is_found_where_programs_put_it(lines: list[str], deceased: bool | None) -> None:
    """Apple gives a date its label by a line of the same group."""
    found = read_one(card("FN:A", "BDAY:1950-04-12", *lines))
    assert (found.deceased, found.birthday, found.warnings) == (deceased, "1950-04-12", ())


ANDROID = "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event"


@pytest.mark.parametrize(
    ("lines", "birthday"),
    [
        (["X-BIRTHDAY:1990-04-12"], "1990-04-12"), (["X-EVOLUTION-BIRTHDAY:19900412"], "1990-04-12"),
        ([f"{ANDROID};1990-04-12;3;;;;;;;;;;;;;"], "1990-04-12"), ([f"{ANDROID};--04-12;3;"], "--04-12"),
        ([f"{ANDROID};2010-06-01;1;;;", f"{ANDROID};1990-04-12;3;;;"], "1990-04-12"),
        (["BDAY:", "X-BIRTHDAY:1990-04-12"], "1990-04-12"),
        (["X-BIRTHDAY:1991-05-13", "BDAY:1990-04-12", f"{ANDROID};1992-06-14;3;"], "1990-04-12"),
        ([f"{ANDROID};2010-06-01;1;;;"], None), ([f"{ANDROID};2010-06-01;0;Name day;;"], None), ([ANDROID], None),
        (["X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;1990-04-12;3;;"], None),
    ],
)  # fmt: skip
def test_a_birthday_is_found_where_programs_put_it(lines: list[str], birthday: str | None) -> None:
    """If the card has no BDAY."""
    found = read_one(card("FN:A", *lines))
    assert (found.birthday, found.warnings) == (birthday, ())


@pytest.mark.parametrize("bday", ["0001-01-01", "1601-01-01T00:00:00Z", "18991230", "4501-01-01"])
def test_a_null_date_of_a_program_is_told_and_is_no_birthday(bday: str) -> None:
    """Nobody is greeted on the day on which a calendar begins."""
    found = read_one(card("FN:A", f"BDAY:{bday}"))
    assert found.birthday is None and "birthday" in found.unread and f"“{bday}”" in found.warnings[0]


@pytest.mark.parametrize(
    ("lines", "urls", "language"),
    [
        (
            ["SOCIALPROFILE;SERVICE-TYPE=Mastodon:https://social.example.org/@a"],
            ("https://social.example.org/@a",),
            None,
        ),
        (["X-SOCIALPROFILE:https://x.example/a", "URL:b.example"], ("https://b.example", "https://x.example/a"), None),
        (["SOCIALPROFILE;VALUE=text;SERVICE-TYPE=X:amelia"], (), None),
        (["LANGUAGE:fr"], (), "fr"),
        (["LANGUAGE:fr", "LANG;PREF=2:en", "LANG;PREF=1:de-AT"], (), "de-AT"),
        (["LANG:deutsch!", "LANGUAGE:pt_BR"], (), "pt-BR"),
    ],
)
def test_profiles_and_languages_of_rfc_9554_are_read(
    lines: list[str], urls: tuple[str, ...], language: str | None
) -> None:
    """LANG says what the person speaks; LANGUAGE, which the card is written in, stands in for it."""
    found = read_one(card("FN:A", *lines, version="4.0"))
    assert (found.urls, found.language, found.warnings) == (urls, language, ())


def test_each_value_that_is_lost_is_told() -> None:
    """By itself, and what is cut."""
    many = ",".join(f"a{number}@example.org" for number in range(10_000))
    values = [
        "EMAIL:/O=EXCHANGELABS/CN=ANN",
        "TEL:call me",
        "URL:ftp://example.org",
        "LANG:?",
        "URL:http://",
        "TEL:n/a",
    ]
    found = read_one(card(f"FN:{'x' * 300}", *(f"EMAIL:{many[at : at + 50_000]}" for at in (0,)), *values))
    assert (len(found.emails), len(found.name)) == (20, 200)
    told = " ".join(found.warnings)
    for part in ("EXCHANGELABS", "call me", "ftp://example.org", "language “?”", "was cut to 200", "only 20 of"):
        assert part in told
    assert found.unread == {"emails", "phones", "urls", "language"}
    assert "http://”" not in told and "n/a" not in told, "nothing is lost with those"


def test_warnings_of_a_card_are_bounded() -> None:
    """The first ones are told, the others counted."""
    found = read_one(card("FN:A", *(f"TEL:number{number}" for number in range(1_000))))
    assert len(found.warnings) == 21
    assert found.warnings[-1] == "and 980 more were left out or guessed"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("NICKNAME:" + "x" * 200 * 1024, "NICKNAME was left out: its line is longer than 64 KiB"),
        ("EMAIL:" + "a@example.org," * 15_000 + "b@example.or", "EMAIL was left out: its line is longer than 64 KiB"),
        (
            "NICKNAME:" + "x\r\n " * 300 * 1024,
            "NICKNAME was left out: the card is longer than 256 KiB without its photo",
        ),
    ],
)
def test_a_property_that_is_too_long_costs_itself_alone(line: str, told: str) -> None:
    """Its end is not known, or memory is bounded."""
    found = read_one(card("FN:A", line, "TEL:555 0101"))
    assert (found.name, found.emails, found.phones, found.warnings) == ("A", (), ("555 0101",), (told,))


def test_uids_that_begin_alike_stay_apart() -> None:
    """However long they are."""
    first, second = (read_one(card("FN:A", "UID:" + "x" * 600 + end)) for end in "ab")
    assert first.uid != second.uid and len(first.uid or "") == len(second.uid or "") == 500


PARTS = [data for _, data, _ in SOURCES]
NOISE = [
    *(b"BEGIN:VCARD\n", b"END:VCARD\n", b"END:VCARDBEGIN:VCARD\n", b"AGENT:\n", b"\n", b"\r", b"\0", b"\xef\xbb\xbf"),
    *(b" ", b"=", b":", b";", b"\\", b"EMAIL:", b"BDAY:", b";ENCODING=BASE64", b";CHARSET=utf-16", b'"', b"\xff\xfe"),
]


def check(data: bytes) -> None:
    """Reads any bytes: nothing is raised, every card that begins is there, and positions count on."""
    found = list(read(io.BytesIO(data)))
    assert [one.position for one in found] == list(range(1, len(found) + 1))
    assert not [one for one in found if isinstance(one, Skipped) and "cannot be read (" in one.reason]


@given(st.lists(st.sampled_from(NOISE + [b"FN:A\n", b"N:B;C\n", b"NOTE:x\n", b"VERSION:3.0\n"]), max_size=30))
def test_no_bytes_raise_and_no_card_is_lost(parts: list[bytes]) -> None:
    """A card begins where a line does so; it is taken, or skipped with its reason, or it is somebody's AGENT."""
    data = b"".join(parts)
    check(data)
    if b"AGENT" not in data and b"\xff\xfe" not in data[:2] and b"=" not in data and b"NOTE" not in data:
        begun = len(re.findall(rb"^BEGIN:VCARD$", data.replace(b"\0", b"").replace(b"\r", b"\n"), re.MULTILINE))
        assert len(list(read(io.BytesIO(data)))) >= begun


@pytest.mark.parametrize("seed", range(100))
def test_real_cards_with_bytes_changed_never_raise(seed: int) -> None:
    """Bytes added, taken away and put between."""
    chance = random.Random(seed)
    data = bytearray(b"".join(chance.sample(PARTS, 3)))
    for _ in range(12):
        at = chance.randrange(len(data))
        length = chance.choice([0, 0, 1, 20])
        data[at : at + length] = chance.choice([*NOISE, chance.randbytes(2)])
    check(bytes(data))
