"""What is read from a page."""

from __future__ import annotations

from service.bots.pages import read_page

HTML = "text/html; charset=utf-8"


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
