"""Which names of encodings are taken from outside, and what becomes of text under the others."""

from __future__ import annotations

import pkgutil
from encodings import __path__ as codecs_of_python
from encodings.aliases import aliases
from io import BytesIO

import pytest

from service.bots.visitor.pages import read_page
from service.contacts.people import ParsedCard
from service.contacts.reading import vcard
from service.contacts.reading.files import read_people
from service.domain.web_encodings import codec_of, decoded

OTHERS = sorted(
    set(aliases)
    | {module.name for module in pkgutil.iter_modules(codecs_of_python)}
    | {"punycode", "utf-7", "idna", "unicode_escape", "raw_unicode_escape", "zlib", "rot13", "undefined", "mbcs", "hex"}
)
NEVER = [name for name in OTHERS if codec_of(name) is None]


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("utf-8", "utf-8"), (" UTF-8\n", "utf-8"), ("utf_8", "utf-8"), ("latin1", "cp1252"), ("latin-1", "cp1252"),
        ("ISO-8859-1", "cp1252"), ("us-ascii", "cp1252"), ("Shift_JIS", "cp932"), ("gb2312", "gb18030"),
        ("big5", "big5hkscs"), ("euc-kr", "cp949"), ("koi8-r", "koi8-r"), ("windows-1251", "cp1251"),
        ("x-mac-cyrillic", "mac-cyrillic"), ("utf-16", "utf-16-le"), ("iso-8859-8-i", "iso8859-8"),
    ],
)  # fmt: skip
def test_the_webs_labels_are_known(label: str, codec: str) -> None:
    """As the Encoding standard maps them, in any case, also with other dashes."""
    assert codec_of(label) == codec


@pytest.mark.parametrize(
    "label",
    [
        "punycode", "utf-7", "UTF7", "unicode-1-1-utf-7", "idna", "unicode_escape", "raw_unicode_escape", "zlib_codec",
        "zlib", "bz2", "base64", "hex", "quopri", "uu", "rot13", "rot_13", "undefined", "mbcs", "oem", "utf-32",
        "utf-8-sig", "cp037", "cp437", "hz", "hz-gb-2312", "iso-2022-kr", "replacement", "x-user-defined", "charmap",
        "", " ", "utf-8\0", "ütf-8", "../utf_8", "utf-8;", "x" * 100_000, None,
    ],
)  # fmt: skip
def test_what_is_pythons_alone_is_not_known(label: str | None) -> None:
    """Nor what is nobody's."""
    assert codec_of(label) is None


@pytest.mark.slow(reason="each codec reads a megabyte")
def test_every_codec_reads_a_megabyte_of_anything() -> None:
    """It replaces what it does not know, and never fails."""
    data = bytes(range(256)) * 4096
    for name in OTHERS:
        if (codec := codec_of(name)) is not None:
            assert data.decode(codec, "replace")


def test_a_byte_order_mark_counts_more_than_a_label() -> None:
    """As in browsers."""
    assert decoded("\ufeffGröße".encode(), "windows-1252") == "Größe"
    assert decoded("\ufeffGröße".encode("utf-16-be"), "utf-8") == "Größe"
    assert decoded("\ufeffGröße".encode("utf-16-le"), None) == "Größe"
    assert decoded("Größe".encode("utf-16-le"), "utf-16") == "Größe"


@pytest.mark.parametrize("name", NEVER)
def test_text_under_any_other_name_is_read_as_utf_8(name: str) -> None:
    """In a page's header, in a page, in a card, and in a quoted part of one: Python's codec is not asked."""
    html = "<html><head>%s<title>Größe +AGE- a-b</title></head></html>"
    assert read_page((html % "").encode(), f"text/html; charset={name}")[0] == "Größe +AGE- a-b"
    assert read_page((html % f'<meta charset="{name}">').encode(), "text/html")[0] == "Größe +AGE- a-b"
    for line in (f"FN;CHARSET={name}:Größe a-b", f"FN;ENCODING=QUOTED-PRINTABLE;CHARSET={name}:Gr=C3=B6=C3=9Fe a-b"):
        (card,) = vcard.read(BytesIO(f"BEGIN:VCARD\nVERSION:2.1\n{line}\nEND:VCARD\n".encode()))
        assert isinstance(card, ParsedCard) and card.name == "Größe a-b"


def test_a_page_that_says_utf_16_in_ascii_is_read_as_utf_8() -> None:
    """As HTML has it: that it could be read shows that it is not."""
    assert read_page("<meta charset=utf-16le><title>Größe</title>".encode(), "text/html")[0] == "Größe"


def test_cards_in_the_webs_encodings_are_read() -> None:
    """Old phones write them."""
    for label, codec in (("ISO-8859-1", "latin-1"), ("Shift_JIS", "cp932"), ("windows-1251", "cp1251")):
        name = {"latin-1": "Größe", "cp932": "山田", "cp1251": "Иван"}[codec]
        line = f"FN;CHARSET={label}:".encode() + name.encode(codec)
        (card,) = read_people(BytesIO(b"BEGIN:VCARD\nVERSION:2.1\n" + line + b"\nEND:VCARD\n"))
        assert isinstance(card, ParsedCard) and card.name == name
