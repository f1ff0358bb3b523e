"""Forms in which a secret may stand in a text: as it is, in base64, percent-encoded, or escaped.

A form is a list, of characters that stand as they are and of patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from service.secrecy.own_copies import own_copy

if TYPE_CHECKING:
    import base64
else:
    base64 = own_copy("base64")

LONGEST_FORM = 12
r"""The most characters that a form has for one of the secret: those of `\\U0001f600`."""
_ENCODED = re.compile(r"%(?:25)*(2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
"""Percent-encoded characters that need not be (RFC 3986, 2.3)."""
_WRAPPED = re.compile(
    r"(?<![A-Za-z0-9+/_-])([A-Za-z0-9+/_-]{60,}+)(?:\r\n?|\n|(?:\\{1,2}r)?\\{1,2}n)[ \t]{0,8}(?=[A-Za-z0-9+/_-])"
)
"""A line of base64 that goes on in the next one: each is of 76 characters (RFC 2045, 6.8) or 64 (RFC 7468)."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_CONTROLS = {"\n": "n", "\r": "r", "\t": "t"}


def plainer(text: str) -> str:
    """Undo percent-encoding without need, and the line breaks within base64."""
    if "%" in text:
        text = _ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
    return _WRAPPED.sub(r"\1", text) if "\n" in text or "\\n" in text else text


def anchor(form: Sequence[str]) -> str:
    """Find the longest run of characters that every text in this form has."""
    runs = "".join(part if len(part) == 1 else "\0" for part in form).split("\0")
    return max(runs, key=len)


def escaped(part: str) -> str:
    """Return a part of a form as a pattern."""
    return re.escape(part) if len(part) == 1 else part


def forms_of(value: str) -> Iterator[list[str]]:
    """Yield the forms of a secret."""
    yield [part for piece in re.findall(r"\\+|[^\\]", value) for part in _written(piece)]
    yield from _base64(value.encode("utf-8", "surrogateescape"))


def _written(piece: str) -> Iterator[str]:
    """Yield the forms of a character, or those of a run of backslashes as one, which keeps matching fast."""
    if not piece.startswith("\\"):
        yield _character(piece)
    else:
        count = len(piece)
        escaped = r"(?:%(?:25)?5[Cc]|&#(?:92|[xX]0*5[cC]);|\\{1,2}(?:u00|U000000|x)5[cC])"
        yield rf"(?:{escaped}{{{count}}}|\\{{{count},{4 * count}}})"


def _character(char: str) -> str:
    """Match a character as it is, percent-encoded (RFC 3986; a form's blank is +), or escaped (JSON, Python, HTML)."""
    if char.isascii() and (char.isalnum() or char in "-._~"):
        return char
    code, data = ord(char), char.encode("utf-8", "surrogateescape")
    forms = ["".join(rf"%(?:25)?{_hex(byte)}" for byte in data)]  # the longer ones first
    forms.append(rf"&#(?:{code}|[xX]0*{_anycase(f'{code:x}')});")
    forms += [_ENTITIES[char]] if char in _ENTITIES else []
    forms += [rf"\\{{1,2}}{_CONTROLS[char]}"] if char in _CONTROLS else []
    forms.append("".join(rf"\\{{1,2}}u{_anycase(f'{unit:04x}')}" for unit in _utf16(char)))
    forms.append(rf"\\{{1,2}}U{_anycase(f'{code:08x}')}")
    if not char.isascii():
        forms.append("".join(rf"\\{{1,2}}x{_hex(byte)}" for byte in data))
        forms.append(re.escape(data.decode("latin-1")))
    if code < 0x100:
        forms.append(rf"\\{{1,2}}x{_hex(code)}")
    forms += [r"\+"] if char == " " else []
    forms.append((r"\\{0,3}" if char in "\"'/" else "") + re.escape(char))
    return f"(?:{'|'.join(forms)})"


def _utf16(char: str) -> Iterator[int]:
    units = char.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))


def _hex(byte: int) -> str:
    return _anycase(f"{byte:02x}")


def _anycase(text: str) -> str:
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in text)


def _base64(data: bytes) -> Iterator[list[str]]:
    """Yield its base64 (RFC 4648) behind any number of other bytes, of which only the remainder by three matters.

    A digit that holds bits of the secret and of its neighbour matches in all its possible values.
    """
    for before in range(3):
        digits = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        begin, end = -(-8 * before // 6), 8 * (before + len(data)) // 6
        form = list(map(_digit, digits[begin:end]))
        if before:  # it shares 4 bits with one byte before, 2 with two
            form.insert(0, _shared(digits[begin - 1], 0b001111 if before == 1 else 0b000011))
        if left := 8 * (before + len(data)) % 6:
            form.append(_shared(digits[end], 0b110000 if left == 2 else 0b111100))
        yield [*form, "(?:=|%3[Dd]){0,2}"]


def _shared(digit: str, known: int) -> str:
    """Match the digits that share the `known` bits with this one, or nothing, where the text was cut there."""
    bits = _ALPHABET.index(digit) & known
    return f"(?:{'|'.join(escaped(_digit(one)) for at, one in enumerate(_ALPHABET) if at & known == bits)})?"


def _digit(char: str) -> str:
    """Match a digit of base64 in both alphabets, escaped or not."""
    return {"+": r"(?:[-+]|%2[Bb])", "/": r"(?:[/_]|\\/|%2[Ff])"}.get(char, char)
