"""Cleaning of single values of an address book: the text of a value becomes the stored form, or nothing.

An address or a number is kept only if its meaning is certain: `john doe@example.org` is not `doe@`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import unquote

MAX_NAME = 200
MAX_VALUES = 20
"""Most e-mail addresses, phone numbers or URLs of one person."""
_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"%]{1,64}@(?![.-]|.*\.\.)[^\s\x00-,/:-@\[-^`{-\x7f]{1,255}(?<![.-])")
_PLAIN_PHONE = re.compile(r"[+\d*#(][\d()*#+.-]*(?: ?[\d()*#+.-]+)*+")
_BARE_URL = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?([/?#]\S*)?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
_NOTHING = frozenset({"n/a", "na", "none", "null", "nil", "nan", "unknown", "undefined", "tel:", "mailto:"})
"""Fillers of exporters, which carry no information. So do values without a letter or digit."""

_JOINERS = "\u200c\u200d"
"""Invisible, but part of how some languages are written."""
_EMAIL_PIECES = re.compile(r"(?:\"[^\"]*+\"|<[^<>]*+>|\([^()]*+\)|[^,;|\n])++")
_ANGLED = re.compile(r"<([^<>]*+)>")
_QUOTED_NAME = re.compile(r"\"[^\"]*+\"\s+(?=\S)")
_COMMENT = re.compile(r"\(([^()]*+)\)")
_SCHEME = re.compile(r"(?:mailto|smtp|internet|e-?mail):", re.IGNORECASE)
_UNQUOTED = re.compile(r"\"([^\s@,;:<>()\[\]\\\"%.]+(?:\.[^\s@,;:<>()\[\]\\\"%.]+)*+)\"(@.*)")
_BETWEEN = frozenset({"/", "&", "and", "or", "und", "oder", "et", "ou", "y", "o"})

_PHONE_LIMIT = 40
_PHONE_PIECES = re.compile(
    r"\s*(?:[\n|]|\s/\s|\s&\s|\b(?:and|or|und|oder|et|ou)\b|(?<![,;])[,;](?=\s*(?:\+|\(?\d(?:[\s()./-]*\d){6})))\s*",
    re.IGNORECASE,
)
"""Separators of two numbers. A single comma or semicolon separates if another number follows; else it is a pause in
dialling."""
_PHONE_SCHEME = re.compile(r"(?:tel|callto|sms|phone|fax):", re.IGNORECASE)
_URI_PARAMETER = re.compile(r";([a-z][a-z0-9-]*)(?:=([^;]*))?", re.IGNORECASE)
_NUMBER = re.compile(r"[+\d*#(](?:[\d\s()./*#+-]|[,;](?=[\s\d,;*#]|$))*+")
_EXTENSION = re.compile(
    r"\s*(?P<written>;ext=|\b(?:ext|x)\.?|x\.?)\s*(?P<number>\d{1,9})|\s*[,(]?\s*(?:\bext(?:n|ension)?|\bdurchwahl|\bdw"
    r"|\bapp(?:arat)?|\bposte|\bint(?:erno)?|\banexo|\bдоб)\s*[.:]?\s*(?P<other>\d{1,9})\)?",
    re.IGNORECASE,
)
_PAUSE = re.compile(r"(?<=[\d)])\s*(?:[pw]|(?:;\s*)+)\s*(?=[\d*#]|$)", re.IGNORECASE)
_WORDS = re.compile(r"[\s,;.:)/-]*\(?[^\d(]*\)?", re.DOTALL)


def clean_text(text: str, limit: int = MAX_NAME) -> str | None:
    """Return the text as one line without invisible characters, cut at `limit` characters; None if nothing is left."""
    if not text.isprintable():
        text = visible(text)
    return " ".join(text.split())[:limit].rstrip() or None


def clean_email(text: str) -> str | None:
    """Return the address that `text` is, without `mailto:`; None if it is not exactly one address."""
    return text if text.isascii() and _EMAIL.fullmatch(text) and text.isprintable() else _address(visible(text))


def emails_in(text: str, dropped: list[str] | None = None) -> list[str]:
    """Return the e-mail addresses in a value: a single one, a list, with names, or links.

    An address whose local part needs quotation marks (`"john doe"@example.org`) is dropped, though RFC 5321 allows it:
    no mail service offers such addresses, and many refuse them.

    Args:
        text: the value.
        dropped: collects the parts that are not certainly an address.
    """
    if text.isascii() and _EMAIL.fullmatch(text) and text.isprintable():
        return [text]
    text = _without_headers(visible(text))
    found: list[str] = []
    lost: list[str] = []
    before, end = "", 0
    for match in _EMAIL_PIECES.finditer(text):
        piece = match[0].strip()
        if before and match.start() == end + 1 and not match[0][:1].isspace() and "<" not in piece and "@" in piece:
            lost[-1:] = [f"{before}{text[end]}{piece}"]  # a comma within an address, it seems
            before = ""
        elif "@" in piece:
            addresses = _addresses(piece)
            found += addresses
            if not addresses:
                lost.append(piece)
            elif before:
                lost.pop()  # of a name such as Rivers, Amelia <a@example.org>, or a label
            before = ""
        elif not is_nothing(piece):
            lost.append(piece)
            before = piece
        end = match.end()
    if dropped is not None:
        dropped += lost
    return found


def clean_phone(text: str) -> str | None:
    """Return the number that `text` is, see `phones_in`; None if it is not exactly one number."""
    found = phones_in(text)
    return found[0] if len(found) == 1 else None


def phones_in(text: str, dropped: list[str] | None = None) -> list[str]:
    """Return the phone numbers in a value as they are written, without `tel:` and surrounding words.

    An extension stays behind its number (`;ext=5`, `ext. 5`, `x5`), and so do pauses and the digits after them, written
    `,,` for `p`, `w` (RFC 3601) and `;`. A number with other letters in it is dropped.

    Args:
        text: the value.
        dropped: collects the parts that are not certainly a number.
    """
    if len(text) <= _PHONE_LIMIT and text.isascii() and _PLAIN_PHONE.fullmatch(text) and _has_digit(text):
        return [text]
    found: list[str] = []
    for piece in _PHONE_PIECES.split(_ascii_digits(visible(text))):
        number = _phone(piece.strip())
        if number is not None:
            found.append(number)
        elif dropped is not None and not is_nothing(piece):
            dropped.append(piece.strip())
    return found


def clean_url(text: str) -> str | None:
    """Return an HTTP(S) address, adding `https://` to a bare host name; None if the text is not one."""
    url = visible(text).strip().replace("\\:", ":")
    if url.startswith("//") or _BARE_URL.fullmatch(url):
        url = f"https://{url.removeprefix('//')}"
    return url if re.fullmatch(r"https?://[^\s/?#\\]\S*", url, re.IGNORECASE) and len(url) <= 2000 else None


def clean_language(text: str) -> str | None:
    """Return a language tag, written with hyphens; None if the text is not one."""
    tag = text.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) and len(tag) <= 35 else None


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """Return the values that are not None, each once, in their order, at most `MAX_VALUES`."""
    return tuple(dict.fromkeys(value for value in values if value))[:MAX_VALUES]


def visible(text: str) -> str:
    """Remove invisible characters: byte order marks, zero-width spaces, marks of direction.

    Control characters and the many kinds of spaces become blanks; line breaks stay.
    """
    return text if text.isprintable() else "".join(map(_seen, text))


def is_nothing(text: str) -> bool:
    """Tell whether an exporter wrote this in place of a missing value."""
    return not any(map(str.isalnum, text)) or text.strip().lower() in _NOTHING


def _seen(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    if char in "\n\r\u2028\u2029\x85":
        return "\n"
    return "" if unicodedata.category(char) == "Cf" else " " if char.isspace() or ord(char) < 160 else _other(char)


def _other(char: str) -> str:
    return " " if unicodedata.category(char) == "Cs" else char


def _without_headers(text: str) -> str:
    """Cut `mailto:a@example.org?cc=b@example.org` at the question mark: the rest describes a letter."""
    if "?" not in text or "mailto:" not in text.lower():
        return text
    return " ".join(map(_without_header, text.split(" ")))


def _without_header(token: str) -> str:
    start = token.lower().find("mailto:")
    query = token.find("?", start) if start >= 0 else -1
    if query < 0:
        return token
    end = token.find(">", query)
    return token[:query] + (token[end:] if end >= 0 else "")


def _addresses(piece: str) -> list[str]:
    """Return the addresses in a piece without commas; an empty list unless all of it is understood."""
    marked = _ANGLED.findall(piece) or [comment for comment in _COMMENT.findall(piece) if "@" in comment]
    if marked:
        return _all(marked, _address)
    piece = _QUOTED_NAME.sub("", piece, count=1)
    words = [piece] if piece.startswith('"') else _COMMENT.sub(" ", piece).split()
    while len(words) > 1 and words[0].endswith(":") and "@" not in words[0]:
        del words[0]
    return _all([word for word in words if word.lower() not in _BETWEEN], _address)


def _all(texts: Iterable[str], read: Callable[[str], str | None]) -> list[str]:
    found = list(map(read, texts))
    return [value for value in found if value] if None not in found else []


def _address(text: str) -> str | None:
    address = text.strip().strip(_JOINERS).rstrip(".,;:")
    if address[:1] in "<'\"‘“" and address[:1] + address[-1:] in ("<>", "''", '""', "‘’", "“”"):
        address = address[1:-1].strip()
    scheme = _SCHEME.match(address)
    if scheme:
        address = address[scheme.end() :]
        address = unquote(address) if scheme[0].lower() == "mailto:" else address
        address = address.strip().rstrip(".")
    if quoted := _UNQUOTED.fullmatch(address):
        address = quoted[1] + quoted[2]  # the same address, says RFC 5321
    return address if _EMAIL.fullmatch(address) and address.isprintable() else None


def _phone(text: str) -> str | None:
    """Return the number in a text that contains one."""
    scheme = _PHONE_SCHEME.match(text)
    number = _of_uri(unquote(text[scheme.end() :]).strip() if scheme else text)
    number = _PAUSE.sub(",,", number)
    start = re.search(r"[+\d*#]", number)
    if start is None or number[: start.start()][-1:].isalpha():
        return None
    at = start.start() - (number[: start.start()][-1:] == "(")
    match = _NUMBER.match(number, at)
    if match is None or not _has_digit(match[0]):
        return None
    body, rest = match[0].rstrip(" \t\n.,;/-("), number[match.end() :]
    behind = number[at + len(body) :]
    if extension := _EXTENSION.match(behind):
        body += extension[0].rstrip() if extension["written"] else f" ext. {extension['other']}"
        rest = behind[extension.end() :]
    elif rest[:1].isalpha() and match[0][-1:] not in " \t\n,;(":
        return None  # letters that are part of it
    body = " ".join(body.split())
    return body if len(body) <= _PHONE_LIMIT and _WORDS.fullmatch(rest) else None


def _of_uri(text: str) -> str:
    """Return the number of a `tel:` URI (RFC 3966) without its parameters, except the extension."""
    if "=" not in text:
        return text
    parameters = {match[1].lower(): match[2] or "" for match in _URI_PARAMETER.finditer(text)}
    number = _URI_PARAMETER.sub("", text)
    context = parameters.get("phone-context", "")
    if context.startswith("+") and not number.startswith("+"):
        number = f"{context}-{number}"
    return f"{number};ext={parameters['ext']}" if parameters.get("ext") else number


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _ascii_digits(text: str) -> str:
    """Replace digits, dashes and full-width signs of every script by their ASCII forms."""
    if text.isascii():
        return text
    return "".join(map(_ascii_digit, text))


def _ascii_digit(char: str) -> str:
    digit = unicodedata.digit(char, None) if char.isdecimal() else None
    if digit is not None:
        return str(digit)
    if unicodedata.category(char) == "Pd" or char == "\u2212":
        return "-"
    return " " if char.isspace() else "+" if char == "\uff0b" else "/" if char == "\u2215" else char
