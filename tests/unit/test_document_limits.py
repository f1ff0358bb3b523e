"""How much of a document is looked at: its events, values and faults are counted, and the rest of it is left alone."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from service.bots.birthday.bot import BirthdayConfig
from service.bots.webhook.config import WebhookConfig
from service.domain.input.refusals import COUNT_LIMIT, Refusals
from service.domain.input.strict_json import MAX_VALUES, parse_object
from service.domain.job_fields import Configs, validate_bot_config
from service.errors import ValidationFailed
from service.usecases.documents import document as documents
from service.usecases.documents.document import SLOW_LIMIT, parse_yaml, yaml_pieces

MIB = 2**20


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events libyaml was asked for, in its one element."""
    counted, parse = [0], yaml.parse

    def counting(*args: Any, **options: Any) -> Iterator[Any]:
        for event in parse(*args, **options):
            counted[0] += 1
            yield event

    monkeypatch.setattr(yaml, "parse", counting)
    return counted


BOMBS = {
    "a list": (b"jobs:\n" + b"- a\n" * MIB, "more than 500,000 values", MAX_VALUES + 10),
    "a list in a line": (b"jobs: [" + b"a, " * MIB + b"]", "more than 500,000 values", MAX_VALUES + 10),
    "empty lists": (b"jobs: [" + b"[]," * MIB + b"]", "more than 500,000 values", 2 * MAX_VALUES + 10),
    "keys": (b"".join(b"k%d:\n" % n for n in range(400_000)), "more than 500,000 values", MAX_VALUES + 10),
    "depth": (b"[" * 4 * MIB, "nested more than 32", 40),
    "depth in blocks": (b"- " * 2 * MIB, "nested more than 32", 40),
    "depth in both": (b"a:\n - " + b"[{a: " * MIB, "nested more than 32", 80),
    "keys that are lists": (b"? " * 2 * MIB, "a key that is not plain text", 5),
    "anchors": (b"&a " * MIB, "an anchor or alias|is not YAML", 3),
    "one long anchor": (b"a: &" + b"a" * 4 * MIB + b" 1", "an anchor or alias", 5),
    "a billion laughs": (
        b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (n, n, *[n - 1] * 3) for n in b"bcdefgh"),
        "an anchor or alias", 6,
    ),
    "merged keys": (b"a: 1\n<<: *a\n", "an anchor or alias", 8),
    "tags": (b"a: !" + b"t" * 4 * MIB + b" 1", "has a tag", 5),
    "directives": (b"".join(b"%%TAG !a%d! x\n" % n for n in range(200_000)) + b"--- {}", "a directive", 0),
    "a version": (b"%YAML 1.1\n--- {}", "a directive", 0),
    "comments alone": (b"# x\n" * MIB, "is empty", 3),
    "documents": (b"--- {}\n" * MIB, "more than one document", 8),
    "empty documents": (b"---\n" * MIB, "more than one document", 8),
    "a key twice": (b"a: 1\n" * MIB, "has the key \"a\" twice", 8),
    "a long key twice": (b"? " + b"a" * MIB + b"\n" + b"? " + b"a" * MIB + b"\n", "…\" twice", 8),
    "a whole number": (b"a: " + b"9" * 4 * MIB, "out of range", 6),
    "a fraction": (b"a: 1e" + b"9" * 4 * MIB, "out of range", 6),
    "a number of 64 bits": (b"a: 9223372036854775808", "out of range", 6),
}  # fmt: skip


@pytest.mark.slow(reason="documents of megabytes are read")
@pytest.mark.parametrize(("raw", "told", "most"), BOMBS.values(), ids=BOMBS.keys())
def test_of_a_bomb_only_so_much_is_looked_at(raw: bytes, told: str, most: int, events: list[int]) -> None:
    """Mebibytes of anything: refused in a sentence, after so many events and not after all of them."""
    with pytest.raises(ValidationFailed, match=told) as refused:
        parse_yaml(raw)
    assert events[0] <= most
    assert len(str(refused.value)) < 300


