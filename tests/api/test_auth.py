"""Who may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import falcon.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.web.http.auth import ApiKeys

GUARDED = [
    ("GET", "/scheduler/jobs"),
    ("POST", "/scheduler/jobs"),
    ("GET", "/scheduler/jobs/x"),
    ("PUT", "/scheduler/jobs/x"),
    ("DELETE", "/scheduler/jobs/x"),
    ("POST", "/scheduler/jobs/x/toggle"),
    ("POST", "/scheduler/jobs/x/run"),
    ("GET", "/scheduler/jobs/x/history"),
    ("GET", "/scheduler/jobs/x/runs/y"),
    ("GET", "/scheduler/jobs/x/preview"),
    ("POST", "/scheduler/preview"),
    ("POST", "/scheduler/contacts/import"),
    ("GET", "/scheduler/contacts/export"),
    ("GET", "/scheduler/contacts/duplicates"),
    ("POST", "/scheduler/contacts/x/merge"),
    ("GET", "/scheduler/contacts"),
    ("GET", "/scheduler/contacts/x"),
    ("POST", "/scheduler/acknowledge"),
    ("GET", "/scheduler/bots"),
    ("HEAD", "/scheduler/jobs"),
    ("OPTIONS", "/scheduler/jobs"),
    ("GET", "/scheduler"),
    ("GET", "/scheduler/"),
    ("GET", "/scheduler/nothing"),
    ("GET", "/scheduler/jobs/"),
    ("GET", "/scheduler/health;x"),
    ("OPTIONS", "/scheduler/nothing"),
    ("TRACE", "/scheduler/jobs"),
    ("PATCH", "/scheduler/jobs"),
    ("GET", "/scheduler/health/x"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_everything_under_scheduler_needs_the_key(stranger: falcon.testing.TestClient, method: str, path: str) -> None:
    """Without the header each route, known or not, is 401 with a sentence."""
    answer = stranger.simulate_request(method, path)
    assert answer.status_code == 401
    if method != "HEAD":
        assert list(answer.json) == ["detail"]
        assert "X-API-Key" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/scheduler/health", "/scheduler/health/"])
def test_health_is_open(stranger: falcon.testing.TestClient, path: str) -> None:
    """Health answers without a key."""
    assert stranger.simulate_get(path).status_code == 200


def test_a_wrong_key_is_refused(stranger: falcon.testing.TestClient) -> None:
    """Another key, a prefix of the key and an empty one are 401."""
    for key in ("wrong", "test-ke", "test-key2", "", "TEST-KEY"):
        assert stranger.simulate_get("/scheduler/jobs", headers={"X-API-Key": key}).status_code == 401


def test_an_unknown_route_is_404_with_the_key(client: falcon.testing.TestClient) -> None:
    """With the key an unknown route is a plain 404."""
    assert client.simulate_get("/scheduler/nothing").status_code == 404


def test_the_previous_key_is_accepted_during_a_rotation(make_app: Callable[..., Any]) -> None:
    """`API_KEY` and `API_KEY_PREVIOUS` both open, and nothing else does."""
    client = falcon.testing.TestClient(make_app("new", "old"))
    statuses = [
        client.simulate_get("/scheduler/jobs", headers={"X-API-Key": key}).status_code
        for key in ("new", "old", "newold")
    ]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("key", [None, "", "  "])
def test_no_key_configured_means_nobody_enters(make_app: Callable[..., Any], key: str | None) -> None:
    """An API without a key is closed, not open."""
    client = falcon.testing.TestClient(make_app(key))
    for given_key in ("", " ", "None"):
        assert client.simulate_get("/scheduler/jobs", headers={"X-API-Key": given_key}).status_code == 401


def test_a_key_may_hold_any_character(make_app: Callable[..., Any]) -> None:
    """A key outside of ASCII matches its UTF-8 bytes, which Falcon hands over as Latin-1."""
    key = "schlüssel-鍵"
    as_latin_1 = key.encode().decode("latin-1")
    client = falcon.testing.TestClient(make_app(key))
    answer = client.simulate_get("/scheduler/jobs", headers={"X-API-Key": as_latin_1})
    assert answer.status_code == 200


@given(given_key=st.binary(max_size=40))
def test_any_bytes_as_a_key_are_compared_and_refused(given_key: bytes) -> None:
    """No byte sequence but the key itself is accepted, and none raises."""
    assert (ApiKeys(["right"]).recognise(given_key) is not None) == (given_key == b"right")


@given(value=st.text(max_size=40))
def test_any_header_value_is_401_never_an_error(value: str) -> None:
    """Whatever the server puts into the header's variable, a stranger gets 401."""
    from service.web.http.auth import header_bytes

    assert ApiKeys(["right key that nobody guesses"]).recognise(header_bytes(value)) is None
