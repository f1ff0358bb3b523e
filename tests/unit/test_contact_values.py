"""Single values of address books: which address or number is in a text, and what is dropped of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contacts.cleaning import clean_email, clean_phone, clean_text, clean_url, emails_in, phones_in

EXCHANGE = "/O=EXCHANGELABS/OU=EXCHANGE ADMINISTRATIVE GROUP/CN=RECIPIENTS/CN=0A1B-ANN"
SEVERAL = "a@example.org", "b@example.org"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@example.org", ["a@example.org"]),
        ("+ab@example.org", ["+ab@example.org"]),
        ("ab+@example.org", ["ab+@example.org"]),
        ("o'neil@example.org", ["o'neil@example.org"]),
        ("jos@bücher.example", ["jos@bücher.example"]),
        *[(text, [*SEVERAL]) for text in (
            "a@example.org, b@example.org", "a@example.org;b@example.org", "a@example.org b@example.org",
            "a@example.org\nb@example.org", "a@example.org / b@example.org", "a@example.org, , b@example.org;",
            "mailto:a@example.org, mailto:b@example.org", "Ann <a@example.org>; Bob <b@example.org>",
            "Rivers, Amelia <a@example.org>, Rivers, Bob <b@example.org>",
            '"Rivers, Amelia" <a@example.org>, b@example.org',
        )],
        *[(text, ["a@example.org"]) for text in (
            "Ann <a@example.org>", "<a@example.org>", "<mailto:a@example.org?subject=x>", "ann (a@example.org)",
            "a@example.org (work)", "E-Mail: a@example.org", "SMTP:a@example.org", "'a@example.org'", '"a@example.org"',
            "a@example.org.", "a@example.org,", "\u200ba@example.org\u00a0", "\u202aa@example.org\u202c",
            "a\u200b@example.org", "\ufeffa@example.org", "mailto:a@example.org?subject=Hello",
            "mailto:a@example.org?cc=b@example.org,c@example.org", "MAILTO:a@example.org", '"Ann B" a@example.org',
            '"a"@example.org',
        )],
        ("mailto:john%2Bab@example.org", ["john+ab@example.org"]),
        ('"john.doe"@example.org', ["john.doe@example.org"]),
        ("n/a", []),
        ("-", []),
        ("", []),
    ],
)  # fmt: skip
def test_every_address_in_a_value_is_found(text: str, found: list[str]) -> None:
    """Alone, in a list, with a name, as a link; nothing is dropped."""
    dropped: list[str] = []
    assert (emails_in(text, dropped), dropped) == (found, [])


@pytest.mark.parametrize(
    ("text", "found", "dropped"),
    [
        (EXCHANGE, [], [EXCHANGE]),
        ("john doe@example.org", [], ["john doe@example.org"]),
        ("john,doe@example.org", [], ["john,doe@example.org"]),
        ('"john doe"@example.org', [], ['"john doe"@example.org']),
        ('"john,doe"@example.org, a@example.org', ["a@example.org"], ['"john,doe"@example.org']),
        ("Ann <a@example.org", [], ["Ann <a@example.org"]),
        ("a@b@example.org", [], ["a@b@example.org"]),
        ("a@example..org", [], ["a@example..org"]),
        ("a@.example.org", [], ["a@.example.org"]),
        ("x%0d%0a@example.org", [], ["x%0d%0a@example.org"]),
        ("mailto:x%0d%0aRCPT@example.org", [], ["mailto:x%0d%0aRCPT@example.org"]),
        ("a\0b@example.org", [], ["a b@example.org"]),
        ("ann at example.org", [], ["ann at example.org"]),
        ("a@example.org; ask her", ["a@example.org"], ["ask her"]),
        ("john doe@example.org, b@example.org", ["b@example.org"], ["john doe@example.org"]),
    ],
)
def test_an_address_that_is_not_certain_is_dropped_and_told(text: str, found: list[str], dropped: list[str]) -> None:
    """`doe@` is somebody else. What stands beside it is taken."""
    told: list[str] = []
    assert (emails_in(text, told), told) == (found, dropped)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tel:+1-418-656-9254;ext=102", ["+1-418-656-9254;ext=102"]),
        ("tel:+1%20555%200101", ["+1 555 0101"]),
        ("tel:7042;phone-context=example.com", ["7042"]),
        ("tel:863-1234;phone-context=+1-914-555", ["+1-914-555-863-1234"]),
        ("+1 555 0101 ext. 5", ["+1 555 0101 ext. 5"]),
        ("+1 555 0101 x5", ["+1 555 0101 x5"]),
        ("+1 555 0101x5", ["+1 555 0101x5"]),
        ("+1 555 0101 extension 12", ["+1 555 0101 ext. 12"]),
        ("+1 (418) 656-9254 (ext. 102)", ["+1 (418) 656-9254 ext. 102"]),
        ("030 123-0 Durchwahl 12", ["030 123-0 ext. 12"]),
        ("+1 555 0101p1", ["+1 555 0101,,1"]),
        ("+1 555 0101 w 102", ["+1 555 0101;;102"]),
        ("+1 555 0101,,102#", ["+1 555 0101,,102#"]),
        ("13912345678w", ["13912345678"]),
        ("+1\u2011555\u20110101", ["+1-555-0101"]),
        ("\u202a+1 555 0101\u202c", ["+1 555 0101"]),
        ("\u200e+1\u00a0555\u00a00101", ["+1 555 0101"]),
        ("\uff0b\uff14\uff19 30", ["+49 30"]),
        ("\u0660\u0661\u0662\u0663\u0664", ["01234"]),
        ("+49 (0)30", ["+49 (0)30"]),
        ("+49 (0)30 123", ["+49 (0)30 123"]),
        ("(415) 555-0100", ["(415) 555-0100"]),
        ("030/1234567", ["030/1234567"]),
        ("*100#", ["*100#"]),
        *[(text, ["+1 555 010 0101", "+1 555 010 0102"]) for text in (
            "+1 555 010 0101, +1 555 010 0102", "+1 555 010 0101;+1 555 010 0102", "+1 555 010 0101 / +1 555 010 0102",
            "+1 555 010 0101\n+1 555 010 0102", "+1 555 010 0101 or +1 555 010 0102",
        )],
        ("5550101,5550102", ["5550101", "5550102"]),
        *[(text, ["555 0101"]) for text in ("555 0101 (work)", "Mobil: 555 0101", "(work) 555 0101", "555 0101, home")],
        ("call (415) 555 0100", ["(415) 555 0100"]),
        ("n/a", []),
        ("-", []),
    ],
)  # fmt: skip
def test_every_number_in_a_value_is_found(text: str, found: list[str]) -> None:
    """With its extension and without words; a number that was found is found again as it is."""
    dropped: list[str] = []
    assert (phones_in(text, dropped), dropped) == (found, [])
    assert [phones_in(number) for number in found] == [[number] for number in found]


@pytest.mark.parametrize(
    "text", ["call me", "1-800-FLOWERS", "0170-1234567-HOME", "555 0101 until 5pm", "sip:a@example.org", "1" * 41]
)
def test_a_number_that_is_not_certain_is_dropped_and_told(text: str) -> None:
    """Letters in it could be digits, or a word."""
    dropped: list[str] = []
    assert (phones_in(text, dropped), dropped) == ([], [text])


def test_the_api_takes_one_value_at_a_time() -> None:
    """A list or a name beside the address is refused there; what was stored is taken as it is."""
    assert clean_email("a@example.org, b@example.org") is clean_email("Ann <a@example.org>") is None
    assert clean_phone("+1 555 010 0101, +1 555 010 0102") is None
    assert clean_email("mailto:a@example.org") == "a@example.org"
    assert clean_phone("+1 555 0101;ext=5") == "+1 555 0101;ext=5"


def test_marks_that_nobody_sees_are_no_part_of_a_text() -> None:
    """Byte order marks, zero-width spaces and marks of direction go; joiners, which some languages are written with,
    stay."""
    assert clean_text("\ufeffAda\u200b \u202eL.\u202c\x07") == "Ada L."
    assert clean_text("می\u200cخواهم") == "می\u200cخواهم"
    assert clean_url("\u200bhttps://example.org/a\u200b") == "https://example.org/a"
    assert clean_url("//example.org/a") == "https://example.org/a"


PIECES = st.sampled_from(
    [*"\"<>(),;:@. \n\\-+#*/", "a", "1", "a@x.org", "b@y.org", "mailto:", "tel:", "?", "%0d", "ext", "x", "p",
     "555 0101", ";ext=", "+1", " or ", "\u200b", "é", "\u2011"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join))
def test_what_is_found_is_one_value_and_stays_it(text: str) -> None:
    """Whatever the text: an address has one @ and nothing that could make it another; found again it is the same."""
    for address in emails_in(text):
        assert address.count("@") == 1 and not set(address) & set(' ,;:<>()[]\\"%\r\n\0')
        assert clean_email(address) == address
    for number in phones_in(text):
        assert clean_phone(number) == number


@pytest.mark.parametrize(
    "unit", ['"', "<", "(", ",", "@", "a ", "1,", "mailto:? ", "a@x.org,", "x5 ", "1p", "1 / ", ";a="]
)
def test_no_value_holds_the_import_up(unit: str) -> None:
    """200 KiB that a reader which tries again and again would sit over for hours."""
    text = unit * (200 * 1024 // len(unit))
    for found in (emails_in(text), phones_in(text), emails_in(f"a@{text}<"), phones_in(f"1{text}!")):
        assert isinstance(found, list)
