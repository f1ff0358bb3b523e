"""Workers killed in the middle of sending: nobody gets two messages, and nobody is lost silently.

The whole of it, 50 kills in runs of 50 messages, is `make kills`; its figures are in docs/guarantees.md.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.bots.kills import MOMENTS, VICTIMS, carry_out, plan_of

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="workers are killed amid messages"),
]


def test_kills_while_sending_double_nobody_and_lose_nobody(tmp_path: Path) -> None:
    """The sender, the worker and the supervisor each die once; whoever has no message is named by the result."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    figures = carry_out(kills=len(VICTIMS), messages=5, seed=seed, folder=tmp_path)
    print(figures)
    assert (figures.doubled, figures.lost_silently, figures.failed) == ([], [], 0)
    assert (sum(figures.kills.values()), figures.imports) == (len(VICTIMS), 1)
    assert figures.messages == figures.sent + figures.unknown - figures.unknown_received == 5 * len(VICTIMS)


def test_each_moment_meets_each_victim_with_and_without_an_import_in_between() -> None:
    """Within the rounds of `make kills`."""
    plans = [plan_of(number, 1) for number in range(50)]
    assert len({(plan.moment, plan.victim) for plan in plans}) == len(MOMENTS) * len(VICTIMS)
    assert len({(plan.moment, plan.imports) for plan in plans}) == 2 * len(MOMENTS)
    assert len({(plan.victim, plan.imports) for plan in plans}) == 2 * len(VICTIMS)
