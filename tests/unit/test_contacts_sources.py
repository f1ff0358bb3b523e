"""Address books as each program really writes them, and what is read of them, field by field."""

from __future__ import annotations

import base64
import io
import random
from dataclasses import asdict
from typing import Any

import pytest

from service.contacts.files import read_people
from service.contacts.people import ParsedCard, Skipped

PHOTO = base64.b64encode(random.Random(1).randbytes(3000)).decode()


def folded(text: str, width: int = 75) -> str:
    """A property over several lines, each but the first beginning with a space."""
    return "\r\n ".join(text[at : at + width] for at in range(0, len(text), width))


def lines(*text: str) -> str:
    """Lines as the standard ends them."""
    return "".join(f"{line}\r\n" for line in text)


IPHONE = lines(
    "BEGIN:VCARD", "VERSION:3.0", "PRODID:-//Apple Inc.//iPhone OS 17.5.1//EN", "N:Rivers;Amelia;Jane;Dr.;",
    "FN:Dr. Amelia Jane Rivers", "ORG:Example Ltd;", "EMAIL;type=INTERNET;type=HOME:second@example.org",
    "item1.EMAIL;type=INTERNET;type=pref:amelia@example.org", "item1.X-ABLabel:_$!<Other>!$_",
    "TEL;type=CELL;type=VOICE;type=pref:+1 (555) 010-0101", "item2.ADR;type=HOME;type=pref:;;1 Road;Town;;;",
    "item2.X-ABADR:gb", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12",
    "item3.URL;type=pref:https\\://example.org/amelia", "item3.X-ABLabel:_$!<HomePage>!$_",
    "X-SOCIALPROFILE;type=twitter;x-user=amelia:http://twitter.com/amelia",
    "X-SOCIALPROFILE;type=gamecenter:x-apple:amelia",
    folded(f"PHOTO;ENCODING=b;TYPE=JPEG:{PHOTO}"), "END:VCARD",
)  # fmt: skip
MACOS = lines(
    "BEGIN:VCARD", "VERSION:3.0", "PRODID:-//Apple Inc.//macOS 14.5//EN", "N:Müller;Jörg;;;", "FN:Jörg Müller",
    "NICKNAME:Jo", "EMAIL;type=INTERNET;type=WORK;type=pref:joerg@example.de", "TEL;type=HOME;type=VOICE:030 5550101",
    "NOTE:erste Zeile\\nBDAY:1999-01-01\\, nicht wahr", "BDAY;value=date:1985-12-31",
    "item1.X-ABDATE;type=pref:2010-06-01", "item1.X-ABLabel:_$!<Anniversary>!$_",
    "X-ABUID:8A2B41C3-0000-4C1E-9D7A-0B8C8F6F6A11:ABPerson", "UID:8a2b41c3-0000-4c1e-9d7a-0b8c8f6f6a11", "END:VCARD",
)  # fmt: skip
GMAIL = lines(
    "BEGIN:VCARD", "VERSION:3.0", "FN:Inès Moreau", "N:Moreau;Inès;;;", "item1.EMAIL;TYPE=INTERNET:ines@example.fr",
    "item1.X-ABLabel:", "EMAIL;TYPE=INTERNET;TYPE=HOME:ines.moreau@example.com", "TEL;TYPE=CELL:+33 6 55 50 10 10",
    "BDAY:--0229", "item2.URL:http\\://www.google.com/profiles/12345", "item2.X-ABLabel:PROFILE",
    "URL;TYPE=HOME:https\\://ines.example.fr", "CATEGORIES:myContacts", "END:VCARD",
)  # fmt: skip
OUTLOOK_2003 = lines(
    "BEGIN:VCARD", "VERSION:2.1", "N:Müller;Jürgen", "FN:Jürgen Müller", "ORG:Beispiel GmbH",
    "TEL;WORK;VOICE:+49 (30) 5550102", "TEL;CELL;VOICE:+49 170 5550103",
    "ADR;WORK;ENCODING=QUOTED-PRINTABLE:;;Stra=DFe 1=0D=0AHinterhaus;Berlin;;10115;Deutschland",
    "LABEL;WORK;ENCODING=QUOTED-PRINTABLE:Stra=DFe 1=0D=0AHinterhaus=0D=0A10115 Berlin=", "=0D=0ADeutschland",
    "URL;WORK:http://www.example.de", "BDAY:19700501", "EMAIL;PREF;INTERNET:juergen@example.de",
    "REV:20040312T101500Z", "END:VCARD",
)  # fmt: skip
OUTLOOK_2019 = lines(
    "BEGIN:VCARD", "VERSION:2.1", "X-MS-SIGNATURE:YES", "N;LANGUAGE=de;CHARSET=utf-8:Öztürk;Şule;;Dr.",
    "FN;CHARSET=utf-8:Dr. Şule Öztürk", "TITLE;ENCODING=QUOTED-PRINTABLE;CHARSET=utf-8:Gesch=C3=A4ftsf=C3=BChrerin",
    "TEL;HOME;VOICE:+49 30 5550104", "X-MS-OL-DEFAULT-POSTAL-ADDRESS:0", "URL;HOME:https://sule.example.de",
    "BDAY:19811003", "EMAIL;PREF;INTERNET:sule@example.de",
    "X-MS-CARDPICTURE;TYPE=JPEG;ENCODING=BASE64:", *(f" {PHOTO[at : at + 72]}" for at in range(0, 720, 72)), "",
    'X-MS-OL-DESIGN;CHARSET=utf-8:<card xmlns="http://schemas.microsoft.com/office/outlook/12/electronicbusinesscards"'
    ' ver="1.0" layout="left" bgcolor="ffffff"><img xmlns="" align="fit"/></card>',
    "REV:20190405T081500Z", "END:VCARD",
)  # fmt: skip
THUNDERBIRD = lines(
    "BEGIN:VCARD", "VERSION:4.0", "PRODID:-//Thunderbird.net/NONSGML Thunderbird//EN", "N:Okafor;Chidi;;;",
    "FN:Chidi Okafor", "NICKNAME:Chi", "EMAIL;PREF=1:chidi@example.org", "EMAIL;TYPE=home:chidi@home.example.org",
    "TEL;TYPE=cell;VALUE=TEXT:+234 555 0101", 'TEL;VALUE=uri;TYPE="voice,home":tel:+234-555-0102',
    "BDAY;VALUE=DATE:--0412", "URL;TYPE=home;VALUE=URL:https://chidi.example.org", "LANG:en-NG",
    "UID:urn:uuid:5f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a22", "END:VCARD",
)  # fmt: skip
THUNDERBIRD_OLD = "".join(
    f"{line}\n"
    for line in ("begin:vcard", "fn:Tom Old", "n:Old;Tom", "org:Example;", "email;internet:tom@example.org",
                 "tel;cell:555 0105", "x-mozilla-html:TRUE", "version:2.1", "end:vcard", "")
)  # fmt: skip
NEXTCLOUD = lines(
    "BEGIN:VCARD", "VERSION:4.0", "PRODID:-//Sabre//Sabre VObject 4.5.4//EN",
    "UID:c2a9a0f5-5b0e-4b51-a5d1-2d9a3f0f7e33", "FN:Zoë Ångström", "N:Ångström;Zoë;;;",
    "EMAIL;TYPE=HOME:zoe@example.se", "TEL;TYPE=\"HOME,VOICE\":+46 8 555 0106", "BDAY;VALUE=DATE-AND-OR-TIME:19920229",
    "X-SOCIALPROFILE;TYPE=MASTODON:https://social.example.se/@zoe", "X-SOCIALPROFILE;TYPE=XMPP:zoe@chat.example.se",
    "CATEGORIES:Friends", folded(f"PHOTO:data:image/png;base64,{PHOTO}"), "REV;VALUE=DATE-AND-OR-TIME:20240411T101500Z",
    "END:VCARD",
)  # fmt: skip
KDE = lines(
    "BEGIN:VCARD", "VERSION:3.0", "BDAY:1978-04-09T00:00:00", "EMAIL;TYPE=PREF:tomas@example.es",
    "X-messaging/xmpp-All:tomas@chat.example.es", "EMAIL:t.herrera@example.es", "FN:Tomás Herrera",
    "N:Herrera;Tomás;;;", "NAME:Tomás Herrera", "PRODID:-//K Desktop Environment//NONSGML KABC 4.0//EN",
    "REV:2024-03-12T10:15:00Z", "TEL;TYPE=CELL:+34 655 501 010", "UID:pas-id-5F0B3A5200000000",
    "URL:https://tomas.example.es", "X-KADDRESSBOOK-BlogFeed:https://tomas.example.es/feed", "END:VCARD",
)  # fmt: skip
ANDROID = lines(
    "BEGIN:VCARD", "VERSION:2.1", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=",
    "=D0=98=D0=B2=D0=B0=D0=BD;;;", "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=20=",
    "=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2", "TEL;CELL;PREF:+7 555 010 01 07", "EMAIL;HOME:ivan@example.ru",
    "BDAY:1969-07-20", "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Vanya;1;;;;;;;;;;;;;", "END:VCARD",
)  # fmt: skip


