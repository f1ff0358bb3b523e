"""Draws what is stored, as SVG beside it: `plots.py FOLDER`, with the peers' Python, which has matplotlib."""

# mypy: ignore-errors
from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

OURS, OTHERS = "#d1495b", ["#30638e", "#66a182", "#edae49", "#8d6a9f", "#5c6b73", "#9fb8ad", "#b98b73", "#4d4d4d"]
plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9, "font.family": "sans-serif",
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "axes.axisbelow": True,
    "figure.figsize": (7.2, 3.4), "figure.facecolor": "white", "savefig.bbox": "tight",
})  # fmt: skip


def colours(names):
    """Ours in its own colour."""
    others = iter(OTHERS * 2)
    return {name: OURS if name.startswith("ours") else next(others) for name in names}


def styles(name):
    """Ours with a fork is dashed."""
    return {
        "linestyle": "--" if "fork" in name and name.startswith("ours") else "-",
        "linewidth": 2 if name.startswith("ours") else 1.3,
    }


def lateness(data, axes):
    """Which share of runs started how late."""
    for name, parts in data["results"].items():
        late = sorted(max(0.1, ms) for one in parts["idle"] for ms in one["late_ms"])
        share = [100 * (n + 1) / len(late) for n in range(len(late))]
        axes.step(late, share, label=name, color=colours(data["results"])[name], **styles(name))
    axes.set(xscale="log", xlabel="start after the due instant, ms (early ones at 0.1)", ylabel="% of runs")
    axes.set_title("Lateness of runs on an idle service")


def stampede(data, axes):
    """How many were enqueued by when."""
    size = list(next(iter(data["results"].values())))[-1]
    for name, parts in data["results"].items():
        if size not in parts:
            continue
        middle = sorted(parts[size], key=lambda one: one["enqueued_per_second"])[len(parts[size]) // 2]
        seconds, found = zip(*middle["curve"], strict=True)
        axes.plot(
            [max(0.01, s) for s in seconds], found, label=name, color=colours(data["results"])[name], **styles(name)
        )
    axes.set(xscale="log", xlabel="seconds after the instant", ylabel="jobs enqueued")
    axes.set_title(f"{int(size):,} jobs due at one instant")


def workers(data, axes):
    """Bars, one process and two."""
    names = list(data["results"])
    for offset, count in ((0.2, "1"), (-0.2, "2")):
        rates = [
            statistics.median([o["runs_per_second"] for o in data["results"][n].get(count, [])] or [0]) for n in names
        ]
        places = [-n + offset for n in range(len(names))]
        bars = axes.barh(places, rates, height=0.38, alpha=1 if count == "1" else 0.6,
                         color=[colours(names)[name] for name in names])  # fmt: skip
        axes.bar_label(bars, [f" {rate:,.0f}" for rate in rates], fontsize=8)
    axes.set_yticks([-n for n in range(len(names))], names)
    axes.set(xlabel="no-op runs a second; above one worker process, below two")
    axes.set_title("Runs a second, each with the record that its system keeps")


def scale(data, figure):
    """Three curves over the number of jobs."""
    (parts,) = data["results"].values()
    wanted = (("scheduler_cpu_percent", "scheduler's CPU, %"), ("tick_ms", "tick, ms"), ("api_p99_ms", "API p99, ms"))
    for number, (name, title) in enumerate(wanted):
        axes = figure.add_subplot(1, 3, number + 1)
        rates = sorted({rounds[0]["due_per_second"] for rounds in parts.values()})
        for rate, colour in zip(rates, [OTHERS[4], OTHERS[0], OTHERS[2], OURS], strict=False):
            points = sorted((rounds[0]["jobs"], statistics.median([one[name] for one in rounds]))
                            for rounds in parts.values() if rounds[0]["due_per_second"] == rate)  # fmt: skip
            if not (rate == 0 and name == "tick_ms"):
                axes.plot(
                    *zip(*points, strict=True), marker="o", markersize=3, color=colour, label=f"{rate:,} due a second"
                )
        axes.set(xscale="log", xlabel="jobs", title=title, ylim=(0, None))
        if number == 0:
            axes.legend(frameon=False, fontsize=7)


def soak(data, figure):
    """Over time."""
    (parts,) = data["results"].values()
    looks = next(iter(parts.values()))[0]["looks"]
    minutes = [one["seconds"] / 60 for one in looks]
    wanted = (
        ("memory, MiB", [name for name in looks[0] if name.endswith("_mib")]),
        ("keys in Redis", ["keys"]), ("lateness, ms", ["late_p50_ms", "late_p99_ms"]),
    )  # fmt: skip
    for number, (title, names) in enumerate(wanted):
        axes = figure.add_subplot(1, 3, number + 1)
        for name, colour in zip(names, [OURS, *OTHERS], strict=False):
            axes.plot(minutes, [one[name] for one in looks], label=name.rsplit("_", 1)[0], color=colour)
        axes.set(xlabel="minutes", title=title, ylim=(0, None))
        if len(names) > 1:
            axes.legend(frameon=False, fontsize=7)


def main(folder):
    """Draws each suite that there are results of."""
    for draw in (lateness, stampede, workers, scale, soak):
        path = folder / f"{draw.__name__}.json"
        if not path.exists():
            continue
        data = json.loads(path.read_text())
        wide = draw in (scale, soak)
        figure = plt.figure(figsize=(9.5, 3) if wide else None, layout="constrained" if wide else None)
        if wide:
            draw(data, figure)
        else:
            axes = figure.add_subplot()
            draw(data, axes)
            if draw is not workers:
                axes.legend(frameon=False, fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