@pytest.mark.slow(reason="the largest document is read")
def test_a_document_may_have_as_many_values_as_is_promised() -> None:
    """And not one more, in YAML as in JSON, so that neither takes what the other refuses."""
    for value in (b"0,", b"{ },"):
        fits = b'{"jobs": [' + value * (MAX_VALUES - 4) + b"0]}"  # beside the mapping, its key and its list
        assert len(parse_object(fits)["jobs"]) == MAX_VALUES - 3
        with pytest.raises(ValidationFailed, match="more than 500,000 values"):
            parse_object(fits.replace(b"[", b"[0,", 1))
    with pytest.raises(ValidationFailed, match="more than 500,000 values"):
        parse_yaml(b'{"jobs": [' + b"0," * (MAX_VALUES - 3) + b"0]}")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": [' + b"0," * 2 * MIB + b"0]}",
        b'{"a": [' + b"[]," * 2 * MIB + b"0]}",
        b'{"a": [' + b"{}," * 2 * MIB + b"0]}",
        b'{"a": {' + b'"":0,' * MIB + b'"b":0}}',
        b'{"a": "' + b'\\"' * 2 * MIB + b'", "b": [' + b"0," * MIB + b"0]}",
        b"[" * 4 * MIB,
        b'{"a":' * MIB,
    ],
)
def test_json_of_too_many_values_is_refused_before_one_of_them_is_made(raw: bytes) -> None:
    """And without a copy of it. Other threads of the tests may allocate meanwhile, but not each time."""
    assert min(peak_of(raw) for _ in range(3)) < MIB // 4


def peak_of(raw: bytes) -> int:
    """The most memory that the refusal takes, in bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(ValidationFailed, match="more than 500,000 values"):
            parse_object(raw)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_commas_in_texts_are_no_values() -> None:
    """A text of a mebibyte of them, with quotes and backslashes between, is one value."""
    text = ',:[{"\\' * 200_000
    raw = json.dumps({"a": text}).encode()
    assert parse_object(raw) == {"a": text}
    open_ended = b'{"a": "' + b'\\",' * MIB
    with pytest.raises(ValidationFailed, match="is not JSON"):
        parse_object(open_ended)


def test_without_libyaml_only_short_documents_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same rules; longer ones are refused by a sentence that says what to send instead."""
    monkeypatch.setattr(documents, "_Loader", yaml.SafeLoader)
    job = {"name": "Grüße: *x", "enabled": True, "hour": 8, "x": None, "when": "08:30"}
    short = b"".join(yaml_pieces(1, [job] * 50))
    assert parse_yaml(short) == {"version": 1, "jobs": [job] * 50}
    for raw, told in (
        (b"a: &a [*a]", "an anchor"),
        (b"a: 1\na: 2", "twice"),
        (b"- " * 40, "nested"),
        (b"a: [", "not YAML"),
    ):
        with pytest.raises(ValidationFailed, match=told):
            parse_yaml(raw)
    with pytest.raises(ValidationFailed, match=r"the limit without libyaml; send JSON"):
        parse_yaml(short + b"#" * SLOW_LIMIT)


def test_libyaml_is_here() -> None:
    """What is installed from the lock has it; without it long documents would be refused."""
    assert documents._is_fast()


def test_no_more_faults_are_worded_than_are_counted() -> None:
    """Of a million, a thousand; and the sentence says that there are more."""
    refusals, asked = Refusals(), [0]

    class Keys(dict[str, int]):
        def __iter__(self) -> Iterator[str]:
            for number in range(MIB):
                asked[0] += 1
                yield f"k{number}"

    refusals.unknown(Keys(), ("name",), "", "a job")
    assert asked[0] <= COUNT_LIMIT + 2
    with pytest.raises(ValidationFailed, match=r"and at least 981 more fields are invalid$") as refused:
        refusals.raise_any()
    assert len(refused.value.errors) == 21


@pytest.mark.parametrize(
    ("count", "told"),
    [(24_000, "has 24,000 errors, too many to list"), (100_000, "not hold more than 50,000 values")],
)
@pytest.mark.parametrize("kind", ["headers", "templates", "unknown"])
def test_a_config_of_many_thousand_mistakes_is_refused_in_one_sentence(kind: str, count: int, told: str) -> None:
    """Each was worded before, in some kilobytes of memory; now their number is told."""
    wrong = {f"k{n}": n for n in range(count)}
    configs: Configs = {"webhook": WebhookConfig, "birthday": BirthdayConfig}
    config = {"headers": {"url": "https://example.org/", "headers": wrong}, "templates": {"templates": wrong}}
    tracemalloc.start()
    try:
        with pytest.raises(ValidationFailed, match=told):
            validate_bot_config("webhook" if kind == "headers" else "birthday", config.get(kind, wrong), configs)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * MIB