def person(**fields: Any) -> dict[str, Any]:
    """What is expected of one card; what is not named is not there."""
    bare = asdict(ParsedCard(position=1, name=""))
    return bare | {"source": "vcard"} | fields


SOURCES: list[tuple[str, bytes, dict[str, Any]]] = [
    ("iPhone", IPHONE.encode(), person(
        name="Dr. Amelia Jane Rivers", given_name="Amelia", family_name="Rivers", birthday="--04-12",
        emails=("amelia@example.org", "second@example.org"), phones=("+1 (555) 010-0101",),
        urls=("https://example.org/amelia", "http://twitter.com/amelia"))),
    ("macOS", MACOS.encode(), person(
        name="Jörg Müller", given_name="Jörg", family_name="Müller", birthday="1985-12-31",
        uid="8a2b41c3-0000-4c1e-9d7a-0b8c8f6f6a11", emails=("joerg@example.de",), phones=("030 5550101",))),
    ("macOS in UTF-16", MACOS.encode("utf-16"), person(
        name="Jörg Müller", given_name="Jörg", family_name="Müller", birthday="1985-12-31",
        uid="8a2b41c3-0000-4c1e-9d7a-0b8c8f6f6a11", emails=("joerg@example.de",), phones=("030 5550101",))),
    ("Gmail", GMAIL.encode(), person(
        name="Inès Moreau", given_name="Inès", family_name="Moreau", birthday="--02-29",
        emails=("ines@example.fr", "ines.moreau@example.com"), phones=("+33 6 55 50 10 10",),
        urls=("http://www.google.com/profiles/12345", "https://ines.example.fr"))),
    ("Outlook 2003, in Windows' alphabet", OUTLOOK_2003.encode("cp1252"), person(
        name="Jürgen Müller", given_name="Jürgen", family_name="Müller", birthday="1970-05-01",
        emails=("juergen@example.de",), phones=("+49 (30) 5550102", "+49 170 5550103"),
        urls=("http://www.example.de",))),
    ("Outlook 2019", OUTLOOK_2019.encode(), person(
        name="Dr. Şule Öztürk", given_name="Şule", family_name="Öztürk", birthday="1981-10-03",
        emails=("sule@example.de",), phones=("+49 30 5550104",), urls=("https://sule.example.de",))),
    ("Thunderbird", THUNDERBIRD.encode("utf-8-sig"), person(
        name="Chidi Okafor", given_name="Chidi", family_name="Okafor", birthday="--04-12",
        uid="urn:uuid:5f0b3a52-6d0e-4c1e-9d7a-0b8c8f6f6a22", emails=("chidi@example.org", "chidi@home.example.org"),
        phones=("+234 555 0101", "+234-555-0102"), urls=("https://chidi.example.org",), language="en-NG")),
    ("Thunderbird of old", THUNDERBIRD_OLD.encode(), person(
        name="Tom Old", given_name="Tom", family_name="Old", emails=("tom@example.org",), phones=("555 0105",))),
    ("Nextcloud", NEXTCLOUD.encode(), person(
        name="Zoë Ångström", given_name="Zoë", family_name="Ångström", birthday="1992-02-29",
        uid="c2a9a0f5-5b0e-4b51-a5d1-2d9a3f0f7e33", emails=("zoe@example.se",), phones=("+46 8 555 0106",),
        urls=("https://social.example.se/@zoe",))),
    ("KDE", KDE.encode(), person(
        name="Tomás Herrera", given_name="Tomás", family_name="Herrera", birthday="1978-04-09",
        uid="pas-id-5F0B3A5200000000", emails=("tomas@example.es", "t.herrera@example.es"),
        phones=("+34 655 501 010",), urls=("https://tomas.example.es",))),
    ("Android", ANDROID.encode(), person(
        name="Иван Иванов", given_name="Иван", family_name="Иванов", birthday="1969-07-20",
        emails=("ivan@example.ru",), phones=("+7 555 010 01 07",))),
]  # fmt: skip


