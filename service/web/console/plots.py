"""Plots of the duration and lateness of a job's runs, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from service.web.console.formatting import duration, plural
from service.web.console.history.job_zone import JobZone

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 170, 64, 10, 22
"""In units of the plot: its size, and the room for the scale on the left and the times below."""
_STEPS_MS = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000,
    600_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """One run's bar: its place, its status, and its tooltip."""

    x: float
    y: float
    width: float
    height: float
    status: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of runs, the oldest on the left.

    Args:
        title: The measure's name.
        summary: The plot in a sentence, for screen readers.
        bars: The runs.
        lines: The grid: y, text.
        first: The first run's time.
        last: The last run's time.
        width: The plot's width.
        height: The plot's height.
        left: The x of the first bar's left side.
        floor: The y of the bars' lower side.
    """

    title: str
    summary: str
    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, str], ...]
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM


def plot(title: str, measure: str, runs: Sequence[Mapping[str, Any]], zone: JobZone) -> Plot | None:
    """Plot one measure of runs.

    Args:
        title: The measure's name.
        measure: `duration_ms` or `lateness_ms`.
        runs: Runs, newest first.
        zone: The job's zone, in which times are written.

    Returns:
        The plot. None if no run has the measure.
    """
    known = [run for run in reversed(runs) if run[measure] is not None]
    if not known:
        return None
    values = [int(run[measure]) for run in known]
    step, top = _scale(max(values))
    floor = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT) / max(len(known), 20)

    def height(value: float) -> float:
        return round((floor - TOP) * value / top, 1)

    bars = tuple(
        Bar(
            x=round(LEFT + slot * index + slot * 0.1, 1),
            y=floor - max(height(value), 1.5),
            width=round(slot * 0.8, 1),
            height=max(height(value), 1.5),
            status=run["status"],
            tooltip=f"{zone(run['started_at'])}: {duration(value)}, {run['status']}",
        )
        for index, (run, value) in enumerate(zip(known, values, strict=True))
    )
    lines = tuple((floor - height(mark), duration(mark)) for mark in range(0, top + 1, step))
    summary = (
        f"{title} of the last {plural(len(known), 'run')}: median {duration(median(values))}, "
        f"maximum {duration(max(values))}."
    )
    return Plot(title, summary, bars, lines, zone(known[0]["started_at"]), zone(known[-1]["started_at"]))


def _scale(highest: int) -> tuple[int, int]:
    """Return the step between the grid's lines and the highest line, for three or four lines at round times."""
    step = next((step for step in _STEPS_MS if step * 4 >= highest), 86_400_000 * math.ceil(highest / 345_600_000))
    return step, step * max(1, math.ceil(highest / step))
