"""What is read from a page."""

from __future__ import annotations

import time
from functools import cache

import pytest

from service.bots.visitor.pages import read_page

HTML = "text/html; charset=utf-8"
MEGABYTE = 1_000_000


def page(body: str, head: str = "<title>A  page</title>") -> bytes:
    """An HTML document."""
    return f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode()


def test_the_title_is_one_line() -> None:
    """Entities are resolved, white space is one space, an icon's title is not the page's."""
    assert read_page(page("x", "<title>Fish &amp;\n chips</title>"), HTML)[0] == "Fish & chips"
    assert read_page(page("<svg><title>icon</title></svg>", ""), HTML)[0] is None


def test_only_what_is_visible_counts_as_a_change() -> None:
    """Scripts, styles and white space may differ from visit to visit."""
    before = read_page(page("<p>Hello</p><script>var t = 1</script>"), HTML)[1]
    assert read_page(page("<p>Hello</p>\n\n<script>var t = 2</script><style>p {}</style>"), HTML)[1] == before
    assert read_page(page("<p>Hello!</p>"), HTML)[1] != before


def test_broken_pages_are_read_as_far_as_they_go() -> None:
    """Cut short, in an unknown character set, or of no known kind."""
    assert read_page(page("x")[:30], HTML)[0] is None
    assert read_page("<title>Größe</title>".encode("latin-1"), "text/html; charset=latin-1")[0] == "Größe"
    assert read_page(b"<title>ok</title>", "text/html; charset=nonsense")[0] == "ok"
    assert read_page(b"\0\1\2", "image/png")[0] is None


def work(piece: str) -> float:
    """CPU seconds to read a megabyte of `piece`."""
    body = f"<html><head><title>x</title></head><body>{piece * (MEGABYTE // len(piece))}".encode()
    start = time.process_time()
    assert read_page(body, HTML)[0] == "x"
    return time.process_time() - start


@cache
def plain_work() -> float:
    """CPU seconds to read an ordinary page of that size on this machine."""
    return work("<p>Some words.</p>\n")


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<a ", "<", "<![CDATA[", "</a", "<!", "&#", '<a b="', "<div>", "<b>", "<a><b>", "<table><td>", "<svg><g>",
     "<p><b><i>", "<form><select>", "<script>", "<title>", "</p>", "<?", "\0"],
)  # fmt: skip
def test_a_hostile_page_is_not_much_more_work_than_another(piece: str) -> None:
    """A megabyte of whatever is never closed: the title before it is found, and the work grows with the size alone."""
    assert work(piece) < 50 * plain_work()


@pytest.mark.parametrize("body", [b"", b"  ", b"\0", b"\xff\xfe", b"just text", b"<!doctype html>"])
def test_a_page_with_nothing_in_it_has_no_title(body: bytes) -> None:
    """And is always the same."""
    assert read_page(body, HTML)[0] is None
    assert read_page(body, HTML) == read_page(body, HTML)


def test_what_stands_outside_of_the_body_is_read() -> None:
    """Pages without head and body, and text after an element that is not shown."""
    title, shown = read_page(b"<title>T</title><p>one<script>x</script>two<svg><text>no</text></svg>", HTML)
    assert (title, shown) == ("T", read_page(b"<html><body><p>one two</p></body></html>", HTML)[1])
    assert read_page(b"<p>a", HTML)[1] != read_page(b"<p>b", HTML)[1]


@pytest.mark.parametrize("charset", ["utf-8", "hex", "base64", "undefined", "idna", "x" * 300, "utf-16"])
def test_no_named_character_set_breaks_anything(charset: str) -> None:
    """An unknown one is passed over; one that is another's makes of the page what it makes of it."""
    title, _ = read_page(b"<title>ok</title>", f"text/html; charset={charset}")
    assert title == (None if charset == "utf-16" else "ok")
