"""Ratios of ours to another revision of ours, printed once a suite has measured both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.contenders import BEFORE
from bench.store import ratios

FIGURES: Mapping[str, bool] = {
    "enqueued_per_second": True, "runs_per_second": True, "p50_ms": False, "p99_ms": False, "cpu_ms_per_job": False,
    "cpu_ms_per_run": False, "redis_cpu_ms_per_job": False, "redis_cpu_ms_per_run": False, "longest_call_ms": False,
    "all_seconds": False, "api_p99_ms": False, "bytes_per_job": False, "bytes_per_run": False, "memory_mib": False,
}  # fmt: skip
"""The figures of which ratios are told, and whether more is better."""


def told_ratios(results: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> list[str]:
    """Says of each figure how many times better ours was than the other revision, round by round."""
    name = next((one for one in results if one.startswith(BEFORE)), None)
    if name is None:
        return []
    own, lines = next(iter(results.values())), []
    for part, theirs in results[name].items():
        for figure, more_is_better in FIGURES.items():
            if part in own and figure in theirs[0]:
                pair = [[one[figure] for one in rounds] for rounds in (own[part], theirs)]
                lines.append(f"{name}: {part}, {figure}: {ratios(*(pair if more_is_better else pair[::-1]))}")
    return [line for line in lines if not line.endswith(": ")]
