"""Contacts as spreadsheets hold them."""

from __future__ import annotations

import io
import tomllib
import zipfile
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contacts.dates import DateOrder
from service.contacts.people import ParsedCard, Skipped, TooMuch
from service.contacts.reading import rows
from service.contacts.reading.files import AS_FOUND, AddressBookFile, ReadOptions, read_people
from service.contacts.reading.headings import FIELDS, columns_of
from service.contacts.reading.lines import byte_lines
from service.errors import ValidationFailed


def read_all(data: str | bytes) -> list[ParsedCard | Skipped]:
    """Everything in a file."""
    return list(read_people(io.BytesIO(data.encode() if isinstance(data, str) else data)))


def open_file(data: str | bytes, options: ReadOptions = AS_FOUND) -> AddressBookFile:
    """A file, and what is found out about it."""
    return read_people(io.BytesIO(data.encode() if isinstance(data, str) else data), options)


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
    with pytest.raises(TooMuch, match="more than 100 empty rows"):
        read_all("name,birthday\n" + empty * 101 + "Ada,\n")


def test_headings_are_known_however_they_are_written() -> None:
    """Case, accents, blanks, underscores and humps make no difference."""
    spellings = (
        "Date of Birth", "date_of_birth", "dateOfBirth", "DATE-OF-BIRTH", " Date  of\u00a0birth ", "Date of birth:",
        "DOB", "D.O.B.", "dob", "Birthdate", "birth_date", "BirthDay", "bday", "\u200eBirthday", "Fecha de nacimiento",
        "FECHA DE NACIMIENTO", "fecha_nacimiento", "Geburtsdatum", "Date d’anniversaire", "data de nascimento",
        "Data di Nascita", "Geboortedatum", "Né(e) le", "geb. am", "Cumpleanos",
    )  # fmt: skip
    for heading in spellings:
        (found,) = read_all(f'name,"{heading}"\nAda,1990-04-12\n')
        assert isinstance(found, ParsedCard) and found.birthday == "1990-04-12", heading


