"""Keeps secrets out of whatever the service stores, sends or logs: the name of the setting stands instead.

A secret is found as it is, in base64 (either alphabet, padded or not, in lines as MIME has them, also as a part of
something longer such as the `user:secret` of Basic authentication), percent-encoded, escaped as JSON, Python and HTML
do it, and shortened (`service.secrecy.shortened`). This is the second line: whoever words a sentence leaves them
out already.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from service.secrecy.own_copies import own_copy
from service.secrecy.secret_names import is_secret
from service.secrecy.shortened import Shortened

if TYPE_CHECKING:
    import base64
else:
    base64 = own_copy("base64")

SECRETS = ("API_KEY", "API_KEY_PREVIOUS", "REDIS_URL", "MESSAGE_URL", "ALERT_URL", "CONTACTS_URL")
"""The settings that nothing may tell; beside them all that jobs name, `BOT_SECRET_…`."""
SHORTEST = 6
"""A shorter one would be found in words that have nothing to do with it: only where it is a whole text, it goes."""
UNMISTAKABLE = 16
"""One of so many characters is replaced in the results of all runs, a shorter one in those of runs that used it."""

_LONGEST_FORM = 12
"""Characters that a form has for one of the secret, at most: those of `\\\\U0001f600`."""
_ENCODED = re.compile(r"%(?:25)*(2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
"""Percent-encoded characters that need not be (RFC 3986, 2.3)."""
_WRAPPED = re.compile(
    r"(?<![A-Za-z0-9+/_-])([A-Za-z0-9+/_-]{60,}+)(?:\r\n?|\n|(?:\\{1,2}r)?\\{1,2}n)[ \t]{0,8}(?=[A-Za-z0-9+/_-])"
)
"""A line of base64 that goes on in the next one: each is of 76 characters (RFC 2045, 6.8) or 64 (RFC 7468)."""
_TOKEN = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])[A-Za-z0-9_-]{12,}")
_CREDENTIAL = re.compile(r"(?:bearer|basic|token|apikey|key|digest)\s+(\S+)", re.IGNORECASE)
_SECRET_QUERY = re.compile(r"pass|passwd|password|token|secret|key|api_?key|access_token|sig|signature", re.IGNORECASE)
_PLAIN_SCHEMES = ("redis", "rediss", "unix", "http", "https")
"""An address of these without a user or a token in it is no secret."""
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_CONTROLS = {"\n": "n", "\r": "r", "\t": "t"}


class Redaction:
    """Puts a setting's name in the place of its value, and of what is secret in it.

    Made once, and cheap to apply: a text is searched for a plain run of characters of each form, and most have none.

    Args:
        secrets: values and the names that stand for them.
        whole: values that are replaced only where they are the whole text.
    """

    def __init__(self, secrets: Mapping[str, str], whole: Mapping[str, str] | None = None) -> None:
        self._whole = dict(whole or {})
        self._labels = {f"[{name}]" for name in secrets.values()}
        kept = "|".join(map(re.escape, sorted(self._labels)))  # what was replaced stays, whatever its words are
        self._forms = [
            (_anchor(form), f"{kept}|{''.join(map(_escaped, form))}", f"[{secrets[value]}]")
            for value in sorted(secrets, key=len, reverse=True)  # a password is a part of its URL
            for form in _forms(value)
        ]
        self._shortened = Shortened(secrets)
        self.reach = _LONGEST_FORM * max(map(len, secrets), default=0)
        """Characters at the end of a text that was cut short in which there may be the beginning of a secret."""

    @classmethod
    def of(cls, environment: Mapping[str, str], at_least: int = SHORTEST, used: Collection[str] = ()) -> Redaction:
        """Redacts the secrets of an environment.

        Args:
            at_least: characters below which a secret is left alone, ≥ `SHORTEST`, unless it is among those used.
            used: the names of secrets that are replaced however short they are.
        """
        found, whole = {}, {}
        for name, value in _secrets(environment, used):
            if len(value) >= (SHORTEST if name in used else at_least):
                found[value] = name
            elif name in used and value:
                whole[value] = name
        return cls(found, whole)

    def applied(self, text: str) -> str:
        """`text` without secrets. Applied once more, it changes nothing."""
        if text in self._whole:
            return f"[{self._whole[text]}]"
        found = self._shortened.applied(self._found(text))
        plainer = _plainer(found)
        if plainer != found and (clean := self._found(plainer)) != plainer:
            return clean
        return found

    def ended(self, text: str) -> str:
        """`text` without a secret's beginning of `service.secrecy.shortened.SHOWN` characters or more at its end."""
        return self._shortened.ended(text)

    def _found(self, text: str) -> str:
        for anchor, pattern, label in self._forms:
            if anchor in text:
                text = re.sub(pattern, partial(self._replaced, label), text)  # compiled once it is needed
        return text

    def apply_to(self, value: dict[str, Any] | list[Any]) -> None:
        """Rids a JSON value's texts, but not its keys, of secrets, in place and however deep it is."""
        left: list[Any] = [value]
        while left:
            inside = left.pop()
            for key, inner in list(inside.items() if isinstance(inside, dict) else enumerate(inside)):
                if isinstance(inner, str):
                    inside[key] = self.applied(inner)
                elif isinstance(inner, dict | list):
                    left.append(inner)

    def _replaced(self, label: str, found: re.Match[str]) -> str:
        return found.group() if found.group() in self._labels else label


