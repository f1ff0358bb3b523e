"""Documents of jobs: the strict YAML that is read, and the YAML and JSON that are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ValidationFailed
from service.usecases.documents.document import json_pieces, parse_yaml, yaml_pieces

texts = st.text(max_size=20) | st.sampled_from(
    ["", "~", "null", "true", "yes", "No", "on", "08:30", "1e5", "1_000", "0x1f", "012", "0o17", "-", "- a", "a: b",
     "<<", "2025-01-15", "2025-01-15T08:00:00", "é\n\tß", "# no", "&a", "*a", "!x", ".inf", "NaN", "=", "1.",
     " x ", "\x85", "\ufeff"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def written(pieces: Any) -> bytes:
    """A document, whole."""
    return b"".join(pieces)


@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=3))
def test_what_is_written_is_read_back_as_it_was(jobs: list[dict[str, Any]]) -> None:
    """Whatever a definition holds: text stays text, numbers stay numbers, in YAML as in JSON."""
    assert parse_yaml(written(yaml_pieces(1, jobs))) == {"version": 1, "jobs": jobs}
    assert json.loads(written(json_pieces(1, jobs))) == {"version": 1, "jobs": jobs}


def test_the_yaml_is_plain() -> None:
    """Fields in the order of the definition, one a line, nothing quoted that need not be."""
    job = {"name": "Grüße", "enabled": True, "schedule_config": {"hour": 8, "day_of_week": "mon,wed"}, "x": None}
    assert written(yaml_pieces(1, [job])).decode() == (
        "version: 1\njobs:\n- name: Grüße\n  enabled: true\n  schedule_config:\n    hour: 8\n"
        "    day_of_week: mon,wed\n  x: null\n"
    )
    assert written(yaml_pieces(1, [])) == b"version: 1\njobs: []\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 08:30", "08:30"),
        ("a: 2025-01-15T08:00:00", "2025-01-15T08:00:00"),
        ("a: yes", "yes"),
        ("a: 010", "010"),
        ("a: .nan", ".nan"),
        ("a: '1'", "1"),
        ("a: -3", -3),
        ("a: 1.5e3", 1500.0),
        ("a:", None),
        ("a: {b: [1, true, ~]}", {"b": [1, True, None]}),
        ("{'a': \"\\u00e9\"}", "é"),
    ],
)
def test_scalars_mean_what_json_means_by_them(text: str, value: Any) -> None:
    """No dates, no octal numbers, no sixties, no `yes`: those are text."""
    assert parse_yaml(text.encode()) == {"a": value}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "is empty"),
        (b"# nothing", "is empty"),
        (b"- 1", "must be a YAML mapping"),
        (b"a: 1\na: 2", 'has the key "a" twice (line 2, column 1)'),
        (b"a: &x [1]\nb: *x", "anchor or alias"),
        (b"a: &x 1", "anchor or alias"),
        (b"? &x a\n: 1", "not plain text"),
        (b"? [a]\n: 1", "not plain text"),
        (b"*x : 1", "not plain text"),
        (b"a: !!python/object/apply:os.system [id]", "has a tag"),
        (b"a: !!binary aGk=", "has a tag"),
        (b"a: 1\n---\nb: 2", "more than one document (line 2, column 1)"),
        (b"a: [1", "is not YAML"),
        (b"a: \x01", "is not YAML"),
        (b"a: \xff", "is not UTF-8 at byte 3"),
        (b'a: "\\ud800"', "is not YAML"),
        (b"a: " + b"[" * 40 + b"]" * 40, "nested more than 32"),
    ],
)
def test_all_else_is_refused_in_a_sentence(text: bytes, says: str) -> None:
    """What a parser may be tricked with, and what two readers could read in two ways."""
    with pytest.raises(ValidationFailed) as refused:
        parse_yaml(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [b"[" * 1_000_000, b"{" * 1_000_000, b"- " * 500_000, b"a: &a [x]\n" + b"b: [*a]\n" * 100_000, b"? " * 500_000],
)
def test_a_bomb_is_refused_before_it_goes_off(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """A mebibyte of nesting or references is given up near its beginning, so it takes no time and no memory."""
    parse, read = yaml.parse, 0

    def counting(*arguments: Any, **options: Any) -> Iterator[Any]:
        nonlocal read
        for event in parse(*arguments, **options):
            read += 1
            yield event

    monkeypatch.setattr("service.usecases.documents.document.yaml.parse", counting)
    with pytest.raises(ValidationFailed):
        parse_yaml(text)
    assert 0 < read < 100
