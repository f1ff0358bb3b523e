"""Texts of stored keys: their form, and what the checksum tells without Redis."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.access.key_texts import ALPHABET, is_key_id, is_mistyped, new_id, new_text, parse_key


def _checksum(text: str) -> str:
    """The same by another way: CRC-32 (ISO-HDLC) bit by bit, in base62."""
    register = 0xFFFFFFFF
    for byte in text.encode():
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    number = register ^ 0xFFFFFFFF
    return "".join(ALPHABET[number // 62**place % 62] for place in range(5, -1, -1))


BODY = "bsk_0aZ3456789_" + "aB3" * 14 + "c"
KEY = BODY + _checksum(BODY)
"""Always the same, since tests are named by it."""


def test_a_key_has_the_form_that_scanners_look_for() -> None:
    """Prefix, id, secret and checksum, 64 characters of base62; no two are alike."""
    assert re.fullmatch(r"bsk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}", KEY)
    assert len({new_text("0000000000") for _ in range(100)}) == 100
    sent = parse_key(KEY)
    assert sent is not None
    assert (sent.id, sent.digest) == (KEY[4:14], hashlib.sha256(KEY[15:58].encode()).hexdigest())


def test_the_checksum_is_crc_32_of_all_before_it() -> None:
    """By another way than ours."""
    made = new_text(new_id())
    assert made[-6:] == _checksum(made[:-6])


@given(place=st.integers(0, len(KEY) - 1), character=st.sampled_from(ALPHABET + "_-. "))
def test_a_mistyped_character_is_told(place: int, character: str) -> None:
    """Wherever it is, as long as the prefix still says that it was meant to be one."""
    changed = KEY[:place] + character + KEY[place + 1 :]
    assert (parse_key(changed) is None) == (changed != KEY)
    assert is_mistyped(changed) == (changed != KEY and changed.startswith("bsk_"))


@pytest.mark.parametrize("text", ["", "bsk_", KEY[:-1], KEY + "0", f" {KEY}", KEY.upper(), KEY[4:], "bsk__", "wrong"])
def test_what_is_no_key_is_none(text: str) -> None:
    """Cut, doubled, or something else altogether."""
    assert parse_key(text) is None
    assert is_mistyped(text) == text.startswith("bsk_")


@given(st.text())
def test_no_text_makes_an_error(text: str) -> None:
    """Whatever somebody sends."""
    assert parse_key(text) is None
    assert not is_key_id(f"{text}/")
