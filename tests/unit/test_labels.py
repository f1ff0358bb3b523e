"""Labels: what is one, how filters ask for them, and what a choice takes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.access.labels import JobChoice, checked_labels, parse_label_filter, stored_labels
from service.domain.access.limits import Limits
from service.domain.job import JobDefinition
from service.domain.kinds import kind_of
from service.domain.options import Options
from service.domain.planning import changed_plan, new_record
from service.errors import ValidationFailed
from service.web.api.openapi.job_schemas import definition as schemas

FORM = re.compile(r"\A[A-Za-z0-9._-]{1,63}\Z")
"""What the specification says, in words of its own."""

good = st.text("abzAZ09._-", min_size=1, max_size=63)
texts = good | st.text(max_size=70) | st.sampled_from(["", "a" * 63, "a" * 64, "a\n", "ä", "٣", "a:b", " a"])
values = texts | st.none() | st.booleans() | st.integers() | st.lists(texts, max_size=1)
objects = st.dictionaries(good, good, max_size=22) | st.dictionaries(texts, values, max_size=3)


def is_right(value: Any) -> bool:
    """Whether these are labels, by the specification."""
    return (
        isinstance(value, dict)
        and len(value) <= 20
        and all(isinstance(part, str) and FORM.match(part) for pair in value.items() for part in pair)
    )


@given(objects | values)
def test_labels_are_taken_as_they_are_or_refused_by_name(value: Any) -> None:
    """The parser and the schema that /openapi.json shows take the same, and every refusal names its field."""
    assert jsonschema_rs.is_valid(schemas({}, {})["labels"], value) == is_right(value)
    if is_right(value):
        assert checked_labels(value) == value
        return
    with pytest.raises(ValidationFailed) as refusal:
        checked_labels(value)
    assert all(error.field == "labels" or error.field.startswith("labels.") for error in refusal.value.errors)


def test_each_wrong_label_is_named() -> None:
    """Its name and its value by themselves."""
    with pytest.raises(ValidationFailed) as refusal:
        checked_labels({"team": "crm", "tea m": "a", "stage": 7})
    assert [(error.field, error.message) for error in refusal.value.errors] == [
        ("labels.tea m", "must have a name of 1 to 63 of the characters A-Z a-z 0-9 . _ -"),
        ("labels.stage", "must be text of 1 to 63 of the characters A-Z a-z 0-9 . _ -, not 7"),
    ]


@given(st.lists(st.tuples(texts, texts), max_size=3))
def test_a_filter_asks_for_a_label_and_its_value(pairs: list[tuple[str, str]]) -> None:
    """One colon parts them; whatever is malformed is refused."""
    if all(FORM.match(part) for pair in pairs for part in pair):
        assert parse_label_filter(map(":".join, pairs)) == tuple(pairs)
    else:
        with pytest.raises(ValidationFailed, match=r"^label must be a label and its value, such as team:crm, not "):
            parse_label_filter(map(":".join, pairs))


few = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)


@given(few, st.sampled_from(["echo", "birthday"]), few, st.none() | st.sets(st.sampled_from(["echo", "visitor"])))
def test_a_choice_takes_what_has_every_label_within_the_limits(
    labels: dict[str, str], bot_type: str, asked: dict[str, str], bots: set[str] | None
) -> None:
    """An empty one takes all."""
    limits = Limits(bot_types=None if bots is None else frozenset(bots))
    choice = JobChoice(tuple(asked.items()), limits)
    assert choice.takes(labels, bot_type) == (asked.items() <= labels.items() and (bots is None or bot_type in bots))
    assert choice.is_all == (not asked and bots is None)


@pytest.mark.parametrize("text", [b"[]", b"{", b'"a"', b"\xff"])
def test_damaged_labels_are_a_value_error(text: bytes) -> None:
    """As all that is damaged in a hash."""
    with pytest.raises(ValueError):
        stored_labels(text)


JOB = JobDefinition("a job", None, "echo", True, "daily", {"hour": 8, "minute": 0}, {}, Options())


@given(few, few, st.integers(0, 10**13))
def test_labels_change_neither_the_plan_nor_the_kind(
    before: dict[str, str], after: dict[str, str], now_ms: int
) -> None:
    """They say nothing of when a job runs."""
    record = new_record("6e3d9a02-6c4f-4a3a-9d8e-000000000000", replace(JOB, labels=before), now_ms)
    assert changed_plan(record, replace(JOB, labels=after), now_ms + 10**7) == record.plan
    kinds = {
        kind_of(job.schedule_type, job.schedule_config, job.options)
        for job in (replace(JOB, labels=before), replace(JOB, labels=after))
    }
    assert len(kinds) == 1
