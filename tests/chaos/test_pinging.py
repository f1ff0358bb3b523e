"""That the audit of pings sees what somebody planted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.audit import Findings
from tests.chaos.pinging import Told, check_pings

SOUND = {"id": "1", "rid": "a", "status": "failed"}
OPEN = {"id": "2", "rid": "b", "status": "success"}
PLAIN = {"id": "3", "rid": "", "status": "success"}


@pytest.mark.parametrize(
    ("runs", "plain", "said"),
    [
        ([SOUND, OPEN], [PLAIN], ""),
        ([SOUND], [PLAIN, PLAIN], ""),  # the end of `b` was never answered, and one plain ping neither
        ([OPEN], [PLAIN], "is gone"),
        ([SOUND, {**SOUND, "id": "9"}, OPEN], [PLAIN], "2 times"),
        ([{**SOUND, "status": "success"}, OPEN], [PLAIN], "fail of a was answered"),
        ([{**SOUND, "status": "running"}, OPEN], [PLAIN], "fail of a was answered"),
        ([{**SOUND, "id": "9"}, OPEN], [PLAIN], "and is 9"),
        ([SOUND, OPEN, {"id": "4", "rid": "c", "status": "success"}], [PLAIN], "nobody has told"),
        ([SOUND, OPEN], [], "0 are in the history"),
        ([SOUND, OPEN], [PLAIN] * 3, "3 are in the history"),
    ],
)
def test_what_was_planted_is_seen(runs: list[Any], plain: list[Any], said: str) -> None:
    found = Findings()
    told = [Told("job", "a", "fail", {"start": "1", "fail": "1"}), Told("job", "b", "success")]
    check_pings(found, told, ("plain", 1, 1), {"job": runs, "plain": plain})
    assert any(said in one for one in found.all()) if said else found.all() == []
    assert found.pings == 3
