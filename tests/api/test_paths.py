"""Which spellings of an address are taken at all."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.http.paths import is_plain

PLAIN = [
    "/",
    "/scheduler/jobs",
    "/scheduler/jobs/",
    "/scheduler/jobs?a=//b/../c%2f%00",
    "/%73cheduler/jobs",
    "/scheduler/jobs/.hidden",
    "/scheduler/jobs/...",
    "/scheduler/jobs/a..b",
    "/scheduler/jobs/a;b=c",
    "/scheduler/jobs/%C3%A9%20%3F%23%25",
    "/scheduler/jobs/100%25",
    "/scheduler/jobs/~!$&'()*+,=:@-._",
]
ODD = [
    "",
    "*",
    "x",
    "x:80",
    "http://x/scheduler/jobs",
    "//scheduler/jobs",
    "/scheduler//jobs",
    "/scheduler/jobs//",
    "/./scheduler/jobs",
    "/scheduler/jobs/.",
    "/scheduler/jobs/..",
    "/scheduler/%2e%2E/jobs",
    "/scheduler/.%2e/jobs",
    "/%2fscheduler/jobs",
    "/scheduler%2Fjobs",
    "/scheduler%5cjobs",
    "/scheduler\\jobs",
    "/scheduler%252fjobs",
    "/scheduler%255Cjobs",
    "/scheduler/%252e%252e/jobs",
    "/scheduler/jobs%00",
    "/scheduler/jobs%2500",
    "/scheduler/jobs%09",
    "/scheduler/jobs%0d%0a",
    "/scheduler/jobs%7f",
    "/scheduler/jobs\t",
    "/scheduler/%c0%af",
    "/scheduler/%ff",
    "/scheduler/jobs#x",
    "/scheduler/health#/jobs",
    "/scheduler/health?a#/jobs",
]


def scope(target: str) -> dict[str, Any]:
    """As a server makes it of a request's target."""
    raw, _, query = target.partition("?")
    return {"path": unquote(raw), "raw_path": raw.encode(), "query_string": query.encode()}


@pytest.mark.parametrize("target", PLAIN)
def test_one_spelling_is_taken(target: str) -> None:
    """With odd but legal characters too, and one slash at the end; with and without the target as it was sent."""
    assert is_plain(scope(target))
    assert is_plain({"path": scope(target)["path"]})


@pytest.mark.parametrize("target", ODD)
def test_all_others_are_refused(target: str) -> None:
    """What might be read in two ways is read in none."""
    assert not is_plain(scope(target))


@pytest.mark.parametrize(
    "path", ["//a", "/a//", "/a/../b", "/a/.", "/a\\b", "/a\x00", "/a%2fb", "/a/%2e%2e/b", "/\ufffd", "a"]
)
def test_without_the_target_the_decoded_path_is_looked_at(path: str) -> None:
    """Servers need not supply `raw_path`."""
    assert not is_plain({"path": path})
    assert not is_plain({"path": path, "raw_path": b"/a"}), "and where they do, both are"


def test_an_empty_path_is_the_root() -> None:
    """A server may leave it empty."""
    assert is_plain({"path": ""})


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1), max_size=4))
def test_a_plain_path_has_one_reading(segments: list[str]) -> None:
    """Whatever is taken, split and decoded in either order it has the same segments, and none is empty or dots."""
    target = "/" + "/".join(quote(segment, safe="") for segment in segments)
    if is_plain(scope(target)):
        decoded = unquote(target)
        assert decoded.split("/")[1:] == (segments or [""])
        assert not {".", ".."} & set(segments)
        assert "\\" not in decoded
