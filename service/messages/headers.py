"""Header lines of an e-mail (RFC 5322, RFC 2047).

Python's own policies parse a value before they write it, so that a name that looks like an encoded word becomes another
text. `email.header` writes the value as it is.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from email.header import Header

from service.messages.templates import one_line

WIDTH = 76
"""The most characters of a line with an encoded word (RFC 2047, 2)."""
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED = re.compile(r"([\\\"])")
_LONGEST_PLAIN = 60


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and its owner's name, which may be empty."""

    address: str
    name: str = ""


def text_header(name: str, text: str) -> bytes:
    """Return a header whose value is text for people, such as the subject. Line breaks and controls become blanks."""
    plain = one_line(text)
    lines = textwrap.wrap(plain, WIDTH - len(name) - 2, break_long_words=False, break_on_hyphens=False) or [""]
    if _may_stand(plain) and all(len(line) <= WIDTH for line in lines):
        return _header(name, "\r\n ".join(lines))
    return _header(name, _encoded(plain, name))


def mailbox_header(name: str, mailboxes: tuple[Mailbox, ...]) -> bytes:
    """Return a header whose value is a list of addresses, one on each line."""
    return _header(name, ",\r\n ".join(_mailbox(mailbox, name) for mailbox in mailboxes))


def exact_header(name: str, value: str) -> bytes:
    """Return a header whose value follows rules of its own: ASCII, on one line."""
    return _header(name, value)


def _header(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode("ascii")


def _mailbox(mailbox: Mailbox, header: str) -> str:
    name = one_line(mailbox.name)
    if not name:
        return mailbox.address
    if not _may_stand(name) or len(name) > _LONGEST_PLAIN:
        phrase = _encoded(name, header)
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"' + _QUOTED.sub(r"\\\1", name) + '"'
    room = WIDTH - len(header) - 2 if "\r\n" not in phrase else WIDTH - len(phrase.rpartition("\r\n")[2])
    fits = len(phrase) + len(mailbox.address) + 3 <= room and "\r\n" not in phrase
    return f"{phrase}{' ' if fits else chr(13) + chr(10) + ' '}<{mailbox.address}>"


def _may_stand(text: str) -> bool:
    """Return whether readers take the text as it is: ASCII, with nothing that looks like an encoded word."""
    return text.isascii() and "=?" not in text


def _encoded(text: str, header: str) -> str:
    """Return encoded words of at most 75 characters, one on each line."""
    return Header(text, "utf-8", maxlinelen=WIDTH - 1, header_name=header).encode(linesep="\r\n")
