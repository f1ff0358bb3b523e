"""Bodies are strict."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import falcon.testing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.input import strict_json
from service.domain.input.strict_json import MAX_DEPTH, parse_object
from service.errors import ValidationFailed
from service.web.http.body import JSON_LIMIT
from tests.support.fakes import KEY, FakeContacts


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": ' + b"9" * 30 + b"}", "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": [{"b": "x\\udc00"}]}', "surrogate"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": "\n"}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH, "deep"),
        (b'{"a": 1} x', "not JSON"),
    ],
)
def test_what_is_no_strict_json_object_is_refused(raw: bytes, says: str) -> None:
    """With a sentence that says what is wrong."""
    with pytest.raises(ValidationFailed, match=says):
        parse_object(raw)


def test_what_is_allowed_arrives_as_sent() -> None:
    """Types are not coerced, characters beyond the BMP and the deepest nesting that is allowed pass."""
    value: dict[str, Any] = {"a": [1, 1.5, True, None, "ä😀"], "b": {"c": {}}, "n": -(2**63), "z": "\u0000"}
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(b'{"a":' * (MAX_DEPTH - 1) + b"{}" + b"}" * (MAX_DEPTH - 1))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def outcome(parse: Callable[[bytes], Any], raw: bytes) -> tuple[str, str]:
    """What a parser makes of it, types included, or how it refuses it."""
    try:
        return "value", repr(parse(raw))
    except ValidationFailed as refusal:
        return "refused", str(refusal)


@pytest.mark.slow(reason="hundreds of generated bodies are read twice")
@settings(max_examples=150)
@given(st.dictionaries(st.text(), VALUES), st.booleans(), st.integers(0, 200), st.binary(max_size=3), st.booleans())
def test_the_fast_look_takes_nothing_that_the_close_look_refuses(
    value: dict[str, Any], escaped: bool, place: int, odd: bytes, compact: bool
) -> None:
    """And understands it the same: whatever is sent, with bytes put in anywhere."""
    text = json.dumps(value, ensure_ascii=escaped, separators=(",", ":") if compact else None)
    raw = text.encode("utf-8", "surrogatepass")
    raw = raw[:place] + odd + raw[place:]
    assert outcome(parse_object, raw) == outcome(strict_json._parsed, raw)


@pytest.mark.parametrize(
    "raw", [b'{"a":1,"a":1}', b'{"a" : {"b": 1, "b":2}}', b'{"x":[{"":0,"":0}]}', b'{"n":-0,"m":-0.0,"o":1E5}',
            b'{"n":999999999999999999,"m":-9223372036854775808,"f":0.123456789012345678901}', b"{}", b"\x0c{}"],
)  # fmt: skip
def test_twins_and_long_numbers_are_looked_at_closely(raw: bytes) -> None:
    """Where a fast parser passes over a key, or rounds."""
    assert outcome(parse_object, raw) == outcome(strict_json._parsed, raw)


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_body_is_400_where_one_is_needed(client: falcon.testing.TestClient, body: bytes) -> None:
    """And the sentence says so."""
    answer = client.simulate_post("/scheduler/jobs", body=body)
    assert answer.status_code == 400
    assert "empty" in answer.json["detail"]


def test_over_one_mebibyte_is_413(client: falcon.testing.TestClient) -> None:
    """The last byte that is allowed passes, the next does not."""
    start, end = b'{"name": "', b'"}'
    fits = start + b"x" * (JSON_LIMIT - len(start) - len(end)) + end
    assert client.simulate_post("/scheduler/jobs", body=fits).status_code == 201
    answer = client.simulate_post("/scheduler/jobs", body=fits + b" ")
    assert (answer.status_code, list(answer.json)) == (413, ["detail"])


CHUNKED = [(b"x-api-key", KEY.encode()), (b"transfer-encoding", b"chunked")]
"""Headers of a request with a body of unknown length."""


def chunked(client: falcon.testing.TestClient, path: str, body: bytes) -> falcon.testing.Result:
    """Sends a body without a length."""
    return client.simulate_post(path, body=body, extras={"headers": CHUNKED})


def test_a_body_without_a_length_is_read_to_its_end(client: falcon.testing.TestClient) -> None:
    """A chunked body counts like any other."""
    assert chunked(client, "/scheduler/jobs", b'{"name": "x"}').json["name"] == "x"


def test_a_body_without_a_length_is_limited_too(client: falcon.testing.TestClient) -> None:
    """No more than the limit is read of it."""
    assert chunked(client, "/scheduler/jobs", b" " * (JSON_LIMIT + 1)).status_code == 413
    assert chunked(client, "/scheduler/contacts/import", b" " * (2**20 + 1)).status_code == 413


@pytest.mark.parametrize("extras", [{}, {"headers": CHUNKED}])
@pytest.mark.parametrize("path", ["/scheduler/jobs", "/scheduler/contacts/import"])
def test_a_body_that_breaks_off_is_400(
    client: falcon.testing.TestClient, contacts: FakeContacts, path: str, extras: dict[str, Any]
) -> None:
    """A client that goes away is no error of ours, and its half body has no effect."""
    answer = client.simulate_post(path, body=b'{"name": "x"}', extras=extras, asgi_disconnect_ttl=0)
    assert (answer.status_code, list(answer.json)) == (400, ["detail"])
    assert contacts.imported == []


def test_the_content_type_does_not_matter(client: falcon.testing.TestClient) -> None:
    """`curl -d` without a header sends a form's type; the body is JSON all the same."""
    for media_type in ("application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin-1"):
        answer = client.simulate_post("/scheduler/jobs", body=b'{"name": "x"}', headers={"Content-Type": media_type})
        assert answer.status_code == 201
