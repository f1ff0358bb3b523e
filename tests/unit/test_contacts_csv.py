"""Contacts as spreadsheets hold them."""

from __future__ import annotations

import io

import pytest

from service.contacts import rows
from service.contacts.files import read_people
from service.contacts.lines import byte_lines
from service.contacts.people import ParsedCard, Skipped, TooMuch
from service.errors import ValidationFailed


def read_all(data: str | bytes) -> list[ParsedCard | Skipped]:
    """Everything in a file."""
    return list(read_people(io.BytesIO(data.encode() if isinstance(data, str) else data)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_plain_file_is_read(delimiter: str) -> None:
    """Headings in any case; the delimiter is told by the headings."""
    rows = [["Name", "birthday", "Email", "url"], ["Amelia", "1990-04-12", "a@example.org", "example.org/a"]]
    (found,) = read_all("\r\n".join(delimiter.join(row) for row in rows))
    expected = ParsedCard(
        position=1,
        name="Amelia",
        birthday="1990-04-12",
        emails=("a@example.org",),
        urls=("https://example.org/a",),
        source="csv",
    )
    assert found == expected


def test_googles_headings_are_known() -> None:
    """Its new ones, with several values in one cell."""
    (found,) = read_all(
        "First Name,Middle Name,Last Name,Birthday,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Value,Website 1 - Value"
        "\n"
        'Amelia,Jane,Rivers,--04-12,* Home,a@example.org ::: b@example.org,+1 555 0101,"https://example.org/a"\n'
    )
    assert isinstance(found, ParsedCard)
    assert (found.name, found.given_name, found.family_name) == ("Amelia Jane Rivers", "Amelia", "Rivers")
    assert (found.birthday, found.emails) == ("--04-12", ("a@example.org", "b@example.org"))


def test_a_bad_row_costs_itself_alone() -> None:
    """It is reported by its position; blank rows are no rows."""
    bad, good = read_all("name,birthday,phone\n,1990-04-12,555 0101\n,,\nGood,1990-04-12,\n")
    assert isinstance(bad, Skipped)
    assert (bad.position, bad.reason) == (1, "the row has neither a name nor an e-mail address")
    assert isinstance(good, ParsedCard)
    assert (good.name, good.position) == ("Good", 2)


def test_a_latin_file_is_read() -> None:
    """As Excel saves it."""
    (found,) = read_all("name;email\nRenée;r@example.org\n".encode("cp1252"))
    assert isinstance(found, ParsedCard)
    assert found.name == "Renée"


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"hello\nworld\n", b'{"name": "x"}', b"\x89PNG\r\n\x1a\n\0\0\0", b"\0" * 99]
)
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    """With a sentence that says what is taken."""
    with pytest.raises(ValidationFailed, match="vCard"):
        read_all(data)


def test_a_quote_that_is_not_closed_costs_its_line_alone() -> None:
    """What stands below it is in; a cell of several lines is one cell."""
    first, bad, last = read_all(
        'name,birthday,email\n"Two\nlines",1990-01-01,two@example.org\n"open,1990-01-01,un@example.org\n'
        "Next,1990-01-02,nx@example.org\n"
    )
    assert isinstance(first, ParsedCard) and first.name == "Two lines"
    assert isinstance(bad, Skipped) and (bad.position, "a quote is opened" in bad.reason) == (2, True)
    assert isinstance(last, ParsedCard) and (last.position, last.name) == (3, "Next")


def test_many_quotes_that_are_not_closed_take_no_more_than_bounded_work() -> None:
    """Each row is looked at for so many lines, not to the end of the file."""
    found = read_all("name,email\n" + 'a"b,x@example.org\n"c,"d,"\n' * 3000)
    assert sum(isinstance(one, ParsedCard) for one in found) >= 1000


def test_a_quote_within_a_cell_is_a_character() -> None:
    """As spreadsheets write an inch, and as careless programs quote."""
    names = [one.name for one in read_all('name,email\n5" Tom,t@example.org\n"Ann" Lee,a@example.org\n')
             if isinstance(one, ParsedCard)]  # fmt: skip
    assert names == ['5" Tom', "Ann Lee"]


def test_a_column_of_row_numbers_is_no_identity() -> None:
    """Every export counts from 1, and its people are not those of another."""
    (found,) = read_all("id,name,email\n1,Ann,ann@example.org\n")
    assert isinstance(found, ParsedCard) and found.uid is None


def test_dots_show_that_the_day_comes_first() -> None:
    """Of all dates of the file."""
    found = read_all("name,birthday\nA,3.4.1990\nB,03/04/1990\n")
    assert [one.birthday for one in found if isinstance(one, ParsedCard)] == ["1990-04-03", "1990-04-03"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_lines_are_passed_over_in_bulk(end: str) -> None:
    """Millions of them yield a few lines, and cost no person; those of a cell's text stay within it."""
    data = f"name,birthday{end}Ada,1990-04-12{end}" + end * 3_000_000 + f'"Grace{end}{end}{end}Hopper",--12-09{end}'
    lines = list(byte_lines(io.BytesIO(data.encode())))
    assert len(lines) < 500
    found = read_all(data)
    assert [one.name for one in found if isinstance(one, ParsedCard)] == ["Ada", "Grace Hopper"]
    assert [one.position for one in found] == [1, 2]


@pytest.mark.parametrize("empty", [" \n", ",,\n", "\t,\n", '""\n'])
def test_rows_that_hold_nothing_are_bounded(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    """However they are written; as many as are allowed are passed over."""
    monkeypatch.setattr(rows, "MAX_EMPTY", 100)
    assert len(read_all("name,birthday\n" + empty * 100 + "Ada,\n")) == 1
    with pytest.raises(TooMuch, match="more than 100 rows that hold nothing"):
        read_all("name,birthday\n" + empty * 101 + "Ada,\n")
