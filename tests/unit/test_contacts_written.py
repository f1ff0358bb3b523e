"""Contacts as files: read again they are the same people, and other programs can read them, too."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.contacts.cleaning import MAX_NAME, MAX_VALUES, clean_email, clean_phone, clean_text, clean_url
from service.contacts.dates import EARLIEST_YEAR, LATEST_YEAR
from service.contacts.people import ParsedCard
from service.contacts.reading.files import read_people
from service.contacts.writing.exports import KINDS, Format, written
from service.contacts.writing.formulas import disarmed, rearmed
from service.domain.people.contact import Contact

FIELDS = ("name", "given_name", "family_name", "birthday", "emails", "phones", "urls", "language", "deceased")
HOSTILE = [
    'Rivers, Amelia; "Amy"', "\\n\\,\\;\\\\", "=HYPERLINK(1)", "+49 171", "-2", "@SUM(A1)", "'=x", "''", "'",
    "👩\u200d👩\u200d👧\u200d👦 Família", "FN:x", "END:VCARD", "BEGIN:VCARD", "\u202eevil", "Ü" * MAX_NAME,
    "a\u0308" * 99, "\uff1dx",
    "👨" * MAX_NAME, "--04-12", "=\\n", "ends with \\", 'ends with "', "sep=;", "#", "a\tb", "<b>&amp;", "NULL",
    "=0D=0A",
]  # fmt: skip


def cleaned(clean: Any, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The values that are kept of such texts."""
    return texts.map(clean).filter(lambda value: value is not None and clean(value) == value)


CHARACTERS = st.characters(exclude_categories=["Cs"])
NAMES = cleaned(
    clean_text, st.sampled_from(HOSTILE) | st.text(CHARACTERS, max_size=250) | st.text("\\,;:=+-@'\"\n nN", max_size=9)
).filter(lambda name: " ::: " not in name)
EMAILS = cleaned(clean_email, st.from_regex(r"[+=\-\w'.!#]{1,9}@[a-zü]{1,9}\.example", fullmatch=True))
PHONES = cleaned(clean_phone, st.text("+0123456789 ()-./,;x#*", min_size=1, max_size=20))
URLS = cleaned(clean_url, st.text(CHARACTERS, max_size=90).map("https://example.org/{}".format)).filter(
    lambda url: "\\" not in url
)
DATES = st.dates(date(EARLIEST_YEAR, 1, 1), date(LATEST_YEAR, 12, 31)).map(str) | st.dates().map(
    lambda day: f"-{str(day)[4:]}"
)


