"""In which encoding an address book is: told apart by its names, named by whoever sends it, or by its cards."""

from __future__ import annotations

import io
import quopri
import random
import re
from collections.abc import Callable

import pytest

from service.contacts.people import ParsedCard
from service.contacts.reading import guessing
from service.contacts.reading.charsets import file_codec_of
from service.contacts.reading.files import AddressBookFile, ReadOptions, read_people
from service.contacts.reading.lines import Lines
from service.domain.web_encodings import CODECS, codec_of, name_of
from service.errors import ValidationFailed

NAMES = {
    "Polish": "Łukasz Wiśniewski,Żaneta Dąbrowska,Stanisław Wójcik,Małgorzata Zielińska,Paweł Kamiński,Grażyna Gołąb,"
    "Jędrzej Szczęsny,Zofia Ćwiklińska,Bożena Górska,Józef Woźniak,Świętosław Pająk,Elżbieta Łuczak",
    "Czech": "Jiří Novák,Tomáš Dvořák,Lenka Černá,Věra Procházková,Zdeněk Kučera,Kateřina Veselá,Ondřej Horák,"
    "Božena Němcová,Šárka Růžičková,Luboš Žák,Přemysl Kříž,Daniela Šťastná,Matěj Koťátko",
    "Hungarian": "László Szabó,Győző Tóth,Zsófia Kőszegi,István Nagy,Ágnes Fűzi,Jenő Bíró,Bálint Kovács,Csilla Szűcs",
    "Russian": "Иван Иванов,Мария Петрова,Сергей Кузнецов,Ольга Смирнова,Дмитрий Соколов,Наталья Попова,Фёдор Жуков,"
    "Юлия Щербакова,Анна Морозова,Яна Цой,Эдуард Хохлов,Любовь Шишкина",
    "Japanese": "山田太郎,佐藤花子,鈴木一郎,高橋健太,田中美咲,渡辺直美,小林さくら,ヤマダ タロウ,黒澤明,"
    "宮崎駿,村上春樹,濱田岳",
    "Chinese": "王伟,李娜,张敏,刘洋,陈静,杨帆,赵磊,黄丽,周杰,吴秀英,诸葛亮,欧阳修,鲁迅,茅盾,曹雪芹,蒲松龄",
    "Traditional Chinese": "陳美玲,林志玲,黃俊傑,張惠妹,王力宏,李安,侯孝賢,吳念真,蔡英文,劉德華",
    "Korean": "김민수,이영희,박지성,최수진,정우성,강호동,조인성,윤도현,장동건,한가인",
    "German": "Jörg Müller,Günther Weiß,Bärbel Schäfer,Käthe Krüger,Björn Größer,Jürgen Möller,Änne Übelacker,"
    "Uwe Kühn,Gisela Böhm,Ömer Süß,Heinz Straßer",
    "French": "Inès Moreau,Renée Lefèvre,François Béranger,Hélène Noël,Gaëlle Garçon,Benoît Château,Zoé Desbœufs,"
    "Jérôme Côté,Élodie Lemaître,André Gagné,Chloé Prévôt",
    "Spanish": "José Muñoz,María Fernández,Íñigo Peña,Sofía Núñez,Jesús Ibáñez,Begoña Martínez,Ángel López,Lucía Cañas,"
    "Óscar Gómez,Úrsula Agüero",
    "Portuguese": "João Gonçalves,Conceição Simões,Antônio Araújo,Inês Magalhães,Luís Falcão,Patrícia Câmara",
    "Turkish": "Şule Öztürk,Ayşe Yıldız,İbrahim Çelik,Gökhan Doğan,Işıl Aydın,Çağlar Güneş,Oğuz Kılıç",
    "Swedish": "Åsa Öberg,Björn Åkesson,Märta Sjögren,Gösta Håkansson,Ulf Bäckström,Göran Lindström",
    "Greek": "Γιώργος Παπαδόπουλος,Μαρία Αντωνίου,Κώστας Γεωργίου,Ελένη Δημητρίου,Νίκος Ιωάννου",
}  # fmt: skip
ENCODINGS = [
    *(("Polish", "cp1250"), ("Polish", "iso8859-2"), ("Czech", "cp1250"), ("Czech", "iso8859-2")),
    *(("Hungarian", "cp1250"), ("Russian", "cp1251"), ("Russian", "koi8-r"), ("Russian", "cp866")),
    *(("Russian", "mac-cyrillic"), ("Russian", "iso8859-5"), ("Japanese", "cp932"), ("Japanese", "euc-jp")),
    *(("Chinese", "gb18030"), ("Traditional Chinese", "big5hkscs"), ("Korean", "cp949"), ("German", "cp1252")),
    *(("German", "mac-roman"), ("French", "cp1252"), ("French", "mac-roman"), ("Spanish", "cp1252")),
    *(("Spanish", "mac-roman"), ("Portuguese", "cp1252"), ("Turkish", "cp1254"), ("Swedish", "cp1252")),
    ("Greek", "cp1253"),
]