PLAIN: list[tuple[str, dict[str, Any]]] = [
    ("name,email,year,month,day\nAda,ada@example.org,1990,4,12\n",
     {"name": "Ada", "emails": ("ada@example.org",), "birthday": "1990-04-12"}),
    ("name,day,month\nAda,12,April\n", {"name": "Ada", "birthday": "--04-12"}),
    ("Nombre;Día;Mes;Año\nAda;12;abril;1990\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ("Name,Tag,Monat,Jahr\nAda,12,4,1990\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ("Name,Birth Month,Birth Day\nAda,4,12\n", {"name": "Ada", "birthday": "--04-12"}),
    ("Name,Birthday,Month\nAda,1990-04-12,4\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ("Name,Birthday,Month\nAda,12/24,12\n", {"name": "Ada", "birthday": "--12-24"}),
    ("Name,Birthday,Year\nAda,December 4,1990\n", {"name": "Ada", "birthday": "1990-12-04"}),
    ("Name,Birthday,Birth Year\nAda,--12-04,\n", {"name": "Ada", "birthday": "--12-04"}),
    ("Name,DOB Year,DOB Month,DOB Day\nAda,1990,12,04\n", {"name": "Ada", "birthday": "1990-12-04"}),
    ("Your name,When is your birthday?\nAda,1990-12-04\n", {"name": "Ada", "birthday": "1990-12-04"}),
    ("f_name,l_name,dob,contact_no,email_id\nAda,Lake,1990-12-04,555 0101,ada@example.org\n",
     {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake", "birthday": "1990-12-04",
      "emails": ("ada@example.org",), "phones": ("555 0101",)}),
    ("Date,Name\n1990-04-12,Ada\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ("Naam,Datum\nAda,24-12-1985\n", {"name": "Ada", "birthday": "1985-12-24"}),
    ("Nome,Data\nAda,24/12/1985\n", {"name": "Ada", "birthday": "1985-12-24"}),
    ("First,Last,DOB\nAda,Lake,1990-04-12\n",
     {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake", "birthday": "1990-04-12"}),
    ("FirstName,LastName,EmailAddress,MobilePhone\nAda,Lake,ada@example.org,555 0101\n",
     {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake", "emails": ("ada@example.org",),
      "phones": ("555 0101",)}),
    ("first_name,last_name,email_1,email_2,phone2\nAda,Lake,a@example.org,b@example.org,555 0102\n",
     {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake", "emails": ("a@example.org", "b@example.org"),
      "phones": ("555 0102",)}),
    ("Nickname,E-mail,Mobile\nAdi,ada@example.org,555 0101\n",
     {"name": "Adi", "emails": ("ada@example.org",), "phones": ("555 0101",)}),
    ('"name", "birthday", "email"\n"Lake, Ada", "1990-04-12", "ada@example.org"\n',
     {"name": "Lake, Ada", "birthday": "1990-04-12", "emails": ("ada@example.org",)}),
    ("name;\tbirthday ;  email\nAda; 1990-04-12;ada@example.org\n",
     {"name": "Ada", "birthday": "1990-04-12", "emails": ("ada@example.org",)}),
    ("name|birthday\nAda|1990-04-12\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ("#Name,E-mail\nAda,ada@example.org\n", {"name": "Ada", "emails": ("ada@example.org",)}),
    ("*Name,*Birthday (DD/MM/YYYY),# Phone\nAda,12/4/1990,555 0101\n",
     {"name": "Ada", "birthday": "1990-04-12", "phones": ("555 0101",)}),
    ("* First Name;** Last Name\nAda;Lake\n", {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    ("Apellidos y nombre;Fecha de Nac.;Tlf.\nLago Ada;13/4/1990;655 501 010\n",
     {"name": "Lago Ada", "birthday": "1990-04-13", "phones": ("655 501 010",)}),
    ("Nombre;F. de nacimiento;Tlf\nAda;13/04/1990;655 501 010\n",
     {"name": "Ada", "birthday": "1990-04-13", "phones": ("655 501 010",)}),
    ("Nombre;Fecha de cumpleaños\nAda;13/04/1990\n", {"name": "Ada", "birthday": "1990-04-13"}),
    ("Imię i nazwisko;Data urodzin;Adres e-mail;Telefon\nAda Lis;12.04.1990;ada@example.pl;22 555 01 01\n",
     {"name": "Ada Lis", "birthday": "1990-04-12", "emails": ("ada@example.pl",), "phones": ("22 555 01 01",)}),
    # whole names and halves of them
    ("Nom;Prénom\nLake;Ada\n", {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    ("Nom\nAda Lake\n", {"name": "Ada Lake"}),
    ("Name,Vorname\nLake,Ada\n", {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    ("Name,First Name\nAda Lake,Ada\n", {"name": "Ada Lake", "given_name": "Ada"}),
    ("Name,First Name,Last Name\nDr. Ada Lake,Ada,Lake\n",
     {"name": "Dr. Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    ("Name,Surname\nAda,Lake\n", {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    ("Nome,Cognome\nAda,Lake\n", {"name": "Ada Lake", "given_name": "Ada", "family_name": "Lake"}),
    # what programs put in front
    ("sep=;\r\nName;DOB\r\nAda;1990-04-12\r\n", {"name": "Ada", "birthday": "1990-04-12"}),
    ('\ufeff"sep=,"\r\nName,DOB\r\nAda,1990-04-12\r\n', {"name": "Ada", "birthday": "1990-04-12"}),
    ("Contacts of the club,,\n\nas of 2024,,\nName,DOB,E-mail\nAda,1990-04-12,ada@example.org\n",
     {"name": "Ada", "birthday": "1990-04-12", "emails": ("ada@example.org",)}),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), PLAIN)
def test_spreadsheets_of_peoples_own_are_read(data: str, expected: dict[str, Any]) -> None:
    """Nothing of them is lost, and nothing is told."""
    file = open_file(data)
    (found,) = file
    assert found == ParsedCard(position=1, source="csv", **expected)
    assert (file.ignored_columns, file.warnings) == ([], [])


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ("Nom,Prénom\nMartin,Martin\nJean Paul,Paul\nLake,Ada\nRay,Kim\nLee,Jo\n",
         ["Martin Martin", "Paul Jean Paul", "Ada Lake", "Kim Ray", "Jo Lee"]),
        ("Name,First Name\nLiz Lake,Elizabeth\nAda Ray,Ada\nKim Ray,Kim\n", ["Liz Lake", "Ada Ray", "Kim Ray"]),
    ],
)  # fmt: skip
def test_whole_names_and_halves_are_told_apart_by_all_rows(data: str, names: list[str]) -> None:
    """One that looks like the other does not become it."""
    assert [one.name for one in read_all(data) if isinstance(one, ParsedCard)] == names


def test_a_column_that_is_not_understood_is_told() -> None:
    """If it holds something, and not without end."""
    assert open_file("name,favourite colour,empty,,Nmae\nAda,red,,x,\nKim,,,,y\n").ignored_columns == [
        "favourite colour", "column 4", "Nmae",
    ]  # fmt: skip
    headings = ",".join(f"{'x' * 300} {number}" for number in range(150))
    told = open_file(f"name,{headings}\nAda{',1' * 150}\n").ignored_columns
    assert len(told) == 101 and told[-1] == "and 50 more" and max(map(len, told)) == 100


def test_a_second_name_column_is_not_silently_lost() -> None:
    """Of several columns for one value the first that holds something is taken; numbered ones are not guessed at."""
    file = open_file("Name,Name 2,Company,Display Name,Full Name\nAda,Bob,Acme,Ada,Lady Ada\n")
    assert [one.name for one in file if isinstance(one, ParsedCard)] == ["Ada"]
    assert file.ignored_columns == ["Name 2", "Company", "Full Name"]


def test_a_company_without_a_person_is_taken_by_its_name() -> None:
    """As from a vCard."""
    file = open_file("First Name,Organization Name,Phone 1 - Value\n,Acme,555 0101\n")
    assert [one.name for one in file if isinstance(one, ParsedCard)] == ["Acme"] and file.ignored_columns == []


OUTLOOK_ES = (
    "Tratamiento,Nombre,Segundo nombre,Apellidos,Teléfono móvil,Cuenta,Aniversario,Cumpleaños,"
    "Dirección de correo electrónico,Página web\n,Ada,,Lago,655 501 010,,{},{},ada@example.es,\n"
)


@pytest.mark.parametrize(
    ("data", "born", "ignored"),
    [
        (OUTLOOK_ES.format("01/06/2010", "12/04/1990"), "1990-04-12", ["Aniversario"]),
        (OUTLOOK_ES.format("01/06/2010", "0/0/00"), None, ["Aniversario"]),
        (OUTLOOK_ES.format("0/0/00", "12/04/1990"), "1990-04-12", ["Aniversario"]),
        ("Nombre,Apellidos,Correo electrónico,Aniversario\nAda,Lago,a@example.es,01/06/2010\n", None, ["Aniversario"]),
        ("Aniversario,Nombre\n01/06/2010,Ada\n", None, ["Aniversario"]),
        ("Apodo;ANIVERSARIO\nAda;01/06/2010\n", None, ["ANIVERSARIO"]),
        ("Name,Aniversario,Birthday\nAda,01/06/2010,1990-04-12\n", "1990-04-12", ["Aniversario"]),
        (
            "Nome,Sobrenome,Aniversário,Data de nascimento\nAda,Lago,01/06/2010,12/04/1990\n",
            "1990-04-12",
            ["Aniversário"],
        ),
        ("Nome,Cognome,Anniversario\nAda,Lago,01/06/2010\n", None, ["Anniversario"]),
        ("Vorname,Nachname,Jahrestag\nAda,Lake,01.06.2010\n", None, ["Jahrestag"]),
        ("First Name,Last Name,Anniversary\nAda,Lake,2010-06-01\n", None, ["Anniversary"]),
        # Portuguese and French
        ("Nome,Sobrenome,Aniversário\nAda,Lago,12/04/1990\n", "1990-04-12", []),
        ("nome;e-mail;aniversario\nAda;ada@example.br;12/04/1990\n", "1990-04-12", []),
        ("Primeiro nome;Telefone;ANIVERSARIO\nAda;11 5550 101;12/04/1990\n", "1990-04-12", []),
        ("Name,Aniversário\nAda,13/04/1990\n", "1990-04-13", []),
        ("Prénom,Nom,Anniversaire\nAda,Lac,12/04/1990\n", "1990-04-12", []),
    ],
)
def test_a_wedding_is_no_birthday(data: str, born: str | None, ignored: list[str]) -> None:
    """Though it is called in one language as the birthday is in another."""
    file = open_file(data)
    (found,) = file
    assert isinstance(found, ParsedCard) and (found.birthday, found.warnings) == (born, ())
    assert [heading for heading in file.ignored_columns if heading != "Tratamiento"] == ignored


@pytest.mark.parametrize(
    ("cells", "born", "told"),
    [
        ("0/0/00,1990-04-12", "1990-04-12", 0), ("N/A,1990-04-12", "1990-04-12", 0), (",1990-04-12", "1990-04-12", 0),
        ("0001-01-01,1990-04-12", "1990-04-12", 1), ("soon,1990-04-12", "1990-04-12", 1),
        ("1990-04-12,0/0/00", "1990-04-12", 0), ("0/0/00,soon", None, 1), ("0/0/00,0/0/00", None, 0),
    ],
)  # fmt: skip
def test_of_several_birthday_columns_the_first_date_is_taken(cells: str, born: str | None, told: int) -> None:
    """A cell that says that the date is absent gives way to the next; a text that is no date is told."""
    file = open_file(f"name,Birthday,Date of Birth\nAda,{cells}\n")
    (found,) = file
    assert isinstance(found, ParsedCard) and (found.birthday, len(found.warnings)) == (born, told)
    assert file.ignored_columns == []
    (parts,) = read_all(f"name,Birthday,Birth Month,Day of Birth\nAda,{cells.partition(',')[0]},4,12\n")
    assert isinstance(parts, ParsedCard)
    assert (parts.birthday is None) == (cells[:4] in ("0001", "soon"))


@pytest.mark.parametrize(
    "cell", ["1990-04-12 ::: 1991", "1990-04-12 ::: 1991-04-13", "1990-04-12 - 1991-04-13", "1991 ::: 1990-04-12"]
)
def test_of_several_birthdays_in_a_cell_none_is_lost_in_silence(cell: str) -> None:
    """One is taken, and the other told."""
    (found,) = read_all(f"name,birthday\nAda,{cell}\n")
    assert isinstance(found, ParsedCard) and found.birthday == "1990-04-12" and "1991" in found.warnings[0]
    (same,) = read_all("name,birthday\nAda,1990-04-12 ::: --04-12 ::: 1990-04-12\n")
    assert isinstance(same, ParsedCard) and (same.birthday, same.warnings) == ("1990-04-12", ())


LOST: list[tuple[str, str, str]] = [
    ("email", "ada at example.org", "the e-mail address “"),
    ("email", "ada@", "the e-mail address “ada@” is invalid, and was left out"),
    ("email", "a@example.org, ada@", "the e-mail address “ada@” is invalid, and was left out"),
    ("phone", "call me", "the phone number “call me” is invalid, and was left out"),
    ("url", "my page", "the web address “my page” is invalid, and was left out"),
    ("url", "ftp://example.org", "the web address “ftp://example.org” is invalid, and was left out"),
    ("language", "the usual one", "the language “the usual one” is invalid, and was left out"),
    ("birthday", "soon", "the birthday “soon” is not a date such as 1990-04-12 or --04-12"),
    ("birthday", "4/4/90", "the birthday “4/4/90” has a two-digit year, so its year was left out"),
    ("birthday", "N/A", "the birthday “N/A” says that it is unknown"),
    (
        "email",
        " ".join(f"p{number}@example.org" for number in range(25)),
        "of 25 values for e-mail address, the first 20",
    ),
]


@pytest.mark.parametrize(("heading", "cell", "told"), LOST)
def test_every_loss_is_told_with_the_person(heading: str, cell: str, told: str) -> None:
    """The person is taken without it."""
    (found,) = read_all(f'name,{heading}\nAda,"{cell}"\n')
    assert isinstance(found, ParsedCard) and found.name == "Ada"
    assert any(told in warning for warning in found.warnings), found.warnings


def test_a_name_that_is_cut_is_told() -> None:
    """With its beginning."""
    (found,) = read_all(f"name\n{'Ada ' * 60}\n")
    assert isinstance(found, ParsedCard) and len(found.name) <= 200
    assert found.warnings == (f"“{('Ada ' * 8)[:30]}…” has more than 200 characters, and was cut there",)


@pytest.mark.parametrize("heading", ["email", "phone", "url", "language"])
def test_signs_of_no_value_are_no_loss(heading: str) -> None:
    """Programs write them."""
    for cell in ("-", "N/A", "null", "none", "--", " "):
        (found,) = read_all(f"name,{heading}\nAda,{cell}\n")
        assert isinstance(found, ParsedCard) and found.warnings == ()


@pytest.mark.parametrize(
    ("heading", "cell", "deceased"),
    [
        ("deceased", "yes", True), ("Deceased", "TRUE", True), ("Date of Death", "2020-01-01", True),
        ("Died", "2020", True),
        ("Todestag", "1.1.2020", True), ("Fecha de defunción", "1/1/2020", True), ("Data zgonu", "2020", True),
        ("Fecha de fallecimiento", "1/1/2020", True), ("Sterbedatum", "1.1.2020", True),
        ("Fallecido", "sí", True), ("Date de décès", "01/01/2020", True),
        ("deceased", "no", None), ("deceased", "", None), ("deceased", "False", None), ("Died", "-", None),
    ],
)  # fmt: skip
def test_a_death_is_read(heading: str, cell: str, deceased: bool | None) -> None:
    """So that nobody greets the dead."""
    (found,) = read_all(f"name,{heading}\nAda,{cell}\n")
    assert isinstance(found, ParsedCard) and found.deceased is deceased


def test_a_cell_that_was_kept_from_being_a_formula_is_read_as_it_was() -> None:
    """Spreadsheets' exports put an apostrophe before it."""
    (found,) = read_all("name,birthday,phone\n'=Ada,'--04-12,'+49 30 5550101\n")
    assert isinstance(found, ParsedCard)
    assert (found.name, found.birthday, found.phones) == ("=Ada", "--04-12", ("+49 30 5550101",))


def test_cells_beyond_the_headings_are_told() -> None:
    """A comma that nobody quoted puts all others into the wrong column."""
    (found,) = read_all("name,email\nLake, Ada,ada@example.org\n")
    assert isinstance(found, ParsedCard)
    assert "the row has 3 cells, but there are 2 headings; the extra cells were left out" in found.warnings
    (fine,) = read_all("name,email\nAda,ada@example.org,,\n")
    assert isinstance(fine, ParsedCard) and fine.warnings == ()


def test_many_signs_that_there_is_no_birthday_do_not_crowd_out_what_is_lost() -> None:
    """The first are told with the person, the others counted."""
    file = open_file("name,birthday\n" + "Ada,0000-00-00\n" * 50)
    assert sum(len(one.warnings) for one in file if isinstance(one, ParsedCard)) == 20
    assert file.warnings == ["30 more birthdays say that they are unknown, such as N/A"]


ODS = "application/vnd.oasis.opendocument.spreadsheet"


def archive(*names: str) -> bytes:
    """A ZIP archive with such files in it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in names:
            opened.writestr(name, ODS if name == "mimetype" else "", zipfile.ZIP_STORED)
    return held.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (archive("[Content_Types].xml", "xl/workbook.xml"), "save it as CSV"),
        (archive("docProps/app.xml", "xl/workbook.xml"), "save it as CSV"),
        (archive("mimetype", "content.xml"), "save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "save it as CSV"),
        (archive("contacts.vcf"), "is a ZIP archive, but a vCard or CSV"),
    ],
    ids=["xlsx", "xlsx in another order", "ods", "xls", "zip"],
)
@pytest.mark.parametrize("charset", [None, "utf-16", "windows-1252"])
def test_a_workbook_or_an_archive_is_refused_by_name(data: bytes, told: str, charset: str | None) -> None:
    """With what to do, whatever encoding is named."""
    with pytest.raises(ValidationFailed, match=told):
        open_file(data, ReadOptions(charset=charset))


ORDERS: list[tuple[str, DateOrder | None, str, str | None]] = [
    # nothing shows it: by the language of the headings, and told
    ("name,birthday\nAda,3/4/1990\n", None, "1990-03-04", "one date such as 3/4/1990 (entry 1)"),
    ("Nom,Anniversaire\nAda,3/4/1990\n", None, "1990-04-03", "date_order=month"),
    ("Nombre,Cumpleaños\nAda,3-4-1990\n", None, "1990-04-03", "date_order=month"),
    ("First Name,Birthday\nAda,3/4\n", None, "--03-04", "date_order=day"),
    # asked for
    ("name,birthday\nAda,3/4/1990\n", "day", "1990-04-03", None),
    ("Nom,Anniversaire\nAda,3/4/1990\n", "month", "1990-03-04", None),
    ("name,birthday\nAda,3.4.1990\n", "month", "1990-03-04", None),
    ("name,birthday\nAda,3/4/1990\nKim,31/12/1985\n", "month", "1990-03-04",
     "date of entry 2 makes no sense with date_order=month"),
    # another date of the file shows it, however far behind
    ("name,birthday\nAda,3/4/1990\n" + "Kim,4/4/1990\n" * 5000 + "Kim,31/12/1985\n", None, "1990-04-03", None),
    ("Nom,Anniversaire\nAda,3/4/1990\nKim,12/31/1985\n", None, "1990-03-04", None),
    ("name,birthday\nAda,3/4/1990\nKim,24.12.1985\n", None, "1990-04-03", None),
    ("name,birthday\nAda,3/4/1990\nKim,31/12/1985\nRay,12/31/1985\nLee,12/30/1985\n", None, "1990-03-04",
     "the day is first in entry 2, the month in entries 3, 4"),
    # a heading shows it
    ("name,birthday (DD/MM/YYYY)\nAda,3/4/1990\n", None, "1990-04-03", None),
    ("name,dob mm/dd/yyyy\nAda,3/4/1990\n", None, "1990-03-04", None),
    ("name,birthday_dd_mm_yyyy\nAda,3/4/1990\n", None, "1990-04-03", None),
    ("Name;Geburtstag (TT.MM.JJJJ)\nAda;3/4/1990\n", None, "1990-04-03", None),
    ("Nom;Date de naissance (JJ/MM/AAAA)\nAda;3/4/1990\n", None, "1990-04-03", None),
    ("name,Date of Birth (YYYY-MM-DD)\nAda,1990-03-04\n", None, "1990-03-04", None),
    # it makes no difference
    ("name,birthday\nAda,4/4/1990\n", None, "1990-04-04", None),
    ("name,birthday\nAda,3/4/1990\nKim,1/13/1985\nRay,soon\n", None, "1990-03-04", None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "asked", "born", "told"), ORDERS)
def test_the_order_of_dates_is_told_by_the_whole_file(
    data: str, asked: DateOrder | None, born: str, told: str | None
) -> None:
    """And where nothing shows it, how it was taken, and how to have it otherwise."""
    file = open_file(data, ReadOptions(date_order=asked))
    first = next(iter(file))
    assert isinstance(first, ParsedCard) and first.birthday == born
    assert file.warnings == [] if told is None else told in file.warnings[0], file.warnings


@pytest.mark.parametrize(
    ("dates", "asked", "born", "told"),
    [
        (["3/4/1990"], None, "1990-03-04", "one date such as 3/4/1990 (entry 1)"),
        (["3/4/1990"], "day", "1990-04-03", None),
        (["3/4/1990", "31/12/1985"], None, "1990-04-03", None),
        (["12.04.1990"], None, "1990-04-12", None),
        (["4-Dec-1985"], None, "1985-12-04", None),
    ],
)
def test_the_order_of_dates_in_vcards_is_told_likewise(
    dates: list[str], asked: DateOrder | None, born: str, told: str | None
) -> None:
    """By all cards of the file."""
    cards = "".join(f"BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nitem1.BDAY;VALUE=text:{day}\nEND:VCARD\n" for day in dates)
    file = open_file(cards, ReadOptions(date_order=asked))
    first = next(iter(file))
    assert isinstance(first, ParsedCard) and (first.birthday, first.warnings) == (born, ())
    assert file.warnings == [] if told is None else told in file.warnings[0]


def test_every_table_of_headings_is_sound() -> None:
    """Each file has a language and known fields only; no heading means two things within one program's file."""
    folder = resources.files("service.contacts.reading.headings")
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    assert len(files) >= 25
    for file in files:
        table = tomllib.loads(file.read_text("utf-8"))
        assert table.pop("language") == file.name.split(".")[1]
        assert table.keys() <= FIELDS
        keys = [(columns_of([heading]).fields, heading) for headings in table.values() for heading in headings]
        assert all(fields or heading for fields, heading in keys)
        headings = [heading for headings in table.values() for heading in headings]
        assert len(headings) == len(set(headings)), file.name


@given(st.binary(max_size=300), st.sampled_from([b"name,birthday\n", b"Name;Geburtstag\n", b"sep=,\nname,email,url\n"]))
def test_no_spreadsheet_fails(data: bytes, headings: bytes) -> None:
    """Whatever stands below its headings."""
    for one in read_people(io.BytesIO(headings + data)):
        assert isinstance(one, ParsedCard | Skipped)


@pytest.mark.parametrize(
    "data",
    [
        b"," * 60_000 + b"name\n" + b"a,b\n" * 10_000,
        b"name" + b",x" * 30_000 + b"\n" + b"a\n" * 10_000,
        b"name," + b" " * 60_000 + b"dd-mm-yyyx\nAda,x\n",
        b"name,birthday\nAda," + b" " * 60_000 + b"x\nKim," + b"1" * 60_000 + b"\nRay," + b"jan" * 20_000 + b"\n",
        b"name,birthday\n" + b"a" * 60_000 + b" \xe9,x\n" + b"\xe9 " * 30_000 + b"\n",
        b"name,email\nAda," + b"a@" * 30_000 + b"\n",
    ],
)
def test_no_line_holds_the_import_up(data: bytes) -> None:
    """However long it is, and however many columns it has."""
    try:
        assert list(read_people(io.BytesIO(data)))
    except ValidationFailed:
        assert data.startswith(b",")