def several(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """As many as a contact has."""
    return st.lists(values, unique=True, max_size=3).map(tuple) | st.lists(
        values, unique=True, min_size=MAX_VALUES, max_size=MAX_VALUES
    ).map(tuple)


CONTACTS = st.builds(
    Contact,
    id=st.uuids().map(str),
    name=NAMES,
    given_name=st.none() | NAMES,
    family_name=st.none() | NAMES,
    birthday=st.none() | DATES,
    emails=several(EMAILS),
    phones=several(PHONES),
    urls=several(URLS),
    language=st.sampled_from([None, "fr", "de-AT", "zh-Hans-CN"]),
    deceased=st.booleans(),
)
LARGEST = Contact(
    "0", "👨" * MAX_NAME, "👨" * MAX_NAME, "👨" * MAX_NAME, "--02-29",
    tuple(f"{'a' * 64}@{number}.{'ü' * 240}" for number in range(MAX_VALUES)),
    tuple(f"+{number}{'1' * 37}" for number in range(MAX_VALUES)),
    tuple(f"https://{number}.example.org/{'👨' * 1970}" for number in range(MAX_VALUES)),
)  # fmt: skip


def file_of(kind: Format, *contacts: Contact) -> bytes:
    return b"".join(written(contacts, KINDS[kind]))


def people(file: bytes) -> list[ParsedCard]:
    """Whom the import finds in a file, and nothing that it skips."""
    found = list(read_people(io.BytesIO(file)))
    assert all(isinstance(one, ParsedCard) for one in found), found
    return found  # type: ignore[return-value]


def told(contact: Contact | ParsedCard) -> dict[str, object]:
    return {field: getattr(contact, field) for field in FIELDS} | {"deceased": bool(contact.deceased)}


@pytest.mark.slow(reason="hundreds of generated contacts are written and read")
@pytest.mark.parametrize("kind", KINDS)
@given(contacts=st.lists(CONTACTS, min_size=1, max_size=4))
@example(contacts=[Contact(str(number), name) for number, name in enumerate(HOSTILE) if clean_text(name) == name])
@settings(max_examples=60, deadline=None)
def test_who_is_written_is_read_as_the_same(kind: Format, contacts: list[Contact]) -> None:
    """Whatever their names and values hold: every field, and the id as the UID."""
    found = people(file_of(kind, *contacts))
    assert [told(card) for card in found] == [told(contact) for contact in contacts]
    assert [card.uid for card in found] == [contact.id for contact in contacts]


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_contact_is_read_as_the_same(kind: Format) -> None:
    """All fields as long as they can be, and in characters of four octets: no limit of a line or a card is met."""
    (found,) = people(file_of(kind, LARGEST))
    differ = [field for field, value in told(LARGEST).items() if told(found)[field] != value]
    assert differ == []


@pytest.mark.slow(reason="many generated cards are written and read")
@given(contacts=st.lists(CONTACTS, min_size=1, max_size=4))
@example(contacts=[LARGEST])
@settings(max_examples=40, deadline=None)
def test_no_line_of_a_card_is_longer_than_75_octets_nor_cut_within_a_character(contacts: list[Contact]) -> None:
    """As RFC 2426 asks; each line by itself is UTF-8."""
    *lines, last = file_of("vcard", *contacts).split(b"\r\n")
    assert last == b"" and max(map(len, lines)) <= 75
    for line in lines:
        line.decode()


@pytest.mark.slow(reason="many generated spreadsheets are written and read")
@given(contacts=st.lists(CONTACTS, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_no_cell_of_a_spreadsheet_is_a_formula(contacts: list[Contact]) -> None:
    """Nor is one that stands after another within a cell, which begins no cell."""
    for row in csv.reader(io.StringIO(file_of("csv", *contacts).decode("utf-8-sig"), newline="")):
        assert not [cell for cell in row if cell[:1] in tuple("=+-@\t\r＝＋－＠")]


@given(st.text("'=+-@\t＝a "))
def test_what_was_disarmed_is_armed_again(cell: str) -> None:
    """Each text comes back as it was, those that began with apostrophes, too."""
    assert rearmed(disarmed(cell)) == cell


def test_a_card_is_written_as_address_books_read_it() -> None:
    """vCard 3.0, Apple's way of an unknown year, escapes in texts and none in addresses of pages."""
    contact = Contact(
        "4c8c", "Rivers, Amelia", "Amelia", "Rivers; of\\Avon", "--04-12", ("a@example.org",), ("+1 555,,9",),
        ("https://example.org/a,b;c",), "de-AT", deceased=True,
    )  # fmt: skip
    assert file_of("vcard", contact).decode().split("\r\n") == [
        "BEGIN:VCARD", "VERSION:3.0", "UID:4c8c", "FN:Rivers\\, Amelia", "N:Rivers\\; of\\\\Avon;Amelia;;;",
        "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "EMAIL;TYPE=INTERNET:a@example.org", "TEL;TYPE=VOICE:+1 555\\,\\,9",
        "URL:https://example.org/a,b;c", "LANG:de-AT", "DEATHDATE;VALUE=text:unknown", "END:VCARD", "",
    ]  # fmt: skip


def test_a_spreadsheet_has_headings_a_mark_for_excel_and_one_row_a_person() -> None:
    """Several values stand in one cell, between the signs that Google's files have there."""
    contact = Contact("4c8c", 'Amelia "Amy" Rivers', birthday="--04-12", emails=("a@x.org", "b@x.org"), deceased=True)
    assert file_of("csv", contact).decode() == (
        "\ufeffuid,name,given_name,family_name,birthday,emails,phones,urls,language,deceased\r\n"
        '4c8c,"Amelia ""Amy"" Rivers",,,\'--04-12,a@x.org ::: b@x.org,,,,yes\r\n'
    )


@pytest.mark.parametrize("name", ["BEGIN:VCARD", "x END : vcard", "END:VCARDBEGIN:VCARD"])
def test_no_name_looks_like_the_edge_of_a_card(name: str) -> None:
    """Neither in a line of its own, nor at the end of one."""
    file = file_of("vcard", Contact("4c8c", name, name))
    assert re.findall(rb"(?:BEGIN|END)[ \t]*:[ \t]*VCARD", file, re.IGNORECASE) == [b"BEGIN:VCARD", b"END:VCARD"]
    assert people(file_of("vcard", Contact("4c8c", name, name)))[0].name == name


def test_an_empty_address_book_is_an_empty_file() -> None:
    """Headings alone, or nothing."""
    assert file_of("vcard") == b"" and file_of("csv").count(b"\r\n") == 1


def test_vobject_reads_what_is_written() -> None:
    """Another reader than ours finds the same values."""
    import vobject

    contact = Contact("4c8c", HOSTILE[0], HOSTILE[1], "Ü" * 100, "1990-04-12", ("a@example.org",), ("+1 555,,9",))
    card = vobject.readOne(file_of("vcard", contact).decode())
    assert (card.fn.value, card.n.value.given, card.n.value.family) == (HOSTILE[0], HOSTILE[1], "Ü" * 100)
    assert (card.bday.value, card.email.value, card.tel.value) == ("1990-04-12", "a@example.org", "+1 555,,9")
