"""Entity tags of lists, and 304 for who has them (RFC 9110, 13.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient
from hypothesis import given
from hypothesis import strategies as st

from service.web.http import rendering
from service.web.http.representation.validators import matches, tag_of
from tests.support.fakes import KEY, FakeContacts, FakeJobs

LISTS = [
    "/scheduler/jobs", "/scheduler/jobs?limit=2", "/scheduler/jobs/1/history", "/scheduler/contacts",
    "/scheduler/contacts/duplicates", "/scheduler/contacts/export", "/scheduler/contacts/export?format=csv",
    "/scheduler/bots", "/docs", "/docs/api.md", "/llms.txt",
]  # fmt: skip
TAG = '"LPJNul-wow4m6DsqxbninhsW"'
opaque = st.text("!#$%&'()*+,-./0:;<=>?@[]^_`{|}~aAzZ\xe9", max_size=12).map(lambda text: f'"{text}"')
tags = st.builds(lambda weak, tag: weak + tag, st.sampled_from(["", "W/"]), opaque)


@pytest.fixture(autouse=True)
def _full(jobs: FakeJobs, contacts: FakeContacts) -> None:
    jobs.stored = {str(n): {"id": str(n), "name": f"Job {n}", "revision": 1} for n in range(1, 6)}
    contacts.stored = {"ada": {"id": "ada", "name": "Ada"}}


@pytest.mark.parametrize("coding", ["", "gzip", "br", "gzip, identity;q=0"])
@pytest.mark.parametrize("path", LISTS)
def test_who_has_the_list_gets_no_body(client: TestClient, path: str, coding: str) -> None:
    """304 with the headers that 200 would have, whatever the coding, and for HEAD too."""
    asked = {"Accept-Encoding": coding}
    got = client.simulate_get(path, headers=asked)
    tag = got.headers["etag"]
    assert (got.status_code, tag[:3], got.headers["cache-control"]) == (200, 'W/"', "private, no-cache")
    for method in ("GET", "HEAD"):
        again = client.simulate_request(method, path, headers=asked | {"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "vary", "link"):
            assert again.headers.get(name) == got.headers.get(name), name
        assert not {"content-encoding", "content-type", "content-length"} & set(again.headers)


def test_a_change_makes_another_tag(client: TestClient, jobs: FakeJobs) -> None:
    """Of anything that the list shows: a run, too, which leaves a job's own tag."""
    for path in ("/scheduler/jobs", "/scheduler/jobs?limit=50"):
        old, own = client.simulate_get(path).headers["etag"], client.simulate_get("/scheduler/jobs/1").headers["etag"]
        jobs.stored["1"]["run_count"] = jobs.stored["1"].get("run_count", 0) + 1
        got = client.simulate_get(path, headers={"If-None-Match": old})
        assert (got.status_code, got.headers["etag"] != old) == (200, True)
        assert client.simulate_get("/scheduler/jobs/1").headers["etag"] == own == '"1"'


def test_a_link_to_more_is_part_of_the_list(client: TestClient) -> None:
    """Two pages with the same items, of which one is the last, are two versions."""
    first = client.simulate_get("/scheduler/jobs?limit=5")
    last = client.simulate_get("/scheduler/jobs?limit=5&cursor=2")
    assert (first.content == last.content, "link" in first.headers, "link" in last.headers) == (True, True, False)
    assert first.headers["etag"] != last.headers["etag"]


@pytest.mark.parametrize("path", ["/scheduler/jobs/1", "/scheduler/jobs/1/runs/run-1", "/scheduler/health"])
def test_a_single_thing_has_no_304(client: TestClient, path: str) -> None:
    """A job's tag is its revision, which runs do not change, though they change what the job shows."""
    tag = client.simulate_get(path).headers.get("etag", "*")
    got = client.simulate_get(path, headers={"If-None-Match": tag})
    assert (got.status_code, got.headers["cache-control"]) == (200, "no-store")
    assert client.simulate_get(path, headers={"If-None-Match": "*"}).status_code == 200


def test_errors_have_no_tag(client: TestClient) -> None:
    """And `*` makes none of them a 304."""
    for path, status in (("/scheduler/jobs/nothing/history", 404), ("/scheduler/jobs?limit=0", 400)):
        got = client.simulate_get(path, headers={"If-None-Match": "*"})
        assert (got.status_code, "etag" in got.headers, got.headers["cache-control"]) == (status, False, "no-store")


def test_every_process_makes_the_same_tag(make_app: Callable[..., Any]) -> None:
    """So that 304 does not depend on which one is asked."""
    found = {
        TestClient(make_app(), headers={"X-API-Key": KEY}).simulate_get("/scheduler/jobs").headers["etag"] for _ in "ab"
    }
    assert len(found) == 1


def test_a_list_that_is_too_long_has_no_tag(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded: it is streamed, and may not be kept."""
    monkeypatch.setattr(rendering, "WHOLE_BYTES", 60)
    got = client.simulate_get("/scheduler/jobs", headers={"If-None-Match": "*"})
    assert (got.status_code, len(got.json), "etag" in got.headers) == (200, 5, False)
    assert got.headers["cache-control"] == "no-store"


@given(st.lists(tags, max_size=5), st.sampled_from([",", ", ", " ,\t", ",,", ", ,"]))
def test_a_list_matches_if_a_tag_of_it_does(others: list[str], between: str) -> None:
    """By weak comparison: with and without `W/`, wherever it stands."""
    assert matches(between.join(others), f"W/{TAG}") is False
    for ours in (TAG, f"W/{TAG}"):
        for place in range(len(others) + 1):
            assert matches(between.join([*others[:place], ours, *others[place:]]), f"W/{TAG}")


@pytest.mark.parametrize(
    "header",
    [TAG.strip('"'), f"{TAG}x", f"x, {TAG}", f"w/{TAG}", f"*, {TAG}", f'"{TAG}', TAG.replace("L", "l", 1), "", ",", '"',
     f"{TAG}, **", "W/*"],
)  # fmt: skip
def test_what_is_malformed_matches_nothing(header: str) -> None:
    """The whole answer is right for everybody."""
    assert matches(header, f"W/{TAG}") is False


@pytest.mark.parametrize("header", ["*", " *", "*\t"])
def test_any_version(header: str) -> None:
    """`*`."""
    assert matches(header, f"W/{TAG}")


def test_a_tag_is_a_digest() -> None:
    """A pin, since the tags of two releases meet while they are exchanged."""
    assert tag_of(b"hello") == f"W/{TAG}"
    assert tag_of(b"hello", "x") != tag_of(b"hellox"[:5]) == tag_of(b"hello")