def read(data: bytes, charset: str | None = None) -> tuple[list[str], AddressBookFile]:
    """The names in a file, and what was found out about it."""
    file = read_people(io.BytesIO(data), ReadOptions(charset=charset))
    return [one.name for one in file if isinstance(one, ParsedCard)], file


def as_csv(names: list[str], codec: str) -> bytes:
    """A small file, as spreadsheets write it."""
    rows = [f"{name};p{number}@example.org" for number, name in enumerate(names)]
    return "\r\n".join(["name;email", *rows, ""]).encode(codec)


def as_vcards(names: list[str], codec: str) -> bytes:
    """As old phones write it: no card names its encoding."""
    return "".join(f"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:{name}\r\nEND:VCARD\r\n" for name in names).encode(codec)


@pytest.mark.parametrize(("language", "codec"), ENCODINGS)
@pytest.mark.parametrize("write", [as_csv, as_vcards])
def test_three_people_show_the_encoding_of_their_file(
    language: str, codec: str, write: Callable[[list[str], str], bytes]
) -> None:
    """Any three of a language; and it is told, with an example, that it was guessed."""
    chance = random.Random(11)
    everybody = NAMES[language].split(",")
    for _ in range(8):
        names = chance.sample(everybody, 3)
        found, file = read(write(names, codec))
        assert found == names
        (told,) = file.warnings
        assert " (for example “" in told and "charset" in told
        named = re.search(r"read as (\S+) ", told)
        assert named and "".join(names).encode(codec).decode(codec_of(named[1]) or "ascii") == "".join(names)


@pytest.mark.parametrize(
    ("data", "codec"),
    [
        ("Imię;Nazwisko;Data urodzenia;Telefon\nŻaneta;Dąbek;24.12.1985;555 0101\n", "cp1250"),
        ("Jméno;Příjmení;Datum narození;Mobil\nŽaneta;Dušková;24. 12. 1985;555 0101\n", "cp1250"),
        ("Имя;Фамилия;Дата рождения;Телефон\nЖанна;Щукина;24.12.1985;555 0101\n", "cp1251"),
        ("名;姓;生年月日;電話番号\n太郎;山田;1985年12月24日;555 0101\n", "cp932"),
        ("名;姓;生日;手机\n伟;王;1985-12-24;555 0101\n", "gb18030"),
        ("Prénom;Nom de famille;Né le;Téléphone\nZoé;Lefèvre;24/12/1985;555 0101\n", "mac-roman"),
        ("Nombre;Primer apellido;Segundo apellido;Fecha de nacimiento;Móvil\nÍñigo;Muñoz;Peña;24/12/1985;555 0101\n",
         "mac-roman"),
    ],
)  # fmt: skip
def test_headings_are_known_in_the_encoding_of_their_file(data: str, codec: str) -> None:
    """They are looked for after the encoding was."""
    file = read_people(io.BytesIO(data.encode(codec)))
    (found,) = file
    cells = data.splitlines()[1].split(";")
    assert isinstance(found, ParsedCard) and file.ignored_columns == []
    assert (found.given_name, found.family_name) == (cells[0], " ".join(cells[1:-2]))
    assert (found.birthday, found.phones) == ("1985-12-24", ("555 0101",))


def test_a_large_file_is_judged_by_a_part_of_it() -> None:
    """Names after the first hundreds are read in the same encoding."""
    names = [f"Grażyna {number} Żółć" for number in range(3000)]
    assert read(as_csv(names, "cp1250"))[0] == names


def test_an_encoding_that_is_named_is_not_doubted() -> None:
    """As long as names come out of it."""
    for language, codec in ENCODINGS:
        names = NAMES[language].split(",")[:3]
        found, file = read(as_csv(names, codec), name_of(codec))
        assert (found, file.warnings) == (names, [])


