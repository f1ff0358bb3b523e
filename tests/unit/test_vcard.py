"""vCard files as address books export them."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.vcard import read
from tests.support.cards import card, read_all, read_one

EXAMPLES = Path(__file__).parents[2] / "examples" / "contacts.vcf"


def test_a_card_of_a_phone_is_read_field_by_field() -> None:
    """Groups, parameters, the preferred address first, and a link with an escaped colon."""
    found = read_one(
        card(
            "N:Rivers;Amelia;Jane;Dr.;MSc",
            "FN:Dr. Amelia Rivers",
            "EMAIL;type=INTERNET:second@example.org",
            "item1.EMAIL;type=INTERNET;type=pref:first@example.org",
            "item1.X-ABLabel:_$!<Other>!$_",
            "TEL;type=CELL:+1 (555) 010-0101",
            "BDAY;value=date:1990-04-12",
            "item2.URL;type=pref:http\\://example.org/amelia",
            "X-SOCIALPROFILE;type=x:https://social.example.org/@amelia",
            "UID:abc-1",
        )
    )
    assert found == ParsedCard(
        position=1,
        name="Dr. Amelia Rivers",
        uid="abc-1",
        given_name="Amelia",
        family_name="Rivers",
        birthday="1990-04-12",
        emails=("first@example.org", "second@example.org"),
        phones=("+1 (555) 010-0101",),
        urls=("http://example.org/amelia", "https://social.example.org/@amelia"),
    )


def test_a_card_of_version_4_is_read() -> None:
    """PREF, LANG, URIs for numbers, and a birthday without a year."""
    found = read_one(
        card(
            "UID:urn:uuid:ABC",
            "FN:Inès Moreau",
            "EMAIL;PREF=2:b@example.org",
            "EMAIL;PREF=1:mailto:a@example.org",
            'TEL;VALUE=uri;TYPE="voice,home":tel:+33-555-0101',
            "LANG:fr-CA",
            "BDAY:--0229",
            version="4.0",
        )
    )
    assert (found.name, found.emails, found.phones) == (
        "Inès Moreau",
        ("a@example.org", "b@example.org"),
        ("+33-555-0101",),
    )
    assert (found.language, found.birthday) == ("fr-CA", "--02-29")


def test_a_card_of_version_2_with_quoted_printable_is_read() -> None:
    """Soft line breaks, a named character set, and parameters for plain text."""
    found = read_one(
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg;;;\r\n"
        "FN;CHARSET=UTF-8;ENCODING=quoted-printable:J=C3=B6rg =\r\nM=C3=BCller\r\nEMAIL;PREF;INTERNET:j@example.org\r\n"
        "TEL;CELL;ENCODING=8BIT:555 0101\r\nBDAY:19900412\r\nEND:VCARD\r\n"
    )
    assert (found.name, found.given_name, found.family_name) == ("Jörg Müller", "Jörg", "Müller")
    assert (found.emails, found.phones, found.birthday) == (("j@example.org",), ("555 0101",), "1990-04-12")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1", "cp1252"]
)
def test_every_encoding_is_told_by_the_content(encoding: str) -> None:
    """With a byte order mark or without."""
    assert read_one(card("FN:Renée Müller").encode(encoding)).name == "Renée Müller"


def test_a_line_folded_inside_of_a_character_is_whole_again() -> None:
    """Old writers count bytes, not characters."""
    name = "é".encode()
    data = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ren" + name[:1] + b"\r\n " + name[1:] + b"\r\n e M\r\nEND:VCARD\r\n"
    assert read_one(data).name == "Renée M"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line(end: str) -> None:
    """Unix, the standard's own, and the old Macintosh's."""
    assert read_one(card("FN:Amelia").replace("\r\n", end)).name == "Amelia"


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["N:Rivers;Amelia;;Dr.;"], "Dr. Amelia Rivers"),
        (["FN:", "NICKNAME:Amy"], "Amy"),
        (["N:;;;;", "ORG:Example;Research"], "Example Research"),
        (["EMAIL:a@example.org"], "a@example.org"),
        (["FN:Rivers\\, Amelia\\nJane"], "Rivers, Amelia Jane"),
        (["FN:Rivers, Amelia; Jane"], "Rivers, Amelia; Jane"),
        (["FN;CHARSET=UTF-8;ENCODING=BASE64:SsO2cmc="], "Jörg"),
        (["FN;ENCODING=QUOTED-PRINTABLE:J=F6rg"], "Jörg"),
        (["FN;CHARSET=nonsense;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg"], "Jörg"),
        (["FN:C:\\temp"], "C:\\temp"),
        (["N:Rivers\\, Jr.;Amelia;;;"], "Amelia Rivers, Jr."),
    ],
)
def test_a_card_without_a_full_name_gets_the_next_best(lines: list[str], name: str) -> None:
    """The parts of the name, a nickname, the organisation, the e-mail address."""
    assert read_one(card(*lines)).name == name


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["TEL:+1 555 0101"], "neither a name nor an e-mail"),
        (["EMAIL:john doe@example.org"], "neither a name nor an e-mail"),
        (["FN:Bad", *[f"line {number} is no property" for number in range(21)]], "line 20 is no property"),
        (["FN:Friends", "X-ADDRESSBOOKSERVER-KIND:group"], "group"),
    ],
)
def test_a_bad_card_costs_itself_alone(lines: list[str], reason: str) -> None:
    """It is reported by its position and why; the cards around it are in."""
    before, bad, after = read_all(card("FN:Before") + card(*lines) + card("FN:After"))
    assert isinstance(bad, Skipped)
    assert bad.position == 2
    assert reason in bad.reason
    assert isinstance(before, ParsedCard)
    assert isinstance(after, ParsedCard)
    assert (before.name, after.name, after.position) == ("Before", "After", 3)


def test_a_card_within_a_card_is_passed_over() -> None:
    """vCard 2.1 writes an assistant so; who has one is in, the assistant has nothing to do with the birthday."""
    agent = ["AGENT:", *card("FN:Secretary", "BDAY:19700707").split("\n")]
    found = read_one(card("FN:Boss", *agent, "BDAY:19800101"))
    assert (found.name, found.birthday) == ("Boss", "1980-01-01")


def test_a_note_with_raw_line_breaks_spoils_nothing() -> None:
    """Some writers forget to fold; what follows a property that is not wanted is passed over."""
    found = read_one(card("FN:Amelia", "NOTE:first", "", "second line", "BDAY:1990-04-12"))
    assert (found.name, found.birthday) == ("Amelia", "1990-04-12")


def test_a_quoted_note_that_looks_like_a_card_is_passed_over() -> None:
    """Soft line breaks carry it on, whatever its lines begin with."""
    note = "NOTE;ENCODING=QUOTED-PRINTABLE:his number is=\r\nTEL:555 0199=\r\nFN:Nobody"
    found = read_one(card("FN:Amelia", note, "TEL:555 0101"))
    assert (found.name, found.phones) == ("Amelia", ("555 0101",))


@pytest.mark.slow(reason="a card of megabytes is read, and every allocation traced")
@pytest.mark.parametrize("folded", [True, False])
def test_a_photo_of_megabytes_costs_no_memory(folded: bool) -> None:
    """Folded or on one line, in each of many cards: memory stays bounded."""
    line = b" " + b"A" * 74 + b"\r\n"
    photo = b"PHOTO;ENCODING=b;TYPE=JPEG:" + (b"A\r\n" + line * 40_000 if folded else b"A" * 3_000_000 + b"\r\n")
    whole = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Amelia\r\n" + photo + b"EMAIL:a@example.org\r\nEND:VCARD\r\n"

    class Repeated(io.RawIOBase):
        """Many cards, made as they are read."""

        def __init__(self) -> None:
            self.parts: Iterator[bytes] = (
                whole[at : at + 65536] for _ in range(3) for at in range(0, len(whole), 65536)
            )

        def read(self, size: int = -1) -> bytes:
            return next(self.parts, b"")

    tracemalloc.start()
    try:
        found = [person.emails for person in read(Repeated()) if isinstance(person, ParsedCard)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [("a@example.org",)] * 3
    assert peak < 4_000_000


def test_the_example_file_is_read_whole() -> None:
    """It is what a newcomer starts with: two people and a neighbour without an address were born on April 12."""
    people = read_all(EXAMPLES.read_bytes())
    assert [person.position for person in people if isinstance(person, Skipped)] == []
    born = {person.name: person.birthday for person in people if isinstance(person, ParsedCard)}
    assert born == {
        "Amelia Rivers": "1990-04-12",
        "Chidi Okafor": "--04-12",
        "Lena Bauer": "1985-12-31",
        "Inès Moreau": "--02-29",
        "Tomás Herrera": "1978-04-09",
        "Priya Nair": "2000-02-29",
        "Old Neighbour": "--04-12",
        "Sam Lindqvist": None,
    }


@pytest.mark.parametrize(
    "line",
    [
        "N;CHARSET=UTF-8" + ";X=a=b" * 40,
        "TEL;TYPE=" + "a=" * 30_000,
        "EMAIL;TYPE=" + "a," * 30_000 + ";y:a@example.org",
        'URL;X="' + "=" * 60_000,
        "NICKNAME:x" + "\r\n ;a" * 40_000,
    ],
)
def test_no_line_holds_the_import_up(line: str) -> None:
    """A reader that tries again and again would sit over each of these for hours."""
    assert len(read_all(card("FN:A", line) * 3)) == 3


def test_a_parameter_without_a_value_says_nothing() -> None:
    """Wherever it stands."""
    birthday, email = "BDAY;X-APPLE-OMIT-YEAR=:1604-04-12", "EMAIL;TYPE=;PREF=:a@example.org"
    found = read_one(card("FN:A", birthday, email, "TEL;;CELL:+1 555", "URL;=x:a.example"))
    assert (found.birthday, found.emails, found.phones, found.urls) == (
        "--04-12", ("a@example.org",), ("+1 555",), ("https://a.example",),
    )  # fmt: skip