def read_all(data: bytes) -> list[ParsedCard | Skipped]:
    """Everything in a file."""
    return list(read_people(io.BytesIO(data)))


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*row[1:], id=row[0]) for row in SOURCES])
def test_each_programs_card_is_read_field_by_field(data: bytes, expected: dict[str, Any]) -> None:
    """No field is lost, none is made up."""
    (found,) = read_all(data)
    assert isinstance(found, ParsedCard), found
    assert asdict(found) == expected


def test_one_file_may_hold_cards_of_every_program() -> None:
    """With a date among them that is none, and byte order marks where files were put together."""
    whole = [data for name, data, _ in SOURCES if "UTF-16" not in name]
    bad = lines("BEGIN:VCARD", "VERSION:4.0", "FN:Old One", "BDAY;VALUE=text:circa 1800", "END:VCARD").encode()
    found = read_all(b"".join([*whole[:5], bad, *whole[5:]]))
    people = [card for card in found if isinstance(card, ParsedCard)]
    assert len(people) == len(found) == len(whole) + 1
    (told,) = [card for card in people if card.warnings]
    assert (told.name, told.position) == ("Old One", 6) and "circa 1800" in told.warnings[0]


CSVS: list[tuple[str, bytes, dict[str, Any]]] = [
    ("plain", b"name,birthday,email,url\nAda,1990-04-12,ada@example.org,https://example.org/ada\n", person(
        source="csv", name="Ada", birthday="1990-04-12", emails=("ada@example.org",),
        urls=("https://example.org/ada",))),
    ("Google of old, in UTF-16", (
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Name Prefix,Name Suffix,Nickname,Birthday,Gender,Notes,"
        "Language,Photo,Group Membership,E-mail 1 - Type,E-mail 1 - Value,E-mail 2 - Type,E-mail 2 - Value,"
        "Phone 1 - Type,Phone 1 - Value,Website 1 - Type,Website 1 - Value\n"
        "Inès Moreau,Inès,,Moreau,,,,,--02-29,,,fr,,* myContacts,* Home,ines@example.fr,Work,i@work.example.fr,"
        "Mobile,+33 6 55 50 10 10,Profile,https://ines.example.fr\n").encode("utf-16"), person(
        source="csv", name="Inès Moreau", given_name="Inès", family_name="Moreau", birthday="--02-29",
        emails=("ines@example.fr", "i@work.example.fr"), phones=("+33 6 55 50 10 10",),
        urls=("https://ines.example.fr",), language="fr")),
    ("Google", (
        b"First Name,Middle Name,Last Name,Phonetic First Name,Name Prefix,Nickname,File As,Organization Name,Birthday,"
        b"Notes,Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Website 1 - Label,"
        b"Website 1 - Value\n"
        b'Amelia,Jane,Rivers,,,,,Example,1990-04-12,"a note,\nin two lines",,* myContacts,* ,'
        b"a@example.org ::: b@example.org,Mobile,+1 555 0101,,example.org/amelia\n"), person(
        source="csv", name="Amelia Jane Rivers", given_name="Amelia", family_name="Rivers", birthday="1990-04-12",
        emails=("a@example.org", "b@example.org"), phones=("+1 555 0101",), urls=("https://example.org/amelia",))),
    ("Outlook in English", (
        '"First Name","Middle Name","Last Name","Company","Home Phone","Mobile Phone","Birthday","E-mail Address",'
        '"E-mail Type","E-mail Display Name","E-mail 2 Address","Web Page","Language"\r\n'
        '"Amelia","","Rivers","Example","555 0101","555 0102","4/12/1990","a@example.org","SMTP","Amelia",'
        '"b@example.org","https://example.org/a",""\r\n').encode("cp1252"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="1990-04-12",
        emails=("a@example.org", "b@example.org"), phones=("555 0101", "555 0102"), urls=("https://example.org/a",))),
    ("Outlook in French", (
        '"Prénom";"Deuxième prénom";"Nom";"Société";"Téléphone (domicile)";"Tél. mobile";"Anniversaire";'
        '"Adresse de messagerie";"Adresse de messagerie 2";"Page Web";"Langue"\r\n'
        '"Inès";"";"Moreau";"";"01 55 50 10 10";"06 55 50 10 10";"29/02/1992";"ines@example.fr";"i@example.fr";'
        '"https://ines.example.fr";"fr"\r\n').encode("cp1252"), person(
        source="csv", name="Inès Moreau", given_name="Inès", family_name="Moreau", birthday="1992-02-29",
        emails=("ines@example.fr", "i@example.fr"), phones=("01 55 50 10 10", "06 55 50 10 10"),
        urls=("https://ines.example.fr",), language="fr")),
    ("Outlook in German", (
        '"Vorname";"Weitere Vornamen";"Nachname";"Firma";"Telefon privat";"Mobiltelefon";"Geburtstag";'
        '"E-Mail-Adresse";"E-Mail 2: Adresse";"Webseite";"Sprache"\r\n'
        '"Jörg";"";"Müller";"";"030 5550101";"0170 5550102";"31.12.1985";"joerg@example.de";"j@example.de";'
        '"https://joerg.example.de";"de"\r\n').encode("cp1252"), person(
        source="csv", name="Jörg Müller", given_name="Jörg", family_name="Müller", birthday="1985-12-31",
        emails=("joerg@example.de", "j@example.de"), phones=("030 5550101", "0170 5550102"),
        urls=("https://joerg.example.de",), language="de")),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), [pytest.param(*row[1:], id=row[0]) for row in CSVS])