@pytest.mark.parametrize(
    ("charset", "codec", "reason"),
    [
        ("utf-8", "cp1250", "is utf-8, but lines 2, 3 are not in it"),
        ("euc-jp", "cp1250", "is euc-jp, but lines 2, 3 are not in it"),
        ("iso-2022-jp", "cp1251", "is iso-2022-jp, but"),
        ("windows-1252", "utf-16", "is in UTF-16-LE, as its first bytes show"),
        ("windows-1250", "utf-8-sig", "is in UTF-8, as its first bytes show"),
        ("shift_jis", "utf-8", "is in UTF-8; leave charset out"),
        ("punycode", "utf-8", "must be a web encoding"),
    ],
)
def test_an_encoding_that_the_file_is_not_in_is_refused(charset: str, codec: str, reason: str) -> None:
    """Nothing of it is read."""
    names = ["Иван Щукин", "Яна Цой"] if codec == "cp1251" else ["Łukasz Śliwa", "Żaneta Dąbek"]
    with pytest.raises(ValidationFailed, match=reason):
        read(as_csv(names, codec), charset)


@pytest.mark.parametrize(
    ("charset", "codec", "language"),
    [("windows-1252", "cp1250", "Polish"), ("windows-1252", "cp1251", "Russian"), ("windows-1251", "koi8-r", "Russian"),
     ("windows-1250", "cp932", "Japanese"), ("macintosh", "cp1252", "French"), ("shift_jis", "cp1250", "Polish"),
     ("koi8-r", "utf-8", "German")],
)  # fmt: skip
def test_an_encoding_that_makes_no_names_is_told(charset: str, codec: str, language: str) -> None:
    """It can be read, but it is not what anybody is called."""
    file = read(as_csv(NAMES[language].split(","), codec), charset)[1]
    assert f"was read as {charset}, as requested, but" in file.warnings[-1]


def test_a_broken_line_does_not_turn_the_file_into_something_else() -> None:
    """It alone is read otherwise, and told by its number."""
    data = as_csv(["Łukasz", "Žofie", "Renée"], "utf-8") + "Jörg;j@example.org\n".encode("cp1252")
    names, file = read(data)
    assert names == ["Łukasz", "Žofie", "Renée", "Jörg"]
    (told,) = file.warnings
    assert told.startswith("line 5 is not in UTF-8, unlike the rest of the file; read as windows-1252")


def test_files_that_were_put_together_keep_their_encodings() -> None:
    """Few lines in UTF-8 among many others, too."""
    data = as_vcards(["Иван Иванов", "Мария Петрова", "Ольга Смирнова"], "cp1251") + as_vcards(["Łukasz"], "utf-8")
    assert read(data)[0] == ["Иван Иванов", "Мария Петрова", "Ольга Смирнова", "Łukasz"]


def test_cards_that_name_their_encoding_keep_it() -> None:
    """Those beside them are told apart, in quoted-printable, too."""
    cards = (
        b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=Shift_JIS:" + "山田".encode("cp932") + b"\nEND:VCARD\n"
        b"BEGIN:VCARD\nVERSION:2.1\nFN:" + "Łukasz Wiśniewski".encode("cp1250") + b"\nEND:VCARD\n"
        b"BEGIN:VCARD\nVERSION:2.1\nFN;QUOTED-PRINTABLE:=AFaneta D=\n=B9browska\nEND:VCARD\n"
        b"BEGIN:VCARD\nVERSION:2.1\nitem1.FN:Ma" + "ł".encode("cp1250") + b"\n gorzata\nEND:VCARD\n"
    )
    names, file = read(cards)
    assert names == ["山田", "Łukasz Wiśniewski", "Żaneta Dąbrowska", "Małgorzata"]
    assert len(file.warnings) == 1


def test_a_character_that_is_folded_in_two_is_read() -> None:
    """Old writers fold by bytes, in any encoding; that alone does not make a file another one's."""
    for codec in ("utf-8", "cp932"):
        text = "山田太郎".encode(codec)
        fold = b"FN:" + text[:3] + b"\r\n " + text[3:]
        names, file = read(b"BEGIN:VCARD\nVERSION:2.1\n" + fold + b"\nNOTE:x\nEND:VCARD\n" + as_vcards(["高橋"], codec))
        assert names == ["山田太郎", "高橋"] and len(file.warnings) == (codec != "utf-8")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_shows_itself(codec: str) -> None:
    """Nothing is guessed of it, and nothing is told."""
    names, file = read(as_csv(["Łukasz", "山田"], codec))
    assert (names, file.warnings) == (["Łukasz", "山田"], [])


def test_utf_16_without_a_mark_can_be_named() -> None:
    """A file without an ASCII letter near its beginning does not show it."""
    assert read("山川;name\n山;田\n".encode("utf-16-le"), "utf-16")[0] == ["田"]


def test_iso_2022_jp_shows_by_its_escapes() -> None:
    """All of its bytes are ASCII's."""
    names, file = read(as_csv(["山田太郎", "高橋"], "iso2022_jp"))
    assert names == ["山田太郎", "高橋"] and "ISO-2022-JP" in file.warnings[0]


