"""Traces of a person in texts: found in every spelling, and nothing else is cut."""

from __future__ import annotations

import json

import pytest

from service.domain.people.contact import Contact
from service.domain.people.erasure.traces import ERASED, Traces, traces_of

ID, STANDS = "11111111-1111-5111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def traces(**fields: object) -> Traces:
    """Those of somebody with these fields."""
    return traces_of([Contact(ID, **{"name": "Robin Example", **fields})], {ID: STANDS})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Robin Examples are many", "Robin Examples are many"),
        ("Robin  Example's cake", f"{ERASED}'s cake"),
        ("(robin_example@x)", "(robin_example@x)"),
        ("brobin example", "brobin example"),
        ("a%20Robin%20Example%20b", f"a%20{ERASED}%20b"),
        ("a\\nRobin\\tExample", f"a\\n{ERASED}"),
        (f"contact {ID.upper()}: no", f"contact {STANDS}: no"),
        ("nobody at all", "nobody at all"),
    ],
)
def test_a_name_is_a_word_of_its_own(text: str, left: str) -> None:
    """Not within another word; whatever stands between its parts."""
    assert traces().cut(text) == left


@pytest.mark.parametrize(
    "other", ["brobin@example.org", "robin@example.organic", "x.robin@example.org", "robin@example.org-chart"]
)
def test_longer_addresses_are_others(other: str) -> None:
    """And stay."""
    assert traces(emails=("robin@example.org",)).cut(f"to {other}") == f"to {other}"


@pytest.mark.parametrize("text", ["+491701234567", "0049 170 1234567", "+49%20170%201234567", "(49) 170/123-45.67"])
def test_a_number_is_found_however_it_is_grouped(text: str) -> None:
    """With and without its prefix for abroad; longer numbers are others."""
    cut = traces(phones=("+49 170 1234567",)).cut
    assert "1234" not in cut(f"call {text}!") and cut(f"call {text}!").endswith("!")
    assert cut(f"call {text}8") == f"call {text}8"


def test_a_bare_host_is_cut_with_its_scheme_alone() -> None:
    """Others have addresses there."""
    cut = traces(urls=("https://example.org/", "https://example.net/~r")).cut
    assert cut("kim@example.org saw https://example.org/") == f"kim@example.org saw {ERASED}/"
    assert cut("see example.net/~r/ and example.net/~rx") == f"see {ERASED}/ and example.net/~rx"


@pytest.mark.parametrize("name", ["status", "sent", "A", "1", "null", "true"])
def test_a_name_that_is_a_word_of_the_service_breaks_no_record(name: str) -> None:
    """Names of fields and numbers stay; the record is still JSON of the same shape."""
    record = {"status": "ok", "sent": 1, "A": None, "1": True, "null": [1], "true": {"x": "the status was sent"}}
    cut = json.loads(traces(name=name).cut(json.dumps(record)))
    assert len(cut) == len(record) and cut["status"] == "ok" and cut["sent"] == 1


def test_a_very_short_name_goes_from_entries_about_the_person_alone() -> None:
    """Elsewhere it may be anything."""
    cut = traces(name="Al").cut
    assert cut("Al gore") == "Al gore"
    entry = {"contact_id": ID, "name": "Al", "days": 3, "urls": ["x"], "ok": True, "at": None}
    assert json.loads(cut(json.dumps([entry, {"contact_id": "other", "name": "Al"}]))) == [
        {"contact_id": STANDS, "name": ERASED, "days": 3, "urls": [ERASED], "ok": True, "at": None},
        {"contact_id": "other", "name": "Al"},
    ]


def test_scripts_without_spaces_have_no_edges_of_words() -> None:
    """A Chinese name stands within a sentence."""
    assert traces(name="王伟").cut("昨天王伟来了") == f"昨天{ERASED}来了"


def test_composed_and_decomposed_letters_are_the_same() -> None:
    """As files from other systems write them."""
    assert traces(name="Zo\u00eb").cut("to Zoe\u0308!") == f"to {ERASED}!"
    assert traces(name="Zoe\u0308").cut("to ZO\u00cb!") == f"to {ERASED}!"


def test_what_does_not_change_stays_as_it_was_written() -> None:
    """Also its spaces."""
    text = '{"b" : 1.50, "a": "Robin"}'
    assert traces().cut(text) == text
