"""Letters as they go over the wire, read back by Python's mail parsers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.messages.headers import Mailbox, text_header
from service.messages.letters import Letter

NOW = datetime(2025, 4, 12, 8, 0, tzinfo=UTC)


def written(**fields: Any) -> bytes:
    """A letter's bytes."""
    given: dict[str, Any] = {
        "sender": Mailbox("me@example.org"),
        "to": Mailbox("a@example.org"),
        "subject": "s",
        "body": "b\n",
    }
    return Letter(**(given | fields)).written(NOW)


def read(text: bytes) -> EmailMessage:
    """It as a mail program reads it."""
    message = message_from_bytes(text, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def head(text: bytes) -> list[str]:
    """The lines of its headers."""
    return text.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


SUBJECTS = [
    "Happy birthday, Amelia!",
    "Ü" * 200,
    "Ü " * 200,
    "a" * 2000,
    "word " * 300,
    "\U0001f382" * 100,
    "=?utf-8?q?evil?=",
    "=?utf-8?b?ZXZpbA==?= and more",
    "a =?iso-8859-1?Q?=41?= b",
    "x =?",
    "100%0d%0aBcc: x",
    "tab\tand\u00a0blank",
    "שלום עליכם " * 20,
    "e\u0301" * 120,
    "",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_folded_and_read_back_as_it_was(subject: str) -> None:
    """RFC 2047: encoded words of at most 75 characters, lines of at most 76 with one in them."""
    text = written(subject=subject)
    expected = " ".join(subject.replace("\t", " ").split())
    assert read(text)["Subject"] == expected
    lines = head(text)
    assert all(len(line) <= 78 for line in lines)
    assert all(len(word) <= 75 for line in lines for word in re.findall(r"=\?\S*\?=", line))


@given(text=st.text(max_size=400))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_header_of_its_own_and_reads_back(text: str) -> None:
    """Line breaks and control characters become blanks; nothing else changes."""
    line = text_header("Subject", text)
    assert line.startswith(b"Subject: ") and line.endswith(b"\r\n")
    parts = line[:-2].decode("ascii").split("\r\n")
    assert all(part.startswith(" ") for part in parts[1:]) and not any("\r" in part or "\n" in part for part in parts)
    assert all(len(part) <= 78 for part in parts)
    unfolded = "".join(parts).removeprefix("Subject: ")
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]", " ", text)
    assert str(make_header(decode_header(unfolded))) == " ".join(plain.split())


BODIES = [
    "Liebe Amelia,\n\n<b>50 % & mehr</b> ✓\n",
    "plain\n.\n..\n.leading dot\n",
    "x" * 5000 + "\n",
    "é" * 5000 + "\n",
    "From me\nFrom you\n",
    "a\rb\r\nc\n\nd",
    "=?utf-8?q?x?= = =3D\n",
    " trailing  \n\t\n",
    "",
    "\ud800 half\n",
]


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("body", BODIES)
def test_a_text_is_seven_bit_lines_that_read_back_as_it_was(body: str, html: bool) -> None:
    """Every server takes them: ASCII, at most 998 characters, CRLF alone."""
    text = written(body=body, html=html)
    assert text.isascii() and text.endswith(b"\r\n")
    assert b"\n" not in text.replace(b"\r\n", b"") and b"\r" not in text.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in text.split(b"\r\n"))
    part = read(text).get_body(("plain",))
    assert part is not None
    expected = body.encode("utf-8", "replace").decode().splitlines() or [""]
    assert part.get_content().splitlines() == [line for one in expected for line in one.splitlines() or [""]]


def test_html_is_the_text_escaped() -> None:
    """Beside the plain text; nothing in it becomes markup."""
    message = read(written(body="<script>x</script> & y\nz\n", html=True))
    assert message.get_content_type() == "multipart/alternative"
    part = message.get_body(("html",))
    assert part is not None and "&lt;script&gt;x&lt;/script&gt; &amp; y<br>\nz" in part.get_content().replace(
        "\r\n", "\n"
    )


def test_a_letter_says_when_and_by_whom() -> None:
    """In UTC, or the zone that is wanted."""
    message = read(written())
    assert message["Date"] == "Sat, 12 Apr 2025 08:00:00 +0000"
    assert (message["From"], message["To"]) == ("me@example.org", "a@example.org")
    there = read(written(zone=ZoneInfo("Europe/Berlin")))["Date"]
    assert there.endswith("+0200") and parsedate_to_datetime(there) == NOW


def test_a_letter_that_is_sent_again_has_the_same_message_id() -> None:
    """By its key, its sender and its recipient; without a key it is another each time."""
    first = read(written(key="birthday:1:2025"))["Message-ID"]
    assert first == read(written(key="birthday:1:2025", subject="late", body="late"))["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.org>", first)
    others = [
        written(key="birthday:2:2025"),
        written(key="birthday:1:2025", to=Mailbox("b@example.org")),
        written(),
        written(),
    ]
    assert len({first, *(read(text)["Message-ID"] for text in others)}) == 5


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "To: a@example.org"),
        ("Amelia Rivers", "To: Amelia Rivers <a@example.org>"),
        ("Rivers, Amelia", 'To: "Rivers, Amelia" <a@example.org>'),
        ("evil@evil.example,x", 'To: "evil@evil.example,x" <a@example.org>'),
        ('A "B" \\C', 'To: "A \\"B\\" \\\\C" <a@example.org>'),
        ("O'Neil", "To: O'Neil <a@example.org>"),
        ("Dr. X", 'To: "Dr. X" <a@example.org>'),
        ("Jörg", "To: =?utf-8?b?SsO2cmc=?= <a@example.org>"),
    ],
)
def test_a_display_name_is_quoted_as_rfc_5322_has_it(name: str, line: str) -> None:
    """Atoms, a quoted string, or encoded words."""
    found = next(one for one in head(written(to=Mailbox("a@example.org", name))) if one.startswith("To:"))
    assert found == line or (
        found.startswith("To: =?utf-8?") and str(make_header(decode_header(found))) == f"To: {name} <a@example.org>"
    )
