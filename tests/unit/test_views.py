"""Views: one thing in two forms, of which the one that is there is handed out as it is."""

from __future__ import annotations

from typing import Any

import pytest

from service.usecases.views import JobView, Page, View

DATA: dict[str, Any] = {"id": "a", "name": "Zoë", "count": 3, "none": None}
JSON = '{"id": "a", "name": "Zoë",  "count": 3, "none": null}'.encode()
"""Not as our own writer spaces it."""


def test_json_goes_out_byte_by_byte_as_it_came() -> None:
    """Nothing is parsed on the way to the wire, not even where it could not be."""
    assert View(JSON).json is JSON
    assert Page([JSON, b"{rubbish"]).json == b"[" + JSON + b",{rubbish]"


@pytest.mark.parametrize("shown", [JSON, DATA])
def test_both_forms_say_the_same(shown: bytes | dict[str, Any]) -> None:
    """Whichever of them the view was made of."""
    assert View(shown).data == View(View(shown).json).data == DATA
    assert Page([shown, shown]).data == [DATA, DATA]
    assert Page([View(Page([shown]).json[1:-1]).data]).data == [DATA]


def test_an_empty_page_is_an_empty_array() -> None:
    """And the last page has no cursor."""
    assert (Page([]).json, Page([]).data, Page([]).next_cursor) == (b"[]", [], None)


def test_a_text_that_utf8_cannot_carry_spoils_no_page() -> None:
    """A lone surrogate is escaped, alone and in a list."""
    odd: dict[str, Any] = {"error": "\udce9"}
    assert View(odd).json == b'{"error": "\\udce9"}'
    assert Page([odd]).json == b'[{"error": "\\udce9"}]'


def test_a_job_carries_its_id_and_revision_beside_its_answer() -> None:
    """So that headers need no parsing."""
    job = JobView(JSON, "a", 7)
    assert (job.json, job.id, job.revision) == (JSON, "a", 7)