_present = Redaction({})


def install(environment: Mapping[str, str]) -> None:
    """Makes `redacted` keep the secrets of this environment: once, when a process starts."""
    global _present
    _present = Redaction.of(environment)


def redacted(text: str) -> str:
    """`text` without the secrets of this process' environment."""
    return _present.applied(text)


def redacted_json(value: Any) -> Any:
    """The same for anything that can be shown as JSON, as a copy; what is no JSON becomes text."""
    if isinstance(value, str):
        return redacted(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    copy = [json.loads(json.dumps(value, default=str))]
    _present.apply_to(copy)
    return copy[0]


def _plainer(text: str) -> str:
    """`text` with characters that were encoded without need as they are, and without the breaks within base64."""
    if "%" in text:
        text = _ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
    return _WRAPPED.sub(r"\1", text) if "\n" in text or "\\n" in text else text


# which texts are secret


def _secrets(environment: Mapping[str, str], used: Collection[str]) -> Iterator[tuple[str, str]]:
    """Whole values, and what is secret in them, quoted and unquoted, each with the name of its variable."""
    for name, value in environment.items():
        if name in SECRETS or is_secret(name):
            given = () if name.endswith("_URL") and name in SECRETS else _of_text(value.strip())
            paths = _paths(value) if name in used else ()
            for part in (*given, *_of_urls(value, everything=is_secret(name)), *paths):
                yield name, part
                yield name, unquote(part)


def _of_text(value: str) -> Iterator[str]:
    yield value
    yield value.removeprefix("whsec_")
    yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= UNMISTAKABLE)
    if match := _CREDENTIAL.fullmatch(value):
        yield match[1]
        yield _basic_password(match[1])


def _basic_password(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _of_urls(value: str, *, everything: bool) -> Iterator[str]:
    """Of each URL (a setting may hold several) itself and its secret parts; an address without any is public."""
    for word in value.split():
        scheme, found, _ = word.partition("://")
        if not found:
            continue
        parts = [part for part in _parts(word) if part]
        if everything or parts or scheme.lower() not in _PLAIN_SCHEMES:
            yield word
        yield from parts


def _parts(url: str) -> Iterator[str]:
    """A URL's password, and whatever in it looks like a token."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
    except ValueError:
        return
    user_info = parts.netloc.rpartition("@")[0]
    if user_info.partition(":")[2]:
        yield user_info
        yield user_info.partition(":")[2]
    yield from (value for key, value in query if _SECRET_QUERY.fullmatch(key))
    yield from (segment for segment in parts.path.split("/") if len(segment) >= UNMISTAKABLE)
    yield from _TOKEN.findall(url)


def _paths(value: str) -> Iterator[str]:
    """How a request names its address, which the receiver may repeat: of those that a run asked."""
    for word in value.split():
        try:
            parts = urlsplit(word)
        except ValueError:
            continue
        if parts.netloc:
            yield f"{parts.path}?{parts.query}" if parts.query else parts.path


# in which forms they are found: a list for each, of characters that stand as they are, and of patterns


def _anchor(form: Sequence[str]) -> str:
    """The longest run of characters that every text in this form has."""
    runs = "".join(part if len(part) == 1 else "\0" for part in form).split("\0")
    return max(runs, key=len)


def _escaped(part: str) -> str:
    return re.escape(part) if len(part) == 1 else part


def _forms(value: str) -> Iterator[list[str]]:
    yield [part for piece in re.findall(r"\\+|[^\\]", value) for part in _written(piece)]
    yield from _base64(value.encode("utf-8", "surrogateescape"))


def _written(piece: str) -> Iterator[str]:
    """The forms of a character, or of a run of backslashes, which together could be told apart in too many ways."""
    if not piece.startswith("\\"):
        yield _character(piece)
    else:
        count = len(piece)
        escaped = r"(?:%(?:25)?5[Cc]|&#(?:92|[xX]0*5[cC]);|\\{1,2}(?:u00|U000000|x)5[cC])"
        yield rf"(?:{escaped}{{{count}}}|\\{{{count},{4 * count}}})"


def _character(char: str) -> str:
    """A character as it is, percent-encoded (RFC 3986; a form's blank is +), or as JSON, Python or HTML escape it."""
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
    """Its base64 (RFC 4648) behind any number of other bytes, of which only the remainder by three matters.

    Where a digit holds bits of the secret and of what stands beside it, all that it may be are matched.
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
    """The digits that have the `known` bits in common with this one; or nothing, where the text was cut there."""
    bits = _ALPHABET.index(digit) & known
    return f"(?:{'|'.join(_escaped(_digit(one)) for at, one in enumerate(_ALPHABET) if at & known == bits)})?"


def _digit(char: str) -> str:
    """A digit of base64 in both alphabets, also where it had to be escaped."""
    return {"+": r"(?:[-+]|%2[Bb])", "/": r"(?:[/_]|\\/|%2[Ff])"}.get(char, char)