def test_each_programs_spreadsheet_is_read_field_by_field(data: bytes, expected: dict[str, Any]) -> None:
    """Whatever its language, delimiter, encoding and way of writing a date."""
    (found,) = read_all(data)
    assert isinstance(found, ParsedCard), found
    assert asdict(found) == expected


@pytest.mark.parametrize(
    ("heading", "written", "read"),
    [
        ("Birthday", "4/12/1990", "1990-04-12"),
        ("Birthday", "12/31/1985", "1985-12-31"),
        ("Birthday", "31/12/1985", "1985-12-31"),
        ("Birthday", "1990-04-12", "1990-04-12"),
        ("Birthday", "0/0/00", None),
        ("Geburtstag", "12.4.1990", "1990-04-12"),
        ("Geburtstag", "0.0.00", None),
        ("Anniversaire", "12/04/1990", "1990-04-12"),
        ("Anniversaire", "00/00/00", None),
    ],
)
def test_dates_are_read_in_the_order_of_the_headings_language(heading: str, written: str, read: str | None) -> None:
    """Month before day under an English heading, unless there is no such month; day before month under the others."""
    (found,) = read_all(f'"Name";"{heading}"\n"Ada";"{written}"\n'.encode())
    assert isinstance(found, ParsedCard), found
    assert found.birthday == read


@pytest.mark.parametrize("written", ["4/12/90", "13/13/1990", "12.04.90", "soon"])
def test_a_date_that_can_be_misread_is_refused(written: str) -> None:
    """Two digits of a year, a month that there is not: the row is skipped and says why."""
    (found,) = read_all(f"name,birthday\nAda,{written}\n".encode())
    assert isinstance(found, Skipped)
    assert written in found.reason
