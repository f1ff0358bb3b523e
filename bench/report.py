"""Tables and plots of what is stored: `python -m bench render`. Nothing is measured here."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.rig import ROOT, peer_python
from bench.sections import SECTIONS, headlines
from bench.store import RESULTS, load

PAGE = ROOT / "bench" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- measured: written by `make bench` -->", "<!-- /measured -->"


def render(folder: Path = RESULTS, page: Path = PAGE, readme: Path = README) -> None:
    """Writes the page, the README's few figures, and the plots.

    Args:
        folder: where the results are.
        page: where the tables go.
        readme: its part between two marks is replaced; left alone if it has none.
    """
    stored = {name: load(name, folder) for name, _, _ in SECTIONS}
    lines = ["# Measured", "", *introduction([data for data in stored.values() if data])]
    for name, title, table in SECTIONS:
        data = stored[name]
        if data is not None:
            lines += ["", f"## {title}", "", *circumstances(data), "", *table(data)]
            lines += [f"{who} could not be measured: `{why[-200:]}`" for who, why in data["failed"].items()]
    page.write_text("\n".join(lines) + "\n")
    _into_readme(readme, headlines(stored))
    if Path(peer_python()).exists():
        subprocess.run([peer_python(), str(ROOT / "bench" / "plots.py"), str(folder)], check=True)
    print(f"Written: {page}")


def introduction(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """What all have in common."""
    if not measured:
        return ["Nothing was measured yet: `make bench`."]
    machine = measured[-1]["machine"]
    versions = {name: version for data in measured for name, version in data["versions"].items() if name != "ours"}
    return [
        "Written by `make bench`; do not edit. [docs/performance.md](../docs/performance.md) says how it is measured "
        "and what was tried.",
        "",
        f"Machine: {machine['cpu']}, {machine['memory']}, {machine['system']}, Python {machine['python']}; "
        f"{machine['server']} on loopback, append-only file synced every second, one server for each contender.",
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".",
        "",
        "Each figure is the median of the rounds, with the least and the most behind it. All contenders take their "
        "turn in each round, so that other load hits all. Ratios say how many times better ours is; below 1, worse.",
    ]


def circumstances(data: Mapping[str, Any]) -> list[str]:
    """When and under what load a suite was measured."""
    loads = [one["load_before"] for parts in data["results"].values() for many in parts.values() for one in many]
    calm = "" if not loads or max(loads) < 4 else " **Other work was going on; these figures are not the final ones.**"
    return [
        f"Ended {data['ended']} UTC; {data['rounds']} rounds; load average at the start {data['load_at_start'][0]}, "
        f"before each measurement {min(loads, default=0)}–{max(loads, default=0)} (some of it the measuring itself)."
        f"{calm} Ours: `{data['versions']['ours']}`."
    ]


def _into_readme(readme: Path, lines: Sequence[str]) -> None:
    text = readme.read_text()
    if BEGIN in text and END in text and lines:
        head, _, rest = text.partition(BEGIN)
        tail = rest.partition(END)[2]
        readme.write_text("\n".join([head + BEGIN, *lines, END]) + tail)
