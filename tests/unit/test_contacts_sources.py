"""Address books as each program really writes them, and what is read of them, field by field."""

from __future__ import annotations

import base64
import io
import random
from dataclasses import asdict
from typing import Any

import pytest

from service.contacts.people import ParsedCard, Skipped
from service.contacts.reading.files import read_people

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
    """With an invalid date among them, and byte order marks where files were put together."""
    whole = [data for name, data, _ in SOURCES if "UTF-16" not in name]
    bad = lines("BEGIN:VCARD", "VERSION:4.0", "FN:Old One", "BDAY;VALUE=text:circa 1800", "END:VCARD").encode()
    found = read_all(b"".join([*whole[:5], bad, *whole[5:]]))
    people = [card for card in found if isinstance(card, ParsedCard)]
    assert len(people) == len(found) == len(whole) + 1
    (told,) = [card for card in people if card.warnings]
    assert (told.name, told.position) == ("Old One", 6) and "circa 1800" in told.warnings[0]


@pytest.mark.parametrize(
    "written", ["VALUE=text:circa 1800", "VALUE=DATE:1985", ":1985-04", ":0000-00-00", ":NaN-NaN-NaN", ":N/A", ":-",
                ":---12", ":1991-02-29"]
)  # fmt: skip
def test_a_card_comes_without_a_birthday_that_is_no_date(written: str) -> None:
    """It is told, and costs nobody else anything."""
    bday = f"BDAY{written}" if written.startswith(":") else f"BDAY;{written}"
    (found,) = read_all(lines("BEGIN:VCARD", "VERSION:3.0", "FN:Old One", bday, "END:VCARD").encode())
    assert isinstance(found, ParsedCard) and (found.name, found.birthday) == ("Old One", None)
    assert any(f"“{written.partition(':')[2]}”" in warning for warning in found.warnings)


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
    ("Outlook in Spanish", (
        '"Título","Nombre","Segundo nombre","Apellidos","Sufijo","Organización","Teléfono del trabajo","Particular",'
        '"Móvil","Cumpleaños","Dirección de correo electrónico","Tipo de correo electrónico",'
        '"Nombre de pantalla de correo electrónico","Dirección de correo electrónico 2","Página web","Idioma"\r\n'
        '"","José","María","Muñoz","","","915 550 101","915 550 102","655 501 010","31/12/1985","jose@example.es",'
        '"SMTP","José","j@example.es","https://jose.example.es","es"\r\n').encode("cp1252"), person(
        source="csv", name="José María Muñoz", given_name="José", family_name="Muñoz", birthday="1985-12-31",
        emails=("jose@example.es", "j@example.es"), phones=("915 550 101", "915 550 102", "655 501 010"),
        urls=("https://jose.example.es",), language="es")),
    ("Outlook in Spanish, half of its headings in English", (
        '"Title","Nombre","Segundo nombre","Apellidos","Mobile Phone","Birthday","E-mail Address",'
        '"Dirección del correo electrónico 3"\r\n'
        '"","Íñigo","","Peña","655 501 010","31/12/1985","i@example.es","p@example.es"\r\n').encode("cp1252"), person(
        source="csv", name="Íñigo Peña", given_name="Íñigo", family_name="Peña", birthday="1985-12-31",
        emails=("i@example.es", "p@example.es"), phones=("655 501 010",))),
    ("Outlook in Italian", (
        '"Titolo";"Nome";"Secondo nome";"Cognome";"Società";"Ufficio";"Abitazione";"Cellulare";"Compleanno";'
        '"Indirizzo posta elettronica";"Tipo posta elettronica";"Indirizzo posta elettronica 2";"Pagina Web";'
        '"Lingua"\r\n'
        '"";"Nicolò";"";"Rossi";"";"06 555 0101";"06 555 0102";"333 555 0103";"31/12/1985";"n@example.it";"SMTP";'
        '"r@example.it";"https://nicolo.example.it";"it"\r\n').encode("cp1252"), person(
        source="csv", name="Nicolò Rossi", given_name="Nicolò", family_name="Rossi", birthday="1985-12-31",
        emails=("n@example.it", "r@example.it"), phones=("06 555 0101", "06 555 0102", "333 555 0103"),
        urls=("https://nicolo.example.it",), language="it")),
    ("Outlook in Portuguese", (
        '"Título";"Primeiro nome";"Segundo nome";"Sobrenome";"Empresa";"Telefone Comercial";"Telefone residencial";'
        '"Telefone celular";"Aniversário";"Endereço de email";"Tipo de email";"Endereço de email 2";"Página da Web"\r\n'
        '"";"João";"";"Gonçalves";"";"11 5550 101";"11 5550 102";"11 5550 103";"31/12/1985";"j@example.br";"SMTP";'
        '"g@example.br";"https://joao.example.br"\r\n').encode("cp1252"), person(
        source="csv", name="João Gonçalves", given_name="João", family_name="Gonçalves", birthday="1985-12-31",
        emails=("j@example.br", "g@example.br"), phones=("11 5550 101", "11 5550 102", "11 5550 103"),
        urls=("https://joao.example.br",))),
    ("Outlook in Dutch", (
        '"Titel";"Voornaam";"Middelste naam";"Achternaam";"Bedrijf";"Telefoon op werk";"Telefoon thuis";'
        '"Mobiele telefoon";"E-mailadres";"E-mailtype";"E-mailadres 2";"Verjaardag";"Webpagina";"Taal"\r\n'
        '"";"Zoë";"van";"Dijk";"";"020 555 0101";"020 555 0102";"06 5550 1033";"z@example.nl";"SMTP";"d@example.nl";'
        '"31-12-1985";"https://zoe.example.nl";"nl"\r\n').encode("cp1252"), person(
        source="csv", name="Zoë van Dijk", given_name="Zoë", family_name="Dijk", birthday="1985-12-31",
        emails=("z@example.nl", "d@example.nl"), phones=("020 555 0101", "020 555 0102", "06 5550 1033"),
        urls=("https://zoe.example.nl",), language="nl")),
    ("Google, its headings in Spanish", (
        "Nombre,Segundo nombre,Apellidos,Cumpleaños,Correo electrónico 1 - Etiqueta,Correo electrónico 1 - Valor,"
        "Teléfono 1 - Valor,Sitio web 1 - Valor\n"
        "José,,Muñoz,1985-12-31,* Casa,j@example.es ::: m@example.es,655 501 010,jose.example.es\n").encode(), person(
        source="csv", name="José Muñoz", given_name="José", family_name="Muñoz", birthday="1985-12-31",
        emails=("j@example.es", "m@example.es"), phones=("655 501 010",), urls=("https://jose.example.es",))),
    ("Thunderbird in English", (
        b"First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Screen Name,Work Phone,Home Phone,"
        b"Fax Number,Pager Number,Mobile Number,Home Address,Home Address 2,Home City,Home State,Home ZipCode,"
        b"Home Country,Work Address,Work Address 2,Work City,Work State,Work ZipCode,Work Country,Job Title,Department,"
        b"Organization,Web Page 1,Web Page 2,Birth Year,Birth Month,Birth Day,Custom 1,Custom 2,Custom 3,Custom 4,"
        b"Notes,\r\n"
        b"Amelia,Rivers,Amelia Rivers,Mel,a@example.org,b@example.org,,555 0101,555 0102,,,555 0103,,,,,,,,,,,,,,,,"
        b"http://example.org/a,http://example.org/b,1990,04,12,,,,,,\r\n"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="1990-04-12",
        emails=("a@example.org", "b@example.org"), phones=("555 0101", "555 0102", "555 0103"),
        urls=("http://example.org/a", "http://example.org/b"))),
    ("Thunderbird in German", (
        "Vorname,Nachname,Anzeigename,Spitzname,Primäre E-Mail-Adresse,Sekundäre E-Mail-Adresse,Messenger-Name,"
        "Tel. dienstlich,Tel. privat,Fax-Nummer,Pager-Nummer,Mobil-Tel.-Nr.,Privat: Adresse,Webseite 1,Webseite 2,"
        "Geburtsjahr,Geburtsmonat,Geburtstag,Benutzerdef. 1,Notizen\n"
        "Jörg,Müller,Jörg Müller,,j@example.de,m@example.de,,030 5550101,030 5550102,,,0170 5550103,,"
        "https://joerg.example.de,,1985,12,31,,\n").encode(), person(
        source="csv", name="Jörg Müller", given_name="Jörg", family_name="Müller", birthday="1985-12-31",
        emails=("j@example.de", "m@example.de"), phones=("030 5550101", "030 5550102", "0170 5550103"),
        urls=("https://joerg.example.de",))),
    ("Thunderbird in French", (
        "Prénom,Nom de famille,Nom à afficher,Surnom,Première adresse électronique,Deuxième adresse électronique,"
        "Tél. professionnel ,Tél. personnel,Portable,Site Web 1,Année de naissance,Mois,Jour\n"
        "Inès,Moreau,,,i@example.fr,m@example.fr,01 55 50 10 10,01 55 50 10 11,06 55 50 10 12,ines.example.fr,1992,2,29"
        "\n").encode(), person(
        source="csv", name="Inès Moreau", given_name="Inès", family_name="Moreau", birthday="1992-02-29",
        emails=("i@example.fr", "m@example.fr"), phones=("01 55 50 10 10", "01 55 50 10 11", "06 55 50 10 12"),
        urls=("https://ines.example.fr",))),
    ("Thunderbird in Spanish", (
        "Nombre,Apellidos,Nombre mostrado,Apodo,Dirección de correo electrónico principal,"
        "Dirección de correo electrónico secundaria,Teléfono (Trabajo),Teléfono particular,Teléfono móvil,Página web 1,"
        "Año de nacimiento,Mes de nacimiento,Día de nacimiento\n"
        "José,Muñoz,José Muñoz,Pepe,j@example.es,m@example.es,915 550 101,915 550 102,655 501 010,,1985,12,31\n"
        ).encode(), person(
        source="csv", name="José Muñoz", given_name="José", family_name="Muñoz", birthday="1985-12-31",
        emails=("j@example.es", "m@example.es"), phones=("915 550 101", "915 550 102", "655 501 010"))),
    ("Thunderbird in Italian", (
        "Nome,Cognome,Nome visualizzato,Soprannome,E-mail primaria,E-mail secondaria,Telefono lavoro,Telefono casa,"
        "Numero cellulare,Pagina web 1,Anno di nascita,Mese di nascita,Giorno di nascita\n"
        "Nicolò,Rossi,,,n@example.it,,06 555 0101,,333 555 0103,,,12,31\n").encode(), person(
        source="csv", name="Nicolò Rossi", given_name="Nicolò", family_name="Rossi", birthday="--12-31",
        emails=("n@example.it",), phones=("06 555 0101", "333 555 0103"))),
    ("Thunderbird in Portuguese", (
        "Nome,Sobrenome,Nome de exibição,Apelido,E-mail principal,Celular,Página da web 1,Ano de nascimento,"
        "Mês de nascimento,Nascimento\n"
        "João,Gonçalves,João Gonçalves,Jô,j@example.br,11 5550 103,,1985,12,31\n").encode(), person(
        source="csv", name="João Gonçalves", given_name="João", family_name="Gonçalves", birthday="1985-12-31",
        emails=("j@example.br",), phones=("11 5550 103",))),
    ("Thunderbird in Spanish, its newer headings", (
        "Nombre,Apellidos,Nombre mostrado,Apodo,Correo electrónico primario,Correo electrónico secundario,"
        "Teléfono (Trabajo),Año de nacimiento,Mes de nacimiento,Día de nacimiento\n"
        "José,Muñoz,José Muñoz,Pepe,j@example.es,m@example.es,915 550 101,1985,12,31\n").encode(), person(
        source="csv", name="José Muñoz", given_name="José", family_name="Muñoz", birthday="1985-12-31",
        emails=("j@example.es", "m@example.es"), phones=("915 550 101",))),
    ("Thunderbird in Portuguese, its newer headings", (
        "Nome,Sobrenome,Nome de exibição,E-mail primário,E-mail secundário,Ano de nascimento,Mês de nascimento,"
        "Dia de nascimento\n"
        "João,Gonçalves,João Gonçalves,j@example.pt,g@example.pt,1985,12,31\n").encode(), person(
        source="csv", name="João Gonçalves", given_name="João", family_name="Gonçalves", birthday="1985-12-31",
        emails=("j@example.pt", "g@example.pt"))),
    ("Thunderbird in Polish", (
        "Imię,Nazwisko,Wyświetlana nazwa,Pseudonim,Podstawowy e-mail,Dodatkowy e-mail,Telefon komórkowy,Organizacja,"
        "Rok urodzenia,Miesiąc urodzenia,Dzień urodzenia\n"
        "Łucja,Żak,Łucja Żak,Lusia,l@example.pl,z@example.pl,+48 600 555 010,,1985,12,31\n").encode(), person(
        source="csv", name="Łucja Żak", given_name="Łucja", family_name="Żak", birthday="1985-12-31",
        emails=("l@example.pl", "z@example.pl"), phones=("+48 600 555 010",))),
    ("Outlook in Portuguese, of Portugal", (
        "Título,Nome próprio,Apelido,Telemóvel,Data de nascimento,Endereço de correio electrónico,"
        "Endereço de correio electrónico 2\n"
        ",João,Gonçalves,910 555 010,31/12/1985,j@example.pt,g@example.pt\n").encode("cp1252"), person(
        source="csv", name="João Gonçalves", given_name="João", family_name="Gonçalves", birthday="1985-12-31",
        emails=("j@example.pt", "g@example.pt"), phones=("910 555 010",))),
    ("LinkedIn's Connections.csv", (
        b'Notes:\n"When exporting your connection data, you may notice that some of the email addresses are missing. '
        b'You will only see those of connections who let ""1st-degree"" ones see them, https://example.org/a"\n\n'
        b"First Name,Last Name,URL,Email Address,Company,Position,Connected On\n"
        b"Amelia,Rivers,https://www.linkedin.com/in/amelia,a@example.org,Example,Engineer,12 Apr 2020\n"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", emails=("a@example.org",),
        urls=("https://www.linkedin.com/in/amelia",))),
    ("Yahoo", (
        b'"First","Middle","Last","Nickname","Email","Category","Home","Work","Pager","Fax","Mobile","Other",'
        b'"Alternate Email 1","Alternate Email 2","Personal Website","Business Website","Title","Company","Birthday",'
        b'"Anniversary"\n"Amelia","","Rivers","","a@example.org","","555 0101","","","","555 0102","",'
        b'"b@example.org","","https://example.org/a","","","","12/31/1985",""\n'), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="1985-12-31",
        emails=("a@example.org", "b@example.org"), phones=("555 0101", "555 0102"), urls=("https://example.org/a",))),
    ("a converter of iCloud's cards", (
        b"First Name,Last Name,Display Name,Nickname,E-mail Address,E-mail 2 Address,E-mail 3 Address,Home Phone,"
        b"Business Phone,Mobile Phone,Organization,Web Page,Birthday,Notes\n"
        b"Amelia,Rivers,Amelia Rivers,,a@example.org,b@example.org,,555 0101,,555 0102,,https://example.org/a,1985-12-31,"
        b"\n"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="1985-12-31",
        emails=("a@example.org", "b@example.org"), phones=("555 0101", "555 0102"), urls=("https://example.org/a",))),
    ("HubSpot", (
        b"First Name,Last Name,Email Address,Phone Number,Mobile Phone Number,Website URL,Date of birth,"
        b"Preferred language\nAmelia,Rivers,a@example.org,555 0101,555 0102,example.org/a,1985-12-31,en\n"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="1985-12-31",
        emails=("a@example.org",), phones=("555 0101", "555 0102"), urls=("https://example.org/a",), language="en")),
    ("Mailchimp", (
        b'"Email Address","First Name","Last Name","Phone Number",Birthday\n'
        b"a@example.org,Amelia,Rivers,555 0101,12/31\n"), person(
        source="csv", name="Amelia Rivers", given_name="Amelia", family_name="Rivers", birthday="--12-31",
        emails=("a@example.org",), phones=("555 0101",))),
    ("a list of friends", b"Friend,Birthday,Profile URL\nAmelia Rivers,December 4,https://example.org/amelia\n", person(
        source="csv", name="Amelia Rivers", birthday="--12-04", urls=("https://example.org/amelia",))),
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
