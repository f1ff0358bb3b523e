"""The short form of `python -m tests.chaos`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.chaos.__main__ import run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow(reason="everything is killed again and again"),
]

SEED = int(os.environ.get("SEED") or random.randrange(1_000_000))


def test_whatever_dies_whenever_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Every named point is visited, faults of every kind happen, and the audit finds each occurrence once."""
    print(f"SEED={SEED}")
    report = run(tmp_path, 35, SEED, (1.0, 3.0), print)
    print(report.line())
    assert report.problems() == []
    assert report.found.checked > 200
    assert report.found.accounted > 200