def test_ascii_is_nobodys_guess() -> None:
    """Whatever is named."""
    for charset in (None, "ibm866", "shift_jis", "utf-8"):
        assert read(as_csv(["Ada"], "ascii"), charset)[1].warnings == []


def test_a_language_that_is_not_known_is_left_to_the_detector_of_running_text() -> None:
    """And rubbish to the usual alphabet; neither fails."""
    for data in ("ქართული სახელი".encode(), bytes(range(128, 256)), b"\xff\xfe\xfd" * 100, b""):
        assert guessing.guess([data] if data else []) in CODECS


def test_every_encoding_has_a_name_that_is_known() -> None:
    """What is told can be asked for."""
    assert {codec: codec_of(name_of(codec)) for codec in CODECS} == {codec: codec for codec in CODECS}


class Once:
    """A stream that can be read once, in small pieces."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int, /) -> bytes:
        """At most 7 bytes."""
        return self._file.read(min(size, 7))


def test_a_stream_that_cannot_be_gone_back_in_is_put_aside() -> None:
    """A pipe, or a socket."""
    lines = Lines(Once(as_csv(["Łukasz"], "utf-8-sig")))
    assert list(lines) == list(lines) == [b"name;email", "Łukasz;p0@example.org".encode()]
    file = read_people(Once(as_csv(NAMES["Polish"].split(","), "cp1250")))
    assert [one.name for one in file if isinstance(one, ParsedCard)] == NAMES["Polish"].split(",")


@pytest.mark.parametrize(
    ("charset", "codec", "language"),
    [
        ("ibm850", "cp850", "German"), ("cp850", "cp850", "Swedish"), ("IBM-850", "cp850", "Portuguese"),
        ("850", "cp850", "Spanish"), ("cp852", "cp852", "Polish"), ("IBM852", "cp852", "Czech"),
        ("dos-852", "cp852", "Hungarian"), ("cp437", "cp437", "Swedish"), ("ibm437", "cp437", "German"),
    ],
)  # fmt: skip
def test_a_file_of_dos_is_read_if_its_code_page_is_named(charset: str, codec: str, language: str) -> None:
    """Old programs still write them, also with their bytes in quoted-printable."""
    names = NAMES[language].split(",")
    quoted = b"".join(
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN;ENCODING=QUOTED-PRINTABLE:=20=\r\n%b\r\nEND:VCARD\r\n"
        % quopri.encodestring(name.encode(codec))
        for name in names
    )
    for data in (as_csv(names, codec), as_vcards(names, codec), quoted):
        assert read(data, charset)[0] == names


def test_a_card_in_a_file_of_dos_may_name_another_encoding() -> None:
    """It keeps it."""
    card = "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8:Jörg\r\nEND:VCARD\r\n".encode()
    assert read(as_vcards(["Jürgen", "Käthe"], "cp850") + card, "cp850")[0] == ["Jürgen", "Käthe", "Jörg"]


@pytest.mark.parametrize("label", ["", " ", "cp851", "ibm037", "punycode", "utf-7", "８５０", "850 852", "cp850,"])
def test_no_other_codec_of_python_can_be_named(label: str) -> None:
    """Some of them are no text, or take time without bounds."""
    with pytest.raises(ValidationFailed, match="ibm850"):
        file_codec_of(label)


@pytest.mark.parametrize(("language", "codec"), ENCODINGS)
def test_a_guess_recommends_another_encoding(language: str, codec: str) -> None:
    """One that reads the names otherwise, and is not refused."""
    names = NAMES[language].split(",")[:3]
    data = as_csv(names, codec)
    (told,) = read(data)[1].warnings
    named = re.search(r"another encoding, such as charset=([\w-]+)$", told)
    assert named and read(data, named[1])[0] != names


@pytest.mark.parametrize("name", ["Müller", "Žaneta", "Żółć", "Şükrü", "Åsa"])
@pytest.mark.parametrize("codec", ["cp1250", "cp1252", "cp1254"])
def test_one_name_that_is_read_wrongly_recommends_what_has_not_failed(name: str, codec: str) -> None:
    """Too little to be certain of: the encoding that was taken is never the one to try next."""
    data = as_csv([name.encode(codec, "ignore").decode(codec)], codec)
    for told in read(data)[1].warnings:
        taken, other = re.search(r"read as (\S+) ", told), re.search(r"charset=([\w-]+)$", told)
        assert taken and other and codec_of(taken[1]) != codec_of(other[1])
